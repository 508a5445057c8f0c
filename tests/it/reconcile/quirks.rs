//! What makes lists hard to read.

use sandbox::partner_center::NextLink;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn next_links_that_lead_nowhere_hide_no_referral() {
    for next_link in [
        NextLink::Documented,
        NextLink::Misspelt,
        NextLink::OtherCase,
        NextLink::Unmarked,
        NextLink::Missing,
        NextLink::ToItself,
    ] {
        let rig = Rig::start(&[]).await;
        {
            let mut state = rig.world().partner_center.lock();
            (state.list.page_size, state.list.next_link) = (3, next_link);
        }
        seed(&rig, 8);
        pass(&rig).await;
        assert_eq!(rig.leads().len(), 8, "{next_link:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn referrals_that_move_while_they_are_listed_are_found() {
    let rig = Rig::start(&[]).await;
    let ids = seed(&rig, 12);
    {
        let mut state = rig.world().partner_center.lock();
        state.list.page_size = 4;
        state.list.edited_between_pages = ids[..3].iter().cloned().collect();
    }
    pass(&rig).await;
    assert_eq!(rig.leads().len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn referrals_of_one_moment_are_found_over_all_their_pages() {
    let rig = Rig::start(&[]).await;
    for number in 1..=11 {
        let referral = ReferralBuilder::with_id(Uuid::from_u128(number));
        let at = if number < 10 { 5 } else { 6 };
        rig.seed(referral.set("/updatedDateTime", stamp(at)));
    }
    {
        let mut state = rig.world().partner_center.lock();
        state.list.page_size = 2;
        state.list.edited_between_pages = [Uuid::from_u128(1).to_string()].into();
    }
    pass(&rig).await;
    assert_eq!(rig.leads().len(), 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_saved_within_one_second_and_between_pages_are_found() {
    let rig = Rig::start(&[TWO_WAY]).await;
    rig.world().dataverse.lock().switches.other_host_in_links = true;
    let ids = seed(&rig, 5);
    for _ in 0..2 {
        pass(&rig).await;
    }
    let now = rig.world().clock.now();
    {
        let mut state = rig.world().dataverse.lock();
        for id in &ids {
            let lead = id.parse().unwrap();
            let columns = json!({ "estimatedamount": 31_000 });
            state.edit_lead(lead, &columns, now).unwrap();
        }
        let moving = ids[0].parse().unwrap();
        state.saved_between_pages.push_back(moving);
    }
    for _ in 0..2 {
        pass(&rig).await;
    }
    for id in &ids {
        assert_eq!(rig.referral(id)["details"]["dealValue"], json!(31_000));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_that_is_listed_and_refused_stands_in_nobodys_way() {
    let rig = Rig::start(&[]).await;
    let ids = seed(&rig, 4);
    rig.world()
        .partner_center
        .lock()
        .deny(&ids[1], true)
        .unwrap();
    let log = pass(&rig).await;
    assert_eq!(
        (&log["refused"], &log["healed"]),
        (&json!(1), &json!("created=3"))
    );
    let log = pass(&rig).await;
    assert_eq!(
        (&log["refused"], &log["ended"]),
        (&json!(0), &json!("complete"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_another_program_made_under_our_name_is_left_alone() {
    let rig = Rig::start(&[]).await;
    seed(&rig, 1);
    pass(&rig).await;
    let foreign = Uuid::from_u128(77);
    let columns = json!({ "leadid": foreign, "subject": "Import" });
    let now = rig.world().clock.now();
    let made = rig.world().dataverse.lock().seed_own_lead(&columns, now);
    made.unwrap();
    let log = pass(&rig).await;
    assert_eq!(
        (&log["refused"], &log["parked"]),
        (&json!(1), &json!(0)),
        "{log}"
    );
    let letters = rig
        .world()
        .storage
        .blobs("referral-connector", "dead-letters/");
    assert_eq!(letters.await.unwrap(), Vec::<String>::new());
}
