//! The Partner Center client against a simulated referrals API, over HTTPS.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose preparation fails has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use referral_connector::failure::{Chain, Classify, Disposition};
use referral_connector::ids::{ETag, ReferralId};
use referral_connector::referral::{PatchOp, PatchOperation, ReferralState};
use referral_connector::upstream::partner_center::{
    ListQuery, Order, PartnerCenter, PartnerCenterError, Patched,
};
use referral_connector::upstream::{CallError, calls, retry};
use sandbox::entra::PARTNER_API;
use sandbox::partner_center::{NextLink, ReferralBuilder, State, sample};
use sandbox::{Effect, Fault, Service};
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use crate::credentials::SignedIn;

/// The API with a client that may use it.
struct Api {
    it: SignedIn,
    client: PartnerCenter,
}

impl Api {
    async fn start() -> Self {
        let it = SignedIn::start().await;
        let tokens = Arc::clone(&it.credentials.partner_center);
        let client = PartnerCenter::new(&it.config.partner_center, it.transport.clone(), tokens);
        Self { it, client }
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.it.sandbox.world().partner_center.lock())
    }

    fn seed(&self, referral: impl Into<Value>) -> ReferralId {
        let id = self.with(|state| state.seed_referral(referral)).unwrap();
        id.parse().unwrap()
    }

    fn add(&self, fault: Fault) {
        self.it.sandbox.world().faults.add(fault);
    }

    fn member(&self, id: ReferralId, name: &str) -> Value {
        self.with(|state| state.referral(&id.to_string())).unwrap()[name].clone()
    }
}

fn link(value: &str) -> [PatchOperation; 1] {
    [PatchOperation {
        op: PatchOp::Add,
        path: "/externalReferenceId",
        value: value.to_owned(),
    }]
}

fn fault(effect: Effect) -> Fault {
    Fault::new(Service::PartnerCenter, effect)
}

fn new_id() -> ReferralId {
    ReferralId::new(Uuid::new_v4())
}

#[tokio::test]
async fn every_known_shape_of_a_referral_is_read() {
    let api = Api::start().await;
    for (name, document) in sample::all() {
        let id = api.seed(document);
        let referral = api.client.referral(id).await;
        let referral = referral.unwrap_or_else(|error| panic!("{name}: {}", Chain(&error)));
        assert_eq!(referral.id, id);
        let etag = api.member(id, "eTag");
        assert_eq!(Some(referral.etag.as_str()), etag.as_str(), "{name}");
    }
}

#[tokio::test]
async fn a_patch_needs_the_version_that_was_read() {
    let api = Api::start().await;
    let id = api.seed(ReferralBuilder::new().build());
    let referral = api.client.referral(id).await.unwrap();
    let patched = api.client.patch(id, &referral.etag, &link("first")).await;
    let stored = api.client.referral(id).await.unwrap();
    assert_eq!(patched.unwrap(), Patched::Done(Some(Box::new(stored))));
    let patched = api.client.patch(id, &referral.etag, &link("second")).await;
    assert_eq!(patched.unwrap(), Patched::Changed);
    assert_eq!(api.member(id, "externalReferenceId"), "first");
}

#[tokio::test]
async fn a_patch_carries_ids_for_support_and_the_documented_type() {
    let api = Api::start().await;
    let id = api.seed(ReferralBuilder::new().build());
    let referral = api.client.referral(id).await.unwrap();
    api.client
        .patch(id, &referral.etag, &link("x"))
        .await
        .unwrap();
    let requests = api.it.sandbox.world().requests.of(Service::PartnerCenter);
    let patch = requests.iter().find(|it| it.method == "PATCH").unwrap();
    let header = |name: &str| patch.headers[name].as_str();
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("if-match"), referral.etag.as_str());
    assert!(Uuid::parse_str(header("client-request-id")).is_ok());
    assert!(Uuid::parse_str(header("ms-correlationid")).is_ok());
}

#[tokio::test]
async fn a_patch_whose_answer_was_lost_is_not_sent_again_as_the_repeat_would_meet_our_own_write() {
    let api = Api::start().await;
    let id = api.seed(ReferralBuilder::new().build());
    let referral = api.client.referral(id).await.unwrap();
    api.add(fault(Effect::Cut).method("PATCH").times(1).after());
    let patched = api.client.patch(id, &referral.etag, &link("lead")).await;
    let error = patched.unwrap_err();
    assert_eq!(error.disposition(), Disposition::RETRY);
    assert!(!error.had_no_effect());
    let sent = api.it.sandbox.world().requests.of(Service::PartnerCenter);
    assert_eq!(sent.iter().filter(|it| it.method == "PATCH").count(), 1);
    assert_eq!(api.member(id, "externalReferenceId"), "lead");
}

#[tokio::test]
async fn an_unknown_and_a_forbidden_referral_are_told_apart() {
    let api = Api::start().await;
    let unknown = api.client.referral(new_id()).await.unwrap_err();
    assert!(matches!(unknown, PartnerCenterError::NotFound { .. }));
    assert_eq!(unknown.disposition(), Disposition::Permanent);

    let id = api.seed(ReferralBuilder::new().build());
    api.with(|state| state.deny(&id.to_string(), true)).unwrap();
    let forbidden = api.client.referral(id).await.unwrap_err();
    assert!(matches!(forbidden, PartnerCenterError::Forbidden { .. }));
    let patched = api.client.patch(id, &ETag::new("\"1\""), &link("x")).await;
    assert!(matches!(patched, Err(PartnerCenterError::Forbidden { .. })));
    api.client.probe().await.unwrap();

    api.with(|state| state.list.refused = true);
    let refused = api.client.probe().await.unwrap_err();
    assert_eq!(refused.disposition(), Disposition::Misconfigured);
}

#[tokio::test]
async fn a_wait_is_honoured_by_every_caller() {
    let api = Api::start().await;
    let id = api.seed(ReferralBuilder::new().build());
    api.client.probe().await.unwrap();
    api.add(fault(Effect::throttled(3)).times(1));
    let started = Instant::now();
    let deadline = started + Duration::from_millis(2500);
    let hasty = retry::until(deadline, api.client.referral(id)).await;
    assert!(hasty.is_err());
    let (patient, records) = calls::recorded(api.client.referral(id)).await;
    patient.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(3));
    assert_eq!(records.len(), 1, "nothing was sent before its time");
}

#[tokio::test]
async fn the_gateways_sentence_is_a_wait_too_and_one_too_long_ends_the_work() {
    let api = Api::start().await;
    let id = api.seed(ReferralBuilder::new().build());
    let gateway = Effect::Status {
        code: 429,
        headers: BTreeMap::new(),
        body: serde_json::json!({ "statusCode": 429, "message": "Rate limit is exceeded. Try again in 57 seconds." }),
    };
    api.client.probe().await.unwrap();
    api.add(fault(gateway).times(1));
    let deadline = Instant::now() + Duration::from_secs(8);
    let error = retry::until(deadline, api.client.referral(id))
        .await
        .unwrap_err();
    let after = Some(Duration::from_secs(57));
    assert_eq!(error.disposition(), Disposition::Retry { after });

    // Nobody else is let through before that either.
    let (result, records) = calls::recorded(retry::until(deadline, api.client.probe())).await;
    assert!(matches!(
        result,
        Err(PartnerCenterError::List {
            source: CallError::Paused { .. }
        })
    ));
    assert_eq!(records, []);
}

#[tokio::test]
async fn a_passing_failure_is_repeated_and_recorded() {
    let api = Api::start().await;
    let id = api.seed(ReferralBuilder::new().build());
    api.client.probe().await.unwrap();
    api.add(fault(Effect::status(503)).times(1));
    api.add(fault(Effect::Cut).times(1));
    let (referral, records) = calls::recorded(api.client.referral(id)).await;
    referral.unwrap();
    let attempts: Vec<_> = records.iter().map(|it| (it.attempt, it.status)).collect();
    assert_eq!(attempts, [(1, Some(503)), (2, None), (3, Some(200))]);
}

#[tokio::test]
async fn work_ends_with_its_deadline_when_no_answer_comes() {
    let api = Api::start().await;
    api.client.probe().await.unwrap();
    api.add(fault(Effect::Hang));
    let deadline = Instant::now() + Duration::from_millis(300);
    let error = retry::until(deadline, api.client.referral(new_id()))
        .await
        .unwrap_err();
    assert!(Instant::now() < deadline + Duration::from_secs(2));
    assert!(matches!(
        error,
        PartnerCenterError::Read {
            source: CallError::OutOfTime { .. },
            ..
        }
    ));
    assert_eq!(error.disposition(), Disposition::RETRY);
}

#[tokio::test]
async fn a_revoked_access_token_is_replaced_once() {
    let api = Api::start().await;
    let id = api.seed(ReferralBuilder::new().build());
    api.client.referral(id).await.unwrap();
    let entra = &api.it.sandbox.world().entra;
    entra.lock().revoke_access_tokens(PARTNER_API);
    api.client.referral(id).await.unwrap();
    assert_eq!(entra.lock().issued("refresh_token", PARTNER_API), 2);

    // Tokens that are never taken are no reason to sign in over and over.
    api.add(fault(Effect::status(401)));
    for _ in 0..3 {
        let error = api.client.referral(id).await.unwrap_err();
        assert_eq!(error.disposition(), Disposition::Misconfigured);
    }
    assert_eq!(entra.lock().issued("refresh_token", PARTNER_API), 2);
}

#[tokio::test]
async fn a_page_from_something_in_between_is_no_referral_and_may_pass() {
    let api = Api::start().await;
    let id = api.seed(ReferralBuilder::new().build());
    let page = Effect::Status {
        code: 200,
        headers: BTreeMap::new(),
        body: "<html>please sign in</html>".into(),
    };
    api.add(fault(page).times(1));
    let error = api.client.referral(id).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::RETRY);
    assert!(!format!("{error:?}").contains("html"));
}

#[tokio::test]
async fn a_referral_without_an_etag_is_reported_as_such() {
    let api = Api::start().await;
    let id = api.seed(ReferralBuilder::new().build());
    let bare = Effect::Status {
        code: 200,
        headers: BTreeMap::new(),
        body: serde_json::json!({ "id": id.to_string() }),
    };
    api.add(fault(bare).times(1));
    let error = api.client.referral(id).await.unwrap_err();
    assert!(matches!(
        error,
        PartnerCenterError::Malformed { member: "eTag", .. }
    ));
    assert_eq!(error.disposition(), Disposition::Permanent);
}

#[tokio::test]
async fn a_list_is_walked_to_its_end_over_links_that_lead_nowhere() {
    let api = Api::start().await;
    let seeded: BTreeSet<_> = (0..5)
        .map(|_| api.seed(ReferralBuilder::new().build()))
        .collect();
    for next_link in [
        NextLink::Documented,
        NextLink::Misspelt,
        NextLink::OtherCase,
        NextLink::Usable,
    ] {
        api.with(|state| {
            state.list.page_size = 2;
            state.list.next_link = next_link;
        });
        let query = ListQuery::default()
            .filter("direction eq 'Incoming'")
            .order(Order::Updated);
        let mut next = Some(query);
        let mut listed = Vec::new();
        while let Some(query) = next {
            let page = api.client.list(&query).await.unwrap();
            assert_eq!(page.unreadable, 0);
            assert!(
                page.rows
                    .iter()
                    .all(|it| it.status.state == ReferralState::New)
            );
            listed.extend(page.rows.iter().map(|it| it.id));
            next = page.next;
        }
        assert_eq!(listed.len(), 5, "{next_link:?}");
        assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), seeded);
    }
}

#[tokio::test]
async fn a_broken_row_is_counted_and_spoils_no_other() {
    let api = Api::start().await;
    let id = new_id();
    let page = Effect::Status {
        code: 200,
        headers: BTreeMap::new(),
        body: serde_json::json!({ "value": [{ "id": "not a GUID" }, { "id": id.to_string() }, 7] }),
    };
    api.add(fault(page).times(1));
    let page = api.client.list(&ListQuery::default()).await.unwrap();
    let listed: Vec<_> = page.rows.iter().map(|it| it.id).collect();
    assert_eq!(listed, [id]);
    assert_eq!(page.unreadable, 2);
    assert!(page.next.is_none());
}

#[tokio::test]
async fn a_list_from_a_moment_on_takes_in_that_moment_and_tells_the_time_over_there() {
    let api = Api::start().await;
    let time = |seconds: u32| format!("2026-11-02T09:00:{seconds:02}.1234567Z");
    let seed = |seconds| {
        let referral = ReferralBuilder::with_id(Uuid::new_v4());
        api.seed(referral.set("/updatedDateTime", time(seconds)))
    };
    let seeded = [3, 1, 2].map(seed);
    let since = time(2).parse().unwrap();
    let query = ListQuery::default().order(Order::Updated).since(since);
    let page = api.client.list(&query).await.unwrap();
    let listed: Vec<_> = page.rows.iter().map(|it| it.id).collect();
    assert_eq!(listed, [seeded[2], seeded[0]]);
    assert_eq!(page.rows[0].updated, Some(since));
    let now = api.it.sandbox.world().clock.now();
    let apart = now.duration_since(page.told_at.unwrap());
    assert!(apart.abs().as_secs() < 20, "{apart}");
}
