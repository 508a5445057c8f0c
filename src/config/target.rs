//! Where referrals go.

use secrecy::SecretString;
use url::Url;

use super::{DataverseConfig, Settings};
use crate::sync::options::Target;

/// What takes the referrals.
#[derive(Clone, Debug)]
pub enum TargetConfig {
    /// A Dynamics 365 environment.
    Dataverse(DataverseConfig),
    /// A flow.
    Flow(FlowConfig),
}

/// A flow with an HTTP trigger.
#[derive(Clone, Debug)]
pub struct FlowConfig {
    /// `FLOW_URL`: an `https` address with a port, a path and a query that holds a key.
    pub url: SecretString,
    /// `FLOW_AUDIENCE`, such as `https://service.flow.microsoft.com/`; `None` sends no token.
    pub audience: Option<String>,
}

impl TargetConfig {
    /// The Dynamics 365 environment, unless a flow takes the referrals.
    pub fn environment(&self) -> Option<&Url> {
        match self {
            Self::Dataverse(dataverse) => Some(&dataverse.url),
            Self::Flow(_) => None,
        }
    }

    pub(super) fn read(settings: &mut Settings<'_>) -> Option<Self> {
        match settings.required("SYNC_TARGET")? {
            Target::Dataverse => DataverseConfig::read(settings).map(Self::Dataverse),
            Target::Flow => {
                let url = settings.secret_https_url("FLOW_URL");
                let audience = settings.text("FLOW_AUDIENCE");
                Some(Self::Flow(FlowConfig {
                    url: url?,
                    audience,
                }))
            }
        }
    }
}
