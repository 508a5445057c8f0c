//! Our types → JSON for Dataverse.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::LOOKUPS;
use crate::ids::LeadId;
use crate::lead::{Column, Note, Owner, Value};

/// Members of a row to write, each already JSON.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(in crate::upstream::dataverse) struct Body(BTreeMap<String, Box<RawValue>>);

/// A lookup column whose navigation property is not known here.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("lookup column {0} is not one the connector knows how to write")]
pub struct UnknownLookup(Column);

impl Body {
    /// Sets `column`; `None` empties it.
    pub(in crate::upstream::dataverse) fn set(
        &mut self,
        column: &Column,
        value: Option<&Value>,
    ) -> Result<(), UnknownLookup> {
        let lookup = LOOKUPS.iter().find(|(name, ..)| *name == column.as_str());
        match (lookup, value) {
            (Some((_, navigation, set)), Some(Value::Row(id))) => {
                self.bind(navigation, &format!("/{set}({id})"));
            }
            (Some((_, navigation, _)), None) => {
                self.member(format!("{navigation}@odata.bind"), &());
            }
            (None, Some(Value::Row(_))) => return Err(UnknownLookup(column.clone())),
            (_, value) => {
                self.0
                    .insert(column.as_str().to_owned(), value.map_or_else(null, json));
            }
        }
        Ok(())
    }

    /// Names who the row belongs to.
    pub(in crate::upstream::dataverse) fn owner(&mut self, owner: Owner) {
        let row = match owner {
            Owner::User(id) => format!("/systemusers({id})"),
            Owner::Team(id) => format!("/teams({id})"),
        };
        self.bind("ownerid", &row);
    }

    /// Dates the row back to when its record was made elsewhere, to the second.
    pub(in crate::upstream::dataverse) fn created(&mut self, at: Timestamp) {
        let text = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        self.member("overriddencreatedon".to_owned(), &text);
    }

    /// Whether it would write nothing.
    pub(in crate::upstream::dataverse) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The JSON text.
    pub(in crate::upstream::dataverse) fn bytes(&self) -> Bytes {
        serde_json::to_vec(self)
            .expect("members that are JSON already make an object")
            .into()
    }

    fn bind(&mut self, navigation: &str, row: &str) {
        self.member(format!("{navigation}@odata.bind"), row);
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: String, value: &T) {
        self.0.insert(name, raw(value));
    }
}

/// A note on the timeline of `lead`. The note's id is in the address, not here.
pub(in crate::upstream::dataverse) fn note(lead: LeadId, note: &Note) -> Body {
    let mut body = Body::default();
    body.member("subject".to_owned(), &note.subject);
    body.member("notetext".to_owned(), &note.text);
    body.bind("objectid_lead", &format!("/leads({lead})"));
    body
}

fn json(value: &Value) -> Box<RawValue> {
    match value {
        Value::Text(text) => raw(text),
        Value::Choice(number) => raw(number),
        Value::Flag(flag) => raw(flag),
        Value::Whole(number) => raw(number),
        // Decimals print their digits without an exponent, which is a JSON number as it stands.
        Value::Amount(amount) => RawValue::from_string(amount.to_string())
            .expect("the digits of a decimal are a JSON number"),
        Value::Date(date) => raw(&date.to_string()),
        Value::Row(id) => raw(&id.to_string()),
        Value::Moment(moment) => raw(&moment.to_string()),
    }
}

fn null() -> Box<RawValue> {
    raw(&())
}

fn raw<T: Serialize + ?Sized>(value: &T) -> Box<RawValue> {
    to_raw_value(value).expect("texts, integers and flags are always JSON")
}
