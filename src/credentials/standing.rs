//! What the sign-in to Partner Center is seen to be, for whoever checks up on it. Changes nothing.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::consent::{self, Bearer, ConsentError};
use super::store::Store;
use super::{TokenError, TokenSource};
use crate::config::PartnerCenterConfig;
use crate::upstream::Transport;

/// The sign-in to Partner Center, as the connector uses it.
#[derive(Clone)]
pub struct Standing {
    pub(super) tokens: Arc<dyn TokenSource>,
    /// Where the refresh token is kept, if one is used.
    pub(super) store: Option<Store>,
    pub(super) config: PartnerCenterConfig,
    pub(super) transport: Transport,
}

impl Standing {
    /// Signs in for the referrals API, and reads what the token says.
    pub async fn bearer(&self) -> Result<Bearer, TokenError> {
        let token = self.tokens.token(&self.config.audience).await?;
        Ok(Bearer::of(&token))
    }

    /// Signs in for the webhook registration API.
    pub async fn registration(&self) -> Result<(), TokenError> {
        let token = self.tokens.token(&self.config.webhook_audience).await;
        token.map(drop)
    }

    /// When the client secret ends, where that can be seen.
    pub async fn client_secret_end(&self) -> Option<Timestamp> {
        let store = self.store.as_ref()?;
        store.end_of(&self.config.client_secret).await
    }

    /// The id of the tenant that the settings name, whatever name they give it.
    pub async fn tenant(&self) -> Result<Uuid, ConsentError> {
        match self.config.tenant_id.parse() {
            Ok(id) => Ok(id),
            Err(_) => Ok(consent::tenant(&self.config, &self.transport).await?.id),
        }
    }
}
