//! The package itself: unpacked into a root that holds nothing else and cannot be written to, and run there by the host.
//!
//! `infra/package.sh` makes it, which takes minutes; so these tests run when they are asked for, as `.ci/run` does.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use futures_util::future::join_all;
use sandbox::Sandbox;
use sandbox::host::funcignore::FuncIgnore;
use sandbox::host::{Host, HostOptions};
use sandbox::partner_center::builder::ReferralBuilder;
use serde_json::Value;
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
PATH="$PATH:/usr/sbin:/sbin"
mount --bind "$0" "$0"
mount -o remount,bind,ro "$0"
if (: > "$0/written") 2>/dev/null; then echo "the root can be written to" >&2; exit 70; fi
exec chroot "$0" /home/site/wwwroot/referral-connector "$@"
"#;

/// Runs the program's check-up with the root that the first argument names, in a network of its own. There every name
/// is at one address. Prints which names were asked for and whether anybody came to that address.
const RESOLVE: &str = r#"
import fcntl, json, os, socket, struct, subprocess, sys, threading
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 0x41))
names, visitors = set(), []
dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
dns.bind(("127.0.0.1", 53))
site = socket.create_server(("127.0.0.9", 443))
def answer():
    while True:
        query, asker = dns.recvfrom(512)
        end, labels = 12, []
        while query[end]:
            labels.append(query[end + 1 : end + 1 + query[end]].decode())
            end += query[end] + 1
        names.add(".".join(labels))
        is_ipv4 = query[end + 1 : end + 3] == b"\0\1"
        record = b"\xc0\x0c" + struct.pack(">HHIHBBBB", 1, 1, 60, 4, 127, 0, 0, 9) if is_ipv4 else b""
        head = query[:2] + b"\x81\x80" + struct.pack(">HHHH", 1, len(record) // 16, 0, 0)
        dns.sendto(head + query[12 : end + 5] + record, asker)
def welcome():
    while True:
        visitors.append(site.accept()[1])
for serve in (answer, welcome):
    threading.Thread(target=serve, daemon=True).start()
os.environ["PATH"] += ":/usr/sbin:/sbin"
program = ["chroot", sys.argv[1], "/home/site/wwwroot/referral-connector", "check", "--timeout", "3"]
subprocess.run(program, stdout=subprocess.DEVNULL)
print(json.dumps({"names": sorted(names), "visited": bool(visitors)}), flush=True)
os._exit(0)
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
    let ids: Vec<_> = (0..60).map(|_| rig.seed(ReferralBuilder::new())).collect();
    for answer in join_all(ids.iter().map(|id| rig.created(id))).await {
        assert_eq!(answer.code(), "synced", "many at once: {answer:?}");
    }

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

/// A C library that is linked in may still want libraries of the machine to look a name up.
#[test]
#[ignore = "needs the package: infra/package.sh --profile dev"]
fn names_are_looked_up_with_nothing_but_the_address_of_a_name_server() {
    let root = Root::unpacked();
    fs::create_dir(root.path().join("etc")).unwrap();
    fs::write(
        root.path().join("etc/resolv.conf"),
        "nameserver 127.0.0.1\n",
    )
    .unwrap();
    let nobody = "00000000-0000-0000-0000-000000000000";
    let ran = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--net",
            "python3",
            "-c",
            RESOLVE,
        ])
        .arg(root.path())
        .envs([
            ("PARTNER_CENTER_TENANT_ID", nobody),
            ("PARTNER_CENTER_CLIENT_ID", nobody),
            ("PARTNER_CENTER_CLIENT_SECRET", "none"),
            ("KEY_VAULT_URL", "https://vault.invalid"),
            ("DATAVERSE_URL", "https://dataverse.invalid"),
            ("ENTRA_AUTHORITY_URL", "https://authority.invalid"),
            ("AZURE_CREDENTIAL", "client_secret"),
            ("AZURE_TENANT_ID", nobody),
            ("AZURE_CLIENT_ID", nobody),
            ("AZURE_CLIENT_SECRET", "none"),
            ("AzureWebJobsStorage__accountName", "storage"),
        ])
        .output()
        .unwrap();
    let seen: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let names = seen["names"].as_array().unwrap();
    assert!(names.contains(&"authority.invalid".into()), "{ran:?}");
    assert_eq!(seen["visited"], true, "{ran:?}");
}
