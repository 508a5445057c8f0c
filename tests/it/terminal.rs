//! The program on a terminal of its own, at which the test sits.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pty_process::blocking::{Command, Pts, Pty, open};

use crate::rig::{BOUND, CONNECTOR};

/// The pause between two looks at the screen.
const PAUSE: Duration = Duration::from_millis(10);

/// Nothing more is typed in the meantime.
pub(crate) const CTRL_C: &str = "\x03";
/// The input ends.
pub(crate) const CTRL_D: &str = "\x04";

/// A program that runs on a terminal.
pub(crate) struct Terminal {
    keyboard: Arc<Pty>,
    /// Held, so that the terminal is still there when the program is not.
    _screen: Pts,
    seen: Arc<Mutex<Vec<u8>>>,
    child: Child,
}

impl Terminal {
    /// Starts it, with the environment it is given and no other.
    pub(crate) fn start(arguments: &[&str], environment: &BTreeMap<String, String>) -> Self {
        let (keyboard, screen) = open().unwrap();
        let child = Command::new(CONNECTOR)
            .args(arguments)
            .env_clear()
            .envs(environment)
            .spawn_borrowed(&screen)
            .unwrap();
        let keyboard = Arc::new(keyboard);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (reader, shown) = (Arc::clone(&keyboard), Arc::clone(&seen));
        // Ends with the terminal.
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = (&*reader).read(&mut buffer) {
                shown.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self {
            keyboard,
            _screen: screen,
            seen,
            child,
        }
    }

    /// Everything that was shown so far.
    pub(crate) fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }

    /// Waits until `text` is shown.
    pub(crate) async fn until(&self, text: &str) {
        let begun = Instant::now();
        while !self.seen().contains(text) {
            assert!(begun.elapsed() < BOUND, "no {text:?}: {:?}", self.seen());
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Presses these keys.
    pub(crate) fn press(&self, keys: &str) {
        (&*self.keyboard).write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for the end; gives the exit code, or minus the number of the signal that ended it.
    pub(crate) async fn end(&mut self) -> i32 {
        use std::os::unix::process::ExitStatusExt;

        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                let signal = || -status.signal().unwrap_or_default();
                return status.code().unwrap_or_else(signal);
            }
            assert!(begun.elapsed() < 3 * BOUND, "no end: {:?}", self.seen());
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Asserts that the terminal shows what is typed, as it did before.
    pub(crate) async fn assert_in_order(&self) {
        self.press("shown again\n");
        self.until("shown again").await;
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended, or nobody waits for it any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
