//! The connector's own columns of leads: all of them are optional.

use std::collections::BTreeMap;

use super::{Finding, REFERRAL_COLUMNS};
use crate::lead::{Column, LeadSchema};
use crate::provision::columns::COLUMNS;
use crate::upstream::dataverse::Unusable;

/// How many there are, and which of them cannot be used.
pub(super) fn findings(schema: &LeadSchema, unusable: &BTreeMap<Column, Unusable>) -> Vec<Finding> {
    let there = match schema.own.len() {
        0 => {
            "the lead table has none of the connector's own columns, which are optional".to_owned()
        }
        some => format!("{some} of {} are there and used", COLUMNS.len()),
    };
    let wrong = unusable.iter().filter_map(|(column, why)| {
        let detail = match why {
            Unusable::Missing => return None,
            Unusable::OfAnotherType => {
                "the column holds something else than the connector would keep there, and is left alone"
            }
            Unusable::ReadOnly => "the column cannot be written, and is left alone",
        };
        let advice = "let DATAVERSE_COLUMN_PREFIX name the prefix that provision was run with, or remove this column and run \
                      it again; docs/provision.md says what each column holds";
        Some(Finding::warning(REFERRAL_COLUMNS, detail, advice).about(column.as_str()))
    });
    let found = Finding::ok(REFERRAL_COLUMNS, there);
    [found].into_iter().chain(wrong).collect()
}
