//! Somebody's webhook that is told of warnings: it takes what is posted to it, and nothing it answers is of interest.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use url::Url;

use super::{Call, CallError, Transport, Upstream, retry};
use crate::config::ReceiverConfig;

/// How long a message may take, with all repeats. Nobody waits for it, but the run that sends it has other work.
const LIMIT: Duration = Duration::from_secs(8);

/// The webhook, cheap to clone.
#[derive(Clone)]
pub struct Receiver {
    url: SecretString,
    transport: Transport,
}

impl Receiver {
    /// The one that `config` names.
    pub fn new(config: &ReceiverConfig, transport: Transport) -> Self {
        Self {
            url: config.url.clone(),
            transport,
        }
    }

    /// Posts a JSON `message`. It is not repeated when it may have arrived.
    pub async fn post(&self, message: Bytes) -> Result<(), CallError> {
        let url: Url = self
            .url
            .expose_secret()
            .parse()
            .expect("the settings have been read");
        let call =
            Call::new(Upstream::Receiver, "post a warning", Method::POST, url, "").json(message);
        let sending = self.transport.send_anonymously(call);
        retry::until(Instant::now() + LIMIT, sending)
            .await
            .map(drop)
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
