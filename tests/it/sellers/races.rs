//! Somebody writes between our read and our write: nothing is lost.

use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::{Effect, Fault, Service};
use serde_json::{Value, json};

use super::{assert_columns, assert_synced, in_step};
use crate::rig::Rig;

/// Long enough to act in while a request is held up.
const HELD: Effect = Effect::Delay(1500);

fn statuses(rig: &Rig, service: Service) -> Vec<u16> {
    let records = rig.world().requests.of(service);
    let patches = records.into_iter().filter(|it| it.method == "PATCH");
    patches.filter_map(|it| it.status).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sellers_edit_between_our_read_and_our_write_is_not_lost() {
    let referral = ReferralBuilder::new()
        .without("/details/dealValue")
        .without("/details/currency");
    let (rig, id) = in_step(referral).await;
    rig.partner_center_edits(
        &id,
        &json!({
            "details": { "dealValue": 50000, "currency": "EUR" },
            "customerProfile": { "name": "Tailspin Toys Holding" },
        }),
    );
    rig.forget_requests();
    rig.world().faults.add(
        Fault::new(Service::Dataverse, HELD)
            .method("PATCH")
            .times(1),
    );
    let sellers = json!({ "estimatedamount": 61000.0, "telephone1": "+49 40 555 0177" });

    let (answer, ()) = tokio::join!(rig.updated(&id), async {
        rig.wait_for_request(Service::Dataverse, "PATCH", "/leads(")
            .await;
        rig.seller_edits(&id, &sellers);
    });

    assert_synced(&answer);
    assert_columns(&rig, &id, &sellers);
    assert_columns(
        &rig,
        &id,
        &json!({ "companyname": "Tailspin Toys Holding" }),
    );
    assert_eq!(statuses(&rig, Service::Dataverse)[..1], [412]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_another_writer_creates_first_is_not_created_twice_nor_overwritten() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    rig.world().faults.add(
        Fault::new(Service::Dataverse, HELD)
            .method("PATCH")
            .times(1),
    );

    let (answer, ()) = tokio::join!(rig.created(&id), async {
        rig.wait_for_request(Service::Dataverse, "PATCH", "/leads(")
            .await;
        rig.seed_lead(&json!({ "leadid": id, "description": "Typed in the same second." }));
    });

    assert_synced(&answer);
    assert_eq!(rig.leads().len(), 1);
    assert_columns(
        &rig,
        &id,
        &json!({
            "description": "Typed in the same second.",
            "companyname": "Tailspin Toys",
        }),
    );
    assert_eq!(rig.referral(&id)["externalReferenceId"], id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_edited_while_its_lead_is_made_ends_with_the_newest_values() {
    for mode in ["inbound", "link", "two-way"] {
        let rig = Rig::start(&[("SYNC_MODE", mode)]).await;
        let id = rig.seed(ReferralBuilder::new());
        rig.world().faults.add(
            Fault::new(Service::Dataverse, HELD)
                .method("PATCH")
                .times(1),
        );

        let (answer, ()) = tokio::join!(rig.created(&id), async {
            rig.wait_for_request(Service::Dataverse, "PATCH", "/leads(")
                .await;
            rig.partner_center_edits(
                &id,
                &json!({ "customerProfile": { "name": "Tailspin Toys Holding" } }),
            );
        });

        assert_synced(&answer);
        assert_columns(
            &rig,
            &id,
            &json!({ "companyname": "Tailspin Toys Holding" }),
        );
        let linked = rig.referral(&id)["externalReferenceId"] == id;
        assert_eq!(linked, mode != "inbound", "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_edited_while_its_lead_is_updated_ends_with_the_newest_values() {
    let (rig, id) = in_step(ReferralBuilder::new()).await;
    rig.partner_center_edits(&id, &json!({ "name": "Second topic" }));
    rig.world().faults.add(
        Fault::new(Service::Dataverse, HELD)
            .method("PATCH")
            .times(1),
    );
    let (answer, ()) = tokio::join!(rig.updated(&id), async {
        rig.wait_for_request(Service::Dataverse, "PATCH", "/leads(")
            .await;
        rig.partner_center_edits(&id, &json!({ "name": "Third topic" }));
    });
    assert_synced(&answer);
    assert_columns(&rig, &id, &json!({ "subject": "Third topic" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_back_never_overwrites_an_edit_it_has_not_seen() {
    let rig = Rig::start(&[("SYNC_MODE", "two-way")]).await;
    let id = rig.seed(ReferralBuilder::new());
    rig.created(&id).await;
    rig.seller_edits(&id, &json!({ "statuscode": 2 }));
    rig.forget_requests();
    rig.world().faults.add(
        Fault::new(Service::PartnerCenter, HELD)
            .method("PATCH")
            .times(1),
    );

    let (answer, ()) = tokio::join!(rig.updated(&id), async {
        rig.wait_for_request(Service::PartnerCenter, "PATCH", &id)
            .await;
        rig.world().close_referral(&id, "Declined").unwrap();
    });

    assert_synced(&answer);
    let referral = rig.referral(&id);
    assert_eq!(
        (&referral["status"], &referral["substatus"]),
        (&json!("Closed"), &json!("Declined"))
    );
    assert_eq!(statuses(&rig, Service::PartnerCenter), [412]);
    assert_columns(&rig, &id, &json!({ "statecode": 0, "statuscode": 2 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_was_lost_is_not_made_twice() {
    for (service, path) in [
        (Service::Dataverse, "/leads("),
        (Service::Dataverse, "/annotations("),
        (Service::PartnerCenter, "/referrals/"),
    ] {
        let rig = Rig::start(&[]).await;
        let id = rig.seed(ReferralBuilder::new());
        rig.world().faults.add(
            Fault::new(service, Effect::Cut)
                .method("PATCH")
                .path(path)
                .times(1)
                .after(),
        );
        let answer = rig.created(&id).await;
        let answer = if answer.status == 200 {
            answer
        } else {
            rig.created(&id).await
        };
        assert_synced(&answer);
        assert_eq!(rig.leads().len(), 1, "{path}");
        assert_eq!(rig.notes(&id).len(), 1, "{path}");
        assert_eq!(
            rig.referral(&id)["externalReferenceId"],
            Value::String(id.clone()),
            "{path}"
        );
    }
}
