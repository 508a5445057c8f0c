//! Prints what one event did.

use std::collections::BTreeSet;

use anyhow::Result;
use sandbox::Record;
use sandbox::deliveries::{Delivery, Raised};
use sandbox::host::{Level, LogLine};
use serde_json::Value;

use super::diff::{self, Change};
use super::stage::{Answer, Moment, is_write};
use crate::screen::{Screen, Tone, cut, uncoloured};

/// Columns that the organisation keeps by itself, and names that only repeat another column.
const KEPT_BY_THE_ORGANISATION: [&str; 3] = ["versionnumber", "modifiedon", "importsequencenumber"];
/// The longest value that is printed whole.
const VALUE_WIDTH: usize = 60;

/// The status and the body of the answer.
pub(super) fn answer(screen: Screen, answer: &Answer) -> Result<()> {
    screen.heading("Answer")?;
    let body = if answer.body.is_empty() {
        "(no body)"
    } else {
        &answer.body
    };
    screen.text(Tone::Plain, &format!("{}  {body}", answer.status))
}

/// The lead: every filled column when it is new, else the columns that changed.
pub(super) fn lead(
    screen: Screen,
    before: &Moment,
    after: &Moment,
    records: &[Record],
) -> Result<()> {
    let mut changes = diff::changes(&before.lead, &after.lead);
    changes.retain(|change| is_worth_printing(&change.path));
    if !before.lead.is_null() || after.lead.is_null() {
        screen.heading("Lead: what changed")?;
        return print(screen, &changes);
    }
    let written = written_columns(records);
    let (ours, others): (Vec<Change>, Vec<Change>) = changes
        .into_iter()
        .partition(|change| written.contains(&change.path));
    screen.heading("Lead in Dynamics 365, column by column as the connector wrote it")?;
    let row = |change: Change| vec![change.path, short(&change.after.unwrap_or_default())];
    screen.table(&ours.into_iter().map(row).collect::<Vec<_>>())?;
    screen.heading("Columns that the organisation filled by itself")?;
    let others = others
        .into_iter()
        .map(|change| format!("{}={}", change.path, change.after.unwrap_or_default()));
    screen.wrapped(Tone::Faint, &others.collect::<Vec<_>>().join("  "))
}

/// The columns in the bodies of lead writes. A lookup is written by its name and read as `_name_value`.
fn written_columns(records: &[Record]) -> BTreeSet<String> {
    let writes = records
        .iter()
        .filter(|record| is_write(record) && record.path.contains("/leads("));
    let bodies = writes.filter_map(|record| record.body.as_ref()?.as_object());
    let column = |name: &String| match name.strip_suffix("@odata.bind") {
        Some(lookup) => format!("_{}_value", lookup.to_ascii_lowercase()),
        None => name.clone(),
    };
    let id = "leadid".to_owned();
    bodies
        .flat_map(|body| body.keys().map(column))
        .chain([id])
        .collect()
}

/// The notes that were added to the lead's timeline.
pub(super) fn notes(screen: Screen, before: &Moment, after: &Moment) -> Result<()> {
    let new: Vec<&Value> = after
        .notes
        .iter()
        .filter(|note| !before.notes.contains(note))
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    screen.heading("Note on the lead's timeline")?;
    new.into_iter().try_for_each(|note| {
        screen.wrapped(Tone::Strong, note["subject"].as_str().unwrap_or_default())?;
        let text = note["notetext"].as_str().unwrap_or_default();
        text.lines()
            .try_for_each(|line| screen.wrapped(Tone::Plain, line))
    })
}

/// The referral: what changed between two moments.
pub(super) fn referral(screen: Screen, before: &Moment, after: &Moment) -> Result<()> {
    screen.heading("Referral in Partner Center, before and after")?;
    print(screen, &diff::changes(&before.referral, &after.referral))
}

/// The events that the connector's own writes to the referral have raised, and their answers.
pub(super) fn echoes(screen: Screen, echoes: &[Raised]) -> Result<()> {
    if echoes.is_empty() {
        return Ok(());
    }
    screen.heading("Echo: the connector's own write to the referral comes back as an event")?;
    let row = |echo: &Raised| {
        let last = echo.attempts.last();
        let status = last
            .and_then(|attempt| attempt.status)
            .map_or_else(|| "—".to_owned(), |it| it.to_string());
        let body = last
            .and_then(|attempt| attempt.answer.clone())
            .unwrap_or_default();
        vec![echo.event.event_name.clone(), status, body]
    };
    screen.table(&echoes.iter().map(row).collect::<Vec<_>>())
}

/// Every request to a system outside the connector.
pub(super) fn requests(screen: Screen, records: &[Record]) -> Result<()> {
    screen.heading("Upstream calls")?;
    if records.is_empty() {
        return screen.text(Tone::Faint, "none");
    }
    let row = |record: &Record| {
        let status = record
            .status
            .map_or_else(|| "—".to_owned(), |status| status.to_string());
        let target = record.query.as_ref().map_or_else(
            || record.path.clone(),
            |query| format!("{}?{query}", record.path),
        );
        let took = record
            .finished
            .map(|finished| finished.duration_since(record.started).as_millis());
        let took = took.map_or_else(String::new, |took| format!("{took} ms"));
        vec![
            record.service.to_string(),
            record.method.clone(),
            status,
            took,
            target,
        ]
    };
    screen.table(&records.iter().map(row).collect::<Vec<_>>())
}

/// What the connector and the host have logged.
pub(super) fn log(screen: Screen, lines: &[LogLine]) -> Result<()> {
    screen.heading("Log")?;
    if lines.is_empty() {
        return screen.text(Tone::Faint, "nothing");
    }
    lines.iter().try_for_each(|line| {
        let tone = if line.level == Level::Error {
            Tone::Bad
        } else {
            Tone::Faint
        };
        screen.wrapped(tone, &uncoloured(&line.text))
    })
}

/// What Partner Center, or somebody in its name, sends.
pub(super) fn delivery(screen: Screen, delivery: &Delivery) -> Result<()> {
    screen.heading("Event")?;
    let headers = delivery
        .headers
        .iter()
        .map(|(name, value)| vec![format!("{name}:"), short(value)]);
    screen.table(&headers.collect::<Vec<_>>())?;
    screen.wrapped(Tone::Plain, &String::from_utf8_lossy(&delivery.body))
}

/// The members of a new referral that say something about the customer and the deal.
pub(super) fn new_referral(screen: Screen, referral: &Value) -> Result<()> {
    screen.heading("Referral in Partner Center")?;
    let mut members = diff::members(referral);
    members.retain(|path, value| !value.is_empty() && !is_furniture(path));
    screen.table(
        &members
            .into_iter()
            .map(|(path, value)| vec![path, short(&value)])
            .collect::<Vec<_>>(),
    )
}

/// Links, annotations and preferences, which every referral carries alike.
fn is_furniture(path: &str) -> bool {
    ["@", "links.", "contactPreference."]
        .iter()
        .any(|part| path.contains(part))
}

fn print(screen: Screen, changes: &[Change]) -> Result<()> {
    if changes.is_empty() {
        return screen.text(Tone::Faint, "nothing");
    }
    let side =
        |value: &Option<String>| value.as_deref().map_or_else(|| "(empty)".to_owned(), short);
    let row = |change: &Change| {
        vec![
            change.path.clone(),
            side(&change.before),
            "→".to_owned(),
            side(&change.after),
        ]
    };
    screen.table(&changes.iter().map(row).collect::<Vec<_>>())
}

fn short(value: &str) -> String {
    cut(value, VALUE_WIDTH)
}

fn is_worth_printing(path: &str) -> bool {
    !is_furniture(path) && !KEPT_BY_THE_ORGANISATION.contains(&path)
}
