//! The rules of one connector: the default ones, or those with a customer's own laid over them.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use super::columns::{Rule, STATUS, Unit};
use super::file;
use super::recipe::{self, Recipe, UnknownPart};
use super::status::StatusTable;
use crate::lead::{Column, ColumnKind, Owner};
use crate::referral::Referral;

/// The default rules, as a file that can be read and copied.
pub const DEFAULT: &str = include_str!("default.toml");

static SHIPPED: LazyLock<Arc<Mapping>> = LazyLock::new(|| {
    let mapping = file::read_default(DEFAULT);
    Arc::new(mapping.expect("a test reads the default rules"))
});

/// What becomes of a referral in the CRM, and of a lead in Partner Center.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    pub(super) rows: Vec<Row>,
    /// What the status of one side says about the other's.
    pub status: StatusTable,
    pub(super) owners: Vec<OwnerRule>,
}

/// One mapped column of a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The lead column.
    pub column: Column,
    /// What it holds.
    pub kind: ColumnKind,
    /// How its value is made.
    pub recipe: Recipe,
    /// What it is merged with.
    pub unit: Unit,
    /// Who wins it.
    pub rule: Rule,
    /// Whether its value goes to the referral, too.
    pub goes_back: bool,
    /// Where its value comes from, in the words of the documentation.
    pub about: String,
    /// Its line in the customer's file, if it is there.
    pub line: Option<usize>,
}

/// Who gets the leads of some referrals: all that is not empty has to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerRule {
    /// Who.
    pub owner: Owner,
    /// Two-letter countries of the customer.
    pub countries: Vec<String>,
    /// Ids of the partner's locations.
    pub locations: Vec<String>,
    /// E-mail addresses of people on our side.
    pub team: Vec<String>,
}

impl Mapping {
    /// The default rules.
    pub fn shipped() -> &'static Arc<Self> {
        &SHIPPED
    }

    /// Every mapped column.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Who gets new leads of which referrals, if anything is said about it; the first rule that fits counts.
    pub fn owners(&self) -> &[OwnerRule] {
        &self.owners
    }

    /// Every mapped column with what it holds.
    pub fn columns(&self) -> impl Iterator<Item = (Column, ColumnKind)> {
        self.rows.iter().map(|row| (row.column.clone(), row.kind))
    }

    /// What `column` is merged with.
    pub fn unit(&self, column: &Column) -> Unit {
        let row = self.rows.iter().find(|row| row.column == *column);
        row.map_or(Unit::Status, |row| row.unit)
    }

    /// Whether the columns of `unit` go to the referral, too.
    pub fn goes_back(&self, unit: Unit) -> bool {
        let mut rows = self.rows.iter();
        rows.any(|row| row.unit == unit && row.goes_back)
    }

    /// Who gets the lead of `referral` by these rules.
    pub fn owner(&self, referral: &Referral) -> Option<Owner> {
        let rule = self.owners.iter().find(|rule| rule.fits(referral));
        rule.map(|rule| rule.owner)
    }

    /// What `referral` says behind each column, as text to compare with later.
    pub fn raw(&self, referral: &Referral) -> BTreeMap<Column, String> {
        let sources = self.sources();
        let is_mapped = |column: &Column| *column == STATUS || self.unit(column) != Unit::Status;
        let mut raw = super::raw(referral);
        raw.retain(|column, _| is_mapped(column) && !sources.contains_key(column));
        for (column, sources) in sources {
            let text = Self::raw_of(&sources, referral).ok().flatten();
            raw.extend(text.map(|text| (column, text)));
        }
        raw
    }

    /// What `referral` says in the parts of it that `sources` names, as [`Mapping::sources`] gives them.
    pub fn raw_of(sources: &str, referral: &Referral) -> Result<Option<String>, UnknownPart> {
        recipe::raw(sources, referral)
    }

    /// The columns that are compared and not made of what the default rules make them of, each with the parts of a referral it
    /// is made of.
    pub fn sources(&self) -> BTreeMap<Column, String> {
        // What is set at creation only is not compared with later.
        let compared = |row: &&Row| row.rule != Rule::Creation;
        let own = self.rows.iter().filter(|row| row.line.is_some());
        let own = own.filter(compared).filter(|row| {
            let mut shipped = SHIPPED.rows.iter().filter(compared);
            let shipped = shipped.find(|it| it.column == row.column);
            shipped.is_none_or(|it| it.recipe.sources() != row.recipe.sources())
        });
        own.map(|row| (row.column.clone(), row.recipe.sources()))
            .collect()
    }
}

impl OwnerRule {
    fn fits(&self, referral: &Referral) -> bool {
        let country = referral.customer.address.country.as_deref();
        let locations = referral.locations.iter().map(String::as_str);
        let team = referral
            .team
            .iter()
            .filter_map(|member| member.email.as_deref());
        super::kind::names(&self.countries, country)
            && super::kind::names(&self.locations, locations)
            && super::kind::names(&self.team, team)
    }
}
