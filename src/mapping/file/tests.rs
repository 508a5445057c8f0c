mod any;
mod mistakes;

use super::read;
use crate::lead::{Column, Owner, Value};
use crate::mapping::columns::{CITY, COMPANY, DESCRIPTION, EMAIL, JOB_TITLE, LEAD_SOURCE};
use crate::mapping::fixtures::{dollar, options, referral, schema, some};
use crate::mapping::status::Meaning;
use crate::mapping::{DEFAULT, LossReason, Mapping, Projection, Rule, Unit, project};
use crate::referral::Referral;
use crate::sync::options::Mode;

/// What `referral` becomes by the rules in `text`, in an organisation with some columns of its own.
fn projected(text: &str, referral: &Referral) -> Projection {
    let mut options = options(Mode::Link);
    options.mapping = read(text).unwrap_or_else(|it| panic!("{it:?}")).into();
    let mut schema = schema();
    schema.lengths.insert(Column::named("new_text"), 40);
    schema
        .choices
        .insert(Column::named("new_choice"), vec![7, 8]);
    let labels = [("small".to_owned(), 7), ("large".to_owned(), 8)];
    schema
        .labels
        .insert(Column::named("new_choice"), labels.into());
    schema.wholes.insert(Column::named("new_number"), (0, 1000));
    schema.unusable.insert(Column::named("new_readonly"));
    project(referral, &schema, Some(&dollar()), &options)
}

fn value(text: &str, column: &str) -> Option<Value> {
    projected(text, &referral())
        .columns
        .remove(&Column::from(column.to_owned()))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it is compared with what may be nothing"
)]
fn text(value: &str) -> Option<Value> {
    Some(Value::Text(value.to_owned()))
}

#[test]
fn the_default_rules_laid_over_themselves_change_nothing() {
    let mut same = read(DEFAULT).unwrap();
    let shipped = Mapping::shipped();
    assert!(same.sources().is_empty(), "{:?}", same.sources());
    assert_eq!(same.raw(&referral()), shipped.raw(&referral()));
    for row in &mut same.rows {
        row.line = None;
    }
    assert_eq!(same, **shipped);
    assert_eq!(read("").unwrap(), **shipped);
}

#[test]
fn each_way_to_make_a_text_makes_it() {
    let of = |how: &str| {
        value(
            &format!("[[column]]\ncolumn = \"new_text\"\n{how}"),
            "new_text",
        )
    };
    assert_eq!(
        of("from = \"customerProfile.name\""),
        text("Fabrikam OIL & GAS")
    );
    assert_eq!(
        of("from = [\"statusReason\", \"qualification\"]"),
        text("SalesQualified")
    );
    assert_eq!(
        of("from = [\"qualification\", \"details.requirements\"]\njoin = \" / \""),
        text("SalesQualified / Dynamics 365 for Field")
    );
    assert_eq!(
        of("template = \"{kind}: {name}\""),
        text("qualified-lead: Supply chain renewal")
    );
    assert_eq!(of("value = \"Partner Center\""), text("Partner Center"));
    assert_eq!(
        of("from = \"qualification\"\nmap = { salesqualified = \"hot\" }"),
        text("hot")
    );
    assert_eq!(of("from = \"qualification\"\nmap = { x = \"y\" }"), None);
    assert_eq!(
        of("from = \"qualification\"\nmap = { x = \"y\" }\notherwise = \"z\""),
        text("z")
    );
    assert_eq!(
        of("from = \"team[].email\""),
        text("Jonas.Weber@woodgrove.example")
    );
    assert_eq!(of("from = \"statusReason\""), None);
    assert_eq!(
        of("from = \"details.requirements\"\nwhole = true\njoin = \", \"\nlines = true"),
        text("Dynamics 365 for Field Service")
    );
}

#[test]
fn choices_numbers_flags_and_dates_are_made_of_words() {
    let of = |kind: &str, how: &str| {
        let row = format!("[[column]]\ncolumn = \"new_{kind}\"\ntype = \"{kind}\"\n{how}");
        value(&row, &format!("new_{kind}"))
    };
    let size = "from = \"customerProfile.size\"\nmap = { 51to250employees = ";
    assert_eq!(
        of("choice", &format!("{size}\"Large\" }}")),
        Some(Value::Choice(8))
    );
    assert_eq!(of("choice", &format!("{size}7 }}")), Some(Value::Choice(7)));
    assert_eq!(
        of("number", &format!("{size}51 }}")),
        Some(Value::Whole(51))
    );
    assert_eq!(
        of("number", "from = \"details.dealValue\""),
        None,
        "no whole number"
    );
    assert_eq!(
        of("flag", &format!("{size}true }}")),
        Some(Value::Flag(true))
    );
    assert_eq!(
        of("date", "from = \"createdDateTime\""),
        Some(Value::Date(jiff::civil::date(2026, 11, 1)))
    );
}

#[test]
fn what_a_column_cannot_take_is_told() {
    let rules = "[[column]]\ncolumn = \"new_choice\"\ntype = \"choice\"\nfrom = \"qualification\"\n\
        [[column]]\ncolumn = \"new_number\"\ntype = \"number\"\nvalue = 1001\n\
        [[column]]\ncolumn = \"new_nowhere\"\nfrom = \"name\"\n\
        [[column]]\ncolumn = \"new_readonly\"\nfrom = \"name\"\n";
    let projection = projected(rules, &referral());
    let losses: Vec<_> = projection
        .losses
        .iter()
        .map(|it| (it.column.as_str(), it.reason))
        .collect();
    assert_eq!(
        losses,
        [
            ("new_choice", LossReason::NoChoice),
            ("new_number", LossReason::OutOfRange),
            ("new_nowhere", LossReason::NoColumn),
            ("new_readonly", LossReason::NotWritable),
        ]
    );
}

#[test]
fn a_row_of_the_default_rules_is_changed_in_what_is_said_and_keeps_the_rest() {
    let rules = "[[column]]\ncolumn = \"emailaddress1\"\nfrom = \"team[].email\"\n\
        [[column]]\ncolumn = \"companyname\"\nwinner = \"crm\"\n\
        [[column]]\ncolumn = \"jobtitle\"\ndirection = \"off\"\n\
        [[column]]\ncolumn = \"leadsourcecode\"\nmap = { qualified-lead = 9 }\n\
        [[column]]\ncolumn = \"estimatedclosedate\"\ndirection = \"in\"\n";
    let mapping = read(rules).unwrap();
    let row = |column: &Column| mapping.rows().iter().find(|row| row.column == *column);
    let email = row(&EMAIL).unwrap();
    assert!(email.recipe.whole, "an address that was cut is none");
    assert_eq!(
        (email.unit, email.rule, email.line),
        (Unit::Contact, Rule::Crm, Some(2))
    );
    assert_eq!(row(&COMPANY).unwrap().rule, Rule::Crm);
    assert_eq!(row(&JOB_TITLE), None);
    assert!(!mapping.goes_back(Unit::Closing));
    assert!(mapping.goes_back(Unit::Deal));
    let projection = projected(rules, &referral());
    assert_eq!(projection.columns[&LEAD_SOURCE], Value::Choice(9));
    assert!(!projection.raw.contains_key(&JOB_TITLE));
    assert_eq!(
        mapping.sources(),
        [(EMAIL, "team[].email".to_owned())].into()
    );
}

#[test]
fn what_fills_instead_never_overwrites_and_the_description_is_known_in_full() {
    let rules = "[[column]]\ncolumn = \"address1_city\"\nfrom = \"statusReason\"\ninstead = \"customerProfile.address.city\"\n\
        [[column]]\ncolumn = \"description\"\nfrom = \"details.notes\"\n";
    let projection = projected(rules, &referral());
    assert!(projection.stand_ins.contains(&CITY));
    assert_eq!(
        projection.columns.get(&DESCRIPTION).cloned(),
        text("Wants a supply chain system.")
    );
    assert_eq!(projection.description, some("Wants a supply chain system."));
}

#[test]
fn the_status_table_and_the_owners_are_read() {
    let rules = "[status]\nactive = 804240001\n\
        [[status.reason]]\nreason = 804240004\nmeans = \"lost\"\ntext = \"Duplicate\"\n\
        [[status.reason]]\nreason = 2\nmeans = \"nothing\"\n\
        [[owner]]\nowner = \"team:4111fffc-f9ee-4d53-bba6-569135228642\"\ncountries = [\"de\"]\n\
        [[owner]]\nowner = \"user:5111fffc-f9ee-4d53-bba6-569135228642\"\ncountries = \"US\"\nteam = \"jonas.weber@woodgrove.example\"\n";
    let mapping = read(rules).unwrap();
    assert_eq!(
        (mapping.status.active, mapping.status.lost),
        (804_240_001, 4)
    );
    assert_eq!(
        mapping.status.reasons.get(&804_240_004),
        Some(&Meaning::Lost("Duplicate"))
    );
    assert_eq!(mapping.status.reasons.get(&2), None);
    let user = "5111fffc-f9ee-4d53-bba6-569135228642".parse().unwrap();
    assert_eq!(mapping.owner(&referral()), Some(Owner::User(user)));
    let mut elsewhere = referral();
    elsewhere.customer.address.country = some("FR");
    assert_eq!(mapping.owner(&elsewhere), None);
}

const DOCUMENTED: &str = include_str!("../../../docs/mapping-file.md");

#[test]
fn every_part_of_a_referral_is_documented_and_nothing_else() {
    let (_, table) = DOCUMENTED.split_once("## Parts of a referral").unwrap();
    let rows = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let documented: Vec<&str> = rows.map(|(word, _)| word).collect();
    let parts: Vec<&str> = crate::mapping::Path::all()
        .map(crate::mapping::Path::word)
        .collect();
    assert_eq!(documented, parts);
}

#[test]
fn the_example_of_the_documentation_can_be_used() {
    let (_, rest) = DOCUMENTED.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let mapping = read(example).unwrap();
    assert_eq!(mapping.rows().len(), Mapping::shipped().rows().len());
    assert_eq!(mapping.owners().len(), 1);
}
