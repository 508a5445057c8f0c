//! `status`: what the connector did last, what waits, what ends when.

use std::time::Duration;

use jiff::{SignedDuration, SignedDurationRound, Timestamp, Unit};
use serde_json::{Value, json};

use super::output::{Tone, complain, complain_about, failed, field, say, say_json, toned, watched};
use super::{Exit, config};
use crate::app::App;
use crate::checkup::{self, Finding, Level, Scope, Terms};
use crate::sync::activity::{Picture, Ran};
use crate::upstream::storage::{RETRY_QUEUE, StorageError};
use crate::warnings::{Cause, Record, Warning};

/// Show what the connector did last, what waits, what was warned of, and what ends when.
///
/// Only reads, and shows ids and times, never the data of a customer. What it shows of the last minute may be missing. What ends when
/// is asked of the systems themselves. Exit codes: 0 it is shown, 64 unusable settings, 75 try again later, 78 a person has to put a
/// credential or permission right.
#[derive(Debug, clap::Args)]
pub(super) struct StatusArgs {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// How long to ask what ends when, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
}

/// Everything that is shown.
struct Status {
    now: Timestamp,
    picture: Picture,
    record: Record,
    queued: u64,
    dead_letters: usize,
    findings: Vec<Finding>,
}

pub(super) async fn run(args: StatusArgs) -> Exit {
    let app = match config().and_then(App::build) {
        Ok(app) => app,
        Err(error) => {
            complain_about(&error);
            return Exit::Usage;
        }
    };
    let asking = status(&app, Duration::from_secs(args.timeout));
    match watched("asking how it is", asking).await {
        Ok(status) => {
            if args.json {
                say_json(&status.object());
            } else {
                status.screen();
            }
            Exit::Success
        }
        Err(error) => failed(&error, args.json),
    }
}

async fn status(app: &App, patience: Duration) -> Result<Status, StorageError> {
    let queue = app.storage.queue(RETRY_QUEUE);
    let kept = async {
        tokio::try_join!(
            Picture::load(app.world.blobs.as_ref()),
            app.warnings.record(),
            queue.depth(),
            app.letters.subjects(),
        )
    };
    let terms = Terms {
        scope: Scope::Unattended,
        patience,
    };
    let (kept, findings) = tokio::join!(kept, checkup::look(app, terms));
    let (picture, record, queued, letters) = kept?;
    Ok(Status {
        now: Timestamp::now(),
        picture,
        record,
        queued,
        dead_letters: letters.len(),
        findings,
    })
}

impl Status {
    /// What ends when, the first first.
    fn ends(&self) -> Vec<(Timestamp, &Finding)> {
        let end = |it: &'_ Finding| it.deadline;
        let mut ends: Vec<_> = self
            .findings
            .iter()
            .filter_map(|it| Some((end(it)?, it)))
            .collect();
        ends.sort_by_key(|(at, _)| *at);
        ends
    }

    fn failed(&self) -> usize {
        let failed = self.findings.iter().filter(|it| it.level == Level::Failed);
        failed.count()
    }

    fn screen(&self) {
        let line = |name: &str, value: &str| field(13, name, value);
        let picture = &self.picture;
        line("last event", &self.moment(picture.event));
        line("last sync", &self.moment(picture.sync));
        line("lag", &self.lag());
        let parked = match self.queued {
            0 => "none".to_owned(),
            count => format!("{count} in the queue, planned looks among them"),
        };
        line("parked", &parked);
        let letters = match self.dead_letters {
            0 => "none".to_owned(),
            count => format!("{count}: referral-connector dead-letters list"),
        };
        line("dead letters", &letters);
        line("reconcile", &self.timer(picture.reconciled.as_ref()));
        line("renewal", &self.timer(picture.renewed.as_ref()));
        let standing: Vec<_> = self.record.standing().collect();
        line("warnings", &none_or(standing.len()));
        for (cause, warning) in standing {
            say(&format!("  {}", told(cause, warning)));
        }
        let ends = self.ends();
        line("ends", &none_or(ends.len()));
        for (at, it) in ends {
            let about = it.about.as_deref().unwrap_or_default();
            let code = match it.level {
                Level::Ok => it.code.to_owned(),
                level => toned(level.into(), it.code),
            };
            let text = format!("  {at:.0}  {code} {about}");
            say(text.trim_end());
        }
        if self.failed() > 0 {
            let text = format!(
                "{} things do not work or could not be asked: referral-connector check",
                self.failed()
            );
            complain(&toned(Tone::Bad, &text));
        }
    }

    /// When something was, and how long ago.
    fn moment(&self, at: Option<Timestamp>) -> String {
        at.map_or("never".to_owned(), |at| {
            let ago = whole_seconds(self.now.duration_since(at));
            format!("{at:.0}, {ago:#} ago")
        })
    }

    fn timer(&self, ran: Option<&Ran>) -> String {
        let moment = self.moment(ran.map(|it| it.at));
        ran.map_or(moment.clone(), |it| format!("{moment}: {}", it.code))
    }

    fn lag(&self) -> String {
        self.picture.longest(self.now).map_or_else(
            || "none".to_owned(),
            |(id, it)| {
                let waits = whole_seconds(self.now.duration_since(it.since));
                format!("{waits:#}: referral {id} ({})", it.why)
            },
        )
    }

    fn object(&self) -> Value {
        let picture = &self.picture;
        let longest = picture.longest(self.now).map(|(id, it)| {
            json!({
                "referralId": id.to_string(),
                "since": second(it.since),
                "seconds": self.now.duration_since(it.since).as_secs(),
                "code": it.why,
            })
        });
        let ran = |it: &Ran| json!({ "at": second(it.at), "code": it.code });
        let end = |(at, it): (Timestamp, &Finding)| json!({ "at": second(at), "code": it.code, "about": it.about, "level": it.level.word(), "detail": it.detail });
        json!({
            "at": second(self.now),
            "lastEvent": picture.event.map(second),
            "lastSync": picture.sync.map(second),
            "synced": picture.synced,
            "healed": picture.healed,
            "lag": longest,
            "parked": self.queued,
            "deadLetters": self.dead_letters,
            "reconciled": picture.reconciled.as_ref().map(ran),
            "renewed": picture.renewed.as_ref().map(ran),
            "warnings": self.record.standing().map(object).collect::<Vec<_>>(),
            "ends": self.ends().into_iter().map(end).collect::<Vec<_>>(),
            "failed": self.failed(),
        })
    }
}

fn told(cause: &Cause, warning: &Warning) -> String {
    let by = warning.deadline.map(|it| format!(", by {it:.0}"));
    format!(
        "{}: {} (since {:.0}{})",
        toned(warning.level.into(), &cause.code),
        warning.detail,
        warning.since,
        by.unwrap_or_default()
    )
}

fn object((cause, warning): (&Cause, &Warning)) -> Value {
    json!({
        "code": cause.code,
        "about": cause.about,
        "level": warning.level.word(),
        "detail": warning.detail,
        "advice": warning.advice,
        "deadline": warning.deadline.map(second),
        "since": second(warning.since),
    })
}

fn none_or(count: usize) -> String {
    if count == 0 {
        "none".to_owned()
    } else {
        count.to_string()
    }
}

fn second(time: Timestamp) -> String {
    format!("{time:.0}")
}

fn whole_seconds(duration: SignedDuration) -> SignedDuration {
    let rounding = SignedDurationRound::new().smallest(Unit::Second);
    duration.round(rounding).unwrap_or(duration)
}
