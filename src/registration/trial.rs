//! Sends a test event through the registration, and follows it attempt by attempt.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::upstream::webhooks::{Attempt, TestState, Webhooks, WebhooksError};

/// How often it is asked how the test fares.
const PAUSE: Duration = Duration::from_secs(2);

/// What happens on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Partner Center takes no test yet: so long it is waited.
    Waiting(Duration),
    /// The test is on its way, under this id.
    Sent(Uuid),
    /// Partner Center tells of an attempt.
    Attempted(Attempt),
}

/// What became of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Partner Center's id of it.
    pub id: Uuid,
    /// Every attempt that was told of.
    pub attempts: Vec<Attempt>,
    /// How it ended.
    pub ended: Ended,
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// An attempt was answered with success.
    Delivered,
    /// Every attempt failed, and there will be no more.
    Failed,
    /// Partner Center did not come to an end in time.
    Unfinished,
}

impl Ended {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Unfinished => "unfinished",
        }
    }
}

/// Sends a test and follows it until `deadline`, telling `on` of each step.
pub async fn run(
    webhooks: &Webhooks,
    deadline: Instant,
    on: &mut (dyn FnMut(&Step) + Send),
) -> Result<Trial, WebhooksError> {
    let id = send(webhooks, deadline, on).await?;
    on(&Step::Sent(id));
    let mut trial = Trial {
        id,
        attempts: Vec::new(),
        ended: Ended::Unfinished,
    };
    loop {
        let report = webhooks.test(id).await?;
        if let Some(report) = report {
            for attempt in report.attempts.iter().skip(trial.attempts.len()) {
                on(&Step::Attempted(attempt.clone()));
            }
            if report.delivered() {
                trial.ended = Ended::Delivered;
            } else if report.state == TestState::Over {
                trial.ended = Ended::Failed;
            }
            trial.attempts = report.attempts;
        }
        if trial.ended != Ended::Unfinished || Instant::now() + PAUSE > deadline {
            return Ok(trial);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Asks for a test, after the wait that Partner Center asks for if there is time for that.
async fn send(
    webhooks: &Webhooks,
    deadline: Instant,
    on: &mut (dyn FnMut(&Step) + Send),
) -> Result<Uuid, WebhooksError> {
    loop {
        match webhooks.send_test().await {
            Err(WebhooksError::TooManyTests { after, .. }) if Instant::now() + after < deadline => {
                on(&Step::Waiting(after));
                tokio::time::sleep(after).await;
            }
            sent => return sent,
        }
    }
}
