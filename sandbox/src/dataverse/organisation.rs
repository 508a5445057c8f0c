//! The rows every organisation starts with: itself, its users and teams, its currencies.

use rust_decimal::Decimal;
use uuid::Uuid;

use super::cell::Cell;
use super::rows::{Cells, Rows};

/// The row of `organization`.
pub const ORGANIZATION_ID: Uuid = Uuid::from_u128(0x6b7d_5e10_27c4_4f0e_9a31_0c5b_e2a7_1001);
/// The root business unit.
pub const BUSINESS_UNIT_ID: Uuid = Uuid::from_u128(0x6b7d_5e10_27c4_4f0e_9a31_0c5b_e2a7_1002);
/// The application user that a token stands for whose application has no user of its own.
pub const APPLICATION_USER_ID: Uuid = Uuid::from_u128(0x6b7d_5e10_27c4_4f0e_9a31_0c5b_e2a7_1003);
/// A seller: the user behind edits made through [`State::edit_lead`](super::State::edit_lead).
pub const SELLER_ID: Uuid = Uuid::from_u128(0x6b7d_5e10_27c4_4f0e_9a31_0c5b_e2a7_1004);
/// A team that can own leads.
pub const SALES_TEAM_ID: Uuid = Uuid::from_u128(0x6b7d_5e10_27c4_4f0e_9a31_0c5b_e2a7_1005);

/// The role that may do everything.
pub const SYSTEM_ADMINISTRATOR_ID: Uuid =
    Uuid::from_u128(0x6b7d_5e10_27c4_4f0e_9a31_0c5b_e2a7_1006);

/// When all of this was set up: the first second of 2026, in UTC.
const FOUNDED: i64 = 1_767_225_600;

/// ISO code, name, symbol, decimals, units for one unit of the base currency. The first is the base currency.
const CURRENCIES: [(&str, &str, &str, i64, &str); 5] = [
    ("EUR", "Euro", "€", 2, "1"),
    ("USD", "US Dollar", "$", 2, "1.08"),
    ("GBP", "Pound Sterling", "£", 2, "0.85"),
    ("JPY", "Yen", "¥", 0, "163"),
    ("KWD", "Kuwaiti Dinar", "KD", 3, "0.332"),
];

/// The rows of a new organisation.
pub(super) fn rows() -> Rows {
    let mut rows = Rows::default();
    let mut put = |table, key, id, columns: Vec<(&'static str, Cell)>| {
        let founded = jiff::Timestamp::from_second(FOUNDED).expect("2026 is in range");
        let mut cells = Cells::from_iter(columns);
        cells.insert(key, Cell::Id(id));
        cells.insert("createdon", Cell::Moment(founded));
        cells.insert("modifiedon", Cell::Moment(founded));
        rows.put(table, id, cells);
    };
    for currency in CURRENCIES {
        let id = currency_id(currency.0);
        put(
            "transactioncurrency",
            "transactioncurrencyid",
            id,
            currency_cells(currency),
        );
    }
    put(
        "businessunit",
        "businessunitid",
        BUSINESS_UNIT_ID,
        vec![("name", Cell::text("Contoso"))],
    );
    put(
        "role",
        "roleid",
        SYSTEM_ADMINISTRATOR_ID,
        vec![
            ("name", Cell::text("System Administrator")),
            (
                "businessunitid",
                Cell::Row("businessunit", BUSINESS_UNIT_ID),
            ),
        ],
    );
    put(
        "team",
        "teamid",
        SALES_TEAM_ID,
        vec![("name", Cell::text("Partner Sales"))],
    );
    for (id, name) in [
        (APPLICATION_USER_ID, "# Referral Connector"),
        (SELLER_ID, "Sam Seller"),
    ] {
        let unit = Cell::Row("businessunit", BUSINESS_UNIT_ID);
        let cells = vec![
            ("fullname", Cell::text(name)),
            ("isdisabled", Cell::Flag(false)),
            ("businessunitid", unit),
        ];
        put("systemuser", "systemuserid", id, cells);
    }
    put(
        "organization",
        "organizationid",
        ORGANIZATION_ID,
        organization_cells(),
    );
    rows
}

/// The id of the currency row for an ISO code; made from the code.
pub fn currency_id(code: &str) -> Uuid {
    Uuid::new_v5(&ORGANIZATION_ID, code.as_bytes())
}

/// The organisation's base currency.
pub(super) fn base_currency() -> Uuid {
    currency_id(CURRENCIES[0].0)
}

type Currency = (&'static str, &'static str, &'static str, i64, &'static str);

fn currency_cells((code, name, symbol, decimals, rate): Currency) -> Vec<(&'static str, Cell)> {
    let rate: Decimal = rate.parse().expect("rates are decimals");
    vec![
        ("isocurrencycode", Cell::text(code)),
        ("currencyname", Cell::text(name)),
        ("currencysymbol", Cell::text(symbol)),
        ("currencyprecision", Cell::Whole(decimals)),
        ("exchangerate", Cell::money(rate)),
        ("statecode", Cell::Whole(0)),
        ("statuscode", Cell::Whole(1)),
    ]
}

fn organization_cells() -> Vec<(&'static str, Cell)> {
    vec![
        ("name", Cell::text("contoso")),
        ("languagecode", Cell::Whole(1033)),
        ("localeid", Cell::Whole(1033)),
        ("pricingdecimalprecision", Cell::Whole(2)),
        ("currencydecimalprecision", Cell::Whole(2)),
        ("fullnameconventioncode", Cell::Whole(1)),
        (
            "basecurrencyid",
            Cell::Row("transactioncurrency", base_currency()),
        ),
    ]
}
