//! What a sync may do.

use std::num::NonZero;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use url::Url;

use super::{MappingFile, Settings, mapping};
use crate::lead::Owner;
use crate::sync::options::{Duplicates, Filter, Mode, Parents, QualifiedMeans, SyncOptions};
use crate::sync::park::policy::RetryRules;

/// The rules of every sync.
#[derive(Clone, Debug)]
pub struct SyncConfig {
    /// What a sync may do, as the planner takes it.
    pub options: SyncOptions,
    /// `SYNC_ENVIRONMENT`: which environment this is.
    pub environment: String,
    /// How patiently a referral is tried that cannot be synced.
    pub retry: RetryRules,
    /// How long what is remembered of a closed referral is kept.
    pub state_kept: SignedDuration,
    /// Where the rules of the mapping come from.
    pub mapping_file: MappingFile,
}

impl SyncConfig {
    /// Reads them for leads that people see at `crm`.
    pub(super) fn read(settings: &mut Settings<'_>, crm: Option<Url>) -> Option<Self> {
        let mode: Option<Mode> = settings.required("SYNC_MODE");
        let environment: Option<String> = settings.required("SYNC_ENVIRONMENT");
        let owner = settings.optional::<Owner>("SYNC_LEAD_OWNER");
        let kinds = settings.list("SYNC_KINDS");
        let countries = settings.list("SYNC_COUNTRIES");
        let locations = settings.list("SYNC_LOCATIONS");
        let partner_ids = settings.list("SYNC_PARTNER_IDS");
        let time_zone = time_zone(settings);
        let qualified_means: Option<QualifiedMeans> = settings.required("SYNC_QUALIFIED_MEANS");
        let duplicates: Option<Duplicates> = settings.required("SYNC_DUPLICATES");
        let parents: Option<Parents> = settings.required("SYNC_PARENTS");
        let close_hold = hours(settings, "SYNC_CLOSE_HOLD_HOURS");
        let won_hold = hours(settings, "SYNC_WON_HOLD_HOURS");
        let retry = retry_rules(settings);
        let state_kept = seconds(settings, "SYNC_STATE_DAYS", 24 * 60 * 60);
        let environment = environment?;
        let (mapping, mapping_file) = mapping::read(settings);
        let options = SyncOptions {
            mapping,
            mode: mode?,
            production: environment.eq_ignore_ascii_case("production"),
            owner,
            filter: Filter {
                kinds: kinds?,
                countries: countries?,
                locations: locations?,
                partner_ids: partner_ids?,
            },
            time_zone: time_zone?,
            qualified_means: qualified_means?,
            close_hold: close_hold?,
            won_hold: won_hold?,
            duplicates: duplicates?,
            parents: parents?,
            crm,
        };
        Some(Self {
            options,
            environment,
            retry: retry?,
            state_kept: SignedDuration::try_from(state_kept?).ok()?,
            mapping_file,
        })
    }
}

fn hours(settings: &mut Settings<'_>, key: &str) -> Option<SignedDuration> {
    let hours: u16 = settings.required(key)?;
    Some(SignedDuration::from_hours(hours.into()))
}

fn retry_rules(settings: &mut Settings<'_>) -> Option<RetryRules> {
    let first = seconds(settings, "SYNC_RETRY_FIRST_SECONDS", 1);
    let longest = seconds(settings, "SYNC_RETRY_LONGEST_MINUTES", 60);
    let limit = seconds(settings, "SYNC_RETRY_DAYS", 24 * 60 * 60);
    Some(RetryRules {
        first: first?,
        longest: longest?,
        limit: limit?,
    })
}

/// A time that is not nothing, in units of so many seconds.
fn seconds(settings: &mut Settings<'_>, key: &str, unit: u32) -> Option<Duration> {
    let count: NonZero<u16> = settings.required(key)?;
    Some(Duration::from_secs(count.get().into()) * unit)
}

fn time_zone(settings: &mut Settings<'_>) -> Option<TimeZone> {
    let name: String = settings.required("SYNC_TIME_ZONE")?;
    let zone = TimeZone::get(&name).ok();
    if zone.is_none() {
        settings.problem(
            "SYNC_TIME_ZONE",
            format_args!("{name:?} is no IANA time zone, such as Europe/Berlin"),
        );
    }
    zone
}
