//! The fuzzers' promises, held to their seeds and to changed seeds. The fuzzers themselves need a nightly compiler and search
//! on; CONTRIBUTING.md tells how to run them.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "to the fuzzers the same file is a library")]
mod promises;

/// One edit of an input.
#[derive(Clone, Debug)]
enum Edit {
    Overwrite(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize, usize),
    Truncate(Index),
}

impl Edit {
    fn strategy() -> impl Strategy<Value = Self> {
        let word = prop::sample::select(WORDS).prop_map(|word| word.as_bytes().to_vec());
        let bytes = prop::collection::vec(any::<u8>(), 1..8);
        prop_oneof![
            (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Self::Overwrite(at, byte)),
            (any::<Index>(), prop_oneof![word, bytes]).prop_map(|(at, new)| Self::Insert(at, new)),
            (any::<Index>(), 1..40_usize).prop_map(|(at, count)| Self::Remove(at, count)),
            (any::<Index>(), 1..40_usize, 2..200_usize)
                .prop_map(|(at, length, times)| Self::Repeat(at, length, times)),
            any::<Index>().prop_map(Self::Truncate),
        ]
    }

    fn apply(&self, input: &mut Vec<u8>) {
        let place = |at: &Index| at.index(input.len() + 1);
        match self {
            Self::Overwrite(at, byte) => {
                let at = place(at);
                if let Some(old) = input.get_mut(at) {
                    *old = *byte;
                }
            }
            Self::Insert(at, new) => {
                let at = place(at);
                input.splice(at..at, new.iter().copied());
            }
            Self::Remove(at, count) => {
                let at = place(at);
                let end = input.len().min(at + count);
                input.drain(at..end);
            }
            Self::Repeat(at, length, times) => {
                let at = place(at);
                let end = input.len().min(at + length);
                let piece = input[at..end].repeat(*times);
                input.splice(at..end, piece);
            }
            Self::Truncate(at) => {
                let at = place(at);
                input.truncate(at);
            }
        }
    }
}

/// What means something to one reader or another.
const WORDS: &[&str] = &[
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "-",
    "1e999",
    "\\u0000",
    "\\ud800",
    "\u{feff}",
    "\0",
    "\r\n",
    "\n",
    " ",
    "<!--",
    "&lt;",
    "<br>",
    "=",
    "/",
    "..",
    "@",
    "?",
    "%2f",
    "Signature ",
    "x-ms-signature: ",
    "-----BEGIN ",
    "-----END CERTIFICATE-----",
    "0x",
    "9999999999",
];

/// Holds `promise` to every seed of `target`, and to a few hundred inputs that came of them.
fn hold(target: &str, promise: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(target);
    let mut seeds: Vec<Vec<u8>> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| fs::read(entry.unwrap().path()).unwrap())
        .collect();
    seeds.sort();
    assert!(!seeds.is_empty());
    for seed in &seeds {
        promise(seed);
    }
    let edits = prop::collection::vec(Edit::strategy(), 1..6);
    let changed = (prop::sample::select(seeds), edits).prop_map(|(mut input, edits)| {
        for edit in &edits {
            edit.apply(&mut input);
        }
        input
    });
    let anything = prop::collection::vec(any::<u8>(), 0..300);
    let inputs = prop_oneof![9 => changed, 1 => anything];
    let config = Config {
        cases: 500,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&inputs, |input| {
            promise(&input);
            Ok::<_, TestCaseError>(())
        })
        .unwrap();
}

#[test]
fn any_headers_are_a_claim_or_refused() {
    hold("claim", promises::claim);
}

#[test]
fn any_file_is_a_certificate_or_refused() {
    hold("certificate", promises::certificate);
}

#[test]
fn any_body_is_an_event_or_refused() {
    hold("event", promises::event);
}

#[test]
fn any_payload_is_an_envelope_or_refused() {
    hold("trigger", promises::trigger);
}

#[test]
fn any_answer_is_a_referral_or_refused() {
    hold("referral", promises::referral);
}
