//! `[status]`: what the status of one side says about the other's.

use super::reader::{Reader, Table};
use crate::mapping::columns::kept;
use crate::mapping::status::{Meaning, StatusTable};

const KEYS: [&str; 4] = ["active", "declined", "lost", "reason"];
const REASON_KEYS: [&str; 3] = ["reason", "means", "text"];

/// The table in `document`, over `base`. `None` if something is missing that has no default.
pub(super) fn read<'t>(
    reader: &mut Reader<'t>,
    document: &Table<'t>,
    base: Option<&StatusTable>,
) -> Option<StatusTable> {
    let Some(table) = reader.table(document, "status") else {
        return base.cloned();
    };
    reader.only(&table, &KEYS);
    let mut number = |key: &str, base: Option<i32>| {
        let number = reader.number(&table, key);
        number.map(|it| it.value).or(base)
    };
    let active = number("active", base.map(|it| it.active));
    let declined = number("declined", base.map(|it| it.declined));
    let lost = number("lost", base.map(|it| it.lost));
    let mut reasons = base.map(|it| it.reasons.clone()).unwrap_or_default();
    for entry in reader.tables(&table, "reason").unwrap_or_default() {
        reader.only(&entry, &REASON_KEYS);
        let Some(reason) = reader.number(&entry, "reason") else {
            reader.problem(entry.line, "a status reason needs its number: reason = 2");
            continue;
        };
        let Some(meaning) = meaning(reader, &entry) else {
            continue;
        };
        match meaning {
            Some(meaning) => reasons.insert(reason.value, meaning),
            None => reasons.remove(&reason.value),
        };
    }
    Some(StatusTable {
        active: active?,
        declined: declined?,
        lost: lost?,
        reasons,
    })
}

/// What one entry means, `Some(None)` if nothing; `None` if it is wrong.
#[expect(clippy::option_option, reason = "to mean nothing is a meaning, too")]
fn meaning<'t>(reader: &mut Reader<'t>, entry: &Table<'t>) -> Option<Option<Meaning>> {
    let text = reader.text(entry, "text");
    let Some(means) = reader.text(entry, "means") else {
        reader.problem(
            entry.line,
            "a status reason needs a meaning: accepted, qualified, lost or nothing",
        );
        return None;
    };
    let meaning = match (means.value.as_str(), &text) {
        ("lost", Some(text)) => return Some(Some(Meaning::Lost(kept(&text.value)))),
        ("lost", None) => {
            reader.problem(
                means.line,
                "Partner Center wants to know why: add text = \"…\"",
            );
            return None;
        }
        ("accepted", _) => Some(Meaning::Accepted),
        ("qualified", _) => Some(Meaning::Qualified),
        ("nothing", _) => None,
        (other, _) => {
            let expected = "accepted, qualified, lost or nothing";
            reader.problem(
                means.line,
                format_args!("means is {other:?}, and has to be {expected}"),
            );
            return None;
        }
    };
    if let Some(text) = text {
        reader.problem(text.line, "only a loss has a text");
    }
    Some(meaning)
}
