use reqwest::Method;
use serde_json::{Value, json};

use super::{Caller, SignIn, send};
use crate::deliveries::Outcome;
use crate::entra::{PARTNER_API, PARTNER_CENTER_API};
use crate::partner_center::{ReferralBuilder, effects, sample};
use crate::{Fault, Service};

#[tokio::test]
async fn every_sample_is_read_back_as_it_was_seeded() {
    let caller = Caller::start().await;
    for (shape, referral) in sample::all() {
        let id = caller.seed(referral.clone());
        let read = caller.read(&id.to_uppercase()).await;
        assert_eq!((read.status, &read.body), (200, &referral), "{shape}");
        let etag = referral["eTag"].as_str().unwrap();
        assert!(etag.starts_with('"') && etag.ends_with('"'));
        assert_eq!(read.headers["etag"], etag);
        assert!(read.headers.contains_key("request-id"));
    }
}

#[tokio::test]
async fn only_a_user_with_a_second_factor_and_the_right_audience_gets_in() {
    let caller = Caller::start().await;
    let id = caller.seed(ReferralBuilder::new());
    let read = |token: Option<String>| {
        let request = caller.bare(Method::GET, &format!("v1.0/engagements/referrals/{id}"));
        send(match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    };
    let foreign = caller.token(PARTNER_CENTER_API, SignIn::SecondFactor);
    for token in [None, Some("junk".to_owned()), Some(foreign)] {
        let answer = read(token).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.body["error"]["code"], "unauthenticated");
        assert!(answer.headers.contains_key("www-authenticate"));
    }
    let password = read(Some(caller.token(PARTNER_API, SignIn::Password))).await;
    assert_eq!(password.status, 401);
    assert_eq!(password.body["error"]["innerError"]["code"], "900421");
    let app = read(Some(caller.token(PARTNER_API, SignIn::AppOnly))).await;
    assert_eq!(
        (app.status, &app.body["error"]["code"]),
        (403, &json!("accessDenied"))
    );

    let token = caller.token(PARTNER_API, SignIn::SecondFactor);
    assert_eq!(read(Some(token.clone())).await.status, 200);
    caller
        .sandbox
        .world()
        .clock
        .advance(jiff::SignedDuration::from_hours(2));
    assert_eq!(read(Some(token)).await.status, 401);
}

#[tokio::test]
async fn an_accepted_patch_changes_the_version_and_is_told_to_everybody() {
    let caller = Caller::start().await;
    let id = caller.seed(ReferralBuilder::new());
    let before = caller.read(&id).await.body;
    let patch = json!([
        { "op": "replace", "path": "/details/dealValue", "value": "12500.75" },
        { "op": "add", "path": "/team/-", "value": { "email": "new@woodgrove.example" } },
        { "op": "replace", "path": "/externalReferenceId", "value": "crm-1" },
    ]);
    let answer = caller.patch(&id, before["eTag"].as_str(), patch).await;
    assert_eq!((answer.status, &answer.body), (204, &Value::Null));

    let after = caller.read(&id).await.body;
    assert_eq!(after["details"]["dealValue"], json!(12500.75));
    assert_eq!(after["team"][1]["email"], "new@woodgrove.example");
    assert_eq!(after["externalReferenceId"], "crm-1");
    assert_ne!(after["eTag"], before["eTag"]);
    let updated = after["updatedDateTime"].as_str().unwrap();
    assert!(updated > before["updatedDateTime"].as_str().unwrap());
    assert_eq!(updated.len(), "2026-11-02T09:15:27.1234567Z".len());

    let deliveries = caller.sandbox.world().deliveries.lock();
    let [echo] = deliveries.all() else {
        panic!("one event, not {:?}", deliveries.all());
    };
    assert_eq!(
        (echo.event.event_name.as_str(), echo.outcome),
        ("referral-updated", Outcome::Recorded)
    );
    assert!(echo.event.resource_uri.as_ref().unwrap().ends_with(&id));
    assert!(updated.starts_with(&echo.event.resource_change_utc_date.to_string()[..20]));
}

#[tokio::test]
async fn a_writer_can_ask_for_the_new_version() {
    let caller = Caller::start().await;
    let id = caller.seed(ReferralBuilder::new());
    let patch = json!([{ "op": "replace", "path": "/statusReason", "value": "called" }]);
    let answer = send(
        caller
            .referrals(Method::PATCH, &format!("/{id}"))
            .header("content-type", "application/json; charset=utf-8")
            .header("prefer", "return=representation")
            .body(patch.to_string()),
    )
    .await;
    assert_eq!(
        (answer.status, &answer.body["statusReason"]),
        (200, &json!("called"))
    );
    assert_eq!(
        answer.headers["etag"],
        answer.body["eTag"].as_str().unwrap()
    );
    assert_eq!(caller.read(&id).await.body, answer.body);
}

#[tokio::test]
async fn a_precondition_fits_with_its_inner_quotes_only() {
    let caller = Caller::start().await;
    let id = caller.seed(ReferralBuilder::new());
    let patch = || json!([{ "op": "add", "path": "/statusReason", "value": "x" }]);
    let etag = caller.read(&id).await.body["eTag"]
        .as_str()
        .unwrap()
        .to_owned();
    for wrong in [etag.trim_matches('"'), "\"0\"", ""] {
        let answer = caller.patch(&id, Some(wrong), patch()).await;
        assert_eq!(answer.status, 412, "{wrong}");
        assert_eq!(answer.body["error"]["code"], "preconditionFailed");
        assert_eq!(answer.body["error"]["target"], "ETag");
        assert_eq!(answer.body["error"]["innerError"]["code"], "99918");
    }
    assert_eq!(caller.patch(&id, Some(&etag), patch()).await.status, 204);
    assert_eq!(caller.patch(&id, Some(&etag), patch()).await.status, 412);
    assert_eq!(caller.patch(&id, None, patch()).await.status, 204);
}

#[tokio::test]
async fn patches_outside_the_rules_change_nothing() {
    let caller = Caller::start().await;
    let id = caller.seed(
        ReferralBuilder::new()
            .without("/inviteContext")
            .set("/team", Value::Null),
    );
    let before = caller.read(&id).await.body;
    let one =
        |op: &str, path: &str, value: Value| json!([{ "op": op, "path": path, "value": value }]);
    let refused = [
        json!({ "status": "Active" }),
        json!([{ "op": "replace", "path": "/statusReason" }]),
        one("remove", "/statusReason", Value::Null),
        one("test", "/statusReason", Value::Null),
        one("replace", "/name", json!("x")),
        one("replace", "/id", json!("x")),
        one("replace", "/eTag", json!("x")),
        one("replace", "/customerProfile/name", json!("x")),
        one("replace", "/team/-", json!({})),
        one("add", "/team/-", json!({})),
        one("add", "/team/-", json!("x")),
        one("replace", "/details/dealValue", json!("much")),
        one("replace", "/details/closingDateTime", json!("soon")),
        one("replace", "/details/currency", json!("euro")),
        one("replace", "/status", json!("Active")),
        one("replace", "/substatus", json!("Accepted")),
        json!([
            { "op": "replace", "path": "/statusReason", "value": "kept?" },
            { "op": "replace", "path": "/name", "value": "x" },
        ]),
    ];
    for patch in refused {
        let answer = caller.patch(&id, None, patch.clone()).await;
        assert_eq!(answer.status, 400, "{patch}");
        assert_eq!(answer.body["error"]["code"], "invalidRequest");
    }
    assert_eq!(caller.read(&id).await.body, before);
    assert!(caller.sandbox.world().deliveries.lock().all().is_empty());
    let text = caller
        .referrals(Method::PATCH, &format!("/{id}"))
        .body("[]");
    assert_eq!(send(text).await.status, 415);
}

#[tokio::test]
async fn status_and_substatus_move_together_along_the_table() {
    let caller = Caller::start().await;
    let moved = |from: (&'static str, &'static str), to: (&'static str, &'static str)| {
        let id = caller.seed(ReferralBuilder::new().status(from.0, from.1));
        let patch = json!([
            { "op": "replace", "path": "/status", "value": to.0 },
            { "op": "replace", "path": "/substatus", "value": to.1 },
        ]);
        let caller = &caller;
        async move { caller.patch(&id, None, patch).await.status }
    };
    let (new, active) = (("New", "Pending"), ("Active", "Accepted"));
    for (from, to) in [
        (new, ("New", "Received")),
        (new, active),
        (new, ("Closed", "Declined")),
        (active, ("Closed", "Won")),
        (active, ("Closed", "Lost")),
        (("Active", "Qualify"), active),
    ] {
        assert_eq!(moved(from, to).await, 204, "{from:?} {to:?}");
    }
    for (from, to) in [
        (active, new),
        (new, ("Active", "Won")),
        (active, ("Closed", "Accepted")),
        (active, ("Closed", "Expired")),
        (new, ("Paused", "Pending")),
        (("Closed", "Lost"), active),
        (("Closed", "Lost"), ("Closed", "Won")),
    ] {
        assert_eq!(moved(from, to).await, 400, "{from:?} {to:?}");
    }
}

#[tokio::test]
async fn a_closed_referral_takes_no_write_at_all() {
    let caller = Caller::start().await;
    let id = caller.seed(ReferralBuilder::new());
    caller
        .sandbox
        .world()
        .close_referral(&id, "Expired")
        .unwrap();
    let closed = caller.read(&id).await.body;
    assert_eq!(closed["substatus"], "Expired");
    let patch = json!([{ "op": "add", "path": "/externalReferenceId", "value": "crm-1" }]);
    assert_eq!(
        caller
            .patch(&id, closed["eTag"].as_str(), patch)
            .await
            .status,
        400
    );
    assert_eq!(caller.read(&id).await.body, closed);
}

#[tokio::test]
async fn the_obsolete_put_needs_a_precondition_and_loses_what_it_leaves_out() {
    let caller = Caller::start().await;
    let id = caller.seed(ReferralBuilder::new());
    let before = caller.read(&id).await.body;
    let put = |etag: Option<&str>, body: &Value| {
        let request = caller
            .referrals(Method::PUT, &format!("/{id}"))
            .header("content-type", "application/json")
            .body(body.to_string());
        send(match etag {
            Some(etag) => request.header("if-match", etag),
            None => request,
        })
    };
    let mut body = before.clone();
    body.as_object_mut().unwrap().remove("details");
    body["id"] = "another".into();
    assert_eq!(put(None, &body).await.status, 400);
    assert_eq!(put(Some("\"0\""), &body).await.status, 412);
    let answer = put(before["eTag"].as_str(), &body).await;
    assert_eq!((answer.status, &answer.body["id"]), (200, &before["id"]));
    assert!(answer.body.get("details").is_none());
}

#[tokio::test]
async fn people_can_edit_deny_and_take_away_a_referral() {
    let caller = Caller::start().await;
    let world = caller.sandbox.world();
    let (id, _) = world.create_referral(ReferralBuilder::new()).unwrap();
    let before = caller.read(&id).await.body;
    let change = json!({ "details": { "notes": "Call on Monday", "dealValue": null } });
    world.edit_referral(&id, &change).unwrap();
    let after = caller.read(&id).await.body;
    assert_eq!(after["details"]["notes"], "Call on Monday");
    assert_eq!(after["details"]["currency"], before["details"]["currency"]);
    assert!(after["details"].get("dealValue").is_none());
    assert_ne!(after["eTag"], before["eTag"]);
    let names: Vec<_> = world
        .deliveries
        .lock()
        .all()
        .iter()
        .map(|it| it.event.event_name.clone())
        .collect();
    assert_eq!(names, ["referral-created", "referral-updated"]);

    world.partner_center.lock().deny(&id, true).unwrap();
    let denied = caller.read(&id).await;
    assert_eq!(
        (denied.status, &denied.body["error"]["code"]),
        (403, &json!("accessDenied"))
    );
    assert_eq!(caller.patch(&id, None, json!([])).await.status, 403);
    assert!(world.partner_center.lock().remove(&id));
    let gone = caller.read(&id).await;
    assert_eq!(
        (gone.status, &gone.body["error"]["code"]),
        (404, &json!("itemNotFound"))
    );
    assert!(world.edit_referral(&id, &json!({})).is_err());
    assert_eq!(
        send(caller.referrals(Method::DELETE, &format!("/{id}")))
            .await
            .status,
        405
    );
}

#[tokio::test]
async fn refusals_can_be_injected_in_the_services_own_words() {
    let caller = Caller::start().await;
    let id = caller.seed(ReferralBuilder::new());
    let expected = [
        (effects::throttled(57), 429, "/statusCode", json!(429)),
        (
            effects::stale(),
            412,
            "/error/innerError/code",
            json!("99918"),
        ),
        (
            effects::second_factor_required(),
            401,
            "/error/innerError/code",
            json!("900421"),
        ),
        (
            effects::unauthenticated(),
            401,
            "/error/code",
            json!("unauthenticated"),
        ),
        (effects::denied(), 403, "/error/code", json!("accessDenied")),
        (
            effects::unavailable(),
            503,
            "/error/code",
            json!("serviceNotAvailable"),
        ),
    ];
    for (effect, status, pointer, value) in expected {
        let fault = Fault::new(Service::PartnerCenter, effect).times(1);
        caller.sandbox.world().faults.add(fault);
        let answer = caller.read(&id).await;
        assert_eq!(
            (answer.status, answer.body.pointer(pointer)),
            (status, Some(&value))
        );
        assert_eq!(answer.headers.contains_key("retry-after"), status == 429);
        assert_eq!(
            answer.headers.contains_key("www-authenticate"),
            status == 401
        );
    }
    assert_eq!(caller.read(&id).await.status, 200);
}
