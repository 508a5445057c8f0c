//! The errors of the token endpoints, in the envelope and with the numbers of the real ones.

use axum::{
    Json,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

/// Why no token is given.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    pub(super) error: &'static str,
    code: u32,
    text: String,
    suberror: Option<&'static str>,
}

impl Refusal {
    fn new(error: &'static str, code: u32, text: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error,
            code,
            text: text.into(),
            suberror: None,
        }
    }

    fn client(code: u32, text: impl Into<String>) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            ..Self::new("invalid_client", code, text)
        }
    }

    fn with_suberror(self, suberror: &'static str) -> Self {
        Self {
            suberror: Some(suberror),
            ..self
        }
    }

    pub(super) fn missing(parameter: &str) -> Self {
        let text = format!("The request body must contain the following parameter: '{parameter}'.");
        Self::new("invalid_request", 900_144, text)
    }

    pub(super) fn unknown_tenant(tenant: &str) -> Self {
        let text = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are \
             signing into the correct cloud. Check with your subscription administrator, this may \
             happen if there are no active subscriptions for the tenant."
        );
        Self::new("invalid_request", 90_002, text)
    }

    pub(super) fn not_multi_tenant(client: &str) -> Self {
        let text = format!(
            "Application '{client}' is not configured as a multi-tenant application. Usage of the \
             /common endpoint is not supported for such apps. Use a tenant-specific endpoint or \
             configure the application to be multi-tenant."
        );
        Self::new("invalid_request", 50_194, text)
    }

    pub(super) fn unknown_client(client: &str, tenant: &str) -> Self {
        let text = format!(
            "Application with identifier '{client}' was not found in the directory '{tenant}'. This \
             can happen if the application has not been installed by the administrator of the tenant \
             or consented to by any user in the tenant. You may have sent your authentication \
             request to the wrong tenant."
        );
        Self::new("unauthorized_client", 700_016, text)
    }

    pub(super) fn no_secret() -> Self {
        let text = "The request body must contain the following parameter: 'client_assertion' or \
                    'client_secret'.";
        Self::client(7_000_218, text)
    }

    pub(super) fn wrong_secret(client: &str) -> Self {
        let text = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the \
             client secret value, not the client secret ID, for a secret added to app '{client}'."
        );
        Self::client(7_000_215, text)
    }

    pub(super) fn expired_secret(client: &str) -> Self {
        let text = format!(
            "The provided client secret keys for app '{client}' are expired. Visit the Azure portal to create new keys for your app."
        );
        Self::client(7_000_222, text)
    }

    pub(super) fn unsupported_grant(grant: &str) -> Self {
        let text = format!("The app requested an unsupported grant type '{grant}'.");
        Self::new("unsupported_grant_type", 70_003, text)
    }

    pub(super) fn unsupported_response_type(response_type: &str) -> Self {
        let text = format!("Unsupported response type '{response_type}'.");
        Self::new("unsupported_response_type", 70_005, text)
    }

    pub(super) fn redirect_not_registered(redirect: &str, client: &str) -> Self {
        let text = format!(
            "The redirect URI '{redirect}' specified in the request does not match the redirect URIs \
             configured for the application '{client}'."
        );
        Self::new("invalid_request", 50_011, text)
    }

    pub(super) fn redirect_differs() -> Self {
        let text = "The reply address does not match the reply address provided when requesting \
                    Authorization code.";
        Self::new("invalid_client", 500_112, text)
    }

    pub(super) fn single_page() -> Self {
        let text = "Tokens issued for the 'Single-Page Application' client-type may only be redeemed \
                    via cross-origin requests.";
        Self::new("invalid_request", 9_002_327, text)
    }

    pub(super) fn other_tenant(user: &str, tenant: &str, client: &str) -> Self {
        let text = format!(
            "User account '{user}' from another identity provider does not exist in tenant '{tenant}' \
             and cannot access the application '{client}' in that tenant. The account needs to be \
             added as an external user in the tenant first."
        );
        Self::new("invalid_request", 50_020, text)
    }

    pub(super) fn consent_declined() -> Self {
        let text = "User declined to consent to access the app.";
        Self::new("access_denied", 65_004, text)
    }

    pub(super) fn scope(scope: &str) -> Self {
        let text = format!(
            "The provided value for the input parameter 'scope' isn't valid. The scope {scope} isn't \
             valid."
        );
        Self::new("invalid_scope", 70_011, text)
    }

    pub(super) fn several_resources(scope: &str) -> Self {
        let text = format!(
            "Provided value for the input parameter scope '{scope}' is not valid because it contains \
             more than one resource."
        );
        Self::new("invalid_request", 28_000, text)
    }

    pub(super) fn not_default(scope: &str) -> Self {
        let text = format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have a \
             scope value with /.default suffixed to the resource identifier (application ID URI)."
        );
        Self::new("invalid_scope", 1_002_012, text)
    }

    pub(super) fn unknown_resource(resource: &str, tenant: &str) -> Self {
        let text = format!(
            "The resource principal named {resource} was not found in the tenant named {tenant}. \
             This can happen if the application has not been installed by the administrator of the \
             tenant or consented to by any user in the tenant."
        );
        Self::new("invalid_resource", 500_011, text)
    }

    pub(super) fn consent(client: &str) -> Self {
        let text = format!(
            "The user or administrator has not consented to use the application with ID '{client}'. \
             Send an interactive authorization request for this user and resource."
        );
        Self::new("invalid_grant", 65_001, text).with_suberror("consent_required")
    }

    pub(super) fn malformed_grant() -> Self {
        let text = "Invalid request. Request is malformed or invalid.";
        Self::new("invalid_grant", 9_002_313, text)
    }

    pub(super) fn other_client() -> Self {
        let text = "Provided grant is invalid or malformed.";
        Self::new("invalid_grant", 70_000, text)
    }

    pub(super) fn inactive(issued: Timestamp) -> Self {
        let text = format!(
            "The refresh token has expired due to inactivity. The token was issued on {issued:.7} \
             and was inactive for 90.00:00:00."
        );
        Self::new("invalid_grant", 700_082, text)
    }

    pub(super) fn revoked(issued: Timestamp, valid_from: Timestamp) -> Self {
        let text = format!(
            "The provided grant has expired due to it being revoked, a fresh auth token is needed. \
             The user might have changed or reset their password. The grant was issued on \
             '{issued:.7}' and the TokensValidFrom date (before which tokens are not valid) for this \
             user is '{valid_from:.7}'."
        );
        Self::new("invalid_grant", 50_173, text)
    }

    /// The first endpoints say `interaction_required`, the second say it in a suberror.
    pub(super) fn mfa(resource: &str, v1: bool) -> Self {
        let text = format!(
            "Due to a configuration change made by your administrator, or because you moved to a new \
             location, you must use multi-factor authentication to access '{resource}'."
        );
        Self::interaction(50_076, text, v1)
    }

    pub(super) fn mfa_expired(resource: &str, v1: bool) -> Self {
        let text = format!(
            "Presented multi-factor authentication has expired due to policies configured by your \
             administrator, you must refresh your multi-factor authentication to access '{resource}'."
        );
        Self::interaction(50_078, text, v1)
    }

    fn interaction(code: u32, text: String, v1: bool) -> Self {
        if v1 {
            Self::new("interaction_required", code, text)
        } else {
            Self::new("invalid_grant", code, text).with_suberror("basic_action")
        }
    }

    pub(super) fn code_used() -> Self {
        let text = "OAuth2 Authorization code was already redeemed, please retry with a new valid \
                    code or use an existing refresh token.";
        Self::new("invalid_grant", 54_005, text)
    }

    pub(super) fn code_expired() -> Self {
        let text = "The provided authorization code or refresh token has expired due to inactivity. \
                    Send a new interactive authorization request for this user and resource.";
        Self::new("invalid_grant", 70_008, text)
    }

    pub(super) fn device_pending() -> Self {
        let text = "OAuth 2.0 device flow error. Authorization is pending. Continue polling.";
        Self::new("authorization_pending", 70_016, text)
    }

    pub(super) fn device_declined() -> Self {
        let text = "OAuth 2.0 device flow error. The user has denied the request.";
        Self::new("authorization_declined", 70_018, text)
    }

    pub(super) fn bad_device_code() -> Self {
        let text = "The provided value for the input parameter 'device_code' is not valid.";
        Self::new("bad_verification_code", 70_019, text)
    }

    pub(super) fn device_code_expired() -> Self {
        let text = "The provided value for the input parameter 'device_code' is not valid. This device code has expired.";
        Self::new("expired_token", 70_020, text)
    }

    pub(super) fn conditional_access() -> Self {
        let text = "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.";
        Self::new("invalid_grant", 53_003, text).with_suberror("message_only")
    }

    pub(super) fn code_verifier() -> Self {
        let text = "The Code_Verifier does not match the code_challenge supplied in the \
                    authorization request.";
        Self::new("invalid_grant", 501_481, text)
    }

    pub(super) fn unknown_user(user: &str) -> Self {
        let text = format!("The user account {user} does not exist in the directory.");
        Self::new("invalid_grant", 50_034, text)
    }

    pub(super) fn wrong_password() -> Self {
        let text = "Error validating credentials due to invalid username or password.";
        Self::new("invalid_grant", 50_126, text)
    }

    /// The text with the ids and the time, as it is also put into redirects.
    pub(super) fn description(&self, trace: Uuid, correlation: &str, now: Timestamp) -> String {
        format!(
            "AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {}",
            self.code,
            self.text,
            written(now),
        )
    }

    /// The answer of the token endpoint of `authority` to a request with `headers`.
    pub(super) fn response(
        &self,
        headers: &HeaderMap,
        authority: &Url,
        now: Timestamp,
    ) -> Response {
        let trace = Uuid::new_v4();
        let correlation = correlation_id(headers);
        let mut body = json!({
            "error": self.error,
            "error_description": self.description(trace, &correlation, now),
            "error_codes": [self.code],
            "timestamp": written(now),
            "trace_id": trace.to_string(),
            "correlation_id": correlation,
            "error_uri": format!("{authority}error?code={}", self.code),
        });
        if let Some(suberror) = self.suberror {
            body["suberror"] = Value::from(suberror);
        }
        (self.status, Json(body)).into_response()
    }
}

/// The caller's `client-request-id`, or a new one.
pub(super) fn correlation_id(headers: &HeaderMap) -> String {
    headers
        .get("client-request-id")
        .and_then(|it| it.to_str().ok())
        .map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
}

fn written(now: Timestamp) -> String {
    now.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}
