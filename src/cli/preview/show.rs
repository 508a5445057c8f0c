//! A preview for people and for scripts.

use serde_json::{Value as Json, json};

use crate::cli::output::{Tone, say, toned};
use crate::failure::Chain;
use crate::ids::LeadId;
use crate::lead::{Column, Currency, Owner, Value};
use crate::mapping::columns::{PARENT_ACCOUNT, PARENT_CONTACT};
use crate::mapping::{Loss, Unit};
use crate::referral::{PatchOp, PatchOperation};
use crate::sync::options::{Mode, SyncOptions};
use crate::sync::plan::{LeadAction, Report};
use crate::sync::preview::{Assumed, Decision, Field, Preview};

/// The mode whose writes are shown.
fn mode(options: &SyncOptions) -> Mode {
    match options.mode {
        Mode::Observe => Mode::Link,
        mode => mode,
    }
}

/// `preview` as one object; `unread` are the members of the given referral that could not be read.
pub(super) fn json(preview: &Preview, options: &SyncOptions, unread: &[String]) -> Json {
    let plan = &preview.plan;
    let value = |value: &Option<Value>| value.as_ref().map(|it| plain(it, &preview.currencies));
    let columns = preview.fields.iter().map(|field| {
        json!({
            "column": field.column.as_str(),
            "unit": field.unit.map(Unit::word),
            "winner": winner(field),
            "now": value(&field.now),
            "referral": value(&field.said),
            "after": value(&field.after),
            "decision": field.decision.word(),
        })
    });
    let losses = preview.losses.iter().map(
        |loss| json!({ "column": loss.column.as_str(), "reason": loss.reason.word(), "value": loss.value }),
    );
    let sends = operations(preview)
        .map(|it| json!({ "op": op(it.op), "path": it.path, "value": it.value }));
    let notes = plan.notes.iter();
    let notes = notes.map(|note| json!({ "subject": note.subject, "text": note.text }));
    let assumed = preview.assumed.iter();
    let assumed = assumed
        .map(|it| json!({ "assumed": it.what.word(), "because": Chain(&it.cause).to_string() }));
    json!({
        "referralId": preview.referral.to_string(),
        "leadId": preview.lead.map(|id| id.to_string()),
        "mode": mode(options).word(),
        "outcome": preview.plan.outcome.word(),
        "reason": preview.plan.outcome.reason(),
        "owner": owner(preview),
        "taken": taken(preview).map(|id| id.to_string()),
        "possibleDuplicates": duplicates(preview),
        "account": parent(preview, &PARENT_ACCOUNT),
        "contact": parent(preview, &PARENT_CONTACT),
        "columns": columns.collect::<Vec<_>>(),
        "losses": losses.collect::<Vec<_>>(),
        "sends": sends.collect::<Vec<_>>(),
        "notes": notes.collect::<Vec<_>>(),
        "reports": plan.reports.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "waitsUntil": plan.busy_until.map(|it| it.to_string()),
        "unread": unread,
        "assumed": assumed.collect::<Vec<_>>(),
    })
}

/// Prints `preview` for a person.
pub(super) fn text(preview: &Preview, options: &SyncOptions, unread: &[String]) {
    let lead = preview
        .lead
        .map_or_else(|| "no lead".to_owned(), |id| format!("lead {id}"));
    let word = preview.plan.outcome;
    let reason = word
        .reason()
        .map(|it| format!(" ({it})"))
        .unwrap_or_default();
    say(&format!(
        "referral {}: a sync in mode {} would come to {}{reason}, {lead}",
        preview.referral,
        mode(options),
        toned(Tone::Strong, word.word()),
    ));
    for assumption in &preview.assumed {
        let cause = Chain(&assumption.cause);
        say(&format!(
            "  assumed: {}, because {cause}",
            assumed(assumption.what)
        ));
    }
    for member in unread {
        say(&format!("  cannot be read, taken as absent: {member}"));
    }
    if let Some(until) = preview.plan.busy_until {
        say(&format!(
            "  waits until {until}: another sync may still be writing"
        ));
    }
    section(
        "columns",
        preview
            .fields
            .iter()
            .map(|field| line(field, &preview.currencies)),
    );
    section("owner", owner(preview).into_iter());
    section(
        "taken instead of a new lead",
        taken(preview).map(|id| id.to_string()).into_iter(),
    );
    section("possible duplicates", duplicates(preview).into_iter());
    section("account", parent(preview, &PARENT_ACCOUNT).into_iter());
    section("contact", parent(preview, &PARENT_CONTACT).into_iter());
    section("not carried over in full", preview.losses.iter().map(loss));
    section(
        "to the referral",
        operations(preview).map(|it| format!("{} {} = {:?}", op(it.op), it.path, it.value)),
    );
    let notes = preview.plan.notes.iter();
    section(
        "notes on the timeline",
        notes.map(|note| format!("{}\n      {}", note.subject, harmless(&note.text))),
    );
    section(
        "reports",
        preview.plan.reports.iter().map(ToString::to_string),
    );
}

fn section(title: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        say(&toned(Tone::Strong, &format!("{title}:")));
    }
    for line in lines {
        say(&format!("  {line}"));
    }
}

fn line(field: &Field, currencies: &[Currency]) -> String {
    let shown = |value: &Option<Value>| {
        value
            .as_ref()
            .map_or_else(|| "–".to_owned(), |it| quoted(it, currencies))
    };
    let values = match field.decision {
        Decision::Written | Decision::Emptied => {
            format!("{} → {}", shown(&field.now), shown(&field.after))
        }
        Decision::Same => shown(&field.now),
        Decision::Sent | Decision::Kept | Decision::LeftOut => {
            format!(
                "{} (the referral says {})",
                shown(&field.now),
                shown(&field.said)
            )
        }
    };
    let tone = match field.decision {
        Decision::Written | Decision::Emptied | Decision::Sent => Tone::Good,
        Decision::Same => Tone::Faint,
        Decision::Kept | Decision::LeftOut => Tone::Doubtful,
    };
    let (decision, column) = (field.decision.word(), field.column.as_str());
    let decision = toned(tone, &format!("{decision:<8}"));
    format!("{decision}  {column:<24}  {values}  [{}]", winner(field))
}

/// Who wins a column.
fn winner(field: &Field) -> &'static str {
    match (field.unit, field.rule) {
        (_, Some(rule)) => rule.winner(),
        (Some(_), None) => "the further status",
        (None, None) => "not merged",
    }
}

fn operations(preview: &Preview) -> impl Iterator<Item = &PatchOperation> {
    preview
        .plan
        .patches
        .iter()
        .flat_map(|patch| &patch.operations)
}

const fn op(op: PatchOp) -> &'static str {
    match op {
        PatchOp::Add => "add",
        PatchOp::Replace => "replace",
    }
}

fn owner(preview: &Preview) -> Option<String> {
    let LeadAction::Create { owner, .. } = &preview.plan.lead else {
        return None;
    };
    owner.map(|owner| match owner {
        Owner::User(id) => format!("user:{id}"),
        Owner::Team(id) => format!("team:{id}"),
    })
}

/// The open lead that is there already and that the referral would get.
fn taken(preview: &Preview) -> Option<LeadId> {
    let mut reports = preview.plan.reports.iter();
    reports.find_map(|report| match report {
        Report::Adopted(lead) => Some(*lead),
        _ => None,
    })
}

/// The open leads that may be the same.
fn duplicates(preview: &Preview) -> Vec<String> {
    let leads = preview.plan.state.duplicates.iter();
    leads.map(ToString::to_string).collect()
}

/// The row that a new lead would belong to.
fn parent(preview: &Preview, column: &Column) -> Option<String> {
    let LeadAction::Create { columns, .. } = &preview.plan.lead else {
        return None;
    };
    match columns.get(column)? {
        Value::Row(row) => Some(row.to_string()),
        _ => None,
    }
}

const fn assumed(what: Assumed) -> &'static str {
    match what {
        Assumed::NeverSynced => "it was never synced",
        Assumed::NoLead => "it has no lead",
        Assumed::ShippedColumns => {
            "the lead table is as Dynamics 365 ships it, and the currency has two decimals"
        }
    }
}

fn loss(loss: &Loss) -> String {
    format!("{} {}: {:?}", loss.reason.word(), loss.column, loss.value)
}

/// `text` with its lines indented, and nothing in it that a terminal would act on.
fn harmless(text: &str) -> String {
    let lines = text.lines().map(|line| line.replace(char::is_control, " "));
    lines.collect::<Vec<_>>().join("\n      ")
}

/// As printed on a terminal, where a text must not act as anything else.
fn quoted(value: &Value, currencies: &[Currency]) -> String {
    match value {
        Value::Text(text) => format!("{text:?}"),
        other => match plain(other, currencies) {
            Json::String(text) => text,
            json => json.to_string(),
        },
    }
}

fn plain(value: &Value, currencies: &[Currency]) -> Json {
    match value {
        Value::Text(text) => json!(text),
        Value::Choice(number) => json!(number),
        Value::Flag(flag) => json!(flag),
        Value::Whole(number) => json!(number),
        // As text: a JSON number would be read as a float.
        Value::Amount(amount) => json!(amount.to_string()),
        Value::Date(date) => json!(date.to_string()),
        Value::Moment(moment) => json!(moment.to_string()),
        Value::Row(row) => {
            let known = currencies
                .iter()
                .find(|currency| currency.id.uuid() == *row);
            json!(known.map_or_else(|| row.to_string(), |currency| currency.code.clone()))
        }
    }
}
