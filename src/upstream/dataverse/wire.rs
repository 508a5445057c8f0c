//! What Dataverse sends and takes, as JSON. Values go through it digit by digit: no number becomes a float.

mod metadata;
mod read;
pub(super) mod setup;
mod write;

pub(super) use metadata::Definitions;
pub use metadata::Unusable;
pub use read::BadRow;
pub(super) use read::{
    CurrencyRow, Known, RolePrivileges, Row, Rows, WhoAmI, lead, listed, select,
};
pub use write::UnknownLookup;
pub(super) use write::{Body, note};

/// A lookup column: its name, the navigation property its value is bound through, and the set of rows it points to.
///
/// Navigation properties are case-sensitive and need not be named like the column.
const LOOKUPS: &[(&str, &str, &str)] = &[
    (
        "transactioncurrencyid",
        "transactioncurrencyid",
        "transactioncurrencies",
    ),
    ("parentaccountid", "parentaccountid", "accounts"),
    ("parentcontactid", "parentcontactid", "contacts"),
];

/// The member a lookup column is read from.
fn lookup_member(column: &str) -> String {
    format!("_{column}_value")
}

#[cfg(test)]
mod tests;
