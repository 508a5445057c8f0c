//! What was registered, as a note in `registration.json`: so that it is noticed when somebody changes it.

mod wire;

use jiff::Timestamp;

use super::Registration;
use crate::upstream::storage::{Blobs, Presumed, StorageCause, StorageError};

/// Where the note lies in the container.
const NAME: &str = "registration.json";

/// What an administrator decided about the webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// It was registered.
    Registered(Record),
    /// There is to be none: the timer alone finds what changed. Since then.
    PollOnly(Timestamp),
}

/// What was registered. Holds no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where events go, without any parameter.
    pub place: String,
    /// The SHA-256 of the whole address, as [`super::Address::digest`] gives it.
    pub digest: String,
    /// The events.
    pub events: Vec<String>,
    /// Whether the signature was moved to `x-ms-signature`.
    pub ms_signature: bool,
    /// When it was noted.
    pub at: Timestamp,
}

impl Note {
    /// What was registered, if anything was.
    pub const fn record(&self) -> Option<&Record> {
        match self {
            Self::Registered(record) => Some(record),
            Self::PollOnly(_) => None,
        }
    }

    /// Whether it says the same, whenever that was noted.
    fn tells(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::PollOnly(_), Self::PollOnly(_)) => true,
            (Self::Registered(one), Self::Registered(other)) => {
                let at = one.at;
                *one == Record {
                    at,
                    ..other.clone()
                }
            }
            _ => false,
        }
    }
}

impl Record {
    /// Of what Partner Center shows after it was registered.
    pub fn of(registered: &Registration, at: Timestamp) -> Self {
        Self {
            place: registered.address.place(),
            digest: registered.address.digest(),
            events: registered.events.clone(),
            ms_signature: registered.ms_signature.unwrap_or(true),
            at,
        }
    }
}

/// The note, if there is one. One that cannot be read is none; one of a newer program is an error.
pub async fn load(blobs: &dyn Blobs) -> Result<Option<Note>, StorageError> {
    let Some(blob) = blobs.get(NAME).await? else {
        return Ok(None);
    };
    wire::read(&blob.content).map_err(|wire::Newer { format }| StorageError {
        operation: "read",
        name: NAME.to_owned(),
        cause: StorageCause::Newer { format },
    })
}

/// Writes `note`, unless the one that is there tells the same.
pub async fn save(blobs: &dyn Blobs, note: &Note) -> Result<(), StorageError> {
    let before = load(blobs).await?;
    if before.is_some_and(|before| before.tells(note)) {
        return Ok(());
    }
    // Whoever registers last is the one that Partner Center listens to.
    let content = wire::write(note);
    blobs.put(NAME, content, Presumed::Nothing).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registration::Address;
    use crate::sync::drawer::Drawer;

    fn note(at: &str) -> Note {
        let url = "https://contoso.azurewebsites.net/api/ReferralWebhook?code=s3cr3t";
        let registered = Registration {
            address: Address::new(url.parse().unwrap()),
            events: vec!["test-created".to_owned()],
            ms_signature: None,
            subscriber: None,
            modified: None,
        };
        Note::Registered(Record::of(&registered, at.parse().unwrap()))
    }

    #[tokio::test]
    async fn a_note_is_read_as_it_was_written_and_holds_no_key() {
        let blobs = Drawer::default();
        assert_eq!(load(&blobs).await.unwrap(), None);
        let first = note("2026-11-22T10:00:00Z");
        save(&blobs, &first).await.unwrap();
        let text = blobs.text(NAME).unwrap();
        insta::assert_snapshot!(text, @r#"{"format":1,"pollOnly":false,"url":"https://contoso.azurewebsites.net/api/ReferralWebhook","sha256":"fe3635b7e272813a08ba04a22a0dbff1575ae97d5c1eb316aa459086a23602b0","events":["test-created"],"msSignature":true,"at":"2026-11-22T10:00:00Z"}"#);
        save(&blobs, &note("2026-11-23T10:00:00Z")).await.unwrap();
        assert_eq!(
            (load(&blobs).await.unwrap(), blobs.writes()),
            (Some(first), 1)
        );
        let none = Note::PollOnly("2026-11-24T10:00:00Z".parse().unwrap());
        save(&blobs, &none).await.unwrap();
        assert_eq!(load(&blobs).await.unwrap(), Some(none));
    }

    #[tokio::test]
    async fn a_damaged_note_is_none_and_one_of_a_newer_program_is_left_alone() {
        let blobs = Drawer::default();
        for damaged in ["", "[]", r#"{"format":1}"#, r#"{"format":0}"#] {
            blobs.set(NAME, damaged);
            assert_eq!(load(&blobs).await.unwrap(), None, "{damaged}");
        }
        blobs.set(NAME, r#"{"format":2,"all":"new"}"#);
        let newer = |it: StorageError| matches!(it.cause, StorageCause::Newer { format: 2 });
        assert!(newer(load(&blobs).await.unwrap_err()));
        let saved = save(&blobs, &note("2026-11-22T10:00:00Z")).await;
        assert!(newer(saved.unwrap_err()));
    }
}
