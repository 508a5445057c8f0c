//! Columns that an administrator added through the Web API.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Choice, Column, Kind};
use crate::dataverse::refusal::{Outcome, Refusal};

/// What is known of an added column beyond what every column has.
#[derive(Clone, Debug)]
pub(in crate::dataverse) struct Custom {
    /// The name with the case it was given.
    pub(in crate::dataverse) schema_name: String,
    /// The solution it was created in, by unique name; `None` is the default one.
    pub(in crate::dataverse) solution: Option<String>,
    /// When it was created: the metadata cache learns of it a while later.
    pub(in crate::dataverse) created: Timestamp,
    /// `DisplayName` and `Description`, as they were sent.
    pub(in crate::dataverse) labels: Map<String, Value>,
    /// The options of a choice, as they were sent, each with its number.
    pub(in crate::dataverse) options: Vec<Value>,
}

/// The column that `definition` describes. Options without a number get one that begins with `option_prefix`.
pub(in crate::dataverse) fn column(
    definition: &Map<String, Value>,
    option_prefix: i64,
    solution: Option<String>,
    created: Timestamp,
) -> Outcome<Column> {
    let text = |name: &str| definition.get(name).and_then(Value::as_str);
    let schema_name = text("SchemaName").ok_or_else(|| invalid("SchemaName is missing"))?;
    let mut custom = Custom {
        schema_name: schema_name.to_owned(),
        solution,
        created,
        labels: definition
            .iter()
            .filter(|(name, _)| matches!(name.as_str(), "DisplayName" | "Description"))
            .map(|(name, label)| (name.clone(), label.clone()))
            .collect(),
        options: Vec::new(),
    };
    let length = |longest: usize| {
        let length = definition.get("MaxLength").and_then(Value::as_u64);
        let length = length.and_then(|it| usize::try_from(it).ok());
        length
            .filter(|it| (1..=longest).contains(it))
            .ok_or_else(|| invalid("MaxLength is outside the valid range"))
    };
    let kind = match text("@odata.type").unwrap_or_default() {
        "Microsoft.Dynamics.CRM.StringAttributeMetadata" => Kind::Text(length(4000)?),
        "Microsoft.Dynamics.CRM.MemoAttributeMetadata" => Kind::Memo(length(1_048_576)?),
        "Microsoft.Dynamics.CRM.DateTimeAttributeMetadata" => match text("Format") {
            Some("DateOnly") => Kind::Day,
            Some("DateAndTime") => Kind::Moment,
            _ => return Err(invalid("Format is missing")),
        },
        "Microsoft.Dynamics.CRM.PicklistAttributeMetadata" => {
            custom.options = options(definition, option_prefix)?;
            Kind::Choice(custom.options.iter().map(choice).collect())
        }
        other => return Err(invalid(format!("{other:?} cannot be created here"))),
    };
    Ok(Column {
        custom: Some(Box::new(custom)),
        ..Column::new(interned(&schema_name.to_lowercase()), kind)
    })
}

fn options(definition: &Map<String, Value>, prefix: i64) -> Outcome<Vec<Value>> {
    let options = definition
        .get("OptionSet")
        .and_then(|set| set.get("Options"))
        .and_then(Value::as_array)
        .ok_or_else(|| invalid("OptionSet has no Options"))?;
    let numbered = options.iter().zip(0..).map(|(option, index)| {
        let mut option = option.clone();
        if option.get("Value").and_then(Value::as_i64).is_none() {
            option["Value"] = (prefix * 10_000 + index).into();
        }
        option
    });
    Ok(numbered.collect())
}

fn choice(option: &Value) -> Choice {
    let label = option.pointer("/Label/LocalizedLabels/0/Label");
    Choice {
        value: option["Value"].as_i64().unwrap_or_default(),
        label: interned(label.and_then(Value::as_str).unwrap_or_default()),
    }
}

pub(in crate::dataverse) fn invalid(detail: impl Into<String>) -> Refusal {
    Refusal::bad_request(0x8004_0203, detail)
}

/// `name` for as long as the process lives: the names of columns are few, and come again.
fn interned(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(name);
    name
}
