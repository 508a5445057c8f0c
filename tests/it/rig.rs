//! The unmodified program behind the Functions host stand-in, with the sandbox around it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use sandbox::deliveries::{Delivery, Event, REFERRAL_CREATED, REFERRAL_UPDATED};
use sandbox::host::{Host, HostOptions, LogLine, Source, State, Wire};
use sandbox::requests::Record;
use sandbox::{Sandbox, Service, World};
use serde_json::Value;
use uuid::Uuid;

use crate::raw::Raw;

/// The program under test.
pub(crate) const CONNECTOR: &str = env!("CARGO_BIN_EXE_referral-connector");

/// The folder that holds `host.json`.
pub(crate) const APP_ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A parked referral is tried after a second, and while a permission is missing one referral in four seconds.
pub(crate) const IMPATIENT: [(&str, &str); 1] = [("SYNC_RETRY_FIRST_SECONDS", "1")];

/// Longest wait for anything that has to happen.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

/// Where the connector keeps its blobs unless it is told otherwise.
const CONTAINER: &str = "referral-connector";

/// What the sandbox's referrals hold unless a test says otherwise, and how every access and refresh token begins.
const DATA: [&str; 12] = [
    "Tailspin",
    "tailspin.example",
    "Miriam",
    "Okafor",
    "555 0100",
    "Hafenstrasse",
    "Please call them",
    "Andrade",
    "cher@",
    "Brüder",
    "eyJ",
    "1.AX0A",
];

/// Longer than any word a log needs, shorter than the base64 of any token or signature.
const LONG_WORD: usize = 120;

/// Everything, running.
pub(crate) struct Rig {
    pub(crate) sandbox: Sandbox,
    pub(crate) host: Host,
}

/// What the webhook answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Seconds, from `Retry-After`.
    pub(crate) retry_after: Option<u64>,
    pub(crate) body: Value,
}

impl Answer {
    /// The code word.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl Rig {
    /// With the sandbox's settings and these on top.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        Self::with(Sandbox::start().await.unwrap(), Wire::Proxying, settings).await
    }

    /// With a sandbox and a kind of host of one's own.
    pub(crate) async fn with(sandbox: Sandbox, wire: Wire, settings: &[(&str, &str)]) -> Self {
        let mut options = HostOptions::new(APP_ROOT, overlay(sandbox.settings(), settings));
        options.executable = Some(CONNECTOR.into());
        options.wire = wire;
        options.polling.longest_pause = Some(Duration::from_millis(250));
        let host = Host::start(options).await.unwrap();
        Self { sandbox, host }
    }

    pub(crate) fn world(&self) -> &World {
        self.sandbox.world()
    }

    /// Puts a referral into Partner Center without any event, and gives its id.
    pub(crate) fn seed(&self, referral: impl Into<Value>) -> String {
        self.world()
            .partner_center
            .lock()
            .seed_referral(referral)
            .unwrap()
    }

    /// The signed delivery of an event about `referral`.
    pub(crate) fn event(&self, name: &str, referral: &str) -> Delivery {
        let event = Event::referral(name, referral, self.world().clock.now());
        self.world().delivery(&event).unwrap()
    }

    /// Sends a signed `referral-created`.
    pub(crate) async fn created(&self, referral: &str) -> Answer {
        self.send(&self.event(REFERRAL_CREATED, referral)).await
    }

    /// Sends a signed `referral-updated`.
    pub(crate) async fn updated(&self, referral: &str) -> Answer {
        self.send(&self.event(REFERRAL_UPDATED, referral)).await
    }

    /// Sends events about a referral until it is in step: while others wait for a permission, one in a while is tried.
    pub(crate) async fn synced_soon(&self, referral: &str) {
        let begun = Instant::now();
        while self.updated(referral).await.code() != "synced" {
            assert!(begun.elapsed() < BOUND, "it is not synced");
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// Waits until `holds` does.
    pub(crate) async fn until(&self, holds: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            assert!(begun.elapsed() < BOUND, "it never came to that");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends this body, signed as Partner Center signs.
    pub(crate) async fn signed(&self, body: &str) -> Answer {
        let delivery = {
            let certificates = self.world().certificates.lock();
            let (signer, url) = (certificates.signer(), certificates.signer_url());
            Delivery::signed(body.to_owned(), signer, &url, Default::default()).unwrap()
        };
        self.send(&delivery).await
    }

    /// Sends `delivery` through the host, as Partner Center would.
    pub(crate) async fn send(&self, delivery: &Delivery) -> Answer {
        post(&self.host, delivery).await
    }

    /// `delivery` byte by byte, with the function's key.
    pub(crate) fn raw_delivery(&self, path: &str, delivery: &Delivery) -> Raw {
        let mut request = Raw::post(path).header("x-functions-key", self.host.function_key());
        for (name, value) in &delivery.headers {
            request = request.header(name, value);
        }
        request.sized(&delivery.body)
    }

    /// The host's port, which the world outside calls.
    pub(crate) fn outside(&self) -> u16 {
        self.host.url().port().unwrap()
    }

    /// The program's own port, which only the host calls.
    pub(crate) fn handler(&self) -> u16 {
        match self.host.state() {
            State::Running { port, .. } => port,
            state => panic!("no handler runs, the host is {state:?}"),
        }
    }

    /// What the program has logged so far, a line each.
    pub(crate) fn log_lines(&self) -> Vec<Value> {
        let lines = self.host.logs().into_iter();
        lines
            .filter(|line| line.source == Source::Stdout)
            .map(|line| {
                serde_json::from_str(&line.text)
                    .unwrap_or_else(|_| panic!("a line that is no JSON: {}", line.text))
            })
            .collect()
    }

    /// The log lines with this code word, as soon as there are any.
    pub(crate) async fn lines(&self, code: &str) -> Vec<Value> {
        let word = format!("\"code\":\"{code}\"");
        let is_one = |line: &LogLine| line.text.contains(&word);
        self.host.wait_for_log(is_one, BOUND).await.unwrap();
        let mut lines = self.log_lines();
        lines.retain(|line| line["code"] == code);
        lines
    }

    /// The lead with the referral's own id.
    pub(crate) fn lead(&self, referral: &str) -> Option<Value> {
        self.world()
            .dataverse
            .lock()
            .lead(referral.parse().unwrap())
    }

    /// Every lead there is.
    pub(crate) fn leads(&self) -> Vec<Value> {
        self.world().dataverse.lock().leads()
    }

    /// The texts on a lead's timeline.
    pub(crate) fn notes(&self, lead: &str) -> Vec<String> {
        let lead: Uuid = lead.parse().unwrap();
        let notes = self.world().dataverse.lock().notes(lead);
        notes
            .iter()
            .map(|note| note["notetext"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// The referral as Partner Center has it.
    pub(crate) fn referral(&self, id: &str) -> Value {
        self.world().partner_center.lock().referral(id).unwrap()
    }

    /// A seller changes a lead.
    pub(crate) fn seller_edits(&self, lead: &str, columns: &Value) {
        let now = self.world().clock.now();
        self.world()
            .dataverse
            .lock()
            .edit_lead(lead.parse().unwrap(), columns, now)
            .unwrap();
    }

    /// Somebody changes a referral in Partner Center.
    pub(crate) fn partner_center_edits(&self, id: &str, change: &Value) {
        self.world().edit_referral(id, change).unwrap();
    }

    /// A seller enters a lead of which the referral knows nothing, and we get its id.
    pub(crate) fn seed_lead(&self, columns: &Value) -> String {
        let now = self.world().clock.now();
        let seeded = self.world().dataverse.lock().seed_lead(columns, now);
        seeded.unwrap().to_string()
    }

    /// What happens in `act` happened so many hours ago.
    pub(crate) fn hours_ago<T>(&self, hours: i64, act: impl FnOnce(&Self) -> T) -> T {
        let clock = &self.world().clock;
        clock.advance(SignedDuration::from_hours(-hours));
        let result = act(self);
        clock.reset();
        result
    }

    /// As [`outlast_intentions`].
    pub(crate) async fn outlast_intentions(&self, id: &str) {
        outlast_intentions(self.world(), id).await;
    }

    /// The one line the program logged about the call that was answered so.
    pub(crate) async fn log(&self, answer: &Answer) -> Value {
        let id = answer.body["invocationId"].as_str().unwrap().to_owned();
        let is_its = |line: &LogLine| line.source == Source::Stdout && line.text.contains(&id);
        let line = self.host.wait_for_log(is_its, BOUND).await.unwrap();
        serde_json::from_str(&line.text).unwrap()
    }

    /// What the program logged that a person may want to know about the call that was answered so.
    pub(crate) async fn reports(&self, answer: &Answer) -> Vec<String> {
        let log = self.log(answer).await;
        let reports = log["reports"].as_str().unwrap_or_default();
        let reports = reports.split(',').filter(|report| !report.is_empty());
        reports.map(str::to_owned).collect()
    }

    /// Forgets which requests were made so far.
    pub(crate) fn forget_requests(&self) {
        self.world().requests.clear();
    }

    /// Every request to `service` since, as `METHOD /path`.
    pub(crate) fn requests(&self, service: Service) -> Vec<String> {
        self.world().requests.lines(service)
    }

    /// Every patch that was sent to Partner Center since, in order, accepted or not.
    pub(crate) fn patches(&self) -> Vec<Value> {
        let mut records = self.world().requests.of(Service::PartnerCenter);
        records.retain(|record| record.method == "PATCH");
        records.into_iter().filter_map(|it| it.body).collect()
    }

    /// Waits until `service` is working on a request with this method and text in its path.
    pub(crate) async fn wait_for_request(&self, service: Service, method: &str, path: &str) {
        let is_it = |it: &Record| it.method == method && it.path.contains(path);
        let waiting = async {
            while !self.world().requests.of(service).iter().any(is_it) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(BOUND, waiting).await;
        waited.expect("the request is made");
    }

    /// Every request to Partner Center or Dataverse that could have changed something.
    pub(crate) fn writes(&self) -> Vec<Record> {
        let mut records = self.world().requests.of(Service::Dataverse);
        records.extend(self.world().requests.of(Service::PartnerCenter));
        records.retain(|record| record.method != "GET");
        records
    }
}

/// Whatever a test was about: nothing in the program's log may name a person, a customer or a secret.
impl Drop for Rig {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let settings = self.sandbox.settings();
        let secrets = ["PARTNER_CENTER_CLIENT_SECRET", "IDENTITY_HEADER"].map(|it| &*settings[it]);
        let planted = DATA.into_iter().chain(secrets);
        let planted: Vec<&str> = planted.chain([self.host.function_key()]).collect();
        for posted in self.world().requests.of(Service::Receiver) {
            let body = posted.body.unwrap_or_default().to_string();
            let found = planted.iter().find(|text| body.contains(**text));
            assert_eq!(found, None, "{body}");
        }
        for line in self.host.logs() {
            let found = planted.iter().find(|text| line.text.contains(**text));
            assert_eq!(found, None, "{}", line.text);
            let encoded = |it: char| it.is_ascii_alphanumeric() || "+/_-=".contains(it);
            let words = line.text.split(|it| !encoded(it));
            let longest = words.map(str::len).max().unwrap_or_default();
            assert!(longest < LONG_WORD, "{}", line.text);
        }
    }
}

/// Sends `delivery` through `host`.
pub(crate) async fn post(host: &Host, delivery: &Delivery) -> Answer {
    let answer = try_post(host, delivery).await;
    answer.expect("the host answers")
}

/// The same; nothing if the host is going down.
pub(crate) async fn try_post(host: &Host, delivery: &Delivery) -> Option<Answer> {
    let mut headers = HeaderMap::new();
    for (name, value) in &delivery.headers {
        headers.append(
            name.parse::<HeaderName>().unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    let posted = host.post("ReferralWebhook", headers, delivery.body.clone());
    let response = posted.await.ok()?;
    let retry_after = response.headers().get("retry-after");
    Some(Answer {
        status: response.status().as_u16(),
        retry_after: retry_after.map(|it| it.to_str().unwrap().parse().unwrap()),
        body: serde_json::from_slice(response.body()).unwrap_or_default(),
    })
}

/// `settings` with `changes` on top; an empty value takes a setting away.
pub(crate) fn overlay(
    mut settings: BTreeMap<String, String>,
    changes: &[(&str, &str)],
) -> BTreeMap<String, String> {
    for (name, value) in changes {
        if value.is_empty() {
            settings.remove(*name);
        } else {
            settings.insert((*name).to_owned(), (*value).to_owned());
        }
    }
    settings
}

/// What was about to be written to the referral or its lead was so ten minutes ago: whoever was about to is long over.
pub(crate) async fn outlast_intentions(world: &World, id: &str) {
    let name = format!("state/{id}.json");
    let Some(state) = world.storage.blob(CONTAINER, &name).await.unwrap() else {
        return;
    };
    let mut state: Value = serde_json::from_slice(&state).unwrap();
    let past = Timestamp::now() - SignedDuration::from_mins(10);
    let Some(intentions) = state.get_mut("intentions") else {
        return;
    };
    for intention in intentions.as_array_mut().unwrap() {
        intention["deadline"] = past.to_string().into();
    }
    let put = world.storage.put_blob(CONTAINER, &name, state.to_string());
    put.await.unwrap();
}
