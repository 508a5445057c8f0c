use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;

#[test]
fn every_code_is_explained_in_the_documentation_and_no_other() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/checkup.md");
    let text = fs::read_to_string(path).unwrap();
    let explained: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(code, _)| code)
        .collect();
    let codes: Vec<&str> = codes().collect();
    let set = |words: &[&'_ str]| {
        words
            .iter()
            .map(ToString::to_string)
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(set(&explained), set(&codes));
    assert_eq!(explained.len(), codes.len(), "a code is there twice");
}

#[test]
fn what_no_timer_looks_into_is_named_in_the_documentation() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/checkup.md");
    let text = fs::read_to_string(path).unwrap();
    let named = text.split("only tried in front of a person: ").nth(1);
    let named = named.unwrap().split('.').next().unwrap();
    let named: BTreeSet<&str> = named.split('`').skip(1).step_by(2).collect();
    let full = topics().filter(|topic| topic.scope == Scope::Full);
    let full: BTreeSet<&str> = full.flat_map(|topic| topic.codes).copied().collect();
    assert_eq!(named, full);
}

#[test]
fn the_worst_of_all_levels_is_the_greatest() {
    assert!(Level::Ok < Level::Warning && Level::Warning < Level::Failed);
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_hangs_is_a_finding_that_names_it() {
    let patience = Duration::from_secs(7);
    let hung = bounded("storage", patience, future::pending()).await;
    let [finding] = &hung[..] else {
        panic!("{hung:?}")
    };
    assert_eq!((finding.code, finding.level), (UNFINISHED, Level::Failed));
    assert_eq!(finding.about.as_deref(), Some("storage"));
    assert!(finding.detail.contains("7 s"), "{finding:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_in_a_topic_is_over_when_the_patience_ends() {
    let patience = Duration::from_secs(7);
    let end = Instant::now() + patience;
    let seen = bounded("storage", patience, async {
        assert_eq!(retry::deadline(Duration::from_hours(1)), end);
        tokio::time::sleep_until(end).await;
        vec![Finding::ok(UNFINISHED, "it had its last words")]
    });
    assert_eq!(seen.await[0].level, Level::Ok);
}
