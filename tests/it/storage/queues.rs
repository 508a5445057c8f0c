use referral_connector::upstream::storage::Queue;
use tokio::time::Instant;

use super::*;

#[tokio::test]
async fn a_message_is_taken_as_it_was_sent_and_removed_for_good() {
    let it = Kept::start().await;
    let text = "{\"format\":1,\"why\":\"<Brüder> & \\\"Söhne\\\"\"}";
    it.later.send(text, Duration::ZERO).await.unwrap();
    let taken = it.later.take(32, SOON).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].text, text);
    it.later.remove(&taken[0]).await.unwrap();
    it.later.remove(&taken[0]).await.unwrap();
    tokio::time::sleep(SOON).await;
    assert!(take(&it.later).await.is_empty());
}

#[tokio::test]
async fn a_message_is_sent_to_live_for_ever_and_to_show_no_earlier_than_asked() {
    let it = Kept::start().await;
    let began = Instant::now();
    let delay = Duration::from_millis(1500);
    it.later.send("later", delay).await.unwrap();
    let sent = it.requests().pop().unwrap();
    let query = sent.query.unwrap();
    assert!(query.contains("messagettl=-1"), "{query}");
    assert!(query.contains("visibilitytimeout=2"), "{query}");
    while take(&it.later).await.is_empty() {
        assert!(began.elapsed() < crate::rig::BOUND, "it never showed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(began.elapsed() >= delay, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_delay_beyond_what_a_queue_takes_is_the_longest_it_takes() {
    let it = Kept::start().await;
    it.later
        .send("x", Duration::from_hours(24 * 365))
        .await
        .unwrap();
    assert!(take(&it.later).await.is_empty());
}

#[tokio::test]
async fn a_message_that_was_not_removed_shows_again_and_its_old_receipt_removes_nothing() {
    let it = Kept::start().await;
    it.later.send("again", Duration::ZERO).await.unwrap();
    let first = it.later.take(1, SOON).await.unwrap().pop().unwrap();
    let began = Instant::now();
    let second = loop {
        assert!(began.elapsed() < crate::rig::BOUND, "it never showed");
        if let Some(taken) = it.later.take(1, SOON).await.unwrap().pop() {
            break taken;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(first.id, second.id);
    it.later.remove(&first).await.unwrap();
    tokio::time::sleep(SOON).await;
    assert_eq!(take(&it.later).await, ["again"]);
}

#[tokio::test]
async fn no_more_messages_are_taken_than_asked_for() {
    let it = Kept::start().await;
    for number in 0..40 {
        send(&it.later, &number.to_string()).await;
    }
    let hidden = Duration::from_mins(1);
    assert_eq!(it.later.take(3, hidden).await.unwrap().len(), 3);
    assert_eq!(it.later.take(u8::MAX, hidden).await.unwrap().len(), 32);
    assert_eq!(it.later.take(0, hidden).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_full_take_of_the_longest_messages_is_read() {
    let it = Kept::start().await;
    let longest = "\"".repeat(60_000);
    for _ in 0..32 {
        send(&it.later, &longest).await;
    }
    let taken = take(&it.later).await;
    assert_eq!(taken.len(), 32);
    assert!(taken.iter().all(|it| *it == longest));
}
