//! Every unit in every situation: what is written, sent, reported and noted. Inbound and link mode treat values alike.

use jiff::civil::date;

use super::world::{World, changed, reported};
use crate::lead::Value;
use crate::mapping::Unit;
use crate::mapping::columns::{
    CITY, COMPANY, COUNTRY, DESCRIPTION, EMAIL, ESTIMATED_AMOUNT, ESTIMATED_CLOSE_DATE, FIRST_NAME,
    JOB_TITLE, LAST_NAME, LINE_1, LINE_2, POSTAL_CODE, STATE_OR_PROVINCE, SUBJECT, TELEPHONE,
};
use crate::referral::{Address, Member};
use crate::sync::options::Mode;
use crate::sync::plan::Plan;

/// What one side holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Is {
    /// What both agreed on, or the fixture's.
    Old,
    Empty,
    /// The values `n`: different for different numbers.
    New(u8),
}

use Is::{Empty, New, Old};

/// Whether both sides were agreed on the old values, what the lead and what the referral holds now.
const SITUATIONS: [(&str, bool, Is, Is); 11] = [
    ("nothing agreed, both differ", false, New(1), New(2)),
    ("nothing agreed, lead empty", false, Empty, New(2)),
    ("nothing agreed, referral empty", false, New(1), Empty),
    ("lead changed", true, New(1), Old),
    ("referral changed", true, Old, New(2)),
    ("both alike", true, New(3), New(3)),
    ("both differ", true, New(1), New(2)),
    ("lead emptied", true, Empty, Old),
    ("referral emptied", true, Old, Empty),
    ("lead emptied, referral changed", true, Empty, New(2)),
    ("lead changed, referral emptied", true, New(1), Empty),
];

#[derive(Clone, Copy)]
enum Part {
    Whole(Unit),
    /// Another telephone number of the same person.
    Telephone,
}

impl Part {
    fn set_lead(self, world: &mut World, is: Is) {
        if is == Old {
            return;
        }
        for (column, value) in self.lead_values(is) {
            let columns = &mut world.lead().columns;
            match value {
                Some(value) => columns.insert(column, value),
                None => columns.remove(&column),
            };
        }
        world.lead_edited();
    }

    fn lead_values(self, is: Is) -> Vec<(crate::lead::Column, Option<Value>)> {
        let text = |what: &str| match is {
            New(number) => Some(Value::Text(format!("{what}{number}"))),
            Old | Empty => None,
        };
        let number = match is {
            New(number) => Some(number),
            Old | Empty => None,
        };
        match self {
            Self::Telephone => vec![(TELEPHONE, text("+1 "))],
            Self::Whole(Unit::Topic) => vec![(SUBJECT, text("topic "))],
            Self::Whole(Unit::Company) => vec![(COMPANY, text("company "))],
            Self::Whole(Unit::Description) => vec![(DESCRIPTION, text("notes "))],
            Self::Whole(Unit::Contact) => vec![
                (FIRST_NAME, text("first ")),
                (LAST_NAME, text("last ")),
                (EMAIL, text("a@b")),
                (TELEPHONE, text("+1 ")),
                (JOB_TITLE, text("title ")),
            ],
            Self::Whole(Unit::Address) => vec![
                (LINE_1, text("line ")),
                (CITY, text("city ")),
                (LINE_2, None),
                (STATE_OR_PROVINCE, None),
                (POSTAL_CODE, None),
                (COUNTRY, None),
            ],
            Self::Whole(Unit::Deal) => {
                vec![(ESTIMATED_AMOUNT, number.map(|it| Value::Amount(it.into())))]
            }
            Self::Whole(Unit::Closing) => vec![(
                ESTIMATED_CLOSE_DATE,
                number.map(|it| Value::Date(date(2030, 1, i8::try_from(it).unwrap()))),
            )],
            Self::Whole(_) => panic!("has tests of its own"),
        }
    }

    fn set_referral(self, world: &mut World, is: Is) {
        if is == Old {
            return;
        }
        let text = |what: &str| match is {
            New(number) => Some(format!("{what}{number}")),
            Old | Empty => None,
        };
        let referral = &mut world.referral;
        let details = &mut referral.details;
        match self {
            Self::Telephone => referral.customer.team[0].phone = text("+1 "),
            Self::Whole(Unit::Topic) => referral.name = text("topic "),
            Self::Whole(Unit::Company) => referral.customer.name = text("company "),
            Self::Whole(Unit::Description) => {
                details.notes = text("notes ");
                details.requirements.clear();
                referral.customer.size = None;
            }
            Self::Whole(Unit::Contact) => {
                referral.customer.team = vec![Member {
                    first_name: text("first "),
                    last_name: text("last "),
                    phone: text("+1 "),
                    email: text("a@b"),
                    title: text("title "),
                }];
            }
            Self::Whole(Unit::Address) => {
                referral.customer.address = Address {
                    line1: text("line "),
                    city: text("city "),
                    ..Address::default()
                };
            }
            Self::Whole(Unit::Deal) => details.deal_value = text("").map(|it| it.parse().unwrap()),
            Self::Whole(Unit::Closing) => {
                details.closing =
                    text("2030-01-0").map(|it| format!("{it}T10:00:00Z").parse().unwrap());
            }
            Self::Whole(_) => panic!("has tests of its own"),
        }
        world.referral_edited();
    }

    /// What the first plan of each situation does.
    fn table(self, mode: Mode) -> Vec<String> {
        let line = |(name, agreed, lead, referral): (&str, bool, Is, Is)| {
            let mut world = if agreed {
                World::in_step(mode)
            } else {
                World::unknown(mode)
            };
            self.set_lead(&mut world, lead);
            self.set_referral(&mut world, referral);
            let plan = world.plan();
            world.run();
            format!("{name}: {}", summary(&plan))
        };
        SITUATIONS.map(line).into()
    }

    fn is(self, modes: &[Mode], expected: [&str; 11]) {
        for mode in modes {
            let table = self.table(*mode);
            assert_eq!(table, expected.map(str::to_owned), "{mode}");
        }
    }
}

fn summary(plan: &Plan) -> String {
    let paths = plan.patches.iter().flat_map(|it| &it.operations);
    let sent: Vec<&str> = paths.map(|it| it.path).collect();
    let notes = plan.notes.iter().map(|note| note.subject.as_str());
    let subjects: Vec<&str> = notes
        .filter_map(|it| it.strip_prefix("Partner Center: "))
        .filter(|it| !it.starts_with("invitation") && !it.starts_with("description"))
        .collect();
    let parts = [
        ("writes", changed(plan).join(" ")),
        ("sends", sent.join(" ")),
        ("reports", reported(plan).join(" ")),
        ("notes", subjects.join(", ")),
    ];
    let parts = parts.iter().filter(|(_, what)| !what.is_empty());
    let parts: Vec<String> = parts.map(|(how, what)| format!("{how} {what}")).collect();
    if parts.is_empty() {
        "nothing".to_owned()
    } else {
        parts.join("; ")
    }
}

const ONE_WAY: [Mode; 2] = [Mode::Inbound, Mode::Link];
const EVERY: [Mode; 3] = [Mode::Inbound, Mode::Link, Mode::TwoWay];

#[test]
fn the_topic_is_merged_as_documented() {
    Part::Whole(Unit::Topic).is(&EVERY, [
            "nothing agreed, both differ: reports differs:topic; notes another topic",
            "nothing agreed, lead empty: writes subject",
            "nothing agreed, referral empty: nothing",
            "lead changed: reports differs:topic",
            "referral changed: writes subject",
            "both alike: nothing",
            "both differ: writes subject; reports differs:topic; notes values of this lead were replaced",
            "lead emptied: reports emptied:topic",
            "referral emptied: nothing",
            "lead emptied, referral changed: writes subject; reports differs:topic",
            "lead changed, referral emptied: nothing",
        ]);
}

#[test]
fn the_company_is_merged_as_documented() {
    Part::Whole(Unit::Company).is(&EVERY, [
            "nothing agreed, both differ: reports differs:company; notes another company",
            "nothing agreed, lead empty: writes companyname",
            "nothing agreed, referral empty: nothing",
            "lead changed: reports differs:company",
            "referral changed: writes companyname",
            "both alike: nothing",
            "both differ: writes companyname; reports differs:company; notes values of this lead were replaced",
            "lead emptied: reports emptied:company",
            "referral emptied: writes companyname",
            "lead emptied, referral changed: writes companyname; reports differs:company",
            "lead changed, referral emptied: reports differs:company",
        ]);
}

#[test]
fn another_person_is_merged_as_documented() {
    Part::Whole(Unit::Contact).is(&EVERY, [
            "nothing agreed, both differ: reports differs:contact; notes another contact",
            "nothing agreed, lead empty: writes emailaddress1 firstname jobtitle lastname telephone1",
            "nothing agreed, referral empty: nothing",
            "lead changed: reports differs:contact",
            "referral changed: writes emailaddress1 firstname jobtitle lastname telephone1",
            "both alike: nothing",
            "both differ: reports differs:contact; notes another contact",
            "lead emptied: reports emptied:contact",
            "referral emptied: writes emailaddress1 firstname jobtitle lastname telephone1",
            "lead emptied, referral changed: reports emptied:contact",
            "lead changed, referral emptied: reports differs:contact",
        ]);
}

#[test]
fn a_column_of_the_same_person_is_merged_as_documented() {
    Part::Telephone.is(
        &EVERY,
        [
            "nothing agreed, both differ: reports differs:contact; notes another contact",
            "nothing agreed, lead empty: writes telephone1",
            "nothing agreed, referral empty: nothing",
            "lead changed: reports differs:contact",
            "referral changed: writes telephone1",
            "both alike: nothing",
            "both differ: reports differs:contact; notes another contact",
            "lead emptied: reports emptied:contact",
            "referral emptied: writes telephone1",
            "lead emptied, referral changed: reports emptied:contact",
            "lead changed, referral emptied: reports differs:contact",
        ],
    );
}

#[test]
fn the_address_is_merged_as_documented() {
    Part::Whole(Unit::Address).is(&EVERY, [
            "nothing agreed, both differ: reports differs:address; notes another address",
            "nothing agreed, lead empty: writes address1_city address1_line1",
            "nothing agreed, referral empty: nothing",
            "lead changed: reports differs:address",
            "referral changed: writes address1_city address1_country address1_line1 address1_line2 address1_postalcode address1_stateorprovince",
            "both alike: nothing",
            "both differ: writes address1_city address1_line1; reports differs:address; notes values of this lead were replaced",
            "lead emptied: reports emptied:address",
            "referral emptied: writes address1_city address1_country address1_line1 address1_line2 address1_postalcode address1_stateorprovince",
            "lead emptied, referral changed: writes address1_city address1_line1; reports differs:address",
            "lead changed, referral emptied: reports differs:address",
        ]);
}

#[test]
fn the_description_is_merged_as_documented() {
    Part::Whole(Unit::Description).is(
        &EVERY,
        [
            "nothing agreed, both differ: reports differs:description",
            "nothing agreed, lead empty: writes description",
            "nothing agreed, referral empty: nothing",
            "lead changed: reports differs:description",
            "referral changed: writes description",
            "both alike: nothing",
            "both differ: reports differs:description",
            "lead emptied: reports emptied:description",
            "referral emptied: writes description",
            "lead emptied, referral changed: reports emptied:description",
            "lead changed, referral emptied: reports differs:description",
        ],
    );
}

#[test]
fn the_deal_in_one_direction_is_merged_as_documented() {
    Part::Whole(Unit::Deal).is(
        &ONE_WAY,
        [
            "nothing agreed, both differ: reports differs:deal; notes another deal",
            "nothing agreed, lead empty: writes estimatedamount",
            "nothing agreed, referral empty: nothing",
            "lead changed: reports differs:deal",
            "referral changed: writes estimatedamount",
            "both alike: nothing",
            "both differ: reports differs:deal; notes another deal",
            "lead emptied: reports emptied:deal",
            "referral emptied: writes estimatedamount",
            "lead emptied, referral changed: reports emptied:deal",
            "lead changed, referral emptied: reports differs:deal",
        ],
    );
}

#[test]
fn the_deal_in_two_is_merged_as_documented() {
    Part::Whole(Unit::Deal).is(
        &[Mode::TwoWay],
        [
            "nothing agreed, both differ: reports differs:deal; notes another deal",
            "nothing agreed, lead empty: writes estimatedamount",
            "nothing agreed, referral empty: sends /details/dealValue",
            "lead changed: sends /details/dealValue",
            "referral changed: writes estimatedamount",
            "both alike: nothing",
            "both differ: sends /details/dealValue; reports differs:deal; notes another deal",
            "lead emptied: reports emptied:deal",
            "referral emptied: writes estimatedamount",
            "lead emptied, referral changed: reports emptied:deal",
            "lead changed, referral emptied: sends /details/dealValue; reports differs:deal",
        ],
    );
}

#[test]
fn the_closing_date_in_one_direction_is_merged_as_documented() {
    Part::Whole(Unit::Closing).is(
        &ONE_WAY,
        [
            "nothing agreed, both differ: reports differs:closing; notes another closing",
            "nothing agreed, lead empty: writes estimatedclosedate",
            "nothing agreed, referral empty: nothing",
            "lead changed: reports differs:closing",
            "referral changed: writes estimatedclosedate",
            "both alike: nothing",
            "both differ: reports differs:closing; notes another closing",
            "lead emptied: reports emptied:closing",
            "referral emptied: writes estimatedclosedate",
            "lead emptied, referral changed: reports emptied:closing",
            "lead changed, referral emptied: reports differs:closing",
        ],
    );
}

#[test]
fn the_closing_date_in_two_is_merged_as_documented() {
    Part::Whole(Unit::Closing).is(&[Mode::TwoWay], [
            "nothing agreed, both differ: reports differs:closing; notes another closing",
            "nothing agreed, lead empty: writes estimatedclosedate",
            "nothing agreed, referral empty: sends /details/closingDateTime",
            "lead changed: sends /details/closingDateTime",
            "referral changed: writes estimatedclosedate",
            "both alike: nothing",
            "both differ: sends /details/closingDateTime; reports differs:closing; notes another closing",
            "lead emptied: reports emptied:closing",
            "referral emptied: writes estimatedclosedate",
            "lead emptied, referral changed: reports emptied:closing",
            "lead changed, referral emptied: sends /details/closingDateTime; reports differs:closing",
        ]);
}
