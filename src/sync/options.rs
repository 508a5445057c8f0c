//! What a sync may do: the administrator's choices, as the planner takes them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use url::Url;

use crate::lead::Owner;
use crate::mapping::Mapping;

/// The administrator's choices.
#[derive(Clone, Debug)]
pub struct SyncOptions {
    /// What may be written.
    pub mode: Mode,
    /// Whether this is the production environment; any other never writes to Partner Center.
    pub production: bool,
    /// Who gets new leads; `None` leaves it to the organisation's rules.
    pub owner: Option<Owner>,
    /// Which referrals are synced.
    pub filter: Filter,
    /// Where the organisation's dates are meant.
    pub time_zone: TimeZone,
    /// What a qualified lead says about its referral.
    pub qualified_means: QualifiedMeans,
    /// How long a disqualified lead must rest before its referral is closed.
    pub close_hold: SignedDuration,
    /// How long a qualified lead must rest before its referral is closed as won.
    pub won_hold: SignedDuration,
    /// What becomes of a referral whose customer has an open lead already.
    pub duplicates: Duplicates,
    /// Whether a new lead is given the account and the contact that the customer has already.
    pub parents: Parents,
    /// Where people see the leads, if there are any.
    pub crm: Option<Url>,
    /// What becomes of what.
    pub mapping: Arc<Mapping>,
}

impl SyncOptions {
    /// Whether a sync may write anything to Partner Center.
    pub fn may_write_referrals(&self) -> bool {
        self.production && matches!(self.mode, Mode::Link | Mode::TwoWay)
    }
}

/// Where referrals go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Into leads of a Dynamics 365 environment.
    Dataverse,
    /// To a flow, which writes them wherever it likes.
    Flow,
}

/// What may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing; what would be written is logged.
    Observe,
    /// Leads only.
    Inbound,
    /// Leads, and the referral's `externalReferenceId`.
    Link,
    /// Values and status go both ways.
    TwoWay,
}

/// What a qualified lead says about its referral.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QualifiedMeans {
    /// It was accepted; the deal goes on.
    Accepted,
    /// The deal is won.
    Won,
}

/// What becomes of a referral whose contact and company match an open lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// It gets a lead of its own, and the seller is told of the other.
    Report,
    /// It gets that lead, if there is exactly one.
    Link,
    /// It gets a lead of its own; nothing is looked for.
    Create,
}

/// Whether a new lead is given the account and the contact that the customer has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parents {
    /// Each of them, where exactly one matches.
    Match,
    /// Neither is looked for.
    Off,
}

/// Which referrals are synced; an empty list lets everything through.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Kinds of referral.
    pub kinds: Vec<Kind>,
    /// Two-letter countries of the customer.
    pub countries: Vec<String>,
    /// Ids of the partner's locations.
    pub locations: Vec<String>,
    /// Partner ids.
    pub partner_ids: Vec<String>,
}

/// What a referral is, by its type, qualification and inviter (Partner Center, "Referrals API introduction").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A customer's own request through the marketplace.
    MarketplaceLead,
    /// Sent by Microsoft, sales or marketing qualified.
    QualifiedLead,
    /// A deal to be sold together.
    CoSellOpportunity,
}

macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $type {
            /// The word that stands for it in settings and logs.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }

        impl FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(format!("expected one of {}", [$($word),+].join(", "))),
                }
            }
        }
    };
}

words!(Target { Dataverse = "dataverse", Flow = "flow" });
words!(Mode { Observe = "observe", Inbound = "inbound", Link = "link", TwoWay = "two-way" });
words!(QualifiedMeans { Accepted = "accepted", Won = "won" });
words!(Duplicates { Report = "report", Link = "link", Create = "create" });
words!(Parents { Match = "match", Off = "off" });
words!(Kind {
    MarketplaceLead = "marketplace-lead",
    QualifiedLead = "qualified-lead",
    CoSellOpportunity = "co-sell-opportunity",
});
