//! Azurite below the target directory, installed from npm by the first process that needs it.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail};

/// What runs Azurite.
pub(super) const NODE: &str = "node";
/// The program that is Azurite, below [`home`].
pub(super) const PROGRAM: &str = "emulator.js";

const NPM: &str = "npm";
/// What is installed, in which versions, and how.
const PINNED: [(&str, &str); 3] = [
    (
        "package.json",
        include_str!("../../../azurite/package.json"),
    ),
    (
        "package-lock.json",
        include_str!("../../../azurite/package-lock.json"),
    ),
    (".npmrc", include_str!("../../../azurite/.npmrc")),
];
/// Present, and equal to what is pinned, once all of it is installed.
const MARK: &str = "installed";

/// The directory with Azurite in it, below the target directory of the build.
pub(super) fn home() -> anyhow::Result<PathBuf> {
    // The target directory, then profile, `build`, the package, `out`.
    let target = Path::new(env!("OUT_DIR")).ancestors().nth(4);
    let home = target.context("find the target directory")?.join("azurite");
    install(&home).with_context(|| format!("install Azurite in {}", home.display()))?;
    Ok(home)
}

fn install(home: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(home)?;
    // Other test processes may want the same at the same time.
    let lock = File::create(home.with_extension("lock"))?;
    lock.lock()?;
    let program = include_str!("../../../azurite/emulator.js");
    write_if_other(&home.join(PROGRAM), program)?;
    let pinned: String = PINNED.iter().map(|(_, text)| *text).collect();
    if holds(&home.join(MARK), &pinned) {
        return Ok(());
    }
    for (name, text) in PINNED {
        fs::write(home.join(name), text)?;
    }
    download(home)?;
    Ok(fs::write(home.join(MARK), pinned)?)
}

fn download(home: &Path) -> anyhow::Result<()> {
    let output = Command::new(NPM)
        .args(["ci", "--loglevel=error"])
        .current_dir(home)
        .output()
        .map_err(|error| not_started(NPM, error))?;
    if !output.status.success() {
        bail!(
            "npm ci failed ({}); it needs the network once. It said:\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

/// What to tell when `program` does not start.
pub(super) fn not_started(program: &str, error: io::Error) -> anyhow::Error {
    let missing = error.kind() == io::ErrorKind::NotFound;
    let context = if missing {
        format!(
            "{program} is not installed: the sandbox's storage needs Node.js 20 or newer with npm"
        )
    } else {
        format!("start {program}")
    };
    anyhow::Error::new(error).context(context)
}

fn holds(file: &Path, text: &str) -> bool {
    fs::read_to_string(file).is_ok_and(|found| found == text)
}

fn write_if_other(file: &Path, text: &str) -> io::Result<()> {
    if holds(file, text) {
        return Ok(());
    }
    fs::write(file, text)
}
