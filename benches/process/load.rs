//! Sends one prepared request again and again over kept connections, as fast as the server answers.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CONNECTIONS: usize = 16;

/// The bytes of a delivery.
pub(crate) struct Request(Vec<u8>);

impl Request {
    pub(crate) fn new(certificate_url: &url::Url, signature: &[u8], body: &[u8]) -> Self {
        let mut bytes = format!(
            "POST /api/ReferralWebhook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
             x-ms-certificate-url: {certificate_url}\r\nx-ms-signature-algorithm: rsa-sha256\r\n\
             Authorization: Signature {}\r\nContent-Length: {}\r\n\r\n",
            STANDARD.encode(signature),
            body.len(),
        )
        .into_bytes();
        bytes.extend_from_slice(body);
        Self(bytes)
    }
}

/// Answers a second that `port` gave within `time`. Stops the program at any other status than `expected`.
pub(crate) async fn run(port: u16, request: &Request, expected: u16, time: Duration) -> f64 {
    let begun = Instant::now();
    let connections: Vec<_> = (0..CONNECTIONS)
        .map(|_| tokio::spawn(connection(port, request.0.clone(), expected, begun + time)))
        .collect();
    let mut answers = 0_u32;
    for connection in connections {
        answers += connection.await.unwrap();
    }
    f64::from(answers) / begun.elapsed().as_secs_f64()
}

async fn connection(port: u16, request: Vec<u8>, expected: u16, end: Instant) -> u32 {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap();
    stream.set_nodelay(true).unwrap();
    let expected = format!("HTTP/1.1 {expected}").into_bytes();
    let mut buffer = vec![0; 4096];
    let mut answers = 0;
    while Instant::now() < end {
        stream.write_all(&request).await.unwrap();
        let mut filled = 0;
        while !complete(&buffer[..filled]) {
            let read = stream.read(&mut buffer[filled..]).await.unwrap();
            assert!(read != 0, "the server hung up");
            filled += read;
        }
        assert!(
            buffer.starts_with(&expected),
            "{}",
            String::from_utf8_lossy(&buffer[..filled])
        );
        answers += 1;
    }
    answers
}

/// Whether `answer` holds its whole head and as much body as the head announces.
fn complete(answer: &[u8]) -> bool {
    let Some(head) = answer.windows(4).position(|it| it == b"\r\n\r\n") else {
        return false;
    };
    let text = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |value| value.trim().parse().unwrap());
    head + 4 + length <= answer.len()
}
