//! Reads settings one by one and collects what is wrong with them.

use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::table;

/// Reads settings and remembers every problem, so that one start shows them all.
pub struct Settings<'a> {
    get: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<String>,
}

impl<'a> Settings<'a> {
    /// Reads through `get`; an empty value counts as missing, as a blank app setting means it.
    pub fn new(get: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            get,
            problems: Vec::new(),
        }
    }

    /// What is wrong, one sentence a setting.
    pub fn into_problems(self) -> Vec<String> {
        self.problems
    }

    /// Records that `key` is wrong because of `why`.
    pub fn problem(&mut self, key: &str, why: impl Display) {
        self.problems.push(format!("{key}: {why}"));
    }

    /// The text of `key`, or its default from the table.
    pub fn text(&self, key: &str) -> Option<String> {
        let setting = table::find(key);
        (self.get)(key)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
            .or_else(|| setting.default.map(str::to_owned))
    }

    /// The value of `key`; missing is no problem.
    pub fn optional<T: FromStr<Err: Display>>(&mut self, key: &str) -> Option<T> {
        let text = self.text(key)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(key, format_args!("{text:?} cannot be used: {error}"));
                None
            }
        }
    }

    /// The value of `key`. `None` means a problem was recorded.
    pub fn required<T: FromStr<Err: Display>>(&mut self, key: &str) -> Option<T> {
        if self.text(key).is_none() {
            self.missing(key);
            return None;
        }
        self.optional(key)
    }

    /// The value of `key`, which no message will ever repeat.
    pub fn secret(&mut self, key: &str) -> Option<SecretString> {
        let text = self.text(key);
        if text.is_none() {
            self.missing(key);
        }
        text.map(SecretString::from)
    }

    /// The comma separated values of `key`.
    pub fn list<T: FromStr<Err: Display>>(&mut self, key: &str) -> Option<Vec<T>> {
        let text = self.text(key).unwrap_or_default();
        let mut values = Vec::new();
        let mut sound = true;
        for part in text.split(',').map(str::trim).filter(|it| !it.is_empty()) {
            match part.parse() {
                Ok(value) => values.push(value),
                Err(error) => {
                    self.problem(key, format_args!("{part:?} cannot be used: {error}"));
                    sound = false;
                }
            }
        }
        sound.then_some(values)
    }

    /// The `https` address of `key`, without user, query or fragment, and with no slash at its end.
    pub fn https_url(&mut self, key: &str) -> Option<Url> {
        let mut url: Url = self.required(key)?;
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if url.scheme() != "https" || !plain {
            self.problem(key, "has to be a plain https:// address");
            return None;
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Some(url)
    }

    /// The `https` address of `key`, which no message will ever repeat: its query holds a key.
    pub fn secret_https_url(&mut self, key: &str) -> Option<SecretString> {
        let secret = self.secret(key)?;
        let usable = Url::parse(secret.expose_secret()).is_ok_and(|url| {
            let names_nobody = url.username().is_empty() && url.password().is_none();
            url.scheme() == "https" && names_nobody && url.fragment().is_none()
        });
        if !usable {
            self.problem(
                key,
                "has to be an https:// address without a user and without a `#`",
            );
        }
        usable.then_some(secret)
    }

    /// The PEM of `key`: the setting is the text itself or the path of a file.
    pub fn pem(&mut self, key: &str) -> Option<Vec<u8>> {
        let text = self.text(key)?;
        if text.contains("-----BEGIN ") {
            // Portals and JSON files tend to keep the two characters `\n` where a line ended.
            return Some(text.replace("\\n", "\n").into_bytes());
        }
        self.file(key, Path::new(&text))
    }

    /// The bytes of the file that `key` names.
    pub fn file(&mut self, key: &str, path: &Path) -> Option<Vec<u8>> {
        match std::fs::read(path) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.problem(
                    key,
                    format_args!("the file {} cannot be read: {error}", path.display()),
                );
                None
            }
        }
    }

    fn missing(&mut self, key: &str) {
        let purpose = table::find(key).purpose;
        self.problem(key, format_args!("is not set ({purpose})"));
    }
}
