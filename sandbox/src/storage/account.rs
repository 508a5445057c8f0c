//! One storage account in Azurite: its name, its key, and where it is.

use std::fmt;

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use openssl::rand::rand_bytes;
use url::Url;

/// The bytes of an account's key.
const KEY_LENGTH: usize = 64;

/// A name and a key.
#[derive(Clone)]
pub(crate) struct Credentials {
    name: String,
    key: Vec<u8>,
}

impl Credentials {
    /// Account `number` of an Azurite process, with a key nobody knows.
    pub(crate) fn generate(number: usize) -> anyhow::Result<Self> {
        let mut key = vec![0; KEY_LENGTH];
        rand_bytes(&mut key).context("make an account's key")?;
        Ok(Self {
            name: format!("sandbox{number:03}"),
            key,
        })
    }

    /// `name:key`.
    pub(crate) fn as_azurite_reads_them(&self) -> String {
        format!("{}:{}", self.name, STANDARD.encode(&self.key))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

/// One account of a running Azurite, which nobody else uses.
#[derive(Clone, Debug)]
pub struct Account {
    credentials: Credentials,
    blobs: Url,
    queues: Url,
}

impl Account {
    pub(crate) fn new(credentials: Credentials, blobs: &Url, queues: &Url) -> Self {
        Self {
            credentials,
            blobs: blobs.clone(),
            queues: queues.clone(),
        }
    }

    /// The account's name, the first segment of every path.
    pub fn name(&self) -> &str {
        &self.credentials.name
    }

    /// The account's key, in base64 as a connection string has it.
    pub fn key(&self) -> String {
        STANDARD.encode(&self.credentials.key)
    }

    /// Where Azurite itself serves blobs, without the account's name.
    pub(crate) fn blobs(&self) -> &Url {
        &self.blobs
    }

    /// Where Azurite itself serves queues, without the account's name.
    pub(crate) fn queues(&self) -> &Url {
        &self.queues
    }

    /// The connection string with which a client finds blobs and queues below these addresses.
    pub(crate) fn connection_string(&self, blobs: &Url, queues: &Url) -> String {
        let (name, key) = (self.name(), self.key());
        format!(
            "DefaultEndpointsProtocol=http;AccountName={name};AccountKey={key};\
             BlobEndpoint={blobs}{name};QueueEndpoint={queues}{name};"
        )
    }
}
