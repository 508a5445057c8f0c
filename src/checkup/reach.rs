//! What the user who consented sees of the referrals: a role scoped to some locations hides the others without a word.

use std::collections::BTreeMap;

use super::{Finding, Visit};
use crate::sync::options::Filter;
use crate::upstream::partner_center::Reach;

const REACH: &str = "referral_reach";

pub(super) const CODES: &[&str] = &[REACH];

/// How many ids of a kind are named.
const NAMED: usize = 10;

pub(super) async fn findings(visit: &Visit<'_>) -> Vec<Finding> {
    match visit.app.partner_center.reach().await {
        Ok(reach) => judged(&reach, &visit.app.options.filter),
        // That referrals cannot be listed at all is told by their own topic.
        Err(_) => Vec::new(),
    }
}

fn judged(reach: &Reach, filter: &Filter) -> Vec<Finding> {
    if reach.referrals == 0 {
        let detail = "the user who consented sees no referral";
        let advice = "if there are any, scope its role Referrals admin to every location whose referrals you want";
        return vec![Finding::warning(REACH, detail, advice)];
    }
    let detail = format!(
        "{}; locations: {}; partner ids: {}",
        seen(reach),
        counted(&reach.locations),
        counted(&reach.partner_ids)
    );
    let missing = missing(filter, reach).into_iter().map(|(setting, id)| {
        let detail = format!("none of {} went to this one of {setting}", seen(reach));
        let advice = "see that the id is right, and that the role Referrals admin of the user who consented covers it";
        Finding::warning(REACH, detail, advice).about(id)
    });
    [Finding::ok(REACH, detail)]
        .into_iter()
        .chain(missing)
        .collect()
}

/// How many referrals were seen.
pub(crate) fn seen(reach: &Reach) -> String {
    let plural = if reach.referrals == 1 { "" } else { "s" };
    let seen = format!("{} referral{plural}", reach.referrals);
    if reach.complete {
        format!("{seen}, all that this user sees")
    } else {
        format!("{seen} and more")
    }
}

/// Which ids, and how many referrals went to each.
pub(crate) fn counted(seen: &BTreeMap<String, usize>) -> String {
    if seen.is_empty() {
        return "none seen".to_owned();
    }
    let named = seen.iter().take(NAMED);
    let named: Vec<_> = named.map(|(id, count)| format!("{id} ({count})")).collect();
    let more = match seen.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", named.join(", "))
}

/// The ids of the settings that no referral seen went to, each with its setting.
pub(crate) fn missing(filter: &Filter, reach: &Reach) -> Vec<(&'static str, String)> {
    let named = [
        ("SYNC_LOCATIONS", &filter.locations, &reach.locations),
        ("SYNC_PARTNER_IDS", &filter.partner_ids, &reach.partner_ids),
    ];
    let mut missing = Vec::new();
    for (setting, wanted, seen) in named {
        let is_seen = |id: &String| seen.keys().any(|it| it.eq_ignore_ascii_case(id));
        let unseen = wanted.iter().filter(|id| !is_seen(id));
        missing.extend(unseen.map(|id| (setting, id.clone())));
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn many_places_are_counted_and_some_are_named() {
        let seen = (0..12).map(|it| (format!("loc-{it:02}"), it + 1)).collect();
        let text = counted(&seen);
        assert!(text.starts_with("loc-00 (1), loc-01 (2), "), "{text}");
        assert!(text.ends_with("loc-09 (10) and 2 more"), "{text}");
    }

    #[test]
    fn a_place_that_is_wanted_and_not_seen_is_a_warning_about_it() {
        let reach = Reach {
            referrals: 3,
            complete: true,
            locations: BTreeMap::from([("loc-a".to_owned(), 3)]),
            partner_ids: BTreeMap::new(),
        };
        let filter = Filter {
            locations: ["LOC-A", "loc-b"].map(str::to_owned).to_vec(),
            ..Filter::default()
        };
        let findings = judged(&reach, &filter);
        let told: Vec<_> = findings
            .iter()
            .map(|it| (it.level, it.about.as_deref()))
            .collect();
        assert_eq!(told, [(Level::Ok, None), (Level::Warning, Some("loc-b"))]);
    }
}
