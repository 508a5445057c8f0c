//! Secrets and people, planted wherever the program could pick them up, are in no line.

use sandbox::deliveries::REFERRAL_CREATED;
use sandbox::entra::{CLIENT_SECRET, PARTNER_API};
use sandbox::partner_center::builder::{ReferralBuilder, member};
use sandbox::settings::REFRESH_TOKEN_SECRET;
use sandbox::{Effect, Fault, Service};
use serde_json::json;

use crate::raw::Raw;
use crate::rig::{BOUND, IMPATIENT, Rig};

/// What must not be found anywhere: customers, sellers, their words, and an upstream's own text.
const PERSONAL: [&str; 12] = [
    "Quibblethorpe",
    "Zebediah",
    "Featherstonehaugh",
    "zebediah@quibblethorpe.example",
    "+44 20 7946 0018",
    "Wobbly Lane",
    "Nether Wallop",
    "pomegranate merger",
    "marmalade budget",
    "Please ring before tea",
    "Echoed-by-upstream",
    "Ottoline",
];

fn personal() -> ReferralBuilder {
    ReferralBuilder::new()
        .company("Quibblethorpe plc")
        .contacts(vec![member(
            "Zebediah",
            "Featherstonehaugh",
            "zebediah@quibblethorpe.example",
            "+44 20 7946 0018",
        )])
        .set("/name", "The pomegranate merger")
        .set("/customerProfile/address/addressLine1", "7 Wobbly Lane")
        .set("/customerProfile/address/city", "Nether Wallop")
        .set("/details/notes", "They have a marmalade budget")
        .set("/inviteContext/notes", "Please ring before tea")
        .set("/inviteContext/invitedBy/name", "Ottoline")
}

/// An answer that repeats what it was sent, as real error texts do.
fn echo(code: u16) -> Effect {
    let text = "Echoed-by-upstream: zebediah@quibblethorpe.example";
    let body = json!({ "error": { "code": "0x80040265", "message": text }, "errorCode": 3000, "description": text });
    let Effect::Status { code, headers, .. } = Effect::status(code) else {
        unreachable!("a status was asked for")
    };
    Effect::Status {
        code,
        headers,
        body,
    }
}

async fn syncs_and_failures(rig: &Rig) {
    let id = rig.seed(personal());
    assert_eq!(rig.created(&id).await.status, 200);
    rig.partner_center_edits(
        &id,
        &json!({ "details": { "notes": "They have a larger marmalade budget" } }),
    );
    assert_eq!(rig.updated(&id).await.status, 200);
    // What must not be logged did go through.
    let written = rig.lead(&id).unwrap().to_string() + &rig.notes(&id).concat();
    assert!(written.contains("larger marmalade budget"), "{written}");
    rig.seller_edits(
        &id,
        &json!({ "jobtitle": "Ottoline", "estimatedamount": 1 }),
    );
    assert_eq!(rig.updated(&id).await.status, 200);
    for (service, method, code) in [
        (Service::Dataverse, "PATCH", 400),
        (Service::Dataverse, "PATCH", 412),
        (Service::Dataverse, "GET", 429),
        (Service::Dataverse, "GET", 403),
        (Service::Dataverse, "GET", 500),
        (Service::PartnerCenter, "GET", 403),
        (Service::PartnerCenter, "GET", 429),
        (Service::PartnerCenter, "GET", 500),
        (Service::PartnerCenter, "PATCH", 412),
        (Service::PartnerCenter, "PATCH", 400),
    ] {
        let id = rig.seed(personal());
        rig.world()
            .faults
            .add(Fault::new(service, echo(code)).method(method));
        let answer = rig.created(&id).await;
        rig.world().faults.clear();
        rig.log(&answer).await;
        // What a refused permission stops is let through again.
        rig.synced_soon(&id).await;
    }
}

/// The customer's address and company stand in the queries of these.
async fn looks_for_a_customer(rig: &Rig) {
    for (path, code) in [
        ("/leads?", 400),
        ("/leads?", 500),
        ("/accounts?", 403),
        ("/contacts?", 400),
        ("/contacts?", 429),
    ] {
        let id = rig.seed(personal());
        let fault = Fault::new(Service::Dataverse, echo(code)).path(path);
        rig.world().faults.add(fault.method("GET"));
        let answer = rig.created(&id).await;
        rig.world().faults.clear();
        rig.log(&answer).await;
        rig.synced_soon(&id).await;
    }
    let asked = rig.world().requests.of(Service::Dataverse).into_iter();
    let mut queries = asked.filter_map(|it| it.query);
    let encoded = "zebediah%40quibblethorpe.example";
    assert!(queries.any(|query| query.contains(encoded)));
}

/// Gives the signature that all of them carry.
async fn forgeries(rig: &Rig) -> String {
    let id = rig.seed(personal());
    let event = rig.event(REFERRAL_CREATED, &id);
    for forged in [
        event.tampered(),
        event.without_header("Authorization"),
        event.with_certificate_url("https://quibblethorpe.example/cert/a.cer?who=Zebediah"),
        event.with_header("X-MS-Signature-Algorithm", "Zebediah"),
        event.with_header("Authorization", "Signature Zebediah"),
    ] {
        assert_eq!(rig.send(&forged).await.status, 401);
    }
    let key = rig.host.function_key();
    let path = format!("/api/ReferralWebhook?code={key}&who=zebediah@quibblethorpe.example");
    let reply = rig
        .raw_delivery(&path, &event.tampered())
        .send(rig.outside())
        .await;
    assert_eq!(reply.status, 401);
    let nowhere = Raw::post("/api/Zebediah/Featherstonehaugh?code=Ottoline")
        .sized(b"")
        .send(rig.handler())
        .await;
    assert_eq!(nowhere.status, 404);
    event
        .header("Authorization")
        .unwrap()
        .replace("Signature ", "")
}

async fn renewals(rig: &Rig) {
    assert!(
        rig.host
            .run_timer("TokenRenewal")
            .await
            .unwrap()
            .succeeded()
    );
    let now = rig.world().clock.now();
    rig.world().entra.lock().revoke_refresh_tokens(now);
    rig.world().entra.lock().revoke_access_tokens(PARTNER_API);
    assert!(
        !rig.host
            .run_timer("TokenRenewal")
            .await
            .unwrap()
            .succeeded()
    );
    let id = rig.seed(personal());
    assert_eq!(rig.created(&id).await.code(), "parked");
    rig.lines("misconfigured").await;
    rig.world()
        .faults
        .add(Fault::new(Service::KeyVault, echo(403)));
    assert!(
        !rig.host
            .run_timer("TokenRenewal")
            .await
            .unwrap()
            .succeeded()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_no_person_is_ever_logged() {
    let settings = [
        ("SYNC_MODE", "two-way"),
        ("RUST_LOG", "trace"),
        IMPATIENT[0],
    ];
    let rig = Rig::start(&settings).await;
    syncs_and_failures(&rig).await;
    looks_for_a_customer(&rig).await;
    let signature = forgeries(&rig).await;
    renewals(&rig).await;
    // Now everything it wrote has been read.
    rig.host.terminate(BOUND).await.unwrap();

    let mut forbidden: Vec<String> = PERSONAL.map(str::to_owned).to_vec();
    forbidden.push(signature[..20].to_owned());
    forbidden.push(CLIENT_SECRET.to_owned());
    forbidden.push(rig.host.function_key().to_owned());
    forbidden.push(rig.host.master_key().to_owned());
    forbidden.push(rig.world().identity.lock().header().to_owned());
    let vault = rig.world().key_vault.lock();
    forbidden.extend(
        vault
            .versions(REFRESH_TOKEN_SECRET)
            .iter()
            .map(|it| it.value.clone()),
    );
    drop(vault);
    // Every access token starts like this, and every address with a query has one of these.
    forbidden.extend(["eyJ", "Bearer", "?code", "?$", "?api-version"].map(str::to_owned));
    forbidden.extend(["%40quibblethorpe", "$filter"].map(str::to_owned));

    let logs = rig.host.logs();
    assert!(logs.len() > 20);
    for line in logs {
        for word in &forbidden {
            assert!(
                !line.text.contains(word.as_str()),
                "{word:?} in {}",
                line.text
            );
        }
    }
}
