//! The rules of the mapping: the customer's file, and whether the organisation has what it names.

use super::{Finding, Visit};
use crate::lead::{ColumnKind, LeadSchema};
use crate::mapping::{Fixed, Mapping, Origin, Row};
use crate::upstream::dataverse::Unusable;

const MAPPING: &str = "mapping";

pub(super) const CODES: &[&str] = &[MAPPING];

const CORRECT: &str = "correct the file, try it with referral-connector mapping FILE, and deploy it anew; until then the default rules are in force";

pub(super) async fn findings(visit: &Visit<'_>) -> Vec<Finding> {
    // A flow takes referrals as they are.
    let Some(dataverse) = visit.app.dataverse() else {
        return Vec::new();
    };
    let file = &visit.app.mapping_file;
    let Some(path) = &file.path else {
        return vec![Finding::ok(MAPPING, "the default rules")];
    };
    let path = path.display().to_string();
    if !file.problems.is_empty() {
        let problems = file.problems.iter();
        let found = problems.map(|it| Finding::failed(MAPPING, it, CORRECT).about(&path));
        return found.collect();
    }
    let mapping = &visit.app.options.mapping;
    let (unusable, schema) = tokio::join!(dataverse.unusable_columns(), dataverse.schema());
    let (unusable, schema) = match (unusable, schema) {
        (Ok(unusable), Ok(schema)) => (unusable, schema),
        (Err(error), _) | (_, Err(error)) => {
            return vec![Finding::error(MAPPING, &error).about(path)];
        }
    };
    let mut found = Vec::new();
    for row in mapping.rows() {
        let Some(line) = row.line else { continue };
        let problem = match unusable.get(&row.column) {
            Some(why) => vec![of_column(row, *why)],
            None => choices(row, &schema),
        };
        found.extend(problem.into_iter().map(|it| format!("line {line}: {it}")));
    }
    found.extend(statuses(mapping, &schema));
    if found.is_empty() {
        let rows = mapping.rows().len();
        let all_is_well =
            format!("{rows} columns are mapped, and the organisation has what {path} names");
        return vec![Finding::ok(MAPPING, all_is_well)];
    }
    let advice = "correct the file or the organisation's table; until then the column is left out";
    let found = found.into_iter();
    found
        .map(|it| Finding::failed(MAPPING, it, advice).about(&path))
        .collect()
}

fn of_column(row: &Row, why: Unusable) -> String {
    let column = &row.column;
    match why {
        Unusable::Missing => format!("the lead table has no column {column}"),
        Unusable::OfAnotherType => {
            format!("the column {column} does not hold {} here", holds(row.kind))
        }
        Unusable::ReadOnly => format!("the column {column} is read-only here"),
    }
}

const fn holds(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Text => "text",
        ColumnKind::Choice => "a choice",
        ColumnKind::Flag => "yes or no",
        ColumnKind::Amount => "money",
        ColumnKind::Date => "a date without a time",
        ColumnKind::Row => "a row of another table",
        ColumnKind::Whole => "whole numbers",
        ColumnKind::Moment => "a date with a time",
    }
}

/// The choices that `row` names and the organisation does not have, and the numbers that its column does not take.
fn choices(row: &Row, schema: &LeadSchema) -> Vec<String> {
    let constant = match &row.recipe.origin {
        Origin::Constant(value) => Some(value),
        Origin::Paths { .. } | Origin::Template(_) => None,
    };
    let map = row.recipe.map.iter();
    let mapped = map.flat_map(|map| {
        map.entries
            .iter()
            .map(|(_, value)| value)
            .chain(&map.otherwise)
    });
    let values = constant.into_iter().chain(mapped);
    let column = &row.column;
    let wrong = values.filter_map(|value| match (row.kind, value) {
        (ColumnKind::Choice, Fixed::Text(label)) => {
            let none = schema.labelled(column, label).is_none();
            none.then(|| format!("the column {column} has no choice, or several, called {label:?}"))
        }
        (ColumnKind::Choice, Fixed::Whole(number)) => {
            let number = i32::try_from(*number).unwrap_or(i32::MIN);
            let none = !schema.takes_choice(column, number);
            none.then(|| format!("the column {column} has no choice {value}"))
        }
        (ColumnKind::Whole, Fixed::Whole(number)) => {
            let (least, most) = schema.wholes.get(column)?;
            let outside = number < least || most < number;
            outside.then(|| {
                format!(
                    "the column {column} takes numbers from {least} to {most}, and not {number}"
                )
            })
        }
        _ => None,
    });
    wrong.collect()
}

/// The status reasons that the table names and the organisation does not have, where that is not as in the default rules.
fn statuses(mapping: &Mapping, schema: &LeadSchema) -> Vec<String> {
    let (own, shipped) = (&mapping.status, &Mapping::shipped().status);
    let targets = [
        ("active", own.active, shipped.active),
        ("declined", own.declined, shipped.declined),
        ("lost", own.lost, shipped.lost),
    ];
    let targets = targets
        .into_iter()
        .filter(|(_, own, shipped)| own != shipped);
    let targets = targets.map(|(word, reason, _)| (format!("[status] {word}"), reason));
    let sources = own
        .reasons
        .keys()
        .filter(|it| !shipped.reasons.contains_key(it));
    let sources = sources.map(|reason| ("[[status.reason]]".to_owned(), *reason));
    let missing = targets
        .chain(sources)
        .filter(|(_, reason)| !schema.status_reasons.contains_key(reason));
    missing
        .map(|(what, reason)| format!("{what}: a lead has no status reason {reason} here"))
        .collect()
}
