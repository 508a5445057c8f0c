//! The device code flow: a code that a user enters in any browser, and an application that asks until they did.

use std::collections::HashMap;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State as Shared},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use url::form_urlencoded;

use super::{
    State,
    directory::SignIn,
    jwt,
    refusal::Refusal,
    scope,
    token::{Granted, Request},
};
use crate::world::{Service, SharedWorld};

const LIFE: SignedDuration = SignedDuration::from_mins(15);

/// Device codes, and what becomes of them.
#[derive(Debug)]
pub struct Devices {
    codes: HashMap<String, Device>,
    /// The seconds between two questions that applications are told to keep.
    pub interval: u64,
    /// Whether conditional access blocks this flow, as Microsoft's own policy does: AADSTS53003.
    pub blocked: bool,
}

impl Default for Devices {
    fn default() -> Self {
        Self {
            codes: HashMap::new(),
            interval: 5,
            blocked: false,
        }
    }
}

#[derive(Debug)]
struct Device {
    user_code: String,
    client: String,
    scope: String,
    expires: Timestamp,
    answer: Option<Answer>,
}

/// What the user did.
#[derive(Clone, Debug)]
enum Answer {
    SignedIn(SignIn),
    Declined,
}

/// An application asks for a code to show.
pub(super) async fn begin(
    Shared(world): Shared<SharedWorld>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let now = world.clock.now();
    let request = Request::read(false, &headers, &body, now);
    let base = world.url(Service::Entra);
    let begun = world.entra.lock().begin_device(&tenant, &request);
    match begun {
        Ok((device_code, user_code, interval)) => {
            let address = format!("{base}common/oauth2/deviceauth");
            Json(json!({
                "user_code": user_code,
                "device_code": device_code,
                "verification_uri": address,
                "expires_in": LIFE.as_secs(),
                "interval": interval,
                "message": format!("To sign in, open the page {address} and enter the code {user_code}."),
            }))
            .into_response()
        }
        Err(refusal) => refusal.response(&headers, base, now),
    }
}

/// The user enters a code (`otc`), and signs in or declines (`decline`).
pub(super) async fn enter(Shared(world): Shared<SharedWorld>, body: Bytes) -> Response {
    let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let code = form.get("otc").map(String::as_str).unwrap_or_default();
    let declines = form.contains_key("decline");
    if world.entra.lock().enter_device_code(code, declines) {
        (StatusCode::OK, "You may close this window.").into_response()
    } else {
        (StatusCode::BAD_REQUEST, "That code did not work.").into_response()
    }
}

impl State {
    fn begin_device(
        &mut self,
        tenant: &str,
        request: &Request,
    ) -> Result<(String, String, u64), Refusal> {
        let client = request.required("client_id")?;
        self.find(tenant, client)?;
        let scope = request.required("scope")?;
        scope::parse(scope)?;
        let (device_code, user_code) = (jwt::opaque("", 96), jwt::opaque("", 6).to_uppercase());
        let device = Device {
            user_code: user_code.clone(),
            client: client.to_owned(),
            scope: scope.to_owned(),
            expires: request.now.checked_add(LIFE).unwrap_or(Timestamp::MAX),
            answer: None,
        };
        self.devices.codes.insert(device_code.clone(), device);
        Ok((device_code, user_code, self.devices.interval))
    }

    /// The user of the browser answers; says whether the code was one to answer.
    fn enter_device_code(&mut self, user_code: &str, declines: bool) -> bool {
        let mfa = self
            .users
            .get(&self.browser)
            .is_some_and(|it| it.second_factor);
        let sign_in = SignIn {
            user: self.browser.clone(),
            mfa,
            nonce: None,
        };
        let mut devices = self.devices.codes.values_mut();
        let device = devices.find(|it| it.user_code == user_code && it.answer.is_none());
        let Some(device) = device else {
            return false;
        };
        device.answer = Some(if declines {
            Answer::Declined
        } else {
            Answer::SignedIn(sign_in)
        });
        true
    }

    /// An application asks whether the user has answered.
    pub(super) fn device_code(
        &mut self,
        tenant: &str,
        client: &str,
        request: &Request,
    ) -> Result<Granted, Refusal> {
        let code = request.required("device_code")?;
        let device = self
            .devices
            .codes
            .get(code)
            .filter(|it| it.client == client)
            .ok_or_else(Refusal::bad_device_code)?;
        if device.expires <= request.now {
            return Err(Refusal::device_code_expired());
        }
        let sign_in = match &device.answer {
            None => return Err(Refusal::device_pending()),
            Some(Answer::Declined) => return Err(Refusal::device_declined()),
            Some(Answer::SignedIn(_)) if self.devices.blocked => {
                return Err(Refusal::conditional_access());
            }
            Some(Answer::SignedIn(sign_in)) => sign_in.clone(),
        };
        let wanted = scope::parse(&device.scope)?;
        self.devices.codes.remove(code);
        self.for_user("device_code", (tenant, client), &sign_in, wanted, request)
    }
}
