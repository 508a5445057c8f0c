//! Deliveries that were genuine once or elsewhere, floods, and what reaches the log (attacks 46 to 50).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use sandbox::deliveries::{Delivery, Event, REFERRAL_UPDATED};
use sandbox::{Effect, Fault, Service};
use serde_json::json;

use super::raw::{Connection, Request};
use super::scene::Scene;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// An update of the scene's referral that happened at `when`.
fn updated_at(scene: &Scene, when: Timestamp) -> Delivery {
    scene.signed(Event::referral(REFERRAL_UPDATED, &scene.referral, when).body())
}

fn now(scene: &Scene) -> Timestamp {
    scene.rig.world().clock.now()
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_46_a_thousand_copies_cost_as_many_reads_as_one() {
    let scene = Scene::start().await;
    scene.assert_honest_is_served().await;
    scene.rig.forget_requests();
    let request = Request::of(&scene.good).measured().bytes();
    let copies = (0..10).map(|_| async {
        let mut connection = Connection::open(scene.port()).await;
        for _ in 0..100 {
            connection.send(&request).await;
            let answer = connection.answer().await.unwrap();
            assert_eq!((answer.status, answer.code()), (200, "replayed"));
        }
    });
    join_all(copies).await;
    let requests = scene.rig.world().requests.all();
    assert!(requests.is_empty(), "{requests:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_46_copies_at_the_same_time_make_one_lead() {
    let scene = Scene::start().await;
    let answers = join_all((0..200).map(|_| scene.rig.send(&scene.good))).await;
    assert!(
        answers.iter().all(|answer| answer.status == 200),
        "{answers:?}"
    );
    assert_eq!(scene.rig.leads().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_46_a_copy_of_an_event_whose_sync_did_not_end_is_synced() {
    let scene = Scene::start().await;
    let outage = Fault::new(Service::Dataverse, Effect::status(503)).path("/leads");
    scene.rig.world().faults.add(outage);
    for _ in 0..2 {
        let answer = scene.rig.send(&scene.good).await;
        assert_eq!((answer.status, answer.code()), (200, "parked"));
    }
    scene.rig.world().faults.clear();
    scene.assert_honest_is_served().await;
    assert_eq!(scene.rig.leads().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_46_only_an_authentic_copy_is_a_replay() {
    let scene = Scene::start().await;
    scene.assert_honest_is_served().await;
    scene.rig.forget_requests();
    let forged = scene
        .signed(b"{}".as_slice())
        .with_body(scene.good.body.clone());
    for (what, delivery, cause) in [
        ("another signature", forged, "signature_mismatch"),
        (
            "no signature",
            scene.good.without_header("authorization"),
            "signature_missing",
        ),
    ] {
        let answer = scene.rig.send(&delivery).await;
        assert_eq!((answer.status, answer.code()), (401, "refused"), "{what}");
        assert_eq!(scene.cause(&answer).await, cause, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_46_an_event_of_a_month_ago_changes_nothing_that_is_newer() {
    let scene = Scene::start().await;
    let old = updated_at(&scene, now(&scene) - 30 * DAY);
    scene.assert_honest_is_served().await;
    scene.rig.partner_center_edits(
        &scene.referral,
        &json!({ "customerProfile": { "name": "Fabrikam" } }),
    );
    let new = updated_at(&scene, now(&scene));
    assert_eq!(scene.rig.send(&new).await.code(), "synced");
    scene.rig.forget_requests();
    // Out of order, and then again in a process that has never seen it.
    assert_eq!(scene.rig.send(&old).await.code(), "synced");
    scene.rig.host.restart().await.unwrap();
    for delivery in [&old, &scene.good, &new] {
        assert_eq!(scene.rig.send(delivery).await.code(), "synced");
    }
    let lead = scene.rig.lead(&scene.referral).unwrap();
    assert_eq!(lead["companyname"], "Fabrikam");
    assert!(scene.rig.writes().is_empty(), "{:#?}", scene.rig.writes());
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_47_an_event_of_the_future_does_what_any_event_does() {
    let scene = Scene::start().await;
    let future = updated_at(&scene, now(&scene) + 3650 * DAY);
    assert_eq!(scene.rig.send(&future).await.code(), "synced");
    scene.rig.partner_center_edits(
        &scene.referral,
        &json!({ "customerProfile": { "name": "Fabrikam" } }),
    );
    assert_eq!(
        scene
            .rig
            .send(&updated_at(&scene, now(&scene)))
            .await
            .code(),
        "synced"
    );
    let lead = scene.rig.lead(&scene.referral).unwrap();
    assert_eq!(lead["companyname"], "Fabrikam");
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_48_a_flood_of_forgeries_leaves_honest_deliveries_served() {
    let scene = Scene::start().await;
    scene.assert_honest_is_served().await;
    scene.rig.forget_requests();
    let forgery = Request::of(&scene.good.tampered()).measured().bytes();
    let over = Arc::new(AtomicBool::new(false));
    let flood = (0..32).map(|_| {
        let (forgery, over, port) = (forgery.clone(), Arc::clone(&over), scene.port());
        tokio::spawn(async move {
            let mut connection = Connection::open(port).await;
            let mut refused = 0;
            while !over.load(Ordering::SeqCst) {
                connection.send(&forgery).await;
                assert_eq!(connection.answer().await.unwrap().status, 401);
                refused += 1;
            }
            refused
        })
    });
    let flood: Vec<_> = flood.collect();
    for minutes in 1..=20 {
        let honest = updated_at(&scene, now(&scene) - SignedDuration::from_mins(minutes));
        let answer = scene.rig.send(&honest).await;
        assert_eq!((answer.status, answer.code()), (200, "synced"));
    }
    over.store(true, Ordering::SeqCst);
    for forger in flood {
        assert!(0 < forger.await.unwrap());
    }
    let fetches = scene.rig.requests(Service::CertificateHost).len();
    assert!(fetches <= 1, "{fetches} fetches");
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_49_a_referral_of_another_partner_becomes_no_lead() {
    let scene = Scene::start().await;
    let refused = Fault::new(Service::PartnerCenter, Effect::status(403)).path(&scene.referral);
    scene.rig.world().faults.add(refused);
    let answer = scene.rig.send(&scene.good).await;
    assert_eq!((answer.status, answer.code()), (200, "not_ours"));
    assert!(scene.rig.leads().is_empty());
    assert!(scene.rig.writes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_49_a_referral_that_partner_center_does_not_show_us_becomes_no_lead() {
    let scene = Scene::start().await;
    let stranger = Event::referral(
        REFERRAL_UPDATED,
        "22222222-2222-4222-8222-222222222222",
        now(&scene),
    );
    let delivery = scene.signed(stranger.body());
    for _ in 0..2 {
        let answer = scene.rig.send(&delivery).await;
        assert_eq!((answer.status, answer.code()), (200, "parked"));
        assert_eq!(scene.cause(&answer).await, "look_again");
    }
    assert!(scene.rig.leads().is_empty());
    assert!(scene.rig.writes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_50_nothing_a_sender_writes_forges_a_log_line_or_reaches_the_log() {
    let scene = Scene::start().await;
    let forged = r#"{\"level\":\"ERROR\",\"code\":\"planted\"}"#;
    let body = format!(r#"{{"EventName":"a\n{forged}\r\n\u001b[2J","Secret":"planted-in-body"}}"#);
    let answer = scene.rig.send(&scene.signed(body)).await;
    assert_eq!((answer.status, answer.code()), (200, "ignored"));
    scene.log_of(&answer).await;
    let unreadable = scene.signed(r#"{"EventName":"planted-in-body","x":planted-in-body}"#);
    let answer = scene.rig.send(&unreadable).await;
    assert_eq!(answer.code(), "unreadable");
    scene.log_of(&answer).await;
    for (name, value) in [
        ("authorization", "Signature planted-in-header"),
        ("authorization", "Bearer planted-in-header"),
        ("x-ms-signature", "planted-in-header"),
        ("x-ms-signature-algorithm", "planted-in-header"),
        (
            "x-ms-certificate-url",
            "https://planted-user:planted-password@evil.invalid/planted-in-path?planted-in-query#x",
        ),
        ("x-ms-certificate-url", "planted-in-header"),
        ("user-agent", "planted-in-header"),
        ("x-azure-functions-invocationid", "planted-in-header"),
        ("x-ms-invocation-id", "planted-in-header"),
        ("x-forwarded-for", "planted-in-header"),
    ] {
        let answer = scene
            .rig
            .send(&scene.good.tampered().with_header(name, value))
            .await;
        assert_eq!(answer.status, 401, "{name}");
        scene.log_of(&answer).await;
    }
    let honest = scene.good.header("authorization").unwrap().to_owned();
    let signature = honest.strip_prefix("Signature ").unwrap();
    for line in scene.rig.host.logs() {
        let text = line.text;
        assert!(!text.contains("planted"), "{text}");
        assert!(!text.contains(signature), "{text}");
        assert!(text.chars().all(|it| !it.is_control()), "{text:?}");
    }
}
