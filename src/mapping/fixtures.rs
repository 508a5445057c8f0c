//! Referrals, leads and organisations for tests.

use std::sync::Arc;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::Mapping;
use super::columns::{DESCRIPTION, ESTIMATED_AMOUNT};
use crate::ids::{CurrencyId, ETag, LeadId};
use crate::lead::{Column, ColumnKind, Columns, Currency, Lead, LeadSchema, LeadState};
use crate::referral::{
    Address, Consent, Customer, Details, Direction, Invitation, Member, Referral, ReferralState,
    ReferralStatus,
};
use crate::sync::options::{Duplicates, Filter, Mode, Parents, QualifiedMeans, SyncOptions};

#[expect(
    clippy::unnecessary_wraps,
    reason = "every member of a referral is optional"
)]
pub(crate) fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// A referral from a Microsoft seller with every member filled.
pub(crate) fn referral() -> Referral {
    Referral {
        id: "4111fffc-f9ee-4d53-bba6-569135228642".parse().unwrap(),
        etag: ETag::new("\"2500ec5a-0000-0000-0000-5bf4967d0000\""),
        engagement: some("37ef26aa-1d15-4533-9f93-a69bd33ab1e5"),
        name: some("Supply chain renewal"),
        external_reference: None,
        created: Some("2026-11-01T02:05:23.2931817Z".parse().unwrap()),
        updated: Some("2026-11-02T02:05:23Z".parse().unwrap()),
        expires: None,
        status: status(ReferralState::New),
        status_reason: None,
        qualification: some("SalesQualified"),
        kind: some("Independent"),
        direction: Direction::Incoming,
        quality: None,
        is_spam: false,
        partner_id: some("1234567"),
        locations: vec!["01e2abcd-52b0-4af3-a3ae-1fd1530b3563".to_owned()],
        team: vec![Member {
            email: some("Jonas.Weber@woodgrove.example"),
            ..member("Jonas", "Weber")
        }],
        customer: Customer {
            name: some("Fabrikam OIL &amp; GAS "),
            size: some("51to250employees"),
            address: Address {
                line1: some("1 Harbour Road"),
                line2: some("Floor 3"),
                city: some("Redmond"),
                state: some("WA"),
                postal_code: some("98052"),
                country: some("US"),
            },
            team: vec![member("Sue", "Smith")],
        },
        consent: Consent::default(),
        details: Details {
            notes: some("Wants a supply chain system."),
            deal_value: Some("50000.125".parse().unwrap()),
            currency: some("USD"),
            closing: Some("2027-03-01T23:30:00Z".parse().unwrap()),
            customer_requested_contact: None,
            requirements: vec!["Dynamics 365 for Field Service".to_owned()],
        },
        invitation: Some(Invitation {
            notes: some("Please help this customer."),
            organization_id: some("msft"),
            organization_name: some("Microsoft"),
        }),
    }
}

pub(crate) fn member(first: &str, last: &str) -> Member {
    Member {
        first_name: some(first),
        last_name: some(last),
        phone: some("+1 (425) 555-0100"),
        email: some("sue.smith@fabrikam.example"),
        title: some("Buyer"),
    }
}

pub(crate) fn status(state: ReferralState) -> ReferralStatus {
    let (status, substatus) = match state {
        ReferralState::New => ("New", "Pending"),
        ReferralState::Active => ("Active", "Accepted"),
        ReferralState::Won => ("Closed", "Won"),
        ReferralState::Lost => ("Closed", "Lost"),
        ReferralState::Declined => ("Closed", "Declined"),
        ReferralState::Expired => ("Closed", "Expired"),
        ReferralState::ClosedOtherwise => ("Closed", "Mislaid"),
        ReferralState::Unknown => ("Paused", "Paused"),
    };
    ReferralStatus {
        state,
        status: status.to_owned(),
        substatus: substatus.to_owned(),
    }
}

/// An organisation with the limits Dynamics 365 ships with.
pub(crate) fn schema() -> LeadSchema {
    let mut schema = LeadSchema::default();
    for row in Mapping::shipped().rows() {
        if row.kind == ColumnKind::Text {
            schema.lengths.insert(row.column.clone(), 100);
        }
    }
    schema.lengths.insert(DESCRIPTION, 2000);
    schema
        .lengths
        .insert(Column::named("address1_postalcode"), 20);
    schema
        .choices
        .insert(Column::named("leadsourcecode"), (1..=10).collect());
    schema
        .choices
        .insert(Column::named("leadqualitycode"), vec![1, 2, 3]);
    schema.status_reasons = [
        (1, LeadState::Open),
        (2, LeadState::Open),
        (3, LeadState::Qualified),
        (4, LeadState::Disqualified),
        (5, LeadState::Disqualified),
        (6, LeadState::Disqualified),
        (7, LeadState::Disqualified),
    ]
    .into();
    schema.amounts.insert(
        ESTIMATED_AMOUNT,
        ("0".parse().unwrap(), "1000000000000".parse().unwrap()),
    );
    schema
}

pub(crate) fn dollar() -> Currency {
    Currency {
        id: CurrencyId::new(Uuid::from_u128(0xd0)),
        code: "USD".to_owned(),
        precision: 2,
    }
}

pub(crate) fn options(mode: Mode) -> SyncOptions {
    SyncOptions {
        mode,
        production: true,
        owner: None,
        filter: Filter::default(),
        time_zone: TimeZone::UTC,
        qualified_means: QualifiedMeans::Accepted,
        close_hold: SignedDuration::from_hours(24),
        won_hold: SignedDuration::from_hours(72),
        duplicates: Duplicates::Report,
        parents: Parents::Match,
        crm: None,
        mapping: Arc::clone(Mapping::shipped()),
    }
}

/// A lead that holds nothing but its status.
pub(crate) fn lead(state: LeadState, reason: i32) -> Lead {
    Lead {
        id: LeadId::of(referral().id),
        etag: ETag::new("W/\"1\""),
        state,
        status_reason: Some(reason),
        merged_into: None,
        modified: Some("2026-11-20T12:00:00Z".parse().unwrap()),
        decision: None,
        columns: Columns::new(),
    }
}
