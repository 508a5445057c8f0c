//! Signing in, over HTTPS, with the tokens and the vault of a sandbox.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose preparation fails has failed"
)]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use referral_connector::config::Config;
use referral_connector::credentials::{self, Credentials, RenewalOutcome, TokenError};
use referral_connector::failure::{Chain, Classify, Disposition};
use referral_connector::upstream::{Transport, Upstream, calls};
use sandbox::entra::{CLIENT_ID, CLIENT_SECRET, PARTNER_API, PASSWORD, TENANT_ID, USER_NAME};
use sandbox::settings::REFRESH_TOKEN_SECRET;
use sandbox::{Effect, Fault, Sandbox, Service};

/// A sandbox and the credentials of a connector in it.
pub(crate) struct SignedIn {
    pub(crate) sandbox: Sandbox,
    pub(crate) config: Config,
    pub(crate) transport: Transport,
    pub(crate) credentials: Credentials,
}

impl SignedIn {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With `changes` to the settings; an empty value unsets one.
    async fn with(changes: &[(&str, &str)]) -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let config = config(&sandbox, changes);
        let transport = Transport::new(config.outbound_ca.as_deref()).unwrap();
        let credentials = credentials::build(&config, &transport);
        Self {
            sandbox,
            config,
            transport,
            credentials,
        }
    }

    /// With the refresh token in a file of `mode`.
    async fn with_file(folder: &Path, mode: u32) -> (Self, PathBuf) {
        let path = folder.join("refresh-token");
        let file = path.to_str().unwrap();
        let it = Self::with(&[
            ("KEY_VAULT_URL", ""),
            ("PARTNER_CENTER_REFRESH_TOKEN_FILE", file),
        ])
        .await;
        std::fs::write(&path, it.new_refresh_token()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (it, path)
    }

    async fn partner_token(&self) -> Result<String, TokenError> {
        let token = self.credentials.partner_center.token(PARTNER_API).await?;
        Ok(token.authorization().to_str().unwrap().to_owned())
    }

    fn now(&self) -> Timestamp {
        self.sandbox.world().clock.now()
    }

    fn new_refresh_token(&self) -> String {
        let now = self.now();
        self.sandbox.world().entra.lock().issue_refresh_token(now)
    }

    fn stored(&self) -> String {
        let vault = self.sandbox.world().key_vault.lock();
        vault.secret(REFRESH_TOKEN_SECRET).unwrap().to_owned()
    }

    fn store(&self, token: &str, at: Timestamp) {
        let mut vault = self.sandbox.world().key_vault.lock();
        vault.put(REFRESH_TOKEN_SECRET, token, at);
    }

    fn revoke(&self) {
        let now = self.now();
        self.sandbox.world().entra.lock().revoke_refresh_tokens(now);
    }

    fn fault(&self, fault: Fault) {
        self.sandbox.world().faults.add(fault);
    }

    /// How many requests to `service` were answered with `status`.
    fn answered(&self, service: Service, status: u16) -> usize {
        let log = self.sandbox.world().requests.of(service);
        log.iter().filter(|it| it.status == Some(status)).count()
    }
}

fn config(sandbox: &Sandbox, changes: &[(&str, &str)]) -> Config {
    let mut settings: BTreeMap<String, String> = sandbox.settings();
    let client_secret = [
        ("AZURE_CREDENTIAL", "client_secret"),
        ("AZURE_TENANT_ID", TENANT_ID),
        ("AZURE_CLIENT_ID", CLIENT_ID),
        ("AZURE_CLIENT_SECRET", CLIENT_SECRET),
    ];
    for (name, value) in client_secret.iter().chain(changes) {
        settings.insert((*name).to_owned(), (*value).to_owned());
    }
    Config::read(&|name| settings.get(name).cloned()).unwrap()
}

#[tokio::test]
async fn a_young_refresh_token_is_used_and_left_in_the_vault() {
    let it = SignedIn::start().await;
    let before = it.stored();
    assert!(it.partner_token().await.unwrap().starts_with("Bearer "));
    assert_eq!(it.stored(), before);
    // The vault's challenge, then the secret.
    assert_eq!(it.answered(Service::KeyVault, 401), 1);
    assert_eq!(it.answered(Service::KeyVault, 200), 1);
}

#[tokio::test]
async fn a_refresh_token_older_than_thirty_days_is_renewed_by_whoever_uses_it() {
    let it = SignedIn::start().await;
    let old = it.stored();
    it.store(&old, it.now() - SignedDuration::from_hours(29 * 24));
    it.partner_token().await.unwrap();
    assert_eq!(it.stored(), old);

    it.store(&old, it.now() - SignedDuration::from_hours(31 * 24));
    let another = credentials::build(&it.config, &it.transport);
    another.partner_center.token(PARTNER_API).await.unwrap();
    assert_ne!(it.stored(), old);
}

#[tokio::test]
async fn an_access_token_is_given_even_when_its_successor_cannot_be_stored() {
    let it = SignedIn::start().await;
    it.store(&it.stored(), it.now() - SignedDuration::from_hours(31 * 24));
    it.sandbox.world().key_vault.lock().forbid_set(true);
    it.partner_token().await.unwrap();
}

#[tokio::test]
async fn the_timer_stores_the_renewed_token_however_young_the_old_one_is() {
    let it = SignedIn::start().await;
    let before = it.stored();
    let report = it.credentials.renewal.run().await.unwrap();
    assert_eq!(report.outcome, RenewalOutcome::Stored);
    assert!(report.redeemed_age.unwrap() < Duration::from_mins(5));
    assert_ne!(it.stored(), before);
    // What was stored is good.
    it.credentials.renewal.run().await.unwrap();
}

#[tokio::test]
async fn the_timer_fails_when_the_renewed_token_cannot_be_stored() {
    let it = SignedIn::start().await;
    it.sandbox.world().key_vault.lock().forbid_set(true);
    let error = it.credentials.renewal.run().await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Misconfigured);
    assert!(
        Chain(&error)
            .to_string()
            .contains("Key Vault Secrets Officer")
    );
}

#[tokio::test]
async fn the_age_of_the_stored_token_is_told_without_using_it() {
    let it = SignedIn::start().await;
    it.store(&it.stored(), it.now() - SignedDuration::from_hours(20 * 24));
    let kept = it.credentials.renewal.kept().await.unwrap().unwrap();
    assert_eq!(kept.fault, None);
    let age = kept.age.unwrap();
    assert_eq!(age.age.as_secs() / 86_400, 20);
    assert_eq!(age.usable_for.as_secs() / 86_400, 69);
    assert_eq!(
        it.sandbox
            .world()
            .entra
            .lock()
            .issued("refresh_token", PARTNER_API),
        0
    );
}

#[tokio::test]
async fn a_revoked_consent_is_final_after_one_more_look_and_says_what_to_do() {
    let it = SignedIn::start().await;
    it.revoke();
    let error = it.partner_token().await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Misconfigured);
    let text = Chain(&error).to_string();
    assert!(
        text.contains("AADSTS50173") && text.contains("consent again"),
        "{text}"
    );
    assert!(!format!("{error:?}").contains(&it.stored()));
    assert_eq!(it.answered(Service::Entra, 400), 1);
    // Read, and read once more; each starts with the vault's challenge.
    assert_eq!(it.answered(Service::KeyVault, 200), 2);
}

#[tokio::test]
async fn a_consent_that_was_renewed_meanwhile_is_found_by_the_second_look() {
    let it = SignedIn::start().await;
    it.revoke();
    let slowly = Fault::new(Service::Entra, Effect::Delay(1500));
    it.fault(slowly.method("POST").times(2));
    let consent_anew = async {
        while it.answered(Service::KeyVault, 200) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        it.store(&it.new_refresh_token(), it.now());
    };
    let consent_anew = tokio::time::timeout(Duration::from_secs(10), consent_anew);
    let (token, consented) = tokio::join!(it.partner_token(), consent_anew);
    consented.unwrap();
    token.unwrap();
}

#[tokio::test]
async fn a_refresh_token_in_a_private_file_is_used_and_renewed_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let (it, path) = SignedIn::with_file(folder.path(), 0o600).await;
    let before = std::fs::read_to_string(&path).unwrap();
    it.partner_token().await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), before);
    let report = it.credentials.renewal.run().await.unwrap();
    assert_eq!(report.outcome, RenewalOutcome::Stored);
    assert_ne!(std::fs::read_to_string(&path).unwrap(), before);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    it.credentials.renewal.run().await.unwrap();
}

#[tokio::test]
async fn a_refresh_token_that_others_can_read_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let (it, _) = SignedIn::with_file(folder.path(), 0o644).await;
    let error = it.partner_token().await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Misconfigured);
    assert!(Chain(&error).to_string().contains("chmod 600"));
    assert_eq!(it.sandbox.world().requests.of(Service::Entra).len(), 0);
}

#[tokio::test]
async fn parallel_callers_cause_one_sign_in_and_one_look_into_the_vault() {
    let it = SignedIn::start().await;
    let tokens = join_all((0..50).map(|_| it.partner_token())).await;
    assert!(tokens.iter().all(Result::is_ok));
    assert_eq!(
        it.sandbox
            .world()
            .entra
            .lock()
            .issued("refresh_token", PARTNER_API),
        1
    );
    assert_eq!(it.answered(Service::KeyVault, 200), 1);
    it.sandbox.world().requests.clear();
    it.partner_token().await.unwrap();
    assert_eq!(it.sandbox.world().requests.count(), 0);
}

#[tokio::test]
async fn an_outage_of_the_sign_in_service_is_waited_out_or_left_for_later() {
    let it = SignedIn::start().await;
    it.fault(Fault::new(Service::Entra, Effect::throttled(1)).times(1));
    it.partner_token().await.unwrap();

    let another = credentials::build(&it.config, &it.transport);
    let page = Effect::Status {
        code: 503,
        headers: BTreeMap::new(),
        body: "<html>maintenance</html>".into(),
    };
    it.fault(Fault::new(Service::Entra, page));
    let dataverse = it.sandbox.url(Service::Dataverse);
    let partner_center = another.partner_center.token(PARTNER_API);
    let dataverse = another.azure.token(dataverse.as_str());
    let (partner_center, dataverse) = tokio::join!(partner_center, dataverse);
    for error in [partner_center.unwrap_err(), dataverse.unwrap_err()] {
        assert_eq!(error.disposition(), Disposition::RETRY, "{error:?}");
        let text = Chain(&error).to_string();
        assert!(text.contains("503") && !text.contains("html"), "{text}");
    }
}

#[tokio::test]
async fn a_wrong_azure_secret_is_named_by_its_setting_and_never_shown() {
    let it = SignedIn::with(&[("AZURE_CLIENT_SECRET", "not-the-real-one")]).await;
    let dataverse = it.sandbox.url(Service::Dataverse);
    let error = it.credentials.azure.token(dataverse.as_str()).await;
    let error = error.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Misconfigured);
    let text = Chain(&error).to_string();
    assert!(
        text.contains("AADSTS7000215") && text.contains("AZURE_CLIENT_SECRET"),
        "{text}"
    );
    assert!(!format!("{error:?}").contains("not-the-real-one"));

    // The vault needs that identity too.
    let text = Chain(&it.partner_token().await.unwrap_err()).to_string();
    assert!(text.contains("AZURE_CLIENT_SECRET"), "{text}");
}

#[tokio::test]
async fn a_vault_that_refuses_or_lacks_the_token_is_a_matter_for_a_person() {
    let it = SignedIn::start().await;
    it.sandbox.world().key_vault.lock().forbid_get(true);
    let error = it.partner_token().await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Misconfigured);
    assert!(
        Chain(&error)
            .to_string()
            .contains("Key Vault Secrets Officer")
    );

    let another = credentials::build(&it.config, &it.transport);
    {
        let mut vault = it.sandbox.world().key_vault.lock();
        vault.forbid_get(false);
        vault.remove(REFRESH_TOKEN_SECRET);
    }
    let error = another.partner_center.token(PARTNER_API).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Misconfigured);
    assert!(Chain(&error).to_string().contains("no such secret"));
}

#[tokio::test]
async fn the_password_grant_works_until_a_second_factor_is_demanded() {
    let changes = [
        ("PARTNER_CENTER_GRANT", "password"),
        ("PARTNER_CENTER_USERNAME", USER_NAME),
        ("PARTNER_CENTER_PASSWORD", PASSWORD),
    ];
    let it = SignedIn::with(&changes).await;
    it.partner_token().await.unwrap();
    let report = it.credentials.renewal.run().await.unwrap();
    assert_eq!(report.outcome, RenewalOutcome::NotUsed);

    it.sandbox.world().entra.lock().require_mfa(true);
    let another = credentials::build(&it.config, &it.transport);
    let error = another.partner_center.token(PARTNER_API).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Misconfigured);
    let text = Chain(&error).to_string();
    assert!(
        text.contains("AADSTS50076") && !text.contains(PASSWORD),
        "{text}"
    );
}

#[tokio::test]
async fn sign_ins_are_in_the_record_of_the_work_that_needed_them() {
    let it = SignedIn::start().await;
    let (token, records) = calls::recorded(it.partner_token()).await;
    token.unwrap();
    let made: Vec<_> = records.iter().map(|it| (it.upstream, it.status)).collect();
    assert_eq!(
        made,
        [
            (Upstream::KeyVault, Some(401)),
            // The vault has its own identity.
            (Upstream::EntraId, Some(200)),
            (Upstream::KeyVault, Some(200)),
            (Upstream::EntraId, Some(200)),
        ]
    );
    let (_, records) = calls::recorded(it.partner_token()).await;
    assert_eq!(records, []);
}
