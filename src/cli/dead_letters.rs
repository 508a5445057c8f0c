//! `dead-letters`: what could not be synced and waits for a person.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Subcommand;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::output::{complain, complain_about, failed, field, say, say_json, table, watched};
use super::{Exit, config};
use crate::app::App;
use crate::sync::dead_letters::{Letter, Subject};
use crate::upstream::storage::StorageError;

/// See and settle what could not be synced: each dead letter says why, in plain words, and what to do.
///
/// A letter about a referral goes by itself once the referral is in step. Only ids are shown, never the data of a customer.
/// Exit codes: 0 done, 1 there is no such letter, 64 unusable arguments or settings, 75 try again later,
/// 78 a person has to put a credential or permission right.
#[derive(Debug, clap::Args)]
pub(super) struct DeadLettersArgs {
    #[command(subcommand)]
    action: Action,
    /// Print one JSON object.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// One line a letter.
    List,
    /// Everything a letter says.
    Show {
        /// The referral's id, or `message-` with the message's id.
        #[arg(value_name = "ID")]
        letter: Subject,
    },
    /// Put the referral into the queue, so that the function app tries it at once.
    Retry {
        /// The referral's id, or `message-` with the message's id.
        #[arg(value_name = "ID", required_unless_present = "all")]
        letters: Vec<Subject>,
        /// Every letter about a referral.
        #[arg(long, conflicts_with = "letters")]
        all: bool,
    },
    /// Remove a letter without doing anything about it. A later change of the referral is synced as ever.
    Drop {
        /// The referral's id, or `message-` with the message's id.
        #[arg(value_name = "ID", required = true)]
        letters: Vec<Subject>,
    },
}

pub(super) async fn run(args: DeadLettersArgs) -> Exit {
    let app = match config().and_then(App::build) {
        Ok(app) => app,
        Err(error) => {
            complain_about(&error);
            return Exit::Usage;
        }
    };
    let work = async {
        match &args.action {
            Action::List => list(&app, args.json).await,
            Action::Show { letter } => show(&app, *letter, args.json).await,
            Action::Retry { letters, all } => retry(&app, letters, *all, args.json).await,
            Action::Drop { letters } => drop_all(&app, letters, args.json).await,
        }
    };
    let done = watched("asking the storage account", work).await;
    done.unwrap_or_else(|error| failed(&error, args.json))
}

async fn list(app: &App, as_json: bool) -> Result<Exit, StorageError> {
    let letters = app.letters.all().await?;
    if as_json {
        let letters: Vec<Value> = letters.iter().map(object).collect();
        say_json(&json!({ "letters": letters }));
    } else if letters.is_empty() {
        say("no dead letters: whatever came is in step, or is still being tried");
    } else {
        show_all(&letters);
    }
    Ok(Exit::Success)
}

fn show_all(letters: &[Letter]) {
    let header = ["LETTER", "ATTEMPTS", "FIRST", "LAST", "WHY"];
    let rows = letters.iter().map(|letter| {
        let cells = [
            letter.subject.to_string(),
            letter.attempts.to_string(),
            second(letter.first_attempt),
            second(letter.last_attempt),
            letter.reason.clone(),
        ];
        cells.map(|text| (None, text)).into()
    });
    table(&header, &rows.collect::<Vec<_>>());
}

async fn show(app: &App, subject: Subject, as_json: bool) -> Result<Exit, StorageError> {
    let Some(letter) = app.letters.get(subject).await? else {
        return Ok(missing(&[subject]));
    };
    if as_json {
        say_json(&object(&letter));
        return Ok(Exit::Success);
    }
    say(&match letter.subject {
        Subject::Referral(id) => format!("referral {id}"),
        Subject::Message(id) => format!("message {id} of the queue referral-retry"),
    });
    let line = |name: &str, value: &str| field(12, &format!("  {name}"), value);
    line("why", &letter.reason);
    line("to do", &letter.advice);
    line("code", &letter.why);
    line("attempts", &letter.attempts.to_string());
    line("first", &second(letter.first_attempt));
    line("last", &second(letter.last_attempt));
    if let Some(error) = &letter.error {
        line("error", error);
    }
    line(
        "retry",
        &format!("referral-connector dead-letters retry {subject}"),
    );
    Ok(Exit::Success)
}

async fn retry(
    app: &App,
    letters: &[Subject],
    all: bool,
    as_json: bool,
) -> Result<Exit, StorageError> {
    let mut found = Vec::new();
    let mut lost = Vec::new();
    if all {
        found = app.letters.all().await?;
        found.retain(|letter| matches!(letter.subject, Subject::Referral(_)));
    }
    for subject in letters.iter().copied().collect::<BTreeSet<_>>() {
        match app.letters.get(subject).await? {
            Some(letter) => found.push(letter),
            None => lost.push(subject),
        }
    }
    for letter in &found {
        app.world
            .later
            .send(&letter.retry(Timestamp::now()), Duration::ZERO)
            .await?;
        if let Subject::Message(_) = letter.subject {
            app.letters.remove(letter.subject).await?;
        }
    }
    let done: Vec<Subject> = found.iter().map(|letter| letter.subject).collect();
    Ok(settled("queued", &done, &lost, as_json))
}

async fn drop_all(app: &App, letters: &[Subject], as_json: bool) -> Result<Exit, StorageError> {
    let (mut done, mut lost) = (Vec::new(), Vec::new());
    for subject in letters.iter().copied().collect::<BTreeSet<_>>() {
        let removed = app.letters.remove(subject).await?;
        if removed { &mut done } else { &mut lost }.push(subject);
    }
    Ok(settled("dropped", &done, &lost, as_json))
}

fn settled(word: &str, done: &[Subject], lost: &[Subject], as_json: bool) -> Exit {
    if as_json {
        say_json(&json!({ word: texts(done), "missing": texts(lost) }));
    } else {
        for subject in done {
            say(&format!("{subject}: {word}"));
        }
    }
    if lost.is_empty() {
        return Exit::Success;
    }
    missing(lost)
}

fn missing(subjects: &[Subject]) -> Exit {
    for subject in subjects {
        complain(&format!("{subject}: there is no such dead letter"));
    }
    Exit::Failure
}

fn object(letter: &Letter) -> Value {
    let (referral, message) = match letter.subject {
        Subject::Referral(id) => (Some(id.to_string()), None),
        Subject::Message(id) => (None, Some(id.to_string())),
    };
    json!({
        "letter": letter.subject.to_string(),
        "referralId": referral,
        "messageId": message,
        "code": letter.why,
        "why": letter.reason,
        "toDo": letter.advice,
        "error": letter.error,
        "firstAttempt": second(letter.first_attempt),
        "lastAttempt": second(letter.last_attempt),
        "attempts": letter.attempts,
    })
}

fn texts(subjects: &[Subject]) -> Vec<String> {
    subjects.iter().map(Subject::to_string).collect()
}

fn second(time: Timestamp) -> String {
    format!("{time:.0}")
}
