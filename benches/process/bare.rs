//! The yardstick: axum, one handler, one RSA-2048 verification, nothing else.

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use http::StatusCode;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Public};
use openssl::sign::Verifier;
use openssl::x509::X509;

/// Makes this program the yardstick instead of the measurement.
pub(crate) const ARGUMENT: &str = "--bare";

type Shared = Arc<(PKey<Public>, Vec<u8>)>;

/// Serves until killed. Arguments: port, certificate file, signature file.
pub(crate) fn run(mut arguments: impl Iterator<Item = String>) {
    let port: u16 = arguments.next().unwrap().parse().unwrap();
    let certificate = std::fs::read(arguments.next().unwrap()).unwrap();
    let signature = std::fs::read(arguments.next().unwrap()).unwrap();
    let key = X509::from_der(&certificate).unwrap().public_key().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        let router = Router::new()
            .route("/api/ReferralWebhook", post(verify))
            .fallback(|| async { StatusCode::NOT_FOUND })
            .with_state(Arc::new((key, signature)));
        axum::serve(listener, router).await.unwrap();
    });
}

async fn verify(State(shared): State<Shared>, body: Bytes) -> StatusCode {
    let (key, signature) = &*shared;
    let mut verifier = Verifier::new(MessageDigest::sha256(), key).unwrap();
    verifier.update(&body).unwrap();
    if verifier.verify(signature).unwrap() {
        StatusCode::OK
    } else {
        StatusCode::UNAUTHORIZED
    }
}
