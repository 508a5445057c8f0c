//! What a page of referrals tells about who works on them.

use http::Method;

use super::{ListQuery, PartnerCenter, PartnerCenterError, about_list, wire};
use crate::ids::ReferralId;

/// What a list tells about how a referral is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sampled {
    /// Its id.
    pub id: ReferralId,
    /// `externalReferenceId`, whose blanks are none.
    pub external_reference: Option<String>,
    /// ISO 4217 code of its deal value, as it was written.
    pub currency: Option<String>,
}

impl PartnerCenter {
    /// The first page of `query`, for what it tells about more than where a referral is.
    pub async fn sample(&self, query: &ListQuery) -> Result<Vec<Sampled>, PartnerCenterError> {
        let mut url = self.referrals.clone();
        url.set_query(query.text().as_deref());
        let call = self.call("list referrals", Method::GET, url);
        let reply = self.send(call).await.map_err(about_list)?;
        let page: wire::Page = reply.json().map_err(about_list)?;
        Ok(page
            .value
            .0
            .iter()
            .filter_map(|it| wire::sampled(it))
            .collect())
    }
}
