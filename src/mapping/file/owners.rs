//! `[[owner]]`: who gets which new leads.

use super::reader::{Reader, Table};
use crate::mapping::table::OwnerRule;

const KEYS: [&str; 4] = ["owner", "countries", "locations", "team"];

/// The rules in `document`.
pub(super) fn read<'t>(reader: &mut Reader<'t>, document: &Table<'t>) -> Vec<OwnerRule> {
    let tables = reader.tables(document, "owner").unwrap_or_default();
    let rules = tables.iter().filter_map(|table| {
        reader.only(table, &KEYS);
        let mut list = |key| {
            let texts = reader.texts(table, key).map(|it| it.value);
            let texts = texts.unwrap_or_default().into_iter();
            texts.map(|text| text.value).collect::<Vec<_>>()
        };
        let (countries, locations, team) = (list("countries"), list("locations"), list("team"));
        if countries.is_empty() && locations.is_empty() && team.is_empty() {
            reader.problem(
                table.line,
                "an owner needs a condition: countries, locations or team; SYNC_LEAD_OWNER is for all other leads",
            );
        }
        let Some(owner) = reader.text(table, "owner") else {
            reader.problem(table.line, "who? owner = \"team:<guid>\" or \"user:<guid>\"");
            return None;
        };
        match owner.value.parse() {
            Ok(owner) => Some(OwnerRule {
                owner,
                countries,
                locations,
                team,
            }),
            Err(expected) => {
                let found = &owner.value;
                reader.problem(owner.line, format_args!("{found:?} is no owner: {expected}"));
                None
            }
        }
    });
    rules.collect()
}
