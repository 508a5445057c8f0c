//! Accept, Decline and Wait.

use serde_json::json;

use super::*;

fn decide(rig: &Rig, id: &str, decision: i64) {
    rig.seller_edits(id, &json!({ "pcref_decision": decision }));
}

const HELD: &str = "The referral will be closed as Declined once this lead has rested for 24 hours. Decide to wait to take that back.";

#[tokio::test(flavor = "multi_thread")]
async fn accept_on_the_lead_accepts_the_referral_at_the_next_pass_and_the_lead_follows() {
    let (rig, id) = shown(&[TWO_WAY]).await;
    decide(&rig, &id, ACCEPT);
    rig.forget_requests();
    let run = rig.host.run_timer("ReferralReconcile").await.unwrap();
    assert!(run.succeeded(), "{run:?}");
    rig.until(|rig| standing(rig, &id) == "Active/Accepted")
        .await;
    rig.until(|rig| column(rig, &id, "referralstatus") == "Accepted")
        .await;
    let lead = rig.lead(&id).unwrap();
    assert_eq!(lead["statuscode"], 2, "an untouched lead is contacted now");
    assert_eq!(lead["pcref_decision"], ACCEPT, "it is the seller's");
    assert_eq!(message(&rig, &id), "");
    assert_eq!(rig.patches().len(), 1);
    assert_at_rest(&rig, &id).await;

    // Taken back by hand, it stays so.
    rig.seller_edits(&id, &json!({ "statuscode": 1 }));
    assert_at_rest(&rig, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn decline_is_held_until_the_lead_has_rested_and_then_closes_both() {
    let (rig, id) = shown(&[TWO_WAY]).await;
    decide(&rig, &id, DECLINE);
    let answer = rig.updated(&id).await;
    assert_synced(&answer);
    assert_eq!(rig.reports(&answer).await, ["close_held"]);
    assert_eq!(
        (standing(&rig, &id), message(&rig, &id)),
        ("New/Pending".to_owned(), HELD.to_owned())
    );
    assert_at_rest(&rig, &id).await;

    rig.hours_ago(25, |rig| {
        rig.seller_edits(&id, &json!({ "jobtitle": "CTO" }));
    });
    rig.forget_requests();
    assert_synced(&rig.updated(&id).await);
    assert_eq!(standing(&rig, &id), "Closed/Declined");
    assert_eq!(rig.patches().len(), 1, "alone");
    let lead = rig.lead(&id).unwrap();
    assert_eq!(
        (&lead["statecode"], &lead["statuscode"]),
        (&json!(2), &json!(7))
    );
    assert_eq!(lead["pcref_referralstatus"], "Closed: Declined");
    assert_eq!(message(&rig, &id), "");
    assert!(
        rig.notes(&id)
            .iter()
            .all(|note| !note.contains("please decide"))
    );
    assert_at_rest(&rig, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decline_is_taken_back_with_wait_and_nothing_was_sent() {
    let (rig, id) = shown(&[TWO_WAY]).await;
    decide(&rig, &id, DECLINE);
    assert_synced(&rig.updated(&id).await);
    rig.hours_ago(25, |rig| decide(rig, &id, WAIT));
    rig.forget_requests();
    let answer = rig.updated(&id).await;
    assert_synced(&answer);
    assert_eq!(rig.reports(&answer).await, Vec::<String>::new());
    assert_eq!(
        (standing(&rig, &id).as_str(), rig.patches().len()),
        ("New/Pending", 0)
    );
    assert!(message(&rig, &id).starts_with("Accept or decline this referral by"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_in_work_that_was_declined_is_left_to_the_seller() {
    let (rig, id) = shown(&[TWO_WAY]).await;
    rig.hours_ago(25, |rig| {
        rig.seller_edits(&id, &json!({ "pcref_decision": DECLINE, "statuscode": 2 }));
    });
    let answer = rig.updated(&id).await;
    assert_synced(&answer);
    assert_eq!(
        standing(&rig, &id),
        "Closed/Declined",
        "what was decided comes first"
    );
    assert_eq!(rig.reports(&answer).await, ["flagged"]);
    let lead = rig.lead(&id).unwrap();
    assert_eq!(
        (&lead["statecode"], &lead["statuscode"]),
        (&json!(0), &json!(2))
    );
    assert!(message(&rig, &id).contains("while this lead is open"));
    assert_at_rest(&rig, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mode_that_sends_no_status_says_so_on_the_lead_and_sends_nothing() {
    for settings in [&[][..], &[TWO_WAY, ("SYNC_ENVIRONMENT", "test")]] {
        let (rig, id) = shown(settings).await;
        for (decision, word) in [(ACCEPT, "accept"), (DECLINE, "decline")] {
            rig.hours_ago(25, |rig| decide(rig, &id, decision));
            rig.forget_requests();
            assert_synced(&rig.updated(&id).await);
            let told = message(&rig, &id);
            let wanted = format!(
                "The decision to {word} cannot be followed: answer the referral in Partner Center."
            );
            assert!(told.contains(&wanted), "{told}");
            assert_eq!(
                (standing(&rig, &id).as_str(), rig.patches().len()),
                ("New/Pending", 0)
            );
            assert_at_rest(&rig, &id).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_comes_too_late_does_nothing_and_says_why() {
    let (rig, id) = shown(&[TWO_WAY]).await;
    rig.partner_center_edits(&id, &json!({ "status": "Active", "substatus": "Accepted" }));
    rig.hours_ago(25, |rig| decide(rig, &id, DECLINE));
    assert_synced(&rig.updated(&id).await);
    assert_eq!(standing(&rig, &id), "Active/Accepted");
    assert!(message(&rig, &id).contains("the referral was accepted"));
    assert_at_rest(&rig, &id).await;

    rig.world().close_referral(&id, "Won").unwrap();
    assert_synced(&rig.updated(&id).await);
    let told = message(&rig, &id);
    assert!(
        told.contains("The decision to decline cannot be followed: the referral is closed."),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_of_a_closed_lead_beats_a_decision_that_says_otherwise() {
    let (rig, id) = shown(&[TWO_WAY]).await;
    rig.hours_ago(25, |rig| {
        let both = json!({ "pcref_decision": ACCEPT, "statecode": 2, "statuscode": 5 });
        rig.seller_edits(&id, &both);
    });
    assert_synced(&rig.updated(&id).await);
    assert_eq!(standing(&rig, &id), "Closed/Declined");
    assert_eq!(rig.referral(&id)["statusReason"], "Cannot contact");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acceptance_counts_whenever_it_was_made_and_a_decline_only_from_when_it_is_seen() {
    for (decision, after) in [(ACCEPT, "Active/Accepted"), (DECLINE, "New/Pending")] {
        let (rig, id) = shown(&[]).await;
        rig.hours_ago(200, |rig| decide(rig, &id, decision));
        assert_synced(&rig.updated(&id).await);
        rig.hours_ago(100, |rig| {
            rig.seller_edits(&id, &json!({ "jobtitle": "CTO" }));
        });
        let settings = overlay(rig.sandbox.settings(), &[TWO_WAY]);
        let run = program::run(&["sync", &id, "--json"], &settings).await;
        assert_eq!(run.exit, 0, "{run:?}");
        assert_eq!(standing(&rig, &id), after, "{run:?}");
        if decision == DECLINE {
            assert!(run.stdout.contains("differs:status"), "{run:?}");
            let told = message(&rig, &id);
            assert!(
                told.contains("decide to wait, save, and decide again"),
                "{told}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_decided_on_another_flows_lead_before_is_not_taken_for_this_referrals() {
    let sandbox = provisioned(&[]).await;
    let rig = Rig::with(sandbox, Wire::Proxying, &[TWO_WAY]).await;
    let lead = rig.seed_lead(&json!({ "subject": "An older deal", "pcref_decision": ACCEPT }));
    let id = rig.seed(ReferralBuilder::new().set("/externalReferenceId", lead.as_str()));
    for _ in 0..2 {
        assert_synced(&rig.updated(&id).await);
        assert_eq!(standing(&rig, &id), "New/Pending");
    }
    let told = rig.lead(&lead).unwrap()["pcref_sellermessage"].to_string();
    assert!(told.contains("decide again"), "{told}");
    decide(&rig, &lead, WAIT);
    assert_synced(&rig.updated(&id).await);
    decide(&rig, &lead, ACCEPT);
    assert_synced(&rig.updated(&id).await);
    assert_eq!(standing(&rig, &id), "Active/Accepted");
}
