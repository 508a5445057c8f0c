use uuid::Uuid;

use super::*;
use crate::failure::{Classify, Disposition};
use crate::sync::drawer::Drawer;

const ID: ReferralId = ReferralId::new(Uuid::from_u128(7));
const OTHER: ReferralId = ReferralId::new(Uuid::from_u128(8));
const LEAD: LeadId = LeadId::new(Uuid::from_u128(9));
const BLOB: &str = "state/00000000-0000-0000-0000-000000000007.json";
const COPY: &str = "state-unreadable/00000000-0000-0000-0000-000000000007.json";
const OWNER: &str = "by-lead/00000000-0000-0000-0000-000000000009.json";

fn states() -> (States, Arc<Drawer>) {
    let drawer = Arc::new(Drawer::default());
    (States::new(Arc::clone(&drawer) as Arc<dyn Blobs>), drawer)
}

fn some() -> State {
    State {
        lead: Some(LEAD),
        ..State::new(Uuid::from_u128(1))
    }
}

#[tokio::test]
async fn what_was_saved_is_loaded() {
    let (states, _) = states();
    let mut stored = states.load(ID).await.unwrap();
    assert_eq!(stored.state, None);
    let saved = states.save(ID, &some(), &mut stored).await.unwrap();
    assert_eq!(saved, Saved::Done);
    assert_eq!(states.load(ID).await.unwrap(), stored);
    assert_eq!(stored.state, Some(some()));
    assert_eq!(states.load(OTHER).await.unwrap(), Stored::default());
}

#[tokio::test]
async fn a_save_fails_when_somebody_saved_since_the_load() {
    let (states, drawer) = states();
    let mut first = states.load(ID).await.unwrap();
    let mut second = first.clone();
    states.save(ID, &some(), &mut first).await.unwrap();
    let raced = states.save(ID, &some(), &mut second).await.unwrap();
    assert_eq!((raced, drawer.writes()), (Saved::Changed, 1));
    // What was noted is the new version: the same run saves on.
    let saved = states.save(ID, &some(), &mut first).await.unwrap();
    assert_eq!((saved, drawer.writes()), (Saved::Done, 2));
}

#[tokio::test]
async fn what_cannot_be_read_counts_as_none_and_is_set_aside_before_it_is_overwritten() {
    let (states, drawer) = states();
    drawer.set(BLOB, "{\"format\":1,");
    let mut stored = states.load(ID).await.unwrap();
    assert_eq!(stored.state, None);
    assert!(stored.is_unreadable());
    assert_eq!(drawer.text(COPY), None);
    let saved = states.save(ID, &some(), &mut stored).await.unwrap();
    assert_eq!(saved, Saved::Done);
    assert_eq!(drawer.text(COPY).as_deref(), Some("{\"format\":1,"));
    assert_eq!(states.load(ID).await.unwrap().state, Some(some()));
}

#[tokio::test]
async fn what_a_newer_program_wrote_and_what_cannot_be_had_is_never_taken_for_none() {
    let (states, drawer) = states();
    drawer.set(BLOB, "{\"format\":2}");
    drawer.set(OWNER, "{\"format\":2}");
    let errors = [
        states.load(ID).await.unwrap_err(),
        states.claim(LEAD, ID).await.unwrap_err(),
        states.owner_of(LEAD).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error.cause, StorageCause::Newer { format: 2 }));
        assert_eq!(error.disposition(), Disposition::RETRY);
    }
    drawer.jam(true);
    assert!(states.load(ID).await.is_err());
    assert!(states.claim(LEAD, ID).await.is_err());
}

#[tokio::test]
async fn a_lead_belongs_to_the_first_referral_that_claims_it() {
    let (states, drawer) = states();
    assert_eq!(states.owner_of(LEAD).await.unwrap(), None);
    for _ in 0..2 {
        assert_eq!(states.claim(LEAD, ID).await.unwrap(), Claim::Ours);
    }
    assert_eq!(states.claim(LEAD, OTHER).await.unwrap(), Claim::Of(ID));
    assert_eq!(states.owner_of(LEAD).await.unwrap(), Some(ID));
    assert_eq!(drawer.writes(), 1);
}

#[tokio::test]
async fn a_claim_that_cannot_be_read_is_nobodys() {
    let (states, drawer) = states();
    drawer.set(OWNER, "?");
    assert_eq!(states.owner_of(LEAD).await.unwrap(), None);
    assert_eq!(states.claim(LEAD, OTHER).await.unwrap(), Claim::Ours);
    assert_eq!(states.owner_of(LEAD).await.unwrap(), Some(OTHER));
}

#[tokio::test]
async fn what_changed_since_it_was_loaded_is_not_forgotten() {
    let (states, _) = states();
    let mut stored = states.load(ID).await.unwrap();
    states.save(ID, &some(), &mut stored).await.unwrap();
    let old = stored.clone();
    states.save(ID, &some(), &mut stored).await.unwrap();
    assert!(!states.forget(ID, &old).await.unwrap());
    assert!(states.forget(ID, &stored).await.unwrap());
    assert_eq!(states.load(ID).await.unwrap().state, None);
}
