//! Refusals, lost answers and waits.

use std::time::{Duration, Instant};

use referral_connector::failure::{Chain, Classify, Disposition};
use referral_connector::ids::LeadId;
use referral_connector::lead::{Changes, Columns};
use referral_connector::upstream::dataverse::{Created, Updated};
use referral_connector::upstream::retry;
use sandbox::dataverse::{CodeSpelling, LeadProfile, Switches};
use sandbox::{Effect, Fault, Service};
use serde_json::json;

use super::{Organisation, column, fresh, text};

fn topic(topic: &str) -> Columns {
    [(column("subject"), text(topic))].into()
}

impl Organisation {
    fn switch(&self, switch: impl FnOnce(&mut Switches)) {
        self.with(|state| switch(&mut state.switches));
    }

    fn fault(&self, effect: Effect, method: &str) {
        let fault = Fault::new(Service::Dataverse, effect).method(method);
        self.sandbox
            .world()
            .faults
            .add(fault.path("leads(").times(1));
    }

    async fn refused_creation(&self) -> (Disposition, String) {
        let columns = topic("T");
        let created = self.dataverse.create_lead(fresh(), &columns, None, None);
        let error = created.await.unwrap_err();
        (error.disposition(), Chain(&error).to_string())
    }
}

#[tokio::test]
async fn outcomes_are_the_same_however_codes_are_spelt() {
    for spelling in [
        CodeSpelling::Hex,
        CodeSpelling::SignedDecimal,
        CodeSpelling::Empty,
    ] {
        let org = Organisation::start().await;
        org.switch(|switches| switches.code_spelling = spelling);
        let (id, columns) = (fresh(), topic("T"));
        assert_eq!(org.dataverse.lead(id).await.unwrap(), None);
        let created = org.dataverse.create_lead(id, &columns, None, None);
        assert!(matches!(created.await.unwrap(), Created::Now(Some(_))));
        let created = org.dataverse.create_lead(id, &columns, None, None);
        let created = created.await.unwrap();
        assert_eq!(created, Created::AlreadyThere, "{spelling:?}");
        let lead = org.read(id).await;
        let changes = Changes::from([(column("subject"), Some(text("U")))]);
        let updated = org.dataverse.update_lead(id, &lead.etag, &changes);
        assert!(matches!(updated.await.unwrap(), Updated::Done(Some(_))));
        let updated = org.dataverse.update_lead(id, &lead.etag, &changes);
        let updated = updated.await.unwrap();
        assert_eq!(updated, Updated::Changed, "{spelling:?}");
        org.with(|state| state.delete_lead(id.uuid())).unwrap();
        let updated = org.dataverse.update_lead(id, &lead.etag, &changes);
        assert_eq!(updated.await.unwrap(), Updated::Gone, "{spelling:?}");
    }
}

#[tokio::test]
async fn a_creation_whose_answer_is_lost_is_not_sent_again_as_the_repeat_would_meet_our_own_lead() {
    let org = Organisation::start().await;
    let fault = Fault::new(Service::Dataverse, Effect::Cut).method("PATCH");
    org.sandbox.world().faults.add(fault.after().times(1));
    let id = fresh();
    let created = org.dataverse.create_lead(id, &topic("T"), None, None).await;
    let error = created.unwrap_err();
    assert_eq!(error.disposition(), Disposition::RETRY);
    assert!(!error.had_no_effect());
    assert_eq!(org.sent("PATCH").len(), 1);
    assert_eq!(org.read(id).await.columns[&column("subject")], text("T"));
}

#[tokio::test]
async fn a_wait_that_dataverse_asks_for_is_kept() {
    let org = Organisation::start().await;
    let id = org.seed(&json!({"subject": "T"}));
    org.dataverse.schema().await.unwrap();
    org.fault(Effect::throttled(1), "GET");
    let started = Instant::now();
    org.read(id).await;
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_wait_longer_than_the_time_there_is_is_handed_on() {
    let org = Organisation::start().await;
    org.dataverse.schema().await.unwrap();
    org.fault(Effect::throttled(120), "PATCH");
    let started = Instant::now();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    let id = fresh();
    let columns = topic("T");
    let creation = org.dataverse.create_lead(id, &columns, None, None);
    let error = retry::until(deadline, creation).await.unwrap_err();
    let Disposition::Retry { after: Some(after) } = error.disposition() else {
        panic!("{error}")
    };
    assert!(after > Duration::from_secs(100));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_busy_database_is_worth_another_try_whatever_the_status() {
    let org = Organisation::start().await;
    for code in ["0x80044151", "-2147204783"] {
        let effect = Effect::Status {
            code: 400,
            headers: [].into(),
            body: json!({"error": {"code": code, "message": "SQL timeout"}}),
        };
        org.fault(effect, "PATCH");
        let (disposition, text) = org.refused_creation().await;
        assert_eq!(disposition, Disposition::RETRY, "{text}");
    }
}

#[tokio::test]
async fn a_page_of_a_gateway_is_no_missing_lead() {
    let org = Organisation::start().await;
    let id = org.seed(&json!({"subject": "T"}));
    org.dataverse.schema().await.unwrap();
    let effect = Effect::Status {
        code: 404,
        headers: [].into(),
        body: json!("<html>404 Site not found</html>"),
    };
    org.fault(effect, "GET");
    let error = org.dataverse.lead(id).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Misconfigured);
    assert!(Chain(&error).to_string().contains("DATAVERSE_URL"));
}

#[tokio::test]
async fn what_a_person_has_to_set_right_is_said_in_words() {
    type Case = (fn(&mut Switches), &'static str);
    let cases: [Case; 3] = [
        (
            |it| it.missing_privileges = ["prvCreateLead".to_owned()].into(),
            "security role",
        ),
        (|it| it.unknown_application = true, "application user"),
        (|it| it.sales = false, "Dynamics 365 Sales"),
    ];
    for (switch, words) in cases {
        let org = Organisation::start().await;
        org.switch(switch);
        let (disposition, text) = org.refused_creation().await;
        assert_eq!(disposition, Disposition::Misconfigured, "{text}");
        assert!(text.contains(words), "{text}");
    }
}

#[tokio::test]
async fn a_plug_in_s_refusal_is_final_and_its_words_stay_out_of_the_error() {
    let org = Organisation::start().await;
    org.switch(|switches| switches.plugin_refusal = Some("Ann Doe is on the list".to_owned()));
    let (disposition, text) = org.refused_creation().await;
    assert_eq!(disposition, Disposition::Permanent);
    assert!(text.contains("plug-in") && !text.contains("Ann"), "{text}");
}

#[tokio::test]
async fn a_value_too_long_for_its_column_is_final() {
    let org = Organisation::start().await;
    org.with(|state| state.set_lead_profile(LeadProfile::Customised));
    let id: LeadId = fresh();
    let columns = topic(&"x".repeat(51));
    let error = org.dataverse.create_lead(id, &columns, None, None).await;
    let error = error.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Permanent);
    assert!(Chain(&error).to_string().contains("0x80044331"));
    assert_eq!(org.with(|state| state.lead(id.uuid())), None);
}
