//! A record of every request a piece of work made, for the log line of a sync and for people.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Upstream;
use crate::trace::SpanId;

/// One attempt to call an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRecord {
    /// Who was called.
    pub upstream: Upstream,
    /// For what, in words such as `read referral`.
    pub operation: &'static str,
    /// The answer's status; `None` when there was no answer.
    pub status: Option<u16>,
    /// When it was sent.
    pub began: Instant,
    /// From sending to the last byte of the answer.
    pub elapsed: Duration,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// What it is within its trace.
    pub span: SpanId,
}

tokio::task_local! {
    static RECORDS: Arc<Mutex<Vec<CallRecord>>>;
}

/// Runs `work` and gives what it returned with every attempt it made, in the order they ended.
///
/// Recordings do not nest: the innermost one gets the records.
pub async fn recorded<T>(work: impl Future<Output = T>) -> (T, Vec<CallRecord>) {
    let records = Arc::default();
    let result = RECORDS.scope(Arc::clone(&records), work).await;
    let mut records = records.lock().unwrap_or_else(PoisonError::into_inner);
    (result, std::mem::take(&mut *records))
}

/// Adds `records` to the recording this task runs in, if any.
pub(crate) fn append(records: impl IntoIterator<Item = CallRecord>) {
    // Outside a recording nobody asked: start-up probes, background renewals.
    let _ = RECORDS.try_with(|recording| {
        let mut recording = recording.lock().unwrap_or_else(PoisonError::into_inner);
        recording.extend(records);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(began: Instant, attempt: u32, span: SpanId) -> CallRecord {
        CallRecord {
            upstream: Upstream::Dataverse,
            operation: "read lead",
            status: Some(200),
            began,
            elapsed: Duration::from_millis(3),
            attempt,
            span,
        }
    }

    #[tokio::test]
    async fn a_recording_holds_what_its_work_appended_and_nothing_else() {
        let (now, span) = (Instant::now(), SpanId::random());
        append([record(now, 1, span)]);
        let (result, records) = recorded(async {
            append([record(now, 2, span)]);
            tokio::task::yield_now().await;
            append([record(now, 3, span)]);
            "done"
        })
        .await;
        assert_eq!(result, "done");
        assert_eq!(records, [record(now, 2, span), record(now, 3, span)]);
    }
}
