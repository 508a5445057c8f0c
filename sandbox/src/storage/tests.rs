use axum::http::Method;
use jiff::{SignedDuration, Timestamp};

use super::client::{Call, Client, Proof};
use super::queue::Queue;
use super::*;
use crate::{Effect, Fault, Sandbox, Service};

const QUEUE: &str = "some-queue";
const TAKEN: Duration = Duration::from_mins(1);

impl Storage {
    /// A client of the queues as an app has it: through the proxy.
    fn outside(&self, proof: Proof) -> Client {
        Client::new(self.queues_url.clone(), proof, "app")
    }

    fn keyed(&self) -> Client {
        self.outside(Proof::Key(self.account.credentials.clone()))
    }
}

/// The status of the call that makes `name`.
async fn make(client: &Client, name: &str) -> u16 {
    let answer = client.send(Call::new(Method::PUT, name)).await.unwrap();
    answer.status().as_u16()
}

#[tokio::test]
async fn the_accounts_key_opens_it_through_the_proxy_and_another_key_does_not() {
    let sandbox = Sandbox::start().await.unwrap();
    let storage = &sandbox.world().storage;
    assert_eq!(make(&storage.keyed(), QUEUE).await, 201);
    let other = Credentials::new(storage.account_name(), "b3RoZXI=").unwrap();
    assert_eq!(
        make(&storage.outside(Proof::Key(other)), "other").await,
        403
    );
}

#[tokio::test]
async fn a_signature_opens_the_account_until_it_ends_and_an_altered_one_does_not() {
    let sandbox = Sandbox::start().await.unwrap();
    let storage = &sandbox.world().storage;
    let signed = |hours| {
        let end = Timestamp::now() + SignedDuration::from_hours(hours);
        signature::account_sas(&storage.account.credentials, end)
    };
    let good = signed(1);
    let altered = good.replace("sp=rwdlacup", "sp=rwdlacupx");
    assert_ne!(altered, good);
    for (query, status) in [(good, 201), (altered, 403), (signed(-1), 403)] {
        let client = storage.outside(Proof::Signed(query.clone()));
        assert_eq!(make(&client, QUEUE).await, status, "{query}");
    }
}

#[tokio::test]
async fn requests_are_logged_and_meet_faults_before_or_after_they_took_effect() {
    let sandbox = Sandbox::start().await.unwrap();
    let world = sandbox.world();
    let client = world.storage.keyed();
    let fault = |effect| Fault::new(Service::Storage, effect).path(QUEUE).times(1);
    make(&client, QUEUE).await;
    let queue = Queue::new(client, QUEUE);

    world.faults.add(fault(Effect::status(503)));
    assert!(queue.send("refused").await.is_err());
    world.faults.add(fault(Effect::Cut).after());
    assert!(queue.send("lost answer").await.is_err());
    queue.send("well").await.unwrap();

    let messages = world.storage.messages(QUEUE).await.unwrap();
    let texts: Vec<_> = messages.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(texts, ["lost answer", "well"]);
    let name = world.storage.account_name();
    let log = world.requests.of(Service::Storage);
    let lines: Vec<_> = log.iter().map(|it| (it.line(), it.status)).collect();
    let sent = format!("POST /{name}/{QUEUE}/messages");
    let expected = [
        (format!("PUT /{name}/{QUEUE}"), Some(201)),
        (sent.clone(), Some(503)),
        (sent.clone(), None),
        (sent, Some(201)),
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn no_sandbox_sees_what_another_stored() {
    let (one, other) = (Sandbox::start().await, Sandbox::start().await);
    let (one, other) = (one.unwrap(), other.unwrap());
    let (one, other) = (&one.world().storage, &other.world().storage);
    one.put_blob("state", "a", "1").await.unwrap();
    one.send(QUEUE, "hello").await.unwrap();
    assert_eq!(other.blob("state", "a").await.unwrap(), None);
    assert_eq!(other.messages(QUEUE).await.unwrap(), []);
    let stolen = Proof::Key(one.account.credentials.clone());
    assert_ne!(make(&other.outside(stolen), QUEUE).await, 201);
}

#[tokio::test]
async fn blobs_are_written_read_listed_and_deleted() {
    let sandbox = Sandbox::start().await.unwrap();
    let storage = &sandbox.world().storage;
    assert_eq!(
        storage.blobs("box", "").await.unwrap(),
        Vec::<String>::new()
    );
    for name in ["a/2", "a/1", "b/1"] {
        storage
            .put_blob("box", name, name.to_owned())
            .await
            .unwrap();
    }
    storage.put_blob("box", "a/1", "again").await.unwrap();
    assert_eq!(storage.blobs("box", "a/").await.unwrap(), ["a/1", "a/2"]);
    assert_eq!(storage.blob("box", "a/1").await.unwrap().unwrap(), "again");
    assert!(storage.delete_blob("box", "a/1").await.unwrap());
    assert!(!storage.delete_blob("box", "a/1").await.unwrap());
    assert_eq!(storage.blobs("box", "").await.unwrap(), ["a/2", "b/1"]);
    assert_eq!(sandbox.world().requests.of(Service::Storage), []);
}

#[tokio::test]
async fn hidden_messages_are_told_of_and_released_unless_somebody_has_them() {
    let sandbox = Sandbox::start().await.unwrap();
    let storage = &sandbox.world().storage;
    let queue = Queue::new(storage.keyed(), QUEUE);
    queue.send("in work <&>").await.unwrap();
    let taken = queue.take(32, TAKEN).await.unwrap();
    assert_eq!(taken[0].text, "in work <&>");
    assert!(taken[0].expires.is_some());
    let late = Call::new(Method::POST, format!("{QUEUE}/messages"))
        .query("visibilitytimeout", "3600")
        .query("messagettl", "-1")
        .header("content-type", "application/xml")
        .body("<QueueMessage><MessageText>late</MessageText></QueueMessage>");
    succeeded(storage.keyed().send(late).await.unwrap()).unwrap();

    let messages = storage.messages(QUEUE).await.unwrap();
    let [working, late] = &messages[..] else {
        panic!("{messages:?}")
    };
    assert_eq!((&*working.text, working.dequeue_count), ("in work <&>", 1));
    assert_eq!((&*late.text, late.dequeue_count), ("late", 0));
    assert!(working.hidden_for() <= TAKEN && !working.hidden_for().is_zero());
    assert!(late.hidden_for() > Duration::from_mins(59));
    let week = SignedDuration::from_hours(24 * 7);
    assert_eq!(
        (working.expires, late.expires),
        (Some(working.inserted + week), None)
    );

    assert_eq!(queue.take(32, TAKEN).await.unwrap(), []);
    assert_eq!(storage.release(QUEUE).await.unwrap(), 1);
    let released = queue.take(32, TAKEN).await.unwrap();
    assert_eq!((released.len(), released[0].expires), (1, None));
    assert_eq!((&*released[0].text, &released[0].id), ("late", &late.id));
    assert_eq!(storage.release("no-such-queue").await.unwrap(), 0);
}

#[tokio::test]
async fn a_taken_message_is_hidden_anew_and_deleted_by_whoever_has_it() {
    let sandbox = Sandbox::start().await.unwrap();
    let storage = &sandbox.world().storage;
    let queue = Queue::new(storage.keyed(), QUEUE);
    assert_eq!(queue.take(1, TAKEN).await.unwrap(), []);
    queue.send("one").await.unwrap();
    let mut taken = queue.take(1, TAKEN).await.unwrap().remove(0);
    let before = taken.clone();
    queue.hide(&mut taken, Duration::ZERO).await.unwrap();
    assert_ne!(taken.receipt, before.receipt);
    let again = queue.take(1, TAKEN).await.unwrap().remove(0);
    assert_eq!((&again.id, again.dequeue_count), (&before.id, 2));
    queue.delete(&before).await.unwrap();
    assert_eq!(storage.messages(QUEUE).await.unwrap().len(), 1);
    queue.delete(&again).await.unwrap();
    assert_eq!(storage.messages(QUEUE).await.unwrap(), []);
}

#[tokio::test]
async fn a_token_opens_the_account_over_https_if_it_is_for_storage() {
    let sandbox = Sandbox::start().await.unwrap();
    let world = sandbox.world();
    let settings = sandbox.settings_with_identity();
    assert!(!settings.contains_key(CONNECTION));
    let authority = std::fs::read(sandbox.ca_file()).unwrap();
    let authority = reqwest::Certificate::from_pem(&authority).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([authority]);
    let client = client.no_proxy().build().unwrap();
    let token = async |resource: &str| {
        let mut url = Url::parse(&settings["IDENTITY_ENDPOINT"]).unwrap();
        url.query_pairs_mut()
            .extend_pairs([("api-version", "2019-08-01"), ("resource", resource)]);
        let asked = client.get(url);
        let asked = asked.header("x-identity-header", &settings["IDENTITY_HEADER"]);
        let answer = asked.send().await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    };
    let make = async |url: &str, token: &str| {
        let request = client.put(format!("{url}/{QUEUE}")).bearer_auth(token);
        let request = request.header("x-ms-version", signature::VERSION);
        request.send().await.unwrap().status().as_u16()
    };
    let good = token(crate::entra::STORAGE).await;
    let queues = &settings["AzureWebJobsStorage__queueServiceUri"];
    assert_eq!(make(queues, &good).await, 201);
    assert_eq!(make(queues, &good).await, 204);
    assert_eq!(make(queues, &token(crate::entra::VAULT).await).await, 401);
    // No token is taken where others could read it.
    assert_eq!(make(world.storage.queues_url.as_str(), &good).await, 403);

    world.storage.put_blob("box", "one", "1").await.unwrap();
    let blobs = &settings["AzureWebJobsStorage__blobServiceUri"];
    let blob = client.get(format!("{blobs}/box/one")).bearer_auth(&good);
    let blob = blob.header("x-ms-version", signature::VERSION);
    assert_eq!(blob.send().await.unwrap().text().await.unwrap(), "1");
}
