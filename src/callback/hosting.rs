//! A certificate host for tests, as helpful or hostile as each test wants.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

type Reply = Arc<dyn Fn() -> Response + Send + Sync>;

/// Listens on a port of this machine until its runtime ends.
#[derive(Clone)]
pub(crate) struct Hosting {
    pub(crate) origin: String,
    files: Arc<Mutex<HashMap<String, Reply>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Hosting {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = Self {
            origin: format!("http://{}", listener.local_addr().unwrap()),
            files: Arc::default(),
            asked: Arc::default(),
        };
        let router = Router::new().fallback(answer).with_state(host.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        host
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    pub(crate) fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        let bytes = bytes.into();
        self.reply(path, move || bytes.clone().into_response());
    }

    pub(crate) fn reply(&self, path: &str, reply: impl Fn() -> Response + Send + Sync + 'static) {
        let reply: Reply = Arc::new(reply);
        self.files.lock().unwrap().insert(path.to_owned(), reply);
    }

    pub(crate) fn remove(&self, path: &str) {
        self.files.lock().unwrap().remove(path);
    }

    /// The paths asked for so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(State(host): State<Hosting>, uri: Uri) -> Response {
    host.asked.lock().unwrap().push(uri.path().to_owned());
    let reply = host.files.lock().unwrap().get(uri.path()).cloned();
    // An answer that takes a moment lets everybody who waits for it arrive.
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    match reply {
        Some(reply) => reply(),
        None => (StatusCode::NOT_FOUND, Body::from("not found")).into_response(),
    }
}
