//! Where the browser comes back to: a listener on this machine that takes one answer.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use http::{HeaderName, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use url::Url;

use super::attempt::Expected;
use super::{Answer, Attempt, ConsentError};

/// The path that the app registration names. Entra ID leaves the port of `http://localhost` out of its comparison.
const PATH: &str = "/consent";

/// How long the browser may take to read the page that ends it all.
const LAST_PAGE: Duration = Duration::from_secs(2);

/// A listener on the loopback addresses of this machine.
pub struct Loopback {
    listeners: Vec<TcpListener>,
    port: u16,
}

impl Loopback {
    /// Opens `port`, or any.
    pub async fn open(port: Option<u16>) -> Result<Self, ConsentError> {
        let port = port.unwrap_or(0);
        let failed = |source| ConsentError::Port { port, source };
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let first = first.map_err(failed)?;
        let port = first.local_addr().map_err(failed)?.port();
        let mut listeners = vec![first];
        // `localhost` means this address too on many machines; without it, browsers try the other.
        let second = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
        listeners.extend(TcpListener::bind(second).await.ok());
        Ok(Self { listeners, port })
    }

    /// The address to come back to.
    pub fn redirect(&self) -> Url {
        let address = format!("http://localhost:{}{PATH}", self.port);
        Url::parse(&address).expect("it is an address")
    }

    /// The address as the app registration has to name it.
    pub fn registered() -> String {
        format!("http://localhost{PATH}")
    }

    /// Waits for the answer to `attempt`. What is no answer to it is shown a page that says so, and changes nothing.
    pub async fn answer(self, attempt: &Attempt) -> Answer {
        let (sender, answer) = oneshot::channel();
        let desk = Arc::new(Desk {
            expected: attempt.expected(),
            sender: Mutex::new(Some(sender)),
        });
        let router = Router::new()
            .route(PATH, get(come_back))
            .fallback(async || page(StatusCode::NOT_FOUND, "There is nothing here."))
            .with_state(Arc::clone(&desk));
        let (stop, stopped) = watch::channel(());
        let serving: Vec<_> = self
            .listeners
            .into_iter()
            .map(|listener| serve(listener, router.clone(), stopped.clone()))
            .collect();
        let answer = answer.await.expect("the desk is kept until it is over");
        drop(stop);
        // The page that says so is on its way.
        let ended = futures_util::future::join_all(serving);
        let _ = tokio::time::timeout(LAST_PAGE, ended).await;
        answer
    }
}

fn serve(
    listener: TcpListener,
    router: Router,
    mut stopped: watch::Receiver<()>,
) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        let serving = axum::serve(listener, router).with_graceful_shutdown(async move {
            // An error says that nobody can say "stop" any more, which is the sign to stop.
            let _ = stopped.changed().await;
        });
        // The other listener, or the person's patience, decides what happens then.
        let _ = serving.await;
    })
}

/// Takes one answer.
struct Desk {
    expected: Expected,
    sender: Mutex<Option<oneshot::Sender<Answer>>>,
}

async fn come_back(State(desk): State<Arc<Desk>>, RawQuery(query): RawQuery) -> Response {
    let answer = desk.expected.read(&query.unwrap_or_default());
    let outcome = match &answer {
        Answer::Foreign(why) => {
            let text = format!("This page is no answer to the sign-in that is waited for: {why}.");
            return page(StatusCode::BAD_REQUEST, &text);
        }
        Answer::Refused(_) => "The sign-in was refused.",
        Answer::Code(_) => "Signed in.",
    };
    if desk.take(answer) {
        let text = format!("{outcome} Go back to the terminal; this page can be closed.");
        page(StatusCode::OK, &text)
    } else {
        page(StatusCode::GONE, "This sign-in has been answered already.")
    }
}

impl Desk {
    /// Hands the first answer over; says whether this is it.
    fn take(&self, answer: Answer) -> bool {
        let mut sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        sender.take().is_some_and(|it| it.send(answer).is_ok())
    }
}

/// A plain page. It runs nothing, loads nothing, and is kept by nobody: its address holds the code.
fn page(status: StatusCode, text: &str) -> Response {
    const HEADERS: [(HeaderName, &str); 4] = [
        (CACHE_CONTROL, "no-store"),
        (CONNECTION, "close"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Referral connector</title><p>{text}</p></html>"
    );
    (status, HEADERS, Html(body)).into_response()
}
