//! What the host takes for a function.

use std::collections::BTreeMap;

use anyhow::Result;
use sandbox::host::{Host, HostOptions, State};
use serde_json::json;

use crate::app::{App, http};

#[tokio::test]
async fn what_the_host_refuses_is_not_indexed_and_said() -> Result<()> {
    let app = App::new()?.with_timer()?;
    let app = App {
        settings: BTreeMap::new(),
        ..app
    };
    app.function("1st", &http(&json!({})))?;
    app.function("Host", &http(&json!({})))?;
    app.function("Admin", &http(&json!({ "route": "admin/x" })))?;
    app.function("Runtime", &http(&json!({ "route": "/runtime" })))?;
    app.function("Name", &http(&json!({ "name": "a-b" })))?;
    app.function("Script", &http(&json!({})))?;
    std::fs::write(app.folder.path().join("Script/notes.txt"), "x")?;
    let trigger =
        json!({ "type": "timerTrigger", "direction": "in", "name": "t", "schedule": "every day" });
    app.function("Words", &json!({ "bindings": [trigger] }))?;
    let host = app.start().await?;
    let indexed: Vec<&str> = host
        .app()
        .functions
        .iter()
        .map(|function| &*function.name)
        .collect();
    assert_eq!(indexed, ["Hook"]);
    let reason = |name: &str| {
        let refusal = host
            .app()
            .refused
            .iter()
            .find(|refusal| refusal.function == name);
        refusal
            .map(|refusal| refusal.reason.clone())
            .unwrap_or_default()
    };
    assert!(reason("Tick").contains("app setting WHEN is missing"));
    assert!(reason("Admin").contains("built in routes"));
    assert!(reason("Script").contains("notes.txt"));
    assert!(
        host.errors()
            .iter()
            .any(|line| line.text.starts_with("The 'Words' function is in error"))
    );
    assert!(host.run_timer("Tick").await.is_err());
    Ok(())
}

#[tokio::test]
async fn without_a_function_no_handler_is_started() -> Result<()> {
    let app = App::new()?;
    std::fs::remove_dir_all(app.folder.path().join("Hook"))?;
    let host = app.start().await?;
    assert_eq!(host.state(), State::NoFunctions);
    Ok(())
}

#[tokio::test]
async fn the_executable_goes_by_the_name_in_host_json() -> Result<()> {
    let app = App::new()?;
    let options = HostOptions {
        executable: Some("/bin/sh".into()),
        ..app.options()
    };
    assert!(
        Host::start(options)
            .await
            .is_err_and(|error| error.to_string().contains("scripted-handler"))
    );
    Ok(())
}
