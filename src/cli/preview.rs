//! `preview`: shows what a sync would do, value by value.

mod show;

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::output::{complain, complain_about, say_json, watched};
use super::{Exit, config};
use crate::app::App;
use crate::failure::{Chain, Classify};
use crate::ids::ReferralId;
use crate::sync::preview::Preview;
use crate::upstream::partner_center::{Fault, Parsed, parse_referral};
use crate::upstream::retry;

/// How long reading may take when a person waits for it.
const BUDGET: Duration = Duration::from_mins(1);
/// How long it may take to find out what a file does not say.
const BUDGET_BESIDE_FILE: Duration = Duration::from_secs(20);
/// No referral is longer.
const LONGEST_FILE: u64 = 1024 * 1024;

/// What is under way.
const LOOKING: &str = "looking at both sides";

/// Show what a sync of one referral would write, and write nothing at all.
///
/// Every column with the lead's value now and after, the side that wins it, what would go to the referral, the notes for the
/// lead's timeline, and what was cut or has no place. In observe mode it shows what `SYNC_MODE=link` would do. The values are
/// personal data: they are printed, never logged. A file holds one referral as Partner Center's API gives it; what cannot be
/// read beside it is assumed, and it says so.
/// Exit codes: 0 shown, 1 it cannot be synced as it is, 64 unusable arguments or settings,
/// 75 try again later, 78 a person has to put a credential or permission right.
#[derive(Debug, clap::Args)]
pub(super) struct PreviewArgs {
    /// The referral's id, a GUID, or a JSON file that holds one.
    #[arg(value_name = "REFERRAL_ID | FILE")]
    referral: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: PreviewArgs) -> Exit {
    let app = match config().and_then(App::build) {
        Ok(app) => app,
        Err(error) => {
            complain_about(&error);
            return Exit::Usage;
        }
    };
    let (preview, unread) = match args.referral.parse::<ReferralId>() {
        Ok(id) => {
            let deadline = Instant::now() + BUDGET;
            let looking = retry::until(deadline, Box::pin(app.syncer.preview(id)));
            match watched(LOOKING, looking).await {
                Ok(preview) => (preview, Vec::new()),
                Err(error) => {
                    complain(&format!("referral {id}: {}", Chain(&error.cause)));
                    return error.disposition().into();
                }
            }
        }
        Err(_) => match watched(LOOKING, of_file(&app, &args.referral)).await {
            Ok(of_file) => of_file,
            Err(problem) => {
                complain(&format!("{}: {problem}", args.referral));
                return Exit::Usage;
            }
        },
    };
    for problem in &app.mapping_file.problems {
        complain(&format!(
            "MAPPING_FILE cannot be used, the default rules are in force: {problem}"
        ));
    }
    if args.json {
        say_json(&show::json(&preview, &app.options, &unread));
    } else {
        show::text(&preview, &app.options, &unread);
    }
    Exit::Success
}

/// The preview of the referral in the file at `path`, and which of its members cannot be read.
async fn of_file(app: &App, path: &str) -> Result<(Preview, Vec<String>), String> {
    let content = read(Path::new(path))?;
    let Parsed { value, malformed } = parse_referral(&content).map_err(|fault| match fault {
        Fault::NotJson => "it is not one JSON object in UTF-8".to_owned(),
        Fault::Member(member) => format!("it is no referral: it has no usable {member}"),
    })?;
    let deadline = Instant::now() + BUDGET_BESIDE_FILE;
    let preview = retry::until(deadline, Box::pin(app.syncer.preview_of(value))).await;
    Ok((preview, malformed))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let file = std::fs::File::open(path)
        .map_err(|error| format!("neither a referral's id nor a file that can be read: {error}"))?;
    let mut content = Vec::new();
    let mut limited = file.take(LONGEST_FILE + 1);
    limited
        .read_to_end(&mut content)
        .map_err(|error| format!("the file cannot be read: {error}"))?;
    if LONGEST_FILE < content.len() as u64 {
        return Err(format!("the file has more than {LONGEST_FILE} bytes"));
    }
    // Editors like to begin a file with a mark for its encoding.
    if content.starts_with("\u{feff}".as_bytes()) {
        content.drain(..3);
    }
    Ok(content)
}
