//! What an administrator does before the first event, and after the last.

use anyhow::Result;
use sandbox::settings::REFRESH_TOKEN_SECRET;
use sandbox::{Record, Service};

use super::steps::Steps;
use super::{commands, report};
use crate::screen::Tone;

/// Where the connector keeps its blobs.
const CONTAINER: &str = "referral-connector";

impl Steps<'_> {
    /// The service account consents: a refresh token goes into the vault.
    pub(super) async fn consents(&mut self) -> Result<()> {
        self.section(
            "The administrator consents: a sign-in with a second factor, and what it is good for",
        )?;
        let before = self.stage.moment("");
        let secrets = || {
            let vault = self.stage.world().key_vault.lock();
            vault.versions(REFRESH_TOKEN_SECRET).len()
        };
        let kept = secrets();
        let ran = commands::consent(self.screen, self.stage).await?;
        let now = secrets();
        report::requests(self.screen, &self.stage.requests_since(&before))?;
        let text = ran.text();
        self.verdict(ran.exit == Some(0), "the command ended with 0")?;
        self.verdict(
            (kept, now) == (0, 1),
            "the vault holds a refresh token, and did not before",
        )?;
        self.verdict(
            text.contains("mfa is in the token's amr"),
            "the second factor was demanded and used",
        )?;
        let is_shown = self
            .stage
            .world()
            .key_vault
            .lock()
            .secret(REFRESH_TOKEN_SECRET)
            .is_none_or(|it| text.contains(it));
        self.verdict(!is_shown, "the token itself was not shown")
    }

    /// The webhook is registered, and a test event is followed to its delivery.
    pub(super) async fn registers(&mut self) -> Result<()> {
        self.section(
            "The webhook is registered, and a test event is followed until it is delivered",
        )?;
        let before = self.stage.moment("");
        let key = self.stage.host.function_key();
        let mut address = self.stage.webhook.clone();
        address.set_query(None);
        let arguments = ["register", "--url", address.as_str()];
        let ran = commands::run(
            self.screen,
            self.stage,
            &arguments,
            &[("REFERRAL_WEBHOOK_KEY", key)],
        )
        .await?;
        report::requests(self.screen, &self.stage.requests_since(&before))?;
        report::log(self.screen, &self.stage.log_since(&before))?;
        let text = ran.text();
        let registered = self
            .stage
            .world()
            .partner_center
            .lock()
            .registration()
            .cloned();
        let registered = registered.is_some_and(|it| it.url == self.stage.webhook);
        self.verdict(ran.exit == Some(0), "the command ended with 0")?;
        self.verdict(registered, "Partner Center sends its events to the webhook")?;
        self.verdict(
            text.contains("the test event arrived"),
            "the test event was signed, delivered and acknowledged",
        )?;
        self.verdict(!text.contains(key), "the function's key was not shown")
    }

    /// Everything the connector needs is looked into.
    pub(super) async fn checks(&mut self) -> Result<()> {
        self.section("The check-up: everything the connector needs, one line each")?;
        let before = self.stage.moment("");
        let ran = commands::run(self.screen, self.stage, &["check"], &[]).await?;
        let requests = self.stage.requests_since(&before);
        let writes = requests.iter().filter(|it| is_foreign_write(it)).count();
        self.screen.text(
            Tone::Faint,
            &format!("({} calls to find that out)", requests.len()),
        )?;
        let all_well = ran.text().lines().all(|line| line.starts_with("ok "));
        self.verdict(ran.exit == Some(0), "the command ended with 0")?;
        self.verdict(all_well, "every line is ok")?;
        self.verdict(
            writes == 0,
            "nothing was changed anywhere but in the connector's own storage",
        )
    }

    /// Somebody asks to be forgotten.
    pub(super) async fn erases(&mut self) -> Result<()> {
        self.section("The customer asks to be forgotten: what is kept of the referral is erased")?;
        let id = self.referral().to_owned();
        let before = self.stage.moment(&id);
        let state = format!("state/{id}.json");
        let storage = &self.stage.world().storage;
        let was_kept = storage.blob(CONTAINER, &state).await?.is_some();
        let arguments = ["erase", &id, "--yes"];
        let ran = commands::run(self.screen, self.stage, &arguments, &[]).await?;
        let is_kept = storage.blob(CONTAINER, &state).await?.is_some();
        let after = self.stage.moment(&id);
        self.verdict(ran.exit == Some(0), "the command ended with 0")?;
        self.verdict(
            was_kept && !is_kept,
            "what was remembered of the referral is gone",
        )?;
        self.verdict(
            (&before.lead, &before.referral) == (&after.lead, &after.referral),
            "the lead and the referral themselves are untouched",
        )
    }
}

/// Whether it could have changed something that is not the connector's own. Signing in changes nothing.
fn is_foreign_write(record: &Record) -> bool {
    let own = [Service::Entra, Service::Identity, Service::Storage];
    !["GET", "HEAD"].contains(&record.method.as_str()) && !own.contains(&record.service)
}
