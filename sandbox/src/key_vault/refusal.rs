//! The vault's errors.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use url::Url;

use crate::{
    Claims, Unauthorized,
    entra::{TENANT_ID, VAULT},
};

/// Why a request is refused, in the vault's envelope.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    inner: Option<&'static str>,
    challenge: Option<String>,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            inner: None,
            challenge: None,
        }
    }

    /// Tells the caller that `authority` has the tokens.
    pub(super) fn challenge(authority: &Url, refused: &Unauthorized) -> Self {
        let text = match refused {
            Unauthorized::Missing => {
                "AKV10000: Request is missing a Bearer or PoP token.".to_owned()
            }
            Unauthorized::Unknown => "AKV10032: Invalid issuer.".to_owned(),
            Unauthorized::Expired => "[TokenExpired] Error validating token.".to_owned(),
            Unauthorized::WrongAudience(found) => {
                format!("AKV10022: Invalid audience. Expected {VAULT}, found: {found}.")
            }
        };
        let challenge =
            format!("Bearer authorization=\"{authority}{TENANT_ID}\", resource=\"{VAULT}\"");
        Self {
            challenge: Some(challenge),
            ..Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", text)
        }
    }

    pub(super) fn forbidden(caller: &Claims, action: &str, name: &str) -> Self {
        let text = format!(
            "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny \
             assignments or role definitions were changed recently, please observe propagation \
             time.\r\nCaller: appid={};oid={};iss=https://sts.windows.net/{}/\r\nAction: \
             'Microsoft.KeyVault/vaults/secrets/{action}/action'\r\nResource: \
             '/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/sandbox/providers/\
             microsoft.keyvault/vaults/sandbox/secrets/{name}'\r\nAssignment: (not found)\r\n\
             DenyAssignmentId: null\r\nDecisionReason: null \r\nVault: \
             sandbox;location=westeurope\r\n",
            caller.appid, caller.oid, caller.tid
        );
        Self {
            inner: Some("ForbiddenByRbac"),
            ..Self::new(StatusCode::FORBIDDEN, "Forbidden", text)
        }
    }

    pub(super) fn disabled() -> Self {
        let text = "Operation get is not allowed on a disabled secret.";
        Self {
            inner: Some("SecretDisabled"),
            ..Self::new(StatusCode::FORBIDDEN, "Forbidden", text)
        }
    }

    pub(super) fn not_found(name: &str, version: Option<&str>) -> Self {
        let id = version.map_or_else(|| name.to_owned(), |it| format!("{name}/{it}"));
        let text = format!(
            "A secret with (name/id) {id} was not found in this key vault. If you recently deleted \
             this secret you may be able to recover it using the correct recovery command. For help \
             resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182"
        );
        Self::new(StatusCode::NOT_FOUND, "SecretNotFound", text)
    }

    pub(super) fn bad_parameter(text: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadParameter", text)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = json!({ "error": { "code": self.code, "message": self.message } });
        if let Some(inner) = self.inner {
            body["error"]["innererror"] = json!({ "code": inner });
        }
        let challenge = self.challenge.map(|it| [(header::WWW_AUTHENTICATE, it)]);
        match challenge {
            Some(headers) => (self.status, headers, Json(body)).into_response(),
            None => (self.status, Json(body)).into_response(),
        }
    }
}
