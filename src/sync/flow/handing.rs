//! One hand-over: read what is remembered, then the referral; save that it is under way; hand it over; save what the flow
//! answered; name the record in the referral.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::Courier;
use super::link::{Link, Ours, link};
use crate::ids::{ETag, RecordId, ReferralId};
use crate::referral::{PatchOperation, Referral};
use crate::sync::dead_letters::Subject;
use crate::sync::error::SyncCause;
use crate::sync::options::Mode;
use crate::sync::plan::{self, Ignored, Outcome, Report};
use crate::sync::run::Progress;
use crate::sync::state::store::{Saved, Stored};
use crate::sync::state::{Handed, State, UnderWay};
use crate::upstream::flow::Parcel;
use crate::upstream::partner_center::{Document, PartnerCenterError, Patched};

/// How often it starts over because somebody else wrote in between.
const RACES: u32 = 5;

/// A hand-over in the making.
pub(super) struct Handing<'a> {
    courier: &'a Courier,
    id: ReferralId,
    /// This run.
    run: Uuid,
    /// No answer is waited for after this.
    until: Timestamp,
    progress: Progress,
    /// What the blob holds.
    stored: Stored,
    /// What it is to hold.
    state: State,
    /// What the flow took in this run, as long as that is not saved.
    taken: Option<Taken>,
    /// The referral's version that Partner Center refused to be the current one.
    refused: Option<ETag>,
    /// What a person may want to know and still holds.
    holding: BTreeSet<String>,
}

/// What the flow took, and which record it says it wrote.
struct Taken {
    content: [u8; 32],
    record: Option<RecordId>,
}

/// How one round ended.
#[derive(PartialEq, Eq)]
enum Round {
    Done,
    /// Somebody else wrote in between.
    Raced,
}

impl<'a> Handing<'a> {
    pub(super) fn new(courier: &'a Courier, id: ReferralId, run: Uuid, until: Timestamp) -> Self {
        Self {
            courier,
            id,
            run,
            until,
            progress: Progress {
                outcome: Outcome::Unchanged,
                lead: None,
                reports: Vec::new(),
            },
            stored: Stored::default(),
            state: State::new(Uuid::nil()),
            taken: None,
            refused: None,
            holding: BTreeSet::new(),
        }
    }

    /// Goes on until the flow has the referral as it is, or says why it has not.
    pub(super) async fn finish(mut self) -> Result<Progress, SyncCause> {
        for _ in 0..=RACES {
            if self.round().await? == Round::Done {
                let handed = self.state.handed.as_ref();
                let record = handed.and_then(|handed| handed.record.as_ref());
                self.progress.lead = record.and_then(RecordId::lead);
                return Ok(self.progress);
            }
        }
        Err(SyncCause::Unsettled { rounds: RACES + 1 })
    }

    async fn round(&mut self) -> Result<Round, SyncCause> {
        self.load().await?;
        let document = match self.courier.partner_center.document(self.id).await {
            Ok(document) => document,
            Err(error) => return self.not_shown(error).await,
        };
        let referral = &document.referral;
        if let Some(why) = self.ignored(referral) {
            self.progress.outcome = Outcome::Ignored(why);
            return self.end(referral, referral.updated).await;
        }
        let content = document.content();
        let digest = self.state.document_digest(&content);
        let is_news = self.handed().content != Some(digest);
        if self.courier.options.mode == Mode::Observe {
            return self.observe(is_news).await;
        }
        if is_news && self.hand_over(&document, content).await? == Round::Raced {
            return Ok(Round::Raced);
        }
        self.name_the_record(referral).await
    }

    /// Loads what is remembered, and adds what this run did since.
    async fn load(&mut self) -> Result<(), SyncCause> {
        self.stored = self.courier.states.load(self.id).await?;
        let remembered = self.stored.state.clone();
        self.state = remembered.unwrap_or_else(|| State::new(Uuid::new_v4()));
        self.holding.clear();
        let now = self.courier.clock.now();
        if let Some(begun) = self.handed().under_way.take()
            && begun.run != self.run
            && now < begun.until
        {
            let left = Duration::try_from(begun.until.duration_since(now));
            return Err(SyncCause::Busy {
                after: left.unwrap_or_default(),
            });
        }
        self.apply();
        Ok(())
    }

    fn ignored(&self, referral: &Referral) -> Option<Ignored> {
        let was_handed = self
            .state
            .handed
            .as_ref()
            .is_some_and(|it| it.content.is_some());
        let closed = referral.status.state.is_closed() && !was_handed;
        let filter = &self.courier.options.filter;
        plan::ignored(referral, filter).or(closed.then_some(Ignored::Closed))
    }

    async fn observe(&mut self, is_news: bool) -> Result<Round, SyncCause> {
        if is_news {
            self.progress.outcome = Outcome::Observed;
            self.progress.report([Report::WouldPost]);
        }
        let stored = self.stored.state.clone();
        match stored {
            Some(state) => self.settle(state).await,
            None => Ok(Round::Done),
        }
    }

    /// A referral that cannot be had may not be there yet, or may not be ours.
    async fn not_shown(&mut self, error: PartnerCenterError) -> Result<Round, SyncCause> {
        let was_handed = self.handed().content.is_some();
        match error {
            PartnerCenterError::NotFound { .. } => Err(SyncCause::LookAgain),
            PartnerCenterError::Forbidden { .. } if !was_handed => {
                self.courier.partner_center.probe().await?;
                self.progress.outcome = Outcome::NotOurs;
                let state = self.state.clone();
                self.settle(state).await
            }
            other => Err(other.into()),
        }
    }

    /// Hands the referral over. Saved before is that it is under way, so that no two runs do it at once; saved after it is
    /// what the flow answered, or that nothing is under way any more.
    async fn hand_over(
        &mut self,
        document: &Document,
        content: [u8; 32],
    ) -> Result<Round, SyncCause> {
        let (run, until) = (self.run, self.until);
        self.handed().under_way = Some(UnderWay { run, until });
        if self.save().await? == Saved::Changed {
            return Ok(Round::Raced);
        }
        let handed = self.state.handed.clone().unwrap_or_default();
        let parcel = Parcel {
            document,
            known: handed.content.is_some(),
            record: handed.record.as_ref(),
        };
        let answer = self.courier.flow.post(&parcel).await;
        self.handed().under_way = None;
        match answer {
            Ok(record) => {
                let told_before = handed.record.is_some() && record.is_some();
                if told_before && handed.record != record {
                    self.progress.report([Report::RecordChanged]);
                }
                self.progress.outcome = Outcome::Posted;
                self.taken = Some(Taken { content, record });
                self.apply();
                Ok(match self.save().await? {
                    Saved::Done => Round::Done,
                    Saved::Changed => Round::Raced,
                })
            }
            Err(error) => {
                // Should this fail as well, others wait until the answer could come no more.
                let _ = self.save().await;
                Err(error.into())
            }
        }
    }

    /// Notes in the state what the flow took in this run.
    fn apply(&mut self) {
        let Some(taken) = &self.taken else {
            return;
        };
        let content = self.state.document_digest(&taken.content);
        let handed = self.state.handed.get_or_insert_default();
        handed.content = Some(content);
        if taken.record.is_some() {
            handed.record.clone_from(&taken.record);
        }
    }

    async fn name_the_record(&mut self, referral: &Referral) -> Result<Round, SyncCause> {
        let lead = self.state.lead;
        let handed = self.handed().clone();
        let Some(record) = handed.record else {
            self.tell(Report::NoRecordId, "");
            return self.end(referral, referral.updated).await;
        };
        let ours = Ours {
            linked: handed.linked.as_ref(),
            lead,
        };
        match link(referral, &record, ours, &self.courier.options) {
            Link::Write(patch) if self.refused.as_ref() != Some(&referral.etag) => {
                return self.send(referral, patch, record).await;
            }
            // Partner Center says that the referral has changed, and it has not: that is no race.
            Link::Write(_) => self.tell(Report::PreconditionRefused, referral.etag.as_str()),
            Link::Foreign => {
                let named = referral.external_reference.as_deref();
                self.tell(Report::ForeignReference, named.unwrap_or_default());
            }
            Link::Closed => self.tell(Report::NotLinked, ""),
            Link::Fine => {}
        }
        self.end(referral, referral.updated).await
    }

    async fn send(
        &mut self,
        referral: &Referral,
        patch: PatchOperation,
        record: RecordId,
    ) -> Result<Round, SyncCause> {
        let partner_center = &self.courier.partner_center;
        let sent = partner_center
            .patch(self.id, &referral.etag, &[patch])
            .await?;
        let Patched::Done(stored) = sent else {
            self.refused = Some(referral.etag.clone());
            return Ok(Round::Raced);
        };
        self.progress.outcome = self.progress.outcome.and(Outcome::Linked);
        self.handed().linked = Some(record);
        // Without an answer that shows it, the next pass of reconcile looks once more.
        let updated = stored.and_then(|stored| stored.updated);
        self.end(referral, updated).await
    }

    /// Nothing is left to do for the version that was made at `updated`.
    async fn end(
        &mut self,
        referral: &Referral,
        updated: Option<Timestamp>,
    ) -> Result<Round, SyncCause> {
        self.handed().updated = updated;
        self.state.closed = if referral.status.state.is_closed() {
            self.state.closed.or_else(|| Some(self.courier.clock.now()))
        } else {
            None
        };
        self.state.told(&self.holding);
        let state = self.state.clone();
        self.settle(state).await
    }

    /// Saves `state` if it is news, and removes the dead letter that told of this referral.
    async fn settle(&mut self, mut state: State) -> Result<Round, SyncCause> {
        if state.dead_letter {
            let subject = Subject::Referral(self.id);
            self.courier.letters.remove(subject).await?;
            state.dead_letter = false;
        }
        let is_news = match &self.stored.state {
            Some(stored) => *stored != state,
            None => state
                .handed
                .as_ref()
                .is_some_and(|it| *it != Handed::default()),
        };
        self.state = state;
        if !is_news || self.save().await? == Saved::Done {
            return Ok(Round::Done);
        }
        Ok(Round::Raced)
    }

    async fn save(&mut self) -> Result<Saved, SyncCause> {
        let states = &self.courier.states;
        Ok(states.save(self.id, &self.state, &mut self.stored).await?)
    }

    /// What holds is reported once, for as long as it does.
    fn tell(&mut self, report: Report, about: &str) {
        let key = self.state.key(&report, about);
        if !self.state.reported.contains(&key) {
            self.progress.report([report]);
        }
        self.holding.insert(key);
    }

    fn handed(&mut self) -> &mut Handed {
        self.state.handed.get_or_insert_default()
    }
}
