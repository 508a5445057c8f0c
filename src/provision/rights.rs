//! What a sync has to be allowed to do, and no more.

use uuid::Uuid;

use crate::sync::options::{Mode, Parents, SyncOptions};

/// The name of the security role.
pub const ROLE: &str = "Referral connector";

/// How far a privilege reaches. The furthest is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Rows that belong to the user itself.
    Basic,
    /// Rows of the user's business unit.
    Local,
    /// Those of the units below it too.
    Deep,
    /// Every row.
    Global,
}

/// A privilege, as far as a role grants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Which privilege.
    pub privilege: Uuid,
    /// Its name, such as `prvCreateLead`; empty where nobody said.
    pub name: String,
    /// How far.
    pub depth: Depth,
}

/// A privilege that the connector uses.
#[derive(Debug)]
pub struct Need {
    /// Its name.
    pub name: &'static str,
    /// How far the role grants it.
    pub depth: Depth,
    /// When it is used.
    pub when: When,
    /// What for, after "to".
    pub purpose: &'static str,
    /// Whether it has to reach rows of others: leads, accounts and contacts belong to sellers.
    pub of_others: bool,
}

/// When a privilege is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// In every mode.
    Always,
    /// In every mode but `observe`.
    Writing,
    /// When `SYNC_LEAD_OWNER` names somebody and leads are written.
    Owning,
    /// When `SYNC_PARENTS` is `match`: leads do without.
    Matching,
    /// When that is so and leads are written: leads do without.
    Naming,
}

/// Everything that the role grants, and that `check` asks for: there is no other list.
pub const NEEDS: &[Need] = &[
    need("prvReadLead", When::Always, "read leads").of_others(),
    need(
        "prvReadTransactionCurrency",
        When::Always,
        "look up currencies",
    ),
    need("prvCreateLead", When::Writing, "create leads"),
    need("prvWriteLead", When::Writing, "change leads").of_others(),
    need("prvAppendLead", When::Writing, "give a lead its currency").of_others(),
    need(
        "prvAppendToTransactionCurrency",
        When::Writing,
        "give a lead its currency",
    ),
    // A note is created with an upsert, which asks for reading and writing too: of the connector's own notes alone.
    need("prvCreateNote", When::Writing, NOTES).own(),
    need("prvReadNote", When::Writing, NOTES).own(),
    need("prvWriteNote", When::Writing, NOTES).own(),
    need("prvAppendNote", When::Writing, NOTES).own(),
    need("prvAppendToLead", When::Writing, NOTES).of_others(),
    need("prvAssignLead", When::Owning, OWNERS),
    need("prvReadUser", When::Owning, OWNERS),
    need("prvReadTeam", When::Owning, OWNERS),
    need("prvReadAccount", When::Matching, ACCOUNTS).of_others(),
    need("prvReadContact", When::Matching, CONTACTS).of_others(),
    // A row that another names is appended to.
    need("prvAppendToAccount", When::Naming, ACCOUNTS).of_others(),
    need("prvAppendToContact", When::Naming, CONTACTS).of_others(),
    need("prvReadEntity", When::Always, DEFINITIONS),
    need("prvReadAttribute", When::Always, DEFINITIONS),
    need("prvReadOptionSet", When::Always, DEFINITIONS),
    need("prvReadRelationship", When::Always, DEFINITIONS),
];

const NOTES: &str = "write notes on the timeline";
const OWNERS: &str = "give new leads to SYNC_LEAD_OWNER";
const ACCOUNTS: &str = "give a new lead its customer's account";
const CONTACTS: &str = "give a new lead its customer's contact";
const DEFINITIONS: &str = "read what the columns of leads take";

const fn need(name: &'static str, when: When, purpose: &'static str) -> Need {
    Need {
        name,
        depth: Depth::Global,
        when,
        purpose,
        of_others: false,
    }
}

impl Need {
    const fn own(mut self) -> Self {
        self.depth = Depth::Basic;
        self
    }

    const fn of_others(mut self) -> Self {
        self.of_others = true;
        self
    }
}

impl When {
    /// Whether leads do without.
    pub const fn is_optional(self) -> bool {
        matches!(self, Self::Matching | Self::Naming)
    }

    /// Whether a sync with these choices uses it.
    pub fn is_now(self, options: &SyncOptions) -> bool {
        let writes = options.mode != Mode::Observe;
        let matches = options.parents == Parents::Match;
        match self {
            Self::Always => true,
            Self::Writing => writes,
            Self::Owning => writes && options.owner.is_some(),
            Self::Matching => matches,
            Self::Naming => matches && writes,
        }
    }
}

/// What of `wanted` a role with `granted` lacks.
pub fn lacking(wanted: &[Grant], granted: &[Grant]) -> Vec<Grant> {
    let has = |want: &Grant| {
        granted
            .iter()
            .any(|it| it.privilege == want.privilege && it.depth >= want.depth)
    };
    wanted.iter().filter(|want| !has(want)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(privilege: u128, depth: Depth) -> Grant {
        Grant {
            privilege: Uuid::from_u128(privilege),
            name: String::new(),
            depth,
        }
    }

    #[test]
    fn a_privilege_that_reaches_too_short_is_lacking_and_one_that_reaches_further_is_not() {
        let wanted = [
            grant(1, Depth::Global),
            grant(2, Depth::Basic),
            grant(3, Depth::Local),
        ];
        let granted = [grant(1, Depth::Local), grant(2, Depth::Global)];
        let lacking = lacking(&wanted, &granted);
        assert_eq!(lacking, [grant(1, Depth::Global), grant(3, Depth::Local)]);
    }

    #[test]
    fn the_page_tells_of_every_privilege_and_of_no_other() {
        let page = include_str!("../../docs/provision.md");
        let (_, table) = page.split_once("| table | rights |").unwrap();
        let (table, _) = table.split_once("\n\n").unwrap();
        let rows = table.lines().skip(2);
        let mut told = Vec::new();
        for row in rows {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            for table in cells[1].split(['(', ',', ')', '*']).map(str::trim) {
                let noun = match table {
                    "" | "definitions" => continue,
                    "Currency" => "TransactionCurrency".to_owned(),
                    table => table.replace(' ', ""),
                };
                for right in cells[2].split(", ") {
                    let right = match right {
                        "append to" => "AppendTo".to_owned(),
                        right => right[..1].to_uppercase() + &right[1..],
                    };
                    told.push(format!("prv{right}{noun}"));
                }
            }
        }
        told.sort();
        let mut needed: Vec<&str> = NEEDS.iter().map(|it| it.name).collect();
        needed.sort_unstable();
        assert_eq!(told, needed);
    }
}
