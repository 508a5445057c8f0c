//! From a code to tokens. The protocol is the library's, the sending is our transport's.

use std::borrow::Cow;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, DeviceAuthorizationUrl,
    EndpointNotSet, EndpointSet, ErrorResponseType, HttpRequest, HttpResponse, RedirectUrl,
    RequestTokenError, StandardErrorResponse, StandardRevocableToken, StandardTokenResponse,
    TokenResponse, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::answer::codes;
use super::claims::Asked;
use super::wire::IdToken;
use super::{Attempt, ConsentError, SecureApplication, SignedIn, Tenant, advice};
use crate::credentials::entra::{self, endpoint, reason};
use crate::credentials::{AccessToken, Identity, TokenError};
use crate::failure::{Classify, Disposition};
use crate::upstream::{Call, CallError, Transport, Upstream};

/// What the token endpoint gives.
pub(super) type Tokens = StandardTokenResponse<IdToken, BasicTokenType>;

/// The app registration as OAuth sees it.
pub(super) type OAuth = Client<
    BasicErrorResponse,
    Tokens,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

impl SecureApplication {
    pub(super) fn oauth(&self) -> OAuth {
        let address = |name| endpoint(&self.config, &["oauth2", "v2.0", name]);
        let secret = self.config.client_secret.expose_secret().to_owned();
        Client::new(ClientId::new(self.config.client_id.clone()))
            .set_client_secret(ClientSecret::new(secret))
            .set_auth_type(AuthType::RequestBody)
            .set_auth_uri(AuthUrl::from_url(address("authorize")))
            .set_device_authorization_url(DeviceAuthorizationUrl::from_url(address("devicecode")))
            .set_token_uri(TokenUrl::from_url(address("token")))
    }

    /// Redeems the code that answers `attempt`.
    pub async fn redeem(
        &self,
        tenant: &Tenant,
        attempt: Attempt,
        code: &SecretString,
    ) -> Result<SignedIn, ConsentError> {
        let send = |request| send(&self.transport, "redeem authorization code", request);
        let oauth = self.oauth();
        let redirect = RedirectUrl::from_url(attempt.redirect);
        let tokens = oauth
            .exchange_code(AuthorizationCode::new(code.expose_secret().to_owned()))
            .set_pkce_verifier(attempt.verifier)
            .set_redirect_uri(Cow::Owned(redirect))
            .request_async(&send)
            .await
            .map_err(|error| ConsentError::SignIn(refused(error)))?;
        self.signed_in(tenant, Some(&attempt.nonce), &tokens)
    }

    pub(super) fn signed_in(
        &self,
        tenant: &Tenant,
        nonce: Option<&str>,
        tokens: &Tokens,
    ) -> Result<SignedIn, ConsentError> {
        let asked = Asked {
            tenant,
            client_id: &self.config.client_id,
            nonce,
        };
        let id_token = tokens.extra_fields().id_token.as_deref();
        let person = asked.person(id_token.unwrap_or_default(), Timestamp::now())?;
        let refresh = tokens.refresh_token().ok_or(ConsentError::NoRefreshToken)?;
        let lifetime = tokens.expires_in().unwrap_or(Duration::ZERO);
        let access = AccessToken::new(tokens.access_token().secret().clone(), lifetime);
        Ok(SignedIn {
            person,
            access: access.map_err(|error| ConsentError::SignIn(entra::unavailable(error)))?,
            refresh: SecretString::from(refresh.secret().as_str()),
        })
    }
}

/// That Entra ID refused, in these codes.
pub(super) fn no(codes: &[String]) -> TokenError {
    let identity = Identity::PartnerCenterUser;
    if advice::passes_by_itself(codes) {
        return entra::unavailable(Passing(reason(StatusCode::BAD_REQUEST, codes)));
    }
    TokenError::Refused {
        identity,
        reason: reason(StatusCode::BAD_REQUEST, codes),
        advice: advice::advice_on_code(codes),
    }
}

/// What the library could not get.
pub(super) fn refused<T>(
    error: RequestTokenError<CallError, StandardErrorResponse<T>>,
) -> TokenError
where
    StandardErrorResponse<T>: oauth2::ErrorResponse,
    T: ErrorResponseType + AsRef<str> + 'static,
{
    match error {
        RequestTokenError::ServerResponse(answer) => no(&codes(
            answer.error().as_ref(),
            answer.error_description().map(String::as_str),
        )),
        RequestTokenError::Request(error) => entra::refused(error),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            entra::unavailable(Passing("no document of OAuth".to_owned()))
        }
    }
}

/// Entra ID cannot answer now.
#[derive(Debug, thiserror::Error)]
#[error("Entra ID could not answer ({0})")]
struct Passing(String);

impl Classify for Passing {
    fn disposition(&self) -> Disposition {
        Disposition::RETRY
    }
}

/// Sends what the library wants sent.
pub(super) async fn send(
    transport: &Transport,
    operation: &'static str,
    request: HttpRequest,
) -> Result<HttpResponse, CallError> {
    let (head, body) = request.into_parts();
    let url = Url::parse(&head.uri.to_string()).expect("the library was given an address");
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    let form = head.headers.get(CONTENT_TYPE).cloned().unwrap_or(form);
    let call = Call::new(Upstream::EntraId, operation, head.method, url, "")
        .body(form, body)
        .refusals_are_answers();
    let reply = transport.send_anonymously(call).await?;
    let mut response = HttpResponse::new(reply.body.into());
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    Ok(response)
}
