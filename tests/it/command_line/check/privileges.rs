//! `check` and what the application user may do in Dataverse: asked, never tried.

use sandbox::{Sandbox, Service};

use super::{assert_fails, assert_warns, check, line, lines, with_a_referral};

async fn with_switches(change: impl FnOnce(&mut sandbox::dataverse::Switches)) -> Sandbox {
    let sandbox = with_a_referral().await;
    change(&mut sandbox.world().dataverse.lock().switches);
    sandbox
}

#[tokio::test(flavor = "multi_thread")]
async fn each_privilege_that_the_role_lacks_is_a_line_that_says_what_it_is_needed_for() {
    let lacking = ["prvCreateLead", "prvCreateNote"];
    let lacks = lacking.map(str::to_owned);
    let sandbox = with_switches(|it| it.missing_privileges.extend(lacks)).await;
    let run = check(&sandbox, &[]).await;
    assert_eq!(run.exit, 2, "{run:?}");
    let told = lines(&run, "privileges");
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("prvCreateLead: ") && told[0].contains("create leads"));
    assert!(told[1].contains("prvCreateNote: ") && told[1].contains("notes on the timeline"));
    assert!(line(&run, "leads").0.starts_with("ok"), "{run:?}");
    let asked = sandbox.world().requests.of(Service::Dataverse);
    assert!(asked.iter().all(|it| it.method == "GET"), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_mode_does_not_write_needs_no_privilege_to_write() {
    let lacks = "prvCreateLead".to_owned();
    let sandbox = with_switches(|it| it.missing_privileges.extend([lacks])).await;
    let run = check(&sandbox, &[("SYNC_MODE", "observe")]).await;
    assert_eq!(run.exit, 0, "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn giving_leads_to_a_team_needs_one_privilege_more() {
    let lacks = "prvAssignLead".to_owned();
    let sandbox = with_switches(|it| it.missing_privileges.extend([lacks])).await;
    assert_eq!(check(&sandbox, &[]).await.exit, 0);
    let team = format!("team:{}", sandbox::dataverse::SALES_TEAM_ID);
    let run = check(&sandbox, &[("SYNC_LEAD_OWNER", &team)]).await;
    assert_fails(&run, "privileges", &["prvAssignLead", "SYNC_LEAD_OWNER"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_reaches_its_own_leads_alone_is_a_warning() {
    let own = "prvWriteLead".to_owned();
    let sandbox = with_switches(|it| it.own_rows_only.extend([own])).await;
    let run = check(&sandbox, &[]).await;
    assert_warns(&run, "privileges", &["prvWriteLead", "its own rows only"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_without_sales_is_told_in_one_line() {
    let sandbox = with_switches(|it| it.sales = false).await;
    let run = check(&sandbox, &[]).await;
    assert_fails(
        &run,
        "leads",
        &["no lead table", "without Dynamics 365 Sales"],
    );
    assert!(line(&run, "leads").1.contains("DATAVERSE_URL"), "{run:?}");
    for silent in ["privileges", "lead_columns"] {
        assert_eq!(lines(&run, silent), Vec::<&str>::new(), "{run:?}");
    }
    assert!(line(&run, "currencies").0.starts_with("ok"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_table_that_lacks_a_mapped_column_works_with_a_warning() {
    let sandbox = Sandbox::start().await.unwrap();
    let column = "jobtitle";
    sandbox.world().dataverse.lock().remove_lead_column(column);
    let run = check(&sandbox, &[]).await;
    assert_warns(&run, "lead_columns", &[column, "left out"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leads_do_without_is_a_warning_and_nothing_where_it_is_not_wanted() {
    let lacks = ["prvReadAccount", "prvAppendToContact"].map(str::to_owned);
    let sandbox = with_switches(|it| it.missing_privileges.extend(lacks)).await;
    let run = check(&sandbox, &[]).await;
    assert_warns(&run, "privileges", &["prvReadAccount", "made without"]);
    let told = lines(&run, "privileges");
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].contains("prvAppendToContact: "), "{told:?}");
    assert!(run.stdout.contains("SYNC_PARENTS"), "{run:?}");
    let run = check(&sandbox, &[("SYNC_MODE", "observe")]).await;
    assert_eq!(lines(&run, "privileges").len(), 1, "{run:?}");
    let run = check(&sandbox, &[("SYNC_PARENTS", "off")]).await;
    assert_eq!(run.exit, 0, "{run:?}");
}
