//! One line a request, with what is needed to find it again, and nobody else's lines.

use sandbox::deliveries::{Event, REFERRAL_CREATED};
use sandbox::partner_center::builder::ReferralBuilder;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::raw::Raw;
use crate::rig::{Answer, BOUND, Rig};

/// The lines about the call of this id, the first of them awaited.
async fn about(rig: &Rig, id: &str) -> Vec<Value> {
    rig.host
        .wait_for_log(|line| line.text.contains(id), BOUND)
        .await
        .unwrap();
    let mut lines = rig.log_lines();
    lines.retain(|line| line["invocation.id"] == id);
    lines
}

/// The lines about the call that was answered so.
async fn of(rig: &Rig, answer: &Answer) -> Vec<Value> {
    about(rig, answer.body["invocationId"].as_str().unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_synced_delivery_is_one_line_with_everything_needed_to_find_it_again() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    let answer = rig.created(&id).await;
    let lines = of(&rig, &answer).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = &lines[0];
    for (name, value) in [
        ("invocation.id", answer.body["invocationId"].clone()),
        ("level", json!("INFO")),
        ("code", json!("synced")),
        ("status", json!(200)),
        ("cause", json!("created")),
        ("referral.id", json!(id)),
        ("lead.id", json!(id)),
    ] {
        assert_eq!(line[name], value, "{name} in {line}");
    }
    let milliseconds = |name: &str| {
        line[name]
            .as_u64()
            .unwrap_or_else(|| panic!("{name} in {line}"))
    };
    let upstreams = [
        "entra_ms",
        "identity_ms",
        "key_vault_ms",
        "partner_center_ms",
        "dataverse_ms",
        "storage_ms",
    ]
    .map(milliseconds);
    assert!(
        upstreams.iter().max().unwrap() <= &milliseconds("elapsed_ms"),
        "{line}"
    );
    assert!(milliseconds("calls") > 4, "{line}");
    assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
    assert!(line["message"].as_str().unwrap().contains(&id), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_call_is_one_line_with_its_code_word() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    let event = rig.event(REFERRAL_CREATED, &id);
    let test = rig
        .world()
        .delivery(&Event::test(Uuid::nil(), rig.world().clock.now()))
        .unwrap();
    let answers = [
        rig.send(&event).await,
        rig.send(&event.tampered()).await,
        rig.send(&event.without_header("X-MS-Certificate-Url"))
            .await,
        rig.send(&event.with_header("Content-Encoding", "gzip"))
            .await,
        rig.send(&test).await,
        rig.created(&Uuid::from_u128(404).to_string()).await,
    ];
    for (answer, code) in answers.iter().zip([
        "synced",
        "refused",
        "refused",
        "unsupported_encoding",
        "test",
        "parked",
    ]) {
        let lines = of(&rig, answer).await;
        assert_eq!(lines.len(), 1, "{code}: {lines:?}");
        assert_eq!(
            (&lines[0]["code"], &lines[0]["status"]),
            (&json!(code), &json!(answer.status))
        );
    }
    let run = rig.host.run_timer("TokenRenewal").await.unwrap();
    let lines = about(&rig, &run.id.to_string()).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["code"], "renewed");
    assert_eq!(
        Raw::new("GET", "/favicon.ico")
            .send(rig.handler())
            .await
            .status,
        404
    );
    assert_eq!(rig.lines("not_found").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_precise_reason_of_a_refusal_is_in_the_log_alone() {
    let rig = Rig::start(&[]).await;
    let id = rig.seed(ReferralBuilder::new());
    let answer = rig.send(&rig.event(REFERRAL_CREATED, &id).tampered()).await;
    assert_eq!(of(&rig, &answer).await[0]["cause"], "signature_mismatch");
    assert!(!answer.body.to_string().contains("signature"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_asked_for_only_the_programs_own_lines_appear() {
    for levels in [
        "trace",
        "hyper=trace,reqwest=trace",
        "hyper=trace,reqwest=trace,info",
        "off,azure_core=debug,h2=trace",
    ] {
        let rig = Rig::start(&[("RUST_LOG", levels)]).await;
        let id = rig.seed(ReferralBuilder::new());
        assert_eq!(rig.created(&id).await.status, 200);
        // Now everything it wrote has been read.
        rig.host.terminate(BOUND).await.unwrap();
        for line in rig.log_lines() {
            let target = line["target"].as_str().unwrap();
            assert!(
                target == "referral_connector" || target.starts_with("referral_connector::"),
                "{levels}: {line}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_other_programs_lines_takes_none_of_ours_away() {
    let rig = Rig::start(&[("RUST_LOG", "hyper=trace,reqwest=trace")]).await;
    let id = rig.seed(ReferralBuilder::new());
    let answer = rig.created(&id).await;
    assert_eq!(of(&rig, &answer).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_warnings_are_to_be_had_and_a_delivery_that_goes_well_is_none() {
    let rig = Rig::start(&[("RUST_LOG", "warn")]).await;
    let id = rig.seed(ReferralBuilder::new());
    assert_eq!(rig.created(&id).await.status, 200);
    assert_eq!(
        rig.created(&Uuid::from_u128(404).to_string()).await.status,
        200
    );
    // Now everything it wrote has been read.
    rig.host.terminate(BOUND).await.unwrap();
    let codes: Vec<_> = rig
        .log_lines()
        .iter()
        .map(|line| line["code"].clone())
        .collect();
    assert_eq!(
        codes,
        ["parked"],
        "a delivery that went well is nothing to warn of"
    );
}
