//! Early warning: what will need a person is told once, in the log and to whoever the settings name, and again when it is over.

mod look;
mod message;
mod record;

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub use self::look::Look;
pub use self::message::{Digest, End, Item, Link, Message, Sender};
pub use self::record::{Cause, News, Record, Warning};

use self::record::Told;
use crate::checkup::Scope;
use crate::config::{self, Format, WarningConfig};
use crate::failure::Chain;
use crate::ids::ReferralId;
use crate::lead;
use crate::mapping::REFERRALS;
use crate::sync::activity::Picture;
use crate::sync::state::store::States;
use crate::sync::world::World;
use crate::upstream::Transport;
use crate::upstream::receiver::Receiver;
use crate::upstream::storage::StorageError;

/// The code word for whether the Partner Center sign-in was renewed.
pub const RENEWAL: &str = "renewal";

/// How long after a digest the next one is due: a week, less what a timer may be early.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24 - 12);
/// How many ends a digest tells of.
const ENDS: usize = 10;

/// Tells of what will need a person.
pub struct Warnings {
    world: World,
    states: States,
    receiver: Option<(Receiver, Format)>,
    digest: config::Digest,
    sender: Sender,
}

impl Warnings {
    /// As the settings say, among what is kept in `world`.
    pub fn new(
        config: &WarningConfig,
        sender: Sender,
        world: &World,
        transport: &Transport,
    ) -> Self {
        let receiver = config.receiver.as_ref();
        Self {
            world: world.clone(),
            states: States::new(Arc::clone(&world.blobs)),
            receiver: receiver.map(|it| (Receiver::new(it, transport.clone()), it.format)),
            digest: config.digest,
            sender,
        }
    }

    /// Everything that was raised.
    pub async fn record(&self) -> Result<Record, StorageError> {
        record::load(self.world.blobs.as_ref()).await
    }

    /// Takes in what a run found: logs what is new and what is over, and tells the receiver. What cannot be told is told
    /// by the next run; nothing of it is the run's own failure.
    pub async fn note(&self, look: Look<'_>) {
        let now = self.world.clock.now();
        let taken = record::update(self.world.blobs.as_ref(), |record| {
            let news = record.take_in(&look, now);
            let claimed = self.receiver.is_some().then(|| record.claim(now));
            (news, claimed.flatten())
        });
        let (news, claimed) = match taken.await {
            Ok(taken) => taken,
            Err(error) => return not_kept(&error),
        };
        log(&news, look.scope);
        let Some((receiver, format)) = &self.receiver else {
            return;
        };
        if let Some(claimed) = claimed {
            let told = self.tell(receiver, *format, &claimed, now).await;
            self.release(if told { &claimed } else { &[] }).await;
        }
        if self.digest == config::Digest::Weekly && look.scope == Scope::Unattended {
            self.tell_digest(receiver, *format, look, now).await;
        }
    }

    async fn tell(
        &self,
        receiver: &Receiver,
        format: Format,
        claimed: &[(Cause, Warning)],
        now: Timestamp,
    ) -> bool {
        let mut items = Vec::new();
        for (cause, warning) in claimed {
            items.push(Item {
                links: self.links(cause).await,
                cause: cause.clone(),
                warning: warning.clone(),
            });
        }
        let message = Message {
            sender: self.sender.clone(),
            at: now,
            news: items,
            digest: None,
        };
        post(receiver, format, &message).await
    }

    /// Tells how things are, if a week has gone since that was told.
    async fn tell_digest(
        &self,
        receiver: &Receiver,
        format: Format,
        look: Look<'_>,
        now: Timestamp,
    ) {
        let blobs = self.world.blobs.as_ref();
        let due = |told: &Told| WEEK <= now.duration_since(told.at).abs();
        let claimed = record::update(blobs, |record| {
            let due = record.digest.as_ref().is_none_or(due);
            (due && record.claim_for(now)).then(|| record.clone())
        });
        let (record, picture) = match (claimed.await, Picture::load(blobs).await) {
            (Ok(Some(record)), Ok(picture)) => (record, picture),
            (Ok(None), _) => return,
            (Err(error), _) | (_, Err(error)) => return not_kept(&error),
        };
        let counts = Told {
            at: now,
            synced: picture.synced,
            healed: picture.healed,
            raised: record.raised,
            over: record.over,
        };
        let message = Message {
            sender: self.sender.clone(),
            at: now,
            news: Vec::new(),
            digest: Some(digest(&record, &picture, counts, look)),
        };
        let told = post(receiver, format, &message).await;
        let released = record::update(blobs, |record| {
            record.release(&[]);
            if told {
                record.digest = Some(counts);
            }
        });
        if let Err(error) = released.await {
            not_kept(&error);
        }
    }

    async fn release(&self, told: &[(Cause, Warning)]) {
        let released = record::update(self.world.blobs.as_ref(), |record| record.release(told));
        if let Err(error) = released.await {
            not_kept(&error);
        }
    }

    /// Where a person may want to go because of `cause`.
    async fn links(&self, cause: &Cause) -> Vec<Link> {
        let about = cause.about.as_deref();
        let Some(id) = about.and_then(|it| it.parse::<ReferralId>().ok()) else {
            return Vec::new();
        };
        let mut links = vec![Link {
            title: "Referrals in Partner Center",
            url: REFERRALS.parse().expect("it is an address"),
        }];
        // A link less is no reason to keep silent.
        let state = self.states.load(id).await.ok().and_then(|it| it.state);
        let lead = state.and_then(|it| it.lead);
        if let Some((lead, environment)) = lead.zip(self.sender.dataverse.as_ref()) {
            links.push(Link {
                title: "The lead",
                url: lead::page(environment, lead),
            });
        }
        links
    }
}

impl fmt::Debug for Warnings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Warnings").finish_non_exhaustive()
    }
}

fn digest(record: &Record, picture: &Picture, counts: Told, look: Look<'_>) -> Digest {
    let before = record.digest;
    let since = |now: u64, before: Option<u64>| now.saturating_sub(before.unwrap_or_default());
    let mut ends: Vec<_> = look.ends_ahead(counts.at).collect();
    ends.sort_unstable();
    ends.truncate(ENDS);
    Digest {
        since: before.map(|it| it.at),
        synced: since(counts.synced, before.map(|it| it.synced)),
        healed: since(counts.healed, before.map(|it| it.healed)),
        raised: since(counts.raised, before.map(|it| it.raised)),
        over: since(counts.over, before.map(|it| it.over)),
        waiting: picture.waiting.len(),
        ends,
    }
}

/// Whether the receiver took it.
async fn post(receiver: &Receiver, format: Format, message: &Message) -> bool {
    match receiver.post(message.text(format)).await {
        Ok(()) => {
            let count = message.news.len();
            tracing::info!(
                code = "warnings_sent",
                count,
                "{count} warnings were sent to the receiver"
            );
            true
        }
        Err(error) => {
            tracing::warn!(
                code = "warnings_not_sent",
                error = %Chain(&error),
                "the receiver of warnings did not take them; the next run sends them again"
            );
            false
        }
    }
}

fn not_kept(error: &StorageError) {
    tracing::warn!(
        code = "warnings_not_kept",
        error = %Chain(error),
        "what was raised could not be read or kept; the next run tries again"
    );
}

fn log(news: &News, scope: Scope) {
    macro_rules! line {
        ($level:ident, code = $code:literal, $it:expr, $($text:tt)*) => {{
            let (cause, warning) = $it;
            tracing::$level!(
                code = $code,
                cause = cause.code,
                about = cause.about,
                deadline = warning.deadline.map(|it| format!("{it:.0}")),
                advice = warning.advice,
                $($text)*,
                warning.detail
            );
        }};
    }
    for it in &news.raised {
        line!(warn, code = "warning_raised", it, "{}");
    }
    // Once a day, so that what stands is in the log of the last two days.
    for it in news.standing.iter().filter(|_| scope == Scope::Unattended) {
        line!(warn, code = "warning_stands", it, "{}");
    }
    for it in &news.over {
        line!(info, code = "warning_over", it, "over: {}");
    }
}
