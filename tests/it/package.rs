//! The package itself: unpacked into a root that holds nothing else and cannot be written to, and run there by the host.
//!
//! `infra/package.sh` makes it, which takes minutes; so these tests run when they are asked for, as `.ci/run` does.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sandbox::Sandbox;
use sandbox::host::funcignore::FuncIgnore;
use sandbox::host::{Host, HostOptions};
use sandbox::partner_center::builder::ReferralBuilder;
use tempfile::TempDir;

use crate::rig::{APP_ROOT, BOUND, Rig};

/// Where the platform mounts a package.
const SITE: &str = "home/site/wwwroot";

/// Unpacks the first argument into the second with the modes that the package gives, as the platform does.
const UNPACK: &str = r"
import pathlib, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    archive.extractall(sys.argv[2])
    for entry in archive.infolist():
        pathlib.Path(sys.argv[2], entry.filename).chmod(entry.external_attr >> 16 & 0o777)
";

/// Runs the program with the root `$0`, in a mount namespace in which nothing can be written there.
const ENTER: &str = r#"
set -e
mount --bind "$0" "$0"
mount -o remount,bind,ro "$0"
if (: > "$0/written") 2>/dev/null; then echo "the root can be written to" >&2; exit 70; fi
exec chroot "$0" /home/site/wwwroot/referral-connector "$@"
"#;

/// A root with the unpacked package and nothing besides.
struct Root {
    /// Outside the root: what starts the program in it.
    around: TempDir,
}

impl Root {
    fn unpacked() -> Self {
        let around = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let root = Self { around };
        fs::create_dir_all(root.site()).unwrap();
        let package = Path::new(APP_ROOT).join("dist/referral-connector.zip");
        assert!(package.is_file(), "infra/package.sh makes the package");
        let unpacked = Command::new("python3")
            .args(["-c", UNPACK])
            .arg(package)
            .arg(root.site())
            .status();
        assert!(unpacked.unwrap().success());
        root
    }

    fn path(&self) -> PathBuf {
        self.around.path().join("root")
    }

    fn site(&self) -> PathBuf {
        self.path().join(SITE)
    }

    /// What the host starts instead of the program: it goes into the root first, and becomes the program there.
    fn entrance(&self) -> PathBuf {
        let path = self.around.path().join("referral-connector");
        let script = format!(
            "#!/bin/sh\nexec unshare --user --map-root-user --mount sh -c '{ENTER}' '{}' \"$@\"\n",
            self.path().display()
        );
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}

#[test]
#[ignore = "needs the package: infra/package.sh --profile dev"]
fn the_package_holds_what_the_publishing_tool_would_pack() {
    let root = Root::unpacked();
    let rules = fs::read_to_string(Path::new(APP_ROOT).join(".funcignore")).unwrap();
    let rules = FuncIgnore::parse(&rules).unwrap();
    let mut expected = rules.packed(Path::new(APP_ROOT)).unwrap();
    expected.retain(|path| path != "referral-connector");
    expected.push("referral-connector".to_owned());
    let everything = FuncIgnore::parse("").unwrap();
    assert_eq!(everything.packed(&root.site()).unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the package: infra/package.sh --profile dev"]
async fn it_works_where_there_is_nothing_but_the_package_and_nothing_can_be_written() {
    let root = Root::unpacked();
    let sandbox = Sandbox::start().await.unwrap();
    let mut settings = sandbox.settings();
    // The sandbox's own authorities, which stand in for public ones, are the only certificates there.
    fs::copy(sandbox.ca_file(), root.path().join("sandbox.pem")).unwrap();
    settings.insert("OUTBOUND_CA_FILE".into(), "/sandbox.pem".into());
    let anchors = fs::read_to_string(&settings["CALLBACK_TRUST_ANCHORS_PEM"]).unwrap();
    settings.insert("CALLBACK_TRUST_ANCHORS_PEM".into(), anchors);
    let mut options = HostOptions::new(root.site(), settings);
    options.executable = Some(root.entrance());
    options.polling.longest_pause = Some(Duration::from_millis(250));
    let host = Host::start(options).await.unwrap();
    let rig = Rig { sandbox, host };

    let id = rig.seed(ReferralBuilder::new().company("Fabrikam"));
    let answer = rig.created(&id).await;
    assert_eq!(answer.code(), "synced", "{:#?}", rig.log_lines());
    assert_eq!(rig.lead(&id).unwrap()["companyname"], "Fabrikam");
    let renewal = rig.host.run_timer("TokenRenewal").await.unwrap();
    assert!(renewal.succeeded(), "{renewal:?}");

    let process = format!("/proc/{}", rig.host.pid().unwrap());
    assert_eq!(
        fs::read_link(format!("{process}/root")).unwrap(),
        fs::canonicalize(root.path()).unwrap()
    );
    let maps = fs::read_to_string(format!("{process}/maps")).unwrap();
    let files = maps.lines().filter_map(|line| line.split_once('/'));
    let mut files: Vec<&str> = files.map(|(_, path)| path).collect();
    files.dedup();
    assert_eq!(files.len(), 1, "it maps files besides itself: {files:?}");
    let end = rig.host.terminate(BOUND).await.unwrap();
    assert!(end.success(), "{end:?}");
}
