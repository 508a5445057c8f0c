//! `check` and the consent: what is kept, whose it is, how it was given, and what its user sees.

use jiff::SignedDuration;
use sandbox::entra::{App, CLIENT_ID, CLIENT_SECRET, PARTNER_CENTER_API, TENANT_ID, USER_NAME};
use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::settings::REFRESH_TOKEN_SECRET;
use sandbox::{Effect, Fault, Sandbox, Service};
use serde_json::json;

use super::{Run, writes};
use super::{assert_fails, assert_warns, check, line, lines, with_a_referral, without_a_webhook};
use crate::program;

const ANOTHER_ID: &str = "11111111-2222-4333-8444-555555555555";

/// Keeps `token` in the vault.
fn keep(sandbox: &Sandbox, token: &str) {
    let world = sandbox.world();
    let now = world.clock.now();
    world.key_vault.lock().put(REFRESH_TOKEN_SECRET, token, now);
}

fn kept(sandbox: &Sandbox) -> String {
    let vault = sandbox.world().key_vault.lock();
    vault.secret(REFRESH_TOKEN_SECRET).unwrap().to_owned()
}

/// The consent is no good for this reason, which is told once, with what to do; what depends on it was not looked at, and nothing
/// was written to find out.
fn assert_no_consent(sandbox: &Sandbox, run: &Run, reason: &str, advice: &str) {
    assert_fails(run, "consent", &[reason]);
    let told = line(run, "consent").1;
    assert!(told.contains(advice), "{advice}: {told}");
    assert_eq!(run.stdout.matches(reason).count(), 1, "{run:?}");
    for hidden in ["partner_center", "webhook", "acceptance_dates"] {
        let (line, _) = line(run, hidden);
        assert!(line.starts_with("warning"), "{line}");
        assert!(line.contains("not looked at"), "{line}");
    }
    assert!(line(run, "dataverse").0.starts_with("ok"), "{run:?}");
    assert_eq!(writes(sandbox), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_consent_says_whose_it_is_how_it_was_given_and_until_when() {
    let sandbox = without_a_webhook().await;
    let run = check(&sandbox, &[]).await;
    assert_eq!(run.exit, 0, "{run:?}");
    for (name, words) in [
        ("refresh_token", vec!["usable for 89 days", "until 2"]),
        ("consent", vec![TENANT_ID, CLIENT_ID]),
        (
            "second_factor",
            vec!["amr", "Partner Center calls it compliant"],
        ),
        ("webhook_token", vec!["the same consent"]),
        (
            "referral_reach",
            vec!["1 referral, all that this user sees"],
        ),
    ] {
        for word in words {
            assert!(line(&run, name).0.contains(word), "{name}, {word}: {run:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_damaged_on_its_way_is_told_before_entra_id_refuses_it() {
    let sandbox = Sandbox::start().await.unwrap();
    let whole = kept(&sandbox);
    for (damaged, sentence) in [
        (whole[..60].to_owned(), "cut short"),
        (format!("\"{whole}\""), "in quotes"),
        (format!("{} {}", &whole[..200], &whole[200..]), "a blank"),
        ("eyJ0eXAiOiJKV1QifQ.e30.c2ln".to_owned(), "an access token"),
    ] {
        keep(&sandbox, &damaged);
        let run = check(&sandbox, &[]).await;
        assert_fails(&run, "refresh_token", &["what is kept", sentence]);
        let advice = line(&run, "refresh_token").1;
        assert!(advice.contains("referral-connector consent"), "{advice}");
        assert_no_consent(&sandbox, &run, "AADSTS9002313", "only a part of one");
        assert!(!run.stdout.contains(&damaged), "{run:?}");
    }
    keep(&sandbox, &format!("{whole}\r\n"));
    let run = check(&sandbox, &[]).await;
    assert!(line(&run, "consent").0.starts_with("ok"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_token_that_looks_like_one_is_told_as_entra_id_tells_it() {
    let sandbox = Sandbox::start().await.unwrap();
    keep(&sandbox, &kept(&sandbox)[..300]);
    let run = check(&sandbox, &[]).await;
    assert!(line(&run, "refresh_token").0.starts_with("ok"), "{run:?}");
    assert_no_consent(&sandbox, &run, "AADSTS9002313", "only a part of one");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_a_revoked_and_a_lapsed_consent_are_told_apart() {
    for (reason, advice) in [
        ("AADSTS700082", "lain unused for too long"),
        ("AADSTS50173", "revoked or the password changed"),
        ("AADSTS50078", "multi-factor authentication is required"),
    ] {
        let sandbox = Sandbox::start().await.unwrap();
        let now = sandbox.world().clock.now();
        {
            let mut entra = sandbox.world().entra.lock();
            match reason {
                "AADSTS700082" => entra.expire_refresh_tokens(now),
                "AADSTS50173" => entra.revoke_refresh_tokens(now),
                _ => entra.expire_mfa(),
            }
        }
        let run = check(&sandbox, &[]).await;
        assert_no_consent(&sandbox, &run, reason, advice);
        let told = line(&run, "consent").1;
        assert!(told.contains("Partner Center service account"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_client_secret_is_named_by_its_setting() {
    let sandbox = Sandbox::start().await.unwrap();
    let wrong = [("PARTNER_CENTER_CLIENT_SECRET", "Wr0ng~secret")];
    let run = check(&sandbox, &wrong).await;
    let advice = "PARTNER_CENTER_CLIENT_SECRET";
    assert_no_consent(&sandbox, &run, "AADSTS7000215", advice);
    assert!(!run.stdout.contains("Wr0ng~secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_secret_warns_before_its_end_where_the_vault_tells_it() {
    const NAME: &str = "partner-center-client-secret";

    let sandbox = with_a_referral().await;
    let run = check(&sandbox, &[]).await;
    assert_eq!(run.exit, 0, "{run:?}");
    assert!(line(&run, "client_secret").0.contains("nothing"), "{run:?}");
    let world = sandbox.world();
    let now = world.clock.now();
    let day = SignedDuration::from_hours(24);
    let vault = &world.key_vault;
    vault.lock().put(NAME, CLIENT_SECRET, now);
    for (days, level) in [(100, "ok"), (20, "warning"), (-1, "failed")] {
        vault.lock().note_end(NAME, now + days * day);
        let run = check(&sandbox, &[]).await;
        let (told, advice) = line(&run, "client_secret");
        assert!(told.starts_with(level), "{told}");
        assert!(told.contains("good until 20"), "{told}");
        assert_eq!(advice.contains("app registration"), level != "ok");
    }
    // The end of another secret than the one in use says nothing.
    vault.lock().put(NAME, "An0ther~secret", now);
    vault.lock().note_end(NAME, now);
    let run = check(&sandbox, &[]).await;
    assert!(line(&run, "client_secret").0.starts_with("ok"), "{run:?}");

    if let Some(app) = world.entra.lock().app(CLIENT_ID) {
        app.secrets.insert(CLIENT_SECRET.to_owned(), now - day);
    }
    let run = check(&sandbox, &[]).await;
    assert_no_consent(
        &sandbox,
        &run,
        "AADSTS7000222",
        "PARTNER_CENTER_CLIENT_SECRET",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_or_an_application_that_is_not_there_is_named_by_its_setting() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.world().entra.lock().add_tenant(ANOTHER_ID);
    for (setting, value, reason) in [
        ("PARTNER_CENTER_TENANT_ID", "no-such-tenant", "AADSTS90002"),
        ("PARTNER_CENTER_TENANT_ID", ANOTHER_ID, "AADSTS700016"),
        ("PARTNER_CENTER_CLIENT_ID", ANOTHER_ID, "AADSTS700016"),
    ] {
        let run = check(&sandbox, &[(setting, value)]).await;
        assert_no_consent(&sandbox, &run, reason, setting);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_for_another_application_is_told_from_a_damaged_one() {
    let sandbox = Sandbox::start().await.unwrap();
    {
        let mut entra = sandbox.world().entra.lock();
        let app: App = entra.app(CLIENT_ID).unwrap().clone();
        entra.add_app(ANOTHER_ID, app);
    }
    let run = check(&sandbox, &[("PARTNER_CENTER_CLIENT_ID", ANOTHER_ID)]).await;
    assert_no_consent(&sandbox, &run, "AADSTS70000", "another application");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_stands_for_every_tenant_is_no_tenant() {
    let sandbox = Sandbox::start().await.unwrap();
    {
        let mut entra = sandbox.world().entra.lock();
        entra.app(CLIENT_ID).unwrap().multi_tenant = true;
    }
    let run = check(&sandbox, &[("PARTNER_CENTER_TENANT_ID", "common")]).await;
    assert_fails(
        &run,
        "consent",
        &["PARTNER_CENTER_TENANT_ID", "no single tenant"],
    );
    let by_name = [("PARTNER_CENTER_TENANT_ID", sandbox::entra::DOMAIN)];
    let run = check(&sandbox, &by_name).await;
    assert!(line(&run, "consent").0.contains(TENANT_ID), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_tenant_is_held_against_the_settings() {
    let sandbox = Sandbox::start().await.unwrap();
    // {"tid":"<ANOTHER_ID>","appid":"x","amr":["mfa"]}
    let elsewhere = "e30.eyJ0aWQiOiIxMTExMTExMS0yMjIyLTQzMzMtODQ0NC01NTU1NTU1NTU1NTUiLCJhcHBpZCI6IngiLCJhbXIiOlsibWZhIl19.c2ln";
    let tokens = Effect::Status {
        code: 200,
        headers: [("content-type".to_owned(), "application/json".to_owned())].into(),
        body: json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": elsewhere }),
    };
    let fault = Fault::new(Service::Entra, tokens).path("oauth2/v2.0/token");
    sandbox.world().faults.add(fault);
    let run = check(&sandbox, &[]).await;
    assert_fails(
        &run,
        "consent",
        &[ANOTHER_ID, "PARTNER_CENTER_TENANT_ID", TENANT_ID],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_without_a_second_factor_is_a_warning_until_partner_center_refuses_it() {
    let sandbox = with_a_referral().await;
    let world = sandbox.world();
    let now = world.clock.now();
    let weak = world
        .entra
        .lock()
        .issue_refresh_token_without_second_factor(now);
    keep(&sandbox, &weak);
    let run = check(&sandbox, &[]).await;
    assert_fails(&run, "second_factor", &["without multifactor", "900421"]);
    let advice = line(&run, "second_factor").1;
    assert!(advice.contains("referral-connector consent"), "{advice}");
    assert_eq!(lines(&run, "partner_center"), Vec::<&str>::new());

    world.partner_center.lock().second_factor_is_optional = true;
    let run = check(&sandbox, &[]).await;
    assert!(line(&run, "partner_center").0.starts_with("ok"), "{run:?}");
    let told = line(&run, "second_factor").0;
    assert!(told.starts_with("warning"), "{told}");
    assert!(told.contains("isMfaCompliant"), "{told}");

    world.partner_center.lock().silent_about_second_factor = true;
    let told = check(&sandbox, &[]).await;
    let told = line(&told, "second_factor").0.to_owned();
    assert!(told.starts_with("warning"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_the_role_is_told_which_one() {
    let sandbox = Sandbox::start().await.unwrap();
    let name = USER_NAME.to_owned();
    let partner_center = &sandbox.world().partner_center;
    partner_center.lock().without_role.insert(name);
    let run = check(&sandbox, &[]).await;
    let sentences = ["may not list referrals", "Referrals admin role"];
    assert_fails(&run, "partner_center", &sentences);
    assert!(line(&run, "consent").0.starts_with("ok"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_leaves_the_webhook_out_matters_as_much_as_the_webhook() {
    let sandbox = with_a_referral().await;
    let entra = &sandbox.world().entra;
    entra.lock().withdraw_consent(CLIENT_ID, PARTNER_CENTER_API);
    let run = check(&sandbox, &[]).await;
    let sentences = ["AADSTS65001", "webhook registration"];
    assert_warns(&run, "webhook_token", &sentences);
    let advice = line(&run, "webhook_token").1;
    assert!(advice.contains("--poll-only"), "{advice}");

    let noted = program::run(&["register", "--poll-only"], &sandbox.settings()).await;
    assert_eq!(noted.exit, 0, "{noted:?}");
    let run = check(&sandbox, &[]).await;
    assert_eq!(run.exit, 0, "{run:?}");
    assert!(line(&run, "webhook_token").0.contains("none is needed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_users_role_hides_is_a_warning() {
    let sandbox = Sandbox::start().await.unwrap();
    let run = check(&sandbox, &[]).await;
    assert_warns(&run, "referral_reach", &["sees no referral"]);
    assert!(line(&run, "referral_reach").1.contains("every location"));

    let target = json!([{ "type": "BusinessProfileLocation", "id": "loc-1" }]);
    let referral = ReferralBuilder::new()
        .set("/target", target)
        .set("/mpnId", "7654321");
    let partner_center = &sandbox.world().partner_center;
    partner_center.lock().seed_referral(referral).unwrap();
    let wanted = [("SYNC_LOCATIONS", "LOC-1,loc-2"), ("SYNC_PARTNER_IDS", "1")];
    let run = check(&sandbox, &wanted).await;
    let told = lines(&run, "referral_reach");
    assert_eq!(told.len(), 3, "{run:?}");
    assert!(told[0].contains("loc-1 (1)") && told[0].contains("7654321 (1)"));
    assert!(told[1].contains("loc-2: ") && told[1].contains("SYNC_LOCATIONS"));
    assert!(told[2].contains("1: ") && told[2].contains("SYNC_PARTNER_IDS"));
    assert!(told[1..].iter().all(|it| it.starts_with("warning")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_gives_the_identity_no_right_says_which_role_it_takes() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.world().key_vault.lock().forbid_get(true);
    let run = check(&sandbox, &[]).await;
    assert_fails(
        &run,
        "refresh_token",
        &["status 403", "Key Vault Secrets Officer"],
    );
    assert!(line(&run, "dataverse").0.starts_with("ok"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_without_the_token_says_where_it_was_looked_for() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox
        .world()
        .key_vault
        .lock()
        .remove(REFRESH_TOKEN_SECRET);
    let run = check(&sandbox, &[]).await;
    assert_fails(&run, "refresh_token", &[REFRESH_TOKEN_SECRET]);
}
