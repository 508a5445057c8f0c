//! Where the refresh token goes: the vault or a file, which is looked at before anybody signs in.

use std::os::unix::fs::PermissionsExt;

use sandbox::Sandbox;
use sandbox::entra::PARTNER_API;

use super::{Consenting, assert_nothing_kept, consent, settings, stored};
use crate::program;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_there_yet_is_made_for_its_owner_alone() {
    let sandbox = Sandbox::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refresh-token");
    let changes = [
        ("KEY_VAULT_URL", ""),
        ("PARTNER_CENTER_REFRESH_TOKEN_FILE", path.to_str().unwrap()),
    ];
    let run = consent(&sandbox, &[], &changes).await;
    assert_eq!(run.exit, 0, "{run:?}");
    assert!(run.stdout.contains(path.to_str().unwrap()), "{run:?}");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let check = program::run(&["check"], &settings(&sandbox, &changes)).await;
    assert!(
        check.stdout.contains("referrals can be listed"),
        "{check:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_without_rights_is_found_before_anybody_signs_in() {
    let sandbox = Sandbox::start().await.unwrap();
    let before = stored(&sandbox);
    sandbox.world().key_vault.lock().forbid_get(true);
    let run = Consenting::start(&["--no-browser"], &settings(&sandbox, &[]))
        .end()
        .await;
    sandbox.world().key_vault.lock().forbid_get(false);
    let sentences = ["status 403", "Key Vault Secrets Officer"];
    assert_nothing_kept(&sandbox, &before, &run, 78, &sentences);
    assert!(!run.stderr.contains("authorize"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_may_be_read_and_not_written_says_so_in_the_end() {
    let sandbox = Sandbox::start().await.unwrap();
    let before = stored(&sandbox);
    sandbox.world().key_vault.lock().forbid_set(true);
    let run = consent(&sandbox, &["--json"], &[]).await;
    assert_nothing_kept(&sandbox, &before, &run, 78, &[]);
    let error = run.json()["error"].as_str().unwrap().to_owned();
    assert!(error.contains("Key Vault Secrets Officer"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_there_is_found_before_anybody_signs_in() {
    let sandbox = Sandbox::start().await.unwrap();
    let changes = [
        ("KEY_VAULT_URL", ""),
        ("PARTNER_CENTER_REFRESH_TOKEN_FILE", "/no/such/folder/token"),
    ];
    let run = Consenting::start(&[], &settings(&sandbox, &changes))
        .end()
        .await;
    assert_eq!(run.exit, 78, "{run:?}");
    assert!(
        run.stderr
            .contains("/no/such/folder/token cannot be written"),
        "{run:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_the_newest_token_and_works_for_both_audiences() {
    let sandbox = Sandbox::start().await.unwrap();
    let world = sandbox.world();
    let now = world.clock.now();
    world.entra.lock().revoke_refresh_tokens(now);
    let before = stored(&sandbox);
    let run = consent(&sandbox, &[], &[]).await;
    assert_eq!(run.exit, 0, "{run:?}");
    assert_ne!(stored(&sandbox), before);
    let entra = world.entra.lock();
    assert_eq!(entra.issued("authorization_code", PARTNER_API), 1);
    for audience in [PARTNER_API, sandbox::entra::PARTNER_CENTER_API] {
        assert_eq!(entra.issued("refresh_token", audience), 1, "{audience}");
    }
}
