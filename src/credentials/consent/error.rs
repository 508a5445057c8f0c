//! Why there is no new consent.

use std::io;
use std::time::Duration;

use super::{StoreError, exchange, unusable};
use crate::credentials::TokenError;
use crate::failure::{Classify, Disposition};
use crate::upstream::CallError;
use crate::upstream::partner_center::PartnerCenterError;

/// Why there is no new consent. Holds no token, no code and no name of a person.
#[derive(Debug, thiserror::Error)]
pub enum ConsentError {
    /// Entra ID does not know the tenant, or could not be asked.
    #[error("finding the tenant of PARTNER_CENTER_TENANT_ID at ENTRA_AUTHORITY_URL")]
    Tenant(#[source] CallError),
    /// Entra ID describes the tenant without its id: `common` is no tenant.
    #[error("PARTNER_CENTER_TENANT_ID names no single tenant: set the partner tenant's own id")]
    Issuer,
    /// The port for the browser's way back cannot be opened.
    #[error(
        "port {port} of this machine cannot be opened for the browser's way back: choose another with --port, or leave it out"
    )]
    Port {
        /// The port asked for; 0 is any.
        port: u16,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Nobody signed in.
    #[error("nobody came back from the sign-in within {} s: if its page showed an error such as AADSTS50011 (the redirect address) or AADSTS50020 (a user of another tenant), put that right, then start again", after.as_secs())]
    Nobody {
        /// How long was waited.
        after: Duration,
    },
    /// Entra ID said no, or could not answer.
    #[error("signing in to Partner Center")]
    SignIn(#[source] TokenError),
    /// The id token is not the one that was asked for.
    #[error("the answer to the sign-in cannot be used: {0}")]
    IdToken(&'static str),
    /// There is nothing to keep.
    #[error(
        "Entra ID gave no refresh token: see that the app registration's sign-ins may ask for offline_access"
    )]
    NoRefreshToken,
    /// `amr` lacks `mfa`.
    #[error(
        "the sign-in had no second factor (its token lacks mfa in amr), and Partner Center refuses such: register a second factor for this user, have conditional access demand it, then consent again"
    )]
    NoSecondFactor,
    /// The new refresh token gives no access token.
    #[error("using the new consent")]
    Token(#[source] TokenError),
    /// The referrals API does not take it.
    #[error("proving the new consent at the referrals API")]
    Referrals(#[source] PartnerCenterError),
    /// It could not be kept.
    #[error("opening the place where the refresh token is kept")]
    Place(#[source] TokenError),
}

impl ConsentError {
    /// That Entra ID sent the browser back with these codes.
    pub fn refused(codes: &[String]) -> Self {
        Self::SignIn(exchange::no(codes))
    }

    pub(super) fn place(error: StoreError) -> Self {
        Self::Place(unusable(error))
    }
}

impl Classify for ConsentError {
    fn disposition(&self) -> Disposition {
        match self {
            // Entra ID says 400 to a tenant that it does not know.
            Self::Tenant(source) => match source.disposition() {
                Disposition::Permanent => Disposition::Misconfigured,
                other => other,
            },
            Self::Issuer | Self::NoRefreshToken | Self::NoSecondFactor => {
                Disposition::Misconfigured
            }
            Self::Port { .. } | Self::Nobody { .. } => Disposition::RETRY,
            Self::IdToken(_) => Disposition::Permanent,
            Self::SignIn(source) | Self::Token(source) | Self::Place(source) => {
                source.disposition()
            }
            Self::Referrals(source) => source.disposition(),
        }
    }
}
