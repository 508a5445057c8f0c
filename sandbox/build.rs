//! Finds the interpreters of the clients that judge the sandbox, so that their tests are listed as ignored, with
//! the reason, where one is missing.

use std::process::{Command, Stdio};

/// What the pinned Python packages need.
const PYTHON: &str = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))";

fn main() {
    println!("cargo::rustc-check-cfg=cfg(judge_python)");
    println!("cargo::rustc-check-cfg=cfg(judge_node)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PATH");
    if succeeds("python3", &["-c", PYTHON]) {
        println!("cargo::rustc-cfg=judge_python");
    }
    if succeeds("node", &["--version"]) && succeeds("npm", &["--version"]) {
        println!("cargo::rustc-cfg=judge_node");
    }
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}
