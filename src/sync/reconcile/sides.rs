//! The three lists of a pass, and how the cursor follows them.

use std::collections::VecDeque;

use jiff::Timestamp;
use uuid::Uuid;

use super::cursor::{Cursor, Mark, OVERLAP, Position};
use super::pages::{List, ListError, Row, Walk};
use super::pass::Pass;
use super::rows::Found;
use super::{Reconciler, Scope};
use crate::ids::LeadId;
use crate::sync::options::Target;
use crate::sync::state::store::OWNERS;
use crate::sync::world::World;
use crate::upstream::dataverse::Which;
use crate::upstream::storage::StorageError;

/// How many leads are asked for by their ids in one request.
pub(super) const AMONG: usize = 100;

/// Which of the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Referrals,
    /// Leads that the connector made.
    Leads,
    /// Leads that it adopted. They are asked for by their ids.
    Adopted,
}

/// One of the lists, on the way from the cursor to its end.
#[derive(Debug)]
pub(super) struct Side {
    kind: Kind,
    /// What is still to be walked through; the leads it adopted in several walks, each among some of them.
    walks: VecDeque<Walk>,
    /// The server's clock when the first of them began.
    began: Option<Timestamp>,
    /// The oldest row that is not done, parked or dead-lettered.
    held: Option<Mark>,
    /// Whether the list cannot be read now.
    failed: bool,
}

impl Side {
    fn new(kind: Kind, walks: impl IntoIterator<Item = Walk>) -> Self {
        Self {
            kind,
            walks: walks.into_iter().collect(),
            began: None,
            held: None,
            failed: false,
        }
    }

    pub(super) fn is_of_referrals(&self) -> bool {
        self.kind == Kind::Referrals
    }

    /// Whether there is nothing more to be listed.
    pub(super) fn has_ended(&self) -> bool {
        self.failed || self.walks.is_empty()
    }

    /// Whether every row is done, parked or dead-lettered.
    pub(super) fn is_through(&self) -> bool {
        !self.failed && self.walks.is_empty() && self.held.is_none()
    }

    pub(super) fn fail(&mut self) {
        self.failed = true;
    }

    /// The next rows.
    pub(super) async fn batch(&mut self, world: &World) -> Result<Batch, ListError> {
        let Some(walk) = self.walks.front_mut() else {
            return Ok(Batch::default());
        };
        let unreadable = walk.unreadable;
        let rows = walk.batch(world).await?;
        self.began = self.began.or(walk.began);
        Ok(Batch {
            rows,
            user: walk.user,
            unreadable: walk.unreadable - unreadable,
        })
    }

    /// Its place in `cursor`.
    pub(super) fn position<'a>(&self, cursor: &'a mut Cursor) -> &'a mut Position {
        match self.kind {
            Kind::Referrals => &mut cursor.referrals,
            Kind::Leads => &mut cursor.leads,
            Kind::Adopted => &mut cursor.adopted,
        }
    }

    /// Lets the cursor follow to where everything older is done, parked or dead-lettered, an overlap behind the server's
    /// clock at most.
    pub(super) fn advance(&mut self, found: &[Found], position: &mut Position) {
        for it in found {
            if it.settled.is_open() {
                let mark = it.row.mark.clone();
                self.held = self
                    .held
                    .take()
                    .map(|held| held.min(mark.clone()))
                    .or(Some(mark));
            } else if it.settled.is_to_be_remembered() {
                position.settled.insert(it.row.id, it.row.mark.clone());
            }
        }
        let reached = self.walks.front().and_then(|walk| walk.position);
        if self.walks.front().is_some_and(|walk| walk.ended) {
            self.walks.pop_front();
        }
        let newest = self.began.or(reached);
        let newest = newest.map(|it| it.checked_sub(OVERLAP).unwrap_or(Timestamp::UNIX_EPOCH));
        let from = match self.kind {
            _ if self.walks.is_empty() => newest.or(position.from),
            // Each walk is among some of the leads: the cursor follows when all have ended.
            Kind::Adopted => position.from,
            Kind::Referrals | Kind::Leads => reached.min(newest),
        };
        let held = self.held.as_ref();
        position.move_to(held.map_or(from, |held| held.stamp.min(from)));
        position.first &= !self.is_through();
    }
}

/// Some rows of a list.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) rows: Vec<Row>,
    /// The user they were listed as.
    pub(super) user: Option<Uuid>,
    /// Rows nobody could read.
    pub(super) unreadable: usize,
}

impl Pass<'_> {
    /// The lists to go through, from where `cursor` is.
    pub(super) async fn sides(&self, cursor: &Cursor) -> Result<Vec<Side>, StorageError> {
        let walk = Walk::new(List::Referrals, cursor.referrals.from);
        let referrals = Side::new(Kind::Referrals, [walk]);
        if self.reconciler.target == Target::Flow {
            return Ok(vec![referrals]);
        }
        let ours = List::Leads(Which::Ours(cursor.users.clone()));
        if self.scope == Scope::All {
            // Whatever lead there is, a referral has it. The list of leads tells as whom this pass makes new ones.
            let leads = Walk::new(ours, Some(self.now()));
            return Ok(vec![referrals, Side::new(Kind::Leads, [leads])]);
        }
        let leads = Side::new(Kind::Leads, [Walk::new(ours, cursor.leads.from)]);
        let adopted = self.reconciler.adopted().await?;
        let walks = adopted.chunks(AMONG).map(|leads| {
            let among = List::Leads(Which::Among(leads.to_vec()));
            Walk::new(among, cursor.adopted.from)
        });
        let adopted = Side::new(Kind::Adopted, walks);
        Ok(vec![referrals, leads, adopted])
    }
}

impl Reconciler {
    /// Every lead that was not made for the referral that has it.
    async fn adopted(&self) -> Result<Vec<LeadId>, StorageError> {
        let mut leads = Vec::new();
        let mut marker = None;
        loop {
            let page = self.world.blobs.list(OWNERS, marker.as_deref()).await?;
            leads.extend(page.names.iter().filter_map(|(name, _)| id(OWNERS, name)));
            match page.next {
                Some(next) => marker = Some(next),
                None => return Ok(leads.into_iter().map(LeadId::new).collect()),
            }
        }
    }
}

/// The id in the name of a blob in `folder`.
pub(super) fn id(folder: &str, name: &str) -> Option<Uuid> {
    let id = name.strip_prefix(folder)?.strip_suffix(".json")?;
    id.parse().ok()
}
