//! Requests written byte by byte, to the program itself: what no client would send and no host would pass on.

use std::net::Ipv4Addr;
use std::time::Duration;

use sandbox::deliveries::Delivery;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::rig::{Answer, BOUND};

/// A request in pieces.
#[derive(Clone)]
pub(super) struct Request {
    /// Header lines after `Host`, each as bytes without its end.
    pub(super) headers: Vec<Vec<u8>>,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// `delivery` as any client would send it, except for its length.
    pub(super) fn of(delivery: &Delivery) -> Self {
        let line = |(name, value): &(String, String)| format!("{name}: {value}").into_bytes();
        Self {
            headers: delivery.headers.iter().map(line).collect(),
            body: delivery.body.to_vec(),
        }
    }

    /// The same with one more header line.
    pub(super) fn header(mut self, line: impl AsRef<[u8]>) -> Self {
        self.headers.push(line.as_ref().to_vec());
        self
    }

    /// The same without the headers called `name`.
    pub(super) fn without(mut self, name: &str) -> Self {
        let prefix = format!("{name}:").to_ascii_lowercase();
        self.headers
            .retain(|line| !line.to_ascii_lowercase().starts_with(prefix.as_bytes()));
        self
    }

    /// The same with its length announced.
    pub(super) fn measured(self) -> Self {
        let length = format!("Content-Length: {}", self.body.len());
        self.header(length)
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"POST /api/ReferralWebhook HTTP/1.1\r\nHost: 127.0.0.1\r\n".to_vec();
        for line in &self.headers {
            bytes.extend_from_slice(line);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// A connection to the program.
pub(super) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(super) async fn open(port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    /// Sends `bytes`. A program that has hung up meanwhile may have answered before.
    pub(super) async fn send(&mut self, bytes: &[u8]) {
        let _ = timeout(BOUND, self.0.write_all(bytes)).await.unwrap();
    }

    /// The next answer; none if the program hung up instead.
    pub(super) async fn answer(&mut self) -> Option<Answer> {
        timeout(BOUND, read(&mut self.0)).await.unwrap()
    }

    /// Whether the program hangs up now.
    pub(super) async fn is_closed(&mut self) -> bool {
        let read = timeout(Duration::from_secs(2), self.0.read(&mut [0])).await;
        matches!(read, Ok(Ok(0) | Err(_)))
    }
}

/// Sends `bytes` on a connection of their own.
pub(super) async fn send(port: u16, bytes: &[u8]) -> Option<Answer> {
    let mut connection = Connection::open(port).await;
    connection.send(bytes).await;
    connection.answer().await
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Answer> {
    let mut answer = Vec::new();
    loop {
        if let Some(head) = answer.windows(4).position(|it| it == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |value| value.parse().unwrap());
            if head + 4 + length <= answer.len() {
                let status = text.split(' ').nth(1).unwrap().parse().unwrap();
                let body = serde_json::from_slice(&answer[head + 4..head + 4 + length]);
                return Some(Answer {
                    status,
                    body: body.unwrap_or_default(),
                    retry_after: text
                        .lines()
                        .find_map(|line| line.strip_prefix("retry-after: "))
                        .map(|value| value.parse().unwrap()),
                });
            }
        }
        // Byte by byte, so that a second answer stays for the next call.
        match stream.read_u8().await {
            Ok(byte) => answer.push(byte),
            Err(_) => return None,
        }
    }
}
