//! The sign-in by a browser: on this machine, which comes back by itself, or on another, whose last address is pasted.

use std::io::BufRead;

use secrecy::SecretString;
use tokio::sync::mpsc;

use super::{ConsentArgs, complain, waiting, watched};
use crate::credentials::consent::{
    Answer, Attempt, ConsentError, Loopback, SecureApplication, SignedIn, Tenant,
};

/// Signs in and redeems the code.
pub(super) async fn sign_in(
    args: &ConsentArgs,
    application: &SecureApplication,
    tenant: &Tenant,
) -> Result<SignedIn, ConsentError> {
    let loopback = Loopback::open(args.port).await?;
    let attempt = application.attempt(loopback.redirect());
    introduce(args, &attempt, &loopback);
    let patience = args.patience();
    let answered = tokio::time::timeout(patience, answer(loopback, &attempt)).await;
    let code = answered.map_err(|_| ConsentError::Nobody { after: patience })??;
    complain("The browser came back. Redeeming its code …");
    watched("redeeming", application.redeem(tenant, attempt, &code)).await
}

fn introduce(args: &ConsentArgs, attempt: &Attempt, loopback: &Loopback) {
    let opened = !args.no_browser && open::that_detached(attempt.address.as_str()).is_ok();
    let what_to_do = if opened {
        "A browser opens. If none does, open this address yourself:"
    } else {
        "Open this address in a browser:"
    };
    complain(what_to_do);
    complain("");
    complain(attempt.address.as_str());
    complain("");
    complain("Sign in there as the Partner Center service account, with its second factor.");
    complain(&format!(
        "The browser then goes to {}; the app registration has to name {} under the platform Web.",
        loopback.redirect(),
        Loopback::registered()
    ));
    complain(
        "If the browser is on another machine, that page cannot be shown there: copy its whole address, paste it here, and press Enter.",
    );
    complain(&waiting(args.patience()));
}

/// The code that comes first, from the listener or from the keyboard.
async fn answer(loopback: Loopback, attempt: &Attempt) -> Result<SecretString, ConsentError> {
    let mut pasted = lines();
    let mut closed = false;
    let coming_back = loopback.answer(attempt);
    tokio::pin!(coming_back);
    loop {
        let answer = tokio::select! {
            answer = &mut coming_back => answer,
            line = pasted.recv(), if !closed => {
                let Some(line) = line else {
                    closed = true;
                    complain("The input has ended, so nothing can be pasted: only a browser on this machine can come back now.");
                    continue;
                };
                attempt.pasted(&line)
            }
        };
        match answer {
            Answer::Code(code) => return Ok(code),
            Answer::Refused(codes) => return Err(ConsentError::refused(&codes)),
            Answer::Foreign(why) => complain(&format!("That address cannot be used: {why}.")),
        }
    }
}

/// The lines that are typed, blank ones left out, until the input ends.
///
/// A thread waits for them, which ends with the process: nothing else can give up waiting for a keyboard.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if !line.trim().is_empty() && sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
