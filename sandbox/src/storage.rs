//! The app's storage account: Azurite behind a proxy that logs every request and lets it meet its fault.
//!
//! One Azurite process serves every sandbox of a process; each has an account of its own. Blobs and queues listen on
//! two ports, as they have two hosts in Azure; both are [`Service::Storage`](crate::Service::Storage).

mod account;
pub(crate) mod azurite;
mod proxy;

use axum::{
    Router,
    extract::{Request, State as Shared},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use http_body_util::BodyExt as _;
use url::Url;

pub use account::Account;
use proxy::Proxy;

use crate::world::{Service, SharedWorld, World};

/// The storage of one sandbox.
#[derive(Debug)]
pub struct Storage {
    account: Account,
    queues: Url,
}

impl Storage {
    /// `account`, whose queues clients find at `queues`.
    pub(crate) fn new(account: Account, queues: Url) -> Self {
        Self { account, queues }
    }

    /// The account, and the way to it that is neither logged nor met by faults.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Where clients find the queues, with a trailing slash and without the account's name.
    pub fn queues_url(&self) -> &Url {
        &self.queues
    }
}

/// `AzureWebJobsStorage` of the app.
pub(crate) fn settings(world: &World) -> [(&'static str, String); 1] {
    let storage = &world.storage;
    let blobs = world.url(Service::Storage);
    let connection = storage.account.connection_string(blobs, &storage.queues);
    [("AzureWebJobsStorage", connection)]
}

/// The blob service.
pub(crate) fn blobs(world: &SharedWorld) -> Router {
    router(Proxy::new(world.storage.account.blobs()))
}

/// The queue service.
pub(crate) fn queues(world: &SharedWorld) -> Router {
    router(Proxy::new(world.storage.account.queues()))
}

fn router(proxy: Proxy) -> Router {
    Router::new().fallback(forward).with_state(proxy)
}

async fn forward(Shared(proxy): Shared<Proxy>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    proxy.answer(Request::from_parts(parts, body)).await
}
