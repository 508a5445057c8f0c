//! HTTP requests written byte by byte: paths and framings that a client would put right before it sends them.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest wait for an answer.
const BOUND: Duration = Duration::from_secs(20);

/// One request; the connection ends with its answer.
pub(crate) struct Raw {
    head: String,
    body: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Raw {
    /// A request without a body.
    pub(crate) fn new(method: &str, path: &str) -> Self {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n");
        Self {
            head,
            body: Vec::new(),
        }
    }

    /// A `POST`, whose body is still to be given.
    pub(crate) fn post(path: &str) -> Self {
        Self::new("POST", path)
    }

    /// With one more header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head.extend([name, ": ", value, "\r\n"]);
        self
    }

    /// With a body whose length is announced.
    pub(crate) fn sized(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self.header("Content-Length", &body.len().to_string())
    }

    /// With a body in chunks of at most a thousand bytes.
    pub(crate) fn chunked(mut self, body: &[u8]) -> Self {
        self.body.clear();
        for chunk in body.chunks(1000) {
            self.body.extend(format!("{:x}\r\n", chunk.len()).bytes());
            self.body.extend(chunk);
            self.body.extend(b"\r\n");
        }
        self.body.extend(b"0\r\n\r\n");
        self.header("Transfer-Encoding", "chunked")
    }

    /// Sends it to `port` of 127.0.0.1 and reads the answer to the end.
    pub(crate) async fn send(self, port: u16) -> Reply {
        let mut stream = self.open(port).await;
        let mut bytes = Vec::new();
        // A server that has answered may reset the connection under a body it did not want.
        let read = tokio::time::timeout(BOUND, stream.read_to_end(&mut bytes));
        let _ = read.await.expect("an answer in time");
        Reply::read(&bytes)
    }

    /// Sends it and leaves the answer unread: dropping the stream is hanging up.
    pub(crate) async fn open(self, port: u16) -> TcpStream {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        let mut request = format!("{}\r\n", self.head).into_bytes();
        request.extend(self.body);
        // The same: what was not taken is not missed.
        let _ = stream.write_all(&request).await;
        stream
    }
}

impl Reply {
    fn read(bytes: &[u8]) -> Self {
        let end = bytes
            .windows(4)
            .position(|it| it == b"\r\n\r\n")
            .expect("an answer with a head");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self {
            status,
            head,
            body: bytes[end + 4..].to_vec(),
        }
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields
            .into_iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The body as JSON; null when it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The status and the code word.
    pub(crate) fn verdict(&self) -> (u16, String) {
        (
            self.status,
            self.json()["code"].as_str().unwrap_or_default().to_owned(),
        )
    }
}
