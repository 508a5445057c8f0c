//! One attempt to sign in by a browser: the address to open, and what has to come back.

use std::borrow::Cow;

use oauth2::{CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope};
use url::Url;

use super::{Answer, SecureApplication};
use crate::credentials::entra::default_scope;

/// One attempt to sign in by a browser. Its `state` and nonce are random, and good for it alone.
pub struct Attempt {
    /// Where the person signs in.
    pub address: Url,
    pub(super) redirect: Url,
    pub(super) nonce: String,
    pub(super) verifier: PkceCodeVerifier,
    state: CsrfToken,
}

/// What a listener has to know to tell the answers of an attempt from others.
#[derive(Clone)]
pub(super) struct Expected(String);

impl SecureApplication {
    /// A new attempt, whose browser comes back to `redirect`.
    ///
    /// The second factor is demanded by `amr_values=mfa`, as Microsoft's samples of the secure application model do, and
    /// `prompt=login` keeps a session without one from being used.
    pub fn attempt(&self, redirect: Url) -> Attempt {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let nonce = CsrfToken::new_random().into_secret();
        let oauth = self.oauth();
        let address = oauth
            .authorize_url(CsrfToken::new_random)
            .add_scopes(scopes(&self.config.audience))
            .set_pkce_challenge(challenge)
            .set_redirect_uri(Cow::Owned(RedirectUrl::from_url(redirect.clone())))
            .add_extra_param("response_mode", "query")
            .add_extra_param("nonce", &nonce)
            .add_extra_param("prompt", "login")
            .add_extra_param("amr_values", "mfa");
        let (address, state) = address.url();
        Attempt {
            address,
            redirect,
            nonce,
            verifier,
            state,
        }
    }
}

impl Attempt {
    /// What the text that a person pasted says: the address of the page that the sign-in ended on.
    pub fn pasted(&self, text: &str) -> Answer {
        Answer::pasted(text, self.state.secret())
    }

    pub(super) fn expected(&self) -> Expected {
        Expected(self.state.secret().clone())
    }
}

impl Expected {
    /// What the query of a redirect says.
    pub(super) fn read(&self, query: &str) -> Answer {
        Answer::read(query, &self.0)
    }
}

/// What a sign-in asks for: the referrals, a refresh token, and who it is.
pub(super) fn scopes(audience: &str) -> [Scope; 4] {
    let referrals = default_scope(audience);
    [&referrals, "offline_access", "openid", "profile"].map(|it| Scope::new(it.to_owned()))
}
