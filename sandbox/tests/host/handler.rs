//! A custom handler that does what its app settings tell it, for the tests of the host stand-in.
//!
//! `EXIT_AT_START` ends it with that code before it listens, `LISTEN_AFTER_MS` lets it listen late,
//! `ANSWER_STATUS`, `ANSWER_TYPE` and `ANSWER_BODY` are what a trigger is answered, `ANSWER_AFTER_MS` later.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the host's rules for both are tested"
)]

use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    println!(
        "arguments {:?}",
        std::env::args().skip(1).collect::<Vec<_>>()
    );
    eprintln!("a Warning on stderr");
    eprintln!("trouble on stderr");
    if let Some(code) = setting("EXIT_AT_START") {
        std::process::exit(code.parse().context("read EXIT_AT_START")?);
    }
    if let Some(delay) = setting("LISTEN_AFTER_MS") {
        tokio::time::sleep(Duration::from_millis(
            delay.parse().context("read LISTEN_AFTER_MS")?,
        ))
        .await;
    }
    let port: u16 = setting("FUNCTIONS_CUSTOMHANDLER_PORT")
        .context("find the port")?
        .parse()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let router = Router::new()
        .route("/", get(|| async { "ready" }))
        .route("/api/environment", any(environment))
        .route("/api/exit/{code}", any(exit))
        .route("/api/hang", any(std::future::pending::<StatusCode>))
        .route("/api/{*rest}", any(echo))
        .route("/{function}", post(trigger));
    axum::serve(listener, router)
        .with_graceful_shutdown(terminated())
        .await?;
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "an app setting is an environment variable"
)]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

async fn terminated() {
    let mut signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .expect("the runtime has its signal driver");
    signal.recv().await;
}

/// Everything the handler was sent, as JSON.
async fn echo(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX)
        .await
        .unwrap_or_default();
    let headers: Vec<(String, String)> = parts
        .headers
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    let seen = json!({
        "method": parts.method.as_str(),
        "target": parts.uri.to_string(),
        "headers": headers,
        "body": String::from_utf8_lossy(&body),
    });
    (
        StatusCode::ACCEPTED,
        [(header::CONTENT_TYPE, "application/json")],
        seen.to_string(),
    )
        .into_response()
}

async fn environment() -> String {
    json!(std::env::vars().collect::<std::collections::BTreeMap<_, _>>()).to_string()
}

async fn exit(Path(code): Path<i32>) -> StatusCode {
    std::process::exit(code)
}

/// Prints the envelope, one line, and answers what the settings say.
async fn trigger(Path(function): Path<String>, request: Request) -> Response {
    let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let body = axum::body::to_bytes(request.into_body(), usize::MAX)
        .await
        .unwrap_or_default();
    println!(
        "{function} chunked={chunked} {}",
        String::from_utf8_lossy(&body)
    );
    if let Some(delay) = setting("ANSWER_AFTER_MS").and_then(|delay| delay.parse().ok()) {
        tokio::time::sleep(Duration::from_millis(delay)).await;
    }
    let status = setting("ANSWER_STATUS")
        .and_then(|status| status.parse().ok())
        .unwrap_or(StatusCode::OK);
    let media_type = setting("ANSWER_TYPE").unwrap_or_else(|| "application/json".to_owned());
    let answer = Bytes::from(setting("ANSWER_BODY").unwrap_or_else(|| "{}".to_owned()));
    (status, [(header::CONTENT_TYPE, media_type)], answer).into_response()
}
