//! What kind of referral it is, and whether the administrator wants it.

use crate::referral::Referral;
use crate::sync::options::{Filter, Kind};

/// What `referral` is (Partner Center, "Referrals API introduction": type, qualification and inviter decide).
/// Whatever fits neither row of leads belongs to a deal that is sold together.
pub fn classify(referral: &Referral) -> Kind {
    let qualification = referral.qualification.as_deref().unwrap_or_default();
    let inviter = referral
        .invitation
        .as_ref()
        .and_then(|invitation| invitation.organization_id.as_deref())
        .map(str::trim)
        .filter(|id| !id.is_empty());
    let shared = same(referral.kind.as_deref().unwrap_or_default(), "Shared");
    let by_microsoft = inviter.is_some_and(|id| same(id, "msft"));
    if shared {
        Kind::CoSellOpportunity
    } else if same(qualification, "Direct") && (by_microsoft || inviter.is_none()) {
        Kind::MarketplaceLead
    } else if by_microsoft
        && (same(qualification, "SalesQualified") || same(qualification, "MarketingQualified"))
    {
        Kind::QualifiedLead
    } else {
        Kind::CoSellOpportunity
    }
}

/// Whether `filter` lets `referral` through: each list that is not empty must name it.
pub fn passes(filter: &Filter, referral: &Referral) -> bool {
    let kind = filter.kinds.is_empty() || filter.kinds.contains(&classify(referral));
    let country = referral.customer.address.country.as_deref();
    let locations = referral.locations.iter().map(String::as_str);
    kind && names(&filter.countries, country)
        && names(&filter.locations, locations)
        && names(&filter.partner_ids, referral.partner_id.as_deref())
}

/// Whether `list` is empty or holds one of `values`.
pub(super) fn names<'a>(list: &[String], values: impl IntoIterator<Item = &'a str>) -> bool {
    list.is_empty()
        || values
            .into_iter()
            .any(|value| list.iter().any(|listed| same(listed, value)))
}

fn same(left: &str, right: &str) -> bool {
    left.trim().eq_ignore_ascii_case(right.trim())
}
