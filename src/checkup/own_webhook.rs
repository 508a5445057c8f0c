//! The self-probe: whoever calls the registered address without a signature has to meet the connector's own refusal.

use super::{Finding, Visit};
use crate::registration::drift::{self, Owner};
use crate::registration::record::Note;
use crate::registration::registrar;
use crate::upstream::own_webhook::Echo;

const ANSWER: &str = "webhook_answer";

pub(super) const CODES: &[&str] = &[ANSWER];

pub(super) async fn findings(visit: &Visit<'_>) -> Vec<Finding> {
    let app = visit.app;
    // Why it cannot be seen is what the topic of the registration tells.
    let Ok(seen) = registrar::see(&app.webhooks, app.world.blobs.as_ref()).await else {
        return Vec::new();
    };
    let Some(registered) = seen.registered else {
        return Vec::new();
    };
    let record = seen.note.as_ref().and_then(Note::record);
    // Another product's address is not ours to call.
    if drift::owner(&registered.address, record, None) == Owner::Another {
        return Vec::new();
    }
    let echo = app.own_webhook.knock(&registered.address).await;
    vec![finding(&echo).about(registered.address.host())]
}

fn finding(echo: &Echo) -> Finding {
    match echo.advice() {
        None => Finding::ok(ANSWER, echo.to_string()),
        Some(advice) => Finding::failed(ANSWER, echo.to_string(), advice),
    }
}
