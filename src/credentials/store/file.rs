//! A refresh token in a file, for local work.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::Stored;

/// No refresh token is longer; a larger file is something else.
const LIMIT: u64 = 64 * 1024;

/// Why the file did not give or take the token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("{} cannot be {verb}", path.display())]
    Io {
        path: PathBuf,
        verb: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("{} has mode {mode:04o}, so others can read it: run chmod 600 on it", path.display())]
    Open { path: PathBuf, mode: u32 },
    #[error("{} holds no refresh token: consent, and store the token there", path.display())]
    Empty { path: PathBuf },
}

/// The token in the file at `path`.
pub(super) async fn read(path: PathBuf) -> Result<Stored, FileError> {
    blocking(move || read_now(&path)).await
}

/// Whether a token could be put into the file at `path`, which need not be there.
pub(super) async fn is_ready(path: PathBuf) -> Result<(), FileError> {
    blocking(move || {
        try_now(&path).map_err(|source| FileError::Io {
            path,
            verb: "written",
            source,
        })
    })
    .await
}

/// Puts `token` into the file at `path`, whole or not at all; its mode stays, and a new one is its owner's alone.
pub(super) async fn write(path: PathBuf, token: SecretString) -> Result<(), FileError> {
    blocking(move || {
        write_now(&path, &token).map_err(|source| FileError::Io {
            path,
            verb: "replaced",
            source,
        })
    })
    .await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work)
        .await
        .expect("file work does not panic, and runs while the runtime does")
}

fn read_now(path: &Path) -> Result<Stored, FileError> {
    let failed = |source| FileError::Io {
        path: path.to_owned(),
        verb: "read",
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if let Some(mode) = private::open_to_others(&metadata) {
        return Err(FileError::Open {
            path: path.to_owned(),
            mode,
        });
    }
    let mut text = String::new();
    file.take(LIMIT).read_to_string(&mut text).map_err(failed)?;
    let token = text.trim();
    if token.is_empty() {
        return Err(FileError::Empty {
            path: path.to_owned(),
        });
    }
    let modified = metadata.modified().ok();
    Ok(Stored {
        token: SecretString::from(token),
        since: modified.and_then(|it| Timestamp::try_from(it).ok()),
    })
}

/// Where a draft for `path` goes, which file it is to replace, and with what mode.
fn draft_for(path: &Path) -> io::Result<(PathBuf, PathBuf, u32)> {
    let (path, mode) = match fs::metadata(path) {
        // Through a link, the file it names is replaced, not the link.
        Ok(metadata) if metadata.is_file() => {
            (fs::canonicalize(path)?, private::owners_mode(&metadata))
        }
        Ok(_) => return Err(io::Error::other("it is no file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (path.to_owned(), private::MODE),
        Err(error) => return Err(error),
    };
    let draft = path.with_extension(format!("{}.tmp", Uuid::new_v4()));
    Ok((draft, path, mode))
}

fn try_now(path: &Path) -> io::Result<()> {
    let (draft, _, _) = draft_for(path)?;
    write_draft(&draft, private::MODE, &SecretString::default())?;
    fs::remove_file(draft)
}

fn write_now(path: &Path, token: &SecretString) -> io::Result<()> {
    let (draft, path, mode) = draft_for(path)?;
    let written = write_draft(&draft, mode, token).and_then(|()| fs::rename(&draft, &path));
    if written.is_err() {
        // The first failure is the one to tell; the draft may never have come to be.
        let _ = fs::remove_file(&draft);
    }
    written
}

fn write_draft(draft: &Path, mode: u32, token: &SecretString) -> io::Result<()> {
    let mut file = private::create(draft)?;
    file.write_all(token.expose_secret().as_bytes())?;
    private::keep(&file, mode)?;
    file.sync_all()
}

/// What keeps a file to its owner: its mode.
#[cfg(unix)]
mod private {
    use std::fs::{File, Metadata, OpenOptions, Permissions};
    use std::io;
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    use std::path::Path;

    /// The mode of a new file: the owner reads and writes it.
    pub(super) const MODE: u32 = 0o600;

    /// The mode, if it lets others in.
    pub(super) fn open_to_others(metadata: &Metadata) -> Option<u32> {
        let mode = metadata.permissions().mode() & 0o7777;
        (mode & 0o077 != 0).then_some(mode)
    }

    /// What the owner may do with a file.
    pub(super) fn owners_mode(metadata: &Metadata) -> u32 {
        metadata.permissions().mode() & 0o7700
    }

    /// A new file that nobody else can open.
    pub(super) fn create(path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(MODE).open(path)
    }

    /// Gives `file` this mode.
    pub(super) fn keep(file: &File, mode: u32) -> io::Result<()> {
        file.set_permissions(Permissions::from_mode(mode))
    }
}

/// What keeps a file to its owner: the access list of its folder, which new files inherit.
#[cfg(not(unix))]
mod private {
    use std::fs::{File, Metadata, OpenOptions};
    use std::io;
    use std::path::Path;

    /// Not looked at.
    pub(super) const MODE: u32 = 0;

    /// Nothing that could be seen here.
    pub(super) fn open_to_others(_: &Metadata) -> Option<u32> {
        None
    }

    /// Not looked at.
    pub(super) fn owners_mode(_: &Metadata) -> u32 {
        MODE
    }

    /// A new file.
    pub(super) fn create(path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).open(path)
    }

    /// The list came with the folder.
    pub(super) fn keep(_: &File, _: u32) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn token_file(mode: u32, text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("refresh-token");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[tokio::test]
    async fn a_private_file_gives_its_token_without_the_line_end() {
        let (_folder, path) = token_file(0o600, "0.AXEA-token\n");
        let stored = read(path).await.unwrap();
        assert_eq!(stored.token.expose_secret(), "0.AXEA-token");
        let age = Timestamp::now().duration_since(stored.since.unwrap());
        assert!(age.as_secs() < 60);
    }

    #[tokio::test]
    async fn a_file_that_others_can_read_is_refused_with_the_cure() {
        for mode in [0o640, 0o604, 0o644, 0o620] {
            let (_folder, path) = token_file(mode, "secret-token");
            let error = read(path).await.err().unwrap();
            let text = error.to_string();
            assert!(text.contains(&format!("{mode:04o}")) && text.contains("chmod 600"));
            assert!(!format!("{error:?}").contains("secret-token"));
        }
    }

    #[tokio::test]
    async fn a_missing_or_empty_file_says_so() {
        let (folder, path) = token_file(0o600, " \n");
        assert!(matches!(read(path).await, Err(FileError::Empty { .. })));
        let missing = read(folder.path().join("none")).await;
        assert!(matches!(missing, Err(FileError::Io { .. })));
    }

    #[tokio::test]
    async fn a_replaced_file_keeps_its_mode_and_leaves_no_draft() {
        for mode in [0o600, 0o400] {
            let (folder, path) = token_file(mode, "old");
            write(path.clone(), SecretString::from("new"))
                .await
                .unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), "new");
            let after = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(after & 0o7777, mode);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_is_made_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("refresh-token");
        is_ready(path.clone()).await.unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        write(path.clone(), SecretString::from("new"))
            .await
            .unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        assert_eq!(read(path).await.unwrap().token.expose_secret(), "new");
    }

    #[tokio::test]
    async fn a_place_that_takes_no_file_says_so_beforehand() {
        let folder = tempfile::tempdir().unwrap();
        for path in [
            folder.path().to_owned(),
            folder.path().join("no-such-folder/refresh-token"),
        ] {
            let error = is_ready(path).await.unwrap_err();
            assert!(error.to_string().contains("cannot be written"));
        }
    }

    #[tokio::test]
    async fn a_link_to_the_file_stays_a_link() {
        let (folder, path) = token_file(0o600, "old");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write(link.clone(), SecretString::from("new"))
            .await
            .unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    }
}
