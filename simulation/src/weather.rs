//! What goes wrong in one seed, and how often. Each seed has some kinds of trouble and not others, so that traces stay short and
//! every kind also happens without the rest.

use std::time::Duration;

use fastrand::Rng;

use crate::universe::Service;

/// The trouble of one seed. Shares are of a thousand.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a trait of a system, and any of them go together"
)]
pub struct Weather {
    /// Requests that are refused for a passing reason.
    pub refused: u32,
    /// Writes to leads that a plug-in of the organisation refuses, which no repetition helps.
    pub rejected: u32,
    /// Requests that take effect and whose answer is lost.
    pub unanswered: u32,
    /// Requests that take effect after their sender gave up.
    pub late: u32,
    /// Requests that are lost.
    pub lost: u32,
    /// Answers that take minutes: the process, or its machine, stood still.
    pub stalled: u32,
    /// Requests during which their instance dies.
    pub crashes: u32,
    /// Requests to the storage account that fail.
    pub storage: u32,
    /// Reads of a referral that give an earlier version.
    pub stale: u32,
    /// Writes whose answer does not say what was stored.
    pub unrepresented: u32,
    /// Preconditions that are refused although they hold.
    pub refused_preconditions: u32,
    /// Events that come twice.
    pub doubled: u32,
    /// Events that never come.
    pub dropped: u32,
    /// Events that come late.
    pub delayed: u32,
    /// Whether Dataverse trims and rounds what it stores, and Partner Center rounds.
    pub normalizes: bool,
    /// Whether Dataverse refuses writes to closed leads.
    pub closed_leads_refuse: bool,
    /// Whether the organisation has a workflow of its own that touches each lead after it is written.
    pub touches: bool,
    /// Seconds by which the instances' clocks may differ from the truth.
    pub skew: i64,
    /// Whether Partner Center gives times by the second only.
    pub coarse: bool,
}

impl Weather {
    /// The trouble that `chance` brings.
    pub(crate) fn new(chance: &mut Rng) -> Self {
        if chance.u8(..8) == 0 {
            return Self::default();
        }
        let mut some = |most: u32| {
            if chance.u8(..3) == 0 {
                chance.u32(1..=most)
            } else {
                0
            }
        };
        Self {
            refused: some(80),
            rejected: some(20),
            unanswered: some(80),
            late: some(60),
            lost: some(60),
            stalled: some(40),
            crashes: some(40),
            storage: some(80),
            stale: some(120),
            unrepresented: some(800),
            refused_preconditions: some(60),
            doubled: some(400),
            dropped: some(300),
            delayed: some(400),
            normalizes: some(1) == 1,
            closed_leads_refuse: some(1) == 1,
            touches: some(1) == 1,
            skew: i64::from(some(2)),
            coarse: some(1) == 1,
        }
    }

    /// What is left of it when everything works again: how the systems are, not what goes wrong.
    pub(crate) fn calm(&self) -> Self {
        Self {
            normalizes: self.normalizes,
            closed_leads_refuse: self.closed_leads_refuse,
            unrepresented: self.unrepresented,
            skew: self.skew,
            coarse: self.coarse,
            ..Self::default()
        }
    }
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Answered,
    Stalled,
    Refused,
    Unanswered,
    Late,
    Lost,
    Crash,
}

impl Weather {
    /// What becomes of the next request.
    pub(crate) fn fate(&self, chance: &mut Rng, service: Service) -> Fate {
        let odds = if service == Service::Storage {
            [self.storage, self.storage / 2, self.storage / 4, 0]
        } else {
            [self.refused, self.unanswered, self.late, self.lost]
        };
        let [refused, unanswered, late, lost] = odds;
        [
            (refused, Fate::Refused),
            (unanswered, Fate::Unanswered),
            (late, Fate::Late),
            (lost, Fate::Lost),
            (self.stalled, Fate::Stalled),
            (self.crashes, Fate::Crash),
        ]
        .into_iter()
        .find(|(share, _)| happens(chance, *share))
        .map_or(Fate::Answered, |(_, fate)| fate)
    }
}

/// Whether something with this share of a thousand happens now.
pub(crate) fn happens(chance: &mut Rng, share: u32) -> bool {
    share > 0 && chance.u32(..1000) < share
}

/// How long a message is under way.
pub(crate) fn underway(chance: &mut Rng) -> Duration {
    let millis = match chance.u8(..20) {
        0 => chance.u64(1_000..12_000),
        1..=3 => chance.u64(100..1_000),
        _ => chance.u64(1..100),
    };
    Duration::from_millis(millis)
}

/// How long something stands still that should not.
pub(crate) fn standstill(chance: &mut Rng) -> Duration {
    Duration::from_secs(chance.u64(5..400))
}
