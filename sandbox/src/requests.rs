//! The log of every request that reached a service.

use std::{collections::BTreeMap, sync::Mutex};

use axum::http::{HeaderMap, Method, Uri, header};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::world::{Service, lock};

/// One request and how it was answered.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The service it reached.
    pub service: Service,
    /// Its method.
    pub method: String,
    /// Its path as sent, still percent-encoded.
    pub path: String,
    /// Its query as sent, without the question mark.
    pub query: Option<String>,
    /// Its headers by lower-case name. Credentials are reduced to their scheme.
    pub headers: BTreeMap<String, String>,
    /// Its body, when that was JSON.
    pub body: Option<Value>,
    /// The status it got; `None` while it runs, and for ever when no answer was sent.
    pub status: Option<u16>,
    /// When it arrived, by the sandbox's clock.
    pub started: Timestamp,
    /// When it was answered or its connection cut.
    pub finished: Option<Timestamp>,
}

impl Record {
    /// Method and path, as in `GET /cert/signer.cer`.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// All requests since the start, or since the log was cleared, in order of arrival.
#[derive(Debug, Default)]
pub struct RequestLog {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    next: u64,
    records: BTreeMap<u64, Record>,
}

impl RequestLog {
    /// Every request.
    pub fn all(&self) -> Vec<Record> {
        lock(&self.entries).records.values().cloned().collect()
    }

    /// The requests that reached `service`.
    pub fn of(&self, service: Service) -> Vec<Record> {
        let mut records = self.all();
        records.retain(|it| it.service == service);
        records
    }

    /// Method and path of the requests that reached `service`.
    pub fn lines(&self, service: Service) -> Vec<String> {
        self.of(service).iter().map(Record::line).collect()
    }

    /// How many requests there were.
    pub fn count(&self) -> usize {
        lock(&self.entries).records.len()
    }

    /// Forgets all requests. One that still runs is not logged again when it ends.
    pub fn clear(&self) {
        lock(&self.entries).records.clear();
    }

    pub(crate) fn start(&self, record: Record) -> u64 {
        let mut entries = lock(&self.entries);
        let id = entries.next;
        entries.next += 1;
        entries.records.insert(id, record);
        id
    }

    pub(crate) fn finish(&self, id: u64, status: Option<u16>, now: Timestamp) {
        if let Some(record) = lock(&self.entries).records.get_mut(&id) {
            record.status = status;
            record.finished = Some(now);
        }
    }
}

pub(crate) fn record(
    service: Service,
    (method, uri, headers): (&Method, &Uri, &HeaderMap),
    body: &[u8],
    started: Timestamp,
) -> Record {
    Record {
        service,
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().map(str::to_owned),
        headers: loggable(headers),
        body: serde_json::from_slice(body).ok(),
        status: None,
        started,
        finished: None,
    }
}

fn loggable(headers: &HeaderMap) -> BTreeMap<String, String> {
    let text = |name: &header::HeaderName, value: &str| match name.as_str() {
        "authorization" => value.split(' ').next().unwrap_or_default().to_owned(),
        "cookie" | "x-identity-header" => "…".to_owned(),
        _ => value.to_owned(),
    };
    headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.as_str().to_owned(), text(name, &value))
        })
        .collect()
}
