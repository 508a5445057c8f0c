//! The device code: the last resort.

use sandbox::entra::USER_NAME;
use sandbox::{Sandbox, Service};

use super::{Consenting, assert_nothing_kept, browser, settings, stored};
use crate::program::Run;

/// Begins, enters the code that is shown with `more` in the form, and waits for the end.
async fn consent(sandbox: &Sandbox, more: &str) -> Run {
    sandbox.world().entra.lock().devices().interval = 1;
    let mut it = Consenting::start(&["--device-code"], &settings(sandbox, &[]));
    let line = it.line("enter the code ").await;
    it.line("Many tenants block device codes").await;
    it.line("Ctrl-C stops it").await;
    let code = line.trim_end_matches('.').rsplit(' ').next().unwrap();
    let page = sandbox
        .url(Service::Entra)
        .join("common/oauth2/deviceauth")
        .unwrap();
    assert!(line.contains(page.as_str()), "{line}");
    let form = format!("otc={code}{more}");
    let entered = browser(sandbox).post(page).body(form).send().await.unwrap();
    assert_eq!(entered.status(), 200);
    it.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_entered_on_another_device_gives_the_same_consent() {
    let sandbox = Sandbox::start().await.unwrap();
    let before = stored(&sandbox);
    let run = consent(&sandbox, "").await;
    assert_eq!(run.exit, 0, "{run:?}");
    assert!(run.stdout.contains(USER_NAME), "{run:?}");
    assert!(run.stdout.contains("mfa is in the token's amr"), "{run:?}");
    assert_ne!(stored(&sandbox), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_code_without_a_second_factor_is_not_kept() {
    let sandbox = Sandbox::start().await.unwrap();
    let before = stored(&sandbox);
    sandbox
        .world()
        .entra
        .lock()
        .user(USER_NAME)
        .unwrap()
        .second_factor = false;
    let run = consent(&sandbox, "").await;
    assert_nothing_kept(&sandbox, &before, &run, 78, &["no second factor"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_blocks_device_codes_is_told_as_a_policy() {
    let sandbox = Sandbox::start().await.unwrap();
    let before = stored(&sandbox);
    sandbox.world().entra.lock().devices().blocked = true;
    let run = consent(&sandbox, "").await;
    let sentences = ["AADSTS53003", "conditional access"];
    assert_nothing_kept(&sandbox, &before, &run, 78, &sentences);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_device_code_is_declined() {
    let sandbox = Sandbox::start().await.unwrap();
    let before = stored(&sandbox);
    let run = consent(&sandbox, "&decline=1").await;
    let sentences = ["authorization_declined", "declined in the browser"];
    assert_nothing_kept(&sandbox, &before, &run, 78, &sentences);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_code_that_nobody_enters_is_given_up() {
    let sandbox = Sandbox::start().await.unwrap();
    let before = stored(&sandbox);
    sandbox.world().entra.lock().devices().interval = 1;
    let arguments = ["--device-code", "--timeout", "2"];
    let run = Consenting::start(&arguments, &settings(&sandbox, &[]))
        .end()
        .await;
    assert_nothing_kept(&sandbox, &before, &run, 75, &["within 2 s"]);
}
