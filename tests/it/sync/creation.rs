use referral_connector::sync::plan::Ignored;
use sandbox::partner_center::sample;
use serde_json::json;

use super::*;

#[tokio::test]
async fn every_shape_of_referral_becomes_a_linked_lead_or_says_why_not() {
    let scene = Scene::start(LINK).await;
    for (shape, referral) in sample::all() {
        let id = scene.seed_value(referral);
        let report = scene.sync(id).await;
        let expected = match shape {
            "outgoing" => Outcome::Ignored(Ignored::Outgoing),
            "spam" => Outcome::Ignored(Ignored::Spam),
            "won" | "expired" => Outcome::Ignored(Ignored::Closed),
            _ => Outcome::Created,
        };
        assert_eq!(report.outcome, expected, "{shape}");
        if expected == Outcome::Created {
            let own = LeadId::of(id);
            assert_eq!(report.lead, Some(own), "{shape}");
            assert_eq!(scene.lead(own)["leadid"], id.to_string(), "{shape}");
            assert_eq!(
                scene.referral(id)["externalReferenceId"],
                id.to_string(),
                "{shape}"
            );
        }
        assert_eq!(
            scene.sync(id).await.outcome,
            match expected {
                Outcome::Created => Outcome::Unchanged,
                other => other,
            },
            "{shape}"
        );
    }
}

#[tokio::test]
async fn a_new_lead_holds_what_the_referral_says() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new().deal(50_000.5, "EUR"));
    let report = scene.sync(id).await;
    assert_eq!(words(&report), Vec::<String>::new());
    let lead = scene.lead(LeadId::of(id));
    assert_eq!(lead["subject"], "Tailspin Toys moves its plants to Azure");
    assert_eq!(lead["companyname"], "Tailspin Toys");
    assert_eq!(lead["lastname"], "Okafor");
    assert_eq!(lead["address1_city"], "Hamburg");
    assert_eq!(lead["estimatedamount"], 50_000.5);
    assert_eq!(lead["donotbulkemail"], true);
    assert_eq!(lead["leadsourcecode"], 4);
    assert!(
        lead["createdon"]
            .as_str()
            .unwrap()
            .starts_with("2026-11-02T09:15:27")
    );
}

#[tokio::test]
async fn a_no_change_event_takes_two_reads_and_an_update_four_requests() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    scene.sync(id).await;
    assert_eq!(
        scene.requests_of_sync(id).await,
        ["GET leads", "GET referrals"]
    );
    scene.edit_referral(id, &json!({ "name": "A new name" }));
    assert_eq!(
        scene.requests_of_sync(id).await,
        ["GET leads", "GET referrals", "PATCH leads", "GET referrals"]
    );
    assert_eq!(scene.lead(LeadId::of(id))["subject"], "A new name");
    assert_eq!(scene.requests_of_sync(id).await.len(), 2);
}

#[tokio::test]
async fn a_hundred_copies_of_one_event_make_one_lead_in_one_sync() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    let flights = Flights::new(scene.syncer.clone());
    let copies = (0..100).map(|_| flights.sync(id, Some([7; 32]), soon()));
    for shared in futures_util::future::join_all(copies).await {
        assert_eq!(shared.unwrap().lead, Some(LeadId::of(id)));
    }
    assert_eq!(scene.leads(), 1);
    let notes = scene.notes(LeadId::of(id)).len();
    assert_eq!(scene.sent("GET leads"), 1, "{:?}", scene.requests());
    assert_eq!(notes, 1);
}

#[tokio::test]
async fn instances_that_know_nothing_of_each_other_make_one_lead() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    let instances: Vec<Syncer> = (0..6).map(|_| scene.another()).collect();
    let syncs = instances.iter().map(|instance| instance.sync(id, soon()));
    let reports = futures_util::future::join_all(syncs).await;
    assert!(reports.iter().any(Result::is_ok));
    scene.sync(id).await;
    assert_eq!(scene.leads(), 1);
    assert_eq!(scene.notes(LeadId::of(id)).len(), 1);
    assert_eq!(scene.referral(id)["externalReferenceId"], id.to_string());
    assert_eq!(scene.requests_of_sync(id).await.len(), 2);
}

#[tokio::test]
async fn the_lead_of_an_old_link_is_adopted_and_filled() {
    let scene = Scene::start(LINK).await;
    let old =
        scene.seed_lead(&json!({ "companyname": "old flow", "lastname": "0", "firstname": "0" }));
    let reference = old.to_string();
    let id = scene.seed(ReferralBuilder::new().set("/externalReferenceId", reference.as_str()));
    let report = scene.sync(id).await;
    assert_eq!((report.outcome, report.lead), (Outcome::Updated, Some(old)));
    assert_eq!(scene.leads(), 1);
    let lead = scene.lead(old);
    assert_eq!(lead["lastname"], "Okafor");
    assert_eq!(lead["subject"], "Tailspin Toys moves its plants to Azure");
    assert_eq!(
        lead["companyname"], "old flow",
        "nothing was agreed: what is filled is left"
    );
    assert_eq!(words(&report), ["differs:company"]);
    assert_eq!(
        scene.requests_of_sync(id).await,
        ["GET leads", "GET referrals"],
        "which lead it has is remembered"
    );
}

#[tokio::test]
async fn a_merged_lead_is_followed_to_its_master() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    scene.sync(id).await;
    let master = scene.seed_lead(&json!({ "subject": "master" }));
    {
        let world = scene.sandbox.world();
        let (from, now) = (LeadId::of(id).uuid(), world.clock.now());
        world
            .dataverse
            .lock()
            .merge_leads(from, master.uuid(), now)
            .unwrap();
    }
    let report = scene.sync(id).await;
    assert_eq!(
        (report.outcome, report.lead),
        (Outcome::Updated, Some(master))
    );
    assert_eq!(
        scene.referral(id)["externalReferenceId"],
        master.to_string()
    );
    assert_eq!(scene.lead(master)["companyname"], "Tailspin Toys");
    assert_eq!(scene.sync(id).await.outcome, Outcome::Unchanged);
}

#[tokio::test]
async fn a_deleted_lead_stays_deleted() {
    let scene = Scene::start(TWO_WAY).await;
    let id = scene.seed(ReferralBuilder::new());
    scene.sync(id).await;
    let own: Uuid = LeadId::of(id).uuid();
    scene
        .sandbox
        .world()
        .dataverse
        .lock()
        .delete_lead(own)
        .unwrap();
    let report = scene.sync(id).await;
    assert_eq!(report.outcome, Outcome::LeadDeleted);
    assert_eq!(words(&report), ["lead_deleted"]);
    assert_eq!(scene.leads(), 0);
}

#[tokio::test]
async fn a_lead_merged_into_one_that_was_deleted_is_not_made_again() {
    let scene = Scene::start(LINK).await;
    let id = scene.seed(ReferralBuilder::new());
    scene.sync(id).await;
    let master = scene.seed_lead(&json!({ "subject": "master" }));
    let world = scene.sandbox.world();
    let (from, now) = (LeadId::of(id).uuid(), world.clock.now());
    let merged = world.dataverse.lock().merge_leads(from, master.uuid(), now);
    merged.unwrap();
    scene.sync(id).await;
    world.dataverse.lock().delete_lead(master.uuid()).unwrap();
    let report = scene.sync(id).await;
    assert_eq!(report.outcome, Outcome::LeadDeleted);
    assert_eq!(scene.sync(id).await.outcome, Outcome::LeadDeleted);
}

#[tokio::test]
async fn observing_writes_to_neither_side() {
    let scene = Scene::start("observe").await;
    let id = scene.seed(ReferralBuilder::new());
    let report = scene.sync(id).await;
    assert_eq!(report.outcome, Outcome::Observed);
    assert!(words(&report).contains(&"would_create".to_owned()));
    assert_eq!(scene.sent("PATCH") + scene.sent("POST"), 0);
}

#[tokio::test]
async fn another_environment_never_writes_to_partner_center() {
    let scene = Scene::with(&[("SYNC_MODE", TWO_WAY), ("SYNC_ENVIRONMENT", "test")]).await;
    let id = scene.seed(ReferralBuilder::new());
    assert_eq!(scene.sync(id).await.outcome, Outcome::Created);
    assert_eq!(scene.sent("PATCH referrals"), 0);
    assert_eq!(scene.sync(id).await.outcome, Outcome::Unchanged);
}
