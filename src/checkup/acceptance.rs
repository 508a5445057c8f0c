//! Referrals that Partner Center closes soon unless somebody answers them, whether they are synced or not.

use jiff::{SignedDuration, Timestamp};

use super::{Finding, Visit};
use crate::ids::ReferralId;
use crate::referral::{Direction, ReferralState};
use crate::upstream::partner_center::{ListQuery, ListedReferral, Order, PartnerCenterError};

const DATES: &str = "acceptance_dates";

pub(super) const CODES: &[&str] = &[DATES];

/// How long before its date a referral is told of: somebody is at work within four days, whatever the weekday.
const SOON: SignedDuration = SignedDuration::from_hours(4 * 24);
/// After how long Partner Center closes a referral that nobody answered, for a row that does not tell its date.
const LIFE: SignedDuration = SignedDuration::from_hours(14 * 24);
/// How many pages are read: those made first are on them, and end first.
const PAGES: usize = 5;
/// How many are told of one by one.
const NAMED: usize = 20;

pub(super) async fn findings(visit: &Visit<'_>) -> Vec<Finding> {
    match unanswered(visit).await {
        Ok(rows) => dates(&rows, visit.app.world.clock.now()),
        Err(error) if error.has_no_token() => vec![Finding::unasked(DATES)],
        Err(error) => vec![Finding::unseen(DATES, &error)],
    }
}

/// The referrals that wait for an answer, those made first before the others.
async fn unanswered(visit: &Visit<'_>) -> Result<Vec<ListedReferral>, PartnerCenterError> {
    let mut query = ListQuery::default()
        .filter("status eq 'New' and direction eq 'Incoming'")
        .order(Order::Created);
    let mut rows = Vec::new();
    for _ in 0..PAGES {
        let page = visit.app.world.referrals.list(&query).await?;
        rows.extend(page.rows);
        match page.next {
            Some(next) => query = next,
            None => break,
        }
    }
    Ok(rows)
}

fn dates(rows: &[ListedReferral], now: Timestamp) -> Vec<Finding> {
    let mut open: Vec<_> = rows.iter().filter_map(|row| date(row, now)).collect();
    open.sort_unstable();
    let soon = open.partition_point(|(date, _)| date.duration_since(now) <= SOON);
    let Some(named) = open.get(..soon.min(NAMED)).filter(|it| !it.is_empty()) else {
        return vec![none_soon(&open)];
    };
    let mut findings: Vec<_> = named.iter().map(|(date, id)| due(*date, *id)).collect();
    if NAMED < soon {
        let more = format!("{} more referrals end within four days", soon - NAMED);
        let advice = "accept or decline them in Partner Center, or from their leads";
        findings.push(Finding::warning(DATES, more, advice).until(open[NAMED].0));
    }
    findings
}

/// When Partner Center closes this referral, if it waits for an answer.
fn date(row: &ListedReferral, now: Timestamp) -> Option<(Timestamp, ReferralId)> {
    let waits = row.status.state == ReferralState::New && row.direction == Direction::Incoming;
    let date = row.expires.or(Some(row.created? + LIFE))?;
    (waits && now < date).then_some((date, row.id))
}

fn due(date: Timestamp, id: ReferralId) -> Finding {
    let detail = format!("Partner Center closes referral {id} unless it is accepted or declined");
    let advice = "accept or decline it in Partner Center, or from its lead";
    Finding::warning(DATES, detail, advice)
        .about(id.to_string())
        .until(date)
}

fn none_soon(open: &[(Timestamp, ReferralId)]) -> Finding {
    let Some((first, id)) = open.first() else {
        return Finding::ok(DATES, "no referral waits for an answer");
    };
    let detail = format!(
        "{} referrals wait for an answer; the first to end is {id}",
        open.len()
    );
    Finding::ok(DATES, detail).until(*first)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::checkup::Level;
    use crate::referral::ReferralStatus;

    fn now() -> Timestamp {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    /// A row about a referral that ends in so many hours, or does not tell.
    fn row(number: u128, ends_in: Option<i64>) -> ListedReferral {
        let end = |hours| now() + SignedDuration::from_hours(hours);
        ListedReferral {
            id: ReferralId::new(Uuid::from_u128(number)),
            created: Some(now()),
            updated: None,
            expires: ends_in.map(end),
            status: ReferralStatus {
                state: ReferralState::New,
                status: "New".to_owned(),
                substatus: "Pending".to_owned(),
            },
            direction: Direction::Incoming,
        }
    }

    #[test]
    fn a_referral_within_four_days_of_its_date_is_told_of_and_others_are_not() {
        let mut accepted = row(3, Some(5));
        accepted.status.state = ReferralState::Active;
        let mut sent = row(4, Some(5));
        sent.direction = Direction::Outgoing;
        let rows = [
            row(1, Some(97)),
            row(2, Some(95)),
            accepted,
            sent,
            row(5, Some(-1)),
        ];
        let findings = dates(&rows, now());
        let [due] = &findings[..] else {
            panic!("{findings:?}")
        };
        assert_eq!(due.about, Some(rows[1].id.to_string()));
        assert_eq!((due.level, due.deadline), (Level::Warning, rows[1].expires));
    }

    #[test]
    fn one_that_does_not_tell_its_date_ends_two_weeks_after_it_was_made() {
        let mut old = row(1, None);
        old.created = Some(now() - SignedDuration::from_hours(11 * 24));
        let findings = dates(&[row(2, None), old.clone()], now());
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].about, Some(old.id.to_string()));
        let well = dates(&[row(2, None)], now());
        assert_eq!((well[0].level, well.len()), (Level::Ok, 1));
        assert_eq!(well[0].deadline, Some(now() + LIFE));
    }

    #[test]
    fn of_very_many_the_first_to_end_are_named_and_the_rest_counted() {
        let rows: Vec<_> = (1..=50)
            .rev()
            .map(|it| row(it, i64::try_from(it).ok()))
            .collect();
        let findings = dates(&rows, now());
        assert_eq!(findings.len(), NAMED + 1);
        assert_eq!(
            findings[0].about,
            Some(ReferralId::new(Uuid::from_u128(1)).to_string())
        );
        assert_eq!(findings[NAMED].about, None);
        assert!(
            findings[NAMED].detail.starts_with("30 more"),
            "{findings:?}"
        );
        assert_eq!(dates(&[], now())[0].level, Level::Ok);
    }
}
