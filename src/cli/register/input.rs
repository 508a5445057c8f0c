//! What `register` is given, the function's key above all: by environment, file or prompt.

use std::fmt::Display;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use url::Url;

use super::{EARLY, Stop};
use crate::cli::environment;
use crate::cli::prompt::{self, Unanswered};
use crate::failure::Chain;
use crate::registration::{Address, REFERRAL_EVENTS, TEST_EVENT};

/// Where the key may be, beside files and prompts.
const VARIABLE: &str = "REFERRAL_WEBHOOK_KEY";
/// What is asked when it is nowhere.
const PROMPT: &str = "The key of the function ReferralWebhook (not shown; empty if the one registered is still valid): ";
/// The longest key that is read; the host's have about fifty characters.
const LONGEST: u64 = 4096;

/// The events that are registered unless told otherwise.
pub(super) fn all_events() -> Vec<String> {
    REFERRAL_EVENTS.map(str::to_owned).to_vec()
}

/// One of the events that the connector can do something with.
pub(super) fn event(text: &str) -> Result<String, String> {
    let mut known = REFERRAL_EVENTS.into_iter().chain([TEST_EVENT]);
    match known.find(|it| it.eq_ignore_ascii_case(text.trim())) {
        Some(event) => Ok(event.to_owned()),
        None => Err(format!(
            "the connector does nothing with it; choose from {}",
            REFERRAL_EVENTS.join(", ")
        )),
    }
}

/// The key of the function at `url`, if there is one beside it.
pub(super) async fn key(url: &str, file: Option<&Path>) -> Result<Option<String>, Stop> {
    let inside = Url::parse(url.trim())
        .ok()
        .and_then(|url| Address::new(url).key());
    let is_terminal = io::stdin().is_terminal();
    match file {
        // Whoever types it must not show it.
        Some(file) if file == Path::new("-") && is_terminal => {
            let key = ask("The key of the function ReferralWebhook (not shown): ").await?;
            filled(file, key).map(Some)
        }
        Some(file) => from_file(file).map(Some),
        None => match environment(VARIABLE).filter(|key| !key.trim().is_empty()) {
            Some(key) => Ok(Some(key)),
            None if inside.is_some() || !is_terminal => Ok(None),
            None => {
                let key = ask(PROMPT).await?;
                Ok(Some(key).filter(|key| !key.is_empty()))
            }
        },
    }
}

async fn ask(prompt: &str) -> Result<String, Stop> {
    prompt::secret(prompt.to_owned())
        .await
        .map_err(|error| match error {
            Unanswered::Stopped => Stop::Interrupted(EARLY),
            error => Stop::Usage(format!("no key was given: {}", Chain(&error))),
        })
}

fn from_file(file: &Path) -> Result<String, Stop> {
    let mut key = String::new();
    let read = if file == Path::new("-") {
        io::stdin().take(LONGEST).read_to_string(&mut key)
    } else {
        std::fs::File::open(file).and_then(|open| open.take(LONGEST).read_to_string(&mut key))
    };
    read.map_err(|error| unusable(file, &error))?;
    filled(file, key)
}

fn filled(file: &Path, key: String) -> Result<String, Stop> {
    if key.trim().is_empty() {
        return Err(unusable(file, &"it is empty"));
    }
    Ok(key)
}

fn unusable(file: &Path, what: &dyn Display) -> Stop {
    Stop::Usage(format!("--key-file {}: {what}", file.display()))
}
