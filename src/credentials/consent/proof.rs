//! Whether a sign-in is good for what the connector needs it for, before it replaces another.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::SecretString;

use super::{ConsentError, SecureApplication, SignedIn};
use crate::credentials::cached::{Cached, Issuer};
use crate::credentials::entra::Entra;
use crate::credentials::{AccessToken, Identity, TokenError, TokenSource};
use crate::upstream::partner_center::{PartnerCenter, Reach};

/// Whether the user proved who they are by more than a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondFactor {
    /// The token's `amr` has `mfa`.
    Used,
    /// The token's `amr` lacks `mfa`.
    Missing,
    /// The token does not say.
    NotTold,
}

/// What a sign-in was seen to be good for.
#[derive(Debug)]
pub struct Proof {
    /// What its tokens say about the second factor.
    pub second_factor: SecondFactor,
    /// What its user sees of the referrals.
    pub reach: Reach,
    /// Whether it gives tokens for the webhook registration API.
    pub registration: Result<(), TokenError>,
}

impl SecureApplication {
    /// Uses the new refresh token for both of Partner Center's audiences, and lists referrals as its user.
    pub async fn prove(&self, signed_in: &SignedIn) -> Result<Proof, ConsentError> {
        let fresh = Fresh {
            entra: Entra::new(&self.config, self.transport.clone()),
            refresh: signed_in.refresh.clone(),
        };
        let tokens: Arc<dyn TokenSource> = Arc::new(Cached::new(fresh));
        let referrals = tokens.token(&self.config.audience).await;
        let referrals = referrals.map_err(ConsentError::Token)?;
        let second_factor = SecondFactor::of(&signed_in.access).and(SecondFactor::of(&referrals));
        if second_factor == SecondFactor::Missing {
            return Err(ConsentError::NoSecondFactor);
        }
        let api = PartnerCenter::new(&self.config, self.transport.clone(), Arc::clone(&tokens));
        let (reach, registration) =
            tokio::join!(api.reach(), tokens.token(&self.config.webhook_audience));
        Ok(Proof {
            second_factor,
            reach: reach.map_err(ConsentError::Referrals)?,
            registration: registration.map(drop),
        })
    }
}

impl SecondFactor {
    /// What two tokens of one sign-in say together.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Missing, _) | (_, Self::Missing) => Self::Missing,
            (Self::Used, _) | (_, Self::Used) => Self::Used,
            (Self::NotTold, Self::NotTold) => Self::NotTold,
        }
    }
}

/// Signs in with a refresh token that is kept nowhere yet.
struct Fresh {
    entra: Entra,
    refresh: SecretString,
}

impl Issuer for Fresh {
    fn identity(&self) -> Identity {
        Identity::PartnerCenterUser
    }

    fn issue<'a>(&'a self, audience: &'a str) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        async move { Ok(self.entra.redeem(&self.refresh, audience).await?.access) }.boxed()
    }
}
