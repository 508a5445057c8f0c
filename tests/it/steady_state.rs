//! What a delivery costs when everything is warm, counted at the sandbox.

use sandbox::Service;
use sandbox::partner_center::builder::ReferralBuilder;
use serde_json::json;

use crate::rig::Rig;

/// A rig whose caches are filled and whose referral is in step with its lead.
async fn in_step() -> (Rig, String) {
    let rig = Rig::start(&[("SYNC_MODE", "two-way")]).await;
    let id = rig.seed(
        ReferralBuilder::new()
            .company("Fabrikam")
            .deal(25_000, "EUR"),
    );
    assert_eq!(rig.created(&id).await.status, 200);
    assert_eq!(rig.updated(&id).await.status, 200);
    rig.forget_requests();
    (rig, id)
}

/// What was asked of the blob that says what is remembered of the referral: the methods. Nothing else may be in the storage
/// log but what is written down at most once a minute, whatever is delivered, and where the certificate is, once after a start.
fn asked_of_state(rig: &Rig, id: &str) -> Vec<String> {
    let noted = ["/activity.json", "/certificate.json"];
    let requests = rig.requests(Service::Storage).into_iter();
    let requests = requests.filter(|line| !noted.iter().any(|name| line.ends_with(name)));
    let asked = requests.map(|line| {
        let (method, path) = line.split_once(' ').unwrap();
        assert!(path.ends_with(&format!("/state/{id}.json")), "{line}");
        method.to_owned()
    });
    asked.collect()
}

fn assert_no_token_or_certificate_calls(rig: &Rig) {
    for service in [
        Service::Entra,
        Service::Identity,
        Service::KeyVault,
        Service::CertificateHost,
        Service::AuthorityHost,
    ] {
        let requests = rig.requests(service);
        assert!(requests.is_empty(), "{service:?}: {requests:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_a_change_costs_three_reads() {
    let (rig, id) = in_step().await;
    let answer = rig.updated(&id).await;
    assert_eq!((answer.status, answer.code()), (200, "synced"));
    assert_eq!(
        rig.requests(Service::Dataverse),
        [format!("GET /api/data/v9.2/leads({id})")]
    );
    assert_eq!(
        rig.requests(Service::PartnerCenter),
        [format!("GET /v1.0/engagements/referrals/{id}")]
    );
    assert_eq!(asked_of_state(&rig, &id), ["GET"]);
    assert_no_token_or_certificate_calls(&rig);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_with_a_change_costs_three_reads_one_write_between_two_saves_and_one_second_look()
{
    let (rig, id) = in_step().await;
    rig.partner_center_edits(
        &id,
        &json!({ "customerProfile": { "name": "Fabrikam International" } }),
    );
    let answer = rig.updated(&id).await;
    assert_eq!((answer.status, answer.code()), (200, "synced"));
    assert_eq!(
        rig.requests(Service::Dataverse),
        [
            format!("GET /api/data/v9.2/leads({id})"),
            format!("PATCH /api/data/v9.2/leads({id})")
        ]
    );
    let read = format!("GET /v1.0/engagements/referrals/{id}");
    assert_eq!(rig.requests(Service::PartnerCenter), [read.clone(), read]);
    assert_eq!(asked_of_state(&rig, &id), ["GET", "PUT", "PUT"]);
    assert_no_token_or_certificate_calls(&rig);
    assert_eq!(
        rig.lead(&id).unwrap()["companyname"],
        "Fabrikam International"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_changed_column_is_written() {
    let (rig, id) = in_step().await;
    rig.partner_center_edits(
        &id,
        &json!({ "customerProfile": { "address": { "city": "Bergen" } } }),
    );
    rig.updated(&id).await;
    let writes = rig.writes();
    assert_eq!(writes.len(), 1, "{writes:#?}");
    assert_eq!(writes[0].body, Some(json!({ "address1_city": "Bergen" })));
    assert!(
        writes[0].headers["if-match"].starts_with("W/"),
        "{:?}",
        writes[0].headers
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_echo_of_our_own_patch_ends_in_no_write() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    rig.created(&id).await;
    assert_eq!(rig.referral(&id)["externalReferenceId"], id.as_str());
    rig.forget_requests();
    // Partner Center tells us of the change we made ourselves.
    assert_eq!(rig.updated(&id).await.status, 200);
    assert!(rig.writes().is_empty(), "{:#?}", rig.writes());
    assert_eq!(asked_of_state(&rig, &id), ["GET"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_forgets_nothing_that_would_cost_a_write() {
    let (rig, id) = in_step().await;
    rig.host.restart().await.unwrap();
    rig.forget_requests();
    assert_eq!(rig.updated(&id).await.status, 200);
    assert!(rig.writes().is_empty(), "{:#?}", rig.writes());
    assert_eq!(asked_of_state(&rig, &id), ["GET"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_delivery_costs_no_request_and_changes_nothing() {
    let (rig, id) = in_step().await;
    let delivery = rig.event("referral-created", &id);
    let first = rig.send(&delivery).await;
    assert_eq!((first.status, first.code()), (200, "synced"));
    rig.forget_requests();
    for _ in 0..5 {
        let answer = rig.send(&delivery).await;
        assert_eq!((answer.status, answer.code()), (200, "replayed"));
    }
    let requests = rig.world().requests.all();
    assert!(requests.is_empty(), "{requests:#?}");
    assert_eq!(rig.leads().len(), 1);
}
