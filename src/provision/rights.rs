//! What a sync has to be allowed to do, and no more.

use uuid::Uuid;

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

/// What is needed of one table.
#[derive(Debug)]
pub struct Need {
    /// The table, by logical name.
    pub table: &'static str,
    /// What is to be done with its rows, as privileges are called.
    pub rights: &'static [&'static str],
    /// How far.
    pub depth: Depth,
}

/// Everything that is needed of tables.
pub const NEEDS: &[Need] = &[
    Need {
        table: "lead",
        rights: &["Create", "Read", "Write", "Append", "AppendTo", "Assign"],
        depth: Depth::Global,
    },
    // A note is created with an upsert, which asks for reading and writing too: of the connector's own notes alone.
    Need {
        table: "annotation",
        rights: &["Create", "Read", "Write", "Append"],
        depth: Depth::Basic,
    },
    // An amount stands in a currency.
    Need {
        table: "transactioncurrency",
        rights: &["Read", "AppendTo"],
        depth: Depth::Global,
    },
    // Who a lead is to belong to.
    Need {
        table: "systemuser",
        rights: &["Read"],
        depth: Depth::Global,
    },
    Need {
        table: "team",
        rights: &["Read"],
        depth: Depth::Global,
    },
];

/// What reading the definitions of columns and choices takes.
pub const DEFINITIONS: &[&str] = &[
    "prvReadEntity",
    "prvReadAttribute",
    "prvReadOptionSet",
    "prvReadRelationship",
];

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
}
