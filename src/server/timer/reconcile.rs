//! `ReferralReconcile`: looks for what no event told.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{admitted, failed, watch};
use crate::app::App;
use crate::server::RECONCILE_BUDGET;
use crate::server::code::Code;
use crate::server::invocation::Invocation;
use crate::server::readiness::Readiness;
use crate::server::respond::Answer;
use crate::sync::reconcile::{Ended, ReconcileReport, Scope};
use crate::trace;

/// Makes one pass, in a task of its own: a host that hangs up does not cut it.
pub(in crate::server) async fn reconcile(
    readiness: Arc<Readiness>,
    invocation: Invocation,
    request: Request,
) -> Response {
    if let Err(code) = admitted(request).await {
        return Answer::new(code).log_and_respond(&invocation);
    }
    let app = match readiness.app().await {
        Ok(app) => app,
        Err(problems) => {
            return failed(Code::Misconfigured, &problems.join("; ")).log_and_respond(&invocation);
        }
    };
    let pass = async move { pass(&app, invocation).await };
    match tokio::spawn(trace::within(invocation.trace(), pass)).await {
        Ok(response) => response,
        // The panic has been logged where it happened.
        Err(_) => Answer::new(Code::TryAgain).log_and_respond(&invocation),
    }
}

async fn pass(app: &App, invocation: Invocation) -> Response {
    let budget = RECONCILE_BUDGET.saturating_sub(invocation.elapsed());
    let budget = SignedDuration::try_from(budget).unwrap_or(SignedDuration::ZERO);
    let deadline = Timestamp::now() + budget;
    let report = app.reconciler.run_until(Scope::Continue, deadline).await;
    let mut answer = Answer::new(code(&report));
    log(answer.code(), &invocation, &report);
    let (word, healed) = (answer.code().word(), report.healed_in_all());
    let now = app.world.clock.now();
    app.desk.activity().reconciled(word, healed, now);
    watch::often(app).await;
    answer.trigger = Some(json!({
        "Outputs": {},
        "Logs": [format!(
            "{} referrals, {} leads: {} healed, {} parked, {} dead letters",
            report.referrals, report.leads, report.healed_in_all(), report.parked, report.dead_lettered
        )],
        "ReturnValue": {
            "code": answer.code().word(),
            "ended": report.ended.word(),
            "healed": report.healed,
            "problems": report.problems.iter().map(|it| &it.text).collect::<Vec<_>>(),
        },
    }));
    answer.respond(&invocation)
}

fn code(report: &ReconcileReport) -> Code {
    match report.ended {
        _ if report.needs_a_person() => Code::ReconcileFailed,
        Ended::Trouble => Code::ReconcileCutShort,
        Ended::Complete | Ended::OutOfTime | Ended::Overtaken => Code::Reconciled,
    }
}

/// The call's one line, and a warning if events seem not to arrive.
fn log(code: Code, invocation: &Invocation, report: &ReconcileReport) {
    let healed: Vec<_> = report
        .healed
        .iter()
        .map(|(word, count)| format!("{word}={count}"))
        .collect();
    let problems: Vec<_> = report.problems.iter().map(|it| it.text.as_str()).collect();
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                code = code.word(),
                status = code.status().as_u16(),
                invocation.id = %invocation,
                trace.id = %invocation.trace(),
                ended = report.ended.word(),
                first_import = report.first_import,
                referrals = report.referrals,
                leads = report.leads,
                in_step = report.in_step,
                unchanged = report.unchanged,
                passed_over = report.passed_over,
                healed = (!healed.is_empty()).then(|| healed.join(",")),
                parked = report.parked,
                dead_lettered = report.dead_lettered,
                refused = report.refused,
                unreadable = report.unreadable,
                poisoned = report.poisoned,
                forgotten = report.forgotten,
                late_s = report.late.map(|late| late.as_secs()),
                elapsed_ms = u64::try_from(invocation.elapsed().as_millis()).unwrap_or(u64::MAX),
                error = (!problems.is_empty()).then(|| problems.join("; ")),
                "{}: {} healed of {} looked at",
                code.word(),
                report.healed_in_all(),
                report.referrals + report.leads,
            )
        };
    }
    match code.level() {
        tracing::Level::ERROR => line!(error),
        tracing::Level::WARN => line!(warn),
        _ => line!(info),
    }
    if let Some(count) = report.events_not_arriving {
        tracing::warn!(
            code = "events_not_arriving",
            count,
            "{count} changes within a day were found by looking although an event should have told them: look whether the webhook is registered and reachable"
        );
    }
}
