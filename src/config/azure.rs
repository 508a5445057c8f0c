//! As whom we call Azure.

use secrecy::SecretString;

use super::Settings;

/// How we sign in to Dataverse, Key Vault, Storage and the flow.
#[derive(Clone, Debug)]
pub enum AzureCredential {
    /// The function app's managed identity.
    ManagedIdentity {
        /// Which user-assigned identity; `None` is the system-assigned one.
        client_id: Option<String>,
    },
    /// An app registration.
    ClientSecret {
        /// Its tenant.
        tenant_id: String,
        /// Its id.
        client_id: String,
        /// Its secret.
        secret: SecretString,
    },
    /// A developer's `az login`.
    AzureCli,
}

impl AzureCredential {
    pub(super) fn read(settings: &mut Settings<'_>) -> Option<Self> {
        let kind = settings.text("AZURE_CREDENTIAL")?;
        match kind.as_str() {
            "managed_identity" => Some(Self::ManagedIdentity {
                client_id: settings.text("AZURE_CLIENT_ID"),
            }),
            "client_secret" => {
                let tenant_id = settings.required("AZURE_TENANT_ID");
                let client_id = settings.required("AZURE_CLIENT_ID");
                let secret = settings.secret("AZURE_CLIENT_SECRET");
                Some(Self::ClientSecret {
                    tenant_id: tenant_id?,
                    client_id: client_id?,
                    secret: secret?,
                })
            }
            "azure_cli" => Some(Self::AzureCli),
            other => {
                settings.problem(
                    "AZURE_CREDENTIAL",
                    format_args!(
                        "{other:?} is none of managed_identity, client_secret and azure_cli"
                    ),
                );
                None
            }
        }
    }
}
