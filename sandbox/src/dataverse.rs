//! Dataverse: the Web API of one organisation, as far as leads, their notes and their currencies need it.
//!
//! [`State`] is the organisation. Over HTTP it is what clients of the Web API v9.2 see; in Rust it lets a test or
//! the control API play the sellers and the administrators: seed, edit, merge and delete leads, change the
//! table's profile, and switch on what real organisations are known to do ([`Switches`]).

mod address;
mod body;
mod calls;
mod cell;
mod computed;
mod customize;
mod edit;
mod filter;
mod headers;
mod limits;
mod metadata;
mod money;
mod organisation;
mod payload;
mod privileges;
mod qualify;
mod query;
mod read;
mod refusal;
mod rows;
mod schema;
mod security;
mod sellers;
mod write;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use axum::Router;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use limits::Limits;
pub use organisation::{
    APPLICATION_USER_ID, BUSINESS_UNIT_ID, ORGANIZATION_ID, SALES_TEAM_ID, SELLER_ID,
    SYSTEM_ADMINISTRATOR_ID, currency_id,
};
pub use refusal::{CodeSpelling, Refusal};
pub use schema::LeadProfile;
pub use write::ClosedLeads;

use crate::world::SharedWorld;

/// The organisation's rows, its tables' definitions, and how it behaves.
#[derive(Debug)]
pub struct State {
    /// How the organisation behaves.
    pub switches: Switches,
    /// Leads that a seller saves while leads are listed, nothing changed in them: one after each page.
    pub saved_between_pages: VecDeque<Uuid>,
    /// What has been done over HTTP.
    pub counters: Counters,
    schema: schema::Schema,
    rows: rows::Rows,
    cursors: BTreeMap<String, read::Cursor>,
    traffic: limits::Traffic,
    security: security::Security,
}

/// What an organisation may do beyond the ordinary.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about an organisation"
)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Switches {
    /// How `error.code` is spelt.
    pub code_spelling: CodeSpelling,
    /// What writes to closed leads meet.
    pub closed_leads: ClosedLeads,
    /// Whether Dynamics 365 Sales is installed. Without it there is no `lead` table: 404 `0x8006088a`.
    pub sales: bool,
    /// What `If-Match: W/"n"` on an absent row gets, which no documentation says: 412 `0x80060882` when set, else 404
    /// `0x80040217`.
    pub absent_row_is_version_mismatch: bool,
    /// The text with which a customer's plug-in refuses every write to a lead: 400 `0x80040265`.
    pub plugin_refusal: Option<String>,
    /// Privileges that no role grants any more, such as `prvCreateLead`: 403 `0x80040220`.
    pub missing_privileges: BTreeSet<String>,
    /// Privileges that the role gives for the user's own rows alone, and says so when asked.
    pub own_rows_only: BTreeSet<String>,
    /// Whether the application has no user in the organisation: 403 `0x80072560`.
    pub unknown_application: bool,
    /// Service protection limits; none by default.
    pub limits: Option<Limits>,
    /// How long each request runs, in milliseconds, counting as concurrent.
    pub execution_milliseconds: u64,
    /// The languages that are enabled, the base language first.
    pub languages: Vec<i64>,
    /// How many customizations from now on meet one that somebody else is running: 429 `0x80071151`.
    pub customizations_running: u32,
    /// How long definitions that are read without `Consistency: Strong` know nothing of a new column, in seconds. Real
    /// organisations take up to half a minute.
    pub metadata_cache_seconds: u32,
    /// Whether next links name the environment's other host (`{org}.api.crm…` instead of `{org}.crm…`), which nobody can
    /// reach here.
    pub other_host_in_links: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            code_spelling: CodeSpelling::default(),
            closed_leads: ClosedLeads::default(),
            sales: true,
            absent_row_is_version_mismatch: false,
            plugin_refusal: None,
            missing_privileges: BTreeSet::new(),
            own_rows_only: BTreeSet::new(),
            unknown_application: false,
            limits: None,
            execution_milliseconds: 0,
            other_host_in_links: false,
            languages: vec![1033, 1031],
            customizations_running: 0,
            metadata_cache_seconds: 1,
        }
    }
}

/// How often things happened over HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counters {
    /// Requests that were carried out or refused, throttled ones aside.
    pub requests: u64,
    /// Rows created.
    pub created: u64,
    /// Updates carried out, those that changed nothing included.
    pub updated: u64,
    /// Publications of customizations.
    pub published: u64,
    /// Requests answered with 429.
    pub throttled: u64,
}

impl Default for State {
    /// An organisation as installed: no leads, the usual currencies, one seller, one team.
    fn default() -> Self {
        let schema = schema::Schema::new(LeadProfile::default());
        let mut rows = organisation::rows();
        security::fill(&mut rows, schema.tables());
        Self {
            switches: Switches::default(),
            saved_between_pages: VecDeque::new(),
            counters: Counters::default(),
            schema,
            rows,
            cursors: BTreeMap::new(),
            traffic: limits::Traffic::default(),
            security: security::Security::default(),
        }
    }
}

impl State {
    fn base_currency(&self) -> Uuid {
        let organisation = self.rows.get("organization", ORGANIZATION_ID);
        let currency = organisation.and_then(|row| row.get("basecurrencyid"));
        currency
            .and_then(cell::Cell::id)
            .unwrap_or_else(organisation::base_currency)
    }
}

/// The service's routes: everything below `/api/data/v9.2/`.
pub fn router(world: SharedWorld) -> Router {
    calls::router(world)
}

#[cfg(test)]
mod tests;
