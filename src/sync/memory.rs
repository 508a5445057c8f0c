//! The notes known to be written, so that they are not written again with every sync.

use std::collections::HashSet;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ids::NoteId;

/// How many notes are remembered before the older half is forgotten. Forgetting costs one request a note.
const GENERATION: usize = 4096;

/// A bounded memory: the notes of the present generation and of the one before it.
#[derive(Debug, Default)]
pub(super) struct KnownNotes(Mutex<[HashSet<NoteId>; 2]>);

impl KnownNotes {
    /// Whether `note` is known to be written.
    pub(super) fn holds(&self, note: NoteId) -> bool {
        self.generations().iter().any(|notes| notes.contains(&note))
    }

    /// Remembers that `note` is written.
    pub(super) fn remember(&self, note: NoteId) {
        let mut generations = self.generations();
        let [present, past] = &mut *generations;
        if present.len() >= GENERATION {
            *past = mem::take(present);
        }
        present.insert(note);
    }

    fn generations(&self) -> MutexGuard<'_, [HashSet<NoteId>; 2]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{GENERATION, KnownNotes};
    use crate::ids::NoteId;

    #[test]
    fn the_newest_notes_are_remembered_and_the_oldest_forgotten() {
        let known = KnownNotes::default();
        let note = |number: usize| NoteId::new(Uuid::from_u128(number as u128));
        let last = 2 * GENERATION;
        for number in 0..=last {
            known.remember(note(number));
        }
        assert!(known.holds(note(last)));
        assert!(known.holds(note(GENERATION)));
        assert!(!known.holds(note(0)));
    }
}
