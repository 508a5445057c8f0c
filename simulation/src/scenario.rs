//! One seed, from its first event to its last judgement.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use referral_connector::ids::{ETag, ReferralId};
use referral_connector::mapping::Mapping;
use referral_connector::referral::{
    Consent, Customer, Details, Direction, Invitation, Member, Referral, ReferralState,
};
use referral_connector::sync::options::{
    Duplicates, Filter, Mode, Parents, QualifiedMeans, SyncOptions,
};
use uuid::Uuid;

use crate::agenda::{Agenda, Scheduler, after};
use crate::dataverse::Dataverse;
use crate::field::{FIELDS, Field};
use crate::habits::Habits;
use crate::instances::{Instances, Variant};
use crate::ledger::{Ledger, Record};
use crate::partner_center::{PartnerCenter, status};
use crate::storage::Storage;
use crate::traffic::Disturbance;
use crate::universe::{Contents, Universe};
use crate::weather::Weather;

/// What one run of the simulation is made of.
#[derive(Clone, Copy)]
pub struct Setup {
    /// The world as the connector is given it.
    pub variant: Variant,
    /// Whether to write down all that happens.
    pub trace: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            variant: |world| world,
            trace: false,
        }
    }
}

/// What came of a seed.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// What was wrong.
    pub violations: Vec<String>,
    /// How often each kind of event and fault came.
    pub tally: BTreeMap<&'static str, u64>,
    /// All that happened, a line each, if it was to be written down.
    pub trace: Vec<String>,
}

/// Simulates what follows from `seed`.
pub fn simulate(seed: u64, setup: &Setup) -> Run {
    let universe = universe(seed, setup);
    let mut scheduler = Scheduler::default();
    universe.with(Contents::stage);
    crate::verdict::play(&universe, &mut scheduler);
    universe.with(|it| {
        it.end();
        Run {
            violations: std::mem::take(&mut it.ledger.violations),
            tally: std::mem::take(&mut it.tally),
            trace: it.trace.take().unwrap_or_default(),
        }
    })
}

fn universe(seed: u64, setup: &Setup) -> Universe {
    let mut chance = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5eed);
    let start: Timestamp = "2026-11-22T12:00:00Z".parse().expect("a moment");
    let weather = Weather::new(&mut chance);
    let had_stale_reads = weather.stale > 0;
    let settings = settings(&mut chance);
    let universe = Universe::new(Contents {
        agenda: Agenda::new(start),
        weather,
        partner_center: PartnerCenter::default(),
        // Two seeds of three are as if there were no such columns.
        dataverse: Dataverse::new(seed % 3 == 1),
        storage: Storage::default(),
        instances: Instances::new(settings, setup.variant, start),
        ledger: Ledger::default(),
        tally: BTreeMap::new(),
        trace: setup.trace.then(Vec::new),
        had_stale_reads,
        is_quiet: false,
        chance,
    });
    universe.with(|it| it.instances.universe = Some(universe.clone()));
    universe
}

fn settings(chance: &mut Rng) -> SyncOptions {
    let modes = [
        Mode::TwoWay,
        Mode::TwoWay,
        Mode::TwoWay,
        Mode::Link,
        Mode::Inbound,
    ];
    let means = [QualifiedMeans::Accepted, QualifiedMeans::Won];
    let duplicates = [
        Duplicates::Report,
        Duplicates::Link,
        Duplicates::Link,
        Duplicates::Create,
    ];
    let parents = [Parents::Match, Parents::Match, Parents::Off];
    SyncOptions {
        mode: modes[chance.usize(..modes.len())],
        production: true,
        owner: None,
        filter: Filter::default(),
        time_zone: TimeZone::UTC,
        qualified_means: means[chance.usize(..2)],
        close_hold: SignedDuration::from_hours(24),
        won_hold: SignedDuration::from_hours(72),
        duplicates: duplicates[chance.usize(..duplicates.len())],
        parents: parents[chance.usize(..parents.len())],
        crm: None,
        mapping: Arc::clone(Mapping::shipped()),
    }
}

impl Contents {
    /// Puts up all that is going to happen.
    fn stage(&mut self) {
        let (now, mode) = (self.now(), self.instances.settings.mode);
        self.ledger.modes.push((now, mode));
        self.dataverse.customers.are_reserved = self.chance.u8(..5) == 0;
        for _ in 0..self.chance.usize(1..=3) {
            self.start_instance();
        }
        let referrals = [1, 1, 1, 1, 2, 3][self.chance.usize(..6)];
        for number in 0..referrals {
            let moment = Duration::from_millis(self.chance.u64(0..5_000));
            self.after(moment, move |it| it.receive(number));
        }
        if self.chance.u8(..12) == 0 {
            self.after(Duration::from_secs(3), Self::announce_foreign);
        }
        let has_own_columns = self.has_own_columns();
        let habits = Arc::new(Habits::new(&mut self.chance, has_own_columns));
        let mut moment = Duration::from_secs(6);
        for _ in 0..self.chance.usize(1..24) {
            moment += self.pause();
            let habits = Arc::clone(&habits);
            self.after(moment, move |it| it.act(&habits));
        }
        for _ in 0..self.chance.usize(..4) {
            let disturbance = self.disturbance();
            let share = self.chance.u32(..100);
            self.after(moment * share / 100, move |it| it.disturb(disturbance));
        }
        self.after(moment + Duration::from_secs(1), Self::quiet_down);
    }

    /// Time between two acts: mostly little, so that they meet.
    fn pause(&mut self) -> Duration {
        match self.chance.u8(..20) {
            0..9 => Duration::from_millis(self.chance.u64(1..1_500)),
            9..15 => Duration::from_secs(self.chance.u64(1..40)),
            15..18 => Duration::from_secs(self.chance.u64(40..2_000)),
            _ => Duration::from_secs(self.chance.u64(2_000..200_000)),
        }
    }

    fn disturbance(&mut self) -> Disturbance {
        let modes = [Mode::TwoWay, Mode::Link, Mode::Inbound, Mode::Observe];
        match self.chance.u8(..8) {
            0..3 => Disturbance::Mode(modes[self.chance.usize(..modes.len())]),
            3 | 4 => Disturbance::Restart,
            5 => Disturbance::OneMore,
            6 => Disturbance::LostBlob,
            _ => Disturbance::GarbledBlob,
        }
    }

    /// A new referral.
    fn receive(&mut self, number: u128) {
        let id = ReferralId::new(Uuid::from_u128(0xaaaa_0000_0000 + number));
        let mut referral = blank(id);
        let only = self.chance.u8(2..=4);
        for field in FIELDS {
            if self.chance.u8(..4) < only {
                let number = self.ledger.number();
                let value = match field {
                    Field::Currency => "USD".to_owned(),
                    _ => field.fresh(number, false),
                };
                field.into_referral(&mut referral, Some(value));
            }
        }
        let shown = match self.chance.u8(..6) {
            0 => Duration::from_secs(self.chance.u64(1..50)),
            _ => Duration::ZERO,
        };
        if self.chance.u8(..6) == 0 {
            self.count("partner: a referral comes with another flow's lead");
            let lead = self.another_flows_lead();
            referral.external_reference = Some(lead.to_string());
        }
        self.introduce(&mut referral);
        let columns = self.projected(&referral).columns;
        let moment = after(self.now(), shown);
        self.put_referral(referral, moment);
        self.book(Record::Referral(id), &BTreeMap::new(), &columns);
        if self.has_own_columns() {
            self.let_expire(id);
        }
    }

    /// Nobody does anything any more, and everything works again.
    fn quiet_down(&mut self) {
        self.tell(|| "all is quiet".to_owned());
        self.is_quiet = true;
        self.weather = self.weather.calm();
        let ids: Vec<ReferralId> = self.partner_center.referrals.keys().copied().collect();
        for id in ids {
            self.allow(id);
        }
    }
}

/// A referral that says nothing.
fn blank(id: ReferralId) -> Referral {
    Referral {
        id,
        etag: ETag::new(""),
        engagement: None,
        name: None,
        external_reference: None,
        created: None,
        updated: None,
        expires: None,
        status: status(ReferralState::New),
        status_reason: None,
        qualification: Some("SalesQualified".to_owned()),
        kind: Some("Independent".to_owned()),
        direction: Direction::Incoming,
        quality: None,
        is_spam: false,
        partner_id: None,
        locations: Vec::new(),
        team: Vec::new(),
        customer: Customer {
            team: vec![Member::default()],
            ..Customer::default()
        },
        consent: Consent::default(),
        details: Details::default(),
        invitation: Some(Invitation::default()),
    }
}
