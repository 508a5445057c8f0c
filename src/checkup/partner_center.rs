//! The referrals API, as the user who consented sees it.

use super::{Finding, Visit};

const PARTNER_CENTER: &str = "partner_center";

pub(super) const CODES: &[&str] = &[PARTNER_CENTER];

pub(super) async fn findings(visit: &Visit<'_>) -> Vec<Finding> {
    let listed = visit.app.partner_center.probe().await;
    vec![Finding::of(PARTNER_CENTER, listed, |()| {
        "signed in; referrals can be listed".to_owned()
    })]
}
