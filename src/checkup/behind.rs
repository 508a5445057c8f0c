//! What has not come through: dead letters, referrals that wait for long, events that do not arrive.

use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};

use super::{Finding, Visit};
use crate::sync::activity::Picture;
use crate::sync::dead_letters::Letter;
use crate::sync::park::job::MISCONFIGURED;
use crate::sync::reconcile::cursor::{Stored, UNTOLD_LIMIT};
use crate::upstream::storage::StorageError;

const LETTERS: &str = "dead_letters";
const LAG: &str = "sync_lag";
/// The code word for whether Partner Center's events arrive.
pub const EVENT_ARRIVAL: &str = "event_arrival";

pub(super) const CODES: &[&str] = &[LETTERS, LAG, EVENT_ARRIVAL];

/// How long a referral may wait before somebody is told.
const LONG: SignedDuration = SignedDuration::from_mins(30);
/// How many letters are told of one by one.
const NAMED: usize = 20;
/// What `register` has registered, if it ever did.
const REGISTRATION: &str = "registration.json";

pub(super) async fn findings(visit: &Visit<'_>) -> Vec<Finding> {
    let now = visit.app.world.clock.now();
    let told = |code, found: Result<Vec<Finding>, StorageError>| {
        found.unwrap_or_else(|error| vec![Finding::unseen(code, &error)])
    };
    let (letters, lag, events) = tokio::join!(letters(visit), lag(visit, now), events(visit, now),);
    let mut findings = told(LETTERS, letters);
    findings.extend(told(LAG, lag));
    findings.extend(told(EVENT_ARRIVAL, events));
    findings
}

async fn letters(visit: &Visit<'_>) -> Result<Vec<Finding>, StorageError> {
    let subjects = visit.app.letters.subjects().await?;
    if subjects.is_empty() {
        return Ok(vec![Finding::ok(LETTERS, "there are none")]);
    }
    let named = subjects
        .iter()
        .take(NAMED)
        .map(|it| visit.app.letters.get(*it));
    // One that was dropped in between is no more.
    let named = try_join_all(named).await?.into_iter().flatten();
    let mut findings: Vec<_> = named.map(|letter| unsettled(&letter)).collect();
    let more = subjects.len().saturating_sub(NAMED);
    if more > 0 {
        let detail = format!("{more} more dead letters wait for somebody");
        let advice = "read them: referral-connector dead-letters list";
        findings.push(Finding::warning(LETTERS, detail, advice));
    }
    Ok(findings)
}

fn unsettled(letter: &Letter) -> Finding {
    let subject = letter.subject;
    let detail = format!("{subject} cannot be synced as it is: {}", letter.reason);
    let advice = format!(
        "{}; referral-connector dead-letters show {subject} has the rest",
        letter.advice
    );
    Finding::warning(LETTERS, detail, advice).about(subject.to_string())
}

async fn lag(visit: &Visit<'_>, now: Timestamp) -> Result<Vec<Finding>, StorageError> {
    let app = visit.app;
    let picture = Picture::load(app.world.blobs.as_ref()).await?;
    let Some((id, longest)) = picture.longest(now) else {
        return Ok(vec![Finding::ok(LAG, "no referral waits")]);
    };
    let waits_for = |since: Timestamp| now.duration_since(since);
    if waits_for(longest.since) < LONG {
        let detail = "no referral has waited for half an hour";
        return Ok(vec![Finding::ok(LAG, detail)]);
    }
    let all = picture.waiting.values();
    let many = all.filter(|it| LONG <= waits_for(it.since)).count();
    let detail = format!(
        "{many} referrals have not been in step for half an hour or longer; {id} has waited longest, since {:.0}, because of {}",
        longest.since, longest.why
    );
    let advice = "see which system is in the way: referral-connector check; they follow by themselves once it works";
    let finding = Finding::warning(LAG, detail, advice);
    Ok(vec![if longest.why == MISCONFIGURED {
        // These are tried for ever.
        finding
    } else {
        finding.until(app.desk.gives_up(longest.since))
    }])
}

async fn events(visit: &Visit<'_>, now: Timestamp) -> Result<Vec<Finding>, StorageError> {
    let world = &visit.app.world;
    let untold = Stored::load(world).await?.cursor.untold_lately(now);
    if untold < UNTOLD_LIMIT {
        let detail = format!("{untold} changes within a day came without an event");
        return Ok(vec![Finding::ok(EVENT_ARRIVAL, detail)]);
    }
    let event = Picture::load(world.blobs.as_ref()).await?.event;
    if event.is_none() && world.blobs.get(REGISTRATION).await?.is_none() {
        let detail = "none is expected: no webhook was registered and no event ever came";
        return Ok(vec![Finding::ok(EVENT_ARRIVAL, detail)]);
    }
    let last = event.map_or("never".to_owned(), |it| format!("{it:.0}"));
    let detail = format!(
        "{untold} changes or more within a day came without an event that should have told of them; the last event came: {last}"
    );
    let advice = "look whether the webhook is registered, at this function app and with its key, and whether deliveries are refused";
    Ok(vec![Finding::warning(EVENT_ARRIVAL, detail, advice)])
}
