//! The Dynamics 365 environment, and what we may do there.

use super::{Finding, Visit};

const DATAVERSE: &str = "dataverse";
const LEADS: &str = "leads";
const LEAD_COLUMNS: &str = "lead_columns";

pub(super) const CODES: &[&str] = &[DATAVERSE, LEADS, LEAD_COLUMNS];

pub(super) async fn findings(visit: &Visit<'_>) -> Vec<Finding> {
    let Some(dataverse) = visit.app.dataverse() else {
        return Vec::new();
    };
    vec![
        Finding::of(DATAVERSE, dataverse.who_am_i().await, |identity| {
            format!("signed in as user {}", identity.user)
        }),
        Finding::of(LEADS, dataverse.any_lead().await, |any| {
            let found = if any {
                "can be read"
            } else {
                "can be read; there are none yet"
            };
            found.to_owned()
        }),
        Finding::of(LEAD_COLUMNS, dataverse.schema().await, |schema| {
            format!(
                "{} text columns, {} choices, {} status reasons known",
                schema.lengths.len(),
                schema.choices.len(),
                schema.status_reasons.len()
            )
        }),
    ]
}
