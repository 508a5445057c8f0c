//! Where the referrals are, and as whom we read them.

use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use super::Settings;

/// The referrals API and the identity we use it with.
#[derive(Clone, Debug)]
pub struct PartnerCenterConfig {
    /// `PARTNER_CENTER_API_URL`, such as `https://api.partner.microsoft.com/v1.0/engagements`.
    pub api_url: Url,
    /// `PARTNER_CENTER_AUDIENCE`, such as `https://api.partner.microsoft.com`.
    pub audience: String,
    /// `PARTNER_CENTER_WEBHOOK_API_URL`, such as `https://api.partnercenter.microsoft.com/webhooks/v1`.
    pub webhook_api_url: Url,
    /// `PARTNER_CENTER_WEBHOOK_AUDIENCE`, such as `https://api.partnercenter.microsoft.com`.
    pub webhook_audience: String,
    /// `ENTRA_AUTHORITY_URL`, such as `https://login.microsoftonline.com`.
    pub authority: Url,
    /// `PARTNER_CENTER_TENANT_ID`.
    pub tenant_id: String,
    /// `PARTNER_CENTER_CLIENT_ID`.
    pub client_id: String,
    /// `PARTNER_CENTER_CLIENT_SECRET`.
    pub client_secret: SecretString,
    /// `PARTNER_CENTER_GRANT`.
    pub grant: Grant,
}

/// How a user's access tokens are obtained.
#[derive(Clone, Debug)]
pub enum Grant {
    /// By the refresh token of a consent, kept in `0`.
    RefreshToken(TokenStore),
    /// By user name and password, as the flow of 2019 did.
    Password {
        /// The user.
        username: String,
        /// The password.
        password: SecretString,
    },
}

/// Where the refresh token is kept.
#[derive(Clone, Debug)]
pub enum TokenStore {
    /// As a secret of a Key Vault.
    KeyVault {
        /// The vault.
        url: Url,
        /// The secret's name.
        secret_name: String,
    },
    /// In a file of mode 0600.
    File(PathBuf),
}

impl PartnerCenterConfig {
    pub(super) fn read(settings: &mut Settings<'_>) -> Option<Self> {
        let api_url = settings.https_url("PARTNER_CENTER_API_URL");
        let audience = settings.required("PARTNER_CENTER_AUDIENCE");
        let webhook_api_url = settings.https_url("PARTNER_CENTER_WEBHOOK_API_URL");
        let webhook_audience = settings.required("PARTNER_CENTER_WEBHOOK_AUDIENCE");
        let authority = settings.https_url("ENTRA_AUTHORITY_URL");
        let tenant_id = settings.required("PARTNER_CENTER_TENANT_ID");
        let client_id = settings.required("PARTNER_CENTER_CLIENT_ID");
        let client_secret = settings.secret("PARTNER_CENTER_CLIENT_SECRET");
        let grant = Grant::read(settings);
        Some(Self {
            api_url: api_url?,
            audience: audience?,
            webhook_api_url: webhook_api_url?,
            webhook_audience: webhook_audience?,
            authority: authority?,
            tenant_id: tenant_id?,
            client_id: client_id?,
            client_secret: client_secret?,
            grant: grant?,
        })
    }
}

impl Grant {
    fn read(settings: &mut Settings<'_>) -> Option<Self> {
        let grant = settings.text("PARTNER_CENTER_GRANT")?;
        match grant.as_str() {
            "refresh_token" => TokenStore::read(settings).map(Self::RefreshToken),
            "password" => {
                let username = settings.required("PARTNER_CENTER_USERNAME");
                let password = settings.secret("PARTNER_CENTER_PASSWORD");
                Some(Self::Password {
                    username: username?,
                    password: password?,
                })
            }
            other => {
                settings.problem(
                    "PARTNER_CENTER_GRANT",
                    format_args!("{other:?} is neither refresh_token nor password"),
                );
                None
            }
        }
    }
}

impl TokenStore {
    fn read(settings: &mut Settings<'_>) -> Option<Self> {
        let file = settings.optional("PARTNER_CENTER_REFRESH_TOKEN_FILE");
        let vault = settings.text("KEY_VAULT_URL");
        match (file, vault) {
            (Some(_), Some(_)) => {
                settings.problem(
                    "PARTNER_CENTER_REFRESH_TOKEN_FILE",
                    "is set together with KEY_VAULT_URL: keep one of them",
                );
                None
            }
            (Some(file), None) => Some(Self::File(file)),
            (None, Some(_)) => {
                let url = settings.https_url("KEY_VAULT_URL");
                let secret_name = settings.required("PARTNER_CENTER_REFRESH_TOKEN_SECRET");
                Some(Self::KeyVault {
                    url: url?,
                    secret_name: secret_name?,
                })
            }
            (None, None) => {
                settings.problem(
                    "KEY_VAULT_URL",
                    "is not set (the refresh token has to be kept somewhere; for local work PARTNER_CENTER_REFRESH_TOKEN_FILE does)",
                );
                None
            }
        }
    }
}
