//! Whether the customer of a new referral is known already: what to look for before its lead is created, and what is made of
//! what was found.

use std::collections::BTreeSet;

use super::{Inputs, LeadFinding, Report, ignored, is_deleted, settle};
use crate::ids::{AccountId, ContactId, LeadId};
use crate::lead::{Column, Columns, Value};
use crate::mapping::columns::{COMPANY, EMAIL, PARENT_ACCOUNT, PARENT_CONTACT};
use crate::mapping::{self, Projection};
use crate::sync::options::{Duplicates, Parents};
use crate::sync::state::State;

/// What to look for before a lead is created. These are personal data.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::sync) struct Search {
    /// The e-mail address and the company of open leads that may be the same.
    pub(in crate::sync) lead: Option<(String, String)>,
    /// The name of the customer's account.
    pub(in crate::sync) account: Option<String>,
    /// The e-mail address of the customer's contact.
    pub(in crate::sync) contact: Option<String>,
}

/// What was found. Nothing is the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The open leads that may be the same, but for the one that is taken; `None` if they were not looked for.
    pub similar: Option<BTreeSet<LeadId>>,
    /// The one account with the company's name.
    pub account: Option<AccountId>,
    /// The one contact with the e-mail address.
    pub contact: Option<ContactId>,
}

/// What to look for, if the lead is about to be created and anything is to be looked for.
pub(in crate::sync) fn search(inputs: &Inputs<'_>) -> Option<Search> {
    let options = inputs.options;
    let asks = (options.duplicates, options.parents);
    if asks == (Duplicates::Create, Parents::Off) || !is_new(inputs) {
        return None;
    }
    let projection = mapping::project(inputs.referral, inputs.schema, inputs.currency, options);
    let (email, company) = (text(&projection, &EMAIL), text(&projection, &COMPANY));
    // A creation that was begun is gone on with: what it found is remembered.
    let looks = options.duplicates != Duplicates::Create && !inputs.state.is_begun();
    let matches = options.parents == Parents::Match;
    let search = Search {
        lead: email.clone().zip(company).filter(|_| looks),
        account: whole_company(&projection).filter(|_| matches),
        contact: email.filter(|_| matches),
    };
    (!search.is_empty()).then_some(search)
}

/// Whether a lead would be created now.
fn is_new(inputs: &Inputs<'_>) -> bool {
    let referral = inputs.referral;
    *inputs.lead == LeadFinding::Absent
        && !is_deleted(inputs)
        && !referral.status.state.is_closed()
        && ignored(referral, &inputs.options.filter).is_none()
        && settle::busy_until(inputs).is_none()
}

fn text(projection: &Projection, column: &Column) -> Option<String> {
    match projection.columns.get(column) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

/// The company as it is, where the lead's column is too short for it: accounts have longer names.
fn whole_company(projection: &Projection) -> Option<String> {
    let losses = projection.losses.iter();
    let mut cut = losses.filter(|loss| loss.column == COMPANY);
    let whole = cut.next().map(|loss| loss.value.clone());
    whole.or_else(|| text(projection, &COMPANY))
}

impl Search {
    fn is_empty(&self) -> bool {
        self.lead.is_none() && self.account.is_none() && self.contact.is_none()
    }
}

impl Known {
    /// The columns of a new lead that name whom it belongs to.
    pub(super) fn parents(&self) -> Columns {
        let account = self.account.map(|it| (PARENT_ACCOUNT, it.uuid()));
        let contact = self.contact.map(|it| (PARENT_CONTACT, it.uuid()));
        let parents = [account, contact].into_iter().flatten();
        parents
            .map(|(column, row)| (column, Value::Row(row)))
            .collect()
    }
}

/// Which of the `columns` of a new lead name whom it belongs to.
pub(super) fn parents(columns: &Columns) -> impl Iterator<Item = Column> {
    let parents = [PARENT_ACCOUNT, PARENT_CONTACT].into_iter();
    parents.filter(|column| columns.contains_key(column))
}

/// `columns` of a new lead without those that name whom it belongs to; nothing if there are none.
pub(in crate::sync) fn without_parents(columns: &Columns) -> Option<Columns> {
    let mut rest = columns.clone();
    rest.retain(|column, _| ![PARENT_ACCOUNT, PARENT_CONTACT].contains(column));
    (rest.len() < columns.len()).then_some(rest)
}

/// What is told of the leads that may be the same.
pub(super) fn reports(state: &State) -> impl Iterator<Item = Report> {
    state
        .duplicates
        .iter()
        .copied()
        .map(Report::PossibleDuplicate)
}
