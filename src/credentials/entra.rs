//! Entra ID's token endpoint, for the user we are at Partner Center.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use url::{Url, form_urlencoded};

use super::wire::Tokens;
use super::{AccessToken, Identity, TokenError, advice};
use crate::config::PartnerCenterConfig;
use crate::failure::{Classify, Disposition};
use crate::upstream::{Call, CallError, Transport, Upstream};

/// The endpoint, and the application we are there.
#[derive(Clone)]
pub(super) struct Entra {
    endpoint: Url,
    client_id: String,
    client_secret: SecretString,
    transport: Transport,
}

/// What a sign-in gave.
pub(super) struct Granted {
    pub(super) access: AccessToken,
    /// The successor of the refresh token that was used.
    pub(super) refresh: Option<SecretString>,
}

impl Entra {
    pub(super) fn new(config: &PartnerCenterConfig, transport: Transport) -> Self {
        Self {
            endpoint: endpoint(config, &["oauth2", "v2.0", "token"]),
            client_id: config.client_id.clone(),
            client_secret: config.client_secret.clone(),
            transport,
        }
    }

    /// Tokens for `audience` by a refresh token.
    pub(super) async fn redeem(
        &self,
        refresh_token: &SecretString,
        audience: &str,
    ) -> Result<Granted, TokenError> {
        let grant = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose_secret()),
        ];
        self.sign_in("redeem refresh token", &grant, audience).await
    }

    /// Tokens for `audience` by user name and password.
    pub(super) async fn sign_in_by_password(
        &self,
        username: &str,
        password: &SecretString,
        audience: &str,
    ) -> Result<Granted, TokenError> {
        let grant = [
            ("grant_type", "password"),
            ("username", username),
            ("password", password.expose_secret()),
        ];
        self.sign_in("sign in by password", &grant, audience).await
    }

    async fn sign_in(
        &self,
        operation: &'static str,
        grant: &[(&str, &str)],
        audience: &str,
    ) -> Result<Granted, TokenError> {
        let scope = format!("{} offline_access", default_scope(audience));
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", self.client_secret.expose_secret())
            .append_pair("scope", &scope)
            .extend_pairs(grant)
            .finish();
        let call = Call::new(
            Upstream::EntraId,
            operation,
            Method::POST,
            self.endpoint.clone(),
            audience,
        )
        .body(
            HeaderValue::from_static("application/x-www-form-urlencoded"),
            form,
        )
        // Neither grant is used up by being used.
        .repeatable();
        let reply = self
            .transport
            .send_anonymously(call)
            .await
            .map_err(refused)?;
        let tokens: Tokens = reply.json().map_err(unavailable)?;
        let lifetime = Duration::from_secs(tokens.expires_in);
        let access = AccessToken::new(tokens.access_token, lifetime).map_err(unavailable)?;
        let refresh = tokens.refresh_token.filter(|it| !it.is_empty());
        Ok(Granted {
            access,
            refresh: refresh.map(SecretString::from),
        })
    }
}

/// The address `path` of the user's tenant.
pub(super) fn endpoint(config: &PartnerCenterConfig, path: &[&str]) -> Url {
    let mut endpoint = config.authority.clone();
    endpoint
        .path_segments_mut()
        .expect("an https address has path segments")
        .pop_if_empty()
        .push(&config.tenant_id)
        .extend(path);
    endpoint
}

/// All that was consented to at `audience`.
pub(super) fn default_scope(audience: &str) -> String {
    format!("{}/.default", audience.trim_end_matches('/'))
}

/// What a failed call of the token endpoint means.
pub(super) fn refused(error: CallError) -> TokenError {
    let identity = Identity::PartnerCenterUser;
    let Some(refusal) = error.refusal() else {
        return unavailable(error);
    };
    let passing = matches!(refusal.disposition(), Disposition::Retry { .. });
    // The endpoint says 400 or 401 to a sign-in it refuses; anything else is not about the sign-in.
    if passing || advice::passes_by_itself(&refusal.codes) {
        return unavailable(error);
    }
    TokenError::Refused {
        identity,
        reason: reason(refusal.status, &refusal.codes),
        advice: advice::advice(identity, &refusal.codes),
    }
}

pub(super) fn unavailable(source: impl Classify + Send + Sync + 'static) -> TokenError {
    let after = match source.disposition() {
        Disposition::Retry { after } => after,
        _ => None,
    };
    TokenError::Unavailable {
        identity: Identity::PartnerCenterUser,
        after,
        source: Arc::new(source),
    }
}

/// The codes of a refusal in the form that people search for.
pub(super) fn reason(status: StatusCode, codes: &[String]) -> String {
    if codes.is_empty() {
        return format!("status {}", status.as_u16());
    }
    let codes = codes.iter().map(|code| {
        let number = code.bytes().all(|it| it.is_ascii_digit());
        format!("{}{code}", if number { "AADSTS" } else { "" })
    });
    codes.collect::<Vec<_>>().join(", ")
}
