use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::time::{advance, sleep};

use super::super::Identity;
use super::*;

const AUDIENCE: &str = "https://api.example.invalid";
const LIFETIME: Duration = Duration::from_hours(1);

/// Issues tokens named after their number, a second each, or fails.
#[derive(Default)]
struct Numbered {
    issued: AtomicU32,
    down: AtomicBool,
}

impl Issuer for Arc<Numbered> {
    fn identity(&self) -> Identity {
        Identity::ManagedIdentity
    }

    fn issue<'a>(&'a self, audience: &'a str) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        async move {
            let number = self.issued.fetch_add(1, Ordering::SeqCst) + 1;
            sleep(Duration::from_secs(1)).await;
            assert_ne!(audience, "https://panic.invalid");
            if self.down.load(Ordering::SeqCst) {
                return Err(TokenError::Unavailable {
                    identity: Identity::ManagedIdentity,
                    after: None,
                    source: Arc::new(io::Error::from(io::ErrorKind::TimedOut)),
                });
            }
            Ok(AccessToken::new(format!("{audience}#{number}"), LIFETIME).unwrap())
        }
        .boxed()
    }
}

fn cached() -> (Cached<Arc<Numbered>>, Arc<Numbered>) {
    let issuer = Arc::new(Numbered::default());
    (Cached::new(Arc::clone(&issuer)), issuer)
}

async fn number(tokens: &Cached<Arc<Numbered>>) -> u32 {
    let header = tokens.token(AUDIENCE).await.unwrap().authorization();
    let (_, number) = header.to_str().unwrap().rsplit_once('#').unwrap();
    number.parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn parallel_callers_share_one_fetch() {
    let (tokens, issuer) = cached();
    let callers = (0..100).map(|_| tokens.token(AUDIENCE));
    let results = futures_util::future::join_all(callers).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(issuer.issued.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn each_audience_has_its_own_token() {
    let (tokens, issuer) = cached();
    tokens.token("https://a.invalid").await.unwrap();
    tokens.token("https://b.invalid").await.unwrap();
    tokens.token("https://a.invalid").await.unwrap();
    assert_eq!(issuer.issued.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_in_the_background_before_it_ends() {
    let (tokens, _) = cached();
    assert_eq!(number(&tokens).await, 1);
    advance(LIFETIME.saturating_sub(AHEAD)).await;
    // Whoever comes when the renewal is due does not wait for it.
    assert_eq!(number(&tokens).await, 1);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(number(&tokens).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_leaves_the_good_token_in_use_and_is_tried_again_after_a_rest() {
    let (tokens, issuer) = cached();
    assert_eq!(number(&tokens).await, 1);
    issuer.down.store(true, Ordering::SeqCst);
    advance(LIFETIME.saturating_sub(AHEAD)).await;
    for _ in 0..10 {
        assert_eq!(number(&tokens).await, 1);
        sleep(Duration::from_secs(2)).await;
    }
    assert_eq!(issuer.issued.load(Ordering::SeqCst), 2);
    issuer.down.store(false, Ordering::SeqCst);
    sleep(RENEWAL_REST).await;
    assert_eq!(number(&tokens).await, 1);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(number(&tokens).await, 3);
}

#[tokio::test(start_paused = true)]
async fn without_a_good_token_the_failure_is_the_answer_and_rests_briefly() {
    let (tokens, issuer) = cached();
    issuer.down.store(true, Ordering::SeqCst);
    for _ in 0..5 {
        assert!(tokens.token(AUDIENCE).await.is_err());
    }
    assert_eq!(issuer.issued.load(Ordering::SeqCst), 1);
    issuer.down.store(false, Ordering::SeqCst);
    sleep(FAILURE_REST).await;
    assert_eq!(number(&tokens).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_does_not_stop_the_fetch_for_others() {
    let (tokens, issuer) = cached();
    let hasty = tokio::time::timeout(Duration::from_millis(1), tokens.token(AUDIENCE));
    assert!(hasty.await.is_err());
    assert_eq!(number(&tokens).await, 1);
    assert_eq!(issuer.issued.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_signing_in_fails_that_sign_in_alone() {
    let (tokens, _) = cached();
    let error = tokens.token("https://panic.invalid").await.unwrap_err();
    assert!(matches!(error, TokenError::Unavailable { .. }));
    assert_eq!(number(&tokens).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_once() {
    let (tokens, _) = cached();
    let first = tokens.token(AUDIENCE).await.unwrap();
    assert!(tokens.refused(AUDIENCE, &first));
    assert_eq!(number(&tokens).await, 2);
    // A caller that still held the first one is sent for the second.
    assert!(tokens.refused(AUDIENCE, &first));
    let second = tokens.token(AUDIENCE).await.unwrap();
    assert!(!tokens.refused(AUDIENCE, &second));
    assert_eq!(number(&tokens).await, 2);
}
