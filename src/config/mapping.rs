//! `MAPPING_FILE`: rules of the mapping that are laid over the default ones.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Settings;
use crate::mapping::{Mapping, file};

/// No file of rules is longer.
const LONGEST: u64 = 256 * 1024;

/// The file with the customer's own rules, and what is wrong with it. A wrong one is no reason not to start: the
/// default rules are in force then, and it is said wherever somebody looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MappingFile {
    /// Where it is, if there is to be one.
    pub path: Option<PathBuf>,
    /// What is wrong with it, one sentence each, with its line.
    pub problems: Vec<String>,
}

/// The rules in force, and where they come from.
pub(super) fn read(settings: &mut Settings<'_>) -> (Arc<Mapping>, MappingFile) {
    let shipped = Arc::clone(Mapping::shipped());
    let Some(path) = settings.optional::<PathBuf>("MAPPING_FILE") else {
        return (shipped, MappingFile::default());
    };
    let (mapping, problems) = match load(&path) {
        Ok(mapping) => (Arc::new(mapping), Vec::new()),
        Err(problems) => (shipped, problems),
    };
    let path = Some(path);
    (mapping, MappingFile { path, problems })
}

/// The rules in the file at `path`, or all that is wrong with it, one sentence each.
pub fn load(path: &Path) -> Result<Mapping, Vec<String>> {
    let text = text(path).map_err(|problem| vec![problem])?;
    file::read(&text).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn text(path: &Path) -> Result<String, String> {
    let failed = |error| format!("the file {} cannot be read: {error}", path.display());
    let mut content = Vec::new();
    let file = File::open(path).map_err(failed)?;
    let mut limited = file.take(LONGEST + 1);
    limited.read_to_end(&mut content).map_err(failed)?;
    if LONGEST < content.len() as u64 {
        return Err(format!(
            "the file {} has more than {LONGEST} bytes",
            path.display()
        ));
    }
    String::from_utf8(content).map_err(|_| format!("the file {} is not UTF-8", path.display()))
}
