//! What the security roles allow, held against what a sync does.

use uuid::Uuid;

use super::PRIVILEGES;
use crate::checkup::Finding;
use crate::sync::options::{Mode, SyncOptions};
use crate::upstream::dataverse::{Dataverse, Depth};

/// When a privilege is needed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// In every mode but `observe`.
    Writing,
    /// When `SYNC_LEAD_OWNER` names somebody.
    Owning,
}

/// Each privilege, when it is needed, what for, and whether it has to reach rows of others: leads belong to sellers.
const NEEDED: [(&str, When, &str, bool); 10] = [
    ("prvReadLead", When::Always, "read leads", true),
    (
        "prvReadTransactionCurrency",
        When::Always,
        "look up currencies",
        false,
    ),
    ("prvCreateLead", When::Writing, "create leads", false),
    ("prvWriteLead", When::Writing, "change leads", true),
    (
        "prvAppendLead",
        When::Writing,
        "give a lead its currency",
        true,
    ),
    (
        "prvAppendToTransactionCurrency",
        When::Writing,
        "give a lead its currency",
        false,
    ),
    (
        "prvCreateNote",
        When::Writing,
        "write notes on the timeline",
        false,
    ),
    (
        "prvAppendNote",
        When::Writing,
        "write notes on the timeline",
        false,
    ),
    (
        "prvAppendToLead",
        When::Writing,
        "write notes on the timeline",
        true,
    ),
    (
        "prvAssignLead",
        When::Owning,
        "give new leads to SYNC_LEAD_OWNER",
        false,
    ),
];

pub(super) async fn findings(
    dataverse: &Dataverse,
    user: Uuid,
    options: &SyncOptions,
) -> Vec<Finding> {
    let needed: Vec<_> = NEEDED
        .into_iter()
        .filter(|(_, when, ..)| match when {
            When::Always => true,
            When::Writing => options.mode != Mode::Observe,
            When::Owning => options.mode != Mode::Observe && options.owner.is_some(),
        })
        .collect();
    let names: Vec<&str> = needed.iter().map(|(name, ..)| *name).collect();
    let held = match dataverse.privileges(user, &names).await {
        Ok(held) => held,
        Err(error) => return vec![Finding::error(PRIVILEGES, &error)],
    };
    let mut findings: Vec<Finding> = needed
        .iter()
        .filter_map(|(name, _, purpose, of_others)| match held.get(*name) {
            None => Some(missing(name, purpose)),
            Some(depth) if *of_others && *depth < Depth::Organisation => {
                Some(shallow(name, purpose, *depth))
            }
            Some(_) => None,
        })
        .collect();
    if findings.is_empty() {
        let detail = format!("all {} that are needed are held", names.len());
        findings.push(Finding::ok(PRIVILEGES, detail));
    }
    findings
}

fn missing(name: &str, purpose: &str) -> Finding {
    let detail =
        format!("the application user's security roles lack it; it is needed to {purpose}");
    let advice = "add the privilege to the application user's security role in the Power Platform admin center";
    Finding::failed(PRIVILEGES, detail, advice).about(name)
}

fn shallow(name: &str, purpose: &str, depth: Depth) -> Finding {
    let detail = format!(
        "it reaches {}; leads of other users are out of its reach to {purpose}",
        depth.words()
    );
    let advice =
        "give the privilege at the level Organization in the application user's security role";
    Finding::warning(PRIVILEGES, detail, advice).about(name)
}
