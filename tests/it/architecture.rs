//! The rules of ARCHITECTURE.md about who may know whom.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file below `src/`, its path with `/`, and its text without tests and comments.
struct Source {
    path: String,
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    assert!(20 < files.len(), "the sources were not found");
    files
        .into_iter()
        .filter(|file| !is_test_support(file))
        .map(|file| Source {
            path: file
                .strip_prefix(&root)
                .unwrap()
                .to_str()
                .unwrap()
                .replace('\\', "/"),
            code: code(&fs::read_to_string(&file).unwrap()),
        })
        .collect()
}

/// Tests, and what only tests use.
fn is_test_support(file: &Path) -> bool {
    let only_for_tests = ["tests.rs", "minting.rs", "hosting.rs"];
    only_for_tests.iter().any(|name| file.ends_with(name))
        || file.components().any(|part| part.as_os_str() == "tests")
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|it| it == "rs") {
            files.push(path);
        }
    }
}

/// `text` up to its test module, without comments.
fn code(text: &str) -> String {
    let production = text.split("#[cfg(test)]\nmod ").next().unwrap();
    production
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .fold(String::new(), |code, line| code + line + "\n")
}

/// Files that `rule` covers and that mention any of `words`.
fn offenders(rule: impl Fn(&str) -> bool, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources().into_iter().filter(|source| rule(&source.path)) {
        for word in words.iter().filter(|word| source.code.contains(**word)) {
            found.push(format!("src/{} mentions {word}", source.path));
        }
    }
    found
}

fn is_module(path: &str, module: &str) -> bool {
    path == format!("{module}.rs") || path.starts_with(&format!("{module}/"))
}

#[test]
fn the_core_knows_no_network() {
    let core = [
        "ids",
        "text",
        "referral",
        "lead",
        "mapping",
        "sync/plan",
        "sync/options",
        "failure",
    ];
    let words = [
        "axum",
        "reqwest",
        "tokio",
        "crate::upstream",
        "hyper",
        "azure_",
    ];
    let found = offenders(
        |path| core.iter().any(|module| is_module(path, module)),
        &words,
    );
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn json_stays_at_the_edges() {
    let edge = |path: &str| {
        path == "event.rs"
            || is_module(path, "server")
            || is_module(path, "cli")
            || path
                .split('/')
                .any(|part| part == "wire.rs" || part == "wire")
    };
    let found = offenders(|path| !edge(path), &["serde"]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn only_two_files_send_requests() {
    let senders = ["upstream/transport.rs", "callback/fetch.rs"];
    let words = ["Client::builder", "RequestBuilder", ".execute("];
    let found = offenders(|path| !senders.contains(&path), &words);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn statuses_stay_with_the_server_and_the_clients() {
    let know = ["server", "upstream", "credentials", "callback/fetch"];
    let found = offenders(
        |path| !know.iter().any(|module| is_module(path, module)),
        &["StatusCode"],
    );
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn only_the_command_line_reads_the_environment_and_prints() {
    let words = ["std::env::var", "println!", "print!(", "io::stdout()"];
    let found = offenders(
        |path| !is_module(path, "cli") && path != "telemetry.rs",
        &words,
    );
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_attack_of_the_documentation_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src/callback", "tests/it"] {
        collect(&root.join(folder), &mut files);
    }
    let tests: String = files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let untested: Vec<_> = (1..=50)
        .filter(|number| !tests.contains(&format!("fn attack_{number}_")))
        .collect();
    assert!(untested.is_empty(), "{untested:?}");
}

#[test]
fn no_file_has_grown_past_four_hundred_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "sandbox/src", "tests", "benches"] {
        collect(&root.join(folder), &mut files);
    }
    let grown: Vec<_> = files
        .into_iter()
        .filter(|file| 400 < fs::read_to_string(file).unwrap().lines().count())
        .collect();
    assert!(grown.is_empty(), "{grown:#?}");
}
