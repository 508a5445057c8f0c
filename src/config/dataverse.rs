//! Where the leads are.

use url::Url;

use super::Settings;
use crate::provision::Prefix;

/// The Dynamics 365 environment.
#[derive(Clone, Debug)]
pub struct DataverseConfig {
    /// `DATAVERSE_URL`, such as `https://contoso.crm.dynamics.com`; also the audience of its access tokens.
    pub url: Url,
    /// `DATAVERSE_COLUMN_PREFIX`: what the names of the connector's own columns begin with.
    pub column_prefix: Prefix,
}

impl DataverseConfig {
    pub(super) fn read(settings: &mut Settings<'_>) -> Option<Self> {
        let column_prefix = settings.required("DATAVERSE_COLUMN_PREFIX");
        let url = settings.https_url("DATAVERSE_URL")?;
        if url.path() != "/" {
            settings.problem(
                "DATAVERSE_URL",
                "is the environment's address, without a path",
            );
            return None;
        }
        Some(Self {
            url,
            column_prefix: column_prefix?,
        })
    }
}
