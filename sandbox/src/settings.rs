//! The settings with which an unmodified connector works against a sandbox.

use std::{collections::BTreeMap, path::PathBuf};

use crate::{
    entra::{CLIENT_ID, CLIENT_SECRET, PARTNER_API, PARTNER_CENTER_API, TENANT_ID},
    flow, identity, storage,
    world::{Service, SharedWorld},
};

/// The vault's secret that holds the refresh token.
pub const REFRESH_TOKEN_SECRET: &str = "partner-center-refresh-token";

/// The files that settings name.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    /// The TLS authority's certificate.
    pub(crate) authority: PathBuf,
    /// The signing authority's root certificate.
    pub(crate) anchors: PathBuf,
}

/// Every setting, by the name of its environment variable.
pub(crate) fn settings(world: &SharedWorld, paths: &Paths) -> BTreeMap<String, String> {
    let origin = |service| world.url(service).as_str().trim_end_matches('/').to_owned();
    let authorities = origin(Service::AuthorityHost);
    let mut settings = vec![
        ("PARTNER_CENTER_TENANT_ID", TENANT_ID.to_owned()),
        ("PARTNER_CENTER_CLIENT_ID", CLIENT_ID.to_owned()),
        ("PARTNER_CENTER_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
        (
            "PARTNER_CENTER_API_URL",
            format!("{}/v1.0/engagements", origin(Service::PartnerCenter)),
        ),
        ("PARTNER_CENTER_AUDIENCE", PARTNER_API.to_owned()),
        (
            "PARTNER_CENTER_WEBHOOK_API_URL",
            format!("{}/webhooks/v1", origin(Service::PartnerCenter)),
        ),
        (
            "PARTNER_CENTER_WEBHOOK_AUDIENCE",
            PARTNER_CENTER_API.to_owned(),
        ),
        ("PARTNER_CENTER_GRANT", "refresh_token".to_owned()),
        (
            "PARTNER_CENTER_REFRESH_TOKEN_SECRET",
            REFRESH_TOKEN_SECRET.to_owned(),
        ),
        ("ENTRA_AUTHORITY_URL", origin(Service::Entra)),
        ("KEY_VAULT_URL", origin(Service::KeyVault)),
        ("DATAVERSE_URL", origin(Service::Dataverse)),
        ("AZURE_CREDENTIAL", "managed_identity".to_owned()),
        (
            "CALLBACK_CERTIFICATE_URLS",
            format!("{}/cert/*.cer", origin(Service::CertificateHost)),
        ),
        ("CALLBACK_TRUST_ANCHORS", "pem".to_owned()),
        (
            "CALLBACK_TRUST_ANCHORS_PEM",
            paths.anchors.display().to_string(),
        ),
        ("CALLBACK_AIA_HOSTS", authorities.clone()),
        ("CALLBACK_CRL_HOSTS", authorities),
        ("OUTBOUND_CA_FILE", paths.authority.display().to_string()),
        ("RECONCILE_SCHEDULE", "0 */5 * * * *".to_owned()),
        ("TOKEN_RENEWAL_SCHEDULE", "0 17 3 * * *".to_owned()),
    ];
    settings.extend(identity::settings(world));
    settings.extend(flow::settings(world));
    settings.extend(storage::settings(world));
    settings
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
