//! Without a key: the tokens of an identity. Where nothing is stored, the vault's address stands in for the account's.

use referral_connector::failure::{Classify, Disposition};
use sandbox::Effect;
use sandbox::entra::{CLIENT_ID, CLIENT_SECRET, STORAGE, TENANT_ID};

use super::*;

/// An app registration signs in, in place of the managed identity, which only a process of its own has.
const REGISTRATION: [(&str, &str); 6] = [
    ("AZURE_CREDENTIAL", "client_secret"),
    ("AZURE_TENANT_ID", TENANT_ID),
    ("AZURE_CLIENT_ID", CLIENT_ID),
    ("AZURE_CLIENT_SECRET", CLIENT_SECRET),
    ("AzureWebJobsStorage", ""),
    ("AzureWebJobsStorage__credential", ""),
];

/// The storage at these addresses, opened by an app registration.
fn opened_at(sandbox: &Sandbox, blobs: &str, queues: &str) -> Storage {
    let addresses = [
        ("AzureWebJobsStorage__blobServiceUri", blobs),
        ("AzureWebJobsStorage__queueServiceUri", queues),
    ];
    storage(sandbox, &[&REGISTRATION[..], &addresses[..]].concat())
}

/// Blobs opened by an app registration, at an address where every blob is missing.
async fn opened() -> (Sandbox, BlobStore) {
    let sandbox = Sandbox::start().await.unwrap();
    let origin = sandbox.url(Service::KeyVault);
    let blobs = opened_at(&sandbox, origin.as_str(), origin.as_str()).blobs();
    (sandbox, blobs)
}

fn says(sandbox: &Sandbox, code: u16, word: &str, times: Option<u32>) {
    let effect = Effect::Status {
        code,
        headers: BTreeMap::from([("x-ms-error-code".to_owned(), word.to_owned())]),
        body: serde_json::Value::Null,
    };
    let mut fault = Fault::new(Service::KeyVault, effect);
    fault.times = times;
    sandbox.world().faults.add(fault);
}

/// How many tokens for storage were issued.
fn issued(sandbox: &Sandbox) -> u64 {
    let entra = sandbox.world().entra.lock();
    entra.issued("client_credentials", STORAGE)
}

#[tokio::test]
async fn an_identity_presents_a_token_for_storage_and_keeps_it() {
    let (sandbox, blobs) = opened().await;
    says(&sandbox, 404, "BlobNotFound", None);
    for _ in 0..2 {
        assert_eq!(blobs.get("state/1.json").await.unwrap(), None);
    }
    assert_eq!(issued(&sandbox), 1);
    for read in sandbox.world().requests.of(Service::KeyVault) {
        assert_eq!(read.path, "/referral-connector/state/1.json");
        assert!(
            read.headers["authorization"].starts_with("Bearer"),
            "{read:?}"
        );
    }
}

#[tokio::test]
async fn an_identity_does_all_that_the_accounts_key_does() {
    let sandbox = Sandbox::start().await.unwrap();
    let settings = sandbox.settings_with_identity();
    let address = |service| &*settings[service];
    let storage = opened_at(
        &sandbox,
        address("AzureWebJobsStorage__blobServiceUri"),
        address("AzureWebJobsStorage__queueServiceUri"),
    );
    let (blobs, later) = (storage.blobs(), storage.queue(RETRY_QUEUE));
    let (name, content) = ("state/1.json", Bytes::from_static(b"{}"));

    let put = |presumed| blobs.put(name, content.clone(), presumed);
    let Put::Done(version) = put(Presumed::Absent).await.unwrap() else {
        panic!("the account is empty")
    };
    assert_eq!(put(Presumed::Absent).await.unwrap(), Put::Changed);
    let Put::Done(version) = put(Presumed::Version(&version)).await.unwrap() else {
        panic!("nobody else writes")
    };
    assert_eq!(blobs.get(name).await.unwrap().unwrap().version, version);
    assert_eq!(blobs.list("state/", None).await.unwrap().names.len(), 1);
    assert!(blobs.delete(name, Some(&version)).await.unwrap());
    send(&later, "a <message>").await;
    assert_eq!(take(&later).await, ["a <message>"]);

    let requests = sandbox.world().requests.of(Service::Storage);
    assert!(requests.len() > 7, "{requests:#?}");
    for request in requests {
        assert_eq!(request.headers["authorization"], "Bearer", "{request:?}");
    }
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_once() {
    let (sandbox, blobs) = opened().await;
    says(&sandbox, 401, "InvalidAuthenticationInfo", Some(1));
    says(&sandbox, 404, "BlobNotFound", None);
    assert_eq!(blobs.get("state/1.json").await.unwrap(), None);
    assert_eq!(issued(&sandbox), 2);

    sandbox.world().faults.clear();
    says(&sandbox, 401, "InvalidAuthenticationInfo", None);
    let error = blobs.get("state/1.json").await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Misconfigured);
}

#[tokio::test]
async fn an_identity_that_cannot_sign_in_is_no_fault_of_the_account() {
    let (sandbox, blobs) = opened().await;
    sandbox
        .world()
        .faults
        .add(Fault::new(Service::Entra, Effect::status(503)));
    let error = blobs.get("state/1.json").await.unwrap_err();
    assert!(matches!(error.disposition(), Disposition::Retry { .. }));
    assert!(error.to_string().contains("could not read blob"), "{error}");
    assert!(matches!(
        error.cause,
        referral_connector::upstream::storage::StorageCause::NoToken(_)
    ));
}
