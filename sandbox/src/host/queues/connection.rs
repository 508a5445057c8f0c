//! The storage account that a binding's `connection` names.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use url::Url;

use crate::storage::Credentials;
use crate::storage::client::{Client, Proof};

/// By this the storage account tells the host's requests from the handler's.
pub(in crate::host) const HOST_AGENT: &str = "functions-host-stand-in";

/// A client of the queues in the account of connection `name`: the app setting `AzureWebJobs` + `name`, or `name`.
pub(super) fn client(settings: &BTreeMap<String, String>, name: &str) -> Result<Client> {
    let long = format!("AzureWebJobs{name}");
    let value = settings.get(&long).or_else(|| settings.get(name));
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        let identity = format!("{long}__");
        if settings.keys().any(|key| key.starts_with(&identity)) {
            bail!("{long}__… names an identity, and this stand-in knows connection strings only");
        }
        bail!("the app setting {long} is missing");
    };
    of_connection_string(value).with_context(|| format!("read the app setting {long}"))
}

fn of_connection_string(text: &str) -> Result<Client> {
    let parts = text.split(';').filter_map(|part| part.split_once('='));
    let parts: BTreeMap<&str, &str> = parts.collect();
    let queues = parts
        .get("QueueEndpoint")
        .context("it has no QueueEndpoint")?;
    let queues = Url::parse(queues).context("read QueueEndpoint")?;
    if queues.scheme() != "http" {
        bail!("this stand-in speaks plain HTTP with the storage account only");
    }
    let proof = match (
        parts.get("SharedAccessSignature"),
        parts.get("AccountName"),
        parts.get("AccountKey"),
    ) {
        (Some(signature), ..) => Proof::Signed((*signature).to_owned()),
        (None, Some(name), Some(key)) => Proof::Key(Credentials::new(name, key)?),
        _ => bail!("it has neither SharedAccessSignature nor AccountName with AccountKey"),
    };
    Ok(Client::new(queues, proof, HOST_AGENT))
}
