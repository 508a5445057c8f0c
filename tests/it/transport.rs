//! What every upstream call has in common, over HTTPS.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose preparation fails has failed"
)]

use std::collections::BTreeMap;

use http::Method;
use referral_connector::failure::{Chain, Classify, Disposition};
use referral_connector::upstream::{Call, CallError, Reply, Transport, Upstream};
use sandbox::entra::PARTNER_API;
use sandbox::{Effect, Fault, Service};
use url::Url;

use crate::credentials::SignedIn;

/// Sends a request that Partner Center would not know; faults answer it.
async fn send(it: &SignedIn, method: Method) -> Result<Reply, CallError> {
    let url = it.sandbox.url(Service::PartnerCenter);
    send_to(it, method, url.join("anywhere?name=Sue%20Smith").unwrap()).await
}

async fn send_to(it: &SignedIn, method: Method, url: Url) -> Result<Reply, CallError> {
    let call = Call::new(Upstream::PartnerCenter, "try", method, url, PARTNER_API);
    let tokens = it.credentials.partner_center.as_ref();
    it.transport.send(call, tokens).await
}

fn answer(code: u16, header: (&str, &str), body: &str) -> Effect {
    Effect::Status {
        code,
        headers: BTreeMap::from([(header.0.to_owned(), header.1.to_owned())]),
        body: body.into(),
    }
}

async fn with(effect: Effect) -> SignedIn {
    let it = SignedIn::start().await;
    let fault = Fault::new(Service::PartnerCenter, effect).times(1);
    it.sandbox.world().faults.add(fault);
    it
}

fn requests(it: &SignedIn) -> usize {
    it.sandbox.world().requests.of(Service::PartnerCenter).len()
}

#[tokio::test]
async fn what_might_be_done_twice_is_not_repeated_after_a_lost_answer() {
    let it = with(Effect::Cut).await;
    let error = send(&it, Method::POST).await.unwrap_err();
    assert!(matches!(error, CallError::Unreachable { attempts: 1, .. }));
    assert_eq!(requests(&it), 1);
}

#[tokio::test]
async fn what_was_surely_not_done_is_repeated_whatever_it_is() {
    let it = with(Effect::throttled(0)).await;
    // The second attempt reaches Partner Center, which knows no such address.
    let error = send(&it, Method::POST).await.unwrap_err();
    assert_eq!(error.refusal().unwrap().status.as_u16(), 404);
    assert_eq!(requests(&it), 2);
}

#[tokio::test]
async fn a_redirect_is_a_wrong_address_and_not_followed() {
    let it = SignedIn::start().await;
    let elsewhere = it.sandbox.url(Service::Dataverse);
    let redirect = answer(302, ("location", elsewhere.as_str()), "");
    let fault = Fault::new(Service::PartnerCenter, redirect);
    it.sandbox.world().faults.add(fault);
    let error = send(&it, Method::GET).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Misconfigured);
    assert_eq!(requests(&it), 1);
    let followed = it.sandbox.world().requests.of(Service::Dataverse);
    assert!(followed.is_empty());
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let body = "x".repeat(9 * 1024 * 1024);
    let it = with(answer(200, ("content-type", "text/plain"), &body)).await;
    let error = send(&it, Method::GET).await.unwrap_err();
    assert!(matches!(error, CallError::TooLarge { .. }));
}

#[tokio::test]
async fn no_error_shows_an_address() {
    let it = SignedIn::start().await;
    // Port 1 of this machine: nothing listens there.
    let nowhere = Url::parse("https://127.0.0.1:1/leads?name=Sue%20Smith").unwrap();
    let error = send_to(&it, Method::GET, nowhere).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::RETRY);
    for text in [Chain(&error).to_string(), format!("{error:?}")] {
        assert!(!text.contains("Smith") && !text.contains("leads"), "{text}");
    }
}

#[tokio::test]
async fn an_authority_nobody_named_is_not_trusted() {
    let it = SignedIn::start().await;
    let url = it.sandbox.url(Service::PartnerCenter);
    let call = Call::new(
        Upstream::PartnerCenter,
        "try",
        Method::POST,
        url,
        PARTNER_API,
    );
    let strict = Transport::new(None).unwrap();
    let tokens = it.credentials.partner_center.as_ref();
    let error = strict.send(call, tokens).await.unwrap_err();
    assert!(matches!(error, CallError::Unreachable { .. }));
    assert_eq!(requests(&it), 0);
}

#[test]
fn certificates_that_are_none_are_refused_at_the_start() {
    let broken = b"-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----\n";
    assert!(Transport::new(Some(broken)).is_err());
}
