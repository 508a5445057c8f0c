//! Everything an administrator can set, read from the environment in one pass that reports every problem.

mod azure;
mod callback;
mod consent;
mod dataverse;
mod insights;
mod mapping;
mod partner_center;
mod settings;
mod storage;
mod sync;
mod table;
mod target;
mod warning;

use std::fmt;
use std::path::PathBuf;

use crate::telemetry::LogFormat;

pub use azure::AzureCredential;
pub use callback::CallbackConfig;
pub use consent::ConsentConfig;
pub use dataverse::DataverseConfig;
pub use insights::InsightsConfig;
pub use mapping::{MappingFile, load as load_mapping};
pub use partner_center::{Grant, PartnerCenterConfig, TokenStore};
pub use settings::Settings;
pub use storage::{StorageAccess, StorageConfig};
pub use sync::SyncConfig;
pub use table::{SETTINGS, Setting, Source};
pub use target::{FlowConfig, TargetConfig};
pub use warning::{Digest, Format, ReceiverConfig, WarningConfig};

/// The whole configuration of a connector.
#[derive(Debug)]
pub struct Config {
    /// Who may call the webhook.
    pub callback: CallbackConfig,
    /// Where referrals are, and as whom we read them.
    pub partner_center: PartnerCenterConfig,
    /// Where referrals go.
    pub target: TargetConfig,
    /// As whom we call Dataverse, Key Vault, Storage and the flow.
    pub azure: AzureCredential,
    /// Where the connector keeps what it remembers, and what it does later.
    pub storage: StorageConfig,
    /// What a sync may do.
    pub sync: SyncConfig,
    /// Who is told of warnings.
    pub warning: WarningConfig,
    /// Where traces go, if anywhere.
    pub insights: Option<InsightsConfig>,
    /// `OUTBOUND_CA_FILE`: PEM of more authorities for outgoing TLS.
    pub outbound_ca: Option<Vec<u8>>,
}

impl Config {
    /// Reads every section through `get`; the error lists every problem in every one of them.
    pub fn read(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut settings = Settings::new(get);
        let callback = CallbackConfig::read(&mut settings);
        let partner_center = PartnerCenterConfig::read(&mut settings);
        let target = TargetConfig::read(&mut settings);
        let azure = AzureCredential::read(&mut settings);
        let storage = StorageConfig::read(&mut settings, azure.as_ref());
        let crm = target.as_ref().and_then(TargetConfig::environment).cloned();
        let sync = SyncConfig::read(&mut settings, crm);
        let warning = WarningConfig::read(&mut settings);
        let insights = InsightsConfig::read(&mut settings);
        let outbound_ca = settings
            .optional::<PathBuf>("OUTBOUND_CA_FILE")
            .and_then(|path| settings.file("OUTBOUND_CA_FILE", &path));
        // Logging starts before anything else is read and falls back on the default; here the mistake is reported.
        settings.required::<LogFormat>("LOG_FORMAT");
        let problems = settings.into_problems();
        if !problems.is_empty() {
            return Err(ConfigError { problems });
        }
        let config = || {
            Some(Self {
                callback: callback?,
                partner_center: partner_center?,
                target: target?,
                azure: azure?,
                storage: storage?,
                sync: sync?,
                warning: warning?,
                insights: insights?,
                outbound_ca,
            })
        };
        Ok(config().expect("a section that is missing has recorded a problem"))
    }
}

/// Every problem in the settings, each naming its setting and never a secret value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// One sentence a setting.
    pub problems: Vec<String>,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "settings are wrong: {}", self.problems.join("; "))
    }
}

#[cfg(test)]
mod tests;
