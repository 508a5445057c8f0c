use serde_json::json;

use super::*;
use crate::rig::IMPATIENT;

const LINK: (&str, &str) = ("SYNC_DUPLICATES", "link");

#[tokio::test(flavor = "multi_thread")]
async fn the_one_open_lead_of_the_customer_becomes_the_referrals() {
    let rig = Rig::start(&[LINK]).await;
    let other = known(&rig);
    rig.seller_edits(&other, &json!({ "address1_city": "Altona" }));
    let id = rig.seed(ReferralBuilder::new());
    let answer = rig.created(&id).await;
    assert_eq!(answer.code(), "synced");
    let log = rig.log(&answer).await;
    assert_eq!(log["lead.id"], other.as_str(), "{log}");
    let reports = rig.reports(&answer).await;
    assert!(reports.contains(&format!("adopted:{other}")), "{reports:?}");
    assert_eq!(rig.leads().len(), 1);
    let lead = rig.lead(&other).unwrap();
    assert_eq!(lead["subject"], "Tailspin Toys moves its plants to Azure");
    assert_eq!(
        lead["companyname"], "TAILSPIN TOYS",
        "nothing is overwritten"
    );
    assert_eq!(lead["address1_city"], "Altona");
    assert_eq!(rig.referral(&id)["externalReferenceId"], other.as_str());
    assert!(told(&rig, &other).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_was_taken_once_stays_whatever_it_says_later() {
    let rig = Rig::start(&[LINK, ("SYNC_MODE", "inbound")]).await;
    let other = known(&rig);
    let id = rig.seed(ReferralBuilder::new());
    rig.created(&id).await;
    let edits = json!({ "emailaddress1": "another@tailspin.example", "companyname": "Another" });
    rig.seller_edits(&other, &edits);
    rig.host.restart().await.unwrap();
    let change = json!({ "details": { "notes": "Something else." }, "name": "Another topic" });
    rig.partner_center_edits(&id, &change);
    assert_eq!(rig.updated(&id).await.code(), "synced");
    assert_eq!(rig.leads().len(), 1);
    assert_eq!(rig.lead(&other).unwrap()["subject"], "Another topic");
    assert!(rig.referral(&id)["externalReferenceId"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_match_neither_is_taken_and_both_are_told_of() {
    let rig = Rig::start(&[LINK]).await;
    let others = [known(&rig), known(&rig)];
    let id = rig.seed(ReferralBuilder::new());
    let reports = rig.reports(&rig.created(&id).await).await;
    for other in &others {
        assert!(reports.contains(&format!("possible_duplicate:{other}")));
    }
    assert!(rig.lead(&id).is_some());
    let notes = told(&rig, &id);
    assert_eq!(notes.len(), 1);
    assert!(others.iter().all(|it| notes[0].contains(it)), "{notes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_referrals_of_one_customer_at_once_get_two_leads_one_of_them_the_known_one() {
    let rig = Rig::start(&[LINK, IMPATIENT[0]]).await;
    let other = known(&rig);
    let ids: Vec<String> = (0..2).map(|_| rig.seed(ReferralBuilder::new())).collect();
    let answers = tokio::join!(rig.created(&ids[0]), rig.created(&ids[1]));
    assert_eq!((answers.0.status, answers.1.status), (200, 200));
    for id in &ids {
        rig.synced_soon(id).await;
    }
    assert_eq!(rig.leads().len(), 2);
    let of = |id: &String| rig.referral(id)["externalReferenceId"].clone();
    let taken = ids.iter().filter(|id| of(id) == other.as_str());
    assert_eq!(taken.count(), 1);
    let own = ids.iter().find(|id| of(id) == id.as_str()).unwrap();
    let notes = told(&rig, own);
    assert!(notes.len() == 1 && notes[0].contains(&other), "{notes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_was_made_for_another_referral_is_not_taken_but_told_of() {
    let rig = Rig::start(&[LINK]).await;
    let first = rig.seed(ReferralBuilder::new());
    rig.created(&first).await;
    let second = rig.seed(ReferralBuilder::new());
    let reports = rig.reports(&rig.created(&second).await).await;
    assert_eq!(reports, [format!("possible_duplicate:{first}")]);
    assert_eq!(
        rig.referral(&second)["externalReferenceId"],
        second.as_str()
    );
    let third = known(&rig);
    let id = rig.seed(ReferralBuilder::new());
    let answer = rig.created(&id).await;
    let reports = rig.reports(&answer).await;
    assert!(reports.contains(&format!("adopted:{third}")), "{reports:?}");
    for other in [&first, &second] {
        assert!(reports.contains(&format!("possible_duplicate:{other}")));
    }
    assert_eq!(told(&rig, &third).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_deliveries_at_once_take_one_lead_and_make_none() {
    let rig = Rig::start(&[LINK, IMPATIENT[0]]).await;
    let other = known(&rig);
    let id = rig.seed(ReferralBuilder::new());
    let events: Vec<_> = (0..10)
        .map(|_| rig.event("referral-created", &id))
        .collect();
    let answers = events.iter().map(|event| rig.send(event));
    for answer in futures_util::future::join_all(answers).await {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    rig.synced_soon(&id).await;
    assert_eq!(rig.leads().len(), 1);
    assert_eq!(rig.referral(&id)["externalReferenceId"], other.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_is_closed_while_it_is_looked_at_is_not_taken() {
    use sandbox::{Effect, Fault};
    let rig = Rig::start(&[LINK]).await;
    let other = known(&rig);
    let id = rig.seed(ReferralBuilder::new());
    let path = format!("/leads({other})");
    let slow = Fault::new(Service::Dataverse, Effect::Delay(500)).method("GET");
    rig.world().faults.add(slow.path(&path).times(1));
    let closing = async {
        rig.wait_for_request(Service::Dataverse, "GET", &path).await;
        rig.seller_edits(&other, &json!({ "statecode": 2, "statuscode": 4 }));
    };
    let (answer, ()) = tokio::join!(rig.created(&id), closing);
    assert_eq!(answer.code(), "synced");
    assert_eq!(rig.referral(&id)["externalReferenceId"], id.as_str());
    assert_eq!(rig.leads().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn observing_says_which_lead_would_be_taken() {
    let rig = Rig::start(&[LINK, ("SYNC_MODE", "observe")]).await;
    let other = known(&rig);
    let id = rig.seed(ReferralBuilder::new());
    let reports = rig.reports(&rig.created(&id).await).await;
    assert!(
        reports.contains(&format!("would_adopt:{other}")),
        "{reports:?}"
    );
    assert!(rig.writes().is_empty());
}
