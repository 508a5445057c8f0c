//! `erase`: removes everything that is kept about one referral.

use std::io::{self, BufRead, IsTerminal};
use std::sync::Arc;

use serde_json::json;

use super::output::{Tone, complain, complain_about, say, say_json, table, watched};
use super::{Exit, config};
use crate::app::App;
use crate::failure::{Chain, Classify};
use crate::ids::ReferralId;
use crate::sync::erasure::{Erasure, Findings, Kept};

/// What is never touched.
const UNTOUCHED: [&str; 3] = [
    "the referral in Partner Center",
    "the lead in Dynamics 365 and its timeline",
    "log lines, which hold the referral's id and go with the log's retention",
];

/// Remove everything that the connector keeps about a referral.
///
/// That is what it remembers of the last sync (digests, no values), copies of it that could not be read, whose its lead is, dead letters,
/// and messages in the queues, as far as they are visible now. The lead and the referral themselves stay, and a referral
/// that still exists and changes is synced and remembered again. docs/privacy.md says what is kept where.
///
/// Asks before it removes anything. Exit codes: 0 nothing is kept any more, 1 it was not confirmed, 64 unusable arguments or
/// settings, 75 try again later, 78 a person has to put a credential or permission right.
#[derive(Debug, clap::Args)]
pub(super) struct EraseArgs {
    /// The referral's id, a GUID.
    #[arg(value_name = "REFERRAL_ID")]
    referral: ReferralId,
    /// Only show what would be removed.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask.
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: EraseArgs) -> Exit {
    let app = match config().and_then(App::build) {
        Ok(app) => app,
        Err(error) => {
            complain_about(&error);
            return Exit::Usage;
        }
    };
    if !args.dry_run && !args.yes && !io::stdin().is_terminal() {
        complain("nobody can be asked here: confirm with --yes, or look first with --dry-run");
        return Exit::Usage;
    }
    let erasure = Erasure::new(Arc::clone(&app.world.blobs), |name| app.storage.queue(name));
    let looking = erasure.find(args.referral);
    let found = match watched("looking for what is kept", looking).await {
        Ok(found) => found,
        Err(error) => return failed(&args, &error),
    };
    if args.dry_run {
        show(&args, &found, "would remove", "wouldRemove");
        return Exit::Success;
    }
    if !args.yes && !found.kept.is_empty() && !confirmed(&args, &found) {
        complain("nothing was removed");
        return Exit::Failure;
    }
    let removing = erasure.erase(args.referral);
    match watched("removing what is kept", removing).await {
        Ok(removed) => {
            show(&args, &removed, "removed", "removed");
            Exit::Success
        }
        Err(error) => failed(&args, &error),
    }
}

/// Some may be removed already: the command can be repeated.
fn failed(args: &EraseArgs, error: &(impl Classify + 'static)) -> Exit {
    let text = format!(
        "referral {}: not everything could be removed; run the command again: {}",
        args.referral,
        Chain(error)
    );
    if args.json {
        say_json(&json!({ "referralId": args.referral.to_string(), "error": text }));
    }
    complain(&text);
    error.disposition().into()
}

fn confirmed(args: &EraseArgs, found: &Findings) -> bool {
    for kept in &found.kept {
        complain(&format!("  {kept}"));
    }
    complain(&format!(
        "Remove this about referral {}? Type yes:",
        args.referral
    ));
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.is_ok() && answer.trim().eq_ignore_ascii_case("yes")
}

fn show(args: &EraseArgs, found: &Findings, words: &str, member: &str) {
    if args.json {
        let kept: Vec<_> = found.kept.iter().map(Kept::to_string).collect();
        say_json(&json!({
            "referralId": args.referral.to_string(),
            member: kept,
            "passing": found.passing,
            "untouched": UNTOUCHED,
        }));
        return;
    }
    if found.kept.is_empty() {
        say(&format!("nothing is kept about referral {}", args.referral));
    }
    let row = |tone, word: &str, what: String| vec![(Some(tone), word.to_owned()), (None, what)];
    let kept = found.kept.iter();
    let kept = kept.map(|kept| row(Tone::Strong, words, kept.to_string()));
    let left = found.passing.iter().map(|name| {
        let what = format!("blob {name} names the referral's id; that goes by itself");
        row(Tone::Doubtful, "left", what)
    });
    let untouched = UNTOUCHED.map(|thing| row(Tone::Faint, "untouched", thing.to_owned()));
    table(&[], &kept.chain(left).chain(untouched).collect::<Vec<_>>());
}
