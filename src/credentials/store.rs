//! Where the Partner Center refresh token is kept: a secret of a Key Vault, or a file only its owner reads.

mod file;

use std::path::PathBuf;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

pub(crate) use file::FileError;

use crate::failure::{Classify, Disposition};
use crate::upstream::key_vault::{KeyVault, KeyVaultError};

/// Where the deployment keeps the client secret in the vault.
const CLIENT_SECRET: &str = "partner-center-client-secret";

/// A place for one refresh token.
#[derive(Clone)]
pub(super) enum Store {
    /// A secret of a vault.
    KeyVault {
        /// The vault.
        vault: KeyVault,
        /// The secret's name.
        name: String,
    },
    /// A file.
    File(PathBuf),
}

/// A refresh token as it is kept.
pub(super) struct Stored {
    /// The token.
    pub(super) token: SecretString,
    /// When it was put there, if the place tells.
    pub(super) since: Option<Timestamp>,
}

/// Why the place did not give or take the token.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    #[error("using secret {name:?} of the key vault")]
    KeyVault {
        name: String,
        #[source]
        source: KeyVaultError,
    },
    #[error("using the file of PARTNER_CENTER_REFRESH_TOKEN_FILE")]
    File(#[source] FileError),
}

impl Store {
    /// The token that is kept now.
    pub(super) async fn read(&self) -> Result<Stored, StoreError> {
        match self {
            Self::KeyVault { vault, name } => {
                let secret = vault.secret(name).await;
                let secret = secret.map_err(|source| StoreError::KeyVault {
                    name: name.clone(),
                    source,
                })?;
                Ok(Stored {
                    token: bare(&secret.value),
                    since: secret.updated,
                })
            }
            Self::File(path) => file::read(path.clone()).await.map_err(StoreError::File),
        }
    }

    /// When the client secret ends, if it lies in the same vault and its end was noted there.
    pub(super) async fn end_of(&self, client_secret: &SecretString) -> Option<Timestamp> {
        let Self::KeyVault { vault, .. } = self else {
            return None;
        };
        let kept = vault.secret(CLIENT_SECRET).await.ok()?;
        // Another one than is in use says nothing about it.
        let is_used = bare(&kept.value).expose_secret() == client_secret.expose_secret();
        kept.expires.filter(|_| is_used)
    }

    /// Whether a token can be kept there, as far as that is seen without keeping one: the vault can be read, whether it has
    /// one or not; the file's folder can be written to.
    pub(super) async fn is_ready(&self) -> Result<(), StoreError> {
        match self {
            Self::KeyVault { vault, name } => match vault.secret(name).await {
                Ok(_) | Err(KeyVaultError::NotFound) => Ok(()),
                Err(source) => Err(StoreError::KeyVault {
                    name: name.clone(),
                    source,
                }),
            },
            Self::File(path) => file::is_ready(path.clone()).await.map_err(StoreError::File),
        }
    }

    /// Keeps `token` in place of the one kept now, if there is one.
    pub(super) async fn write(&self, token: &SecretString) -> Result<(), StoreError> {
        match self {
            Self::KeyVault { vault, name } => {
                let set = vault.set_secret(name, token).await;
                set.map_err(|source| StoreError::KeyVault {
                    name: name.clone(),
                    source,
                })
            }
            Self::File(path) => {
                let write = file::write(path.clone(), token.clone());
                write.await.map_err(StoreError::File)
            }
        }
    }
}

/// The token without the line break that editors and shells leave behind it.
fn bare(kept: &SecretString) -> SecretString {
    SecretString::from(kept.expose_secret().trim())
}

impl Classify for StoreError {
    fn disposition(&self) -> Disposition {
        match self {
            Self::KeyVault { source, .. } => source.disposition(),
            Self::File(_) => Disposition::Misconfigured,
        }
    }
}
