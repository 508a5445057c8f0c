//! A sample of the referrals: whether another program works on them too, and whether their currencies are known.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{Finding, Visit};
use crate::ids::LeadId;
use crate::sync::state::store::States;
use crate::upstream::dataverse::Dataverse;
use crate::upstream::partner_center::{ListQuery, Sampled};

const OTHER_WRITER: &str = "other_writer";
const DEAL_CURRENCIES: &str = "deal_currencies";

pub(super) const CODES: &[&str] = &[OTHER_WRITER, DEAL_CURRENCIES];

/// How many referrals are looked at, of those that changed in the last 90 days.
const SAMPLE: u32 = 50;
const RECENT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How many that name a record of somebody else's are looked up in what is remembered.
const LOOKED_UP: usize = 10;

pub(super) async fn findings(visit: &Visit<'_>) -> Vec<Finding> {
    // A flow names its own records in the referrals, and has its own currencies.
    let Some(dataverse) = visit.app.dataverse() else {
        return Vec::new();
    };
    let query = ListQuery::default()
        .since(Timestamp::now() - RECENT)
        .filter("direction eq 'Incoming'")
        .top(SAMPLE);
    match visit.app.partner_center.sample(&query).await {
        Ok(rows) => {
            let (writer, currencies) = tokio::join!(
                other_writer(visit, &rows),
                deal_currencies(dataverse, &rows)
            );
            [writer].into_iter().chain(currencies).collect()
        }
        // That referrals cannot be listed at all is told by their own topic.
        Err(_) => Vec::new(),
    }
}

/// Whether referrals name records that are neither theirs nor remembered as theirs.
async fn other_writer(visit: &Visit<'_>, rows: &[Sampled]) -> Finding {
    let states = States::new(std::sync::Arc::clone(&visit.app.world.blobs));
    let mut foreign = Vec::new();
    for row in rows.iter().filter(|row| names_another(row)) {
        if foreign.len() == LOOKED_UP {
            break;
        }
        let known = states.load(row.id).await;
        if !known.is_ok_and(|stored| stored.state.is_some()) {
            foreign.push(row.id);
        }
    }
    let Some(example) = foreign.first() else {
        let detail = format!(
            "none of the {} referrals looked at names a record of another program",
            rows.len()
        );
        return Finding::ok(OTHER_WRITER, detail);
    };
    let more = if foreign.len() == LOOKED_UP {
        " at least"
    } else {
        ""
    };
    let detail = format!(
        "{}{more} of {} referrals looked at name a record that this program did not make",
        foreign.len(),
        rows.len()
    );
    let advice = "find out which program wrote these externalReferenceIds (Microsoft's own connector, a marketplace lead writer, an older flow) and end one of the two, or leave its referrals out with SYNC_KINDS, SYNC_COUNTRIES or SYNC_LOCATIONS";
    Finding::warning(OTHER_WRITER, detail, advice).about(format!("such as referral {example}"))
}

/// A lead is made under its referral's own id, so any other name needs an explanation.
fn names_another(row: &Sampled) -> bool {
    let named = row.external_reference.as_deref().unwrap_or_default().trim();
    let lead = named.trim_matches(['{', '}']).parse::<LeadId>();
    !named.is_empty() && lead.ok() != Some(LeadId::of(row.id))
}

/// A warning for each currency that deals have and the environment lacks.
async fn deal_currencies(dataverse: &Dataverse, rows: &[Sampled]) -> Vec<Finding> {
    let codes = rows.iter().filter_map(|row| row.currency.as_deref());
    let codes: BTreeSet<String> = codes.map(|it| it.trim().to_ascii_uppercase()).collect();
    let mut findings = Vec::new();
    for code in &codes {
        match dataverse.currency(code).await {
            Ok(Some(_)) => {}
            Ok(None) => {
                let detail = "referrals have deal values in it, and the environment has no such currency: the amounts are left out";
                let advice = "add the currency in the Power Platform admin center";
                findings.push(Finding::warning(DEAL_CURRENCIES, detail, advice).about(code));
            }
            // That currencies cannot be read is told by the environment's own topic.
            Err(_) => return Vec::new(),
        }
    }
    if findings.is_empty() {
        let detail = "the environment has every currency of the referrals looked at";
        findings.push(Finding::ok(DEAL_CURRENCIES, detail));
    }
    findings
}
