//! What a person has to do about a sign-in that Entra ID refuses, by the numbers it gives (AADSTS…).

use super::Identity;

/// What the numbers of a refusal say about its cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Mfa,
    Unused,
    Revoked,
    /// The person at the browser said no.
    Declined,
    /// A code that is good for minutes and for one use was neither.
    Code,
    /// What was sent is nothing that Entra ID gave out, or not all of it.
    Malformed,
    /// It was given to another application, or is damaged.
    OtherApplication,
    /// The user is none of the tenant's.
    OtherTenant,
    SignInFrequency,
    SinglePageApp,
    PublicClient,
    Policy,
    Permission,
    Account,
    ClientSecret,
    Directory,
    /// No number that we know, but the grant itself is void.
    Grant,
    Unknown,
}

/// What to do when a code that is good for minutes and for one use was neither.
const CODE_ENDED: &str = "the code was used already, has ended or was cut short: start again, and sign in within ten minutes";

/// Whether the service, not the sign-in, is at fault: the same request may succeed later.
pub(super) fn passes_by_itself(codes: &[String]) -> bool {
    const TRANSIENT: [&str; 6] = [
        "temporarily_unavailable",
        "server_error",
        "50033",
        "50087",
        "50196",
        "90033",
    ];
    codes.iter().any(|code| TRANSIENT.contains(&code.as_str()))
}

/// One sentence that tells the administrator what to do.
pub(super) fn advice(identity: Identity, codes: &[String]) -> &'static str {
    let user = identity == Identity::PartnerCenterUser;
    match cause(codes) {
        Cause::Mfa if user => {
            "multi-factor authentication is required: sign in as the Partner Center service account with it, and consent again"
        }
        Cause::Unused if user => {
            "the consent has lain unused for too long: sign in as the Partner Center service account with multi-factor authentication, and consent again"
        }
        Cause::Revoked if user => {
            "the consent was revoked or the password changed: sign in as the Partner Center service account with multi-factor authentication, and consent again"
        }
        Cause::SignInFrequency if user => {
            "a sign-in frequency policy ended the session: exclude the Partner Center service account from it, then consent again"
        }
        Cause::SinglePageApp if user => {
            "the consent was given through a single-page redirect address, which lasts a day: register the address as a web one, then consent again"
        }
        Cause::PublicClient if user => {
            "the redirect address is registered as one of a mobile or desktop application: register it under the platform Web instead"
        }
        Cause::Declined if user => {
            "the sign-in was declined in the browser: start again, and accept there"
        }
        Cause::Code if user => CODE_ENDED,
        Cause::Malformed if user => {
            "what is kept is no refresh token, or only a part of one: run `referral-connector consent`, which stores a whole one"
        }
        Cause::OtherApplication if user => {
            "the refresh token was given to another application, or is damaged: check PARTNER_CENTER_CLIENT_ID, then consent again"
        }
        Cause::OtherTenant if user => {
            "the user belongs to another tenant: check PARTNER_CENTER_TENANT_ID, or consent again as a user of the partner tenant"
        }
        Cause::Grant if user => {
            "the consent is no longer valid: sign in as the Partner Center service account with multi-factor authentication, and consent again"
        }
        Cause::Policy => {
            "conditional access or security defaults block this sign-in: exclude this identity from the policy that the sign-in log names"
        }
        Cause::Permission => {
            "a permission is missing: add it to the app registration and have an administrator consent to it"
        }
        Cause::Account => {
            "the account is missing, disabled, locked or has another password: repair it in the Entra admin centre"
        }
        Cause::ClientSecret if user => {
            "the client secret is wrong or has expired: make a new one and set it as PARTNER_CENTER_CLIENT_SECRET"
        }
        Cause::ClientSecret => {
            "the client secret is wrong or has expired: make a new one and set it as AZURE_CLIENT_SECRET"
        }
        Cause::Directory if user => {
            "there is no such tenant or application: check PARTNER_CENTER_TENANT_ID, PARTNER_CENTER_CLIENT_ID and ENTRA_AUTHORITY_URL"
        }
        Cause::Directory => {
            "there is no such tenant or application: check AZURE_TENANT_ID, AZURE_CLIENT_ID and ENTRA_AUTHORITY_URL"
        }
        _ => match identity {
            Identity::PartnerCenterUser => {
                "check the app registration of PARTNER_CENTER_CLIENT_ID and the sign-in log of its tenant"
            }
            Identity::ClientSecret => {
                "check the app registration of AZURE_CLIENT_ID and the sign-in log of its tenant"
            }
            Identity::ManagedIdentity => {
                "switch the function app's managed identity on; if it is a user-assigned one, assign it and set its client id as AZURE_CLIENT_ID"
            }
            Identity::AzureCli => "install the Azure CLI and sign in with `az login`",
        },
    }
}

/// The same for what a sign-in that has just begun is refused for: of a code, these numbers say that it took too long, or that it
/// is not whole.
pub(super) fn advice_on_code(codes: &[String]) -> &'static str {
    const OF_CODES: [&str; 3] = ["70008", "70000", "9002313"];
    if codes.iter().any(|it| OF_CODES.contains(&it.as_str())) {
        return CODE_ENDED;
    }
    advice(Identity::PartnerCenterUser, codes)
}

fn cause(codes: &[String]) -> Cause {
    let numbers = codes.iter().filter_map(|code| code.parse().ok());
    numbers
        .map(by_number)
        .find(|it| *it != Cause::Unknown)
        .unwrap_or_else(|| {
            let is = |word: &str| codes.first().is_some_and(|code| code == word);
            if is("access_denied") || is("authorization_declined") {
                Cause::Declined
            } else if is("expired_token") || is("bad_verification_code") {
                Cause::Code
            } else if is("invalid_grant") {
                Cause::Grant
            } else if is("interaction_required") {
                Cause::Mfa
            } else if is("invalid_client") {
                Cause::ClientSecret
            } else if is("consent_required") {
                Cause::Permission
            } else {
                Cause::Unknown
            }
        })
}

fn by_number(number: u32) -> Cause {
    match number {
        50_072 | 50_074 | 50_076 | 50_078 | 50_079 => Cause::Mfa,
        70_008 | 700_082 => Cause::Unused,
        50_132 | 50_133 | 50_173 => Cause::Revoked,
        70_043 => Cause::SignInFrequency,
        65_004 | 70_018 => Cause::Declined,
        54_005 | 70_019 | 70_020 => Cause::Code,
        700_084 | 9_002_327 => Cause::SinglePageApp,
        700_025 => Cause::PublicClient,
        53_000..=53_004 | 530_035 => Cause::Policy,
        65_001 | 90_094 | 500_011 | 650_057 => Cause::Permission,
        50_020 => Cause::OtherTenant,
        70_000 => Cause::OtherApplication,
        9_002_313 => Cause::Malformed,
        50_034 | 50_053 | 50_055 | 50_057 | 50_126 => Cause::Account,
        70_002 | 700_027 | 7_000_215 | 7_000_222 => Cause::ClientSecret,
        90_002 | 50_194 | 700_016 => Cause::Directory,
        _ => Cause::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(codes: &[&str]) -> Vec<String> {
        codes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_documented_number_names_its_own_act() {
        for (number, act) in [
            ("50076", "multi-factor authentication is required"),
            ("700082", "unused for too long"),
            ("50173", "revoked or the password changed"),
            ("70043", "sign-in frequency"),
            ("700084", "web one"),
            ("9002327", "web one"),
            ("700025", "platform Web"),
            ("65004", "declined"),
            ("54005", "start again"),
            ("53003", "conditional access"),
            ("65001", "permission is missing"),
            ("50057", "account is missing, disabled"),
            ("7000222", "PARTNER_CENTER_CLIENT_SECRET"),
            ("90002", "PARTNER_CENTER_TENANT_ID"),
            ("50020", "another tenant"),
            ("70000", "another application"),
            ("9002313", "no refresh token, or only a part"),
            ("1", "no longer valid"),
        ] {
            let codes = codes(&["invalid_grant", number]);
            let advice = advice(Identity::PartnerCenterUser, &codes);
            assert!(advice.contains(act), "{number}: {advice}");
        }
    }

    #[test]
    fn advice_names_the_settings_of_the_identity_it_is_for() {
        let codes = codes(&["invalid_client", "7000215"]);
        assert!(advice(Identity::ClientSecret, &codes).contains("AZURE_CLIENT_SECRET"));
        assert!(advice(Identity::ManagedIdentity, &[]).contains("managed identity"));
    }

    #[test]
    fn an_outage_is_nobodys_fault() {
        assert!(passes_by_itself(&codes(&["temporarily_unavailable"])));
        assert!(passes_by_itself(&codes(&["invalid_grant", "50196"])));
        assert!(!passes_by_itself(&codes(&["invalid_grant", "700082"])));
    }
}
