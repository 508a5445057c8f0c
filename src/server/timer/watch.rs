//! What a timer's run tells of beside its own work: what will need a person, what waits, what ends when.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, error::Elapsed, timeout};

use crate::app::App;
use crate::checkup::{self, Finding, Scope, Terms};
use crate::credentials::{RenewalOutcome, RenewalReport, TokenError};
use crate::server::{DAILY_BUDGET, OFTEN_BUDGET};
use crate::upstream::retry;
use crate::upstream::storage::RETRY_QUEUE;
use crate::warnings::{Look, RENEWAL};

/// How long one topic is looked into once a day.
const DAILY_PATIENCE: Duration = Duration::from_secs(45);
/// And every few minutes.
const OFTEN_PATIENCE: Duration = Duration::from_secs(8);

/// Looks into everything that can be looked into without anybody watching.
pub(super) async fn daily(app: &App, renewal: Finding) {
    let terms = Terms {
        scope: Scope::Unattended,
        patience: DAILY_PATIENCE,
    };
    within(DAILY_BUDGET, async {
        let mut findings = checkup::look(app, terms).await;
        findings.push(renewal);
        for it in &findings {
            log_end(it);
        }
        let look = Look::at(&findings, terms.scope);
        app.warnings.note(look).await;
    })
    .await;
}

/// Looks at what may be wrong from one hour to the next.
pub(super) async fn often(app: &App) {
    let terms = Terms {
        scope: Scope::Often,
        patience: OFTEN_PATIENCE,
    };
    within(OFTEN_BUDGET, async {
        log_backlog(app).await;
        let mut findings = checkup::look(app, terms).await;
        let registration = if doubts_registration(app, &findings).await {
            findings.extend(checkup::look_at_registration(app, OFTEN_PATIENCE).await);
            Some(checkup::REGISTRATION)
        } else {
            None
        };
        let also = registration.as_slice();
        let look = Look::at(&findings, terms.scope);
        app.warnings.note(Look { also, ..look }).await;
    })
    .await;
}

/// Whether the webhook's registration is worth a look before the day is over: events do not arrive, or something was wrong
/// with it and may be right by now.
async fn doubts_registration(app: &App, findings: &[Finding]) -> bool {
    let missed = |it: &Finding| it.code == checkup::EVENT_ARRIVAL && it.is_bad();
    let about_it = |code: &str| {
        let topic = checkup::topic_of(code);
        topic.is_some_and(|topic| topic.word == checkup::REGISTRATION)
    };
    findings.iter().any(missed)
        || app.warnings.record().await.is_ok_and(|record| {
            let mut standing = record.standing();
            standing.any(|(cause, _)| about_it(&cause.code))
        })
}

async fn within(budget: Duration, work: impl Future<Output = ()>) {
    let work = retry::until(Instant::now() + budget, work);
    if timeout(budget, work).await.is_err() {
        tracing::warn!(
            code = "warnings_cut_short",
            "looking for what will need a person took too long; the next run begins anew"
        );
    }
}

/// What is found out about the sign-in to Partner Center by renewing it.
pub(super) fn renewal(
    result: &Result<Result<RenewalReport, TokenError>, Elapsed>,
    now: Timestamp,
) -> Finding {
    let report = match result {
        Ok(Ok(report)) => report,
        Ok(Err(error)) => return Finding::error(RENEWAL, error),
        Err(_) => {
            let detail = "the renewal took longer than a minute";
            let advice = "nothing yet: this may pass; the next run tries again";
            return Finding {
                passing: true,
                ..Finding::failed(RENEWAL, detail, advice)
            };
        }
    };
    let finding = match report.outcome {
        RenewalOutcome::Stored => Finding::ok(RENEWAL, "the sign-in to Partner Center was renewed"),
        RenewalOutcome::NotUsed => Finding::ok(RENEWAL, "there is nothing to renew"),
        RenewalOutcome::NoSuccessor => {
            let detail = "the sign-in to Partner Center works, but Entra ID does not prolong it";
            let advice = "consent again before it ends";
            Finding::warning(RENEWAL, detail, advice)
        }
    };
    let end = report.usable_for.and_then(|it| now.checked_add(it).ok());
    end.map_or(finding.clone(), |end| finding.until(end))
}

/// Once a day, for those who read the log: what ends when, whether that is soon or not.
fn log_end(finding: &Finding) {
    if let Some(deadline) = finding.deadline {
        tracing::info!(
            code = "ends",
            cause = finding.code,
            about = finding.about,
            deadline = format!("{deadline:.0}"),
            "{}: {} ends on {deadline:.0}",
            finding.code,
            finding.about.as_deref().unwrap_or("it"),
        );
    }
}

/// How much there is to do, for those who read the log.
async fn log_backlog(app: &App) {
    let queue = app.storage.queue(RETRY_QUEUE);
    let (queued, letters) = tokio::join!(queue.depth(), app.letters.subjects());
    // What cannot be counted is told of by what cannot be done.
    if let (Ok(queued), Ok(letters)) = (queued, letters) {
        tracing::info!(
            code = "backlog",
            queued,
            dead_letters = letters.len(),
            "{queued} referrals wait in the queue, {} for a person",
            letters.len(),
        );
    }
}
