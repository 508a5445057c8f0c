//! What a new consent is good for, for the person who gave it and for scripts.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::super::Exit;
use super::super::output::{Tone, complain, failed, field, say, say_json, toned};
use crate::checkup::reach;
use crate::config::{ConsentConfig, TokenStore};
use crate::credentials::consent::{ConsentError, Person, Proof, SecondFactor, Tenant};
use crate::failure::Chain;
use crate::sync::options::Filter;

/// What a new consent is good for.
pub(super) struct Report {
    tenant: String,
    person: Person,
    proof: Proof,
    place: TokenStore,
    warnings: Vec<String>,
    renew_by: Option<Timestamp>,
}

impl Report {
    pub(super) fn new(
        config: &ConsentConfig,
        tenant: &Tenant,
        person: &Person,
        proof: Proof,
    ) -> Self {
        Self {
            tenant: tenant.id.to_string(),
            person: person.clone(),
            warnings: warnings(&config.filter, &proof),
            proof,
            place: config.place.clone(),
            renew_by: None,
        }
    }

    /// The same, once it is kept.
    pub(super) fn kept(self, renew_by: Timestamp) -> Self {
        Self {
            renew_by: Some(renew_by),
            ..self
        }
    }

    pub(super) fn print(&self, as_json: bool) {
        if as_json {
            say_json(&self.json());
            return;
        }
        for (name, value) in self.lines() {
            field(18, name, &value);
        }
        for warning in &self.warnings {
            say(&format!("{} {warning}", toned(Tone::Doubtful, "warning:")));
        }
    }

    fn lines(&self) -> Vec<(&'static str, String)> {
        let reach = &self.proof.reach;
        let name = self
            .person
            .name
            .as_deref()
            .unwrap_or("somebody without a name");
        vec![
            ("tenant", self.tenant.clone()),
            (
                "consented by",
                format!("{name} (object id {})", self.person.object_id),
            ),
            ("second factor", self.second_factor().to_owned()),
            ("referrals API", reach::seen(reach)),
            ("  locations", reach::counted(&reach.locations)),
            ("  partner ids", reach::counted(&reach.partner_ids)),
            (
                "registration API",
                match &self.proof.registration {
                    Ok(()) => "takes this user's token".to_owned(),
                    Err(_) => "see the warning".to_owned(),
                },
            ),
            ("kept in", place(&self.place)),
            (
                "renew by",
                format!("{}; TokenRenewal does it every day", self.renew_by()),
            ),
        ]
    }

    fn second_factor(&self) -> &'static str {
        match self.proof.second_factor {
            SecondFactor::Used => "used: mfa is in the token's amr",
            SecondFactor::Missing => "missing",
            SecondFactor::NotTold => "not told by the token, but Partner Center takes it",
        }
    }

    fn renew_by(&self) -> String {
        let date = self.renew_by.map(|it| it.to_zoned(TimeZone::UTC).date());
        date.map(|it| it.to_string()).unwrap_or_default()
    }

    fn json(&self) -> Value {
        let reach = &self.proof.reach;
        let kept = match &self.place {
            TokenStore::KeyVault { url, secret_name } => {
                json!({ "keyVault": url.as_str(), "secret": secret_name })
            }
            TokenStore::File(path) => json!({ "file": path }),
        };
        json!({
            "tenantId": self.tenant,
            "consentedBy": {
                "objectId": self.person.object_id,
                "userPrincipalName": self.person.name,
            },
            "secondFactor": match self.proof.second_factor {
                SecondFactor::Used => "used",
                SecondFactor::Missing => "missing",
                SecondFactor::NotTold => "not_told",
            },
            "referrals": {
                "seen": reach.referrals,
                "complete": reach.complete,
                "locations": reach.locations,
                "partnerIds": reach.partner_ids,
            },
            "registration": self.proof.registration.is_ok(),
            "kept": kept,
            "renewBy": self.renew_by(),
            "warnings": self.warnings,
        })
    }
}

/// Prints why there is no new consent, and says how the command ends.
pub(super) fn print_error(error: &ConsentError, as_json: bool) -> Exit {
    let exit = failed(error, as_json);
    complain("Nothing was kept, and the consent of before is untouched.");
    exit
}

fn place(place: &TokenStore) -> String {
    match place {
        TokenStore::KeyVault { url, secret_name } => format!("secret {secret_name} of {url}"),
        TokenStore::File(path) => format!("{}, for its owner alone", path.display()),
    }
}

/// What works, but not as somebody may expect.
fn warnings(filter: &Filter, proof: &Proof) -> Vec<String> {
    let reach = &proof.reach;
    let mut warnings = Vec::new();
    if let Err(error) = &proof.registration {
        warnings.push(format!(
            "webhooks cannot be registered with this consent ({}); the connector can go on without, see docs/consent.md",
            Chain(error)
        ));
    }
    if reach.referrals == 0 {
        warnings.push(
            "this user sees no referral: if there are any, its role is scoped to other locations, which hides them without a word".to_owned(),
        );
    }
    if reach.referrals > 0 {
        let missing = reach::missing(filter, reach).into_iter();
        warnings.extend(missing.map(|(setting, id)| {
            format!(
                "no referral seen went to {id} of {setting}: see that the user's role covers it"
            )
        }));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::upstream::partner_center::Reach;

    fn proof(referrals: usize, location: &str) -> Proof {
        Proof {
            second_factor: SecondFactor::Used,
            reach: Reach {
                referrals,
                complete: true,
                locations: BTreeMap::from([(location.to_owned(), referrals)]),
                partner_ids: BTreeMap::new(),
            },
            registration: Ok(()),
        }
    }

    #[test]
    fn a_location_that_is_wanted_and_not_seen_is_a_warning() {
        let filter = Filter {
            locations: vec!["LOC-A".to_owned()],
            ..Filter::default()
        };
        assert_eq!(warnings(&filter, &proof(3, "loc-a")), Vec::<String>::new());
        let told = warnings(&filter, &proof(3, "loc-b"));
        assert!(
            told.len() == 1 && told[0].contains("LOC-A of SYNC_LOCATIONS"),
            "{told:?}"
        );
    }

    #[test]
    fn a_user_who_sees_nothing_is_told_of_the_scope_of_the_role_alone() {
        let filter = Filter {
            locations: vec!["LOC-A".to_owned()],
            ..Filter::default()
        };
        let told = warnings(&filter, &proof(0, "LOC-A"));
        assert!(told.len() == 1 && told[0].contains("scoped"), "{told:?}");
    }
}
