//! What a consent needs of the settings: less than the service, so that an administrator's machine can do it.

use std::path::PathBuf;

use super::{
    AzureCredential, ConfigError, Grant, PartnerCenterConfig, Settings, SyncConfig, TokenStore,
};
use crate::sync::options::Filter;

/// Who consents to what, and where the refresh token goes.
#[derive(Debug)]
pub struct ConsentConfig {
    /// The app registration, and the referrals API.
    pub partner_center: PartnerCenterConfig,
    /// Where the refresh token is kept.
    pub place: TokenStore,
    /// As whom we call the Key Vault.
    pub azure: AzureCredential,
    /// Which referrals are wanted.
    pub filter: Filter,
    /// `OUTBOUND_CA_FILE`.
    pub outbound_ca: Option<Vec<u8>>,
}

impl ConsentConfig {
    /// Reads through `get`; the error lists every problem.
    pub fn read(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut settings = Settings::new(get);
        let partner_center = PartnerCenterConfig::read(&mut settings);
        let place = match partner_center.as_ref().map(|it| it.grant.clone()) {
            Some(Grant::RefreshToken(place)) => Some(place),
            Some(Grant::Password { .. }) => {
                settings.problem(
                    "PARTNER_CENTER_GRANT",
                    "is password, which uses no consent: set it to refresh_token",
                );
                None
            }
            None => None,
        };
        let azure = AzureCredential::read(&mut settings);
        let sync = SyncConfig::read(&mut settings, None);
        let outbound_ca = settings
            .optional::<PathBuf>("OUTBOUND_CA_FILE")
            .and_then(|path| settings.file("OUTBOUND_CA_FILE", &path));
        let problems = settings.into_problems();
        if !problems.is_empty() {
            return Err(ConfigError { problems });
        }
        let config = || {
            Some(Self {
                partner_center: partner_center?,
                place: place?,
                azure: azure?,
                filter: sync?.options.filter,
                outbound_ca,
            })
        };
        Ok(config().expect("a section that is missing has recorded a problem"))
    }
}
