//! The app folder of this repository, as the Functions host and its tools read it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use sandbox::host::funcignore::FuncIgnore;
use sandbox::host::{Access, App, Trigger};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the sandbox lies in the workspace")
}

fn app() -> Result<App> {
    let schedules = [
        ("RECONCILE_SCHEDULE", "0 */5 * * * *"),
        ("TOKEN_RENEWAL_SCHEDULE", "0 30 3 * * *"),
    ];
    let settings = schedules.map(|(name, value)| (name.to_owned(), value.to_owned()));
    App::read(root(), &BTreeMap::from(settings))
}

#[test]
fn every_function_is_indexed() -> Result<()> {
    let app = app()?;
    assert_eq!(app.refused, []);
    for function in [
        "ReferralReconcile",
        "ReferralRetry",
        "ReferralWebhook",
        "TokenRenewal",
    ] {
        assert!(app.function(function).is_some(), "{function}");
    }
    Ok(())
}

#[test]
fn a_missing_schedule_leaves_the_webhook_working() -> Result<()> {
    let app = App::read(root(), &BTreeMap::new())?;
    assert!(app.function("ReferralWebhook").is_some());
    let refused: Vec<&str> = app.refused.iter().map(|it| &*it.function).collect();
    assert_eq!(refused, ["ReferralReconcile", "TokenRenewal"]);
    Ok(())
}

#[test]
fn the_webhook_takes_the_raw_request_from_holders_of_its_key() -> Result<()> {
    let app = app()?;
    let webhook = app
        .function("ReferralWebhook")
        .expect("the function is indexed");
    assert!(webhook.http_in_and_out);
    let Trigger::Http {
        access, methods, ..
    } = &webhook.trigger
    else {
        panic!("{webhook:?}")
    };
    assert_eq!(
        (*access, &methods[..]),
        (Access::Function, &[http::Method::POST][..])
    );
    assert!(app.config.proxying && app.config.forwarding);
    Ok(())
}

#[test]
fn no_outside_path_reaches_a_trigger_endpoint() -> Result<()> {
    let app = app()?;
    assert!(!app.config.route_prefix.is_empty());
    for function in &app.functions {
        if let Trigger::Http { route, .. } = &function.trigger {
            assert!(
                !route.contains('{'),
                "{} has the open route {route}",
                function.name
            );
        }
    }
    Ok(())
}

#[test]
fn the_package_holds_the_binary_and_the_hosts_files_alone() -> Result<()> {
    let rules = FuncIgnore::parse(&std::fs::read_to_string(root().join(".funcignore"))?)?;
    let mut expected = vec!["host.json".to_owned()];
    expected.extend(
        app()?
            .functions
            .iter()
            .map(|function| format!("{}/function.json", function.name)),
    );
    expected.sort();
    let mut packed = rules.packed(root())?;
    packed.retain(|path| path != "referral-connector");
    packed.sort();
    assert_eq!(packed, expected);
    assert!(rules.packs(&app()?.config.executable));
    for dropped in [
        "target/debug/referral-connector",
        "target/function.json",
        "docs/function.json",
        "src/main.rs",
        ".sandbox/ca.pem",
    ] {
        assert!(!rules.packs(dropped), "{dropped}");
    }
    Ok(())
}
