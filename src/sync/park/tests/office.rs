//! A desk with everything around it in memory.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::strategy::Union;
use tokio::sync::Notify;

use super::super::*;
use crate::ids::ETag;
use crate::sync::plan::Outcome;
use crate::upstream::partner_center::PartnerCenterError;
use crate::upstream::storage::{Blob, Blobs, Listing, Presumed, Put, StorageCause, Taken};
use crate::upstream::{CallError, Upstream};

/// How a state says that there is a letter.
const TELLS: &str = r#","dead_letter":true"#;

pub(super) const EVENT: Digest = [1; 32];

pub(super) fn id(number: u128) -> ReferralId {
    ReferralId::new(Uuid::from_u128(number))
}

/// How one sync ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Script {
    Synced,
    Passing(Option<Duration>),
    Lasting,
    Denied,
    NotShown,
    Endless,
}

impl Script {
    /// Any that ends.
    pub(super) fn any() -> impl Strategy<Value = Self> {
        let asked = Some(Duration::from_mins(3));
        Union::new(
            [
                Self::Synced,
                Self::Passing(None),
                Self::Passing(asked),
                Self::Lasting,
                Self::Denied,
                Self::NotShown,
            ]
            .map(Just),
        )
    }

    fn cause(self, id: ReferralId) -> Option<SyncCause> {
        let (upstream, operation) = (Upstream::PartnerCenter, "read");
        match self {
            Self::Synced | Self::Endless => None,
            Self::Passing(None) => Some(SyncCause::Unsettled { rounds: 6 }),
            Self::Passing(Some(after)) => {
                let source = CallError::Paused {
                    upstream,
                    operation,
                    after,
                };
                Some(PartnerCenterError::Read { id, source }.into())
            }
            Self::Lasting => Some(PartnerCenterError::Malformed { id, member: "eTag" }.into()),
            Self::Denied => {
                let source = CallError::NotJson {
                    upstream,
                    operation,
                };
                Some(PartnerCenterError::ListForbidden { source }.into())
            }
            Self::NotShown => Some(SyncCause::LookAgain),
        }
    }
}

/// A desk, and what it can be seen to do.
pub(super) struct Office {
    pub(super) desk: Desk,
    surroundings: Arc<Surroundings>,
}

struct Surroundings {
    now: Mutex<Timestamp>,
    scripts: Mutex<VecDeque<Script>>,
    always: Mutex<Script>,
    asked: Notify,
    deadlines: Mutex<Vec<Instant>>,
    /// Referrals that were synced or let go last.
    settled: Mutex<BTreeSet<ReferralId>>,
    broken: Mutex<bool>,
    queue: Mutex<Vec<(String, Duration)>>,
    blobs: Mutex<BTreeMap<String, Blob>>,
    writes: Mutex<u32>,
    /// Whether a sync ends well just after the next letter is written.
    overtaken: Mutex<bool>,
}

impl Office {
    /// One whose syncs end as `scripts` say, and well after that.
    pub(super) fn open(scripts: impl IntoIterator<Item = Script>) -> Self {
        let surroundings = Arc::new(Surroundings {
            now: Mutex::new("2026-11-22T10:00:00Z".parse().unwrap()),
            scripts: Mutex::new(scripts.into_iter().collect()),
            always: Mutex::new(Script::Synced),
            asked: Notify::new(),
            deadlines: Mutex::default(),
            settled: Mutex::default(),
            broken: Mutex::new(false),
            queue: Mutex::default(),
            blobs: Mutex::default(),
            writes: Mutex::new(0),
            overtaken: Mutex::new(false),
        });
        let rules = RetryRules {
            first: Duration::from_secs(15),
            longest: Duration::from_hours(1),
            limit: Duration::from_hours(7 * 24),
        };
        let desk = Desk::of(
            Arc::clone(&surroundings) as Arc<dyn Syncs>,
            Arc::clone(&surroundings) as Arc<dyn Queue>,
            Arc::clone(&surroundings) as Arc<dyn Clock>,
            DeadLetters::new(Arc::clone(&surroundings) as Arc<dyn Blobs>),
            rules,
        );
        Self { desk, surroundings }
    }

    /// How syncs end once the scripts are over.
    pub(super) fn always(&self, script: Script) {
        *self.surroundings.always.lock().unwrap() = script;
    }

    pub(super) fn storage_fails(&self) {
        *self.surroundings.broken.lock().unwrap() = true;
    }

    /// While the next letter is written, the referral is synced elsewhere.
    pub(super) fn is_overtaken(&self) {
        *self.surroundings.overtaken.lock().unwrap() = true;
    }

    pub(super) fn now(&self) -> Timestamp {
        self.surroundings.now()
    }

    pub(super) fn wait(&self, duration: Duration) {
        let mut now = self.surroundings.now.lock().unwrap();
        *now += SignedDuration::try_from(duration).unwrap();
    }

    pub(super) async fn event(&self, number: u128) -> Disposal {
        let disposal = self.desk.event(id(number), EVENT, soon()).await;
        self.note(id(number), disposal)
    }

    pub(super) async fn retry(&self, text: &str) -> Disposal {
        self.take_from_queue(text);
        let disposal = self.desk.retry(text, Uuid::from_u128(9), soon()).await;
        match Job::parse(text) {
            Ok(job) => self.note(job.referral, disposal),
            Err(_) => disposal,
        }
    }

    fn take_from_queue(&self, text: &str) {
        let mut queue = self.surroundings.queue.lock().unwrap();
        if let Some(place) = queue.iter().position(|it| it.0 == text) {
            queue.remove(place);
        }
    }

    fn note(&self, id: ReferralId, disposal: Disposal) -> Disposal {
        let mut settled = self.surroundings.settled.lock().unwrap();
        match &disposal {
            Disposal::Done(_) | Disposal::Absent(_) => settled.insert(id),
            _ => settled.remove(&id),
        };
        disposal
    }

    pub(super) fn settled(&self, id: ReferralId) -> bool {
        self.surroundings.settled.lock().unwrap().contains(&id)
    }

    pub(super) fn queue(&self) -> Vec<(String, Duration)> {
        self.surroundings.queue.lock().unwrap().clone()
    }

    pub(super) fn first(&self) -> Option<(String, Duration)> {
        self.queue().into_iter().next()
    }

    pub(super) async fn letters(&self) -> Vec<Letter> {
        let letters = DeadLetters::new(Arc::clone(&self.surroundings) as Arc<dyn Blobs>);
        letters.all().await.unwrap()
    }

    pub(super) fn blobs(&self) -> BTreeMap<String, Blob> {
        self.surroundings.blobs.lock().unwrap().clone()
    }

    pub(super) async fn until_asked(&self) {
        self.surroundings.asked.notified().await;
    }

    /// The deadlines of the syncs so far.
    pub(super) fn deadlines(&self) -> Vec<Instant> {
        self.surroundings.deadlines.lock().unwrap().clone()
    }
}

pub(super) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(8)
}

impl Surroundings {
    fn fail(&self, operation: &'static str, name: &str) -> Result<(), StorageError> {
        if !*self.broken.lock().unwrap() {
            return Ok(());
        }
        Err(StorageError {
            operation,
            name: name.to_owned(),
            cause: StorageCause::Unreachable,
        })
    }
}

#[async_trait]
impl Syncs for Surroundings {
    async fn sync(&self, id: ReferralId, _: Option<Digest>, deadline: Instant) -> Shared {
        self.deadlines.lock().unwrap().push(deadline);
        self.asked.notify_one();
        let script = self.scripts.lock().unwrap().pop_front();
        let script = script.unwrap_or(*self.always.lock().unwrap());
        if matches!(script, Script::Endless) {
            std::future::pending::<()>().await;
        }
        match script.cause(id) {
            None => Ok(Arc::new(SyncReport {
                outcome: Outcome::Unchanged,
                lead: None,
                reports: Vec::new(),
                calls: Vec::new(),
            })),
            Some(cause) => Err(Arc::new(SyncError {
                referral: id,
                cause,
                calls: Vec::new(),
            })),
        }
    }
}

#[async_trait]
impl Clock for Surroundings {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    async fn sleep(&self, _: Duration) {}
}

#[async_trait]
impl Queue for Surroundings {
    async fn send(&self, text: &str, delay: Duration) -> Result<(), StorageError> {
        self.fail("send", "referral-retry")?;
        assert!(delay <= LONGEST_DELAY);
        self.queue.lock().unwrap().push((text.to_owned(), delay));
        Ok(())
    }

    async fn take(&self, _: u8, _: Duration) -> Result<Vec<Taken>, StorageError> {
        Ok(Vec::new())
    }

    async fn remove(&self, _: &Taken) -> Result<(), StorageError> {
        Ok(())
    }
}

#[async_trait]
impl Blobs for Surroundings {
    async fn get(&self, name: &str) -> Result<Option<Blob>, StorageError> {
        self.fail("read", name)?;
        Ok(self.blobs.lock().unwrap().get(name).cloned())
    }

    async fn put(
        &self,
        name: &str,
        content: Bytes,
        presumed: Presumed<'_>,
    ) -> Result<Put, StorageError> {
        self.fail("write", name)?;
        let mut blobs = self.blobs.lock().unwrap();
        let holds = match (presumed, blobs.get(name)) {
            (Presumed::Nothing, _) | (Presumed::Absent, None) => true,
            (Presumed::Version(version), Some(blob)) => blob.version == *version,
            _ => false,
        };
        if !holds {
            return Ok(Put::Changed);
        }
        let mut writes = self.writes.lock().unwrap();
        *writes += 1;
        let version = ETag::new(format!("\"{writes}\""));
        let blob = Blob {
            content,
            version: version.clone(),
        };
        blobs.insert(name.to_owned(), blob);
        if name.starts_with("dead-letters/") && mem::take(&mut *self.overtaken.lock().unwrap()) {
            let state = blobs.iter_mut().find(|it| it.0.starts_with("state/"));
            let (_, state) = state.expect("it is written before the letter");
            let text = String::from_utf8(state.content.to_vec()).unwrap();
            assert!(text.contains(TELLS), "{text}");
            state.content = text.replace(TELLS, "").into();
            state.version = ETag::new("\"elsewhere\"");
        }
        Ok(Put::Done(version))
    }

    async fn delete(&self, name: &str, _: Option<&ETag>) -> Result<bool, StorageError> {
        self.fail("delete", name)?;
        Ok(self.blobs.lock().unwrap().remove(name).is_some())
    }

    async fn list(&self, prefix: &str, marker: Option<&str>) -> Result<Listing, StorageError> {
        self.fail("list", prefix)?;
        let blobs = self.blobs.lock().unwrap();
        let mut names = blobs
            .keys()
            .filter(|name| name.starts_with(prefix) && marker.is_none_or(|it| it <= name.as_str()));
        // Pages of one: whoever lists has to follow them.
        let first = names.next().map(|name| (name.clone(), None));
        Ok(Listing {
            names: first.into_iter().collect(),
            next: names.next().cloned(),
        })
    }
}
