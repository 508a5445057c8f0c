//! Each rule of how the two sides stay in step, broken: the simulation has to notice.

use simulation::{Setup, Variant, first_failure};

use crate::faulty::{Flaw, with};

/// Fails unless one of the first `seeds` seeds notices what `variant` breaks.
fn is_noticed(seeds: u64, variant: Variant) {
    let setup = Setup {
        variant,
        ..Setup::default()
    };
    assert!(
        first_failure(0..seeds, &setup).is_some(),
        "no seed below {seeds} notices"
    );
}

macro_rules! mutants {
    ($($name:ident: $seeds:literal, $flaw:expr;)+) => {
        $(#[test] fn $name() { is_noticed($seeds, |world| with(world, $flaw)); })+
    };
}

mutants! {
    a_state_saved_over_a_newer_one_is_noticed: 10_000, Flaw::BlobsWithoutPreconditions;
    lost_intentions_are_noticed: 2_000, Flaw::Forgets("intentions");
    intentions_in_place_of_others_are_noticed: 5_000, Flaw::OneIntention;
    intentions_that_expire_while_their_run_lives_are_noticed: 5_000, Flaw::HastyIntentions;
    lost_agreements_are_noticed: 500, Flaw::Forgets("agreed");
    differences_taken_for_agreements_are_noticed: 2_000, Flaw::AllAlike;
    a_forgotten_version_of_the_referral_is_noticed: 5_000, Flaw::Forgets("referral_version");
    a_forgotten_lead_is_noticed: 2_000, Flaw::Forgets("lead");
    a_forgotten_switch_of_modes_is_noticed: 2_000, Flaw::Forgets("two_way");
    forgotten_reports_are_noticed: 500, Flaw::Forgets("reported");
    a_failing_storage_taken_for_an_empty_one_is_noticed: 5_000, Flaw::FailingIsAbsent;
    a_lead_claimed_twice_is_noticed: 5_000, Flaw::ClaimsAlwaysHold;
    updates_of_leads_without_precondition_are_noticed: 1_000, Flaw::LeadsWithoutIfMatch;
    creation_over_a_lead_that_is_there_is_noticed: 2_000, Flaw::LeadsWithoutIfNoneMatch;
    patches_without_precondition_are_noticed: 2_000, Flaw::ReferralsWithoutIfMatch;
    a_referral_read_before_its_lead_is_noticed: 2_000, Flaw::ReferralFirst;
    values_agreed_as_sent_and_not_as_stored_are_noticed: 2_000, Flaw::TakesWhatWasSent;
    a_close_without_rest_is_noticed: 2_000, Flaw::AllLeadsRested;
    a_close_on_an_old_look_is_noticed: 5_000, Flaw::RemembersLeads;
    a_customer_who_is_known_and_not_recognised_is_noticed: 500, Flaw::NobodyIsKnown;
    a_lead_that_another_referral_has_and_that_is_taken_is_noticed: 5_000, Flaw::NobodyOwnsLeads;
    forgotten_leads_that_may_be_the_same_are_noticed: 5_000, Flaw::Forgets("duplicates");
    overwriting_without_a_note_is_noticed: 1_000, Flaw::NoNotes;
    a_later_look_that_never_comes_is_noticed: 500, Flaw::NothingLater;
    columns_that_do_not_follow_are_noticed: 500, Flaw::ShowsNothingNew;
    writing_what_is_there_is_noticed: 500, Flaw::OverlooksItsColumns;
    writing_for_ever_what_the_organisation_rewrites_is_noticed: 500, Flaw::ForgetsWhatIsRewritten;
    an_acceptance_nobody_asked_for_is_noticed: 500, Flaw::AcceptsByItself;
    a_decision_that_is_not_followed_is_noticed: 500, Flaw::OverlooksDecisions;
}
