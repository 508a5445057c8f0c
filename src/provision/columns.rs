//! The columns that can be added to the lead table, and what they are called in which language.

use super::Prefix;

/// What the numbers of new choices begin with; each publisher has such a number.
pub const OPTION_PREFIX: i32 = 41_870;

/// A column to add.
#[derive(Debug, PartialEq, Eq)]
pub struct NewColumn {
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
        name: "ReferralId",
        shape: Shape::Text(50),
        label: words("Referral ID", "Empfehlungs-ID"),
        description: words(
            "The id of the referral in Partner Center.",
            "Die ID der Empfehlung in Partner Center.",
        ),
    },
    NewColumn {
        name: "ReferralLink",
        shape: Shape::Link(300),
        label: words("Referral in Partner Center", "Empfehlung in Partner Center"),
        description: words(
            "Opens the referral in Partner Center.",
            "Öffnet die Empfehlung in Partner Center.",
        ),
    },
    NewColumn {
        name: "ReferralKind",
        shape: Shape::Text(100),
        label: words("Referral kind", "Art der Empfehlung"),
        description: words(
            "What kind of referral it is, such as a co-sell opportunity.",
            "Um welche Art von Empfehlung es sich handelt, etwa eine Co-Sell-Verkaufschance.",
        ),
    },
    NewColumn {
        name: "ReferralStatus",
        shape: Shape::Text(100),
        label: words("Referral status", "Status der Empfehlung"),
        description: words(
            "The status of the referral in Partner Center.",
            "Der Status der Empfehlung in Partner Center.",
        ),
    },
    NewColumn {
        name: "AnswerBy",
        shape: Shape::Day,
        label: words("Answer referral by", "Empfehlung beantworten bis"),
        description: words(
            "The day by which the referral is to be accepted or declined.",
            "Der Tag, bis zu dem die Empfehlung anzunehmen oder abzulehnen ist.",
        ),
    },
    NewColumn {
        name: "Decision",
        shape: Shape::Choice(&[
            words("Wait", "Abwarten"),
            words("Accept", "Annehmen"),
            words("Decline", "Ablehnen"),
        ]),
        label: words("Referral decision", "Entscheidung zur Empfehlung"),
        description: words(
            "What the seller decided about the referral.",
            "Was der Verkäufer über die Empfehlung entschieden hat.",
        ),
    },
    NewColumn {
        name: "LastSynced",
        shape: Shape::Moment,
        label: words("Referral last synced", "Empfehlung zuletzt abgeglichen"),
        description: words(
            "When the lead and the referral were last brought into step.",
            "Wann Lead und Empfehlung zuletzt abgeglichen wurden.",
        ),
    },
    NewColumn {
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
}
