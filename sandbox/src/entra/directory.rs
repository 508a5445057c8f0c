//! Who exists: tenants, applications and users, and what was granted to them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

/// How long an unused refresh token lives.
pub const REFRESH_TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The tenant everything in a new sandbox belongs to.
pub const TENANT_ID: &str = "5a7d60c4-1d5e-4f0a-9c0e-3b1c7a2d9e10";

/// That tenant's verified domain, which stands for its id in addresses.
pub const DOMAIN: &str = "sandbox.invalid";

/// The application the connector signs in as.
pub const CLIENT_ID: &str = "c0117ec7-0e5a-4b1d-8f3e-6d2a9b7c4e21";

/// That application's secret.
pub const CLIENT_SECRET: &str = "Sbx8Q~connector.client-secret_4f0a9c0e3b1c";

/// The user who is signed in wherever a browser is sent.
pub const USER_NAME: &str = "connector@sandbox.invalid";

/// That user's password.
pub const PASSWORD: &str = "correct-horse-battery-staple";

/// A registered application.
#[derive(Clone, Debug)]
pub struct App {
    /// The tenant that owns it.
    pub tenant: String,
    /// The object id of its service principal: `oid` of its app-only tokens.
    pub object_id: String,
    /// Whether tenants other than its own may use it, and so `/common`.
    pub multi_tenant: bool,
    /// Its secrets, each with the moment it ends. An application without any is a public client.
    pub secrets: BTreeMap<String, Timestamp>,
    /// Where a browser may be sent back to. For loopback hosts the port does not count.
    pub redirect_uris: Vec<String>,
    /// The same for the platform *Single-page application*: codes sent there are redeemed by a browser only.
    pub single_page_redirect_uris: Vec<String>,
    /// The resources whose delegated permissions were granted.
    pub consents: BTreeSet<String>,
}

/// A person.
#[derive(Clone, Debug)]
pub struct User {
    /// The tenant whose member they are.
    pub tenant: String,
    /// The object id.
    pub object_id: String,
    /// The name on display.
    pub name: String,
    /// The password.
    pub password: String,
    /// Whether they have a second factor that their sign-ins can name.
    pub second_factor: bool,
}

/// A user who has just signed in, or did so once.
#[derive(Clone, Debug)]
pub(super) struct SignIn {
    pub(super) user: String,
    pub(super) mfa: bool,
    /// What the application wants to find in its id token.
    pub(super) nonce: Option<String>,
}

/// A sign-in that can be renewed without the user.
#[derive(Clone, Debug)]
pub(super) struct RefreshToken {
    pub(super) user: String,
    pub(super) client: String,
    pub(super) issued: Timestamp,
    pub(super) expires: Timestamp,
    pub(super) mfa: bool,
    pub(super) mfa_lapsed: bool,
    pub(super) revoked: Option<Timestamp>,
}

/// A sign-in whose browser was just sent back.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) sign_in: SignIn,
    pub(super) client: String,
    pub(super) redirect_uri: String,
    /// Whether only a browser may redeem it.
    pub(super) single_page: bool,
    pub(super) challenge: Option<String>,
    pub(super) scope: String,
    pub(super) expires: Timestamp,
    pub(super) used: bool,
}

impl App {
    /// Whether `uri` is registered; and if so, whether as a single-page application's.
    pub(super) fn redirects_to(&self, uri: &str) -> Option<bool> {
        let among = |uris: &[String]| uris.iter().any(|it| same_redirect(it, uri));
        if among(&self.redirect_uris) {
            return Some(false);
        }
        among(&self.single_page_redirect_uris).then_some(true)
    }
}

fn same_redirect(registered: &str, asked: &str) -> bool {
    if registered == asked {
        return true;
    }
    let (Ok(registered), Ok(mut asked)) = (url::Url::parse(registered), url::Url::parse(asked))
    else {
        return false;
    };
    let loopback = matches!(asked.host_str(), Some("localhost" | "127.0.0.1"));
    loopback && asked.set_port(registered.port()).is_ok() && asked == registered
}

/// The connector's registration, as the operator's guide makes it.
pub(super) fn connector() -> App {
    App {
        tenant: TENANT_ID.to_owned(),
        object_id: "0b7ec701-7c1d-4d0e-9a3c-15e2f4a68b02".to_owned(),
        multi_tenant: false,
        secrets: BTreeMap::from([(CLIENT_SECRET.to_owned(), Timestamp::MAX)]),
        redirect_uris: [
            "http://localhost",
            "http://localhost/callback",
            "http://localhost/consent",
        ]
        .map(str::to_owned)
        .to_vec(),
        single_page_redirect_uris: Vec::new(),
        consents: BTreeSet::from(
            [super::PARTNER_API, super::PARTNER_CENTER_API].map(str::to_owned),
        ),
    }
}

/// The dedicated account of the guide, with a second factor.
pub(super) fn service_account() -> User {
    User {
        tenant: TENANT_ID.to_owned(),
        object_id: "4a9c2e1f-6b3d-4f58-8e07-d1c5b2a39f64".to_owned(),
        name: "Referral Connector".to_owned(),
        password: PASSWORD.to_owned(),
        second_factor: true,
    }
}
