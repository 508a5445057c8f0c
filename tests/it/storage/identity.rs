//! Without a key: the tokens of an identity, over TLS.

use referral_connector::failure::{Classify, Disposition};
use referral_connector::upstream::storage::StorageCause;
use sandbox::Effect;
use sandbox::entra::{CLIENT_ID, CLIENT_SECRET, STORAGE, TENANT_ID};

use super::*;

/// The storage as an app registration opens it.
async fn opened() -> (Sandbox, Storage) {
    let sandbox = Sandbox::start().await.unwrap();
    let origin = sandbox.settings_with_identity();
    let address = |name: &str| origin[&format!("AzureWebJobsStorage__{name}")].clone();
    let kept = storage(
        &sandbox,
        &[
            ("AZURE_CREDENTIAL", "client_secret"),
            ("AZURE_TENANT_ID", TENANT_ID),
            ("AZURE_CLIENT_ID", CLIENT_ID),
            ("AZURE_CLIENT_SECRET", CLIENT_SECRET),
            ("AzureWebJobsStorage", ""),
            (
                "AzureWebJobsStorage__blobServiceUri",
                &address("blobServiceUri"),
            ),
            (
                "AzureWebJobsStorage__queueServiceUri",
                &address("queueServiceUri"),
            ),
        ],
    );
    (sandbox, kept)
}

fn refuses(sandbox: &Sandbox, times: Option<u32>) {
    let code = ("x-ms-error-code", "InvalidAuthenticationInfo");
    let effect = Effect::Status {
        code: 401,
        headers: BTreeMap::from([(code.0.to_owned(), code.1.to_owned())]),
        body: serde_json::Value::Null,
    };
    let mut fault = Fault::new(Service::Storage, effect);
    fault.times = times;
    sandbox.world().faults.add(fault);
}

/// How many tokens for storage were issued.
fn issued(sandbox: &Sandbox) -> u64 {
    let entra = sandbox.world().entra.lock();
    entra.issued("client_credentials", STORAGE)
}

#[tokio::test]
async fn an_identity_does_all_that_the_accounts_key_does_with_one_token() {
    let (sandbox, storage) = opened().await;
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
        assert!(!request.query.unwrap_or_default().contains("sig="));
    }
    assert_eq!(issued(&sandbox), 1);
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_once() {
    let (sandbox, kept) = opened().await;
    refuses(&sandbox, Some(1));
    assert_eq!(kept.blobs().get("state/1.json").await.unwrap(), None);
    assert_eq!(issued(&sandbox), 2);

    refuses(&sandbox, None);
    let error = kept.blobs().get("state/1.json").await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Misconfigured);
}

#[tokio::test]
async fn an_identity_that_cannot_sign_in_is_no_fault_of_the_account() {
    let (sandbox, kept) = opened().await;
    let outage = Fault::new(Service::Entra, Effect::status(503));
    sandbox.world().faults.add(outage);
    let error = kept.blobs().get("state/1.json").await.unwrap_err();
    assert!(matches!(error.disposition(), Disposition::Retry { .. }));
    assert!(matches!(error.cause, StorageCause::NoToken(_)), "{error:?}");
    assert!(sandbox.world().requests.of(Service::Storage).is_empty());
}
