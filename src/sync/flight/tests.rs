use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::*;
use crate::sync::plan::{Outcome, Report};

const ID: ReferralId = ReferralId::new(uuid::Uuid::from_u128(1));
const OTHER: ReferralId = ReferralId::new(uuid::Uuid::from_u128(2));
const EVENT: Digest = [1; 32];
const PATIENCE: Duration = Duration::from_secs(10);

/// Flights whose runs begin, are counted, and end when the test lets them.
struct Airport {
    flights: Flights,
    begun: watch::Receiver<usize>,
    gate: Arc<Semaphore>,
    at_once: Arc<AtomicUsize>,
}

impl Airport {
    fn open() -> Self {
        let (begun, seen) = watch::channel(0);
        let gate = Arc::new(Semaphore::new(0));
        let at_once = Arc::new(AtomicUsize::new(0));
        let (inner_gate, flying) = (Arc::clone(&gate), Arc::clone(&at_once));
        let flights = Flights::of(move |id, _| {
            let (gate, flying) = (Arc::clone(&inner_gate), Arc::clone(&flying));
            begun.send_modify(|begun| *begun += 1);
            Box::pin(async move {
                assert_eq!(
                    flying.fetch_add(1, Ordering::SeqCst),
                    0,
                    "one runs at a time"
                );
                gate.acquire().await.unwrap().forget();
                flying.fetch_sub(1, Ordering::SeqCst);
                assert_ne!(id, OTHER, "this one crashes");
                Ok(SyncReport {
                    outcome: Outcome::Unchanged,
                    lead: None,
                    reports: vec![Report::CloseHeld],
                    calls: Vec::new(),
                })
            })
        });
        Self {
            flights,
            begun: seen,
            gate,
            at_once,
        }
    }

    /// Asks, and gives the answer to come. The asking itself is done when this returns.
    fn ask(&self, id: ReferralId, digest: Option<Digest>) -> BoxFuture<'static, Shared> {
        let mut result = self.flights.board(id, digest, Instant::now() + PATIENCE);
        Box::pin(async move {
            result
                .wait_for(Option::is_some)
                .await
                .unwrap()
                .clone()
                .unwrap()
        })
    }

    async fn begun(&mut self, count: usize) {
        let begun = self.begun.wait_for(|begun| *begun >= count);
        timeout(PATIENCE, begun).await.unwrap().unwrap();
    }

    fn let_go(&self, runs: usize) {
        self.gate.add_permits(runs);
    }
}

#[tokio::test]
async fn a_hundred_copies_of_one_event_share_the_run_they_find() {
    let mut airport = Airport::open();
    let first = airport.ask(ID, Some(EVENT));
    airport.begun(1).await;
    let copies: Vec<_> = (0..99).map(|_| airport.ask(ID, Some(EVENT))).collect();
    airport.let_go(1);
    let report = first.await.unwrap();
    for copy in copies {
        assert!(Arc::ptr_eq(&copy.await.unwrap(), &report));
    }
    assert_eq!(*airport.begun.borrow(), 1);
}

#[tokio::test]
async fn other_events_share_one_run_that_begins_after_they_asked() {
    let mut airport = Airport::open();
    let first = airport.ask(ID, Some(EVENT));
    airport.begun(1).await;
    let later: Vec<_> = (2..50)
        .map(|number| airport.ask(ID, Some([number; 32])))
        .chain([airport.ask(ID, None)])
        .collect();
    assert_eq!(
        *airport.begun.borrow(),
        1,
        "the second run waits for the first"
    );
    airport.let_go(2);
    let first = first.await.unwrap();
    for other in later {
        assert!(!Arc::ptr_eq(&other.await.unwrap(), &first));
    }
    assert_eq!(*airport.begun.borrow(), 2);
    assert_eq!(airport.at_once.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_copy_of_a_waiting_event_waits_with_it() {
    let mut airport = Airport::open();
    let first = airport.ask(ID, None);
    airport.begun(1).await;
    let (second, copy) = (airport.ask(ID, Some(EVENT)), airport.ask(ID, Some(EVENT)));
    airport.let_go(1);
    first.await.unwrap();
    airport.begun(2).await;
    let late_copy = airport.ask(ID, Some(EVENT));
    airport.let_go(1);
    let report = second.await.unwrap();
    assert!(Arc::ptr_eq(&copy.await.unwrap(), &report));
    assert!(Arc::ptr_eq(&late_copy.await.unwrap(), &report));
}

#[tokio::test]
async fn a_caller_who_leaves_does_not_stop_the_run() {
    let mut airport = Airport::open();
    drop(airport.ask(ID, Some(EVENT)));
    airport.begun(1).await;
    assert!(!airport.flights.drain(Duration::from_millis(1)).await);
    airport.let_go(1);
    assert!(airport.flights.drain(PATIENCE).await);
    assert_eq!(airport.at_once.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_caller_out_of_time_is_told_that_the_run_goes_on() {
    let airport = Airport::open();
    let error = airport
        .flights
        .sync(ID, None, Instant::now())
        .await
        .unwrap_err();
    assert!(matches!(error.cause, SyncCause::Unfinished));
    airport.let_go(1);
    assert!(airport.flights.drain(PATIENCE).await);
}

#[tokio::test]
async fn a_crash_is_an_error_for_its_callers_and_nobody_else() {
    let airport = Airport::open();
    airport.let_go(2);
    let crashed = airport.ask(OTHER, None).await.unwrap_err();
    assert!(matches!(crashed.cause, SyncCause::Stopped));
    assert!(airport.ask(ID, None).await.is_ok());
    assert!(airport.flights.drain(PATIENCE).await);
}

/// Collects log lines.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(line)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_run_whose_callers_have_gone_logs_its_reports_itself() {
    let log = Log::default();
    let writer = log.clone();
    let lines = tracing_subscriber::fmt().with_writer(move || writer.clone());
    let _logging = tracing::subscriber::set_default(lines.finish());
    let mut airport = Airport::open();
    let heard = airport.ask(ID, None);
    airport.begun(1).await;
    airport.let_go(1);
    heard.await.unwrap();
    assert_eq!(log.text(), "");

    drop(airport.ask(ID, None));
    airport.begun(2).await;
    airport.let_go(1);
    assert!(airport.flights.drain(PATIENCE).await);
    assert!(log.text().contains("close_held"), "{}", log.text());
}
