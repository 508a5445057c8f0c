//! Microsoft Entra ID: the endpoints that give out tokens, and the tokens.
//!
//! `/{tenant}/oauth2/v2.0/{authorize,devicecode,token}` and `/{tenant}/oauth2/{authorize,token}`, discovery and
//! the key set. One tenant, one confidential application and one user exist from the start
//! ([`TENANT_ID`], [`CLIENT_ID`], [`USER_NAME`]); the user is signed in, so that `authorize` sends the
//! browser back at once. Refresh tokens live 90 days, each use gives a new one and leaves the old
//! one valid, and one serves every resource its application has consent for.

mod access;
mod authorize;
mod device;
mod directory;
mod discovery;
mod grants;
mod jwt;
mod refusal;
mod scope;
mod token;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::{
    Router,
    http::HeaderMap,
    routing::{get, post},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub(crate) use access::without_slash;
pub use access::{Claims, Unauthorized};
pub use device::Devices;
pub use directory::{
    App, CLIENT_ID, CLIENT_SECRET, DOMAIN, PASSWORD, REFRESH_TOKEN_LIFE, TENANT_ID, USER_NAME, User,
};
use directory::{Code, RefreshToken};

use crate::world::{Service, SharedWorld, Urls, World};
use crate::{flow, insights};

/// The audience of the referrals API.
pub const PARTNER_API: &str = "https://api.partner.microsoft.com";

/// The audience of the webhook registration API.
pub const PARTNER_CENTER_API: &str = "https://api.partnercenter.microsoft.com";

/// The audience of every key vault.
pub const VAULT: &str = "https://vault.azure.net";

/// The audience of Azure Storage.
pub const STORAGE: &str = "https://storage.azure.com";

/// What a token is for when no resource was named.
const GRAPH: &str = "https://graph.microsoft.com";

/// How far back real tokens are dated, so that clocks need not agree.
const BACKDATED: SignedDuration = SignedDuration::from_mins(5);

/// The service's routes.
pub fn router(world: SharedWorld) -> Router {
    Router::new()
        .route("/{tenant}/oauth2/v2.0/token", post(token::v2))
        .route("/{tenant}/oauth2/token", post(token::v1))
        .route("/{tenant}/oauth2/v2.0/authorize", get(authorize::v2))
        .route("/{tenant}/oauth2/authorize", get(authorize::v1))
        .route("/{tenant}/oauth2/v2.0/devicecode", post(device::begin))
        .route("/common/oauth2/deviceauth", post(device::enter))
        .route(
            "/{tenant}/v2.0/.well-known/openid-configuration",
            get(discovery::v2),
        )
        .route(
            "/{tenant}/.well-known/openid-configuration",
            get(discovery::v1),
        )
        .route("/{tenant}/discovery/v2.0/keys", get(discovery::keys))
        .route("/{tenant}/discovery/keys", get(discovery::keys))
        .route("/common/discovery/instance", get(discovery::instance))
        .with_state(world)
}

/// Tenants, applications, users, and the tokens issued to them.
#[derive(Debug)]
pub struct State {
    /// Tenant ids by every name a tenant goes by, its id among them.
    tenants: BTreeMap<String, String>,
    apps: BTreeMap<String, App>,
    users: BTreeMap<String, User>,
    resources: BTreeSet<String>,
    refresh_tokens: HashMap<String, RefreshToken>,
    codes: HashMap<String, Code>,
    devices: device::Devices,
    /// The user in front of every browser.
    browser: String,
    issued: access::Issued,
    counts: BTreeMap<(&'static str, String), u64>,
    token_life: SignedDuration,
    mfa_required: bool,
    declines_consent: bool,
}

/// Who a token is about.
pub(crate) struct Subject<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) client: &'a str,
    pub(crate) object_id: &'a str,
    /// Name in the directory, name on display, and whether a second factor was used.
    pub(crate) user: Option<(&'a str, &'a str, bool)>,
}

/// A new access token.
pub(crate) struct Minted {
    pub(crate) token: String,
    pub(crate) not_before: i64,
    pub(crate) expires: i64,
}

impl State {
    /// A directory that knows the services at `urls` as resources.
    pub fn new(urls: &Urls) -> Self {
        let dataverse = without_slash(urls.of(Service::Dataverse).as_str());
        let resources = [
            PARTNER_API,
            PARTNER_CENTER_API,
            VAULT,
            STORAGE,
            GRAPH,
            without_slash(flow::AUDIENCE),
            without_slash(insights::AUDIENCE),
            dataverse,
        ];
        Self {
            tenants: [TENANT_ID, DOMAIN]
                .map(|it| (it.to_owned(), TENANT_ID.to_owned()))
                .into(),
            apps: BTreeMap::from([(CLIENT_ID.to_owned(), directory::connector())]),
            users: BTreeMap::from([(USER_NAME.to_owned(), directory::service_account())]),
            resources: resources.map(str::to_owned).into(),
            refresh_tokens: HashMap::new(),
            codes: HashMap::new(),
            devices: device::Devices::default(),
            browser: USER_NAME.to_owned(),
            issued: access::Issued::default(),
            counts: BTreeMap::new(),
            token_life: SignedDuration::from_secs(3599),
            mfa_required: false,
            declines_consent: false,
        }
    }

    /// Adds a tenant.
    pub fn add_tenant(&mut self, tenant: &str) {
        self.tenants.insert(tenant.to_owned(), tenant.to_owned());
    }

    /// The ids of all applications.
    pub(crate) fn applications(&self) -> BTreeSet<uuid::Uuid> {
        let ids = self.apps.keys();
        ids.filter_map(|id| uuid::Uuid::try_parse(id).ok())
            .collect()
    }

    /// Registers `app` under `client_id`, in place of one already there.
    pub fn add_app(&mut self, client_id: &str, app: App) {
        self.apps.insert(client_id.to_owned(), app);
    }

    /// The application `client_id`, to change its secrets, redirects and consents.
    pub fn app(&mut self, client_id: &str) -> Option<&mut App> {
        self.apps.get_mut(client_id)
    }

    /// Adds a user, in place of one of that name.
    pub fn add_user(&mut self, name: &str, user: User) {
        self.users.insert(name.to_owned(), user);
    }

    /// The user `name`, to change.
    pub fn user(&mut self, name: &str) -> Option<&mut User> {
        self.users.get_mut(name)
    }

    /// Puts another user in front of the browsers.
    pub fn sign_in_as(&mut self, name: &str) {
        name.clone_into(&mut self.browser);
    }

    /// What device codes do.
    pub fn devices(&mut self) -> &mut device::Devices {
        &mut self.devices
    }

    /// Adds a resource that tokens can be asked for.
    pub fn add_resource(&mut self, resource: &str) {
        self.resources.insert(without_slash(resource).to_owned());
    }

    /// Demands a second factor: the password grant is refused with AADSTS50076 from now on.
    pub fn require_mfa(&mut self, required: bool) {
        self.mfa_required = required;
    }

    /// Lets the second factor of all sign-ins so far lapse: AADSTS50078 until consent is renewed.
    pub fn expire_mfa(&mut self) {
        for token in self.refresh_tokens.values_mut() {
            token.mfa_lapsed = true;
        }
    }

    /// Revokes all refresh tokens so far, as an administrator does: AADSTS50173.
    pub fn revoke_refresh_tokens(&mut self, now: Timestamp) {
        for token in self.refresh_tokens.values_mut() {
            token.revoked.get_or_insert(now);
        }
    }

    /// Lets all refresh tokens so far end, as 90 idle days do: AADSTS700082.
    pub fn expire_refresh_tokens(&mut self, now: Timestamp) {
        for token in self.refresh_tokens.values_mut() {
            token.expires = token.expires.min(now);
        }
    }

    /// Makes services refuse the access tokens issued so far for `audience`.
    pub fn revoke_access_tokens(&mut self, audience: &str) {
        self.issued.revoke(audience);
    }

    /// Takes the consent for `resource` away from `client_id`: AADSTS65001.
    pub fn withdraw_consent(&mut self, client_id: &str, resource: &str) {
        if let Some(app) = self.apps.get_mut(client_id) {
            app.consents.remove(without_slash(resource));
        }
    }

    /// Whether the user declines when asked for consent: AADSTS65004 in the redirect.
    pub fn decline_consent(&mut self, declines: bool) {
        self.declines_consent = declines;
    }

    /// How long access tokens issued from now on live.
    pub fn set_token_life(&mut self, life: SignedDuration) {
        self.token_life = life;
    }

    /// How many access tokens were issued, by grant and audience.
    pub fn counts(&self) -> &BTreeMap<(&'static str, String), u64> {
        &self.counts
    }

    /// How many access tokens were issued for `audience` through `grant`.
    pub fn issued(&self, grant: &'static str, audience: &str) -> u64 {
        let key = (grant, without_slash(audience).to_owned());
        self.counts.get(&key).copied().unwrap_or(0)
    }

    /// A refresh token of the signed-in user for the connector's application.
    pub fn issue_refresh_token(&mut self, now: Timestamp) -> String {
        self.remember(USER_NAME, CLIENT_ID, true, now)
    }

    /// The same from before a second factor was demanded.
    pub fn issue_refresh_token_without_second_factor(&mut self, now: Timestamp) -> String {
        self.remember(USER_NAME, CLIENT_ID, false, now)
    }

    /// Whether tokens can be asked for `resource`.
    pub(crate) fn knows(&self, resource: &str) -> bool {
        self.resources.contains(without_slash(resource))
    }

    fn remember(&mut self, user: &str, client: &str, mfa: bool, now: Timestamp) -> String {
        let token = jwt::opaque("1.AX0A", 480);
        let expires = now
            .checked_add(REFRESH_TOKEN_LIFE)
            .unwrap_or(Timestamp::MAX);
        let kept = RefreshToken {
            user: user.to_owned(),
            client: client.to_owned(),
            issued: now,
            expires,
            mfa,
            mfa_lapsed: false,
            revoked: None,
        };
        self.refresh_tokens.insert(token.clone(), kept);
        token
    }

    /// Issues an access token for `resource` to `subject`.
    pub(crate) fn mint(
        &mut self,
        grant: &'static str,
        subject: &Subject<'_>,
        resource: &str,
        (now, life): (Timestamp, SignedDuration),
    ) -> Minted {
        let expires = now.as_second() + life.as_secs();
        let claims = claims(
            subject,
            resource,
            now.as_second() - BACKDATED.as_secs(),
            expires,
        );
        let token = jwt::sign(&wire(subject, resource, &claims));
        let audience = claims.aud.clone();
        let not_before = claims.iat;
        self.issued.add(token.clone(), claims);
        *self.counts.entry((grant, audience)).or_default() += 1;
        Minted {
            token,
            not_before,
            expires,
        }
    }
}

impl World {
    /// The claims of the bearer token in `headers`, when it was issued here for `audience` and is
    /// still valid.
    pub fn authorize(&self, headers: &HeaderMap, audience: &str) -> Result<Claims, Unauthorized> {
        let now = self.clock.now();
        self.entra.lock().issued.check(headers, audience, now)
    }
}

fn claims(subject: &Subject<'_>, resource: &str, iat: i64, exp: i64) -> Claims {
    let amr = match subject.user {
        None => vec![],
        Some((_, _, false)) => vec!["pwd".to_owned()],
        Some((_, _, true)) => vec!["pwd".to_owned(), "mfa".to_owned()],
    };
    Claims {
        aud: without_slash(resource).to_owned(),
        tid: subject.tenant.to_owned(),
        appid: subject.client.to_owned(),
        oid: subject.object_id.to_owned(),
        upn: subject.user.map(|(upn, _, _)| upn.to_owned()),
        amr,
        iat,
        exp,
    }
}

/// The claims as they stand in the token.
fn wire(subject: &Subject<'_>, resource: &str, claims: &Claims) -> Value {
    let mut value = json!(claims);
    value["aud"] = Value::from(resource);
    value["iss"] = Value::from(format!("https://sts.windows.net/{}/", claims.tid));
    value["nbf"] = Value::from(claims.iat);
    value["sub"] = Value::from(claims.oid.as_str());
    value["appidacr"] = Value::from("1");
    value["uti"] = Value::from(jwt::opaque("", 16));
    value["ver"] = Value::from("1.0");
    if let Some((upn, name, _)) = subject.user {
        value["unique_name"] = Value::from(upn);
        value["name"] = Value::from(name);
        value["scp"] = Value::from("user_impersonation");
        value["acr"] = Value::from("1");
    } else {
        value["idtyp"] = Value::from("app");
        value["idp"] = value["iss"].clone();
    }
    value
}
