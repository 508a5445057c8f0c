//! A certificate host of one's own: any TLS certificate, and any bytes for an answer.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslAcceptor, SslMethod, SslStream};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Name};

/// What the client of a host sees of it.
pub(super) type Stream = SslStream<TcpStream>;

/// Vouches for hosts.
pub(super) struct Authority {
    key: PKey<Private>,
    certificate: X509,
}

/// What a host's TLS certificate says.
#[derive(Clone, Copy)]
pub(super) struct Identity {
    /// The address or the DNS name it is for.
    pub(super) name: &'static str,
    /// Its first and last day, counted from today.
    pub(super) days: (i64, i64),
    /// Nobody vouches for it but itself.
    pub(super) self_signed: bool,
}

/// What the hosts of these tests ought to have.
pub(super) const SOUND: Identity = Identity {
    name: "127.0.0.1",
    days: (-1, 30),
    self_signed: false,
};

/// Listens until the test program ends.
pub(super) struct TlsHost {
    /// `https://127.0.0.1:<port>`.
    pub(super) origin: String,
    asked: Arc<AtomicUsize>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let key = key();
        let certificate = issue(
            &key,
            &key,
            "Authority of a hostile host",
            None,
            (-1, 30),
            |_| BasicConstraints::new().critical().ca().build().unwrap(),
        );
        Self { key, certificate }
    }

    pub(super) fn pem(&self) -> Vec<u8> {
        self.certificate.to_pem().unwrap()
    }

    fn acceptor(&self, identity: Identity) -> SslAcceptor {
        let own = key();
        let (signer, issuer) = if identity.self_signed {
            (&own, None)
        } else {
            (&self.key, Some(self.certificate.subject_name()))
        };
        let certificate = issue(&own, signer, "host", issuer, identity.days, |context| {
            let mut names = SubjectAlternativeName::new();
            match identity.name.parse::<Ipv4Addr>() {
                Ok(_) => names.ip(identity.name),
                Err(_) => names.dns(identity.name),
            };
            names.build(context).unwrap()
        });
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
        acceptor.set_private_key(&own).unwrap();
        acceptor.set_certificate(&certificate).unwrap();
        acceptor.build()
    }

    /// Starts a host that `answer`s every request it has read.
    pub(super) fn host(
        &self,
        identity: Identity,
        answer: impl Fn(&mut Stream) + Send + Sync + 'static,
    ) -> TlsHost {
        let acceptor = self.acceptor(identity);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let asked = Arc::<AtomicUsize>::default();
        let host = TlsHost {
            origin: format!("https://{}", listener.local_addr().unwrap()),
            asked: Arc::clone(&asked),
        };
        let shared = Arc::new((acceptor, answer, asked));
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    let (acceptor, answer, asked) = &*shared;
                    // A client that refuses the certificate ends here.
                    if let Ok(mut stream) = acceptor.accept(stream)
                        && read_request(&mut stream)
                    {
                        asked.fetch_add(1, Ordering::SeqCst);
                        answer(&mut stream);
                        let _ = stream.shutdown();
                    }
                });
            }
        });
        host
    }
}

impl TlsHost {
    /// Where its certificate file is.
    pub(super) fn url(&self) -> String {
        format!("{}/cert/a.cer", self.origin)
    }

    /// How many requests it has read.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// A complete answer with these header lines.
pub(super) fn answer(status: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut lines = vec![format!("HTTP/1.1 {status}")];
    lines.extend(headers.iter().map(|line| (*line).to_owned()));
    lines.extend([String::new(), String::new()]);
    [lines.join("\r\n").as_bytes(), body].concat()
}

/// A complete 200 with the length of `body`.
pub(super) fn ok(body: &[u8]) -> Vec<u8> {
    answer(
        "200 OK",
        &[&format!("Content-Length: {}", body.len())],
        body,
    )
}

fn read_request(stream: &mut Stream) -> bool {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return false,
        }
    }
    true
}

/// Writes `bytes`; a client that has gone makes it false.
pub(super) fn write(stream: &mut Stream, bytes: &[u8]) -> bool {
    stream
        .write_all(bytes)
        .and_then(|()| stream.flush())
        .is_ok()
}

fn key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn issue(
    own: &PKey<Private>,
    signer: &PKey<Private>,
    subject: &str,
    issuer: Option<&openssl::x509::X509NameRef>,
    (from, to): (i64, i64),
    extension: impl Fn(&openssl::x509::X509v3Context<'_>) -> openssl::x509::X509Extension,
) -> X509 {
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_nid(Nid::COMMONNAME, subject).unwrap();
    let name = name.build();
    let mut serial = BigNum::new().unwrap();
    serial.rand(120, MsbOption::ONE, false).unwrap();
    let today = jiff::Timestamp::now().as_second();
    let day = |days: i64| Asn1Time::from_unix(today + days * 86_400).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder
        .set_serial_number(&serial.to_asn1_integer().unwrap())
        .unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(issuer.unwrap_or(&name)).unwrap();
    builder.set_pubkey(own).unwrap();
    builder.set_not_before(&day(from)).unwrap();
    builder.set_not_after(&day(to)).unwrap();
    let extension = extension(&builder.x509v3_context(None, None));
    builder.append_extension(extension).unwrap();
    builder.sign(signer, MessageDigest::sha256()).unwrap();
    builder.build()
}
