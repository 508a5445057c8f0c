//! The end of a seed: everything happens that is going to, every referral is asked for until nothing is left to do, and then it
//! is judged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use referral_connector::ids::{LeadId, ReferralId};
use referral_connector::sync::SyncReport;
use referral_connector::sync::options::Mode;
use referral_connector::sync::park::Disposal;
use referral_connector::sync::plan::Outcome;

use crate::agenda::{Restless, Scheduler, after};
use crate::universe::{Contents, Universe};

/// How often all referrals are gone through in the end before nothing may be left to do.
const ROUNDS: usize = 8;
/// How long a run may take in the end.
const BUDGET: Duration = Duration::from_mins(1);
/// How many writes of the connector one change, or one fault, may cause.
const WRITES_A_CHANGE: u32 = 6;

/// Lets everything happen, then asks for every referral until nothing is left to do, then judges.
pub(crate) fn play(universe: &Universe, scheduler: &mut Scheduler) {
    if !rest(universe, scheduler) {
        return;
    }
    universe.with(Contents::judge_answers);
    let mut reports = BTreeMap::new();
    let mut is_settled = false;
    for _ in 0..ROUNDS {
        let before = universe.with(|it| (it.ledger.writes, it.ledger.saves));
        reports = BTreeMap::new();
        let ids: Vec<ReferralId> =
            universe.with(|it| it.partner_center.referrals.keys().copied().collect());
        let many = ids.len();
        for id in ids {
            ask(universe, id);
            if !rest(universe, scheduler) {
                return;
            }
            if let Some(report) = universe.with(|it| it.ledger.last.remove(&id)) {
                reports.insert(id, report);
            }
        }
        let is_quiet = before == universe.with(|it| (it.ledger.writes, it.ledger.saves));
        // What was parked instead, such as a referral that does not show yet, is asked for again.
        is_settled = is_quiet && reports.len() == many;
        if is_settled {
            break;
        }
    }
    universe.with(|it| it.judge(&reports, is_settled));
}

fn rest(universe: &Universe, scheduler: &mut Scheduler) -> bool {
    let rested = scheduler.run(universe);
    if let Err(why) = &rested {
        let words = match why {
            Restless::Endless => "events go on for ever",
            Restless::Stuck => "some work waits for nothing",
        };
        universe.with(|it| it.ledger.violated(words.to_owned()));
    }
    rested.is_ok()
}

/// Has one instance look at referral `id`.
fn ask(universe: &Universe, id: ReferralId) {
    universe.with(|it| {
        let Some(instance) = it.any_instance() else {
            return;
        };
        let deadline = it.instances.instant(after(it.now(), BUDGET));
        let universe = universe.clone();
        let group = instance.group;
        it.begin(
            group,
            Box::pin(async move {
                let disposal = instance.desk.again(id, deadline).await;
                universe.with(|it| match disposal {
                    Disposal::Done(report) => {
                        it.ledger.last.insert(id, report);
                    }
                    other => it.tell(|| format!("asked for {id}: {other:?}")),
                });
            }),
        );
    });
}

impl Contents {
    /// Every event that was answered with success is done, or a dead letter tells of it: the queue is empty.
    fn judge_answers(&mut self) {
        if self.had_stale_reads {
            return;
        }
        let waiting = self.storage.messages.len();
        if waiting > 0 {
            let words = format!("{waiting} messages are left in the queue");
            self.ledger.violated(words);
        }
        let mut wrong = Vec::new();
        for event in &self.ledger.acknowledged {
            let id = event.referral;
            let seen = self.ledger.worked_off.get(&id);
            let is_buried = self
                .storage
                .blobs
                .contains_key(&format!("dead-letters/{id}.json"));
            let is_seen = seen.is_some_and(|it| it.as_str() >= event.version.as_str());
            if !is_seen && !is_buried {
                wrong.push(format!(
                    "the event of {} of referral {id} was answered with success, and the last run that ended well read {seen:?}",
                    event.version
                ));
            }
        }
        wrong.dedup();
        self.ledger.violations.extend(wrong);
    }

    fn judge(&mut self, reports: &BTreeMap<ReferralId, Arc<SyncReport>>, is_settled: bool) {
        let mut wrong = Vec::new();
        if !is_settled {
            wrong.push("one sync after the other finds something to write".to_owned());
        }
        for id in self.partner_center.referrals.keys() {
            match reports.get(id) {
                Some(report) => {
                    wrong.extend(self.wrong_with(*id, report));
                    wrong.extend(self.wrong_with_note(*id, report));
                }
                None => wrong.push(format!("referral {id} cannot be synced")),
            }
        }
        if self.instances.settings.mode != Mode::Observe {
            wrong.extend(shared_leads(reports));
        }
        let faults: u64 = self
            .tally
            .iter()
            .filter(|(what, _)| what.starts_with("fault"))
            .map(|(_, many)| many)
            .sum();
        let causes = self.ledger.changes + u32::try_from(faults).unwrap_or(u32::MAX);
        let many = self.ledger.writes;
        let referrals = u32::try_from(self.partner_center.referrals.len()).unwrap_or(u32::MAX);
        if many > WRITES_A_CHANGE * (causes + 2 * referrals) {
            wrong.push(format!("{many} writes for {causes} changes and faults"));
        }
        self.ledger.violations.extend(wrong);
    }
}

/// A lead belongs to one referral.
fn shared_leads(reports: &BTreeMap<ReferralId, Arc<SyncReport>>) -> Vec<String> {
    let mut owners: BTreeMap<LeadId, ReferralId> = BTreeMap::new();
    let mut shared = Vec::new();
    for (id, report) in reports {
        let lead = report
            .lead
            .filter(|_| report.outcome != Outcome::LeadOfAnother);
        if let Some(other) = lead.and_then(|it| owners.insert(it, *id)) {
            shared.push(format!(
                "referrals {other} and {id} have one lead, {lead:?}"
            ));
        }
    }
    shared
}
