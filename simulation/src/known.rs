//! Customers that the organisation knows before their referral comes, and what the connector makes of that.

use std::collections::BTreeSet;

use http::StatusCode;
use referral_connector::ids::{AccountId, ContactId, LeadId, ReferralId};
use referral_connector::lead::{Column, Columns, LeadState, Value};
use referral_connector::mapping::columns::{COMPANY, EMAIL, PARENT_ACCOUNT, PARENT_CONTACT};
use referral_connector::referral::Referral;
use referral_connector::sync::SyncReport;
use referral_connector::sync::options::{Duplicates, Mode, Parents};
use referral_connector::upstream::dataverse::DataverseError;
use uuid::Uuid;

use crate::agenda::{Group, Run};
use crate::dataverse::coded;
use crate::field::Field;
use crate::universe::Contents;

/// What the ids of leads begin with that sellers entered by themselves.
const SELLERS: u128 = 0xfeed_0000;
/// The headline of the note that tells a seller of other leads.
const NOTE: &str = "Partner Center: possible duplicate";

/// The customers that the organisation knows.
#[derive(Default)]
pub(crate) struct Customers {
    pub(crate) accounts: Vec<(AccountId, String)>,
    pub(crate) contacts: Vec<(ContactId, String)>,
    /// Whether the connector may look for them without being allowed to name them in a lead.
    pub(crate) are_reserved: bool,
    /// E-mail address and company of the customer who came last.
    last: Option<(String, String)>,
}

/// What a run was told when it looked for leads like a referral.
#[derive(Clone, Debug, Default)]
pub(crate) struct Search {
    /// What it looked for: e-mail address and company.
    terms: (String, String),
    /// Those that it found, its own aside.
    pub(crate) found: BTreeSet<LeadId>,
    /// Those among them that no other referral has.
    free: BTreeSet<LeadId>,
}

/// Whether the organisation takes both for the same.
fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

fn only<T: Copy>(rows: &[(T, String)], name: &str) -> Option<T> {
    let mut rows = rows.iter().filter(|(_, it)| same(it, name));
    match (rows.next(), rows.next()) {
        (Some((id, _)), None) => Some(*id),
        _ => None,
    }
}

fn holds(columns: &Columns, column: &Column, text: &str) -> bool {
    matches!(columns.get(column), Some(Value::Text(held)) if same(held, text))
}

fn text(columns: &Columns, column: &Column) -> Option<String> {
    match columns.get(column) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

impl Contents {
    /// Now and then the customer of `referral`, who is about to come, is known already.
    pub(crate) fn introduce(&mut self, referral: &mut Referral) {
        if self.chance.u8(..2) == 0 {
            return;
        }
        self.count("seller: knows the customer");
        let before = self.dataverse.customers.last.clone();
        let again = before.filter(|_| self.chance.bool());
        let is_new = again.is_none();
        let (email, company) = again.unwrap_or_else(|| {
            let number = self.ledger.number();
            let fresh = |field: Field| field.fresh(number, false);
            (fresh(Field::Email), fresh(Field::Company))
        });
        Field::Email.into_referral(referral, Some(email.clone()));
        Field::Company.into_referral(referral, Some(company.clone()));
        if is_new {
            for _ in 0..[1, 1, 1, 0, 2][self.chance.usize(..5)] {
                let lead = self.sellers_lead(&email, &company);
                self.ledger
                    .introduced
                    .entry(referral.id)
                    .or_default()
                    .push(lead);
            }
            for _ in 0..[0, 1, 1, 2][self.chance.usize(..4)] {
                let (account, contact) = (self.customer_row(), self.customer_row());
                let customers = &mut self.dataverse.customers;
                let (name, address) = (company.to_uppercase(), email.to_uppercase());
                customers.accounts.push((AccountId::new(account), name));
                customers.contacts.push((ContactId::new(contact), address));
            }
            self.dataverse.customers.last = Some((email, company));
        }
    }

    fn customer_row(&mut self) -> Uuid {
        Uuid::from_u128(0xacc0_0000 + u128::from(self.ledger.number()))
    }

    fn sellers_lead(&mut self, email: &str, company: &str) -> LeadId {
        let id = LeadId::new(Uuid::from_u128(SELLERS + u128::from(self.ledger.number())));
        let mut columns: Columns = [(EMAIL, email), (COMPANY, company)]
            .map(|(column, text)| (column, Value::Text(text.to_owned())))
            .into();
        if self.chance.bool() {
            let city = Field::City.fresh(self.ledger.number(), false);
            columns.insert(Field::City.column(), Value::Text(city));
        }
        self.put_lead(id, columns);
        if self.chance.u8(..8) == 0 {
            self.change_lead(id, |lead| {
                lead.state = LeadState::Disqualified;
                lead.status_reason = Some(4);
            });
        }
        self.tell(|| format!("seller enters lead {id}"));
        id
    }

    pub(crate) fn leads_alike(
        &mut self,
        email: &str,
        company: &str,
        most: usize,
        run: Run,
    ) -> Vec<LeadId> {
        let leads = self.dataverse.leads.values();
        let alike = leads.filter(|lead| {
            lead.state == LeadState::Open
                && holds(&lead.columns, &EMAIL, email)
                && holds(&lead.columns, &COMPANY, company)
        });
        let alike: Vec<LeadId> = alike.map(|lead| lead.id).take(most).collect();
        self.tell(|| format!("looks for leads of {email} at {company}: {alike:?}"));
        self.book_search((email.to_owned(), company.to_owned()), &alike, run);
        alike
    }

    fn book_search(&mut self, terms: (String, String), found: &[LeadId], run: Run) {
        let Some(id) = self.ledger.referral_of(run) else {
            return self
                .ledger
                .violated("leads are looked for before any referral".to_owned());
        };
        let found: BTreeSet<LeadId> = found.iter().copied().collect();
        let others = found.iter().copied().filter(|it| *it != LeadId::of(id));
        let others: BTreeSet<LeadId> = others.collect();
        let free = others.iter().copied().filter(|it| self.is_free(*it, id));
        let search = Search {
            terms,
            free: free.collect(),
            found: others,
        };
        let is_met = !search.found.is_empty();
        self.ledger.searched.entry(id).or_default().push(is_met);
        self.ledger.seen.entry(run).or_default().search = Some(search);
    }

    /// Whether referral `id` may have `lead`: it is no other's.
    fn is_free(&self, lead: LeadId, id: ReferralId) -> bool {
        let made_for = ReferralId::new(lead.uuid());
        let claim = self.storage.blobs.get(&format!("by-lead/{lead}.json"));
        let is_ours = |content: &[u8]| String::from_utf8_lossy(content).contains(&id.to_string());
        claim.is_none_or(|(blob, _)| is_ours(&blob.content))
            && !self.partner_center.referrals.contains_key(&made_for)
    }

    pub(crate) fn account(&mut self, name: &str) -> Option<AccountId> {
        only(&self.dataverse.customers.accounts, name)
    }

    pub(crate) fn contact(&mut self, email: &str) -> Option<ContactId> {
        only(&self.dataverse.customers.contacts, email)
    }

    /// Refuses a lead that names an account or a contact where the connector may not.
    pub(crate) fn unless_reserved(
        &mut self,
        id: LeadId,
        columns: &Columns,
    ) -> Result<(), DataverseError> {
        let names = [PARENT_ACCOUNT, PARENT_CONTACT].map(|it| columns.contains_key(&it));
        if !self.dataverse.customers.are_reserved || names == [false, false] {
            return Ok(());
        }
        self.count("dataverse: may not name an account");
        let source = coded(StatusCode::FORBIDDEN, "0x80040220");
        Err(DataverseError::Create { id, source })
    }

    /// A new lead stands beside no lead that its referral could have had, and belongs to the one account and contact.
    pub(crate) fn judge_new_lead(&mut self, id: LeadId, columns: &Columns, run: Run, group: Group) {
        let referral = ReferralId::new(id.uuid());
        let options = self.instances.options(group).clone();
        let (email, company) = (text(columns, &EMAIL), text(columns, &COMPANY));
        let is_named = email.is_some() && company.is_some();
        let looks = options.duplicates != Duplicates::Create;
        if !is_named {
            // What it was once looked for under is gone.
            self.ledger
                .searched
                .entry(referral)
                .or_default()
                .push(false);
        }
        if looks && is_named && !self.ledger.searched.contains_key(&referral) {
            let words = format!("lead {id} was made and nobody looked for one like it");
            self.ledger.violated(words);
        }
        let search = self.ledger.seen.get(&run).and_then(|it| it.search.clone());
        // A referral that says something else since is looked for anew, or not at all.
        let terms = email.clone().zip(company.clone());
        let search = search.filter(|it| terms.as_ref() == Some(&it.terms));
        let free = search.unwrap_or_default().free;
        let is_there = |lead: &LeadId| self.is_free(*lead, referral);
        if options.duplicates == Duplicates::Link
            && free.len() == 1
            && free.iter().all(is_there)
            && self.ledger.forgotten.is_empty()
        {
            let words = format!("lead {id} was made beside {free:?}, the only one like it");
            self.ledger.violated(words);
        }
        self.judge_parents(id, columns, options.parents, email, company);
    }

    fn judge_parents(
        &mut self,
        id: LeadId,
        columns: &Columns,
        parents: Parents,
        email: Option<String>,
        company: Option<String>,
    ) {
        let customers = &self.dataverse.customers;
        let matches = parents == Parents::Match && !customers.are_reserved;
        let account = company.and_then(|it| only(&customers.accounts, &it));
        let contact = email.and_then(|it| only(&customers.contacts, &it));
        let row = |id: Option<Uuid>| id.filter(|_| matches).map(Value::Row);
        let right = [
            (PARENT_ACCOUNT, row(account.map(AccountId::uuid))),
            (PARENT_CONTACT, row(contact.map(ContactId::uuid))),
        ];
        for (column, right) in right {
            let given = columns.get(&column);
            if given != right.as_ref() {
                let words = format!("{column} of lead {id} is {given:?} and not {right:?}");
                self.ledger.violated(words);
            }
        }
    }

    /// A seller is told once of leads like the one that was made.
    pub(crate) fn wrong_with_note(&self, id: ReferralId, report: &SyncReport) -> Option<String> {
        let own = LeadId::of(id);
        let ledger = &self.ledger;
        let is_plain = report.lead == Some(own)
            && ledger.made.get(&own) == Some(&1)
            && self.dataverse.current(own).is_some_and(|it| it.id == own)
            && !ledger.forgotten.contains(&id)
            && self.instances.settings.mode != Mode::Observe;
        let searched = ledger
            .searched
            .get(&id)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let wanted = match (searched.contains(&true), searched.contains(&false)) {
            // Some runs found others and some did not: who knows which one made the lead.
            (true, true) => return None,
            (is_met, _) => usize::from(is_met),
        };
        let notes = self.dataverse.notes.values();
        let told = notes.filter(|(lead, note)| *lead == own && note.subject == NOTE);
        let told = told.count();
        (is_plain && told != wanted)
            .then(|| format!("{id}: {told} notes tell of other leads, {wanted} should"))
    }
}
