//! The rules of `.funcignore` as Azure Functions Core Tools apply them, which are not those of git.
//!
//! All patterns become one regular expression that is anchored at the start of the path and closed by a word
//! boundary, so `test` drops `test-data/function.json` too and `!handler` admits `handler.debug`. A path is
//! packed when a `!` pattern matches it or no other pattern does; the order of the lines does not matter.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use regex::Regex;

/// The patterns of one file.
#[derive(Debug)]
pub struct FuncIgnore {
    ignored: Option<Regex>,
    admitted: Option<Regex>,
}

/// Folders that are never packed.
const SKIPPED_FOLDERS: [&str; 2] = [".git", ".vscode"];
/// Files that are never packed, in any folder.
const SKIPPED_FILES: [&str; 4] = [
    ".funcignore",
    ".gitignore",
    "local.settings.json",
    "project.lock.json",
];

impl FuncIgnore {
    /// Reads the text of a `.funcignore` file.
    pub fn parse(text: &str) -> Result<Self> {
        let lines = text
            .split('\n')
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let (admitted, ignored): (Vec<&str>, Vec<&str>) =
            lines.partition(|line| line.starts_with('!'));
        let admitted: Vec<&str> = admitted.into_iter().map(|line| &line[1..]).collect();
        Ok(Self {
            ignored: any_of(&ignored)?,
            admitted: any_of(&admitted)?,
        })
    }

    /// Whether a path, relative to the app's folder and written with `/`, goes into the package.
    pub fn packs(&self, path: &str) -> bool {
        let matches = |pattern: &Option<Regex>| {
            pattern
                .as_ref()
                .is_some_and(|pattern| pattern.is_match(path))
        };
        matches(&self.admitted) || !matches(&self.ignored)
    }

    /// Every file below `root` that would go into the package, relative to it and in order.
    pub fn packed(&self, root: &Path) -> Result<Vec<String>> {
        let mut packed = Vec::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for path in entries(&folder)? {
                if path.is_dir() {
                    folders.extend(Some(path).filter(|path| !is_one_of(path, &SKIPPED_FOLDERS)));
                } else if !is_one_of(&path, &SKIPPED_FILES) {
                    packed.extend(Some(relative(&path, root)).filter(|path| self.packs(path)));
                }
            }
        }
        packed.sort();
        Ok(packed)
    }
}

/// What a folder holds; nothing when it has just been deleted, as a build does in its own folder.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        read => read.with_context(|| format!("list {}", folder.display())),
    }
}

fn is_one_of(path: &Path, names: &[&str]) -> bool {
    let name = Path::new(path)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    names
        .iter()
        .any(|skipped| skipped.eq_ignore_ascii_case(&name))
}

fn relative(path: &Path, root: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    relative
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}

fn any_of(patterns: &[&str]) -> Result<Option<Regex>> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let parts: Vec<String> = patterns
        .iter()
        .map(|pattern| translate(pattern.strip_prefix('/').unwrap_or(pattern)))
        .collect();
    // ECMAScript's boundary knows ASCII letters only.
    let whole = format!(r"^(?:({}))(?-u:\b)", parts.join(")|("));
    Ok(Some(
        Regex::new(&whole).context("translate the patterns of .funcignore")?,
    ))
}

/// `**` stands for one or more of any characters, `*` for one or more that are no slash; all else is literal.
fn translate(pattern: &str) -> String {
    let literal = |text: &str| regex::escape(text);
    let within = |text: &str| {
        text.split('*')
            .map(literal)
            .collect::<Vec<_>>()
            .join("([^/]+)")
    };
    pattern
        .split("**")
        .map(within)
        .collect::<Vec<_>>()
        .join("(.+)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_from_the_start_to_a_word_boundary() {
        let rules = FuncIgnore::parse("test\n*.rs\n# comment\n\n").unwrap();
        for dropped in [
            "test",
            "test/a.json",
            "test-webhook/function.json",
            "main.rs",
        ] {
            assert!(!rules.packs(dropped), "{dropped}");
        }
        for packed in ["tests/a.json", "src/main.rs", "a/test", "host.json"] {
            assert!(rules.packs(packed), "{packed}");
        }
    }

    #[test]
    fn an_exception_wins_wherever_it_stands() {
        let rules = FuncIgnore::parse("!handler\n*\n!/webhook/**").unwrap();
        for packed in [
            "handler",
            "handler.debug",
            "webhook/function.json",
            "webhook/a/b",
        ] {
            assert!(rules.packs(packed), "{packed}");
        }
        for dropped in [
            "handlers",
            "src/handler",
            "target/debug/handler",
            ".cargo/config.toml",
        ] {
            assert!(!rules.packs(dropped), "{dropped}");
        }
    }
}
