//! A referral that is closed, and the lead somebody may be working on.

use sandbox::partner_center::builder::ReferralBuilder;
use serde_json::{Value, json};

use super::{assert_columns, assert_synced, in_step, notes};

const FLAG: &str = "Partner Center: the referral was closed";

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_at_work_is_flagged_once_and_left_as_it_is() {
    for work in [
        json!({ "statecode": 0, "statuscode": 2 }),
        json!({ "statecode": 1, "statuscode": 3 }),
    ] {
        for substatus in ["Declined", "Lost", "Expired"] {
            let (rig, id) = in_step(ReferralBuilder::new()).await;
            rig.seller_edits(&id, &work);
            rig.world().close_referral(&id, substatus).unwrap();

            let answer = rig.updated(&id).await;

            assert_synced(&answer);
            assert_eq!(rig.reports(&answer).await, ["flagged"]);
            assert_columns(&rig, &id, &work);
            assert_eq!(notes(&rig, &id, FLAG), 1);
            let told = rig.notes(&id).join("\n");
            assert!(told.contains(&format!("Closed/{substatus}")), "{told}");

            assert_synced(&rig.updated(&id).await);
            rig.host.restart().await.unwrap();
            assert_synced(&rig.updated(&id).await);
            assert_eq!(notes(&rig, &id, FLAG), 1, "{work} {substatus}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_lead_is_disqualified_with_its_declined_or_lost_referral() {
    for (substatus, reason) in [("Declined", 7), ("Lost", 4)] {
        let (rig, id) = in_step(ReferralBuilder::new()).await;
        rig.world().close_referral(&id, substatus).unwrap();
        assert_synced(&rig.updated(&id).await);
        assert_columns(&rig, &id, &json!({ "statecode": 2, "statuscode": reason }));
        assert_eq!(notes(&rig, &id, FLAG), 0);
        rig.forget_requests();
        assert_synced(&rig.updated(&id).await);
        assert!(rig.writes().is_empty(), "{:#?}", rig.writes());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_lead_of_an_expired_or_won_referral_is_flagged_for_a_seller_to_decide() {
    for substatus in ["Expired", "Won"] {
        let (rig, id) = in_step(ReferralBuilder::new()).await;
        rig.world().close_referral(&id, substatus).unwrap();
        assert_synced(&rig.updated(&id).await);
        assert_columns(&rig, &id, &json!({ "statecode": 0, "statuscode": 1 }));
        assert_eq!(notes(&rig, &id, FLAG), 1, "{substatus}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_lead_agrees_with_a_closed_referral() {
    for (lead, substatus) in [
        (json!({ "statecode": 2, "statuscode": 6 }), "Lost"),
        (json!({ "statecode": 2, "statuscode": 7 }), "Expired"),
        (json!({ "statecode": 1, "statuscode": 3 }), "Won"),
    ] {
        let (rig, id) = in_step(ReferralBuilder::new()).await;
        rig.seller_edits(&id, &lead);
        rig.world().close_referral(&id, substatus).unwrap();
        let answer = rig.updated(&id).await;
        assert_synced(&answer);
        assert_eq!(rig.reports(&answer).await, Vec::<String>::new());
        assert_columns(&rig, &id, &lead);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acceptance_in_partner_center_moves_a_new_lead_and_no_other() {
    let accepted = json!({ "status": "Active", "substatus": "Accepted" });
    for (lead, after) in [
        (
            json!({ "statuscode": 1 }),
            json!({ "statecode": 0, "statuscode": 2 }),
        ),
        (
            json!({ "statecode": 1, "statuscode": 3 }),
            json!({ "statecode": 1, "statuscode": 3 }),
        ),
        (
            json!({ "statecode": 2, "statuscode": 5 }),
            json!({ "statecode": 2, "statuscode": 5 }),
        ),
    ] {
        let (rig, id) = in_step(ReferralBuilder::new()).await;
        rig.seller_edits(&id, &lead);
        rig.partner_center_edits(&id, &accepted);
        assert_synced(&rig.updated(&id).await);
        assert_columns(&rig, &id, &after);
        assert_eq!(
            rig.referral(&id)["externalReferenceId"],
            Value::String(id.clone())
        );
    }
}
