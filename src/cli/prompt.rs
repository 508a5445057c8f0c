//! Asks a person at the terminal for a secret. Nothing of what is typed is shown.

use std::io;
use std::time::Duration;

use futures_util::pin_mut;
use tokio::task::spawn_blocking;

/// How long the terminal is given to be put back in order once somebody has pressed Ctrl-C.
const TIDY: Duration = Duration::from_secs(1);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unanswered {
    /// Somebody pressed Ctrl-C.
    #[error("stopped")]
    Stopped,
    /// Somebody pressed Ctrl-D.
    #[error("nothing was typed before the input ended")]
    Ended,
    /// There is no terminal, or it does not work.
    #[error("the terminal cannot be read")]
    Unreadable(#[source] io::Error),
}

/// What is typed after `prompt`, without the blanks around it.
///
/// While it waits the terminal shows nothing and passes no signal on. So Ctrl-C has to be taken here: the signal alone would end the
/// program before the terminal is as it was.
pub(crate) async fn secret(prompt: String) -> Result<String, Unanswered> {
    let asking = async {
        let asking = spawn_blocking(move || rpassword::prompt_password(prompt));
        asking.await.unwrap_or_else(|error| Err(error.into()))
    };
    pin_mut!(asking);
    let answer = tokio::select! {
        // First of all, so that the signal is listened to before anything is asked.
        biased;
        Ok(()) = tokio::signal::ctrl_c() => {
            let _ = tokio::time::timeout(TIDY, asking).await;
            return Err(Unanswered::Stopped);
        }
        answer = &mut asking => answer,
    };
    match answer {
        Ok(answer) => Ok(answer.trim().to_owned()),
        Err(error) => Err(match error.kind() {
            io::ErrorKind::Interrupted => Unanswered::Stopped,
            io::ErrorKind::UnexpectedEof => Unanswered::Ended,
            _ => Unanswered::Unreadable(error),
        }),
    }
}
