//! Scopes: which resource a token is asked for.

use super::refusal::Refusal;

const SIGN_IN: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// What a token request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The resource, as the caller wrote it; `None` when only sign-in scopes were asked for.
    pub(super) resource: Option<String>,
    pub(super) offline: bool,
    pub(super) openid: bool,
}

/// Reads a v2 `scope`: sign-in scopes, and permissions of at most one resource.
pub(super) fn parse(scope: &str) -> Result<Wanted, Refusal> {
    let mut wanted = Wanted {
        resource: None,
        offline: false,
        openid: false,
    };
    for word in scope.split_ascii_whitespace() {
        if SIGN_IN.contains(&word) {
            wanted.offline |= word == "offline_access";
            wanted.openid |= word == "openid";
            continue;
        }
        let resource = resource(word).ok_or_else(|| Refusal::scope(word))?;
        match &wanted.resource {
            Some(other) if other != resource => return Err(Refusal::several_resources(scope)),
            _ => wanted.resource = Some(resource.to_owned()),
        }
    }
    Ok(wanted)
}

/// Reads the scope of a client credentials request, which must be one `/.default`.
pub(super) fn parse_default(scope: &str) -> Result<String, Refusal> {
    scope
        .trim()
        .strip_suffix("/.default")
        .filter(|it| !it.is_empty() && !it.contains(' '))
        .map(str::to_owned)
        .ok_or_else(|| Refusal::not_default(scope))
}

/// The resource of a permission: all before its last slash.
fn resource(permission: &str) -> Option<&str> {
    let (resource, name) = permission.rsplit_once('/')?;
    (resource.contains("://") && !name.is_empty()).then_some(resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resource_is_what_stands_before_the_last_slash() {
        let wanted = parse("https://api.example.invalid/.default offline_access openid").unwrap();
        assert_eq!(
            wanted.resource.as_deref(),
            Some("https://api.example.invalid")
        );
        assert!(wanted.offline && wanted.openid);
        // A resource written with a slash keeps it: the token's audience has one too.
        let wanted = parse("https://org.example.invalid//.default").unwrap();
        assert_eq!(
            wanted.resource.as_deref(),
            Some("https://org.example.invalid/")
        );
    }

    #[test]
    fn a_scope_without_a_resource_is_refused() {
        for scope in [
            "user_impersonation",
            "https://",
            "https://host.invalid",
            "/x",
        ] {
            assert_eq!(parse(scope).unwrap_err().error, "invalid_scope", "{scope}");
        }
    }

    #[test]
    fn one_token_serves_one_resource() {
        let scope = "https://a.invalid/.default https://b.invalid/.default";
        assert_eq!(parse(scope).unwrap_err().error, "invalid_request");
    }

    #[test]
    fn client_credentials_take_a_default_scope_only() {
        assert_eq!(
            parse_default("https://a.invalid/.default").unwrap(),
            "https://a.invalid"
        );
        assert!(parse_default("https://a.invalid/user_impersonation").is_err());
        assert!(parse_default("/.default").is_err());
    }
}
