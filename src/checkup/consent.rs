//! The consent: whether it gives access tokens for both of Partner Center's APIs, and whose they are.

use uuid::Uuid;

use super::{Finding, Visit};
use crate::credentials::TokenError;
use crate::credentials::consent::Bearer;
use crate::registration::record::{self, Note};

const CONSENT: &str = "consent";
const WEBHOOK_TOKEN: &str = "webhook_token";

pub(super) const CODES: &[&str] = &[CONSENT, WEBHOOK_TOKEN];

pub(super) async fn findings(visit: &Visit<'_>) -> Vec<Finding> {
    let app = visit.app;
    let standing = &app.standing;
    let (bearer, registration) = tokio::join!(standing.bearer(), standing.registration());
    let bearer = match bearer {
        Ok(bearer) => bearer,
        // Whatever else were asked, the answer would be the same.
        Err(error) => return vec![no_sign_in(&error)],
    };
    let consent = match standing.tenant().await {
        Ok(tenant) => whose(&bearer, tenant, &app.config.partner_center.client_id),
        Err(error) => Finding::error(CONSENT, &error),
    };
    let note = record::load(app.world.blobs.as_ref()).await;
    let note = note.ok().flatten();
    vec![consent, webhook_token(registration, note.as_ref())]
}

fn no_sign_in(error: &TokenError) -> Finding {
    match error {
        TokenError::Refused {
            identity,
            reason,
            advice,
        } => {
            let detail = format!("signing in as {identity} was refused ({reason})");
            Finding::failed(CONSENT, detail, *advice)
        }
        // The topic of the credentials says why.
        TokenError::Store { .. } => Finding::unasked(CONSENT),
        TokenError::Unavailable { .. } => Finding::error(CONSENT, error),
    }
}

/// Whether the sign-in belongs to this tenant and this application.
fn whose(bearer: &Bearer, tenant: Uuid, client_id: &str) -> Finding {
    let tenant = tenant.to_string();
    let other = |told: &Option<String>, wanted: &str| {
        let told = told.as_deref();
        told.filter(|it| !it.eq_ignore_ascii_case(wanted))
            .map(str::to_owned)
    };
    if let Some(other) = other(&bearer.tenant, &tenant) {
        let detail = format!(
            "the sign-in belongs to tenant {other}, and PARTNER_CENTER_TENANT_ID names {tenant}"
        );
        let advice = "set PARTNER_CENTER_TENANT_ID to the partner tenant's own id, or consent again as a user of that tenant";
        return Finding::failed(CONSENT, detail, advice);
    }
    if let Some(other) = other(&bearer.client_id, client_id) {
        let detail = format!(
            "the sign-in was given to application {other}, and PARTNER_CENTER_CLIENT_ID names {client_id}"
        );
        let advice = "set PARTNER_CENTER_CLIENT_ID to the application that was consented to, or consent again for the right one";
        return Finding::failed(CONSENT, detail, advice);
    }
    let detail = format!("signed in to tenant {tenant} for application {client_id}");
    Finding::ok(CONSENT, detail)
}

/// Whether there is a token for the webhook registration, and how much that matters by what was noted about it.
fn webhook_token(tried: Result<(), TokenError>, note: Option<&Note>) -> Finding {
    let (reason, advice) = match tried {
        Ok(()) => {
            let detail = "the same consent signs in for the webhook registration";
            return Finding::ok(WEBHOOK_TOKEN, detail);
        }
        Err(TokenError::Refused { reason, advice, .. }) => (reason, advice),
        Err(error) => return Finding::error(WEBHOOK_TOKEN, &error),
    };
    let detail = format!("this consent does not sign in for the webhook registration ({reason})");
    match note {
        Some(Note::PollOnly(_)) => {
            let detail = format!("{detail}; none is needed, for no webhook is wanted");
            Finding::ok(WEBHOOK_TOKEN, detail)
        }
        Some(Note::Registered(_)) => Finding::failed(WEBHOOK_TOKEN, detail, advice),
        None => {
            let advice = format!(
                "{advice}; or go on without a webhook: `referral-connector register --poll-only`"
            );
            Finding::warning(WEBHOOK_TOKEN, detail, advice)
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::Level;
    use super::*;
    use crate::credentials::consent::SecondFactor;

    const TENANT: Uuid = Uuid::from_u128(7);

    fn bearer(tenant: Option<String>, client_id: Option<&str>) -> Bearer {
        Bearer {
            tenant,
            client_id: client_id.map(str::to_owned),
            second_factor: SecondFactor::NotTold,
        }
    }

    #[test]
    fn a_token_of_another_tenant_or_application_is_told_with_both_names() {
        let here = Some(TENANT.to_string());
        let elsewhere = Some(Uuid::from_u128(8).to_string());
        let wrong = whose(&bearer(elsewhere, Some("app")), TENANT, "app");
        assert_eq!(wrong.level, Level::Failed);
        assert!(wrong.detail.contains(&TENANT.to_string()), "{wrong:?}");
        let wrong = whose(&bearer(here.clone(), Some("other")), TENANT, "app");
        assert_eq!(wrong.level, Level::Failed);
        assert!(wrong.detail.contains("application other"), "{wrong:?}");
        for silent in [bearer(here, Some("APP")), bearer(None, None)] {
            assert_eq!(whose(&silent, TENANT, "app").level, Level::Ok);
        }
    }

    #[test]
    fn a_missing_token_for_webhooks_matters_as_much_as_the_webhook() {
        let refused = || {
            Err(TokenError::Refused {
                identity: crate::credentials::Identity::PartnerCenterUser,
                reason: "AADSTS65001".to_owned(),
                advice: "grant it",
            })
        };
        let none = Note::PollOnly(Timestamp::UNIX_EPOCH);
        assert_eq!(webhook_token(refused(), None).level, Level::Warning);
        assert_eq!(webhook_token(refused(), Some(&none)).level, Level::Ok);
        assert_eq!(webhook_token(Ok(()), None).level, Level::Ok);
    }
}
