//! What `func azure functionapp publish` would send to Azure.

use std::fs;
use std::path::Path;

use sandbox::host::funcignore::FuncIgnore;

use crate::rig::APP_ROOT;

/// Everything the host needs, and nothing besides.
const PACKAGE: [&str; 6] = [
    "ReferralReconcile/function.json",
    "ReferralRetry/function.json",
    "ReferralWebhook/function.json",
    "TokenRenewal/function.json",
    "host.json",
    "referral-connector",
];

fn rules() -> FuncIgnore {
    FuncIgnore::parse(&fs::read_to_string(Path::new(APP_ROOT).join(".funcignore")).unwrap())
        .unwrap()
}

#[test]
fn of_this_repository_the_package_takes_the_hosts_own_files_alone() {
    let root = Path::new(APP_ROOT);
    assert!(
        root.join("sandbox").is_dir() && root.join("tests").is_dir() && root.join("src").is_dir()
    );
    let mut packed = rules().packed(root).unwrap();
    // The program lies at the root only while somebody is publishing.
    packed.retain(|path| path != "referral-connector");
    assert_eq!(packed, PACKAGE[..5]);
}

#[test]
fn whatever_lies_around_while_publishing_stays_behind() {
    let folder = tempfile::tempdir().unwrap();
    for path in PACKAGE.into_iter().chain([
        ".cargo/config.toml",
        ".env",
        ".github/workflows/ci.yml",
        "Cargo.lock",
        "ReferralWebhook/notes.md",
        "TokenRenewal/run.csx",
        "docs/host.json",
        "local.settings.json",
        "local.settings.json.example",
        "node_modules/referral-connector/host.json",
        "refresh-token",
        "sandbox/host.json",
        "src/referral-connector",
        "target/debug/referral-connector",
        "target/release/referral-connector",
        "target/x86_64-unknown-linux-musl/release/referral-connector",
        "tests/TokenRenewal/function.json",
        "trace.log",
    ]) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    assert_eq!(rules().packed(folder.path()).unwrap(), PACKAGE);
}

#[test]
fn the_package_holds_the_program_that_the_host_starts() {
    let text = fs::read_to_string(Path::new(APP_ROOT).join("host.json")).unwrap();
    let host: serde_json::Value = serde_json::from_str(&text).unwrap();
    let named = host["customHandler"]["description"]["defaultExecutablePath"]
        .as_str()
        .unwrap();
    // The publishing tool makes exactly this name executable; a path with `./` before it would stay without the right.
    assert_eq!(named, "referral-connector");
    assert!(PACKAGE.contains(&named));
}
