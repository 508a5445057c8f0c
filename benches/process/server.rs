//! Starts a server as the Functions host would, on one core, and looks at it from outside.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sandbox::{Sandbox, SharedWorld};

/// The program under measurement.
pub(crate) const CONNECTOR: &str = env!("CARGO_BIN_EXE_referral-connector");

/// A running server, killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    pub(crate) started_in: Duration,
    _files: tempfile::TempDir,
}

impl Server {
    /// The connector, with the sandbox's settings.
    pub(crate) fn connector(sandbox: &Sandbox) -> Self {
        let port = free_port();
        let mut command = on_one_core(CONNECTOR);
        command
            .arg("serve")
            .env_clear()
            .envs(sandbox.settings())
            .env("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string());
        Self::start(command, port, tempfile::tempdir().unwrap())
    }

    /// The yardstick, verifying the sandbox signer's signature.
    pub(crate) fn bare(world: &SharedWorld) -> Self {
        let port = free_port();
        let files = tempfile::tempdir().unwrap();
        let certificate = files.path().join("certificate.der");
        let signature = files.path().join("signature");
        let body = crate::EVENT;
        {
            let certificates = world.certificates.lock();
            fs::write(&certificate, certificates.signer().der().unwrap()).unwrap();
            fs::write(&signature, certificates.signer().sign(body).unwrap()).unwrap();
        }
        let program = std::env::current_exe().unwrap();
        let mut command = on_one_core(program.to_str().unwrap());
        command
            .arg(crate::bare::ARGUMENT)
            .arg(port.to_string())
            .arg(certificate)
            .arg(signature);
        Self::start(command, port, files)
    }

    fn start(mut command: Command, port: u16, files: tempfile::TempDir) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit());
        let begun = Instant::now();
        let child = command.spawn().unwrap();
        while !answers(port) {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "the server did not start"
            );
        }
        Self {
            child,
            port,
            started_in: begun.elapsed(),
            _files: files,
        }
    }

    /// Waits until the process uses no more processor time: what start-up puts off has been done.
    pub(crate) fn wait_until_quiet(&self) {
        let mut before = self.processor_ticks();
        for _ in 0..50 {
            std::thread::sleep(Duration::from_millis(200));
            let now = self.processor_ticks();
            if now == before {
                return;
            }
            before = now;
        }
    }

    /// Resident memory in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kilobytes * 1024
    }

    fn processor_ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that is gone already needs no killing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `program` on one core with one worker thread, where the system can pin it.
fn on_one_core(program: &str) -> Command {
    let pinned = Command::new("taskset")
        .args(["-c", "0", "true"])
        .status()
        .is_ok_and(|it| it.success());
    let mut command = if pinned {
        let mut command = Command::new("taskset");
        command.args(["-c", "0", program]);
        command
    } else {
        Command::new(program)
    };
    command.env("TOKIO_WORKER_THREADS", "1");
    command
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
        return false;
    };
    let mut answer = [0; 12];
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        .is_ok()
        && stream.read_exact(&mut answer).is_ok()
}
