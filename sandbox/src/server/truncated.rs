//! A body that breaks off.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, HttpBody},
    http::Response,
};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};

/// Announces a whole body, sends a part of it, and fails: the connection closes in the middle.
struct Truncated {
    part: Option<Bytes>,
    announced: u64,
    flushed: bool,
}

/// `response` with the first half of its body.
pub(super) async fn truncate(response: Response<Body>) -> Response<Body> {
    let (parts, body) = response.into_parts();
    let Ok(whole) = body.collect().await else {
        return super::cut();
    };
    let whole = whole.to_bytes();
    let body = Truncated {
        part: Some(whole.slice(..whole.len() / 2)),
        // One more than there is, so that an empty body breaks off too.
        announced: whole.len() as u64 + u64::from(whole.is_empty()),
        flushed: false,
    };
    let mut response = Response::from_parts(parts, Body::new(body));
    response.headers_mut().remove("content-length");
    response
}

impl HttpBody for Truncated {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(part) = self.part.take() {
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        if !self.flushed {
            // A body that has to wait gets what it gave so far sent.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let error = std::io::Error::other("the answer breaks off here");
        Poll::Ready(Some(Err(error)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}
