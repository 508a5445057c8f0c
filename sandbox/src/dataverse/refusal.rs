//! The answers of Dataverse that are not successes, with their documented codes.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How `error.code` is spelt. Live organisations have been seen to do all three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CodeSpelling {
    /// `0x80040217`.
    #[default]
    Hex,
    /// `-2147220969`.
    SignedDecimal,
    /// An empty string.
    Empty,
}

impl CodeSpelling {
    fn spell(self, code: u32) -> String {
        match self {
            Self::Hex => format!("0x{code:08x}"),
            Self::SignedDecimal => code.cast_signed().to_string(),
            Self::Empty => String::new(),
        }
    }
}

/// Why Dataverse did not do what a request asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// The error code, as Microsoft's list of Web service error codes numbers it.
    pub code: u32,
    /// The text.
    pub message: String,
    /// Seconds to wait, in `Retry-After`.
    pub retry_after: Option<u64>,
}

pub(super) type Outcome<T> = Result<T, Refusal>;

impl Refusal {
    fn new(status: StatusCode, code: u32, message: String) -> Self {
        Self {
            status,
            code,
            message,
            retry_after: None,
        }
    }

    /// `error.code` in hex, `error.message` as given.
    pub(super) fn bad_request(code: u32, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message.into())
    }

    /// The body does not fit the table's type.
    pub(super) fn payload(detail: impl std::fmt::Display) -> Self {
        Self::bad_request(
            0x8004_8d19,
            format!(
                "Error identified in Payload provided by the user for Entity :'', InnerException : \
                 Microsoft.OData.ODataException: {detail}"
            ),
        )
    }

    /// The query string cannot be understood.
    pub(super) fn query(detail: impl Into<String>) -> Self {
        Self::bad_request(0x8006_0888, detail)
    }

    pub(super) fn unknown_segment(segment: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            0x8006_088a,
            format!("Resource not found for the segment '{segment}'."),
        )
    }

    pub(super) fn method_not_allowed(method: &str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            0x8006_088a,
            format!("The requested resource does not support http method '{method}'."),
        )
    }

    pub(super) fn no_row(table: &str, id: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            0x8004_0217,
            format!("{table} With Id = {id} Does Not Exist"),
        )
    }

    pub(super) fn no_row_by_key(table: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            0x8006_0891,
            format!("A record with the specified key values does not exist in {table} entity"),
        )
    }

    pub(super) fn undefined_key(table: &str) -> Self {
        Self::bad_request(
            0x8006_0890,
            format!(
                "The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.{table}'. Ensure \
                 that the names and number of key properties match the declared or alternate key properties for \
                 the resource 'Microsoft.Dynamics.CRM.{table}'."
            ),
        )
    }

    pub(super) fn version_mismatch() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            0x8006_0882,
            "The version of the existing record doesn't match the RowVersion property provided."
                .to_owned(),
        )
    }

    pub(super) fn already_exists() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            0x8004_0237,
            "A record with matching key values already exists.".to_owned(),
        )
    }

    pub(super) fn duplicate_key(table: &str) -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            0x8006_0892,
            format!(
                "A record that has the attribute values already exists. The entity key of {table} requires \
                 that this set of attributes contains unique values. Select unique values and try again."
            ),
        )
    }

    pub(super) fn duplicate_detected() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            0x8004_0333,
            "A record was not created or updated because a duplicate of the current record already exists."
                .to_owned(),
        )
    }

    pub(super) fn missing_privilege(user: uuid::Uuid, privilege: &str, table: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            0x8004_0220,
            format!(
                "Principal user (Id={user}, type=8) is missing {privilege} privilege for entity '{table}'"
            ),
        )
    }

    pub(super) fn no_application_user() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            0x8007_2560,
            "The user is not a member of the organization.".to_owned(),
        )
    }

    pub(super) fn throttled(code: u32, message: String, retry_after: u64) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, code, message)
        }
    }

    pub(super) fn into_response(self, spelling: CodeSpelling) -> Response {
        let body = json!({"error": {"code": spelling.spell(self.code), "message": self.message}});
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "0x{:08x}: {}", self.code, self.message)
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_spelt_in_hex_in_signed_decimal_or_not_at_all() {
        assert_eq!(CodeSpelling::Hex.spell(0x8004_0217), "0x80040217");
        assert_eq!(
            CodeSpelling::SignedDecimal.spell(0x8004_0217),
            "-2147220969"
        );
        assert_eq!(CodeSpelling::Empty.spell(0x8004_0217), "");
    }
}
