//! Requests to the Web API: addresses, headers, and writes that always say what they presume.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{HeaderName, HeaderValue, Method};
use url::Url;
use uuid::Uuid;

use super::error::Failure;
use super::wire::Body;
use crate::credentials::TokenSource;
use crate::ids::ETag;
use crate::upstream::{Call, Reply, Transport, Upstream};

/// The path of the API in every environment.
const ROOT: &str = "/api/data/v9.2/";
const PREFER: HeaderName = HeaderName::from_static("prefer");
const MAX_VERSION: HeaderName = HeaderName::from_static("odata-maxversion");
const VERSION: HeaderName = HeaderName::from_static("odata-version");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");
const CONSISTENCY: HeaderName = HeaderName::from_static("consistency");
const SOLUTION: HeaderName = HeaderName::from_static("mscrm.solutionuniquename");
/// How long a change of the environment itself may take: publishing a large table takes minutes.
const CHANGE_LIMIT: Duration = Duration::from_mins(4);
/// Asks a write to answer with the row as it was stored.
const STORED: HeaderValue = HeaderValue::from_static("return=representation");

/// What a write presumes about its row. There is no write without: a bare PATCH creates what somebody deleted, and
/// overwrites what somebody else created.
#[derive(Clone, Copy, Debug)]
pub(super) enum Precondition<'a> {
    /// There is no such row.
    Absent,
    /// The row has this version.
    Version(&'a ETag),
}

/// Sends requests to one environment.
#[derive(Clone)]
pub(super) struct Requests {
    /// Ends in a slash.
    root: Url,
    audience: String,
    transport: Transport,
    tokens: Arc<dyn TokenSource>,
}

impl Requests {
    pub(super) fn new(
        environment: &Url,
        transport: Transport,
        tokens: Arc<dyn TokenSource>,
    ) -> Self {
        Self {
            root: environment
                .join(ROOT)
                .expect("a path stands in any https address"),
            audience: environment.origin().ascii_serialization(),
            transport,
            tokens,
        }
    }

    /// Reads `path`, which is relative to the API's root, its query included.
    pub(super) async fn read(&self, operation: &'static str, path: &str) -> Result<Reply, Failure> {
        self.send(self.call(operation, Method::GET, path)).await
    }

    /// Reads `path` as it is at this moment, past every cache of the environment.
    pub(super) async fn read_now(
        &self,
        operation: &'static str,
        path: &str,
    ) -> Result<Reply, Failure> {
        let call = self.call(operation, Method::GET, path);
        self.send(call.header(CONSISTENCY, HeaderValue::from_static("Strong")))
            .await
    }

    /// Changes what the environment is made of. Such a request may take minutes, and is not repeated after a lost answer.
    pub(super) async fn change(
        &self,
        operation: &'static str,
        method: Method,
        path: &str,
        solution: Option<&str>,
        body: Bytes,
    ) -> Result<Reply, Failure> {
        let mut call = self.call(operation, method, path).json(body);
        if let Some(name) = solution {
            let name = HeaderValue::try_from(name).expect("names of solutions are printable");
            call = call.header(SOLUTION, name);
        }
        self.send(call.once().patient(CHANGE_LIMIT)).await
    }

    /// The address of the row or definition at `path`, as references to it are written.
    pub(super) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    /// Reads `path` in pages of at most `rows` rows.
    pub(super) async fn page(
        &self,
        operation: &'static str,
        path: &str,
        rows: u32,
    ) -> Result<Reply, Failure> {
        let size = HeaderValue::try_from(format!("odata.maxpagesize={rows}"))
            .expect("a number is printable");
        let call = self.call(operation, Method::GET, path);
        self.send(call.header(PREFER, size)).await
    }

    /// Where `link` leads, relative to the API's root. The host is not looked at: one environment has several names.
    pub(super) fn relative(link: &str) -> Option<&str> {
        let (_, path) = link.split_once(ROOT)?;
        (!path.is_empty()).then_some(path)
    }

    /// Writes `body` to the row at `path`, if it is as presumed.
    pub(super) async fn write(
        &self,
        operation: &'static str,
        path: &str,
        presumed: Precondition<'_>,
        body: &Body,
    ) -> Result<(), Failure> {
        let call = self.writing(operation, path, presumed, body)?;
        self.send(call).await.map(drop)
    }

    /// Writes `body` to the row at `path`, if it is as presumed, and gives the answer, which holds what was stored of the
    /// columns `path` selects.
    ///
    /// A lost answer is not asked for again: the repeat could not tell our own first write from somebody else's.
    pub(super) async fn store(
        &self,
        operation: &'static str,
        path: &str,
        presumed: Precondition<'_>,
        body: &Body,
    ) -> Result<Reply, Failure> {
        let call = self.writing(operation, path, presumed, body)?;
        self.send(call.header(PREFER, STORED).once()).await
    }

    fn writing(
        &self,
        operation: &'static str,
        path: &str,
        presumed: Precondition<'_>,
        body: &Body,
    ) -> Result<Call, Failure> {
        let (name, value) = match presumed {
            Precondition::Absent => (IF_NONE_MATCH, HeaderValue::from_static("*")),
            Precondition::Version(etag) => {
                let value = HeaderValue::try_from(etag.as_str()).map_err(|_| Failure::Version)?;
                (IF_MATCH, value)
            }
        };
        let call = self.call(operation, Method::PATCH, path);
        Ok(call.header(name, value).json(body.bytes()))
    }

    fn call(&self, operation: &'static str, method: Method, path: &str) -> Call {
        let url = self
            .root
            .join(path)
            .expect("paths are made of table names, column names and ids");
        let id = HeaderValue::try_from(Uuid::new_v4().to_string()).expect("a uuid is printable");
        let version = HeaderValue::from_static("4.0");
        Call::new(Upstream::Dataverse, operation, method, url, &self.audience)
            .header(MAX_VERSION, version.clone())
            .header(VERSION, version)
            .header(REQUEST_ID, id)
    }

    async fn send(&self, call: Call) -> Result<Reply, Failure> {
        Ok(self.transport.send(call, &*self.tokens).await?)
    }
}
