//! Column definitions, as they are and cast to one type.

use axum::response::Response;
use serde_json::{Value, json};

use super::{Definition, definition, many, metadata_id, one};
use crate::dataverse::address::{KeyValue, Segment};
use crate::dataverse::calls::Call;
use crate::dataverse::cell::Cell;
use crate::dataverse::query::Query;
use crate::dataverse::refusal::{Outcome, Refusal};
use crate::dataverse::schema::{Column, Kind, Required, Table};
use crate::dataverse::write::default_reason;

const NAMESPACE: &str = "Microsoft.Dynamics.CRM.";

/// Answers `Attributes`, `Attributes(LogicalName='…')` and either of them cast to a type of column.
pub(super) fn answer(
    call: &Call<'_>,
    table: &Table,
    known: &dyn Fn(&Column) -> bool,
    key: Option<&KeyValue>,
    cast: &[Segment],
    query: &Query,
) -> Outcome<Response> {
    let cast = match cast {
        [] => None,
        [cast] => Some(type_named(&cast.name)?),
        [_, other, ..] => return Err(Refusal::unknown_segment(&other.name)),
    };
    let mut columns = table
        .columns
        .iter()
        .filter(|column| known(column) && cast.is_none_or(|cast| type_of(&column.kind) == cast));
    let describe = |column: &Column| match cast {
        Some(_) => full(table, column),
        None => base(table, column),
    };
    let context = format!("EntityDefinitions('{}')/Attributes", table.logical);
    let context = match cast {
        Some(cast) => format!("{context}/{NAMESPACE}{cast}AttributeMetadata"),
        None => context,
    };
    let Some(key) = key else {
        return many(call, &context, columns.map(describe).collect(), query);
    };
    let column = columns.find(|column| match key {
        KeyValue::Id(id) => metadata_id(&[table.logical, column.name]) == id.to_string(),
        KeyValue::Columns(names) => {
            matches!(names.as_slice(), [(name, value)] if name == "LogicalName" && value == column.name)
        }
    });
    match column {
        Some(column) => one(call, &context, describe(column), query),
        None => Err(Refusal::no_row("attribute", "that name")),
    }
}

/// The type behind `Microsoft.Dynamics.CRM.StringAttributeMetadata`.
fn type_named(cast: &str) -> Outcome<&'static str> {
    const TYPES: [&str; 14] = [
        "String",
        "Memo",
        "Money",
        "Decimal",
        "Double",
        "Integer",
        "BigInt",
        "Boolean",
        "Picklist",
        "State",
        "Status",
        "DateTime",
        "UniqueIdentifier",
        "Lookup",
    ];
    let name = cast
        .strip_prefix(NAMESPACE)
        .and_then(|name| name.strip_suffix("AttributeMetadata"));
    TYPES
        .into_iter()
        .find(|it| Some(*it) == name)
        .ok_or_else(|| Refusal::unknown_segment(cast))
}

fn type_of(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text(_) => "String",
        Kind::Memo(_) => "Memo",
        Kind::Money(..) => "Money",
        Kind::Decimal(_) => "Decimal",
        Kind::Double(..) => "Double",
        Kind::Integer(..) => "Integer",
        Kind::BigInt => "BigInt",
        Kind::Flag => "Boolean",
        Kind::Choice(_) => "Picklist",
        Kind::State(_) => "State",
        Kind::Status(_) => "Status",
        Kind::Day | Kind::Moment => "DateTime",
        Kind::Id => "UniqueIdentifier",
        Kind::Lookup(_) => "Lookup",
    }
}

/// What every column's definition has.
fn base(table: &Table, column: &Column) -> Definition {
    let kind = type_of(&column.kind);
    let level = match column.required {
        Required::No => "None",
        Required::Recommended => "Recommended",
        Required::ByForms => "ApplicationRequired",
        Required::BySystem => "SystemRequired",
    };
    let attribute_type = match kind {
        "UniqueIdentifier" => "Uniqueidentifier",
        _ if column.name == "ownerid" => "Owner",
        _ if column.name == "customerid" => "Customer",
        other => other,
    };
    let added = column.custom.as_deref();
    let mut all = definition(json!({
        "@odata.type": format!("#{NAMESPACE}{kind}AttributeMetadata"),
        "MetadataId": metadata_id(&[table.logical, column.name]),
        "LogicalName": column.name,
        "SchemaName": added.map_or(column.name, |it| it.schema_name.as_str()),
        "EntityLogicalName": table.logical,
        "AttributeType": attribute_type,
        "AttributeTypeName": {"Value": format!("{kind}Type")},
        "IsPrimaryId": column.name == table.id,
        "IsPrimaryName": column.name == table.name,
        "IsCustomAttribute": added.is_some(),
        "IsValidForCreate": column.create,
        "IsValidForUpdate": column.update,
        "IsValidForRead": true,
        "RequiredLevel": {
            "Value": level,
            "CanBeChanged": column.required != Required::BySystem,
            "ManagedPropertyLogicalName": "canmodifyrequirementlevelsettings",
        },
    }));
    all.extend(added.into_iter().flat_map(|it| it.labels.clone()));
    all
}

/// With what its type adds.
fn full(table: &Table, column: &Column) -> Definition {
    let mut all = base(table, column);
    // A cast collection is of one type and does not repeat it.
    all.remove("@odata.type");
    all.extend(definition(of_type(table, column)));
    if let Some(options) = all.get_mut("OptionSet").and_then(Value::as_object_mut) {
        let name = format!("{}_{}", table.logical, column.name);
        options.insert("Name".to_owned(), name.into());
        let id = metadata_id(&["options", table.logical, column.name]);
        options.insert("MetadataId".to_owned(), id.into());
    }
    all
}

fn of_type(table: &Table, column: &Column) -> Value {
    let default = || match &column.default {
        Some(cell) => cell.whole().unwrap_or(-1),
        None => -1,
    };
    match &column.kind {
        Kind::Text(length) => json!({
            "MaxLength": length, "DatabaseLength": length * 2, "Format": "Text", "FormatName": {"Value": "Text"},
        }),
        Kind::Memo(length) => json!({"MaxLength": length, "Format": "TextArea"}),
        Kind::Money(least, most) => json!({
            "MinValue": number(*least), "MaxValue": number(*most), "Precision": 2, "PrecisionSource": 2,
            "IsBaseCurrency": column.name.ends_with("_base"),
        }),
        Kind::Decimal(_) => {
            json!({"MinValue": 0, "MaxValue": 100_000_000_000_i64, "Precision": 10})
        }
        Kind::Double(least, most) => json!({"MinValue": least, "MaxValue": most, "Precision": 2}),
        Kind::Integer(least, most) => {
            json!({"MinValue": least, "MaxValue": most, "Format": "None"})
        }
        Kind::BigInt => json!({"MinValue": i64::MIN, "MaxValue": i64::MAX}),
        Kind::Day => json!({"Format": "DateOnly", "DateTimeBehavior": {"Value": "DateOnly"}}),
        Kind::Moment => {
            json!({"Format": "DateAndTime", "DateTimeBehavior": {"Value": "UserLocal"}})
        }
        Kind::Flag => json!({"DefaultValue": matches!(column.default, Some(Cell::Flag(true))),
            "OptionSet": {"TrueOption": option(1, "Yes"), "FalseOption": option(0, "No"), "IsGlobal": false}}),
        Kind::Choice(choices) => {
            let installed = choices.iter().map(|it| option(it.value, it.label));
            let options: Vec<Value> = match &column.custom {
                Some(custom) => custom.options.clone(),
                None => installed.collect(),
            };
            json!({"DefaultFormValue": default(), "OptionSet": {"Options": options, "IsGlobal": false,
                "OptionSetType": "Picklist"}})
        }
        Kind::State(states) => {
            let states = states.iter().map(|state| {
                let mut option = option(state.value, state.label);
                option["DefaultStatus"] = default_reason(table, state.value).into();
                option["InvariantName"] = state.label.into();
                option
            });
            let states: Vec<Value> = states.collect();
            json!({"DefaultFormValue": 0, "OptionSet": {"Options": states, "IsGlobal": false,
                "OptionSetType": "State"}})
        }
        Kind::Status(reasons) => {
            let reasons = reasons.iter().map(|reason| {
                let mut option = option(reason.value, reason.label);
                option["State"] = reason.state.into();
                option["TransitionData"] = Value::Null;
                option
            });
            let reasons: Vec<Value> = reasons.collect();
            json!({"DefaultFormValue": -1, "OptionSet": {"Options": reasons, "IsGlobal": false,
                "OptionSetType": "Status"}})
        }
        Kind::Lookup(navigations) => {
            let targets: Vec<&str> = navigations
                .iter()
                .flat_map(|it| it.targets.iter().copied())
                .collect();
            json!({"Targets": targets, "Format": "None"})
        }
        Kind::Id => json!({"AutoNumberFormat": null}),
    }
}

fn number(amount: rust_decimal::Decimal) -> Value {
    let whole: i64 = amount
        .trunc()
        .try_into()
        .expect("limits of amounts are whole");
    whole.into()
}

fn option(value: i64, label: &str) -> Value {
    let localized = json!({"Label": label, "LanguageCode": 1033, "IsManaged": true});
    json!({
        "Value": value,
        "Label": {"LocalizedLabels": [localized], "UserLocalizedLabel": localized},
        "Color": null,
        "IsManaged": true,
    })
}
