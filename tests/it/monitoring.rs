//! The log lines that alerts and workbook read are the ones the program writes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sandbox::entra::PARTNER_API;
use sandbox::partner_center::sample;
use sandbox::{Effect, Fault, Service};
use serde_json::Value;

use crate::rig::{APP_ROOT, Rig};

/// What a line says of itself whatever it is about.
const ALWAYS: [&str; 5] = ["timestamp", "level", "target", "code", "message"];

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(APP_ROOT).join("infra").join(path)).unwrap()
}

/// A program that has met with everything that the recorded lines tell of.
async fn eventful() -> Rig {
    let rig = Rig::start(&[("SYNC_MODE", "two-way")]).await;
    let id = rig.seed(sample::complete());
    let delivery = rig.event("referral-created", &id);
    for delivery in [&delivery, &delivery, &delivery.tampered()] {
        rig.send(delivery).await;
    }
    rig.host.run_timer("ReferralReconcile").await.unwrap();
    let mut long = sample::complete();
    long["name"] = "a name that is cut ".repeat(20).into();
    let id = rig.seed(long);
    rig.created(&id).await;
    for status in [400, 403, 503] {
        let fault = Fault::new(Service::PartnerCenter, Effect::status(status));
        rig.world().faults.add(fault.method("PATCH").times(9));
        let id = rig.seed(sample::complete());
        rig.created(&id).await;
        rig.world().faults.clear();
    }
    rig.host.run_timer("TokenRenewal").await.unwrap();
    let now = rig.world().clock.now();
    {
        let mut entra = rig.world().entra.lock();
        entra.revoke_refresh_tokens(now);
        entra.revoke_access_tokens(PARTNER_API);
    }
    rig.host.run_timer("TokenRenewal").await.unwrap();
    rig.lines("renewal_failed").await;
    rig
}

/// The names of the fields of each code word's lines.
fn fields(lines: &[Value]) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in lines {
        let names = line.as_object().unwrap().keys().cloned();
        let code = line["code"].as_str().unwrap_or_default();
        found.entry(code.to_owned()).or_default().extend(names);
    }
    found
}

/// The fields that the queries take out of a line: `line.code` and `line['referral.id']`.
fn fields_read() -> BTreeSet<String> {
    let query = read("monitoring/lines.kql");
    let dotted = query.split("line.").skip(1).map(|rest| {
        rest.split(|it: char| !(it.is_alphanumeric() || it == '_'))
            .next()
    });
    let quoted = query
        .split("line['")
        .skip(1)
        .map(|rest| rest.split('\'').next());
    dotted
        .chain(quoted)
        .map(|name| name.unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_writes_every_field_that_is_read_and_the_lines_that_alerts_are_tried_on() {
    let rig = eventful().await;
    let written = rig.log_lines();
    let fields = fields(&written);

    let all: BTreeSet<String> = fields.values().flatten().cloned().collect();
    let read_in_vain: Vec<_> = fields_read().difference(&all).cloned().collect();
    assert!(read_in_vain.is_empty(), "{read_in_vain:?}");

    let newest: BTreeMap<&str, &Value> = written
        .iter()
        .map(|line| (line["code"].as_str().unwrap_or_default(), line))
        .collect();
    let recorded = read("check/lines.jsonl");
    let recorded: Vec<Value> = recorded
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for line in &recorded {
        let code = line["code"].as_str().unwrap();
        let names: BTreeSet<String> = line.as_object().unwrap().keys().cloned().collect();
        let example = newest.get(code).map(ToString::to_string);
        let example = example.unwrap_or_default();
        let real = fields.get(code).cloned().unwrap_or_default();
        assert!(
            names.is_subset(&real) && ALWAYS.iter().all(|name| names.contains(*name)),
            "{code} is written like this now: {example}"
        );
        assert_eq!(line["level"], newest[code]["level"], "{example}");
        assert_eq!(line["target"], newest[code]["target"], "{example}");
    }
    let written: Vec<String> = newest.values().map(ToString::to_string).collect();
    assert!(
        recorded.len() >= 8,
        "more lines are written than alerts are tried on:\n{}",
        written.join("\n")
    );
}
