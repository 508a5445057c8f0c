//! A flow with an HTTP trigger, as Power Automate and Logic Apps run it: the address carries a signature, or a token does
//! its work; the trigger has a schema; each run finds or makes one record for its referral.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::{Query, State as Shared},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::post,
};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::world::{Service, SharedWorld, World};

/// Whose tokens the trigger takes where it wants a sign-in.
pub const AUDIENCE: &str = "https://service.flow.microsoft.com/";

const PATH: &str = "/workflows/8d21b07c54b34df2/triggers/manual/paths/invoke";
const PERMISSION: &str = "/triggers/manual/run";
/// What the body has to have, as the trigger's schema demands.
const SCHEMA: [&str; 5] = [
    "/event/EventName",
    "/event/ResourceUri",
    "/referral/id",
    "/referral/eTag",
    "/idempotencyKey",
];

/// The service's routes.
pub fn router(world: SharedWorld) -> Router {
    Router::new().route(PATH, post(invoke)).with_state(world)
}

/// How the flow is made, and what it did.
#[derive(Debug)]
pub struct State {
    signature: String,
    answer: Answer,
    is_on: bool,
    wants_sign_in: bool,
    records: BTreeMap<String, String>,
    runs: Vec<Run>,
}

/// What the flow answers at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200 with the id of the record.
    Record,
    /// 202 at once: the flow has no response action.
    Nothing,
    /// 200 with this body.
    Body(String),
}

/// One run.
#[derive(Clone, Debug)]
pub struct Run {
    /// `Idempotency-Key` of the request.
    pub key: String,
    /// The request's body.
    pub body: Value,
}

impl Default for State {
    fn default() -> Self {
        Self {
            signature: Uuid::new_v4().simple().to_string(),
            answer: Answer::Record,
            is_on: true,
            wants_sign_in: false,
            records: BTreeMap::new(),
            runs: Vec::new(),
        }
    }
}

impl State {
    /// The `sig` of the address.
    pub fn signature(&self) -> &str {
        &self.signature
    }

    /// Has it answer like this from now on.
    pub fn set_answer(&mut self, answer: Answer) {
        self.answer = answer;
    }

    /// Switches it on or off.
    pub fn switch(&mut self, is_on: bool) {
        self.is_on = is_on;
    }

    /// Has it want a token for [`AUDIENCE`] in place of the signature.
    pub fn want_sign_in(&mut self) {
        self.wants_sign_in = true;
    }

    /// The runs so far.
    pub fn runs(&self) -> Vec<Run> {
        self.runs.clone()
    }

    /// The record of `referral`, if it has one.
    pub fn record(&self, referral: &str) -> Option<String> {
        self.records.get(referral).cloned()
    }

    /// Somebody gives `referral` another record.
    pub fn set_record(&mut self, referral: &str, record: &str) {
        self.records.insert(referral.to_owned(), record.to_owned());
    }

    /// Every record there is.
    pub fn records(&self) -> Vec<String> {
        self.records.values().cloned().collect()
    }

    fn run(&mut self, key: String, body: Value) -> Response {
        let referral = body["referral"]["id"].as_str().unwrap_or_default();
        let new = || Uuid::new_v4().to_string();
        let record = self.records.entry(referral.to_owned()).or_insert_with(new);
        let answer = match &self.answer {
            Answer::Record => Json(json!({ "id": record })).into_response(),
            Answer::Nothing => StatusCode::ACCEPTED.into_response(),
            Answer::Body(text) => text.clone().into_response(),
        };
        self.runs.push(Run { key, body });
        answer
    }
}

impl World {
    /// What `FLOW_URL` has to be: with the signature, unless the flow wants a sign-in.
    pub fn flow_url(&self) -> Url {
        let mut url = self.url(Service::Flow).clone();
        url.set_path(PATH);
        let flow = self.flow.lock();
        let mut query = url.query_pairs_mut();
        query.append_pair("api-version", "2016-06-01");
        if !flow.wants_sign_in {
            let signed = [("sp", PERMISSION), ("sv", "1.0"), ("sig", &flow.signature)];
            query.extend_pairs(signed);
        }
        drop(query);
        url
    }
}

async fn invoke(
    Shared(world): Shared<SharedWorld>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let token = world.authorize(&headers, AUDIENCE);
    let mut flow = world.flow.lock();
    let signed = query.get("sig") == Some(&flow.signature);
    let has_header = headers.contains_key("authorization");
    if flow.wants_sign_in && (token.is_err() || query.contains_key("sig")) {
        return refusal(StatusCode::UNAUTHORIZED, "MisMatchingOAuthClaims");
    }
    if !flow.wants_sign_in && (!signed || has_header) {
        let code = "DirectApiAuthorizationRequired";
        return refusal(StatusCode::UNAUTHORIZED, code);
    }
    if !flow.is_on {
        return refusal(StatusCode::BAD_REQUEST, "WorkflowTriggerIsNotEnabled");
    }
    let has = |member: &&str| body.pointer(member).is_some_and(Value::is_string);
    if !SCHEMA.iter().all(has) {
        return refusal(StatusCode::BAD_REQUEST, "TriggerInputSchemaMismatch");
    }
    let key = headers.get("idempotency-key");
    let key = key.and_then(|key| key.to_str().ok()).unwrap_or_default();
    flow.run(key.to_owned(), body)
}

fn refusal(status: StatusCode, code: &str) -> Response {
    let message = "The request could not be taken.";
    let body = json!({ "error": { "code": code, "message": message } });
    (status, Json(body)).into_response()
}

/// `FLOW_URL`, for a connector whose `SYNC_TARGET` is `flow`.
pub(crate) fn settings(world: &SharedWorld) -> [(&'static str, String); 1] {
    [("FLOW_URL", world.flow_url().into())]
}
