//! Keeps the consent alive: redeems the stored refresh token and stores its successor.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::partner_center::{KeptConsent, LIFE, OLD, age, unusable};
use super::{TokenError, form};

/// What the `TokenRenewal` timer does for Partner Center's refresh token.
#[derive(Clone)]
pub struct Renewal {
    /// `None` when signing in by password: there is nothing to renew.
    pub(super) consent: Option<KeptConsent>,
    pub(super) audience: String,
}

/// What a renewal did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenewalReport {
    /// What became of the refresh token.
    pub outcome: RenewalOutcome,
    /// How old the token was that was redeemed, if its store tells.
    pub redeemed_age: Option<Duration>,
    /// How long the token that is stored now stays usable if nothing renews it.
    pub usable_for: Option<Duration>,
}

/// What became of the refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenewalOutcome {
    /// Its successor is stored.
    Stored,
    /// It still works, but Entra ID gave no successor.
    NoSuccessor,
    /// There is none: the user signs in by password.
    NotUsed,
}

impl RenewalOutcome {
    /// One `snake_case` word, for logs and answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::NoSuccessor => "no_successor",
            Self::NotUsed => "not_used",
        }
    }
}

/// What can be seen of the stored refresh token without using it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Why it cannot be a refresh token, if that can be seen.
    pub fault: Option<&'static str>,
    /// How old it is, if its place tells.
    pub age: Option<TokenAge>,
}

/// How the stored refresh token is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenAge {
    /// How long it has been stored.
    pub age: Duration,
    /// In how long any instance, not the timer alone, renews it; zero when that is due.
    pub due_in: Duration,
    /// In how long it stops working if nothing renews it.
    pub usable_for: Duration,
}

impl Renewal {
    /// Redeems the stored refresh token and stores its successor, however young it is.
    pub async fn run(&self) -> Result<RenewalReport, TokenError> {
        let Some(consent) = &self.consent else {
            return Ok(RenewalReport {
                outcome: RenewalOutcome::NotUsed,
                redeemed_age: None,
                usable_for: None,
            });
        };
        let redeemed = consent.redeem(&self.audience).await?;
        let Some(successor) = &redeemed.granted.refresh else {
            return Ok(RenewalReport {
                outcome: RenewalOutcome::NoSuccessor,
                redeemed_age: redeemed.age,
                usable_for: redeemed.age.map(|age| LIFE.saturating_sub(age)),
            });
        };
        consent.store.write(successor).await.map_err(unusable)?;
        Ok(RenewalReport {
            outcome: RenewalOutcome::Stored,
            redeemed_age: redeemed.age,
            usable_for: Some(LIFE),
        })
    }

    /// What can be seen of the stored refresh token; `None` when none is used. Changes nothing.
    pub async fn kept(&self) -> Result<Option<Kept>, TokenError> {
        let Some(consent) = &self.consent else {
            return Ok(None);
        };
        let stored = consent.store.read().await.map_err(unusable)?;
        let age = age(&stored).map(|age| TokenAge {
            age,
            due_in: OLD.saturating_sub(age),
            usable_for: LIFE.saturating_sub(age),
        });
        Ok(Some(Kept {
            fault: form::fault(stored.token.expose_secret()),
            age,
        }))
    }
}
