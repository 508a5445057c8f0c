//! What the log may hold. Every rig looks through its log when it ends; here it is made to say as much as it can.

mod lines;
mod secrets;

use std::collections::BTreeMap;

use sandbox::partner_center::sample;
use sandbox::{Effect, Fault, Service};
use serde_json::json;

use crate::rig::Rig;

/// A refusal that repeats what was sent, as the services' own messages may.
fn repeating(code: u16) -> Effect {
    Effect::Status {
        code,
        headers: BTreeMap::new(),
        body: json!({ "error": { "code": "invalidRequest", "message": "Tailspin Toys, Miriam Okafor" } }),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_named_even_when_everything_is_asked_for() {
    let rig = Rig::start(&[("RUST_LOG", "trace"), ("SYNC_MODE", "two-way")]).await;
    for (service, path, status, code) in [
        (Service::Dataverse, "/leads(", 400, "dead_lettered"),
        (Service::Dataverse, "/annotations(", 400, "dead_lettered"),
        (Service::PartnerCenter, "/referrals", 400, "dead_lettered"),
        (Service::PartnerCenter, "/referrals", 503, "synced"),
    ] {
        let fault = Fault::new(service, repeating(status)).path(path);
        rig.world().faults.add(fault.method("PATCH").times(1));
        let id = rig.seed(sample::complete());
        assert_eq!(rig.created(&id).await.code(), code, "{path} {status}");
    }
    for (name, referral) in sample::all() {
        let id = rig.seed(referral);
        assert_eq!(rig.created(&id).await.status, 200, "{name}");
    }
    let fault = Fault::new(Service::PartnerCenter, repeating(403)).path("/referrals");
    rig.world().faults.add(fault.method("PATCH").times(1));
    let id = rig.seed(sample::complete());
    assert_eq!(rig.created(&id).await.code(), "parked");
    rig.lines("misconfigured").await;
    let logged = rig.host.logs();
    let mut levels = logged.iter().filter(|it| it.text.contains(r#""DEBUG""#));
    assert!(levels.next().is_some(), "the log said no more than usual");
    let library = logged.iter().find(|it| it.text.contains("hyper"));
    assert!(library.is_none(), "a library prints what it sends");
}
