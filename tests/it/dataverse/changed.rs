//! Listing leads that changed.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use referral_connector::failure::{Classify, Disposition};
use referral_connector::ids::LeadId;
use referral_connector::lead::Columns;
use referral_connector::upstream::dataverse::{LeadPage, LeadQuery, Which};
use sandbox::dataverse::{APPLICATION_USER_ID, SELLER_ID};
use sandbox::{Effect, Fault, Service};
use serde_json::json;
use uuid::Uuid;

use super::{Organisation, fresh};

const NINE: &str = "2026-11-02T09:00:00Z";

fn ours() -> LeadQuery {
    LeadQuery::new(Which::Ours(BTreeSet::new()))
}

fn ids(page: &LeadPage) -> Vec<LeadId> {
    page.rows.iter().map(|row| row.id).collect()
}

impl Organisation {
    /// A lead that the connector makes.
    async fn ours(&self, id: LeadId) -> LeadId {
        let columns = Columns::new();
        let created = self.dataverse.create_lead(id, &columns, None, None);
        created.await.unwrap();
        id
    }

    /// A lead that a seller made `seconds` after nine o'clock.
    fn sold(&self, number: u32, seconds: u32) -> LeadId {
        let at = NINE.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds.into());
        let id = Uuid::from_u128(number.into());
        let seeded = self.with(|state| state.seed_lead(&json!({"leadid": id}), at));
        LeadId::new(seeded.unwrap())
    }
}

#[tokio::test]
async fn ours_are_listed_by_who_made_them_with_version_and_time() {
    let org = Organisation::start().await;
    org.sold(1, 0);
    let own = org.ours(fresh()).await;
    let page = org.dataverse.changed(&ours()).await.unwrap();
    assert_eq!(ids(&page), [own]);
    assert_eq!(page.user, Some(APPLICATION_USER_ID));
    let lead = org.read(own).await;
    assert_eq!(
        (&page.rows[0].version, page.rows[0].modified),
        (&lead.etag, lead.modified)
    );
    let now = org.sandbox.world().clock.now();
    let told = page.told_at.unwrap();
    assert!(
        now.duration_since(told).abs() < SignedDuration::from_secs(20),
        "{told}"
    );

    let with_seller = LeadQuery::new(Which::Ours(BTreeSet::from([SELLER_ID])));
    let page = org.dataverse.changed(&with_seller).await.unwrap();
    assert_eq!(page.rows.len(), 2);
    let asked = org
        .requests()
        .iter()
        .filter(|it| it.path.contains("WhoAmI"))
        .count();
    assert_eq!(asked, 1, "who we are is asked once");
}

#[tokio::test]
async fn a_lower_bound_takes_in_its_own_second() {
    let org = Organisation::start().await;
    let leads: Vec<_> = (1..=4).map(|number| org.sold(number, number)).collect();
    let query = LeadQuery::new(Which::Among(leads.clone()))
        .since(NINE.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(3));
    let page = org.dataverse.changed(&query).await.unwrap();
    assert_eq!((ids(&page), page.next), (leads[2..].to_vec(), None));
}

#[tokio::test]
async fn pages_continue_through_links_that_name_another_host() {
    let org = Organisation::start().await;
    org.with(|state| state.switches.other_host_in_links = true);
    let leads: Vec<_> = (1..=5).map(|number| org.sold(number, 0)).collect();
    let mut query = Some(LeadQuery::new(Which::Among(leads.clone())).rows(2));
    let mut seen = Vec::new();
    while let Some(it) = query {
        let page = org.dataverse.changed(&it).await.unwrap();
        assert!(page.rows.len() <= 2);
        seen.extend(ids(&page));
        query = page.next;
    }
    assert_eq!(seen, leads);
}

#[tokio::test]
async fn a_link_to_somewhere_else_is_not_followed() {
    let org = Organisation::start().await;
    let before = org.requests().len();
    let query = ours().from_token("https://elsewhere.invalid/leads?$skiptoken=x");
    let error = org.dataverse.changed(&query).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::RETRY);
    let lists = org.requests().split_off(before);
    assert!(
        lists.iter().all(|it| it.path.contains("WhoAmI")),
        "{lists:?}"
    );
}

#[tokio::test]
async fn a_role_that_may_not_read_leads_is_a_matter_for_a_person() {
    let org = Organisation::start().await;
    org.with(|state| {
        state
            .switches
            .missing_privileges
            .insert("prvReadLead".to_owned())
    });
    let error = org.dataverse.changed(&ours()).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Misconfigured);
    org.with(|state| state.switches.missing_privileges.clear());
    let faults = &org.sandbox.world().faults;
    faults.add(
        Fault::new(Service::Dataverse, Effect::status(503))
            .path("leads")
            .times(1),
    );
    org.dataverse.changed(&ours()).await.unwrap();
}
