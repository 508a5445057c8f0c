//! A ready `local.settings.json` for a connector that is started by other means, such as `func start`.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

/// The folder, below the current one, that holds the files the settings name.
pub(crate) const FOLDER: &str = ".sandbox";
const FILE: &str = "local.settings.json";
/// The member that marks a file as ours to replace. The Functions tools ignore members they do not know.
const MARK: &str = "WrittenBy";
const MARK_TEXT: &str = "cargo sandbox: replaced at every start; remove this line to keep the file";

/// Where the settings went.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// Into `local.settings.json`, which did not exist or was ours.
    InPlace(PathBuf),
    /// Beside it, because the file there is somebody else's.
    Beside {
        /// The file that was left alone.
        kept: PathBuf,
        /// The file that was written.
        written: PathBuf,
    },
}

/// Writes the settings below `folder`. Files they name that lie in `passing`, which goes with the sandbox, are
/// copied to [`FOLDER`], and the settings name the copies.
pub(crate) fn write(
    folder: &Path,
    passing: &Path,
    settings: &BTreeMap<String, String>,
) -> Result<Written> {
    let files = folder.join(FOLDER);
    std::fs::create_dir_all(&files).with_context(|| format!("make {}", files.display()))?;
    let mut values = Map::from_iter([("FUNCTIONS_WORKER_RUNTIME".to_owned(), json!("custom"))]);
    for (name, value) in settings {
        values.insert(name.clone(), json!(kept(value, passing, &files)?));
    }
    let text = serde_json::to_string_pretty(
        &json!({ "IsEncrypted": false, MARK: MARK_TEXT, "Values": values }),
    )
    .context("write the settings as JSON")?;
    let wanted = folder.join(FILE);
    let written = if is_ours(&wanted)? {
        wanted.clone()
    } else {
        files.join(FILE)
    };
    std::fs::write(&written, text + "\n")
        .with_context(|| format!("write {}", written.display()))?;
    Ok(if written == wanted {
        Written::InPlace(wanted)
    } else {
        Written::Beside {
            kept: wanted,
            written,
        }
    })
}

/// The value, or the copy of the file it names.
fn kept(value: &str, passing: &Path, files: &Path) -> Result<String> {
    let path = Path::new(value);
    let Some(name) = path
        .file_name()
        .filter(|_| path.starts_with(passing) && path.is_file())
    else {
        return Ok(value.to_owned());
    };
    let copy = files.join(name);
    std::fs::copy(path, &copy).with_context(|| format!("copy {value} to {}", copy.display()))?;
    let copy = std::fs::canonicalize(&copy).with_context(|| format!("find {}", copy.display()))?;
    Ok(copy.to_string_lossy().into_owned())
}

/// Whether the file is missing or bears our mark. One that cannot be parsed is somebody's.
fn is_ours(path: &Path) -> Result<bool> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
        Ok(text) => {
            Ok(serde_json::from_str(&text).is_ok_and(|json: Value| json.get(MARK).is_some()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_into(folder: &Path, value: &str) -> Written {
        let settings = BTreeMap::from([("A_SETTING".to_owned(), value.to_owned())]);
        write(folder, Path::new("/nowhere"), &settings).unwrap()
    }

    fn values(path: &Path) -> Value {
        let json: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        json["Values"].clone()
    }

    #[test]
    fn a_file_of_the_sandbox_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        for value in ["one", "two"] {
            assert_eq!(
                write_into(folder.path(), value),
                Written::InPlace(path.clone())
            );
            assert_eq!(values(&path)["A_SETTING"], value);
        }
        assert_eq!(values(&path)["FUNCTIONS_WORKER_RUNTIME"], "custom");
    }

    #[test]
    fn a_file_of_somebody_else_is_left_alone() {
        for theirs in ["{\"Values\":{}}", "not JSON", ""] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(FILE);
            std::fs::write(&path, theirs).unwrap();
            let beside = folder.path().join(FOLDER).join(FILE);
            let expected = Written::Beside {
                kept: path.clone(),
                written: beside.clone(),
            };
            assert_eq!(write_into(folder.path(), "mine"), expected);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), theirs);
            assert_eq!(values(&beside)["A_SETTING"], "mine");
        }
    }

    #[test]
    fn files_that_go_with_the_sandbox_are_kept() {
        let (folder, passing) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = passing.path().join("ca.pem");
        std::fs::write(&file, "a certificate").unwrap();
        let settings =
            BTreeMap::from([("OUTBOUND_CA_FILE".to_owned(), file.display().to_string())]);
        write(folder.path(), passing.path(), &settings).unwrap();
        drop(passing);
        let named = values(&folder.path().join(FILE))["OUTBOUND_CA_FILE"].clone();
        assert_eq!(
            std::fs::read_to_string(named.as_str().unwrap()).unwrap(),
            "a certificate"
        );
    }
}
