//! Tables and columns: what exists, of which type, and what each column takes.

pub(super) mod custom;
mod lead;
mod others;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::cell::Cell;

/// How far the organisation's `lead` table is from the one Dynamics 365 Sales installs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LeadProfile {
    /// Limits and choices as installed.
    #[default]
    OutOfBox,
    /// Resized columns, another list of industries, more status reasons and another default among them: the
    /// kind of changes real organisations make.
    Customised,
}

/// The tables of an organisation, by logical name.
#[derive(Clone, Debug)]
pub(super) struct Schema(BTreeMap<&'static str, Table>);

impl Schema {
    pub(super) fn new(profile: LeadProfile) -> Self {
        let tables = others::tables().into_iter().chain([lead::table(profile)]);
        Self(tables.map(|table| (table.logical, table)).collect())
    }

    pub(super) fn table(&self, logical: &str) -> Option<&Table> {
        self.0.get(logical)
    }

    pub(super) fn table_mut(&mut self, logical: &str) -> Option<&mut Table> {
        self.0.get_mut(logical)
    }

    pub(super) fn by_set(&self, set: &str) -> Option<&Table> {
        self.0.values().find(|table| table.set == set)
    }

    pub(super) fn tables(&self) -> impl Iterator<Item = &Table> {
        self.0.values()
    }

    /// Installs the `lead` table anew. Keys defined on it and columns added to it stay.
    pub(super) fn set_profile(&mut self, profile: LeadProfile) {
        let table = lead::table(profile);
        let old = self.0.insert(table.logical, table);
        if let (Some(old), Some(new)) = (old, self.0.get_mut("lead")) {
            new.keys = old.keys;
            let added = old.columns.into_iter().filter(|it| it.custom.is_some());
            new.columns.extend(added);
        }
    }
}

/// A table.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) logical: &'static str,
    /// The entity set, the plural in URLs.
    pub(super) set: &'static str,
    /// With the case of its schema name, for messages and privileges.
    pub(super) schema_name: &'static str,
    pub(super) id: &'static str,
    /// The primary name column.
    pub(super) name: &'static str,
    pub(super) object_type: i32,
    pub(super) columns: Vec<Column>,
    pub(super) keys: Vec<Key>,
}

impl Table {
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The column a property of the OData type stands for: `ownerid` is read as `_ownerid_value`.
    pub(super) fn property(&self, property: &str) -> Option<&Column> {
        self.columns
            .iter()
            .find(|column| column.property() == property)
    }

    /// The lookup and its target table behind a single-valued navigation property. Its case counts.
    pub(super) fn navigation(&self, name: &str) -> Option<(&Column, &'static [&'static str])> {
        self.columns.iter().find_map(|column| {
            let Kind::Lookup(navigations) = &column.kind else {
                return None;
            };
            navigations
                .iter()
                .find(|navigation| navigation.name == name)
                .map(|navigation| (column, navigation.targets))
        })
    }

    pub(super) fn has_state(&self) -> bool {
        self.column("statecode").is_some()
    }
}

/// An alternate key.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) schema_name: String,
    pub(super) columns: Vec<String>,
}

/// A column.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) create: bool,
    pub(super) update: bool,
    pub(super) required: Required,
    /// What a new row has when the request says nothing.
    pub(super) default: Option<Cell>,
    /// Of a column that was added through the Web API.
    pub(super) custom: Option<Box<custom::Custom>>,
}

impl Column {
    pub(super) fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            create: true,
            update: true,
            required: Required::No,
            default: None,
            custom: None,
        }
    }

    pub(super) fn read_only(name: &'static str, kind: Kind) -> Self {
        Self {
            create: false,
            update: false,
            ..Self::new(name, kind)
        }
    }

    pub(super) fn create_only(name: &'static str, kind: Kind) -> Self {
        Self {
            update: false,
            ..Self::new(name, kind)
        }
    }

    pub(super) fn required(mut self, required: Required) -> Self {
        self.required = required;
        self
    }

    pub(super) fn default(mut self, default: Cell) -> Self {
        self.default = Some(default);
        self
    }

    /// Its name in JSON: `_ownerid_value` for a lookup, else the logical name.
    pub(super) fn property(&self) -> String {
        match self.kind {
            Kind::Lookup(_) => format!("_{}_value", self.name),
            _ => self.name.to_owned(),
        }
    }
}

/// `RequiredLevel`. Only the system's own is enforced by the API; the others bind forms alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Required {
    No,
    Recommended,
    ByForms,
    BySystem,
}

/// A column's type and what it takes.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// At most so many UTF-16 code units.
    Text(usize),
    Memo(usize),
    /// Smallest and largest amount.
    Money(Decimal, Decimal),
    /// Printed with so many decimals.
    Decimal(u32),
    Double(f64, f64),
    Integer(i64, i64),
    BigInt,
    Flag,
    Choice(Vec<Choice>),
    State(Vec<Choice>),
    Status(Vec<StatusReason>),
    /// A date without a time.
    Day,
    Moment,
    Id,
    Lookup(Vec<Navigation>),
}

/// One option of a choice column.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) value: i64,
    pub(super) label: &'static str,
}

/// One option of `statuscode`.
#[derive(Clone, Debug)]
pub(super) struct StatusReason {
    pub(super) value: i64,
    pub(super) label: &'static str,
    pub(super) state: i64,
    /// Whether the state gets this reason when a write names none.
    pub(super) default: bool,
}

/// A single-valued navigation property and the tables it leads to.
#[derive(Clone, Debug)]
pub(super) struct Navigation {
    pub(super) name: &'static str,
    pub(super) targets: &'static [&'static str],
}

fn choices(options: &[(i64, &'static str)]) -> Kind {
    Kind::Choice(labelled(options))
}

fn labelled(options: &[(i64, &'static str)]) -> Vec<Choice> {
    let options = options.iter();
    options
        .map(|&(value, label)| Choice { value, label })
        .collect()
}

/// `statecode`, open at first, with its reasons.
fn state(
    states: &[(i64, &'static str)],
    reasons: &[(i64, &'static str, i64, bool)],
) -> Vec<Column> {
    let state = Column {
        create: false,
        ..Column::new("statecode", Kind::State(labelled(states)))
    };
    vec![
        state.required(Required::BySystem).default(Cell::Whole(0)),
        Column::new("statuscode", status_reasons(reasons)),
    ]
}

/// A lookup whose navigation property is named like the column.
fn lookup(name: &'static str, targets: &'static [&'static str]) -> Kind {
    Kind::Lookup(vec![Navigation { name, targets }])
}

fn status_reasons(reasons: &[(i64, &'static str, i64, bool)]) -> Kind {
    let reasons = reasons
        .iter()
        .map(|&(value, label, state, default)| StatusReason {
            value,
            label,
            state,
            default,
        });
    Kind::Status(reasons.collect())
}

const PRINCIPALS: &[&str] = &["systemuser", "team"];

/// The columns every table owned by users or teams has.
fn owned() -> Vec<Column> {
    vec![
        Column::new("ownerid", lookup("ownerid", PRINCIPALS)).required(Required::BySystem),
        Column::read_only("owninguser", lookup("owninguser", &["systemuser"])),
        Column::read_only("owningteam", lookup("owningteam", &["team"])),
        Column::read_only(
            "owningbusinessunit",
            lookup("owningbusinessunit", &["businessunit"]),
        ),
    ]
}

/// The columns the system keeps on every table.
fn audited() -> Vec<Column> {
    vec![
        Column::read_only("createdon", Kind::Moment),
        Column::read_only("createdby", lookup("createdby", &["systemuser"])),
        Column::read_only("modifiedon", Kind::Moment),
        Column::read_only("modifiedby", lookup("modifiedby", &["systemuser"])),
        Column::create_only("overriddencreatedon", Kind::Moment),
        Column::create_only(
            "importsequencenumber",
            Kind::Integer(-2_147_483_648, 2_147_483_647),
        ),
        Column::read_only("versionnumber", Kind::BigInt),
    ]
}

/// The currency of a row, its rate, and one amount per name with its value in the organisation's currency.
fn amounts(columns: &[(&'static str, &'static str, i64)]) -> Vec<Column> {
    const BASE_LIMIT: i64 = 922_337_203_685_477;
    let money = |max: i64| Kind::Money(Decimal::ZERO, Decimal::from(max));
    let mut all = vec![
        Column::new(
            "transactioncurrencyid",
            lookup("transactioncurrencyid", &["transactioncurrency"]),
        ),
        Column::read_only("exchangerate", Kind::Decimal(12)),
    ];
    for &(amount, base, max) in columns {
        all.push(Column::new(amount, money(max)));
        all.push(Column::read_only(base, money(BASE_LIMIT)));
    }
    all
}
