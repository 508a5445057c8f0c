//! What the callback check costs: a delivery refused by its headers, an authentic one, and a forged one with the certificate
//! at hand, beside the one RSA-2048 verification that cannot be saved.
//!
//! `cargo bench --bench callback`

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run should stop"
)]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, HeaderName, HeaderValue};
use openssl::hash::MessageDigest;
use openssl::sign::Verifier;
use openssl::x509::X509;
use referral_connector::callback::Callback;
use referral_connector::config::Config;
use sandbox::Sandbox;
use sandbox::deliveries::{Delivery, Event};
use tokio::runtime::Runtime;

fn callback_check(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let sandbox = runtime.block_on(Sandbox::start()).unwrap();
    let settings = sandbox.settings();
    let config = Config::read(&|key| settings.get(key).cloned()).unwrap();
    let callback = Callback::new(&config.callback, config.outbound_ca.as_deref()).unwrap();
    let now = sandbox.world().clock.now();
    let event = Event::referral(
        "referral-created",
        "8e1c0b52-0000-4000-8000-000000000001",
        now,
    );
    let good = sandbox.world().delivery(&event).unwrap();
    let authenticate = |delivery: &Delivery| {
        let (headers, body) = (headers(delivery), delivery.body.clone());
        runtime.block_on(callback.authenticate(&headers, body))
    };
    // The first delivery fetches the certificate and judges its chain.
    authenticate(&good).unwrap();

    let certificate = sandbox.world().certificates.lock().signer().der().unwrap();
    let key = X509::from_der(&certificate).unwrap().public_key().unwrap();
    let signature = sandbox
        .world()
        .certificates
        .lock()
        .signer()
        .sign(&good.body)
        .unwrap();
    criterion.bench_function("one RSA-2048 verification", |bencher| {
        bencher.iter(|| {
            let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
            verifier.update(&good.body).unwrap();
            assert!(verifier.verify(black_box(&signature)).unwrap());
        });
    });

    let bad_url = headers(&good.with_certificate_url("https://evil.invalid/cert/a.cer"));
    criterion.bench_function("refuse another certificate host", |bencher| {
        bencher.iter(|| callback.claim(black_box(&bad_url)).is_err());
    });

    let warm = |headers: &HeaderMap, body: &Bytes| {
        let claim = callback.claim(headers).unwrap();
        runtime.block_on(callback.verify(claim, body.clone()))
    };
    let good_headers = headers(&good);
    criterion.bench_function("accept an authentic delivery", |bencher| {
        bencher.iter(|| assert!(warm(black_box(&good_headers), &good.body).is_ok()));
    });

    let forged = good.tampered();
    criterion.bench_function("refuse a forged delivery", |bencher| {
        bencher.iter(|| assert!(warm(black_box(&good_headers), &forged.body).is_err()));
    });
}

fn headers(delivery: &Delivery) -> HeaderMap {
    let header = |(name, value): &(String, String)| {
        (
            name.parse::<HeaderName>().unwrap(),
            HeaderValue::from_str(value).unwrap(),
        )
    };
    delivery.headers.iter().map(header).collect()
}

criterion_group!(benches, callback_check);
criterion_main!(benches);
