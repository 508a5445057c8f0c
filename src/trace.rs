//! Where a call belongs among the calls of others (W3C Trace Context, level 1): the trace is the caller's if it names one,
//! and goes on where we call systems of the same administrator.

use std::fmt;

use http::{HeaderName, HeaderValue};
use uuid::Uuid;

/// The header that names trace and span of the caller.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A call of ours within a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    id: u128,
    /// The caller's span, if a caller named one.
    parent: Option<SpanId>,
    span: SpanId,
}

/// One piece of work within a trace. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanId(u64);

tokio::task_local! {
    static CURRENT: Trace;
}

impl Trace {
    /// The trace that a caller's `traceparent` names; without a readable one, a trace of its own under `otherwise`.
    pub fn of(traceparent: Option<&str>, otherwise: Uuid) -> Self {
        let (id, parent) = match traceparent.and_then(parse) {
            Some((id, parent)) => (id, Some(parent)),
            None if otherwise.is_nil() => (Uuid::new_v4().as_u128(), None),
            None => (otherwise.as_u128(), None),
        };
        Self {
            id,
            parent,
            span: SpanId::random(),
        }
    }

    /// The caller's span, if a caller named one.
    pub const fn parent(&self) -> Option<SpanId> {
        self.parent
    }

    /// Our own span.
    pub const fn span(&self) -> SpanId {
        self.span
    }

    /// The header for a call of ours that is the span `child`.
    pub(crate) fn traceparent(&self, child: SpanId) -> HeaderValue {
        let text = format!("00-{self}-{child}-01");
        HeaderValue::try_from(text).expect("hexadecimal digits and hyphens are ASCII")
    }
}

impl fmt::Display for Trace {
    /// Its id: 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.id)
    }
}

impl SpanId {
    /// A new one.
    pub fn random() -> Self {
        Self(fastrand::u64(1..))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Runs `work` as a part of `trace`.
pub fn within<T>(trace: Trace, work: impl Future<Output = T>) -> impl Future<Output = T> {
    CURRENT.scope(trace, work)
}

/// The trace that this task works for, if any.
pub fn current() -> Option<Trace> {
    CURRENT.try_with(|trace| *trace).ok()
}

/// `work` for another task, which then works for the same trace as this one.
pub async fn carried<T>(trace: Option<Trace>, work: impl Future<Output = T>) -> T {
    match trace {
        Some(trace) => within(trace, work).await,
        None => work.await,
    }
}

/// Version, trace id, parent id, flags. A host that puts its own behind the caller's makes a list: the last one counts.
fn parse(text: &str) -> Option<(u128, SpanId)> {
    let text = text.rsplit(',').next()?.trim();
    let mut parts = text.split('-');
    let (version, id, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |part: &str, length| {
        part.len() == length
            && part
                .bytes()
                .all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
    };
    // A later version may have more parts.
    let more = version != "00" || parts.next().is_none();
    let sound = is_hex(version, 2) && version != "ff" && is_hex(flags, 2) && more;
    if !(sound && is_hex(id, 32) && is_hex(parent, 16)) {
        return None;
    }
    let id = u128::from_str_radix(id, 16).ok().filter(|id| *id != 0)?;
    let parent = u64::from_str_radix(parent, 16).ok().filter(|it| *it != 0)?;
    Some((id, SpanId(parent)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    const OWN: Uuid = Uuid::from_u128(7);

    #[test]
    fn a_callers_trace_is_continued() {
        for header in [
            CALLER,
            &format!("spoof, {CALLER}"),
            &CALLER.replace("00-4b", "cc-4b"),
        ] {
            let trace = Trace::of(Some(header), OWN);
            assert_eq!(trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
            let parent = trace.parent().map(|it| it.to_string());
            assert_eq!(parent.as_deref(), Some("00f067aa0ba902b7"), "{header}");
        }
    }

    #[test]
    fn what_names_no_trace_begins_one() {
        let upper = CALLER.to_uppercase();
        for header in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            &upper,
        ] {
            let trace = Trace::of(Some(header), OWN);
            assert_eq!(trace.to_string(), format!("{:032x}", 7), "{header}");
            assert_eq!(trace.parent(), None);
        }
        assert_ne!(
            Trace::of(None, Uuid::nil()).to_string(),
            format!("{:032x}", 0)
        );
    }

    proptest! {
        #[test]
        fn what_we_send_on_is_read_as_what_it_was(id in 1_u128.., text in ".{0,80}") {
            let trace = Trace::of(Some(&text), Uuid::from_u128(id));
            let child = SpanId::random();
            let header = trace.traceparent(child);
            let received = Trace::of(header.to_str().ok(), OWN);
            prop_assert_eq!(received.to_string(), trace.to_string());
            prop_assert_eq!(received.parent(), Some(child));
        }
    }

    #[tokio::test]
    async fn another_task_works_for_the_trace_only_if_it_is_carried_there() {
        let trace = Trace::of(None, OWN);
        within(trace, async {
            assert_eq!(current(), Some(trace));
            let alone = tokio::spawn(async { current() });
            assert_eq!(alone.await.unwrap(), None);
            let carried = tokio::spawn(carried(current(), async { current() }));
            assert_eq!(carried.await.unwrap(), Some(trace));
        })
        .await;
        assert_eq!(current(), None);
    }
}
