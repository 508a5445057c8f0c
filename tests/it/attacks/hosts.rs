//! The certificate hosts of a test, honest or not, and what becomes of a delivery that names one.

use std::fs;

use sandbox::{Sandbox, Service};

use super::scene::Scene;
use super::tls_host::{Authority, Identity, SOUND, Stream, TlsHost, write};

/// Accepted without any call to an upstream.
const EVENT: &str = r#"{"EventName":"test-created"}"#;

/// The hosts of a test, and the settings under which the program may ask them.
pub(super) struct Hosts {
    sandbox: Sandbox,
    authority: Authority,
    pub(super) all: Vec<(&'static str, TlsHost)>,
}

impl Hosts {
    pub(super) async fn new() -> Self {
        Self {
            sandbox: Sandbox::start().await.unwrap(),
            authority: Authority::new(),
            all: Vec::new(),
        }
    }

    pub(super) fn certificate(&self) -> Vec<u8> {
        self.sandbox
            .world()
            .certificates
            .lock()
            .signer()
            .der()
            .unwrap()
    }

    pub(super) fn add(
        &mut self,
        what: &'static str,
        identity: Identity,
        answer: impl Fn(&mut Stream) + Send + Sync + 'static,
    ) {
        let host = self.authority.host(identity, answer);
        self.all.push((what, host));
    }

    /// A host that answers with these bytes.
    pub(super) fn says(&mut self, what: &'static str, bytes: Vec<u8>) {
        self.add(what, SOUND, move |stream| {
            write(stream, &bytes);
        });
    }

    /// Starts the program, which trusts these hosts' authority and has each one's address on its list, spelled out, so that
    /// no budget comes into it.
    pub(super) async fn open(self) -> (Scene, Vec<(&'static str, TlsHost)>) {
        let settings = self.sandbox.settings();
        let sandboxes = self.sandbox.ca_file();
        // Beside the sandbox's own, and there for as long as it: the program may read it later than it is started.
        let file = sandboxes.with_file_name("authorities-of-hosts.pem");
        let both = [fs::read(sandboxes).unwrap(), self.authority.pem()].concat();
        fs::write(&file, both).unwrap();
        let mut urls = vec![settings["CALLBACK_CERTIFICATE_URLS"].clone()];
        urls.extend(self.all.iter().map(|(_, host)| host.url()));
        let scene = Scene::with(
            self.sandbox,
            &[
                ("CALLBACK_CERTIFICATE_URLS", &urls.join(",")),
                ("OUTBOUND_CA_FILE", file.to_str().unwrap()),
            ],
        )
        .await;
        (scene, self.all)
    }
}

/// What becomes of a delivery whose certificate is said to be at `url`: status and the log's word.
pub(super) async fn outcome(scene: &Scene, url: &str) -> (u16, String) {
    let delivery = scene.signed_at(&url.parse().unwrap(), EVENT);
    let answer = scene.rig.send(&delivery).await;
    let word = match answer.status {
        200 => answer.code().to_owned(),
        _ => scene.cause(&answer).await,
    };
    (answer.status, word)
}

pub(super) async fn assert_unavailable(scene: &Scene, what: &str, url: &str) {
    let outcome = outcome(scene, url).await;
    assert_eq!(
        outcome,
        (503, "certificate_unavailable".to_owned()),
        "{what}"
    );
}

/// A scene whose certificate host serves `names` at addresses that are spelled out in the settings.
pub(super) async fn serving(names: &[String]) -> Scene {
    let sandbox = Sandbox::start().await.unwrap();
    let mut url = sandbox.url(Service::CertificateHost);
    let mut urls = vec![sandbox.settings()["CALLBACK_CERTIFICATE_URLS"].clone()];
    urls.extend(names.iter().map(|name| {
        url.set_path(&format!("/cert/{name}"));
        url.to_string()
    }));
    Scene::with(sandbox, &[("CALLBACK_CERTIFICATE_URLS", &urls.join(","))]).await
}
