//! Timer triggers. The host reads a 2xx with a JSON object as success and anything else as a failed run; an empty
//! answer would hang the run until its timeout, so there is always a body.

mod reconcile;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use serde_json::{Value, json};

use super::RENEWAL_BUDGET;
use super::body;
use super::code::Code;
use super::invocation::Invocation;
use super::readiness::Readiness;
use super::respond::Answer;
use crate::app::App;
use crate::credentials::RenewalReport;
use crate::failure::Chain;
use crate::upstream::calls;

pub(super) use reconcile::reconcile;

/// Longest envelope read: the host's are below 2 KiB.
const LIMIT: usize = 256 * 1024;

/// `TokenRenewal`: renews the Partner Center refresh token, and tells of what will need a person.
pub(super) async fn renew_tokens(
    readiness: Arc<Readiness>,
    invocation: Invocation,
    request: Request,
) -> Response {
    if let Err(code) = admitted(request).await {
        return Answer::new(code).log_and_respond(&invocation);
    }
    let answer = match readiness.app().await {
        Ok(app) => renew(&app, &invocation).await,
        Err(problems) => failed(Code::Misconfigured, &problems.join("; ")),
    };
    answer.log_and_respond(&invocation)
}

/// Reads the host's envelope, of which nothing is needed.
async fn admitted(request: Request) -> Result<(), Code> {
    let envelope = body::read(request, LIMIT).await?;
    if is_trigger_envelope(&envelope) {
        Ok(())
    } else {
        Err(Code::BadEnvelope)
    }
}

async fn renew(app: &App, invocation: &Invocation) -> Answer {
    let work = tokio::time::timeout_at(invocation.deadline(RENEWAL_BUDGET), app.renewal.run());
    let (result, calls) = calls::recorded(work).await;
    let renewal = watch::renewal(&result, app.world.clock.now());
    let mut answer = match result {
        Ok(Ok(report)) => renewed(&report),
        Ok(Err(error)) => {
            let reason = Chain(&error).to_string();
            failed(Code::RenewalFailed, &reason).because(&error)
        }
        Err(_) => failed(Code::RenewalFailed, "the renewal took longer than a minute"),
    };
    answer.calls = calls;
    let now = app.world.clock.now();
    app.desk.activity().renewed(answer.code().word(), now);
    watch::daily(app, renewal).await;
    answer
}

fn renewed(report: &RenewalReport) -> Answer {
    let mut answer = Answer::new(Code::Renewed);
    answer.cause = Some(report.outcome.word().to_owned());
    answer.trigger = Some(json!({
        "Outputs": {},
        "Logs": [format!("refresh token: {}", report.outcome.word())],
        "ReturnValue": {
            "refreshToken": report.outcome.word(),
            "redeemedAgeDays": report.redeemed_age.map(days),
            "usableForDays": report.usable_for.map(days),
        },
    }));
    answer
}

fn days(duration: Duration) -> u64 {
    duration.as_secs() / (24 * 60 * 60)
}

fn failed(code: Code, reason: &str) -> Answer {
    let mut answer = Answer::new(code);
    answer.error = Some(reason.to_owned());
    answer.trigger = Some(json!({ "code": code.word(), "reason": reason }));
    answer
}

/// Whether `bytes` are what the host sends to a trigger: `{"Data":{…},"Metadata":{…}}`. A schedule's state may be null.
pub fn is_trigger_envelope(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Value>(bytes)
        .is_ok_and(|value| value.get("Data").is_some_and(Value::is_object))
}

#[cfg(test)]
mod tests {
    use super::is_trigger_envelope;

    #[test]
    fn the_hosts_timer_payload_is_an_envelope() {
        let monitored = br#"{"Data":{"timer":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":{"Last":"2026-11-22T10:00:00.123+00:00","Next":"0001-01-01T00:00:00+00:00","LastUpdated":"2026-11-22T10:00:00+00:00"},"IsPastDue":false}},"Metadata":{"sys":{"MethodName":"TokenRenewal","UtcNow":"2026-11-22T13:50:29.487165Z","RandGuid":"d8ae7b03-05fc-4e79-91ce-78792bea4074"}}}"#;
        let unmonitored = br#"{"Data":{"timer":{"Schedule":{},"ScheduleStatus":null,"IsPastDue":false}},"Metadata":{"sys":{}}}"#;
        assert!(is_trigger_envelope(monitored));
        assert!(is_trigger_envelope(unmonitored));
    }

    #[test]
    fn anything_else_is_not() {
        for bytes in [&b""[..], b"null", b"[]", b"{}", b"{\"Data\":1}", b"\xff"] {
            assert!(!is_trigger_envelope(bytes));
        }
    }
}
