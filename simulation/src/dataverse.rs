//! Dataverse in memory: leads with row versions, preconditions, merges and deletions, notes, and an organisation that makes
//! something else of what it is sent.

mod client;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use referral_connector::ids::{CurrencyId, ETag, LeadId, NoteId};
use referral_connector::lead::{
    Changes, Column, ColumnKind, Columns, Currency, Lead, LeadSchema, LeadState, Note, Own, Value,
};
use referral_connector::mapping::Mapping;
use referral_connector::mapping::columns::{
    COUNTRY, DESCRIPTION, ESTIMATED_AMOUNT, STATE, STATUS, SUBJECT, TELEPHONE, TRANSACTION_CURRENCY,
};
use referral_connector::provision::columns;
use referral_connector::upstream::dataverse::{
    Created, CurrentLead, DataverseError, Failure, NoteAdded, Updated,
};
use referral_connector::upstream::{CallError, Refusal, Upstream};
use rust_decimal::RoundingStrategy;
use uuid::Uuid;

use crate::agenda::{Group, Run};
use crate::known::Customers;
use crate::universe::Contents;
use crate::weather::happens;

/// The organisation.
pub(crate) struct Dataverse {
    pub(crate) leads: BTreeMap<LeadId, Lead>,
    pub(crate) notes: BTreeMap<NoteId, (LeadId, Note)>,
    pub(crate) currencies: Vec<Currency>,
    pub(crate) schema: Arc<LeadSchema>,
    pub(crate) customers: Customers,
    versions: u64,
}

impl Dataverse {
    /// An organisation, with the connector's own columns if it `has_own` ones.
    pub(crate) fn new(has_own: bool) -> Self {
        Self {
            leads: BTreeMap::new(),
            notes: BTreeMap::new(),
            currencies: vec![currency(0xd0, "USD"), currency(0xe0, "EUR")],
            schema: Arc::new(schema(has_own)),
            customers: Customers::default(),
            versions: 2_264_000,
        }
    }

    pub(crate) fn currency(&self, code: &str) -> Option<&Currency> {
        self.currencies.iter().find(|it| it.code == code)
    }

    /// The lead that stands for `id`, if there is one.
    pub(crate) fn current(&self, id: LeadId) -> Option<&Lead> {
        let mut lead = self.leads.get(&id)?;
        while let Some(master) = lead.merged_into {
            lead = self.leads.get(&master)?;
        }
        Some(lead)
    }

    fn stamp(&mut self, lead: &mut Lead, now: Timestamp) {
        self.versions += 1;
        lead.etag = ETag::new(format!("W/\"{}\"", self.versions));
        lead.modified = Timestamp::from_second(now.as_second()).ok();
    }
}

fn currency(number: u128, code: &str) -> Currency {
    Currency {
        id: CurrencyId::new(Uuid::from_u128(number)),
        code: code.to_owned(),
        precision: 2,
    }
}

/// A table with short topics and a limited amount.
fn schema(has_own: bool) -> LeadSchema {
    let mut schema = LeadSchema::default();
    for row in Mapping::shipped()
        .rows()
        .iter()
        .filter(|row| row.kind == ColumnKind::Text)
    {
        schema.lengths.insert(row.column.clone(), 100);
    }
    schema.lengths.insert(SUBJECT, 50);
    schema.lengths.insert(DESCRIPTION, 2000);
    let choices = [("leadsourcecode", 1..=10), ("leadqualitycode", 1..=3)];
    for (name, choice) in choices {
        schema.choices.insert(Column::named(name), choice.collect());
    }
    schema.status_reasons = [
        (1, LeadState::Open),
        (2, LeadState::Open),
        (3, LeadState::Qualified),
        (4, LeadState::Disqualified),
        (5, LeadState::Disqualified),
        (6, LeadState::Disqualified),
        (7, LeadState::Disqualified),
    ]
    .into();
    if has_own {
        let prefix = "pcref".parse().expect("it is a prefix");
        schema.own = columns::names(&prefix).collect();
        for (own, column) in &schema.own {
            if own.kind() == ColumnKind::Text {
                schema.lengths.insert(column.clone(), 300);
            }
        }
    }
    let most = 1_000_000_000_000_u64;
    schema
        .amounts
        .insert(ESTIMATED_AMOUNT, (0.into(), most.into()));
    schema
}

impl Contents {
    /// Puts a lead that was never there.
    pub(crate) fn put_lead(&mut self, id: LeadId, columns: Columns) {
        let mut lead = Lead {
            id,
            etag: ETag::new(""),
            state: LeadState::Open,
            status_reason: Some(1),
            merged_into: None,
            modified: None,
            decision: None,
            columns: Columns::new(),
        };
        for (column, value) in columns {
            self.store(&mut lead, column, Some(value));
        }
        let now = self.now();
        self.dataverse.stamp(&mut lead, now);
        self.dataverse.leads.insert(id, lead);
    }

    /// Changes a lead, whoever does it.
    pub(crate) fn change_lead(&mut self, id: LeadId, change: impl FnOnce(&mut Lead)) {
        let lead = self.dataverse.leads.get(&id);
        let mut lead = lead.expect("only leads that are there change").clone();
        change(&mut lead);
        let now = self.now();
        self.dataverse.stamp(&mut lead, now);
        self.dataverse.leads.insert(id, lead);
    }

    /// What the organisation makes of what it is sent.
    pub(crate) fn normalized(&self, column: &Column, value: Value) -> Option<Value> {
        let normalizes = self.weather.normalizes;
        Some(match value {
            Value::Text(text) => {
                let mut text = text.trim().to_owned();
                if normalizes && *column == COUNTRY {
                    text.make_ascii_uppercase();
                }
                if normalizes && self.dataverse.schema.own.get(&Own::Kind) == Some(column) {
                    text.make_ascii_uppercase();
                }
                if normalizes && *column == TELEPHONE {
                    text.retain(|it| !it.is_whitespace());
                }
                if text.is_empty() {
                    return None;
                }
                Value::Text(text)
            }
            Value::Amount(amount) => {
                let digits = if normalizes { 0 } else { 2 };
                let strategy = RoundingStrategy::MidpointAwayFromZero;
                let amount = amount.round_dp_with_strategy(digits, strategy);
                Value::Amount(amount.normalize())
            }
            other => other,
        })
    }

    pub(crate) fn store(&self, lead: &mut Lead, column: Column, value: Option<Value>) {
        match value {
            Some(Value::Choice(number)) if column == STATE => {
                let states = [
                    LeadState::Open,
                    LeadState::Qualified,
                    LeadState::Disqualified,
                ];
                let named = states.iter().find(|it| it.number() == number);
                lead.state = *named.unwrap_or(&lead.state);
            }
            Some(Value::Choice(reason)) if column == STATUS => lead.status_reason = Some(reason),
            value => {
                match value.and_then(|value| self.normalized(&column, value)) {
                    Some(value) => lead.columns.insert(column, value),
                    None => lead.columns.remove(&column),
                };
            }
        }
    }

    fn current_lead(&mut self, id: LeadId, run: Run) -> Option<CurrentLead> {
        let lead = self.dataverse.current(id).cloned()?;
        self.tell(|| format!("reads lead {}", brief(&lead)));
        self.ledger.lead_read(run, &lead);
        let merged_from = (lead.id != id).then_some(id);
        Some(CurrentLead { lead, merged_from })
    }

    fn create_lead(
        &mut self,
        id: LeadId,
        columns: Columns,
        run: Run,
        group: Group,
    ) -> Result<Created, DataverseError> {
        if self.dataverse.leads.contains_key(&id) {
            self.count("dataverse: the lead is there already");
            self.tell(|| format!("creates lead {id}: there already"));
            return Ok(Created::AlreadyThere);
        }
        self.unless_reserved(id, &columns)?;
        self.judge_creation(id, run, group);
        self.judge_new_lead(id, &columns, run, group);
        self.put_lead(id, columns);
        if self.weather.normalizes {
            // Dataverse gives every lead a currency.
            let currency = Value::Row(self.dataverse.currencies[0].id.uuid());
            let row = self.dataverse.leads.get_mut(&id);
            let columns = &mut row.expect("it was just put there").columns;
            columns.entry(TRANSACTION_CURRENCY).or_insert(currency);
        }
        self.tell(|| format!("creates lead {id}"));
        self.touch(id);
        Ok(Created::Now(self.stored(id)))
    }

    /// What the answer to a write says was stored.
    fn stored(&mut self, id: LeadId) -> Option<Box<Lead>> {
        let is_told = !happens(&mut self.chance, self.weather.unrepresented);
        let lead = self.dataverse.leads.get(&id).filter(|_| is_told)?;
        Some(Box::new(lead.clone()))
    }

    fn update_lead(
        &mut self,
        id: LeadId,
        etag: &ETag,
        changes: Changes,
        run: Run,
        group: Group,
    ) -> Result<Updated, DataverseError> {
        let Some(lead) = self.dataverse.leads.get(&id).cloned() else {
            return Ok(Updated::Gone);
        };
        if lead.etag != *etag {
            self.count("dataverse: 412");
            self.tell(|| format!("update of lead {id} refused: 412 {etag}"));
            return Ok(Updated::Changed);
        }
        if happens(&mut self.chance, self.weather.rejected) {
            self.count("fault: a plug-in refuses a write");
            let source = coded(StatusCode::BAD_REQUEST, "0x80040265");
            return Err(DataverseError::Update { id, source });
        }
        let is_closed = lead.state != LeadState::Open && self.weather.closed_leads_refuse;
        if lead.merged_into.is_some() || is_closed {
            self.count("dataverse: a closed lead refuses");
            self.tell(|| format!("update of lead {id} refused: closed"));
            let source = coded(StatusCode::BAD_REQUEST, "0x80040230");
            return Err(DataverseError::Update { id, source });
        }
        self.judge_update(&lead, &changes, run, group);
        self.tell(|| format!("updates lead {id}: {changes:?}"));
        let mut after = lead;
        for (column, value) in changes {
            self.store(&mut after, column, value);
        }
        self.change_lead(id, |lead| *lead = after);
        self.touch(id);
        Ok(Updated::Done(self.stored(id)))
    }

    /// The organisation's own workflow writes a column nobody here knows, soon after every write of ours.
    fn touch(&mut self, id: LeadId) {
        if !self.weather.touches {
            return;
        }
        let soon = Duration::from_millis(self.chance.u64(1..3_000));
        self.after(soon, move |it| {
            if it.dataverse.leads.contains_key(&id) {
                it.count("organisation: its workflow touches a lead");
                it.change_lead(id, |_| {});
            }
        });
    }

    fn add_note(&mut self, lead: LeadId, note: Note) -> Result<NoteAdded, DataverseError> {
        if !self.dataverse.leads.contains_key(&lead) {
            let (note, source) = (note.id, coded(StatusCode::NOT_FOUND, "0x80040217"));
            return Err(DataverseError::Note { lead, note, source });
        }
        if self.dataverse.notes.contains_key(&note.id) {
            return Ok(NoteAdded::AlreadyThere);
        }
        self.tell(|| format!("notes on lead {lead}: {} {:?}", note.subject, note.text));
        self.dataverse.notes.insert(note.id, (lead, note));
        Ok(NoteAdded::Now)
    }
}

/// A lead on one line.
pub(crate) fn brief(lead: &Lead) -> String {
    let columns = lead.columns.iter().map(|(column, value)| match value {
        Value::Text(text) => format!("{column}={text:?}"),
        Value::Amount(amount) => format!("{column}={amount}"),
        Value::Date(date) => format!("{column}={date}"),
        other => format!("{column}={other:?}"),
    });
    let columns: Vec<String> = columns.collect();
    format!(
        "{} {} {:?}/{:?}/{:?} {}",
        lead.id,
        lead.etag,
        lead.state,
        lead.status_reason,
        lead.decision,
        columns.join(" ")
    )
}

pub(crate) fn coded(status: StatusCode, code: &str) -> Failure {
    Failure::from(CallError::Refused {
        upstream: Upstream::Dataverse,
        operation: "do it",
        refusal: Box::new(Refusal {
            status,
            is_document: true,
            codes: vec![code.to_owned()],
            retry_after: None,
            request_id: None,
        }),
    })
}
