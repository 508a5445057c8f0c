//! Which values go which way. Each unit is merged by itself: one side changed, copy; both alike, nothing; both differ, the
//! winner of the mapping table.

use std::collections::{BTreeMap, BTreeSet};

use super::cells::{Cell, similar};
use super::findings::Findings;
use super::{Inputs, Report, patches};
use crate::lead::{Changes, Column, Columns, Value};
use crate::mapping::columns::{EMAIL, FIRST_NAME, LAST_NAME, TRANSACTION_CURRENCY};
use crate::mapping::{Rule, Unit};
use crate::sync::state::Values;

/// What merging both sides comes to.
#[derive(Debug, Default)]
pub(super) struct Merged {
    /// The lead's columns that change.
    pub(super) changes: Changes,
    /// What both sides will hold once they have.
    pub(super) values: Values,
    /// What both sides hold already.
    pub(super) agreed: Values,
    /// The units that go to the referral.
    pub(super) sends: BTreeSet<Unit>,
    /// The units whose value in the referral loses.
    pub(super) lost_by_referral: BTreeSet<Unit>,
    /// The columns whose value in the lead loses.
    pub(super) lost_by_lead: BTreeSet<Column>,
}

/// Merges all but the status.
pub(super) struct Merger<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) cells: BTreeMap<&'a Column, Cell<'a>>,
    /// Units edited after a write that may or may not have happened: the value that gives way is noted.
    pub(super) edited: &'a BTreeSet<Unit>,
    pub(super) findings: &'a mut Findings,
    pub(super) merged: Merged,
}

/// The columns that are merged in one piece now.
struct Piece<'a> {
    unit: Unit,
    rule: Rule,
    cells: Vec<&'a Cell<'a>>,
}

impl Merger<'_> {
    pub(super) fn merge(mut self) -> Merged {
        let cells = self.cells.clone();
        let same_person = self.is_same_person();
        let units: BTreeSet<Unit> = cells.values().map(|cell| cell.row.unit).collect();
        for unit in units {
            let of_unit = cells.values().filter(|cell| cell.row.unit == unit);
            if unit == Unit::Contact && !same_person {
                self.piece(unit, of_unit.collect());
                continue;
            }
            let by_one = matches!(unit, Unit::Contact | Unit::Consent);
            // A value that stands in for another fills, and never overwrites.
            let said = of_unit.filter(|cell| !cell.stands_in || cell.lead.is_none());
            let said: Vec<_> = said.collect();
            if by_one {
                for cell in said {
                    self.piece(unit, vec![cell]);
                }
            } else {
                self.piece(unit, said);
            }
        }
        self.merged
    }

    fn piece(&mut self, unit: Unit, cells: Vec<&Cell<'_>>) {
        let Some(rule) = cells.first().map(|cell| cell.row.rule) else {
            return;
        };
        let is_closed = self.is_closed();
        let (blocked, cells): (Vec<_>, Vec<_>) = cells
            .into_iter()
            .partition(|cell| cell.is_blocked(is_closed));
        let is_left = blocked.iter().any(|cell| cell.lead.is_some());
        if is_left {
            self.findings.leave(unit);
        }
        if rule == Rule::Creation || is_left || cells.is_empty() {
            return;
        }
        let piece = Piece { unit, rule, cells };
        if rule == Rule::Stricter {
            self.restrict(&piece);
        } else if piece.cells.iter().all(|cell| cell.pair.is_none()) {
            self.first(&piece);
        } else {
            self.again(&piece);
        }
    }

    /// Only ever switched on.
    fn restrict(&mut self, piece: &Piece<'_>) {
        for cell in &piece.cells {
            if cell.wanted.is_none() || cell.is_alike() {
                self.agree(cell, true);
                continue;
            }
            if cell
                .pair
                .is_some_and(|pair| pair.lead == cell.written().lead)
            {
                self.findings.add(Report::Differs(piece.unit), "");
            }
            self.write(cell);
        }
    }

    /// Nothing was agreed: what is empty is filled, what is not is left.
    fn first(&mut self, piece: &Piece<'_>) {
        let is_open = |cell: &&Cell<'_>| cell.lead.is_none() || cell.is_makeshift;
        if piece
            .cells
            .iter()
            .all(|cell| is_open(cell) || cell.is_similar())
        {
            for cell in &piece.cells {
                if cell.wanted.is_some() && is_open(cell) {
                    self.write(cell);
                } else {
                    self.agree(cell, true);
                }
            }
        } else if piece.is_unsaid() {
            if !self.is_closed() {
                self.offer(piece);
            }
        } else if piece
            .cells
            .iter()
            .all(|cell| cell.wanted.is_none() || cell.is_similar())
        {
            for cell in piece.cells.iter().filter(|cell| cell.is_similar()) {
                self.agree(cell, true);
            }
        } else {
            for cell in &piece.cells {
                self.agree(cell, cell.is_similar());
            }
            self.differ(piece, true);
        }
    }

    fn again(&mut self, piece: &Piece<'_>) {
        if piece.cells.iter().all(|cell| cell.is_alike()) {
            piece.cells.iter().for_each(|cell| self.agree(cell, true));
            return;
        }
        let lead_changed = piece.cells.iter().any(|cell| cell.lead_changed());
        let referral_changed = piece.cells.iter().any(|cell| cell.referral_changed());
        let was_alike = piece.cells.iter().all(|cell| cell.baseline().alike);
        match (lead_changed, referral_changed) {
            (false, false) => {
                for cell in &piece.cells {
                    self.agree(cell, cell.baseline().alike);
                }
                if !was_alike {
                    self.differ(piece, true);
                }
            }
            (false, true) if was_alike => self.copy(piece),
            (true, false) if was_alike => self.keep(piece),
            _ => self.conflict(piece),
        }
    }

    /// Both sides changed, or one of two that never agreed.
    fn conflict(&mut self, piece: &Piece<'_>) {
        if piece.rule == Rule::PartnerCenter && !piece.is_unsaid() {
            let overwritten = piece
                .cells
                .iter()
                .filter(|cell| cell.lead.is_some() && !cell.is_alike());
            let columns = overwritten.map(|cell| cell.row.column.clone());
            self.merged.lost_by_lead.extend(columns);
            self.differ(piece, false);
            self.copy(piece);
        } else if piece.is_empty() {
            self.report(Report::Emptied(piece.unit), piece);
        } else {
            self.differ(piece, !piece.is_unsaid());
            self.offer(piece);
        }
    }

    /// Only the referral changed: the lead gets what it says.
    fn copy(&mut self, piece: &Piece<'_>) {
        for cell in &piece.cells {
            let unchanged =
                !cell.lead_changed() && !cell.referral_changed() && cell.baseline().alike;
            if cell.is_alike() || unchanged {
                self.agree(cell, true);
            } else {
                self.write(cell);
            }
            if self.edited.contains(&piece.unit) && cell.lead.is_some() && !cell.is_alike() {
                self.merged.lost_by_lead.insert(cell.row.column.clone());
            }
        }
    }

    /// Only the lead changed: what it holds is kept, and sent where that may be.
    fn keep(&mut self, piece: &Piece<'_>) {
        let emptied = piece
            .cells
            .iter()
            .any(|cell| cell.lead.is_none() && cell.wanted.is_some());
        if piece.is_empty() {
            if !piece.is_unsaid() {
                self.report(Report::Emptied(piece.unit), piece);
            }
            return;
        }
        if self.edited.contains(&piece.unit) && !piece.is_unsaid() {
            self.merged.lost_by_referral.insert(piece.unit);
        }
        if self.offer(piece) {
            return;
        }
        let differs =
            |cell: &&Cell<'_>| cell.lead.is_some() && cell.wanted.is_some() && !cell.is_alike();
        if piece.cells.iter().any(differs) {
            self.differ(piece, false);
        } else if emptied {
            self.report(Report::Emptied(piece.unit), piece);
        }
    }

    /// Sends what the lead holds, if it can be sent.
    fn offer(&mut self, piece: &Piece<'_>) -> bool {
        let goes = self.inputs.options.mapping.goes_back(piece.unit);
        if !goes || !patches::writes_back(self.inputs) {
            return false;
        }
        if self.is_closed() {
            self.report(Report::WriteBackDropped(piece.unit), piece);
            return false;
        }
        self.merged.sends.insert(piece.unit)
    }

    fn differ(&mut self, piece: &Piece<'_>, noted: bool) {
        self.report(Report::Differs(piece.unit), piece);
        if noted {
            self.merged.lost_by_referral.insert(piece.unit);
        }
    }

    /// Told again when the referral says something else; edits in the CRM are no news to the CRM.
    fn report(&mut self, report: Report, piece: &Piece<'_>) {
        let marks = piece.cells.iter().map(|cell| format!("{:x}", cell.mark()));
        self.findings
            .add(report, &marks.collect::<Vec<_>>().join(" "));
    }

    fn write(&mut self, cell: &Cell<'_>) {
        let column = &cell.row.column;
        // A currency is never taken away, and stays beside an amount that is: Dataverse sets one by itself.
        let stays = cell.wanted.is_none() && *column == TRANSACTION_CURRENCY;
        if !stays && cell.stored != cell.wanted {
            self.merged
                .changes
                .insert(column.clone(), cell.wanted.cloned());
        }
        self.merged.values.insert(column.clone(), cell.written());
    }

    fn agree(&mut self, cell: &Cell<'_>, alike: bool) {
        let column = cell.row.column.clone();
        self.merged.agreed.insert(column, cell.now(alike));
    }

    fn is_closed(&self) -> bool {
        self.inputs.referral.status.state.is_closed()
    }

    /// Whether the lead names the person the referral names: same e-mail address or same full name.
    fn is_same_person(&self) -> bool {
        let cell = |column: &Column| self.cells.get(column);
        let same = |column: &Column| {
            cell(column)
                .is_some_and(|cell| cell.wanted.is_some() && similar(cell.lead, cell.wanted))
        };
        let same_first_name = cell(&FIRST_NAME).is_some_and(|cell| similar(cell.lead, cell.wanted));
        let is_named = cell(&LAST_NAME).is_some_and(|cell| !cell.stands_in);
        same(&EMAIL) || is_named && same(&LAST_NAME) && same_first_name
    }
}

impl Piece<'_> {
    /// Whether the lead holds nothing.
    fn is_empty(&self) -> bool {
        self.cells.iter().all(|cell| cell.lead.is_none())
    }

    /// Whether the referral says nothing.
    fn is_unsaid(&self) -> bool {
        self.cells.iter().all(|cell| cell.wanted.is_none())
    }
}

/// The lead's columns once `changes` are written.
pub(super) fn after(lead: &Columns, changes: &Changes) -> Columns {
    let mut columns = lead.clone();
    for (column, value) in changes {
        match value {
            Some(value) => columns.insert(column.clone(), Value::clone(value)),
            None => columns.remove(column),
        };
    }
    columns
}
