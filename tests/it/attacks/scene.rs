//! What an attack finds: the program with one honest delivery at hand, and a trap nobody may step into.

use sandbox::certificates::{Published, Signer};
use sandbox::deliveries::{Delivery, REFERRAL_CREATED, SignatureForm, SignatureHeader};
use sandbox::host::{State, Wire};
use sandbox::partner_center::builder::ReferralBuilder;
use sandbox::{Sandbox, Service};
use serde_json::Value;
use url::Url;

use super::raw;
use super::trap::Trap;
use crate::rig::{Answer, BOUND, Rig};

/// Every system that only a verified delivery may make us call.
const UPSTREAMS: [Service; 5] = [
    Service::Entra,
    Service::Identity,
    Service::KeyVault,
    Service::PartnerCenter,
    Service::Dataverse,
];
/// Where certificates and revocation lists come from.
const CERTIFICATE_HOSTS: [Service; 2] = [Service::CertificateHost, Service::AuthorityHost];

pub(super) struct Scene {
    pub(super) rig: Rig,
    /// The referral that `good` is about.
    pub(super) referral: String,
    /// Authentic, and not sent yet.
    pub(super) good: Delivery,
    pub(super) trap: Trap,
}

impl Scene {
    pub(super) async fn start() -> Self {
        Self::with(Sandbox::start().await.unwrap(), &[]).await
    }

    /// With a sandbox of one's own, and settings on top of its own.
    pub(super) async fn with(sandbox: Sandbox, settings: &[(&str, &str)]) -> Self {
        let mut settings = settings.to_vec();
        settings.push(("LOG_FORMAT", "json"));
        let rig = Rig::with(sandbox, Wire::Proxying, &settings).await;
        let referral = rig.seed(ReferralBuilder::new());
        let good = rig.event(REFERRAL_CREATED, &referral);
        let trap = Trap::set().await;
        Self {
            rig,
            referral,
            good,
            trap,
        }
    }

    /// The port the program itself listens at.
    pub(super) fn port(&self) -> u16 {
        match self.rig.host.state() {
            State::Running { port, .. } => port,
            state => panic!("the program does not run: {state:?}"),
        }
    }

    /// Host and port of the sandbox's certificate host.
    pub(super) fn certificate_host(&self) -> String {
        authority(&self.rig.sandbox.url(Service::CertificateHost))
    }

    /// `body`, signed by Partner Center's signer.
    pub(super) fn signed(&self, body: impl Into<Vec<u8>>) -> Delivery {
        let certificates = self.rig.world().certificates.lock();
        signed_by(certificates.signer(), &certificates.signer_url(), body)
    }

    /// `body`, signed by Partner Center's signer, whose certificate is said to be at `url`.
    pub(super) fn signed_at(&self, url: &Url, body: impl Into<Vec<u8>>) -> Delivery {
        signed_by(self.rig.world().certificates.lock().signer(), url, body)
    }

    /// Serves `file` as `/cert/<name>` of the certificate host.
    pub(super) fn serve(&self, name: &str, file: Published) -> Url {
        self.rig.world().certificates.lock().serve(name, file)
    }

    /// Partner Center's own certificate.
    pub(super) fn certificate(&self) -> Vec<u8> {
        self.rig.world().certificates.lock().signer().der().unwrap()
    }

    /// Sends `request` to the program itself.
    pub(super) async fn raw(&self, request: &raw::Request) -> Option<Answer> {
        raw::send(self.port(), &request.bytes()).await
    }

    /// `answer` refuses without a word about why; the log alone says `cause`, and no upstream was called.
    pub(super) async fn assert_refused(&self, what: &str, answer: &Answer, cause: &str) {
        assert_eq!((answer.status, answer.code()), (401, "refused"), "{what}");
        let told: Vec<_> = answer.body.as_object().unwrap().keys().collect();
        assert_eq!(told, ["code", "invocationId"], "{what}");
        assert_eq!(self.cause(answer).await, cause, "{what}");
        self.assert_no_upstream(what);
    }

    /// `delivery` is refused, for `cause`, before any connection was opened.
    pub(super) async fn assert_refused_unheard(
        &self,
        what: &str,
        delivery: &Delivery,
        cause: &str,
    ) {
        let answer = self.rig.send(delivery).await;
        self.assert_refused(what, &answer, cause).await;
        self.assert_nothing_dialled(what);
    }

    /// With `value` for an address, the delivery is refused by the HTTP server or by the claim: either way nobody is asked.
    pub(super) async fn assert_not_passed_on(&self, value: &[u8]) {
        let line = [b"x-ms-certificate-url: ", value].concat();
        let request = raw::Request::of(&self.good)
            .without("x-ms-certificate-url")
            .header(line)
            .measured();
        let what = value.escape_ascii().to_string();
        let status = self.raw(&request).await.map(|answer| answer.status);
        assert!(matches!(status, Some(400 | 401)), "{what}: {status:?}");
        self.assert_nothing_dialled(&what);
        self.assert_no_upstream(&what);
    }

    /// The precise word that the log has for `answer`.
    pub(super) async fn cause(&self, answer: &Answer) -> String {
        let line = self.log_of(answer).await;
        line["cause"].as_str().unwrap_or_default().to_owned()
    }

    /// The log line about `answer`.
    pub(super) async fn log_of(&self, answer: &Answer) -> Value {
        let id = answer.body["invocationId"].as_str().unwrap();
        let line = self
            .rig
            .host
            .wait_for_log(|line| line.text.contains(id), BOUND)
            .await
            .unwrap();
        serde_json::from_str(&line.text).unwrap()
    }

    /// No certificate host was asked for anything, and nobody stepped into the trap.
    pub(super) fn assert_nothing_dialled(&self, what: &str) {
        for service in CERTIFICATE_HOSTS {
            let requests = self.rig.requests(service);
            assert!(requests.is_empty(), "{what}: {service}: {requests:?}");
        }
        assert_eq!(self.trap.connections(), 0, "{what}");
    }

    pub(super) fn assert_no_upstream(&self, what: &str) {
        for service in UPSTREAMS {
            let requests = self.rig.requests(service);
            assert!(requests.is_empty(), "{what}: {service}: {requests:?}");
        }
        assert!(self.rig.leads().is_empty(), "{what}");
    }

    /// The honest delivery is accepted.
    pub(super) async fn assert_honest_is_served(&self) {
        let answer = self.rig.send(&self.good).await;
        assert_eq!((answer.status, answer.code()), (200, "synced"));
    }
}

pub(super) fn authority(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap(), url.port().unwrap())
}

/// `body`, signed by `signer`, whose certificate is said to be at `url`.
pub(super) fn signed_by(signer: &Signer, url: &Url, body: impl Into<Vec<u8>>) -> Delivery {
    let place = (SignatureHeader::Authorization, SignatureForm::Prefixed);
    Delivery::signed(body.into(), signer, url, place).unwrap()
}
