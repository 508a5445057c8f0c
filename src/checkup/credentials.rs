//! What the connector authenticates with, and when it ends.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::finding::days;
use super::{Finding, Visit};
use crate::credentials::{Kept, TokenAge};

const REFRESH_TOKEN: &str = "refresh_token";
const CLIENT_SECRET: &str = "client_secret";
const STORAGE_SIGNATURE: &str = "storage_signature";

pub(super) const CODES: &[&str] = &[REFRESH_TOKEN, CLIENT_SECRET, STORAGE_SIGNATURE];

/// How long before its end a credential is worth a warning.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

pub(super) async fn findings(visit: &Visit<'_>) -> Vec<Finding> {
    let now = Timestamp::now();
    let (kept, secret) = tokio::join!(
        visit.app.renewal.kept(),
        visit.app.standing.client_secret_end()
    );
    let token = match kept {
        Ok(Some(kept)) => refresh_token(&kept, now),
        Ok(None) => Finding::ok(REFRESH_TOKEN, "none is used"),
        Err(error) => Finding::error(REFRESH_TOKEN, &error),
    };
    let signature = visit.app.storage.signature_end();
    let signature = signature.map(|end| storage_signature(end, now));
    [token, client_secret(secret, now)]
        .into_iter()
        .chain(signature)
        .collect()
}

fn client_secret(end: Option<Timestamp>, now: Timestamp) -> Finding {
    let Some(end) = end else {
        let detail = "set; nothing that can be seen from here tells when it ends";
        return Finding::ok(CLIENT_SECRET, detail);
    };
    let detail = format!("the vault tells that it is good until {end:.0}");
    let advice = "make a new one in the app registration, put it into the vault with its end, and restart the function app (docs/deploy.md)";
    ending(CLIENT_SECRET, detail, advice, end, now)
}

fn refresh_token(kept: &Kept, now: Timestamp) -> Finding {
    if let Some(fault) = kept.fault {
        let advice = "run `referral-connector consent`: it stores a new one, whole";
        return Finding::failed(REFRESH_TOKEN, format!("what is kept {fault}"), advice);
    }
    kept.age.map_or_else(
        || {
            Finding::ok(
                REFRESH_TOKEN,
                "stored; the place where it is kept does not tell since when",
            )
        },
        |age| ageing(&age, now),
    )
}

fn ageing(age: &TokenAge, now: Timestamp) -> Finding {
    let end = SignedDuration::try_from(age.usable_for).ok();
    let end = end.and_then(|left| now.checked_add(left).ok());
    let by = end.map(|end| format!(", until {}", end.to_zoned(TimeZone::UTC).date()));
    let detail = format!(
        "stored {} days ago; usable for {} days unless renewed{}",
        days(age.age),
        days(age.usable_for),
        by.unwrap_or_default()
    );
    let finding = if age.usable_for == Duration::ZERO {
        let advice = "let the user who consented do so again: `referral-connector consent`";
        Finding::failed(REFRESH_TOKEN, detail, advice)
    } else if age.due_in == Duration::ZERO {
        let advice = "it should be renewed every day: see in the log why the function TokenRenewal does not succeed";
        Finding::warning(REFRESH_TOKEN, detail, advice)
    } else {
        Finding::ok(REFRESH_TOKEN, detail)
    };
    match end {
        Some(end) => finding.until(end),
        None => finding,
    }
}

fn storage_signature(end: Timestamp, now: Timestamp) -> Finding {
    let detail = format!("the shared access signature in AzureWebJobsStorage is good until {end}");
    let advice = "put a new one into AzureWebJobsStorage, or open the account as an identity with AzureWebJobsStorage__accountName";
    ending(STORAGE_SIGNATURE, detail, advice, end, now)
}

/// What ends at `end`, and is worth a warning for a month before.
fn ending(
    code: &'static str,
    detail: String,
    advice: &str,
    end: Timestamp,
    now: Timestamp,
) -> Finding {
    let left = end.duration_since(now);
    let finding = if left <= SignedDuration::ZERO {
        Finding::failed(code, detail, advice)
    } else if left < SOON {
        Finding::warning(code, detail, advice)
    } else {
        Finding::ok(code, detail)
    };
    finding.until(end)
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn aged(days: u32) -> TokenAge {
        TokenAge {
            age: DAY * days,
            due_in: (30 * DAY).saturating_sub(DAY * days),
            usable_for: (90 * DAY).saturating_sub(DAY * days),
        }
    }

    #[test]
    fn a_consent_that_ages_without_renewal_is_a_warning_before_it_is_a_failure() {
        let now = Timestamp::UNIX_EPOCH;
        for (days, level) in [(1, Level::Ok), (40, Level::Warning), (95, Level::Failed)] {
            let finding = ageing(&aged(days), now);
            assert_eq!(finding.level, level, "{finding:?}");
            assert_eq!(finding.advice.is_some(), level != Level::Ok);
        }
        let end = ageing(&aged(40), now).deadline;
        assert_eq!(end, Some(now + 50 * SignedDuration::from_hours(24)));
    }

    #[test]
    fn a_token_that_is_none_is_a_failure_however_young_it_is() {
        let kept = Kept {
            fault: Some("is empty"),
            age: Some(aged(1)),
        };
        let finding = refresh_token(&kept, Timestamp::UNIX_EPOCH);
        assert_eq!(finding.level, Level::Failed);
        assert!(finding.detail.contains("is empty"), "{finding:?}");
        let kept = Kept {
            fault: None,
            age: None,
        };
        let finding = refresh_token(&kept, Timestamp::UNIX_EPOCH);
        assert_eq!(finding.level, Level::Ok);
    }

    #[test]
    fn a_signature_warns_for_a_month_before_it_ends() {
        let now = Timestamp::UNIX_EPOCH;
        let at = |days: i64| storage_signature(now + SignedDuration::from_hours(24 * days), now);
        assert_eq!(at(31).level, Level::Ok);
        assert_eq!(at(29).level, Level::Warning);
        assert_eq!(at(-1).level, Level::Failed);
    }
}
