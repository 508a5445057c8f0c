//! The `lead` table.

use super::super::cell::Cell;
use super::{
    Column, Kind, LeadProfile, Navigation, Required, Table, amounts, audited, choices, lookup,
    owned,
};

/// String columns with their length as installed, in UTF-16 code units.
const TEXTS: &[(&str, usize)] = &[
    ("middlename", 50),
    ("salutation", 100),
    ("jobtitle", 100),
    ("companyname", 100),
    ("emailaddress1", 100),
    ("emailaddress2", 100),
    ("emailaddress3", 100),
    ("telephone1", 50),
    ("telephone2", 50),
    ("telephone3", 50),
    ("mobilephone", 20),
    ("pager", 20),
    ("fax", 50),
    ("websiteurl", 200),
    ("sic", 20),
    ("address1_name", 100),
    ("address1_line1", 250),
    ("address1_line2", 250),
    ("address1_line3", 250),
    ("address1_city", 80),
    ("address1_county", 50),
    ("address1_stateorprovince", 50),
    ("address1_postalcode", 20),
    ("address1_postofficebox", 20),
    ("address1_country", 80),
    ("address1_telephone1", 50),
    ("address1_telephone2", 50),
    ("address1_telephone3", 50),
    ("address1_fax", 50),
    ("address1_upszone", 4),
    ("yomicompanyname", 100),
    ("yomifirstname", 150),
    ("yomimiddlename", 150),
    ("yomilastname", 150),
];

/// Yes/no columns with the value a new lead gets.
const FLAGS: &[(&str, bool)] = &[
    ("confirminterest", false),
    ("decisionmaker", false),
    ("donotbulkemail", false),
    ("donotemail", false),
    ("donotfax", false),
    ("donotphone", false),
    ("donotpostalmail", false),
    ("donotsendmm", false),
    ("evaluatefit", false),
    ("followemail", true),
    ("participatesinworkflow", false),
];

const SOURCES: &[(i64, &str)] = &[
    (1, "Advertisement"),
    (2, "Employee Referral"),
    (3, "External Referral"),
    (4, "Partner"),
    (5, "Public Relations"),
    (6, "Seminar"),
    (7, "Trade Show"),
    (8, "Web"),
    (9, "Word of Mouth"),
    (10, "Other"),
];

const INDUSTRIES: &[(i64, &str)] = &[
    (1, "Accounting"),
    (2, "Agriculture and Non-petrol Natural Resource Extraction"),
    (3, "Broadcasting Printing and Publishing"),
    (4, "Brokers"),
    (5, "Building Supply Retail"),
    (6, "Business Services"),
    (7, "Consulting"),
    (8, "Consumer Services"),
    (9, "Design, Direction and Creative Management"),
    (10, "Distributors, Dispatchers and Processors"),
    (11, "Doctor's Offices and Clinics"),
    (12, "Durable Manufacturing"),
    (13, "Eating and Drinking Places"),
    (14, "Entertainment Retail"),
    (15, "Equipment Rental and Leasing"),
    (16, "Financial"),
    (17, "Food and Tobacco Processing"),
    (18, "Inbound Capital Intensive Processing"),
    (19, "Inbound Repair and Services"),
    (20, "Insurance"),
    (21, "Legal Services"),
    (22, "Non-Durable Merchandise Retail"),
    (23, "Outbound Consumer Service"),
    (24, "Petrochemical Extraction and Distribution"),
    (25, "Service Retail"),
    (26, "SIG Affiliations"),
    (27, "Social Services"),
    (28, "Special Outbound Trade Contractors"),
    (29, "Specialty Realty"),
    (30, "Transportation"),
    (31, "Utility Creation and Distribution"),
    (32, "Vehicle Retail"),
    (33, "Wholesale"),
];

/// What one organisation put in place of the installed list.
const OTHER_INDUSTRIES: &[(i64, &str)] = &[
    (34, "Farming, forestry, fishing"),
    (35, "Energy and water"),
    (36, "Minerals and chemicals"),
    (37, "Metal and precision engineering"),
    (38, "Other manufacturing"),
    (39, "Construction"),
    (40, "Retail, food and lodging"),
    (41, "Transport and communications"),
    (42, "Credit, insurance, business services"),
    (43, "Other services"),
];

const STATUS_REASONS: &[(i64, &str, i64, bool)] = &[
    (1, "New", 0, true),
    (2, "Contacted", 0, false),
    (3, "Qualified", 1, true),
    (4, "Lost", 2, true),
    (5, "Cannot Contact", 2, false),
    (6, "No Longer Interested", 2, false),
    (7, "Canceled", 2, false),
];

const CUSTOMISED_STATUS_REASONS: &[(i64, &str, i64, bool)] = &[
    (1, "New", 0, true),
    (2, "Contacted", 0, false),
    (823_270_000, "Marketing Qualified", 0, false),
    (3, "Qualified", 1, true),
    (4, "Lost", 2, false),
    (5, "Cannot Contact", 2, false),
    (6, "No Longer Interested", 2, false),
    (7, "Canceled", 2, true),
    (804_240_004, "Duplicate", 2, false),
];

/// The table with the limits and choices of `profile`.
pub(super) fn table(profile: LeadProfile) -> Table {
    let columns = [
        identity(),
        texts(profile),
        flags(),
        choice_columns(profile),
        numbers_and_dates(),
        lookups(),
        amounts(&[
            ("budgetamount", "budgetamount_base", 1_000_000_000_000),
            ("estimatedamount", "estimatedamount_base", 1_000_000_000_000),
            ("revenue", "revenue_base", 100_000_000_000_000),
        ]),
        state(profile),
        owned(),
        audited(),
    ];
    Table {
        logical: "lead",
        set: "leads",
        schema_name: "Lead",
        id: "leadid",
        name: "fullname",
        object_type: 4,
        columns: columns.into_iter().flatten().collect(),
        keys: Vec::new(),
    }
}

fn identity() -> Vec<Column> {
    vec![
        Column::create_only("leadid", Kind::Id).required(Required::BySystem),
        Column::new("address1_addressid", Kind::Id),
        Column::new("processid", Kind::Id),
        Column::new("stageid", Kind::Id),
        Column::read_only("merged", Kind::Flag).default(Cell::Flag(false)),
        Column::read_only("masterid", lookup("masterid", &["lead"])),
    ]
}

fn texts(profile: LeadProfile) -> Vec<Column> {
    let (subject, first_name, full_name, description, required) = match profile {
        LeadProfile::OutOfBox => (300, 50, 160, 2000, Required::No),
        LeadProfile::Customised => (50, 450, 650, 4151, Required::ByForms),
    };
    let last_name = match profile {
        LeadProfile::OutOfBox => Required::ByForms,
        LeadProfile::Customised => Required::No,
    };
    let plain = TEXTS
        .iter()
        .map(|&(name, length)| Column::new(name, Kind::Text(length)));
    let special = [
        Column::new("subject", Kind::Text(subject)).required(Required::ByForms),
        Column::new("firstname", Kind::Text(first_name)).required(Required::Recommended),
        Column::new("lastname", Kind::Text(50)).required(last_name),
        Column::read_only("fullname", Kind::Text(full_name)),
        Column::read_only("yomifullname", Kind::Text(450)),
        Column::new("description", Kind::Memo(description)).required(required),
        Column::new("qualificationcomments", Kind::Memo(2000)),
        Column::read_only("address1_composite", Kind::Memo(1000)),
    ];
    plain.chain(special).collect()
}

fn flags() -> Vec<Column> {
    FLAGS
        .iter()
        .map(|&(name, default)| Column::new(name, Kind::Flag).default(Cell::Flag(default)))
        .collect()
}

fn choice_columns(profile: LeadProfile) -> Vec<Column> {
    let industries = match profile {
        LeadProfile::OutOfBox => INDUSTRIES,
        LeadProfile::Customised => OTHER_INDUSTRIES,
    };
    let mut sources = SOURCES.to_vec();
    if profile == LeadProfile::Customised {
        sources.extend([
            (192_350_000, "LinkedIn Form"),
            (192_350_100, "Landing Page"),
        ]);
    }
    let defaulted = |name, options: &[(i64, &'static str)], default| {
        Column::new(name, choices(options)).default(Cell::Whole(default))
    };
    let single = &[(1, "Default Value")];
    vec![
        Column::new("industrycode", choices(industries)),
        Column::new("leadsourcecode", choices(&sources)),
        defaulted(
            "leadqualitycode",
            &[(1, "Hot"), (2, "Warm"), (3, "Cold")],
            2,
        ),
        defaulted(
            "prioritycode",
            &[(1, "Major"), (2, "High"), (3, "Medium"), (4, "Low")],
            1,
        ),
        Column::new(
            "budgetstatus",
            choices(&[
                (0, "No Committed Budget"),
                (1, "May Buy"),
                (2, "Can Buy"),
                (3, "Will Buy"),
            ]),
        ),
        Column::new(
            "need",
            choices(&[
                (0, "Must have"),
                (1, "Should have"),
                (2, "Good to have"),
                (3, "No need"),
            ]),
        ),
        Column::new(
            "purchasetimeframe",
            choices(&[
                (0, "Immediate"),
                (1, "This Quarter"),
                (2, "Next Quarter"),
                (3, "This Year"),
                (4, "Unknown"),
            ]),
        ),
        Column::new(
            "purchaseprocess",
            choices(&[(0, "Individual"), (1, "Committee"), (2, "Unknown")]),
        ),
        Column::new(
            "initialcommunication",
            choices(&[(0, "Contacted"), (1, "Not Contacted")]),
        ),
        defaulted(
            "preferredcontactmethodcode",
            &[
                (1, "Any"),
                (2, "Email"),
                (3, "Phone"),
                (4, "Fax"),
                (5, "Mail"),
            ],
            1,
        ),
        defaulted("address1_addresstypecode", single, 1),
        defaulted("address1_shippingmethodcode", single, 1),
        defaulted("salesstagecode", single, 1),
        Column::new("salesstage", choices(&[(0, "Qualify")])),
    ]
}

fn numbers_and_dates() -> Vec<Column> {
    vec![
        Column::new("numberofemployees", Kind::Integer(0, 1_000_000)),
        Column::new("estimatedvalue", Kind::Double(0.0, 1_000_000_000.0)),
        Column::new("address1_latitude", Kind::Double(-90.0, 90.0)),
        Column::new("address1_longitude", Kind::Double(-180.0, 180.0)),
        Column::new("address1_utcoffset", Kind::Integer(-1500, 1500)),
        Column::read_only("onholdtime", Kind::Integer(-2_147_483_648, 2_147_483_647)),
        Column::new("estimatedclosedate", Kind::Day),
        Column::new("lastonholdtime", Kind::Moment),
        Column::new("schedulefollowup_prospect", Kind::Moment),
        Column::new("schedulefollowup_qualify", Kind::Moment),
    ]
}

fn lookups() -> Vec<Column> {
    let plain = |name, targets| Column::new(name, lookup(name, targets));
    vec![
        plain("campaignid", &["campaign"]),
        plain("parentaccountid", &["account"]),
        plain("parentcontactid", &["contact"]),
        plain("qualifyingopportunityid", &["opportunity"]),
        Column::new(
            "customerid",
            Kind::Lookup(vec![
                Navigation {
                    name: "customerid_account",
                    targets: &["account"],
                },
                Navigation {
                    name: "customerid_contact",
                    targets: &["contact"],
                },
            ]),
        ),
        Column::read_only("accountid", lookup("accountid", &["account"])),
        Column::read_only("contactid", lookup("contactid", &["contact"])),
    ]
}

fn state(profile: LeadProfile) -> Vec<Column> {
    let reasons = match profile {
        LeadProfile::OutOfBox => STATUS_REASONS,
        LeadProfile::Customised => CUSTOMISED_STATUS_REASONS,
    };
    let states = [(0, "Open"), (1, "Qualified"), (2, "Disqualified")];
    super::state(&states, reasons)
}
