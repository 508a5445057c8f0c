//! One storage account in Azurite: its name, its key, and where it is.

use std::{fmt, sync::Arc};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use openssl::rand::rand_bytes;
use url::Url;

use super::azurite::Console;

/// The bytes of an account's key.
const KEY_LENGTH: usize = 64;

/// A name and a key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    name: String,
    key: Vec<u8>,
}

impl Credentials {
    /// As a connection string has them: the key in base64.
    pub(crate) fn new(name: &str, key: &str) -> anyhow::Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            key: STANDARD.decode(key).context("read the account's key")?,
        })
    }

    /// Account `number` of an Azurite process, with a key nobody knows.
    pub(crate) fn generate(number: usize) -> anyhow::Result<Self> {
        let mut key = vec![0; KEY_LENGTH];
        rand_bytes(&mut key).context("make an account's key")?;
        Ok(Self {
            name: format!("sandbox{number:03}"),
            key,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// `name:key`.
    pub(crate) fn as_azurite_reads_them(&self) -> String {
        format!("{}:{}", self.name, STANDARD.encode(&self.key))
    }
}

/// The name alone.
impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

/// An account of a running Azurite, which nobody else uses.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) credentials: Credentials,
    /// Where Azurite itself serves blobs, without the account's name.
    pub(crate) blobs: Url,
    /// Where Azurite itself serves queues, without the account's name.
    pub(crate) queues: Url,
    /// What Azurite tells beside the REST API.
    pub(super) console: Arc<Console>,
}

impl Account {
    /// The account below `service`: its name is the first segment of every path.
    pub(crate) fn below(&self, service: &Url) -> anyhow::Result<Url> {
        let name = self.credentials.name();
        service.join(name).context("write the account's address")
    }

    /// The account's key, as a connection string has it.
    pub(crate) fn key(&self) -> String {
        STANDARD.encode(self.credentials.key())
    }
}
