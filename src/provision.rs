//! What the connector can add to a Dynamics 365 environment: columns of leads, a security role, an application user.
//!
//! All of it is optional, and each of the three can be left out. What is there already stays as it is; what a run that was
//! cut short left behind is gone on with.

pub mod columns;
pub mod plan;
pub mod rights;
pub mod run;

/// How many letters and digits a customization prefix has (Dataverse developer guide, "Create a publisher").
const PREFIX_LENGTH: std::ops::RangeInclusive<usize> = 2..=8;

/// What the names of everything that is added begin with, such as `pcref`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(String);

/// Why a text is no prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a prefix is two to eight lower-case letters and digits, begins with a letter, and not with mscrm"
)]
pub struct NoPrefix;

impl std::str::FromStr for Prefix {
    type Err = NoPrefix;

    fn from_str(text: &str) -> Result<Self, NoPrefix> {
        let plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit();
        let begins = text.starts_with(|it: char| it.is_ascii_lowercase());
        let length = PREFIX_LENGTH.contains(&text.len());
        if length && begins && text.chars().all(plain) && !text.starts_with("mscrm") {
            Ok(Self(text.to_owned()))
        } else {
            Err(NoPrefix)
        }
    }
}

impl Prefix {
    /// The prefix itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The unique name of the publisher.
    pub fn publisher(&self) -> String {
        format!("referralconnector_{}", self.0)
    }

    /// The unique name of the solution.
    pub fn solution(&self) -> String {
        format!("ReferralConnector_{}", self.0)
    }
}

/// What is wanted in the environment.
#[derive(Clone, Debug)]
pub struct Wish {
    /// What names begin with.
    pub prefix: Prefix,
    /// Whether the columns are wanted.
    pub columns: bool,
    /// Whether the security role is wanted.
    pub role: bool,
    /// The application or managed identity that is to have a user with the role.
    pub application: Option<uuid::Uuid>,
}

#[cfg(test)]
mod tests {
    use super::Prefix;

    #[test]
    fn a_prefix_is_what_dataverse_takes_as_one() {
        for good in ["pcref", "a1", "contoso8"] {
            assert_eq!(good.parse::<Prefix>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "a",
            "1ab",
            "Pcref",
            "pc_ref",
            "ninechars",
            "mscrmx",
            "prä",
        ] {
            assert!(bad.parse::<Prefix>().is_err(), "{bad}");
        }
    }
}
