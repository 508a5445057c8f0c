//! `register`: where Partner Center sends its events.

mod input;
mod report;

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use self::report::{Outcome, Report};
use super::output::{complain, complain_about, watched};
use super::{Exit, config};
use crate::app::App;
use crate::failure::{Chain, Classify, Disposition};
use crate::registration::plan::{Obstacle, Plan, Request};
use crate::registration::registrar::{self, RegisterError, Seen};
use crate::registration::trial::{self, Ended};
use crate::registration::{Address, Registration};
use crate::upstream::own_webhook::Echo;

/// Show, create or change the registration by which Partner Center sends its events here.
///
/// A tenant has one registration. What another product registered is left alone, its address and its events, unless
/// `--take-over` says otherwise. Before anything is changed the address is called once without a signature: only the
/// connector's own refusal will do. After a change a test event is sent, and followed until Partner Center has delivered it.
///
/// The function's key is read from the environment variable `REFERRAL_WEBHOOK_KEY`, from a file, or asked for on a terminal,
/// which does not show it; it may also stand in the address (`?code=…`), where a shell's history keeps it. It is never shown, logged or stored.
///
/// Exit codes: 0 all is well, 1 it cannot be done or the test was not delivered, 64 unusable arguments or settings, 75 try
/// again later, 78 a person has to put a key, credential or permission right.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(super) struct RegisterArgs {
    /// The webhook's address, such as `https://contoso.azurewebsites.net/api/ReferralWebhook`; without it the one registered.
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["show", "poll_only"])]
    url: Option<String>,
    /// The file that holds the function's key; `-` for standard input.
    #[arg(long, value_name = "FILE", requires = "url")]
    key_file: Option<PathBuf>,
    /// The events to register, separated by commas; `test-created` is always one more.
    #[arg(long, value_name = "EVENTS", value_delimiter = ',', default_values_t = input::all_events(), value_parser = input::event,
          conflicts_with_all = ["show", "poll_only"])]
    events: Vec<String>,
    /// Replace what another product registered.
    #[arg(long, conflicts_with_all = ["show", "poll_only"])]
    take_over: bool,
    /// Only show what is registered, and what is wrong with it.
    #[arg(long, conflicts_with = "poll_only")]
    show: bool,
    /// Note that there is to be no webhook, so that `check` does not miss it. Calls nothing but the storage account.
    #[arg(long)]
    poll_only: bool,
    /// Send a test event although nothing was changed.
    #[arg(long, conflicts_with_all = ["show", "no_test", "poll_only"])]
    test: bool,
    /// Neither call the address before a change nor send a test event after it.
    #[arg(long, conflicts_with_all = ["show", "poll_only"])]
    no_test: bool,
    /// How long the test event is waited for, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 180, value_parser = clap::value_parser!(u64).range(1..=3600))]
    wait: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Somebody pressed Ctrl-C before anything was done.
const EARLY: &str = "Stopped. Nothing was changed.";
/// The same at any later time.
const LATE: &str = "Stopped. `referral-connector register --show` shows what is registered now.";

/// Why the command ends early.
enum Stop {
    /// What was given cannot be used.
    Usage(String),
    /// Somebody pressed Ctrl-C.
    Interrupted(&'static str),
    /// It could not be registered.
    Register(RegisterError),
    /// The connector does not answer at the address.
    Echo(Echo),
}

impl From<RegisterError> for Stop {
    fn from(error: RegisterError) -> Self {
        Self::Register(error)
    }
}

pub(super) async fn run(args: RegisterArgs) -> Exit {
    let app = match config().and_then(App::build) {
        Ok(app) => app,
        Err(error) => {
            complain_about(&error);
            return Exit::Usage;
        }
    };
    let mut report = Report::new(args.json);
    let done = match address(&args).await {
        Ok(address) => tokio::select! {
            done = register(&args, &app, address, &mut report) => done,
            Ok(()) = tokio::signal::ctrl_c() => Err(Stop::Interrupted(LATE)),
        },
        Err(stop) => Err(stop),
    };
    let exit = done.unwrap_or_else(|stop| {
        report.stopped(&stop.text(), stop.advice());
        stop.exit()
    });
    report.end();
    exit
}

async fn register(
    args: &RegisterArgs,
    app: &App,
    address: Option<Address>,
    report: &mut Report,
) -> Result<Exit, Stop> {
    if args.poll_only {
        registrar::note_poll_only(app.world.blobs.as_ref()).await?;
        report.poll_only();
        return Ok(Exit::Success);
    }
    let request = Request {
        address,
        events: args.events.clone(),
        take_over: args.take_over,
    };
    let seen = see(app).await?;
    if args.show {
        report.shown(&seen);
        return Ok(Exit::Success);
    }
    let (plan, seen) = planned(args, app, &request, seen, report).await?;
    let registering = carry_out(app, &request, plan.clone());
    let registered = watched("registering", registering).await?;
    registrar::note(app.world.blobs.as_ref(), &registered).await?;
    let outcome = match plan {
        Plan::Nothing => Outcome::Unchanged,
        Plan::Create(_) => Outcome::Created,
        Plan::Update(_) => Outcome::Updated,
    };
    report.registered(outcome, &registered, seen.registered.as_ref());
    if args.no_test || outcome == Outcome::Unchanged && !args.test {
        return Ok(Exit::Success);
    }
    test(args, app, &registered, report).await
}

async fn address(args: &RegisterArgs) -> Result<Option<Address>, Stop> {
    let Some(url) = &args.url else {
        return Ok(None);
    };
    let key = input::key(url, args.key_file.as_deref()).await?;
    let address = Address::of_webhook(url, key.as_deref());
    let address = address.map_err(|error| Stop::Usage(format!("--url {error}")))?;
    Ok(Some(address))
}

async fn see(app: &App) -> Result<Seen, RegisterError> {
    let seeing = registrar::see(&app.webhooks, app.world.blobs.as_ref());
    watched("looking at what is registered", seeing).await
}

/// What is to be done, once the connector was heard at the address that is to be registered.
async fn planned(
    args: &RegisterArgs,
    app: &App,
    request: &Request,
    seen: Seen,
    report: &mut Report,
) -> Result<(Plan, Seen), Stop> {
    let plan = match registrar::plan(request, &seen) {
        Ok(plan) => plan,
        Err(error) => {
            report.shown(&seen);
            return Err(error.into());
        }
    };
    if let Plan::Create(wanted) | Plan::Update(wanted) = &plan
        && !args.no_test
    {
        let knocking = app.own_webhook.knock(&wanted.address);
        let echo = watched("calling the address", knocking).await;
        if echo != Echo::Ours {
            return Err(Stop::Echo(echo));
        }
    }
    Ok((plan, seen))
}

/// Does what is planned. If somebody else was faster, what they did is judged like anything else.
async fn carry_out(app: &App, request: &Request, plan: Plan) -> Result<Registration, Stop> {
    match registrar::carry_out(&app.webhooks, &plan).await {
        Err(RegisterError::Webhooks(error)) if error.is_race() && plan != Plan::Nothing => {
            let plan = registrar::plan(request, &see(app).await?)?;
            Ok(registrar::carry_out(&app.webhooks, &plan).await?)
        }
        done => Ok(done?),
    }
}

async fn test(
    args: &RegisterArgs,
    app: &App,
    registered: &Registration,
    report: &mut Report,
) -> Result<Exit, Stop> {
    let deadline = Instant::now() + Duration::from_secs(args.wait);
    let mut on = |step: &trial::Step| report.step(step, &registered.address);
    let trying = trial::run(&app.webhooks, deadline, &mut on);
    let trial = watched("waiting for the test event", trying).await;
    let trial = match trial {
        Ok(trial) => trial,
        Err(error) => {
            let error = RegisterError::from(error);
            report.untested(&Chain(&error).to_string());
            return Ok(error.disposition().into());
        }
    };
    report.tested(&trial, &registered.address, args.wait);
    Ok(match trial.ended {
        Ended::Delivered => Exit::Success,
        Ended::Failed => Exit::Failure,
        Ended::Unfinished => Exit::TryAgain,
    })
}

impl Stop {
    fn text(&self) -> String {
        match self {
            Self::Usage(text) => text.clone(),
            Self::Interrupted(what) => (*what).to_owned(),
            Self::Register(error) => Chain(error).to_string(),
            Self::Echo(echo) => format!("nothing was changed: {echo}"),
        }
    }

    const fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Echo(echo) => echo.advice(),
            Self::Usage(_) | Self::Interrupted(_) | Self::Register(_) => None,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::Register(RegisterError::Obstacle(Obstacle::NoAddress)) => {
                Exit::Usage
            }
            Self::Interrupted(_) => Exit::TryAgain,
            Self::Register(error) => error.disposition().into(),
            Self::Echo(Echo::KeyRefused | Echo::KeptOut) => Disposition::Misconfigured.into(),
            Self::Echo(Echo::NotReady(_) | Echo::Silence(_)) => Disposition::RETRY.into(),
            Self::Echo(_) => Exit::Failure,
        }
    }
}
