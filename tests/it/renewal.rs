//! Credentials as the running program keeps them: renewed by the timer, shared by deliveries, repaired without a restart.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use sandbox::entra::{PARTNER_API, PASSWORD, USER_NAME};
use sandbox::host::{Invocation, Outcome};
use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::settings::REFRESH_TOKEN_SECRET;
use sandbox::{Effect, Fault, Service};
use serde_json::Value;

use crate::rig::{IMPATIENT, Rig};

/// The refresh tokens the vault has held, the oldest first.
fn kept(rig: &Rig) -> Vec<String> {
    let vault = rig.world().key_vault.lock();
    vault
        .versions(REFRESH_TOKEN_SECRET)
        .iter()
        .map(|it| it.value.clone())
        .collect()
}

/// A person consents anew and stores what that yields.
fn consent(rig: &Rig) {
    let now = rig.world().clock.now();
    let token = rig.world().entra.lock().issue_refresh_token(now);
    rig.world()
        .key_vault
        .lock()
        .put(REFRESH_TOKEN_SECRET, &token, now);
}

/// An administrator revokes the consent and every token it yielded.
fn revoke(rig: &Rig) {
    let now = rig.world().clock.now();
    let mut entra = rig.world().entra.lock();
    entra.revoke_refresh_tokens(now);
    entra.revoke_access_tokens(PARTNER_API);
}

async fn renew(rig: &Rig) -> Invocation {
    rig.host.run_timer("TokenRenewal").await.unwrap()
}

fn told(run: &Invocation) -> Value {
    serde_json::from_slice(&run.body).unwrap()
}

async fn new_referral_is_synced(rig: &Rig) {
    let id = rig.seed(ReferralBuilder::new());
    let answer = rig.created(&id).await;
    assert_eq!((answer.status, answer.code()), (200, "synced"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timer_stores_the_renewed_refresh_token_each_time() {
    let rig = Rig::start(&[]).await;
    for versions in [2, 3] {
        let run = renew(&rig).await;
        assert!(run.succeeded(), "{run:?}");
        assert_eq!(told(&run)["ReturnValue"]["refreshToken"], "stored");
        assert_eq!(told(&run)["ReturnValue"]["usableForDays"], 90);
        let kept = kept(&rig);
        assert_eq!(kept.len(), versions);
        assert_ne!(kept[versions - 1], kept[versions - 2]);
    }
    new_referral_is_synced(&rig).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_stores_a_renewed_token_only_when_the_stored_one_is_old() {
    let young = Rig::start(&[]).await;
    new_referral_is_synced(&young).await;
    assert_eq!(
        young
            .world()
            .entra
            .lock()
            .issued("refresh_token", PARTNER_API),
        1
    );
    assert_eq!(kept(&young).len(), 1);

    let old = Rig::start(&[]).await;
    let then = old.world().clock.now() - SignedDuration::from_hours(31 * 24);
    let token = old.world().entra.lock().issue_refresh_token(then);
    old.world()
        .key_vault
        .lock()
        .put(REFRESH_TOKEN_SECRET, &token, then);
    let before = kept(&old).len();
    new_referral_is_synced(&old).await;
    assert_eq!(kept(&old).len(), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_consent_is_told_once_and_plainly_and_repaired_without_a_restart() {
    let rig = Rig::start(&IMPATIENT).await;
    new_referral_is_synced(&rig).await;
    let (pid, stored) = (rig.host.pid(), kept(&rig));
    revoke(&rig);

    let run = renew(&rig).await;
    assert!(matches!(run.outcome, Outcome::Failed(_)), "{run:?}");
    let reason = told(&run)["reason"].as_str().unwrap().to_owned();
    assert!(
        reason.contains("AADSTS50173") && reason.contains("consent again"),
        "{reason}"
    );
    let failed = rig.lines("renewal_failed").await;
    assert_eq!(failed.len(), 1);
    assert_eq!(
        (&failed[0]["level"], failed[0]["error"].as_str()),
        (&"ERROR".into(), Some(&*reason))
    );
    for secret in &stored {
        assert!(
            !rig.log_lines()
                .iter()
                .any(|line| line.to_string().contains(secret))
        );
    }

    let id = rig.seed(ReferralBuilder::new());
    let answer = rig.created(&id).await;
    assert_eq!((answer.status, answer.code()), (200, "parked"));
    let line = &rig.lines("misconfigured").await[0];
    assert!(
        line["error"].as_str().unwrap().contains("consent again"),
        "{line}"
    );

    consent(&rig);
    rig.synced_soon(&id).await;
    assert!(renew(&rig).await.succeeded());
    assert_eq!(rig.host.pid(), pid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_is_away_stops_no_sync_while_the_access_token_is_good() {
    let rig = Rig::start(&[]).await;
    new_referral_is_synced(&rig).await;
    rig.world()
        .faults
        .add(Fault::new(Service::KeyVault, Effect::status(503)));
    rig.world()
        .faults
        .add(Fault::new(Service::Entra, Effect::status(503)));
    new_referral_is_synced(&rig).await;
    assert!(!renew(&rig).await.succeeded());
    new_referral_is_synced(&rig).await;
    rig.world().faults.clear();
    assert!(renew(&rig).await.succeeded());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_deliveries_sign_in_once_for_each_audience() {
    let rig = Rig::start(&[]).await;
    let referrals: Vec<_> = (0..100).map(|_| rig.seed(ReferralBuilder::new())).collect();
    let answers = futures_util::future::join_all(referrals.iter().map(|id| rig.created(id))).await;
    // On a slow machine some are parked when their time is over, and follow.
    assert!(
        answers.iter().all(|answer| answer.status == 200),
        "{answers:?}"
    );
    rig.until(|rig| rig.leads().len() == 100).await;
    assert_eq!(
        rig.world()
            .entra
            .lock()
            .issued("refresh_token", PARTNER_API),
        1
    );
    // One for Dataverse, one for the vault that keeps the refresh token.
    assert_eq!(rig.requests(Service::Identity).len(), 2);
}

/// The settings of the 2019 flow: user name and password, and no vault.
const PASSWORD_GRANT: [(&str, &str); 4] = [
    ("PARTNER_CENTER_GRANT", "password"),
    ("PARTNER_CENTER_USERNAME", USER_NAME),
    ("PARTNER_CENTER_PASSWORD", PASSWORD),
    ("KEY_VAULT_URL", ""),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_old_flows_password_sign_in_works_and_is_warned_of() {
    let rig = Rig::start(&PASSWORD_GRANT).await;
    rig.world().partner_center.lock().second_factor_is_optional = true;
    new_referral_is_synced(&rig).await;
    assert_eq!(rig.world().entra.lock().issued("password", PARTNER_API), 1);
    assert_eq!(rig.requests(Service::KeyVault), Vec::<String>::new());
    let about = |line: &Value| {
        line["message"]
            .as_str()
            .unwrap_or_default()
            .contains("PARTNER_CENTER_GRANT")
    };
    rig.lines("synced").await;
    let warnings: Vec<_> = rig.log_lines().into_iter().filter(about).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0]["level"], "WARN");
    assert!(
        warnings[0]["message"]
            .as_str()
            .unwrap()
            .contains("refresh_token"),
        "{warnings:?}"
    );
    let run = renew(&rig).await;
    assert_eq!(told(&run)["ReturnValue"]["refreshToken"], "not_used");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_second_factor_is_demanded_the_password_sign_in_says_what_to_do() {
    let rig = Rig::start(&PASSWORD_GRANT).await;
    let id = rig.seed(ReferralBuilder::new());
    let answer = rig.created(&id).await;
    assert_eq!((answer.status, answer.code()), (200, "parked"));
    let line = &rig.lines("misconfigured").await[0];
    let error = line["error"].as_str().unwrap();
    assert!(
        error.contains("consent again with a second factor"),
        "{error}"
    );
    assert!(!error.contains(PASSWORD), "{error}");
}

/// A rig whose refresh token lies in a file of this mode, which is given too.
async fn with_file(folder: &Path, mode: u32) -> (Rig, PathBuf) {
    let path = folder.join("refresh-token");
    std::fs::write(&path, "not yet").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    let rig = Rig::start(&[
        IMPATIENT[0],
        ("KEY_VAULT_URL", ""),
        ("PARTNER_CENTER_REFRESH_TOKEN_FILE", path.to_str().unwrap()),
    ])
    .await;
    let now = rig.world().clock.now();
    std::fs::write(&path, rig.world().entra.lock().issue_refresh_token(now)).unwrap();
    (rig, path)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_in_a_private_file_serves_local_work() {
    let folder = tempfile::tempdir().unwrap();
    let (rig, path) = with_file(folder.path(), 0o600).await;
    let before = std::fs::read(&path).unwrap();
    new_referral_is_synced(&rig).await;
    assert!(renew(&rig).await.succeeded());
    assert_ne!(std::fs::read(&path).unwrap(), before);
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(rig.requests(Service::KeyVault), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_others_can_read_is_refused_with_the_cure() {
    let folder = tempfile::tempdir().unwrap();
    let (rig, path) = with_file(folder.path(), 0o644).await;
    let id = rig.seed(ReferralBuilder::new());
    let answer = rig.created(&id).await;
    assert_eq!((answer.status, answer.code()), (200, "parked"));
    let run = renew(&rig).await;
    let reason = told(&run)["reason"].as_str().unwrap().to_owned();
    assert!(
        reason.contains("0644") && reason.contains("chmod 600"),
        "{reason}"
    );
    assert_eq!(rig.requests(Service::Entra), Vec::<String>::new());

    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    rig.synced_soon(&id).await;
}
