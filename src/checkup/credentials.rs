//! What the connector authenticates with, and when it ends.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::finding::days;
use super::{Finding, Visit};
use crate::credentials::TokenAge;

const REFRESH_TOKEN: &str = "refresh_token";
const STORAGE_SIGNATURE: &str = "storage_signature";

pub(super) const CODES: &[&str] = &[REFRESH_TOKEN, STORAGE_SIGNATURE];

/// How long before its end a credential is worth a warning.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

pub(super) async fn findings(visit: &Visit<'_>) -> Vec<Finding> {
    let now = Timestamp::now();
    let token = match visit.app.renewal.token_age().await {
        Ok(Some(age)) => refresh_token(&age, now),
        Ok(None) if visit.app.renewal.is_used() => Finding::ok(
            REFRESH_TOKEN,
            "stored; the place where it is kept does not tell since when",
        ),
        Ok(None) => Finding::ok(REFRESH_TOKEN, "none is used"),
        Err(error) => Finding::error(REFRESH_TOKEN, &error),
    };
    let signature = visit.app.storage.signature_end();
    let signature = signature.map(|end| storage_signature(end, now));
    [token].into_iter().chain(signature).collect()
}

fn refresh_token(age: &TokenAge, now: Timestamp) -> Finding {
    let detail = format!(
        "stored {} days ago; usable for {} days unless renewed",
        days(age.age),
        days(age.usable_for)
    );
    let finding = if age.usable_for == Duration::ZERO {
        let advice = "let the user who consented do so again, and store the new token";
        Finding::failed(REFRESH_TOKEN, detail, advice)
    } else if age.due_in == Duration::ZERO {
        let advice = "it should be renewed every day: see in the log why the function TokenRenewal does not succeed";
        Finding::warning(REFRESH_TOKEN, detail, advice)
    } else {
        Finding::ok(REFRESH_TOKEN, detail)
    };
    match SignedDuration::try_from(age.usable_for) {
        Ok(left) => finding.until(now + left),
        Err(_) => finding,
    }
}

fn storage_signature(end: Timestamp, now: Timestamp) -> Finding {
    let left = end.duration_since(now);
    let detail = format!("the shared access signature in AzureWebJobsStorage is good until {end}");
    let advice = "put a new one into AzureWebJobsStorage, or open the account as an identity with AzureWebJobsStorage__accountName";
    let finding = if left <= SignedDuration::ZERO {
        Finding::failed(STORAGE_SIGNATURE, detail, advice)
    } else if left < SOON {
        Finding::warning(STORAGE_SIGNATURE, detail, advice)
    } else {
        Finding::ok(STORAGE_SIGNATURE, detail)
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
            let finding = refresh_token(&aged(days), now);
            assert_eq!(finding.level, level, "{finding:?}");
            assert_eq!(finding.advice.is_some(), level != Level::Ok);
        }
        let end = refresh_token(&aged(40), now).deadline;
        assert_eq!(end, Some(now + 50 * SignedDuration::from_hours(24)));
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
