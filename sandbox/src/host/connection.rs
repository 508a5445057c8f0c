//! One connection to the handler, with nothing added to what is sent.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result};
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// How often a refused connection is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dial {
    Once,
    /// The host's retry when it proxies: ten tries, 50 ms doubling up to 250 ms apart.
    Retrying,
}

const TRIES: u32 = 10;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// A connection that carries one request.
pub(super) struct Connection(TokioIo<TcpStream>);

/// Connects to the handler, always at 127.0.0.1.
pub(super) async fn dial(port: u16, dial: Dial) -> Result<Connection> {
    let allowed = if dial == Dial::Once { 1 } else { TRIES };
    let mut pause = FIRST_PAUSE;
    let mut tried = 1;
    loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
            Ok(stream) => {
                stream
                    .set_nodelay(true)
                    .context("set no delay on the connection to the handler")?;
                return Ok(Connection(TokioIo::new(stream)));
            }
            Err(error) if tried == allowed => {
                return Err(error)
                    .with_context(|| format!("connect to the handler at 127.0.0.1:{port}"));
            }
            Err(_) => tokio::time::sleep(pause).await,
        }
        tried += 1;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

impl Connection {
    /// Sends the request and gives the answer, whose body is still to be read.
    pub(super) async fn send<B>(self, request: Request<B>) -> Result<Response<Incoming>>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (mut sender, connection) = http1::Builder::new()
            .title_case_headers(true)
            .handshake(self.0)
            .await
            .context("open an http connection to the handler")?;
        // Ends with the answer's body, or when the sender and the body are dropped.
        tokio::spawn(connection);
        sender
            .send_request(request)
            .await
            .context("call the handler")
    }
}
