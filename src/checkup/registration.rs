//! The webhook registration, held against what this connector registered: was it changed by somebody else?

use super::{Finding, Visit};
use crate::registration::drift::{self, Drift};
use crate::registration::record::Note;
use crate::registration::{REFERRAL_EVENTS, Registration};
use crate::registration::{record, registrar};
use crate::upstream::webhooks::WebhooksError;

const WEBHOOK: &str = "webhook";
const ADDRESS: &str = "webhook_address";
const KEY: &str = "webhook_key";
const EVENTS: &str = "webhook_events";
const SIGNATURE: &str = "webhook_signature";

pub(super) const CODES: &[&str] = &[WEBHOOK, ADDRESS, KEY, EVENTS, SIGNATURE];

const REGISTER: &str = "run `referral-connector register` with the function app's address; if there is to be no webhook, \
                        `referral-connector register --poll-only`";
const AGAIN: &str = "find out who changed it, and run `referral-connector register`";

pub(super) async fn findings(visit: &Visit<'_>) -> Vec<Finding> {
    let app = visit.app;
    match registrar::see(&app.webhooks, app.world.blobs.as_ref()).await {
        Ok(seen) => standing(seen.registered.as_ref(), seen.note.as_ref()),
        Err(registrar::RegisterError::Webhooks(error)) => {
            let note = record::load(app.world.blobs.as_ref()).await;
            vec![hidden(&error, note.ok().flatten().as_ref())]
        }
        Err(error) => vec![Finding::error(WEBHOOK, &error)],
    }
}

/// What is to be said when the registration cannot be seen, given what was noted.
fn hidden(error: &WebhooksError, note: Option<&Note>) -> Finding {
    match error {
        WebhooksError::Forbidden(_) => forbidden(error, note),
        _ if !error.has_no_token() => Finding::error(WEBHOOK, error),
        _ => match note {
            Some(Note::PollOnly(since)) => Finding::ok(WEBHOOK, poll_only(*since)),
            // The topic of the consent says why.
            _ => Finding::unasked(WEBHOOK),
        },
    }
}

/// What is to be said about `registered`, given what was noted.
pub(crate) fn standing(registered: Option<&Registration>, note: Option<&Note>) -> Vec<Finding> {
    let Some(registered) = registered else {
        return vec![unregistered(note)];
    };
    let drifts = drift::drifts(registered, note.and_then(Note::record));
    if drifts.is_empty() {
        return vec![well(registered)];
    }
    let finding = |drift| finding(drift, registered, note);
    drifts.iter().map(finding).collect()
}

fn well(registered: &Registration) -> Finding {
    let detail = format!(
        "Partner Center sends {} to {}",
        registered.events.join(", "),
        registered.address
    );
    Finding::ok(WEBHOOK, detail)
}

fn unregistered(note: Option<&Note>) -> Finding {
    match note {
        Some(Note::PollOnly(since)) => Finding::ok(WEBHOOK, poll_only(*since)),
        Some(Note::Registered(record)) => Finding::failed(
            WEBHOOK,
            format!(
                "nothing is registered any more; {} was registered at {:.0}",
                record.place, record.at
            ),
            AGAIN,
        ),
        // Going without one is a choice, and may not have been noted.
        None => Finding::ok(
            WEBHOOK,
            "no webhook is registered: what changes in Partner Center is found by the timer ReferralReconcile alone, within minutes",
        ),
    }
}

fn poll_only(since: jiff::Timestamp) -> String {
    format!(
        "no webhook is wanted, as noted at {since:.0}: the timer ReferralReconcile finds what changes, within minutes"
    )
}

fn forbidden(error: &WebhooksError, note: Option<&Note>) -> Finding {
    match note {
        Some(Note::PollOnly(since)) => Finding::ok(WEBHOOK, poll_only(*since)),
        Some(Note::Registered(_)) => Finding::error(WEBHOOK, error),
        None => {
            let error = Finding::error(WEBHOOK, error);
            Finding::warning(WEBHOOK, error.detail, REGISTER)
        }
    }
}

fn finding(drift: &Drift, registered: &Registration, note: Option<&Note>) -> Finding {
    match drift {
        Drift::Foreign => foreign(registered, note),
        Drift::Unrecorded => Finding::warning(
            ADDRESS,
            format!(
                "{} is registered, and it is noted nowhere that this connector did that",
                registered.address
            ),
            "run `referral-connector register` once: it notes what is registered, so that a change is noticed",
        ),
        Drift::OtherKey => Finding::warning(
            KEY,
            "the registered address has another key than this connector registered it with",
            AGAIN,
        ),
        Drift::Missing(events) => {
            let detail = format!(
                "these events are not registered any more: {}",
                events.join(", ")
            );
            let needed = |event: &String| REFERRAL_EVENTS.contains(&event.as_str());
            if events.iter().any(needed) {
                Finding::failed(EVENTS, detail, AGAIN)
            } else {
                Finding::warning(EVENTS, detail, AGAIN)
            }
        }
        Drift::ForeignEvents(events) => Finding::warning(
            EVENTS,
            format!(
                "somebody registered events that the connector ignores: {}",
                events.join(", ")
            ),
            "find out who needs them; `referral-connector register --take-over` takes them away",
        ),
        Drift::OtherHeader => Finding::warning(
            SIGNATURE,
            "the signature travels in Authorization, which sign-in services and gateways in front of the app may take away",
            AGAIN,
        ),
    }
}

fn foreign(registered: &Registration, note: Option<&Note>) -> Finding {
    let (address, host) = (&registered.address, registered.address.host());
    let detail = if address.is_old_flow() {
        format!(
            "events go to {host}: the address of a flow as they were until 2025, which has answered nothing since 2025-11-30 \
             (unless a Logic App is behind it)"
        )
    } else if address.is_flow() {
        format!("events go to a flow of Power Automate at {host}")
    } else {
        format!("events go to another product: {address}")
    };
    let over = "if nothing needs that any more, run `referral-connector register --take-over`; otherwise \
                `referral-connector register --poll-only`";
    let finding = match note {
        Some(Note::Registered(record)) => Finding::failed(
            ADDRESS,
            format!(
                "{detail}; {} was registered at {:.0}",
                record.place, record.at
            ),
            "find out who changed it; `referral-connector register --take-over` brings the events back",
        ),
        Some(Note::PollOnly(_)) if !address.is_old_flow() => {
            Finding::ok(ADDRESS, format!("{detail}; this connector wants none"))
        }
        _ => Finding::warning(ADDRESS, detail, over),
    };
    finding.about(host)
}
