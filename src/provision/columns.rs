//! The columns that can be added to the lead table, and what they are called in which language.

use super::Prefix;
use crate::lead::{Column, Decision, Own};

/// What the numbers of new choices begin with; each publisher has such a number.
pub const OPTION_PREFIX: i32 = 41_870;

/// The number of the option of a new choice at `index`.
pub const fn option(index: i32) -> i32 {
    OPTION_PREFIX * 10_000 + index
}

/// The number by which the column for it says `decision`.
pub const fn number(decision: Decision) -> i32 {
    // In the order of the options; the first one is to wait.
    match decision {
        Decision::Accept => option(1),
        Decision::Decline => option(2),
    }
}

/// What the column for it says by `number`; `None` is nothing.
pub fn decision(number: i32) -> Option<Decision> {
    let decisions = [Decision::Accept, Decision::Decline];
    decisions.into_iter().find(|it| self::number(*it) == number)
}

/// The names of all columns, each with what it is for.
pub fn names(prefix: &Prefix) -> impl Iterator<Item = (Own, Column)> {
    let named = |column: &NewColumn| (column.own, column.logical_name(prefix).into());
    COLUMNS.iter().map(named)
}

/// A column to add.
#[derive(Debug, PartialEq, Eq)]
pub struct NewColumn {
    /// What a sync uses it for.
    pub own: Own,
    /// Its name behind the prefix, in the case it is shown to developers.
    name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// What people see.
    pub label: Words,
    /// What it is for.
    pub description: Words,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One line of so many characters at most.
    Text(usize),
    /// One line of so many characters at most, shown as a link.
    Link(usize),
    /// Several lines of so many characters at most, together.
    Memo(usize),
    /// A date without a time.
    Day,
    /// A date with a time.
    Moment,
    /// One of these, numbered from [`OPTION_PREFIX`] `× 10000`.
    Choice(&'static [Words]),
}

/// A text in the languages we speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    english: &'static str,
    german: &'static str,
}

const fn words(english: &'static str, german: &'static str) -> Words {
    Words { english, german }
}

impl Words {
    /// The text in the language with this locale id: German for every kind of German, else English.
    pub fn in_language(self, locale: i32) -> &'static str {
        // The lower ten bits of a locale id are the language, the others the country.
        if locale & 0x3ff == 7 {
            self.german
        } else {
            self.english
        }
    }
}

impl NewColumn {
    /// Its name with the case it is shown in, such as `pcref_ReferralId`.
    pub fn schema_name(&self, prefix: &Prefix) -> String {
        format!("{}_{}", prefix.as_str(), self.name)
    }

    /// Its name in requests, such as `pcref_referralid`.
    pub fn logical_name(&self, prefix: &Prefix) -> String {
        self.schema_name(prefix).to_lowercase()
    }
}

impl Shape {
    /// The type of column, as definitions name it (`AttributeType`).
    pub const fn type_name(self) -> &'static str {
        match self {
            Self::Text(_) | Self::Link(_) => "String",
            Self::Memo(_) => "Memo",
            Self::Day | Self::Moment => "DateTime",
            Self::Choice(_) => "Picklist",
        }
    }
}

/// All of them.
pub const COLUMNS: &[NewColumn] = &[
    NewColumn {
        own: Own::ReferralId,
        name: "ReferralId",
        shape: Shape::Text(50),
        label: words("Referral ID", "Empfehlungs-ID"),
        description: words(
            "The id of the referral in Partner Center.",
            "Die ID der Empfehlung in Partner Center.",
        ),
    },
    NewColumn {
        own: Own::Link,
        name: "ReferralLink",
        shape: Shape::Link(300),
        label: words("Referral in Partner Center", "Empfehlung in Partner Center"),
        description: words(
            "Opens the referrals in Partner Center.",
            "Öffnet die Empfehlungen in Partner Center.",
        ),
    },
    NewColumn {
        own: Own::Kind,
        name: "ReferralKind",
        shape: Shape::Text(100),
        label: words("Referral kind", "Art der Empfehlung"),
        description: words(
            "What kind of referral it is, such as a co-sell opportunity.",
            "Um welche Art von Empfehlung es sich handelt, etwa eine Co-Sell-Verkaufschance.",
        ),
    },
    NewColumn {
        own: Own::Status,
        name: "ReferralStatus",
        shape: Shape::Text(100),
        label: words("Referral status", "Status der Empfehlung"),
        description: words(
            "The status of the referral in Partner Center.",
            "Der Status der Empfehlung in Partner Center.",
        ),
    },
    NewColumn {
        own: Own::AnswerBy,
        name: "AnswerBy",
        shape: Shape::Day,
        label: words("Answer referral by", "Empfehlung beantworten bis"),
        description: words(
            "The day by which the referral is to be accepted or declined.",
            "Der Tag, bis zu dem die Empfehlung anzunehmen oder abzulehnen ist.",
        ),
    },
    NewColumn {
        own: Own::Decision,
        name: "Decision",
        shape: Shape::Choice(&[
            words("Wait", "Abwarten"),
            words("Accept", "Annehmen"),
            words("Decline", "Ablehnen"),
        ]),
        label: words("Referral decision", "Entscheidung zur Empfehlung"),
        description: words(
            "What the seller decides about a new referral. Decline is sent after a day, and can be taken back until then.",
            "Was der Verkäufer über eine neue Empfehlung entscheidet. Eine Ablehnung wird nach einem Tag gesendet und kann bis dahin zurückgenommen werden.",
        ),
    },
    NewColumn {
        own: Own::LastSynced,
        name: "LastSynced",
        shape: Shape::Moment,
        label: words("Referral last synced", "Empfehlung zuletzt abgeglichen"),
        description: words(
            "When the lead was last changed to be in step with the referral.",
            "Wann der Lead zuletzt an die Empfehlung angeglichen wurde.",
        ),
    },
    NewColumn {
        own: Own::Message,
        name: "SellerMessage",
        shape: Shape::Memo(2000),
        label: words("Message about the referral", "Hinweis zur Empfehlung"),
        description: words(
            "What the seller should know or do about the referral.",
            "Was der Verkäufer zur Empfehlung wissen oder tun sollte.",
        ),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lead::ColumnKind;

    #[test]
    fn every_kind_of_german_is_german_and_the_rest_is_english() {
        let label = words("Decline", "Ablehnen");
        for german in [1031, 2055, 3079] {
            assert_eq!(label.in_language(german), "Ablehnen", "{german}");
        }
        for other in [1033, 2057, 1036, 1041] {
            assert_eq!(label.in_language(other), "Decline", "{other}");
        }
    }

    #[test]
    fn names_are_unique_and_short_enough_for_dataverse() {
        let prefix: Prefix = "eightlet".parse().unwrap();
        let mut names: Vec<_> = COLUMNS.iter().map(|it| it.logical_name(&prefix)).collect();
        assert!(names.iter().all(|name| name.len() <= 41), "{names:?}");
        names.sort();
        names.dedup();
        assert_eq!(names.len(), COLUMNS.len());
    }

    #[test]
    fn a_decision_is_known_by_the_number_of_its_label() {
        let choice = COLUMNS.iter().find(|it| it.own == Own::Decision).unwrap();
        let Shape::Choice(options) = choice.shape else {
            panic!("{choice:?}");
        };
        for (index, words) in (0..).zip(options) {
            let word = words.in_language(1033).to_lowercase();
            let decision = decision(option(index));
            assert_eq!(decision.map_or("wait", Decision::word), word);
        }
        assert_eq!(decision(1), None);
    }

    #[test]
    fn a_column_is_as_the_sync_uses_it() {
        for column in COLUMNS {
            let kind = match column.shape {
                Shape::Text(_) | Shape::Link(_) | Shape::Memo(_) => ColumnKind::Text,
                Shape::Day => ColumnKind::Date,
                Shape::Moment => ColumnKind::Moment,
                Shape::Choice(_) => ColumnKind::Choice,
            };
            assert_eq!(column.own.kind(), kind, "{column:?}");
        }
    }
}
