//! The settings table in the code, its page in the docs and the example file say the same.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use referral_connector::config::{SETTINGS, Setting, Source};
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn row(setting: &Setting) -> String {
    let default = match setting.default {
        Some(default) => format!("`{default}`"),
        None => "–".to_owned(),
    };
    let mut notes = String::new();
    if setting.secret {
        notes.push_str(" Secret.");
    }
    if setting.source == Source::Host {
        notes.push_str(" Read by the Functions host.");
    }
    format!(
        "| `{}` | {}.{notes} | {default} |",
        setting.name,
        capital(setting.purpose)
    )
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|it| it.to_uppercase().to_string());
    first.unwrap_or_default() + characters.as_str()
}

#[test]
fn the_settings_page_repeats_the_table() {
    let page = std::fs::read_to_string(root().join("docs/settings.md")).unwrap();
    let mut expected = String::new();
    for setting in SETTINGS {
        writeln!(expected, "{}", row(setting)).unwrap();
    }
    let rows: String = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .fold(String::new(), |rows, line| rows + line + "\n");
    assert_eq!(
        rows, expected,
        "docs/settings.md has to hold these rows:\n{expected}"
    );
}

#[test]
fn the_example_file_holds_every_setting_with_its_example() {
    let text = std::fs::read_to_string(root().join("local.settings.json.example")).unwrap();
    let example: Value = serde_json::from_str(&text).unwrap();
    let values: BTreeMap<String, String> =
        serde_json::from_value(example["Values"].clone()).unwrap();
    let mut expected: BTreeMap<String, String> = SETTINGS
        .iter()
        .map(|setting| (setting.name.to_owned(), setting.example.to_owned()))
        .collect();
    expected.insert("FUNCTIONS_WORKER_RUNTIME".to_owned(), "custom".to_owned());
    assert_eq!(values, expected);
    assert_eq!(example["IsEncrypted"], Value::Bool(false));
}

#[test]
fn every_setting_is_read_somewhere() {
    let mut sources = String::new();
    for entry in ["src/config", "src/cli"] {
        for file in std::fs::read_dir(root().join(entry)).unwrap() {
            let path = file.unwrap().path();
            if path.is_file() && !path.ends_with("table.rs") && !path.ends_with("tests.rs") {
                sources += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    sources += &std::fs::read_to_string(root().join("src/config.rs")).unwrap();
    for function in ["ReferralReconcile", "TokenRenewal"] {
        let path = root().join(function).join("function.json");
        sources += &std::fs::read_to_string(path).unwrap();
    }
    for setting in SETTINGS {
        assert!(
            sources.contains(setting.name),
            "{} is read nowhere",
            setting.name
        );
    }
}
