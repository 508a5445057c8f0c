//! What the timer may look into: it reads, and nothing else.

use referral_connector::app::App;
use referral_connector::checkup::{self, Level, Scope};
use referral_connector::config::Config;
use sandbox::entra::{CLIENT_ID, CLIENT_SECRET, TENANT_ID};
use sandbox::{Sandbox, Service};

use crate::rig::overlay;

#[tokio::test(flavor = "multi_thread")]
async fn a_check_up_that_nobody_watches_writes_nothing_at_all() {
    let sandbox = Sandbox::start().await.unwrap();
    let by_secret = [
        ("AZURE_CREDENTIAL", "client_secret"),
        ("AZURE_TENANT_ID", TENANT_ID),
        ("AZURE_CLIENT_ID", CLIENT_ID),
        ("AZURE_CLIENT_SECRET", CLIENT_SECRET),
    ];
    let settings = overlay(sandbox.settings(), &by_secret);
    let config = Config::read(&|name| settings.get(name).cloned()).unwrap();
    let app = App::build(config).unwrap();
    let findings = checkup::look(&app, Scope::Unattended).await;
    let well = findings.iter().all(|it| it.level == Level::Ok);
    assert!(well && 10 < findings.len(), "{findings:#?}");
    let is_looked_at = |code: &str| findings.iter().any(|it| it.code == code);
    for tried in ["blobs", "queue", "other_writer", "referral_reach"] {
        assert!(!is_looked_at(tried), "{tried}: {findings:?}");
    }
    for seen in ["refresh_token", "consent", "webhook_token", "second_factor"] {
        assert!(is_looked_at(seen), "{seen}: {findings:?}");
    }
    let world = sandbox.world();
    for service in [Service::Storage, Service::Dataverse, Service::PartnerCenter] {
        let records = world.requests.of(service);
        assert!(
            records
                .iter()
                .all(|it| ["GET", "HEAD"].contains(&&*it.method)),
            "{records:#?}"
        );
    }
}
