//! The steps, what is printed about each, and what must hold after it. Here those of the four events.

use anyhow::{Context, Result};
use sandbox::deliveries::{Delivery, Event, REFERRAL_UPDATED, SignatureForm, SignatureHeader};
use sandbox::partner_center::sample;
use serde_json::json;

use super::report;
use super::stage::{Answer, Moment, Stage, is_business, is_write};
use crate::screen::{Screen, Tone, line};

/// The demonstration so far.
pub(super) struct Steps<'a> {
    pub(super) screen: Screen,
    pub(super) stage: &'a Stage,
    referral: String,
    /// The delivery that is sent twice.
    delivery: Option<Delivery>,
    number: usize,
    verdicts: Vec<bool>,
}

impl<'a> Steps<'a> {
    pub(super) fn new(screen: Screen, stage: &'a Stage) -> Self {
        let (referral, delivery) = (String::new(), None);
        Self {
            screen,
            stage,
            referral,
            delivery,
            number: 0,
            verdicts: Vec::new(),
        }
    }

    /// The id of the referral it is all about.
    pub(super) fn referral(&self) -> &str {
        &self.referral
    }

    /// A customer asks for the partner: `referral-created`.
    pub(super) async fn created(&mut self) -> Result<()> {
        self.section("A referral arrives: Partner Center sends a signed referral-created")?;
        let before = self.stage.moment("");
        let (referral, event) = self.stage.world().create_referral(sample::complete())?;
        self.referral = referral;
        let received = self.stage.moment(&self.referral).referral;
        report::new_referral(self.screen, &received)?;
        self.show_event(event)?;
        let answer = self.stage.delivered(event).await?;
        let before = Moment {
            referral: received,
            ..before
        };
        let after = self.report(&before, &answer, Some(event)).await?;
        let lead_id = after.lead["leadid"].as_str().unwrap_or_default().to_owned();
        let reference = after.referral["externalReferenceId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        self.verdict(answer.status == 200, "the event was acknowledged with 200")?;
        self.verdict(after.leads == 1, "there is exactly one lead")?;
        self.verdict(
            lead_id == self.referral,
            "the lead's id is the referral's, so it can never exist twice",
        )?;
        self.verdict(
            !lead_id.is_empty() && reference.contains(&lead_id),
            "the referral names its lead in externalReferenceId",
        )
    }

    /// Somebody corrects the customer's data in Partner Center: `referral-updated`.
    pub(super) async fn updated(&mut self) -> Result<()> {
        self.section(
            "The customer moves: an edit in Partner Center sends a signed referral-updated",
        )?;
        let before = self.stage.moment(&self.referral);
        let change = json!({ "customerProfile": { "address": { "city": NEW_CITY, "postalCode": "24103" } } });
        let event = self.stage.world().edit_referral(&self.referral, &change)?;
        self.delivery = Some(self.show_event(event)?);
        let answer = self.stage.delivered(event).await?;
        let after = self.report(&before, &answer, Some(event)).await?;
        self.verdict(answer.status == 200, "the event was acknowledged with 200")?;
        self.verdict(
            after.lead["address1_city"] == NEW_CITY,
            "the lead has the new city",
        )?;
        self.verdict(after.leads == 1, "there is still exactly one lead")
    }

    /// An attacker signs with a key of their own and names the genuine certificate's address.
    pub(super) async fn forged(&mut self) -> Result<()> {
        self.section("A forgery: signed with another key, naming the genuine certificate")?;
        let before = self.stage.moment(&self.referral);
        let forgery = self.forgery()?;
        report::delivery(self.screen, &forgery)?;
        let answer = self.stage.send(&forgery).await?;
        let after = self.report(&before, &answer, None).await?;
        let calls = self.stage.requests_since(&before);
        self.verdict(answer.status == 401, "the event was refused with 401")?;
        self.verdict(
            !calls.iter().any(is_business),
            "no token was asked for and neither Partner Center nor Dynamics was called",
        )?;
        self.verdict(
            is_untouched(&before, &after),
            "lead and referral are untouched",
        )
    }

    /// Partner Center delivers at least once: the second event again, byte for byte.
    pub(super) async fn duplicate(&mut self) -> Result<()> {
        self.section("A duplicate: the genuine referral-updated a second time, byte for byte")?;
        let before = self.stage.moment(&self.referral);
        let delivery = self
            .delivery
            .clone()
            .context("the update was delivered before")?;
        report::delivery(self.screen, &delivery)?;
        let answer = self.stage.send(&delivery).await?;
        let after = self.report(&before, &answer, None).await?;
        let calls = self.stage.requests_since(&before);
        self.verdict(answer.status == 200, "the event was acknowledged with 200")?;
        self.verdict(!calls.iter().any(is_write), "nothing was written")?;
        self.verdict(
            is_untouched(&before, &after) && after.leads == 1,
            "lead and referral are untouched, and there is one lead",
        )
    }

    /// Says how it went; gives whether everything came out as it should.
    pub(super) fn conclude(&mut self) -> Result<bool> {
        let errors: Vec<_> = self.stage.host.errors();
        self.section("Summary")?;
        self.verdict(
            errors.is_empty(),
            "the connector wrote nothing to standard error",
        )?;
        let (all, good) = (
            self.verdicts.len(),
            self.verdicts.iter().filter(|good| **good).count(),
        );
        let tone = if good == all { Tone::Good } else { Tone::Bad };
        line("")?;
        line(
            &self
                .screen
                .paint(tone, &format!("{good} of {all} checks passed")),
        )?;
        Ok(good == all)
    }

    fn forgery(&self) -> Result<Delivery> {
        let world = self.stage.world();
        let event = Event::referral(REFERRAL_UPDATED, &self.referral, world.clock.now());
        let certificates = world.certificates.lock();
        let forger = certificates.authority().signer().build()?;
        let place = (SignatureHeader::MsSignature, SignatureForm::Prefixed);
        Delivery::signed(event.body(), &forger, &certificates.signer_url(), place)
    }

    /// Prints an event that Partner Center raised, as it is delivered. The signature scheme is deterministic, so
    /// these are the bytes that are sent.
    fn show_event(&self, event: u64) -> Result<Delivery> {
        let raised = self.stage.world().deliveries.lock().raised(event).cloned();
        let raised = raised.context("find the event that was raised")?;
        let delivery = self.stage.world().delivery(&raised.event)?;
        report::delivery(self.screen, &delivery)?;
        Ok(delivery)
    }

    /// Waits until the echoes of the connector's own writes have come back too, and prints everything that happened
    /// since a moment.
    async fn report(&self, before: &Moment, answer: &Answer, event: Option<u64>) -> Result<Moment> {
        self.stage.settled().await?;
        let after = self.stage.moment(&self.referral);
        report::answer(self.screen, answer)?;
        let requests = self.stage.requests_since(before);
        report::lead(self.screen, before, &after, &requests)?;
        report::notes(self.screen, before, &after)?;
        report::referral(self.screen, before, &after)?;
        report::echoes(self.screen, &self.stage.echoes_since(before, event))?;
        report::requests(self.screen, &requests)?;
        report::log(self.screen, &self.stage.log_since(before))?;
        line("")?;
        Ok(after)
    }

    pub(super) fn section(&mut self, title: &str) -> Result<()> {
        self.number += 1;
        self.screen.section(self.number, title)
    }

    pub(super) fn verdict(&mut self, good: bool, text: &str) -> Result<()> {
        self.verdicts.push(good);
        self.screen.verdict(good, text)
    }
}

const NEW_CITY: &str = "Kiel";

fn is_untouched(before: &Moment, after: &Moment) -> bool {
    (&before.lead, &before.referral) == (&after.lead, &after.referral)
}
