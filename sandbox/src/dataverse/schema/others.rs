//! The tables around `lead`, as far as a lead's life touches them.

use super::super::cell::Cell;
use super::{Column, Kind, Navigation, Table, amounts, audited, lookup, owned, state};

/// Every table but `lead`.
pub(super) fn tables() -> Vec<Table> {
    vec![
        annotation(),
        account(),
        contact(),
        opportunity(),
        plain(
            "campaign",
            "campaigns",
            "Campaign",
            "campaignid",
            "name",
            4400,
        ),
        business_unit(),
        plain("team", "teams", "Team", "teamid", "name", 9),
        publisher(),
        solution(),
        role(),
        plain(
            "privilege",
            "privileges",
            "Privilege",
            "privilegeid",
            "name",
            1023,
        ),
        systemuser(),
        transactioncurrency(),
        organization(),
    ]
}

fn text(name: &'static str, length: usize) -> Column {
    Column::new(name, Kind::Text(length))
}

fn plain(
    logical: &'static str,
    set: &'static str,
    schema_name: &'static str,
    id: &'static str,
    name: &'static str,
    object_type: i32,
) -> Table {
    let mut columns = vec![Column::create_only(id, Kind::Id), text(name, 160)];
    columns.extend(audited());
    Table {
        logical,
        set,
        schema_name,
        id,
        name,
        object_type,
        columns,
        keys: Vec::new(),
    }
}

fn with(mut table: Table, columns: impl IntoIterator<Item = Vec<Column>>) -> Table {
    table.columns.extend(columns.into_iter().flatten());
    table
}

fn annotation() -> Table {
    let table = plain(
        "annotation",
        "annotations",
        "Annotation",
        "annotationid",
        "subject",
        5,
    );
    let regarding = [
        ("objectid_lead", &["lead"] as &[&str]),
        ("objectid_account", &["account"]),
        ("objectid_contact", &["contact"]),
        ("objectid_opportunity", &["opportunity"]),
    ];
    let navigations = regarding.map(|(name, targets)| Navigation { name, targets });
    let columns = vec![
        Column::new("notetext", Kind::Memo(100_000)),
        Column::new("objectid", Kind::Lookup(navigations.into())),
        text("objecttypecode", 64),
        Column::new("isdocument", Kind::Flag).default(Cell::Flag(false)),
        text("filename", 255),
        text("mimetype", 256),
        text("langid", 2),
    ];
    let mut table = with(table, [columns, owned()]);
    if let Some(subject) = table.columns.iter_mut().find(|it| it.name == "subject") {
        subject.kind = Kind::Text(500);
    }
    table
}

fn active_or_not() -> Vec<Column> {
    state(
        &[(0, "Active"), (1, "Inactive")],
        &[(1, "Active", 0, true), (2, "Inactive", 1, true)],
    )
}

fn account() -> Table {
    let table = plain("account", "accounts", "Account", "accountid", "name", 1);
    let columns = vec![
        text("telephone1", 50),
        text("websiteurl", 200),
        text("emailaddress1", 100),
        text("address1_line1", 250),
        text("address1_city", 80),
        text("address1_stateorprovince", 50),
        text("address1_postalcode", 20),
        text("address1_country", 80),
        Column::new("description", Kind::Memo(2000)),
        Column::new("originatingleadid", lookup("originatingleadid", &["lead"])),
    ];
    with(table, [columns, active_or_not(), owned()])
}

fn contact() -> Table {
    let table = plain("contact", "contacts", "Contact", "contactid", "fullname", 2);
    let customers = [
        ("parentcustomerid_account", &["account"] as &[&str]),
        ("parentcustomerid_contact", &["contact"]),
    ];
    let navigations = customers.map(|(name, targets)| Navigation { name, targets });
    let columns = vec![
        text("firstname", 50),
        text("lastname", 50),
        text("jobtitle", 100),
        text("emailaddress1", 100),
        text("telephone1", 50),
        text("mobilephone", 50),
        Column::new("parentcustomerid", Kind::Lookup(navigations.into())),
        Column::new("originatingleadid", lookup("originatingleadid", &["lead"])),
    ];
    let mut table = with(table, [columns, active_or_not(), owned()]);
    if let Some(name) = table.columns.iter_mut().find(|it| it.name == "fullname") {
        *name = Column::read_only("fullname", Kind::Text(160));
    }
    table
}

fn opportunity() -> Table {
    let table = plain(
        "opportunity",
        "opportunities",
        "Opportunity",
        "opportunityid",
        "name",
        3,
    );
    let columns = vec![
        Column::new("description", Kind::Memo(2000)),
        Column::new("qualificationcomments", Kind::Memo(2000)),
        Column::new("estimatedclosedate", Kind::Day),
        Column::new("parentaccountid", lookup("parentaccountid", &["account"])),
        Column::new("parentcontactid", lookup("parentcontactid", &["contact"])),
        Column::new("originatingleadid", lookup("originatingleadid", &["lead"])),
        Column::new("campaignid", lookup("campaignid", &["campaign"])),
    ];
    let reasons = [
        (1, "In Progress", 0, true),
        (2, "On Hold", 0, false),
        (3, "Won", 1, true),
        (4, "Canceled", 2, true),
        (5, "Out-Sold", 2, false),
    ];
    let states = [(0, "Open"), (1, "Won"), (2, "Lost")];
    let money = amounts(&[("estimatedvalue", "estimatedvalue_base", 922_337_203_685_477)]);
    with(table, [columns, money, state(&states, &reasons), owned()])
}

fn business_unit() -> Table {
    let table = plain(
        "businessunit",
        "businessunits",
        "BusinessUnit",
        "businessunitid",
        "name",
        10,
    );
    let parent = Column::new(
        "parentbusinessunitid",
        lookup("parentbusinessunitid", &["businessunit"]),
    );
    with(table, [vec![parent]])
}

fn publisher() -> Table {
    let table = plain(
        "publisher",
        "publishers",
        "Publisher",
        "publisherid",
        "friendlyname",
        7101,
    );
    let columns = vec![
        text("uniquename", 256),
        text("description", 2000),
        text("customizationprefix", 8),
        Column::new(
            "customizationoptionvalueprefix",
            Kind::Integer(10_000, 99_999),
        ),
    ];
    with(table, [columns])
}

fn solution() -> Table {
    let table = plain(
        "solution",
        "solutions",
        "Solution",
        "solutionid",
        "friendlyname",
        7100,
    );
    let columns = vec![
        text("uniquename", 65),
        text("description", 2000),
        text("version", 256),
        Column::new("publisherid", lookup("publisherid", &["publisher"])),
    ];
    with(table, [columns])
}

fn role() -> Table {
    let unit = Column::new(
        "businessunitid",
        lookup("businessunitid", &["businessunit"]),
    );
    with(
        plain("role", "roles", "Role", "roleid", "name", 1036),
        [vec![unit]],
    )
}

fn systemuser() -> Table {
    let table = plain(
        "systemuser",
        "systemusers",
        "SystemUser",
        "systemuserid",
        "fullname",
        8,
    );
    let columns = vec![
        text("domainname", 1024),
        text("internalemailaddress", 100),
        Column::new("applicationid", Kind::Id),
        Column::new("azureactivedirectoryobjectid", Kind::Id),
        Column::new("isdisabled", Kind::Flag).default(Cell::Flag(false)),
        Column::new(
            "businessunitid",
            lookup("businessunitid", &["businessunit"]),
        ),
    ];
    with(table, [columns])
}

fn transactioncurrency() -> Table {
    let table = plain(
        "transactioncurrency",
        "transactioncurrencies",
        "TransactionCurrency",
        "transactioncurrencyid",
        "currencyname",
        9105,
    );
    let columns = vec![
        text("isocurrencycode", 5),
        text("currencysymbol", 13),
        Column::new("currencyprecision", Kind::Integer(0, 4)),
        Column::new("exchangerate", Kind::Decimal(10)),
    ];
    with(table, [columns, active_or_not()])
}

fn organization() -> Table {
    let table = plain(
        "organization",
        "organizations",
        "Organization",
        "organizationid",
        "name",
        1019,
    );
    let columns = vec![
        Column::new("languagecode", Kind::Integer(0, 65_535)),
        Column::new("localeid", Kind::Integer(0, 65_535)),
        Column::new("pricingdecimalprecision", Kind::Integer(0, 4)),
        Column::new("currencydecimalprecision", Kind::Integer(0, 4)),
        Column::new("fullnameconventioncode", Kind::Integer(0, 8)),
        Column::new(
            "basecurrencyid",
            lookup("basecurrencyid", &["transactioncurrency"]),
        ),
    ];
    with(table, [columns])
}
