//! The function app's own storage account: where the connector keeps what it remembers and what it does later.

mod connection_string;

use secrecy::SecretString;
use url::Url;

use super::{AzureCredential, Settings};

const CONNECTION: &str = "AzureWebJobsStorage";
const ACCOUNT_NAME: &str = "AzureWebJobsStorage__accountName";
const BLOB_SERVICE: &str = "AzureWebJobsStorage__blobServiceUri";
const QUEUE_SERVICE: &str = "AzureWebJobsStorage__queueServiceUri";
const CREDENTIAL: &str = "AzureWebJobsStorage__credential";
const CLIENT_ID: &str = "AzureWebJobsStorage__clientId";

/// The storage account, by the settings with which the Functions host finds it too.
#[derive(Clone, Debug)]
pub struct StorageConfig {
    /// Where its blobs are, such as `https://contoso.blob.core.windows.net`.
    pub blobs: Url,
    /// Where its queues are, such as `https://contoso.queue.core.windows.net`.
    pub queues: Url,
    /// What opens it.
    pub access: StorageAccess,
    /// `STORAGE_CONTAINER`: the container of the connector's blobs.
    pub container: String,
}

/// What opens a storage account.
#[derive(Clone, Debug)]
pub enum StorageAccess {
    /// A key of the account.
    Key {
        /// The account's name.
        account: String,
        /// The key, in base64.
        key: SecretString,
    },
    /// A shared access signature that somebody else made: a query string, without a `?`.
    Signature(SecretString),
    /// An identity that has roles on the account.
    Identity(AzureCredential),
}

/// Where an account is, and what opens it.
struct Account {
    blobs: Url,
    queues: Url,
    access: StorageAccess,
}

impl StorageConfig {
    /// `azure` is who signs in where the storage settings name nobody; `None` if that is a problem already.
    pub(super) fn read(
        settings: &mut Settings<'_>,
        azure: Option<&AzureCredential>,
    ) -> Option<Self> {
        let container = container(settings);
        let account = Account::read(settings, azure)?;
        Some(Self {
            blobs: account.blobs,
            queues: account.queues,
            access: account.access,
            container: container?,
        })
    }
}

impl Account {
    fn read(settings: &mut Settings<'_>, azure: Option<&AzureCredential>) -> Option<Self> {
        let connection = settings.text(CONNECTION);
        let named = [ACCOUNT_NAME, BLOB_SERVICE, QUEUE_SERVICE]
            .into_iter()
            .find(|key| settings.text(key).is_some());
        match (connection, named) {
            (Some(text), None) => {
                let account = connection_string::parse(&text);
                for problem in account.as_ref().err().into_iter().flatten() {
                    settings.problem(CONNECTION, problem);
                }
                account.ok()
            }
            (None, Some(_)) => Self::of_identity(settings, azure),
            (Some(_), Some(other)) => {
                settings.problem(
                    CONNECTION,
                    format_args!("is set together with {other}: keep one of them"),
                );
                None
            }
            (None, None) => {
                settings.problem(
                    CONNECTION,
                    "is not set (a storage account keeps what the connector has to remember: give its connection string, or AzureWebJobsStorage__accountName to use a managed identity)",
                );
                None
            }
        }
    }

    /// The identity-based form.
    fn of_identity(settings: &mut Settings<'_>, azure: Option<&AzureCredential>) -> Option<Self> {
        let name = account_name(settings);
        let blobs = service(settings, BLOB_SERVICE, "blob", name.as_deref());
        let queues = service(settings, QUEUE_SERVICE, "queue", name.as_deref());
        let credential = credential(settings, azure);
        Some(Self {
            blobs: blobs?,
            queues: queues?,
            access: StorageAccess::Identity(credential?),
        })
    }
}

/// The account's name, if it is set and could be one.
fn account_name(settings: &mut Settings<'_>) -> Option<String> {
    let name = settings.text(ACCOUNT_NAME)?;
    if is_account_name(&name) {
        return Some(name);
    }
    settings.problem(
        ACCOUNT_NAME,
        format_args!("{name:?} is no account's name: 3 to 24 lower-case letters and digits"),
    );
    None
}

fn is_account_name(name: &str) -> bool {
    (3..=24).contains(&name.len())
        && name
            .bytes()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
}

/// The address of one of the account's services: the one that is set, or the usual one of an account of that name.
fn service(
    settings: &mut Settings<'_>,
    key: &str,
    kind: &str,
    account: Option<&str>,
) -> Option<Url> {
    if settings.text(key).is_some() {
        return settings.https_url(key);
    }
    if settings.text(ACCOUNT_NAME).is_none() {
        settings.problem(
            key,
            "is not set (both services' addresses are needed, or AzureWebJobsStorage__accountName instead)",
        );
    }
    let address = format!("https://{}.{kind}.core.windows.net", account?);
    Some(address.parse().expect("an account's name is a host name"))
}

/// Who opens the account: the identity that the storage settings name, or the one that opens everything else.
fn credential(
    settings: &mut Settings<'_>,
    azure: Option<&AzureCredential>,
) -> Option<AzureCredential> {
    let client_id = settings.text(CLIENT_ID);
    let kind = settings.text(CREDENTIAL);
    match kind {
        None if client_id.is_none() => azure.cloned(),
        Some(other) if !other.eq_ignore_ascii_case("managedidentity") => {
            settings.problem(
                CREDENTIAL,
                format_args!("{other:?} is not managedidentity, the only one it can be"),
            );
            None
        }
        _ => Some(AzureCredential::ManagedIdentity { client_id }),
    }
}

fn container(settings: &mut Settings<'_>) -> Option<String> {
    let name: String = settings.required("STORAGE_CONTAINER")?;
    if is_container_name(&name) {
        return Some(name);
    }
    settings.problem(
        "STORAGE_CONTAINER",
        format_args!(
            "{name:?} is no container's name: 3 to 63 lower-case letters, digits and single hyphens between them"
        ),
    );
    None
}

fn is_container_name(name: &str) -> bool {
    let word = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
    };
    (3..=63).contains(&name.len()) && name.split('-').all(word)
}

#[cfg(test)]
mod tests;
