//! `provision`: prepares the Dynamics 365 environment.

use std::io::{IsTerminal, stdin};

use serde_json::{Value, json};
use uuid::Uuid;

use super::output::{Tone, complain, complain_about, say, say_json, toned, watched};
use super::{Exit, config};
use crate::app::App;
use crate::config::TargetConfig;
use crate::failure::{Chain, Classify};
use crate::provision::plan::{Problem, Step, plan};
use crate::provision::run::{News, carry_out, facts};
use crate::provision::{Prefix, Wish};
use crate::upstream::dataverse::setup::{Setup, SetupError};

/// Add columns about referrals to the lead table, a security role with just the rights a sync needs, and the user of the
/// connector's identity.
///
/// Everything is optional and can be skipped. Shows what it would do, and asks before it does it. What is there already
/// stays as it is, so it can be run as often as one likes, also after it was cut short. Sign in as a system administrator
/// of the environment, for example with `az login` and `AZURE_CREDENTIAL=azure_cli`. See docs/provision.md.
///
/// Exit codes: 0 done, or nothing to do; 1 something in the environment is in the way; 64 unusable arguments or settings,
/// or nobody there to ask; 75 try again later; 78 who is signed in may not.
#[derive(Debug, clap::Args)]
pub(super) struct ProvisionArgs {
    /// Show what would be done, and do nothing.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Do it without asking.
    #[arg(long, short)]
    yes: bool,
    /// Leave this out; may be given more than once.
    #[arg(long, value_enum, value_name = "PART")]
    skip: Vec<Part>,
    /// The client id of the managed identity or app registration that the connector signs in as. Without it no user is added.
    #[arg(long, value_name = "CLIENT_ID")]
    application_id: Option<Uuid>,
    /// What the names of the columns begin with; without it, what `DATAVERSE_COLUMN_PREFIX` says. A sync uses the columns of
    /// that setting.
    #[arg(long)]
    prefix: Option<Prefix>,
    /// Print one JSON object: {"steps":[{"step","detail","done"},…],"problems":[…],"error"}.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The columns of the lead table, with their publisher and solution.
    Columns,
    /// The security role.
    Role,
    /// The application user.
    ApplicationUser,
}

impl ProvisionArgs {
    fn wish(&self, configured: &Prefix) -> Wish {
        let wanted = |part| !self.skip.contains(&part);
        Wish {
            prefix: self.prefix.as_ref().unwrap_or(configured).clone(),
            columns: wanted(Part::Columns),
            role: wanted(Part::Role),
            application: self
                .application_id
                .filter(|_| wanted(Part::ApplicationUser)),
        }
    }
}

pub(super) async fn run(args: ProvisionArgs) -> Exit {
    let app = match config().and_then(App::build) {
        Ok(app) => app,
        Err(error) => {
            complain_about(&error);
            return Exit::Usage;
        }
    };
    let (Some(dataverse), TargetConfig::Dataverse(configured)) =
        (app.dataverse(), &app.config.target)
    else {
        complain(
            "a flow takes the referrals (SYNC_TARGET is flow): there is no environment to prepare",
        );
        return Exit::Usage;
    };
    let wish = args.wish(&configured.column_prefix);
    let setup = dataverse.setup();
    let looking = facts(&setup, &wish);
    let report = match watched("looking at what is there", looking).await {
        Err(error) => Report {
            error: Some(error),
            ..Report::default()
        },
        Ok(facts) => match plan(&wish, &facts) {
            Err(problems) => Report {
                problems,
                ..Report::default()
            },
            Ok(steps) => match go_on(&args, &setup, &wish, steps).await {
                Ok(report) => report,
                Err(exit) => return exit,
            },
        },
    };
    report.print(&wish, args.json);
    report.exit()
}

/// What came of it.
#[derive(Default)]
struct Report {
    steps: Vec<Step>,
    /// How many of them were done.
    done: usize,
    problems: Vec<Problem>,
    error: Option<SetupError>,
}

impl Report {
    fn print(&self, wish: &Wish, as_json: bool) {
        let problems: Vec<String> = self.problems.iter().map(Problem::to_string).collect();
        let error = self.error.as_ref().map(|it| Chain(it).to_string());
        if as_json {
            let steps = self.steps.iter().enumerate().map(|(at, step)| {
                json!({ "step": step.word(), "detail": step.sentence(wish), "done": at < self.done })
            });
            let steps: Vec<Value> = steps.collect();
            say_json(&json!({ "steps": steps, "problems": problems, "error": error }));
            return;
        }
        for problem in problems.iter().chain(&error) {
            complain(problem);
        }
        if error.is_some() && 0 < self.done {
            complain("what was done before stays; the same command goes on from there");
        }
    }

    fn exit(&self) -> Exit {
        match &self.error {
            Some(error) => error.disposition().into(),
            None if self.problems.is_empty() => Exit::Success,
            None => Exit::Failure,
        }
    }
}

/// Shows the plan, asks, and carries it out, as far as the arguments say.
async fn go_on(
    args: &ProvisionArgs,
    setup: &Setup,
    wish: &Wish,
    steps: Vec<Step>,
) -> Result<Report, Exit> {
    if !args.json {
        show(args, wish, &steps);
    }
    let mut report = Report {
        steps,
        ..Report::default()
    };
    if args.dry_run || report.steps.is_empty() {
        return Ok(report);
    }
    if !args.yes {
        agreed(args.json).await?;
    }
    let mut done = 0;
    let mut tell = |news: News<'_>| {
        if let News::Done(_) = news {
            done += 1;
        }
        if !args.json {
            tell(wish, &news);
        }
    };
    let preparing = carry_out(setup, wish, &report.steps, &mut tell);
    report.error = watched("preparing the environment", preparing).await.err();
    report.done = done;
    Ok(report)
}

fn show(args: &ProvisionArgs, wish: &Wish, steps: &[Step]) {
    if steps.is_empty() {
        say("nothing to do: everything is there");
    } else {
        say(&toned(Tone::Strong, "to do:"));
    }
    for step in steps {
        say(&format!("  {}", step.sentence(wish)));
    }
    if args.application_id.is_none() && !args.skip.contains(&Part::ApplicationUser) {
        say(
            "no application user is looked after: name the connector's identity with --application-id",
        );
    }
}

fn tell(wish: &Wish, news: &News<'_>) {
    match news {
        News::Begins(step) => complain(&format!("… {}", step.sentence(wish))),
        News::Waits(error) => complain(&format!("  waiting: {}", Chain(*error))),
        News::Caches => complain("  waiting: the environment does not show the new columns yet"),
        News::StillCaches => complain(
            "  the environment still does not show the new columns; it will within minutes, by itself",
        ),
        News::Done(step) => {
            let done = toned(Tone::Good, "done:");
            say(&format!("{done} {}", step.sentence(wish)));
        }
    }
}

/// Asks whether to go on.
async fn agreed(as_json: bool) -> Result<(), Exit> {
    if as_json || !stdin().is_terminal() {
        complain(
            "nobody is there to ask: say --yes to do it, or --dry-run to see what would be done",
        );
        return Err(Exit::Usage);
    }
    complain("do it? [y/N]");
    let answer = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        stdin().read_line(&mut answer).map(|_| answer)
    });
    let answer = answer.await.ok().and_then(Result::ok).unwrap_or_default();
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    complain("nothing was done");
    Err(Exit::Failure)
}
