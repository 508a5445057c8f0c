//! `consent`: a person signs in to Partner Center, and the connector keeps the refresh token.

mod browser;
mod report;

use std::io::{self, IsTerminal};
use std::time::Duration;

use super::output::{complain, complain_about, watched};
use super::prompt::{self, Unanswered};
use super::{Exit, environment};
use crate::config::{ConfigError, ConsentConfig};
use crate::credentials::consent::{ConsentError, SecureApplication, SignedIn, Tenant};
use crate::failure::Chain;
use crate::upstream::Transport;
use report::Report;

const CLIENT_ID: &str = "PARTNER_CENTER_CLIENT_ID";
const SECRET: &str = "PARTNER_CENTER_CLIENT_SECRET";

/// Sign in to Partner Center as the service account, and keep the refresh token.
///
/// Opens a browser, waits until it comes back, proves what it brought (the second factor, both of Partner Center's APIs,
/// the referrals the user sees) and keeps the refresh token in the Key Vault or the file of the settings. A token that
/// cannot be proven replaces none. docs/consent.md tells what has to be there before.
///
/// Needs the settings of the app registration and of the place for the token only. On a terminal the client secret is asked
/// for, and not shown, if `PARTNER_CENTER_CLIENT_SECRET` is not set.
/// Exit codes: 0 the new consent is kept, 1 the sign-in was not good for it, 64 unusable arguments or settings, 75 try
/// again later, 78 a person has to put a credential or permission right.
#[derive(Debug, clap::Args)]
pub(super) struct ConsentArgs {
    /// Do not open a browser: show the address. The page it ends on can be pasted back, as from a remote shell.
    #[arg(long)]
    no_browser: bool,
    /// The last resort, which many tenants block: enter a code on another device.
    #[arg(long, conflicts_with_all = ["no_browser", "port"])]
    device_code: bool,
    /// The port of this machine that the browser comes back to, such as the end of an SSH tunnel. Any free one if left out.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// How long to wait for the person, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Print one JSON object. What to do in the meantime is told on stderr, as ever.
    #[arg(long)]
    json: bool,
}

impl ConsentArgs {
    fn patience(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

pub(super) async fn run(args: ConsentArgs) -> Exit {
    let secret = match client_secret().await {
        Ok(secret) => secret,
        Err(Unanswered::Stopped) => return stopped(),
        Err(error) => {
            complain(&format!("no client secret was given: {}", Chain(&error)));
            return Exit::Usage;
        }
    };
    let (config, transport) = match prepare(secret.as_deref()) {
        Ok(prepared) => prepared,
        Err(error) => {
            complain_about(&error);
            return Exit::Usage;
        }
    };
    let application = SecureApplication::new(&config, &transport);
    let proven = tokio::select! {
        proven = obtain(&args, &application, &config) => proven,
        Ok(()) = tokio::signal::ctrl_c() => return stopped(),
    };
    // From here on nothing stops it: half of it would be no use.
    let report = match proven {
        Ok((report, signed_in)) => keep(&application, report, signed_in).await,
        Err(error) => Err(error),
    };
    match report {
        Ok(report) => {
            report.print(args.json);
            Exit::Success
        }
        Err(error) => report::print_error(&error, args.json),
    }
}

fn stopped() -> Exit {
    complain("Stopped. Nothing was kept, and the consent of before is untouched.");
    Exit::TryAgain
}

/// The client secret, if the environment has none and somebody is there to be asked.
async fn client_secret() -> Result<Option<String>, Unanswered> {
    let is_set = |name| environment(name).is_some_and(|it| !it.trim().is_empty());
    // Whoever has not named the application yet is told of all that is missing, not asked for a part of it.
    if is_set(SECRET) || !is_set(CLIENT_ID) || !io::stdin().is_terminal() {
        return Ok(None);
    }
    let prompt = format!("The client secret of the application of {CLIENT_ID} (not shown): ");
    prompt::secret(prompt).await.map(Some)
}

fn prepare(secret: Option<&str>) -> Result<(ConsentConfig, Transport), ConfigError> {
    let get = |name: &str| match secret {
        Some(secret) if name == SECRET => Some(secret.to_owned()),
        _ => environment(name),
    };
    let config = ConsentConfig::read(&get)?;
    let transport = Transport::new(config.outbound_ca.as_deref());
    let transport = transport.map_err(|error| ConfigError {
        problems: vec![format!("OUTBOUND_CA_FILE: {}", Chain(&error))],
    })?;
    Ok((config, transport))
}

/// Signs in and proves what that brought.
async fn obtain(
    args: &ConsentArgs,
    application: &SecureApplication,
    config: &ConsentConfig,
) -> Result<(Report, SignedIn), ConsentError> {
    complain("Looking for the tenant and for the place where the refresh token is kept …");
    let tenant = watched("looking", application.ready()).await?;
    complain(&format!(
        "Signing in to tenant {} for application {}.",
        tenant.id, config.partner_center.client_id
    ));
    let signed_in = if args.device_code {
        enter_a_code(args, application, &tenant).await?
    } else {
        browser::sign_in(args, application, &tenant).await?
    };
    complain("Signed in. Trying it at both of Partner Center's APIs …");
    let proof = watched("trying it", application.prove(&signed_in)).await?;
    let report = Report::new(config, &tenant, &signed_in.person, proof);
    Ok((report, signed_in))
}

async fn enter_a_code(
    args: &ConsentArgs,
    application: &SecureApplication,
    tenant: &Tenant,
) -> Result<SignedIn, ConsentError> {
    let code = application.device_code().await?;
    let patience = args.patience().min(code.lifetime());
    complain(&format!(
        "Open {} in any browser and enter the code {}.",
        code.address(),
        code.code()
    ));
    complain(
        "Sign in as the Partner Center service account, with its second factor: this way cannot demand it.",
    );
    complain(
        "Many tenants block device codes by conditional access: if yours does, use a browser instead.",
    );
    complain(&waiting(patience));
    application.entered(tenant, &code, patience).await
}

fn waiting(patience: Duration) -> String {
    let seconds = patience.as_secs();
    let wait = match seconds {
        0..120 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds / 60),
    };
    format!("Waiting for up to {wait}; Ctrl-C stops it.")
}

async fn keep(
    application: &SecureApplication,
    report: Report,
    signed_in: SignedIn,
) -> Result<Report, ConsentError> {
    let renew_by = application.keep(signed_in).await?;
    Ok(report.kept(renew_by))
}
