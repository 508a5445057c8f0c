//! What the connector authenticates with, and when it ends.

use super::finding::days;
use super::{Finding, Visit};

const REFRESH_TOKEN: &str = "refresh_token";

pub(super) const CODES: &[&str] = &[REFRESH_TOKEN];

pub(super) async fn findings(visit: &Visit<'_>) -> Vec<Finding> {
    let age = visit.app.renewal.token_age().await;
    vec![Finding::of(REFRESH_TOKEN, age, |age| match age {
        Some(age) => format!(
            "stored {} days ago; usable for {} days unless renewed",
            days(age.age),
            days(age.usable_for)
        ),
        None => "none is used".to_owned(),
    })]
}
