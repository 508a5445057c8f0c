//! What names resolve to, and that nothing is dialled when it is nothing public. Nobody but this machine is ever dialled here.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, TcpListener};
use std::sync::Mutex;

use futures_util::future::BoxFuture;

use super::*;

/// A resolver that gives the first of its answers first, and the last from then on.
struct Answers {
    answers: Vec<Vec<IpAddr>>,
    asked: Mutex<Vec<String>>,
}

impl Answers {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parsed = |texts: &&[&str]| texts.iter().map(|it| it.parse().unwrap()).collect();
        Arc::new(Self {
            answers: answers.iter().map(parsed).collect(),
            asked: Mutex::default(),
        })
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Lookup for Answers {
    fn addresses(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let mut asked = self.asked.lock().unwrap();
        let number = asked.len().min(self.answers.len() - 1);
        asked.push(host);
        let answer = Ok(self.answers[number].clone());
        Box::pin(async { answer })
    }
}

/// Ears on one port of this machine, on IPv4 and, if there is any, on IPv6.
struct Ears {
    listeners: Vec<TcpListener>,
    port: u16,
}

impl Ears {
    fn open() -> Self {
        let four = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = four.local_addr().unwrap().port();
        let six = TcpListener::bind(("::1", port)).ok();
        let listeners: Vec<_> = [four].into_iter().chain(six).collect();
        for listener in &listeners {
            listener.set_nonblocking(true).unwrap();
        }
        Self { listeners, port }
    }

    /// How many connections were opened since the last time. One that was opened is waiting here, accepted or not.
    fn heard(&self) -> usize {
        let mut heard = 0;
        for listener in &self.listeners {
            loop {
                match listener.accept() {
                    Ok(_) => heard += 1,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
        heard
    }
}

/// What becomes of a delivery that names a certificate at `host` on the port of `ears`, and why.
async fn deliver(host: &str, ears: &Ears, lookup: &Arc<Answers>) -> (&'static str, String) {
    let origin = format!("https://{host}:{}", ears.port);
    let pattern = format!("{origin}/cert/*.cer");
    let settings = [("CALLBACK_CERTIFICATE_URLS", &*pattern)];
    let scene = Scene::with_lookup(&settings, Arc::clone(lookup) as Arc<dyn Lookup>).await;
    let signer = Mint::leaf().by(&scene.root);
    let mut headers = scene.headers(&signer, CERTIFICATE);
    let url = format!("{origin}{CERTIFICATE}").parse().unwrap();
    headers.insert("x-ms-certificate-url", url);
    let claim = scene.callback.claim(&headers).unwrap();
    let body = Bytes::from_static(BODY);
    let error = scene.callback.verify_at(&claim, body, now()).await;
    let error = error.unwrap_err();
    (error.code(), crate::failure::Chain(&error).to_string())
}

const NOT_PUBLIC: &str = "an address that is not public";

#[tokio::test]
async fn attack_17_a_name_with_any_answer_that_is_not_public_opens_no_socket() {
    let cases: [&[&str]; 26] = [
        &["127.0.0.1"],
        &["127.8.8.8"],
        &["0.0.0.0"],
        &["10.0.0.1"],
        &["172.16.0.1"],
        &["192.168.0.1"],
        &["169.254.169.254"],
        &["168.63.129.16"],
        &["100.64.0.1"],
        &["::1"],
        &["::"],
        &["fe80::1"],
        &["fd00:ec2::254"],
        &["fc00::1"],
        &["::ffff:127.0.0.1"],
        &["::ffff:10.0.0.1"],
        &["::ffff:1.1.1.1"],
        &["::127.0.0.1"],
        &["64:ff9b::7f00:1"],
        &["64:ff9b:1::7f00:1"],
        &["2002:7f00:1::1"],
        &["2001:0:7f00:1::1"],
        &["1.1.1.1", "127.0.0.1"],
        &["127.0.0.1", "1.1.1.1"],
        &["2606:4700:4700::1111", "::1"],
        &[],
    ];
    let ears = Ears::open();
    for addresses in cases {
        let lookup = Answers::new(&[addresses]);
        let (code, why) = deliver("certificates.invalid", &ears, &lookup).await;
        assert_eq!(code, "certificate_unavailable", "{addresses:?}");
        assert!(why.contains(NOT_PUBLIC), "{addresses:?}: {why}");
        assert_eq!(lookup.asked(), ["certificates.invalid"]);
        assert_eq!(ears.heard(), 0, "{addresses:?}");
    }
}

#[tokio::test]
async fn attack_17_the_connection_goes_to_the_answer_that_was_checked() {
    let ears = Ears::open();
    // The settings name this machine, so its address is sound; a second look would find another.
    let lookup = Answers::new(&[&["127.0.0.1"], &["10.0.0.1"]]);
    let (code, why) = deliver("localhost", &ears, &lookup).await;
    assert_eq!(code, "certificate_unavailable");
    assert!(!why.contains(NOT_PUBLIC), "{why}");
    assert_eq!((ears.heard(), lookup.asked().len()), (1, 1));
}

#[tokio::test]
async fn attack_17_a_name_for_this_machine_leads_nowhere_else() {
    let ears = Ears::open();
    let cases: [&[&str]; 3] = [
        &["10.0.0.1"],
        &["1.1.1.1"],
        &["127.0.0.1", "169.254.169.254"],
    ];
    for addresses in cases {
        let (_, why) = deliver("localhost", &ears, &Answers::new(&[addresses])).await;
        assert!(why.contains(NOT_PUBLIC), "{addresses:?}: {why}");
        assert_eq!(ears.heard(), 0, "{addresses:?}");
    }
}

#[tokio::test]
async fn attack_17_issuers_and_lists_are_looked_for_on_the_public_internet_only() {
    let hosts = [
        ("CALLBACK_AIA_HOSTS", "issuers.invalid"),
        ("CALLBACK_CRL_HOSTS", "lists.invalid"),
        ("CALLBACK_REVOCATION", "hard"),
    ];
    let lookup = Answers::new(&[&["127.0.0.1"]]);
    let scene = Scene::with_lookup(&hosts, Arc::clone(&lookup) as Arc<dyn Lookup>).await;
    let authority = Mint::authority("Authority").by(&scene.root);
    let incomplete = Mint::leaf()
        .issuer_at(&["http://issuers.invalid/issuer.crt".to_owned()])
        .by(&authority);
    scene.host.put(CERTIFICATE, incomplete.der());
    let error = scene.judge(CERTIFICATE, &incomplete, BODY, now()).await;
    let error = error.unwrap_err();
    assert_eq!(error.code(), "chain_unavailable");
    let why = crate::failure::Chain(&error).to_string();
    assert!(why.contains(NOT_PUBLIC), "{why}");
    assert_eq!(lookup.asked(), ["issuers.invalid"]);

    let listed = Mint::leaf()
        .revoked_at("http://lists.invalid/list.crl")
        .by(&scene.root);
    let path = "/cert/listed.cer";
    scene.host.put(path, listed.der());
    let refused = Err("revocation_unavailable");
    assert_eq!(scene.deliver_to(path, &listed, now()).await, refused);
    wait_for(|| lookup.asked().len() == 2).await;
    assert_eq!(lookup.asked()[1], "lists.invalid");
    let mut why = String::new();
    for _ in 0..500 {
        let error = scene.judge(path, &listed, BODY, now()).await.unwrap_err();
        why = crate::failure::Chain(&error).to_string();
        if why.contains(NOT_PUBLIC) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(why.contains(NOT_PUBLIC), "{why}");
}
