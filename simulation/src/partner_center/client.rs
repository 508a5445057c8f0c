//! Partner Center as an instance reaches it.

use async_trait::async_trait;
use referral_connector::ids::{ETag, ReferralId};
use referral_connector::referral::{PatchOperation, Referral};
use referral_connector::sync::world::Referrals;
use referral_connector::upstream::partner_center::{ListQuery, Page, PartnerCenterError, Patched};
use referral_connector::upstream::{CallError, Upstream};

use super::without_answer;
use crate::instances::Client;
use crate::universe::{Failed, Request, Service};

fn failed(failed: Failed) -> CallError {
    without_answer(Upstream::PartnerCenter, failed)
}

impl Client {
    fn of_partner_center(&self, what: &'static str) -> Request {
        Request {
            service: Service::PartnerCenter,
            what,
            group: self.group,
        }
    }
}

#[async_trait]
impl Referrals for Client {
    async fn read(&self, id: ReferralId) -> Result<Referral, PartnerCenterError> {
        self.universe
            .ask(
                self.of_partner_center("partner center: read a referral"),
                move |it, run| it.read_referral(id, run),
                move |why| {
                    Err(PartnerCenterError::Read {
                        id,
                        source: failed(why),
                    })
                },
            )
            .await
    }

    async fn patch(
        &self,
        id: ReferralId,
        etag: &ETag,
        operations: &[PatchOperation],
    ) -> Result<Patched, PartnerCenterError> {
        let (etag, operations, group) = (etag.clone(), operations.to_vec(), self.group);
        self.universe
            .ask(
                self.of_partner_center("partner center: patch a referral"),
                move |it, run| it.patch_referral(id, &etag, &operations, (run, group)),
                move |why| {
                    Err(PartnerCenterError::Patch {
                        id,
                        source: failed(why),
                    })
                },
            )
            .await
    }

    async fn list(&self, query: &ListQuery) -> Result<Page, PartnerCenterError> {
        let query = query.clone();
        self.universe
            .ask(
                self.of_partner_center("partner center: list referrals"),
                move |it, _| it.list_referrals(&query),
                move |why| {
                    Err(PartnerCenterError::List {
                        source: failed(why),
                    })
                },
            )
            .await
    }

    async fn probe(&self) -> Result<(), PartnerCenterError> {
        self.list(&ListQuery::default().top(1)).await.map(drop)
    }
}
