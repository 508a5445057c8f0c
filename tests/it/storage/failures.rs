use jiff::{SignedDuration, Timestamp};
use openssl::base64::{decode_block, encode_block};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use referral_connector::failure::{Chain, Classify, Disposition};
use referral_connector::upstream::storage::{Queue, StorageCause, StorageError};
use referral_connector::upstream::{calls, retry};
use sandbox::Effect;
use tokio::time::Instant;

use super::*;

const NAME: &str = "state/1.json";

fn fault(effect: Effect) -> Fault {
    Fault::new(Service::Storage, effect)
}

/// An answer as the account itself would say no.
fn says(code: u16, word: &str) -> Effect {
    Effect::Status {
        code,
        headers: BTreeMap::from([("x-ms-error-code".to_owned(), word.to_owned())]),
        body: "<?xml version=\"1.0\"?><Error/>".into(),
    }
}

async fn refused(it: &Kept) -> [StorageError; 3] {
    [
        it.blobs.get(NAME).await.unwrap_err(),
        it.blobs.list("", None).await.unwrap_err(),
        it.later.send("x", Duration::ZERO).await.unwrap_err(),
    ]
}

#[tokio::test]
async fn an_account_that_cannot_now_is_asked_again_and_then_given_up_with_the_wait_it_wants() {
    let it = Kept::start().await;
    it.wrote(NAME, "{}").await;
    it.fault(fault(Effect::status(503)).times(2));
    assert!(it.read(NAME).await.is_some());

    let busy = Effect::Status {
        code: 503,
        headers: BTreeMap::from([("retry-after".to_owned(), "20".to_owned())]),
        body: "Server busy".into(),
    };
    it.fault(fault(busy));
    let began = Instant::now();
    let soon = began + Duration::from_secs(2);
    let error = retry::until(soon, it.blobs.get(NAME)).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(4));
    let Disposition::Retry { after: Some(after) } = error.disposition() else {
        panic!("{}", Chain(&error))
    };
    assert!(after > Duration::from_secs(10), "{after:?}");

    let sent = it.requests().len();
    let soon = Instant::now() + Duration::from_secs(2);
    let error = retry::until(soon, it.later.send("x", SOON))
        .await
        .unwrap_err();
    let left_alone =
        matches!(error.cause, StorageCause::Paused { after } if after > Duration::from_secs(10));
    assert!(left_alone, "{}", Chain(&error));
    assert_eq!(it.requests().len(), sent);
}

#[tokio::test]
async fn a_refusal_is_for_a_person_and_says_the_accounts_own_word() {
    let it = Kept::start().await;
    it.fault(fault(says(403, "AuthorizationPermissionMismatch")));
    for error in refused(&it).await {
        assert_eq!(error.disposition(), Disposition::Misconfigured);
        let text = Chain(&error).to_string();
        assert!(text.contains("Storage Blob Data Owner"), "{text}");
    }
}

#[tokio::test]
async fn no_answer_is_tried_again_later() {
    let it = Kept::start().await;
    for effect in [Effect::Cut, Effect::Hang] {
        it.sandbox.world().faults.clear();
        it.fault(fault(effect));
        let soon = Instant::now() + Duration::from_secs(2);
        let error = retry::until(soon, it.blobs.get(NAME)).await.unwrap_err();
        assert!(
            matches!(error.cause, StorageCause::Unreachable),
            "{error:?}"
        );
        assert_eq!(error.disposition(), Disposition::RETRY);
    }
}

#[tokio::test]
async fn an_answer_of_somebody_else_is_never_taken_for_an_account_without_the_blob() {
    let it = Kept::start().await;
    it.wrote(NAME, "{}").await;
    for code in [200, 404] {
        it.sandbox.world().faults.clear();
        it.fault(fault(Effect::Status {
            code,
            headers: BTreeMap::from([("etag".to_owned(), "\"1\"".to_owned())]),
            body: "<html>Welcome to the hotel</html>".into(),
        }));
        for error in refused(&it).await {
            let Disposition::Retry { .. } = error.disposition() else {
                panic!("{code}: {}", Chain(&error))
            };
        }
        let taken = it.later.take(1, SOON).await;
        assert!(taken.is_err(), "{code}: {taken:?}");
    }
}

#[tokio::test]
async fn a_blob_that_breaks_off_is_no_blob() {
    let it = Kept::start().await;
    it.wrote(NAME, "{\"format\":1,\"lead\":\"a long enough text\"}")
        .await;
    it.fault(fault(Effect::Truncate));
    let error = it.blobs.get(NAME).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::RETRY);
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_known_for_our_own() {
    let it = Kept::start().await;
    it.wrote("state/0.json", "{}").await;
    for effect in [Effect::Cut, Effect::status(500)] {
        it.fault(fault(effect).method("PUT").after().times(1));
        let name = format!("state/{}.json", it.requests().len());
        let version = it.wrote(&name, "mine").await;
        let blob = it.blobs.get(&name).await.unwrap().unwrap();
        assert_eq!(blob.version, version);

        it.fault(fault(Effect::Cut).method("PUT").after().times(1));
        let written = it.write(&name, "again", Presumed::Version(&version)).await;
        assert!(matches!(written, Put::Done(_)), "{written:?}");

        it.fault(fault(Effect::Cut).method("DELETE").after().times(1));
        assert!(it.blobs.delete(&name, None).await.unwrap());
    }
}

#[tokio::test]
async fn a_write_that_somebody_else_made_first_is_not_taken_for_our_own() {
    let it = Kept::start().await;
    it.wrote(NAME, "theirs").await;
    it.fault(fault(Effect::Cut).method("PUT").times(1));
    let written = it.write(NAME, "mine", Presumed::Absent).await;
    assert_eq!(written, Put::Changed);
}

#[tokio::test]
async fn a_blob_that_cannot_be_written_now_is_not_one_that_changed() {
    let it = Kept::start().await;
    let version = it.wrote(NAME, "{}").await;
    for (code, word) in [(409, "ContainerBeingDeleted"), (412, "LeaseIdMissing")] {
        it.fault(fault(says(code, word)).times(1));
        let content = Bytes::from_static(b"x");
        let presumed = Presumed::Version(&version);
        let error = it.blobs.put(NAME, content, presumed).await.unwrap_err();
        assert_eq!(error.disposition(), Disposition::RETRY, "{word}");
    }
}

#[tokio::test]
async fn a_message_whose_answer_is_lost_is_sent_again_rather_than_lost() {
    let it = Kept::start().await;
    send(&it.later, "first").await;
    it.fault(fault(Effect::Cut).method("POST").after().times(1));
    send(&it.later, "second").await;
    assert_eq!(take(&it.later).await, ["first", "second", "second"]);
    it.fault(fault(Effect::Cut).method("POST").times(1));
    send(&it.later, "third").await;
    assert_eq!(take(&it.later).await, ["third"]);
}

#[tokio::test]
async fn every_request_is_on_the_record_of_its_run() {
    let it = Kept::start().await;
    it.fault(fault(Effect::status(500)).times(1));
    let (blob, records) = calls::recorded(it.blobs.get(NAME)).await;
    assert_eq!(blob.unwrap(), None);
    let seen: Vec<_> = records
        .iter()
        .map(|it| (it.upstream.word(), it.operation, it.status, it.attempt))
        .collect();
    assert_eq!(
        seen,
        [
            ("storage", "read blob", Some(500), 1),
            ("storage", "read blob", Some(404), 2)
        ]
    );
}

/// The connection string of a shared access signature that ends at `end`.
fn signed(sandbox: &Sandbox, end: Timestamp) -> String {
    let account = &sandbox.world().storage;
    let (name, end) = (account.account_name(), end.strftime("%Y-%m-%dT%H:%M:%SZ"));
    let text = format!("{name}\nrwdlacup\nbq\nsco\n\n{end}\n\nhttps,http\n2021-12-02\n\n");
    let key = PKey::hmac(&decode_block(&key(sandbox)).unwrap()).unwrap();
    let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
    let signature = encode_block(&signer.sign_oneshot_to_vec(text.as_bytes()).unwrap());
    let signature: String = url::form_urlencoded::byte_serialize(signature.as_bytes()).collect();
    format!(
        "BlobEndpoint={};QueueEndpoint={};SharedAccessSignature=sv=2021-12-02&ss=bq&srt=sco&sp=rwdlacup&se={end}&spr=https,http&sig={signature}",
        account.blobs_url(),
        account.queues_url(),
    )
}

/// The account's key, as the connection string has it.
fn key(sandbox: &Sandbox) -> String {
    let connection = &sandbox.settings()["AzureWebJobsStorage"];
    let key = connection
        .split(';')
        .find_map(|it| it.strip_prefix("AccountKey="));
    key.unwrap().to_owned()
}

#[tokio::test]
async fn a_signature_of_somebody_else_serves_until_it_ends() {
    let sandbox = Sandbox::start().await.unwrap();
    let now = Timestamp::now();
    let good = signed(&sandbox, now + SignedDuration::from_hours(1));
    let kept = storage(&sandbox, &[("AzureWebJobsStorage", &good)]);
    kept.blobs().probe().await.unwrap();
    kept.queue(RETRY_QUEUE).probe().await.unwrap();

    let ended = signed(&sandbox, now - SignedDuration::from_hours(1));
    let kept = storage(&sandbox, &[("AzureWebJobsStorage", &ended)]);
    let error = kept.blobs().get(NAME).await.unwrap_err();
    assert!(
        matches!(error.cause, StorageCause::Expired { .. }),
        "{error:?}"
    );
    assert_eq!(error.disposition(), Disposition::Misconfigured);
    let text = Chain(&error).to_string();
    assert!(!text.contains("sig="), "{text}");
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_never_shown() {
    let sandbox = Sandbox::start().await.unwrap();
    let wrong = "bm90IHRoZSBrZXkgb2YgdGhpcyBhY2NvdW50";
    let connection = sandbox.settings()["AzureWebJobsStorage"].replace(&key(&sandbox), wrong);
    let kept = storage(&sandbox, &[("AzureWebJobsStorage", &connection)]);
    let error = kept.blobs().get(NAME).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Misconfigured);
    let text = format!("{} {error:?}", Chain(&error));
    assert!(text.contains("check the key"), "{text}");
    assert!(!text.contains(wrong) && !text.contains("http"), "{text}");
}
