//! Consent: a person signs in to Partner Center once, with a second factor, and the connector keeps the refresh token
//! (Microsoft's *secure application model*).
//!
//! The order is [`SecureApplication::ready`], one of the ways to sign in (a browser that comes back, or a device code),
//! [`SecureApplication::prove`], and last [`SecureApplication::keep`]: a token that was not proven replaces none.

mod answer;
mod attempt;
mod claims;
mod device;
mod error;
mod exchange;
mod loopback;
mod proof;
mod wire;

use http::Method;
use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;
use uuid::Uuid;

pub use answer::Answer;
pub use attempt::Attempt;
pub use claims::Bearer;
pub use device::DeviceCode;
pub use error::ConsentError;
pub use loopback::Loopback;
pub use proof::{Proof, SecondFactor};

use self::wire::OpenIdConfiguration;
use super::azure::Azure;
use super::entra::endpoint;
use super::partner_center::{LIFE, unusable};
use super::store::{Store, StoreError};
use super::{AccessToken, advice};
use crate::config::{ConsentConfig, PartnerCenterConfig};
use crate::upstream::{Call, Transport, Upstream};

/// The app registration that a person consents to, and the place where the refresh token goes.
pub struct SecureApplication {
    config: PartnerCenterConfig,
    store: Store,
    transport: Transport,
}

/// The tenant that people sign in to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its id, whatever name the settings give it.
    pub id: Uuid,
    issuer: String,
}

/// Who signed in. For the terminal of the person who did, never for a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// The object id in the tenant.
    pub object_id: String,
    /// The user principal name, if the token tells it.
    pub name: Option<String>,
}

/// A sign-in that is not proven and not kept yet.
pub struct SignedIn {
    /// Who it is.
    pub person: Person,
    access: AccessToken,
    refresh: SecretString,
}

impl SecureApplication {
    /// Prepares. Nothing is sent yet.
    pub fn new(config: &ConsentConfig, transport: &Transport) -> Self {
        let azure = Azure {
            credential: config.azure.clone(),
            authority: config.partner_center.authority.clone(),
            transport: transport.clone(),
        };
        Self {
            config: config.partner_center.clone(),
            store: super::store(&config.place, &azure, transport),
            transport: transport.clone(),
        }
    }

    /// Finds out what would make a sign-in useless before anybody signs in: a tenant that does not exist, a place for the
    /// token that cannot be opened. Gives the tenant.
    pub async fn ready(&self) -> Result<Tenant, ConsentError> {
        let (tenant, place) =
            tokio::join!(tenant(&self.config, &self.transport), self.store.is_ready());
        let tenant = tenant?;
        place.map_err(ConsentError::place)?;
        Ok(tenant)
    }

    /// Keeps the refresh token in place of the one kept now; gives the moment by which it has to be renewed.
    pub async fn keep(&self, signed_in: SignedIn) -> Result<Timestamp, ConsentError> {
        let write = self.store.write(&signed_in.refresh).await;
        write.map_err(ConsentError::place)?;
        Ok(Timestamp::now() + LIFE)
    }
}

/// The tenant of `PARTNER_CENTER_TENANT_ID`, as Entra ID describes it.
pub(super) async fn tenant(
    config: &PartnerCenterConfig,
    transport: &Transport,
) -> Result<Tenant, ConsentError> {
    let url = endpoint(config, &["v2.0", ".well-known", "openid-configuration"]);
    let call = Call::new(
        Upstream::EntraId,
        "find the tenant",
        Method::GET,
        url,
        &config.audience,
    );
    let reply = transport.send_anonymously(call).await;
    let reply = reply.map_err(ConsentError::Tenant)?;
    let found: OpenIdConfiguration = reply.json().map_err(ConsentError::Tenant)?;
    let id = tenant_in(&found.issuer).ok_or(ConsentError::Issuer)?;
    Ok(Tenant {
        id,
        issuer: found.issuer,
    })
}

/// The tenant's id in an issuer such as `https://login.microsoftonline.com/<id>/v2.0`.
fn tenant_in(issuer: &str) -> Option<Uuid> {
    let issuer = Url::parse(issuer).ok()?;
    issuer.path_segments()?.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tenant_is_what_its_issuer_says() {
        let issuer = "https://login.microsoftonline.com/5a7d60c4-1d5e-4f0a-9c0e-3b1c7a2d9e10/v2.0";
        let id = "5a7d60c4-1d5e-4f0a-9c0e-3b1c7a2d9e10".parse().ok();
        assert_eq!(tenant_in(issuer), id);
        for wrong in [
            "https://login.microsoftonline.com/{tenantid}/v2.0",
            "https://login.microsoftonline.com",
            "nonsense",
        ] {
            assert_eq!(tenant_in(wrong), None, "{wrong}");
        }
    }
}
