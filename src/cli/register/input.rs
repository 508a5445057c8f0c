//! What `register` is given, the function's key above all: by environment, file or prompt.

use std::io::{self, IsTerminal, Read};
use std::path::Path;

use url::Url;

use crate::cli::environment;
use crate::registration::{Address, REFERRAL_EVENTS, TEST_EVENT};

/// Where the key may be, beside files and prompts.
const VARIABLE: &str = "REFERRAL_WEBHOOK_KEY";
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
pub(super) fn key(url: &str, file: Option<&Path>) -> Result<Option<String>, String> {
    if let Some(file) = file {
        return from_file(file).map(Some);
    }
    let inside = Url::parse(url.trim())
        .ok()
        .and_then(|url| Address::new(url).key());
    if let Some(key) = environment(VARIABLE).filter(|key| !key.trim().is_empty()) {
        return Ok(Some(key));
    }
    if inside.is_some() || !io::stdin().is_terminal() {
        return Ok(None);
    }
    let prompt = "The key of the function ReferralWebhook (not shown; empty if the one registered is still valid): ";
    let key = rpassword::prompt_password(prompt);
    let key =
        key.map_err(|error| format!("the key could not be read from the terminal: {error}"))?;
    Ok(Some(key).filter(|key| !key.trim().is_empty()))
}

fn from_file(file: &Path) -> Result<String, String> {
    let mut key = String::new();
    let read = if file == Path::new("-") {
        io::stdin().take(LONGEST).read_to_string(&mut key)
    } else {
        std::fs::File::open(file).and_then(|open| open.take(LONGEST).read_to_string(&mut key))
    };
    read.map_err(|error| format!("--key-file {}: {error}", file.display()))?;
    if key.trim().is_empty() {
        return Err(format!("--key-file {}: it is empty", file.display()));
    }
    Ok(key)
}
