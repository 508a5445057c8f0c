//! The grants: what each proves, and what it yields.

use serde_json::json;

use super::{
    App, GRAPH, Minted, State, Subject,
    directory::SignIn,
    jwt,
    refusal::Refusal,
    scope::{self, Wanted},
    token::{Granted, Request},
    without_slash,
};

impl State {
    pub(super) fn grant(&mut self, tenant: &str, request: &Request) -> Result<Granted, Refusal> {
        let client = request.required("client_id")?;
        let (tenant, app) = self.find(tenant, client)?;
        authenticate(client, &app, request)?;
        match request.required("grant_type")? {
            "client_credentials" => self.client_credentials(&tenant, client, &app, request),
            "refresh_token" => self.refresh_token(&tenant, client, request),
            "authorization_code" => self.authorization_code(&tenant, client, request),
            "password" => self.password(&tenant, client, request),
            "device_code" | "urn:ietf:params:oauth:grant-type:device_code" => {
                self.device_code(&tenant, client, request)
            }
            other => Err(Refusal::unsupported_grant(other)),
        }
    }

    /// The application `client` in `tenant`, and the tenant's id.
    pub(super) fn find(&self, tenant: &str, client: &str) -> Result<(String, App), Refusal> {
        let shared = matches!(tenant, "common" | "organizations");
        let id = self.tenants.get(&tenant.to_ascii_lowercase());
        if !shared && id.is_none() {
            return Err(Refusal::unknown_tenant(tenant));
        }
        let app = self
            .apps
            .get(&client.to_ascii_lowercase())
            .filter(|it| shared || it.multi_tenant || Some(&it.tenant) == id)
            .ok_or_else(|| Refusal::unknown_client(client, tenant))?;
        match id {
            Some(id) => Ok((id.clone(), app.clone())),
            None if app.multi_tenant => Ok((app.tenant.clone(), app.clone())),
            None => Err(Refusal::not_multi_tenant(client)),
        }
    }

    fn client_credentials(
        &mut self,
        tenant: &str,
        client: &str,
        app: &App,
        request: &Request,
    ) -> Result<Granted, Refusal> {
        if app.secrets.is_empty() {
            return Err(Refusal::no_secret());
        }
        let resource = if request.v1 {
            request.required("resource")?.to_owned()
        } else {
            scope::parse_default(request.required("scope")?)?
        };
        self.known(&resource, tenant)?;
        let subject = Subject {
            tenant,
            client,
            object_id: &app.object_id,
            user: None,
        };
        let times = (request.now, self.token_life);
        Ok(Granted {
            access: self.mint("client_credentials", &subject, &resource, times),
            resource,
            user: false,
            refresh: None,
            id: None,
            life: self.token_life.as_secs(),
        })
    }

    fn refresh_token(
        &mut self,
        tenant: &str,
        client: &str,
        request: &Request,
    ) -> Result<Granted, Refusal> {
        let token = request.required("refresh_token")?;
        let kept = self
            .refresh_tokens
            .get(token)
            .cloned()
            .ok_or_else(Refusal::malformed_grant)?;
        if kept.client != client {
            return Err(Refusal::other_client());
        }
        if let Some(since) = kept.revoked {
            return Err(Refusal::revoked(kept.issued, since));
        }
        if kept.expires <= request.now {
            return Err(Refusal::inactive(kept.issued));
        }
        let mut wanted = request.wanted("offline_access")?;
        wanted.offline = true;
        let resource = wanted.resource.as_deref().unwrap_or(GRAPH);
        if kept.mfa_lapsed {
            return Err(Refusal::mfa_expired(resource, request.v1));
        }
        let sign_in = SignIn {
            user: kept.user,
            mfa: kept.mfa,
            nonce: None,
        };
        self.for_user("refresh_token", (tenant, client), &sign_in, wanted, request)
    }

    fn authorization_code(
        &mut self,
        tenant: &str,
        client: &str,
        request: &Request,
    ) -> Result<Granted, Refusal> {
        let code = self
            .codes
            .get_mut(request.required("code")?)
            .ok_or_else(Refusal::malformed_grant)?;
        if code.client != client {
            return Err(Refusal::other_client());
        }
        if code.used {
            return Err(Refusal::code_used());
        }
        if code.expires <= request.now {
            return Err(Refusal::code_expired());
        }
        if request.required("redirect_uri")? != code.redirect_uri {
            return Err(Refusal::redirect_differs());
        }
        if code.single_page && !request.cross_origin {
            return Err(Refusal::single_page());
        }
        if let Some(challenge) = &code.challenge {
            let verifier = request.get("code_verifier");
            if verifier.map(jwt::sha256).as_ref() != Some(challenge) {
                return Err(Refusal::code_verifier());
            }
        }
        code.used = true;
        let (sign_in, before) = (code.sign_in.clone(), code.scope.clone());
        let mut wanted = request.wanted(&before)?;
        // What the user agreed to decides whether the sign-in can be renewed.
        wanted.offline |= scope::parse(&before)?.offline;
        self.for_user(
            "authorization_code",
            (tenant, client),
            &sign_in,
            wanted,
            request,
        )
    }

    fn password(
        &mut self,
        tenant: &str,
        client: &str,
        request: &Request,
    ) -> Result<Granted, Refusal> {
        let name = request.required("username")?;
        let password = request.required("password")?;
        let user = self
            .users
            .get(name)
            .ok_or_else(|| Refusal::unknown_user(name))?;
        if user.password != password {
            return Err(Refusal::wrong_password());
        }
        let wanted = request.wanted("")?;
        let sign_in = SignIn {
            user: name.to_owned(),
            mfa: false,
            nonce: None,
        };
        self.for_user("password", (tenant, client), &sign_in, wanted, request)
    }

    /// Tokens for a user who has signed in.
    pub(super) fn for_user(
        &mut self,
        grant: &'static str,
        (tenant, client): (&str, &str),
        sign_in: &SignIn,
        wanted: Wanted,
        request: &Request,
    ) -> Result<Granted, Refusal> {
        let (name, mfa) = (sign_in.user.as_str(), sign_in.mfa);
        let resource = wanted.resource.unwrap_or_else(|| GRAPH.to_owned());
        self.known(&resource, tenant)?;
        if self.mfa_required && !mfa {
            return Err(Refusal::mfa(&resource, request.v1));
        }
        if !self.consented(client, &resource) {
            return Err(Refusal::consent(client));
        }
        let user = self
            .users
            .get(name)
            .cloned()
            .ok_or_else(|| Refusal::unknown_user(name))?;
        let subject = Subject {
            tenant,
            client,
            object_id: &user.object_id,
            user: Some((name, &user.name, mfa)),
        };
        let access = self.mint(grant, &subject, &resource, (request.now, self.token_life));
        let nonce = sign_in.nonce.as_deref();
        let id = wanted.openid.then(|| id_token(&subject, &access, nonce));
        Ok(Granted {
            access,
            resource,
            user: true,
            refresh: wanted
                .offline
                .then(|| self.remember(name, client, mfa, request.now)),
            id,
            life: self.token_life.as_secs(),
        })
    }

    fn known(&self, resource: &str, tenant: &str) -> Result<(), Refusal> {
        if self.knows(resource) {
            Ok(())
        } else {
            Err(Refusal::unknown_resource(resource, tenant))
        }
    }

    fn consented(&self, client: &str, resource: &str) -> bool {
        let resource = without_slash(resource);
        resource == GRAPH
            || self
                .apps
                .get(client)
                .is_some_and(|app| app.consents.contains(resource))
    }
}

/// Checks the client's secret, byte for byte.
fn authenticate(client: &str, app: &App, request: &Request) -> Result<(), Refusal> {
    if app.secrets.is_empty() {
        return Ok(());
    }
    let secret = request
        .get("client_secret")
        .ok_or_else(Refusal::no_secret)?;
    match app.secrets.get(secret) {
        None => Err(Refusal::wrong_secret(client)),
        Some(ends) if *ends <= request.now => Err(Refusal::expired_secret(client)),
        Some(_) => Ok(()),
    }
}

fn id_token(subject: &Subject<'_>, access: &Minted, nonce: Option<&str>) -> String {
    let (upn, name, _) = subject.user.unwrap_or_default();
    let mut claims = json!({
        "aud": subject.client,
        "iss": format!("https://login.microsoftonline.com/{}/v2.0", subject.tenant),
        "iat": access.not_before,
        "nbf": access.not_before,
        "exp": access.expires,
        "name": name,
        "oid": subject.object_id,
        "preferred_username": upn,
        "sub": subject.object_id,
        "tid": subject.tenant,
        "ver": "2.0",
    });
    if let Some(nonce) = nonce {
        claims["nonce"] = nonce.into();
    }
    jwt::sign(&claims)
}
