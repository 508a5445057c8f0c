//! What the user we act as sees of the tenant's referrals: a role scoped to some locations hides the rest without a word.

use std::collections::BTreeMap;

use super::{ListQuery, PartnerCenter, PartnerCenterError, about_list, wire};

/// How many pages of a hundred are looked at.
const PAGES: usize = 5;

/// What was seen of the referrals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// How many were seen.
    pub referrals: usize,
    /// Whether these are all that the user sees.
    pub complete: bool,
    /// The ids of the partner's locations they were sent to, and how many of them.
    pub locations: BTreeMap<String, usize>,
    /// The partner ids they were sent to, and how many of them.
    pub partner_ids: BTreeMap<String, usize>,
}

impl PartnerCenter {
    /// Looks at the first five hundred referrals that the user sees.
    pub async fn reach(&self) -> Result<Reach, PartnerCenterError> {
        let mut reach = Reach::default();
        let mut query = ListQuery::default();
        for _ in 0..PAGES {
            let page: wire::Page = self.listed(&query).await?.json().map_err(about_list)?;
            let rows = &page.value.0;
            reach.referrals += rows.len();
            for target in rows.iter().filter_map(|it| wire::target(it)) {
                count(&mut reach.locations, target.locations);
                count(&mut reach.partner_ids, target.partner_id);
            }
            let Some(link) = page.next_link.as_deref() else {
                reach.complete = true;
                break;
            };
            let next = query.after(link, rows.len());
            query = next.ok_or(PartnerCenterError::EndlessList)?;
        }
        Ok(reach)
    }
}

fn count(seen: &mut BTreeMap<String, usize>, ids: impl IntoIterator<Item = String>) {
    for id in ids {
        *seen.entry(id).or_default() += 1;
    }
}
