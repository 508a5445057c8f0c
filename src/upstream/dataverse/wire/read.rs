//! JSON from Dataverse → our types.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::lookup_member;
use crate::ids::{CurrencyId, ETag, LeadId};
use crate::lead::{Column, ColumnKind, Columns, Currency, Lead, LeadState, Value};
use crate::upstream::dataverse::ListedLead;

/// Read beside the mapped columns of every lead.
const ALWAYS: [&str; 5] = [
    "leadid",
    "statecode",
    "statuscode",
    "_masterid_value",
    "modifiedon",
];

/// The `$select` that reads `columns` and nothing else but what identifies a lead's state.
pub(in crate::upstream::dataverse) fn select(columns: &[(Column, ColumnKind)]) -> String {
    let mut names: Vec<String> = ALWAYS.into_iter().map(str::to_owned).collect();
    for (column, kind) in columns {
        let name = member(column, *kind);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(",")
}

/// A row, its members not yet read.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(in crate::upstream::dataverse) struct Row(BTreeMap<String, Box<RawValue>>);

/// A page of rows.
#[derive(Debug, Deserialize)]
pub(in crate::upstream::dataverse) struct Rows<T> {
    pub(in crate::upstream::dataverse) value: Vec<T>,
    #[serde(rename = "@odata.nextLink")]
    pub(in crate::upstream::dataverse) next_link: Option<String>,
}

/// A member of a row that is missing or not what its column holds. Never carries the value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("member {member} is not {expected}")]
pub struct BadRow {
    member: String,
    expected: &'static str,
}

/// Reads a lead with the mapped `columns` it was asked for.
pub(in crate::upstream::dataverse) fn lead(
    row: &Row,
    columns: &[(Column, ColumnKind)],
) -> Result<Lead, BadRow> {
    let mut values = Columns::new();
    for (column, kind) in columns {
        if let Some(value) = row.value(column, *kind)? {
            values.insert(column.clone(), value);
        }
    }
    Ok(Lead {
        id: LeadId::new(row.required("leadid", "a lead's id")?),
        etag: ETag::new(row.required::<String>("@odata.etag", "a row version")?),
        state: row.state()?,
        status_reason: row.optional("statuscode", "a status reason")?,
        merged_into: row
            .optional("_masterid_value", "a lead's id")?
            .map(LeadId::new),
        modified: row.timestamp("modifiedon")?,
        decision: None,
        columns: values,
    })
}

/// Reads what a list of leads tells about one.
pub(in crate::upstream::dataverse) fn listed(row: &Row) -> Result<ListedLead, BadRow> {
    Ok(ListedLead {
        id: LeadId::new(row.required("leadid", "a lead's id")?),
        version: ETag::new(row.required::<String>("@odata.etag", "a row version")?),
        modified: row.timestamp("modifiedon")?,
    })
}

impl Row {
    fn value(&self, column: &Column, kind: ColumnKind) -> Result<Option<Value>, BadRow> {
        let member = member(column, kind);
        Ok(match kind {
            // An empty text and no text are the same thing to Dataverse.
            ColumnKind::Text => self
                .optional::<String>(&member, "a text")?
                .filter(|text| !text.is_empty())
                .map(Value::Text),
            ColumnKind::Choice => self
                .optional(&member, "a choice's number")?
                .map(Value::Choice),
            ColumnKind::Whole => self.optional(&member, "a whole number")?.map(Value::Whole),
            ColumnKind::Flag => self.optional(&member, "true or false")?.map(Value::Flag),
            ColumnKind::Amount => self.amount(&member)?.map(Value::Amount),
            ColumnKind::Date => {
                let expected = "a date like 2026-01-31";
                self.optional::<String>(&member, expected)?
                    .map(|text| text.parse().map_err(|_| bad(&member, expected)))
                    .transpose()?
                    .map(Value::Date)
            }
            ColumnKind::Row => self.optional(&member, "a row's id")?.map(Value::Row),
            ColumnKind::Moment => self.timestamp(&member)?.map(Value::Moment),
        })
    }

    fn state(&self) -> Result<LeadState, BadRow> {
        let number: i32 = self.required("statecode", "a lead's state")?;
        state(number).ok_or_else(|| bad("statecode", "a lead's state"))
    }

    fn timestamp(&self, member: &str) -> Result<Option<Timestamp>, BadRow> {
        let expected = "a time in UTC";
        self.optional::<String>(member, expected)?
            .map(|text| text.parse().map_err(|_| bad(member, expected)))
            .transpose()
    }

    /// An exact decimal, from the digits of the number as they were sent.
    fn amount(&self, member: &str) -> Result<Option<Decimal>, BadRow> {
        let Some(raw) = self.present(member) else {
            return Ok(None);
        };
        decimal(raw)
            .map(Some)
            .ok_or_else(|| bad(member, "an exact decimal"))
    }

    fn required<T: DeserializeOwned>(
        &self,
        member: &str,
        expected: &'static str,
    ) -> Result<T, BadRow> {
        self.optional(member, expected)?
            .ok_or_else(|| bad(member, expected))
    }

    fn optional<T: DeserializeOwned>(
        &self,
        member: &str,
        expected: &'static str,
    ) -> Result<Option<T>, BadRow> {
        self.present(member)
            .map(|raw| serde_json::from_str(raw).map_err(|_| bad(member, expected)))
            .transpose()
    }

    fn present(&self, member: &str) -> Option<&str> {
        let raw = self.0.get(member)?.get();
        (raw != "null").then_some(raw)
    }
}

/// The exact value of a JSON number, or of a text that holds one.
pub(super) fn decimal(json: &str) -> Option<Decimal> {
    let digits = json.trim_matches('"');
    Decimal::from_str_exact(digits)
        .or_else(|_| Decimal::from_scientific(digits))
        .ok()
}

/// `statecode` of a lead, by number.
pub(super) fn state(number: i32) -> Option<LeadState> {
    match number {
        0 => Some(LeadState::Open),
        1 => Some(LeadState::Qualified),
        2 => Some(LeadState::Disqualified),
        _ => None,
    }
}

fn member(column: &Column, kind: ColumnKind) -> String {
    match kind {
        ColumnKind::Row => lookup_member(column.as_str()),
        _ => column.as_str().to_owned(),
    }
}

fn bad(member: &str, expected: &'static str) -> BadRow {
    BadRow {
        member: member.to_owned(),
        expected,
    }
}

/// A row of `transactioncurrency`.
#[derive(Debug, Deserialize)]
pub(in crate::upstream::dataverse) struct CurrencyRow {
    transactioncurrencyid: Uuid,
    isocurrencycode: String,
    currencyprecision: u32,
}

impl From<CurrencyRow> for Currency {
    fn from(row: CurrencyRow) -> Self {
        Self {
            id: CurrencyId::new(row.transactioncurrencyid),
            code: row.isocurrencycode,
            precision: row.currencyprecision,
        }
    }
}

/// A row of which only the id was asked for.
#[derive(Debug, Deserialize)]
pub(in crate::upstream::dataverse) struct Known {
    #[serde(alias = "leadid", alias = "accountid", alias = "contactid")]
    pub(in crate::upstream::dataverse) id: Uuid,
}

/// The answer of `WhoAmI`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::upstream::dataverse) struct WhoAmI {
    pub(in crate::upstream::dataverse) user_id: Uuid,
    pub(in crate::upstream::dataverse) organization_id: Uuid,
}

/// The answer to which privileges a user holds.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::upstream::dataverse) struct RolePrivileges {
    pub(in crate::upstream::dataverse) role_privileges: Vec<RolePrivilege>,
}

/// One of them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::upstream::dataverse) struct RolePrivilege {
    pub(in crate::upstream::dataverse) privilege_name: String,
    pub(in crate::upstream::dataverse) depth: String,
}
