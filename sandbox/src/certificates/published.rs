//! A file on one of the certificate hosts, and how the host behaves when it is asked for.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use hyper::body::Frame;
use tokio::time::Sleep;

/// How much an endless answer sends before it ends after all.
const ENDLESS: usize = 64 * 1024 * 1024;
const CHUNK: usize = 16 * 1024;

/// A file and the way it is handed out.
#[derive(Clone, Debug)]
pub struct Published {
    /// The file.
    pub content: Bytes,
    /// Its content type.
    pub content_type: String,
    /// How it is sent.
    pub behaviour: Behaviour,
}

/// How a host answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// 200, the file with its length.
    Whole,
    /// The file under another status, such as 204, 206 or 404.
    Status(u16),
    /// A redirect to `location`, the file as its body.
    Redirect {
        /// The status, such as 302.
        status: u16,
        /// Where to.
        location: String,
    },
    /// 200, the file without its length, a few bytes at a time.
    Drip {
        /// How many bytes at once.
        bytes: usize,
        /// How long before each.
        pause: Duration,
    },
    /// 200, the file without its length, as fast as it goes.
    Chunked,
    /// 200, the file and then blanks, 64 MiB of them, without a length.
    Endless,
    /// 200, the file compressed although nobody asked for it.
    Gzip,
}

impl Published {
    /// A file as Azure's blob storage serves it.
    pub fn file(content: impl Into<Bytes>) -> Self {
        Self {
            content: content.into(),
            content_type: "application/octet-stream".to_owned(),
            behaviour: Behaviour::Whole,
        }
    }

    /// A web page where a certificate should be.
    pub fn html() -> Self {
        Self {
            content_type: "text/html; charset=utf-8".to_owned(),
            ..Self::file("<!doctype html><title>Sign in</title><p>Sign in to continue.</p>")
        }
    }

    /// The same file, sent in another way.
    #[must_use]
    pub fn behaving(self, behaviour: Behaviour) -> Self {
        Self { behaviour, ..self }
    }

    pub(super) fn response(&self) -> Response {
        let whole = |status: u16| {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, self.content.clone()).into_response()
        };
        let mut response = match &self.behaviour {
            Behaviour::Whole => whole(200),
            Behaviour::Status(status) => whole(*status),
            Behaviour::Redirect { status, location } => {
                let mut response = whole(*status);
                if let Ok(location) = HeaderValue::from_str(location) {
                    response.headers_mut().insert(header::LOCATION, location);
                }
                response
            }
            Behaviour::Drip { bytes, pause } => self.stream(*bytes, *pause, 0),
            Behaviour::Chunked => self.stream(CHUNK, Duration::ZERO, 0),
            Behaviour::Endless => self.stream(CHUNK, Duration::ZERO, ENDLESS),
            Behaviour::Gzip => {
                ([(header::CONTENT_ENCODING, "gzip")], gzip(&self.content)).into_response()
            }
        };
        if let Ok(content_type) = HeaderValue::from_str(&self.content_type) {
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, content_type);
        }
        response
    }

    fn stream(&self, chunk: usize, pause: Duration, filler: usize) -> Response {
        Response::new(Body::new(Stream {
            left: self.content.clone(),
            filler,
            chunk: chunk.max(1),
            pause,
            sleep: None,
        }))
    }
}

/// A body of unknown length that comes in pieces.
struct Stream {
    left: Bytes,
    /// How many blanks follow.
    filler: usize,
    chunk: usize,
    pause: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if !self.pause.is_zero() {
            let pause = self.pause;
            let sleep = self
                .sleep
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
            ready!(sleep.as_mut().poll(context));
            self.sleep = None;
        }
        if self.left.is_empty() {
            let next = self.filler.min(CHUNK);
            self.filler -= next;
            self.left = Bytes::from(vec![b' '; next]);
        }
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let size = self.chunk.min(self.left.len());
        let piece = self.left.split_to(size);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}

/// `content` as a gzip file of stored, that is uncompressed, blocks (RFC 1951, 3.2.4; RFC 1952).
fn gzip(content: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut blocks = content.chunks(0xffff).peekable();
    if blocks.peek().is_none() {
        out.extend([1, 0, 0, 0xff, 0xff]);
    }
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).expect("chunks are cut at 65535 bytes");
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend_from_slice(block);
    }
    out.extend(crc32(content).to_le_bytes());
    let size = u32::try_from(content.len() % (1 << 32)).expect("reduced to 32 bits");
    out.extend(size.to_le_bytes());
    out
}

fn crc32(content: &[u8]) -> u32 {
    let step = |crc: u32, _| {
        if crc & 1 == 1 {
            (crc >> 1) ^ 0xedb8_8320
        } else {
            crc >> 1
        }
    };
    !content
        .iter()
        .fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests {
    use super::{crc32, gzip};

    #[test]
    fn the_checksum_is_that_of_gzip() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_gzip_file_carries_its_content_stored() {
        let file = gzip(b"abc");
        assert_eq!(file[10..18], [1, 3, 0, 0xfc, 0xff, b'a', b'b', b'c']);
        assert_eq!(file[file.len() - 4..], [3, 0, 0, 0]);
    }
}
