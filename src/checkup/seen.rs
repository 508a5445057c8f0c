//! Where the last delivery said that its certificate is: nothing else tells the address in use.

mod wire;

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::failure::Chain;
use crate::upstream::storage::{Blobs, Presumed, StorageError};

/// The blob.
const NAME: &str = "certificate.json";

/// An address that a genuine delivery named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The certificate's address.
    pub url: String,
    /// When a delivery first named it to this program.
    pub at: Timestamp,
}

/// Remembers the address across restarts. Clones share it.
#[derive(Clone)]
pub struct SeenCertificate {
    blobs: Arc<dyn Blobs>,
    last: Arc<Mutex<Option<String>>>,
}

impl SeenCertificate {
    /// Remembers it among `blobs`.
    pub fn new(blobs: Arc<dyn Blobs>) -> Self {
        Self {
            blobs,
            last: Arc::default(),
        }
    }

    /// A genuine delivery named `url`. Only the first one since the start, and one that differs from the last, is written down, and
    /// nobody waits for that.
    pub fn note(&self, url: &str) {
        {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.as_deref() == Some(url) {
                return;
            }
            *last = Some(url.to_owned());
        }
        let seen = Seen {
            url: url.to_owned(),
            at: Timestamp::now(),
        };
        let blobs = Arc::clone(&self.blobs);
        tokio::spawn(async move {
            let put = blobs.put(NAME, wire::write(&seen), Presumed::Nothing).await;
            if let Err(error) = put {
                tracing::debug!(error = %Chain(&error), "the certificate's address was not written down");
            }
        });
    }

    /// What was written down last; `None` if nothing was, or what is there cannot be read.
    pub async fn read(&self) -> Result<Option<Seen>, StorageError> {
        let blob = self.blobs.get(NAME).await?;
        Ok(blob.and_then(|blob| wire::read(&blob.content)))
    }
}
