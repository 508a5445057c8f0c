//! SIGKILL at any moment, start again, deliver again: one lead, the right values.

mod anywhere;
mod edits;
mod instances;

use std::time::Duration;

use sandbox::deliveries::REFERRAL_CREATED;
use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::{Effect, Fault, Service};
use serde_json::json;

use crate::rig::{BOUND, Rig};

/// Kills the program as soon as `sign` says that the delivery has come so far, then delivers until it is accepted.
async fn killed_when(sign: impl Fn(&Rig) -> bool, prepare: impl Fn(&Rig)) {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(
        ReferralBuilder::new()
            .company("Fabrikam")
            .deal(25_000, "EUR"),
    );
    prepare(&rig);
    let delivery = rig.event(REFERRAL_CREATED, &id);
    let killing = async {
        let begun = std::time::Instant::now();
        while !sign(&rig) {
            assert!(begun.elapsed() < BOUND, "the delivery never came so far");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        rig.host.kill().await.unwrap();
    };
    let (answer, ()) = tokio::join!(rig.send(&delivery), killing);
    assert_ne!(
        answer.status, 200,
        "a delivery that was cut off was acknowledged"
    );
    rig.world().faults.clear();
    rig.host
        .wait_for_state(
            |state| matches!(state, sandbox::host::State::Running { .. }),
            BOUND,
        )
        .await
        .unwrap();

    rig.outlast_intentions(&id).await;
    assert_eq!(rig.send(&delivery).await.status, 200);

    assert_eq!(rig.leads().len(), 1);
    assert_eq!(rig.lead(&id).unwrap()["companyname"], "Fabrikam");
    assert_eq!(rig.referral(&id)["externalReferenceId"], id.as_str());
    rig.partner_center_edits(
        &id,
        &json!({ "customerProfile": { "name": "Fabrikam International" } }),
    );
    assert_eq!(rig.updated(&id).await.status, 200);
    assert_eq!(
        rig.lead(&id).unwrap()["companyname"],
        "Fabrikam International"
    );
}

fn hanging(service: Service, method: &str, path: &str, after: bool) -> Fault {
    let fault = Fault::new(service, Effect::Delay(10_000))
        .method(method)
        .path(path);
    if after { fault.after() } else { fault }
}

fn has_asked(rig: &Rig, service: Service, method: &str) -> bool {
    rig.requests(service)
        .iter()
        .any(|line| line.starts_with(method))
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_certificate_is_fetched() {
    killed_when(
        |rig| has_asked(rig, Service::CertificateHost, "GET"),
        |rig| {
            rig.world()
                .faults
                .add(hanging(Service::CertificateHost, "GET", "/cert/", false));
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_referral_is_read() {
    killed_when(
        |rig| has_asked(rig, Service::PartnerCenter, "GET"),
        |rig| {
            rig.world()
                .faults
                .add(hanging(Service::PartnerCenter, "GET", "/referrals/", false));
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_lead_is_written() {
    killed_when(
        |rig| has_asked(rig, Service::Dataverse, "PATCH"),
        |rig| {
            rig.world()
                .faults
                .add(hanging(Service::Dataverse, "PATCH", "/leads(", false));
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_lead_was_written_and_before_we_learn_of_it() {
    killed_when(
        |rig| !rig.leads().is_empty(),
        |rig| {
            rig.world().faults.add(hanging(
                Service::PartnerCenter,
                "PATCH",
                "/referrals/",
                false,
            ));
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_referral_is_being_linked() {
    killed_when(
        |rig| has_asked(rig, Service::PartnerCenter, "PATCH"),
        |rig| {
            rig.world().faults.add(hanging(
                Service::PartnerCenter,
                "PATCH",
                "/referrals/",
                false,
            ));
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_after_the_write_took_effect_makes_no_second_lead() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new().company("Fabrikam"));
    rig.world().faults.add(
        Fault::new(Service::Dataverse, Effect::Cut)
            .method("PATCH")
            .path("/leads(")
            .times(1)
            .after(),
    );
    rig.world().faults.add(
        Fault::new(Service::PartnerCenter, Effect::Cut)
            .method("PATCH")
            .times(1)
            .after(),
    );
    let answer = rig.created(&id).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(rig.leads().len(), 1);
    assert_eq!(rig.referral(&id)["externalReferenceId"], id.as_str());
}
