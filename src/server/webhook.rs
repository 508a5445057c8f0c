//! `ReferralWebhook`: takes one delivery from Partner Center.

use std::sync::Arc;

use super::WEBHOOK_BUDGET;
use super::body;
use super::code::Code;
use super::disposal;
use super::invocation::Invocation;
use super::readiness::Readiness;
use super::respond::Answer;
use crate::app::App;
use crate::callback::{CallbackError, Verified};
use crate::event::Event;
use crate::failure::{Classify, Disposition};
use crate::ids::ReferralId;
use crate::sync::flight::Digest;
use crate::sync::park::Disposal;
use crate::trace;
use axum::extract::Request;
use axum::response::Response;

/// Longest event read: real ones have 200 bytes.
const LIMIT: usize = 64 * 1024;

/// Takes one delivery. Works in a task of its own, so that a caller who hangs up never cuts a sync in two.
pub(super) async fn receive(
    readiness: Arc<Readiness>,
    invocation: Invocation,
    request: Request,
) -> Response {
    let Ok(app) = readiness.app().await else {
        return Answer::new(Code::Misconfigured).log_and_respond(&invocation);
    };
    let taking = async move {
        take(&app, &invocation, request)
            .await
            .log_and_respond(&invocation)
    };
    let delivery = tokio::spawn(trace::within(invocation.trace(), taking));
    match delivery.await {
        Ok(response) => response,
        // The panic has been logged where it happened. Partner Center will deliver again.
        Err(_) => Answer::new(Code::TryAgain).log_and_respond(&invocation),
    }
}

async fn take(app: &App, invocation: &Invocation, request: Request) -> Answer {
    let Ok(_permit) = app.deliveries.try_acquire() else {
        return Answer::new(Code::Busy);
    };
    if body::is_encoded(&request) {
        return Answer::new(Code::UnsupportedEncoding);
    }
    let claim = match app.callback.claim(request.headers()) {
        Ok(claim) => claim,
        Err(error) => return refused(&error),
    };
    let body = match body::read(request, LIMIT).await {
        Ok(body) => body,
        Err(code) => return Answer::new(code),
    };
    let certificate_url = claim.certificate_url.clone();
    match app.callback.verify(claim, body).await {
        Ok(verified) => {
            app.seen.note(certificate_url.url().as_str());
            act(app, invocation, &verified).await
        }
        Err(error) => refused(&error),
    }
}

fn refused(error: &CallbackError) -> Answer {
    let code = match error.disposition() {
        Disposition::Retry { .. } => Code::CertificateUnavailable,
        Disposition::Permanent => Code::Refused,
        Disposition::Misconfigured => Code::PolicyMismatch,
    };
    let mut answer = Answer::new(code).because(error);
    answer.cause = Some(error.code().to_owned());
    answer
}

async fn act(app: &App, invocation: &Invocation, verified: &Verified) -> Answer {
    app.desk.activity().event(app.world.clock.now());
    match Event::parse(verified) {
        Err(error) => Answer::new(Code::Unreadable).because(&error),
        Ok(Event::Test) => Answer::new(Code::Test),
        Ok(Event::Other(_)) => Answer::new(Code::Ignored),
        Ok(Event::ReferralChanged(id)) => {
            let mut answer = sync(app, invocation, id, verified.digest()).await;
            answer.referral = Some(id);
            answer
        }
    }
}

/// Syncs the referral of an event, unless a copy of the event has just brought it in step. Only a sync that ended well is
/// remembered: an event whose sync did not end is synced whenever it comes again.
async fn sync(app: &App, invocation: &Invocation, id: ReferralId, digest: Digest) -> Answer {
    if app.replays.holds(&digest) {
        return Answer::new(Code::Replayed);
    }
    let deadline = invocation.deadline(WEBHOOK_BUDGET);
    let disposal = app.desk.event(id, digest, deadline).await;
    if matches!(disposal, Disposal::Done(_)) {
        app.replays.remember(digest);
    }
    disposal::answer(&disposal)
}
