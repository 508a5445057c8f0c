//! Brings the registration to what is wanted, and notes what came of it.

use std::time::Duration;

use jiff::Timestamp;

use super::plan::{self, Obstacle, Plan, Request};
use super::record::{self, Note, Record};
use super::{Registration, Wanted};
use crate::failure::{Classify, Disposition};
use crate::upstream::storage::{Blobs, StorageError};
use crate::upstream::webhooks::{Webhooks, WebhooksError};

/// How often it is looked whether Partner Center shows what it was told.
const LOOKS: u32 = 5;
/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// What there is before anything is done.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What is registered.
    pub registered: Option<Registration>,
    /// What was noted when somebody decided about it last.
    pub note: Option<Note>,
}

impl Seen {
    /// What this connector registered last.
    pub fn record(&self) -> Option<&Record> {
        self.note.as_ref().and_then(Note::record)
    }
}

/// Why the registration is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// It must not be changed, or nobody said how.
    #[error(transparent)]
    Obstacle(#[from] Obstacle),
    /// Partner Center did not do it.
    #[error(transparent)]
    Webhooks(#[from] WebhooksError),
    /// Partner Center has no such events.
    #[error(
        "Partner Center does not know the events {}; nothing was changed. Leave them out with --events", .0.join(", ")
    )]
    UnknownEvents(Vec<String>),
    /// Partner Center took it and shows something else.
    #[error(
        "Partner Center took the registration and shows another one: somebody else may have registered at the same time; look with --show"
    )]
    ShownOtherwise,
    /// It could not be looked up or noted what was registered.
    #[error("keeping the note of what is registered, {what}")]
    Note {
        /// What has been done and what has not.
        what: &'static str,
        /// What happened.
        #[source]
        source: StorageError,
    },
}

impl Classify for RegisterError {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Obstacle(_) | Self::UnknownEvents(_) | Self::ShownOtherwise => {
                Disposition::Permanent
            }
            Self::Webhooks(error) => error.disposition(),
            Self::Note { source, .. } => source.disposition(),
        }
    }
}

/// Sees what is registered, and what was noted.
pub async fn see(webhooks: &Webhooks, blobs: &dyn Blobs) -> Result<Seen, RegisterError> {
    let registered = webhooks.registration().await?;
    let note = record::load(blobs).await;
    let note = note.map_err(|source| RegisterError::Note {
        what: "before anything was changed",
        source,
    })?;
    Ok(Seen { registered, note })
}

/// What to do about what is `seen`.
pub fn plan(request: &Request, seen: &Seen) -> Result<Plan, RegisterError> {
    let plan = plan::plan(request, seen.registered.as_ref(), seen.record())?;
    Ok(plan)
}

/// Does what is planned, and gives what Partner Center shows then.
///
/// Whether it happened is seen from what Partner Center shows, not from the answer, which may be lost.
pub async fn carry_out(webhooks: &Webhooks, plan: &Plan) -> Result<Registration, RegisterError> {
    let (Plan::Create(wanted) | Plan::Update(wanted)) = plan else {
        return webhooks
            .registration()
            .await?
            .ok_or(RegisterError::ShownOtherwise);
    };
    let known = webhooks.events().await?;
    let is_known = |it: &&String| !known.iter().any(|known| known.eq_ignore_ascii_case(it));
    let unknown: Vec<_> = wanted.events.iter().filter(is_known).cloned().collect();
    if !unknown.is_empty() {
        return Err(RegisterError::UnknownEvents(unknown));
    }
    let written = match plan {
        Plan::Create(_) => webhooks.create(wanted).await,
        _ => webhooks.update(wanted).await,
    };
    match written {
        Ok(()) => shown(webhooks, wanted).await,
        Err(error) if error.had_no_effect() => Err(error.into()),
        // The answer was lost on the way: what there is now tells.
        Err(error) => shown(webhooks, wanted).await.map_err(|_| error.into()),
    }
}

/// What Partner Center shows, once that is what is `wanted`.
async fn shown(webhooks: &Webhooks, wanted: &Wanted) -> Result<Registration, RegisterError> {
    for look in 1..=LOOKS {
        let registered = webhooks.registration().await?;
        if let Some(mut registered) = registered {
            // Silence about the header is no refusal of it.
            registered.ms_signature = registered.ms_signature.or(Some(true));
            if plan::is_registered(wanted, &registered, None) {
                return Ok(registered);
            }
        }
        if look < LOOKS {
            tokio::time::sleep(PAUSE).await;
        }
    }
    Err(RegisterError::ShownOtherwise)
}

/// Notes what is registered.
pub async fn note(blobs: &dyn Blobs, registered: &Registration) -> Result<(), RegisterError> {
    let record = Record::of(registered, Timestamp::now());
    let noted = record::save(blobs, &Note::Registered(record)).await;
    noted.map_err(|source| RegisterError::Note {
        what: "although the webhook is registered; run the command again",
        source,
    })
}

/// Notes that there is to be no webhook.
pub async fn note_poll_only(blobs: &dyn Blobs) -> Result<(), RegisterError> {
    let noted = record::save(blobs, &Note::PollOnly(Timestamp::now())).await;
    noted.map_err(|source| RegisterError::Note {
        what: "so nothing was changed",
        source,
    })
}
