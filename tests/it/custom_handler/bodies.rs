//! Bodies that are too large, compressed, or cut in chunks.

use std::iter;

use sandbox::Service;
use sandbox::deliveries::{Delivery, Event};
use uuid::Uuid;

use crate::raw::{Raw, Reply};
use crate::rig::Rig;

const LIMIT: usize = 64 * 1024;
const PATH: &str = "/api/ReferralWebhook";

/// The signed test event, filled with spaces to `length` bytes.
fn event_of(rig: &Rig, length: usize) -> Delivery {
    let mut body = Event::test(Uuid::from_u128(1), rig.world().clock.now()).body();
    let missing = length.saturating_sub(body.len());
    body.extend(iter::repeat_n(b' ', missing));
    let certificates = rig.world().certificates.lock();
    Delivery::signed(
        body,
        certificates.signer(),
        &certificates.signer_url(),
        Default::default(),
    )
    .unwrap()
}

async fn in_chunks(rig: &Rig, port: u16, delivery: &Delivery) -> Reply {
    let mut request = Raw::post(PATH).header("x-functions-key", rig.host.function_key());
    for (name, value) in &delivery.headers {
        request = request.header(name, value);
    }
    request.chunked(&delivery.body).send(port).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_kibibytes_are_taken_and_one_byte_more_is_not() {
    let rig = Rig::start(&[]).await;
    for (length, verdict) in [(LIMIT, (200, "test")), (LIMIT + 1, (413, "too_large"))] {
        let delivery = event_of(&rig, length);
        let verdict = (verdict.0, verdict.1.to_owned());
        for port in [rig.outside(), rig.handler()] {
            let announced = rig.raw_delivery(PATH, &delivery).send(port).await;
            assert_eq!(announced.verdict(), verdict, "{length} bytes");
            let unannounced = in_chunks(&rig, port, &delivery).await;
            assert_eq!(unannounced.verdict(), verdict, "{length} bytes in chunks");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_bytes_is_refused_before_anything_is_fetched() {
    let rig = Rig::start(&[]).await;
    let delivery = event_of(&rig, 8 * 1024 * 1024);
    let request = rig.raw_delivery(PATH, &delivery);
    assert_eq!(
        request.send(rig.handler()).await.verdict(),
        (413, "too_large".to_owned())
    );
    assert_eq!(rig.requests(Service::CertificateHost), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_body_is_refused_for_what_it_is() {
    let rig = Rig::start(&[]).await;
    let delivery = event_of(&rig, 0);
    for encoding in ["gzip", "br", "GZIP", "identity, gzip"] {
        let answer = rig
            .send(&delivery.with_header("Content-Encoding", encoding))
            .await;
        assert_eq!(
            (answer.status, answer.code()),
            (415, "unsupported_encoding"),
            "{encoding}"
        );
    }
    let answer = rig
        .send(&delivery.with_header("Content-Encoding", "identity"))
        .await;
    assert_eq!((answer.status, answer.code()), (200, "test"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_never_comes_does_not_hold_the_delivery() {
    let rig = Rig::start(&[]).await;
    let delivery = event_of(&rig, 0);
    let mut request = Raw::post(PATH).header("Content-Length", "500");
    for (name, value) in &delivery.headers {
        request = request.header(name, value);
    }
    assert_eq!(
        request.send(rig.handler()).await.verdict(),
        (408, "too_slow".to_owned())
    );
}
