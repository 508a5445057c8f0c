//! Whether the OpenSSL that was linked in may be used by several threads.
//!
//! It can be built without its locks, and is if its build script is told to link statically. Such a program works until two
//! threads use TLS at once; then it damages its memory. So it had better not start.

use std::thread;

use openssl::error::ErrorStack;
use openssl::x509::X509;

/// What to tell whoever started a program for which this does not hold.
pub(crate) const ADVICE: &str = "this program was built with an OpenSSL without thread support, and would damage its memory: \
                                 build it with infra/package.sh, after `cargo clean` if it was built in the same folder before";

/// Whether OpenSSL keeps the threads' data apart, as it does if it has locks.
pub(crate) fn holds() -> bool {
    // Without threads there is one queue of errors for all.
    if let Err(errors) = X509::from_der(b"no certificate") {
        errors.put();
    }
    let elsewhere = thread::spawn(|| ErrorStack::get().errors().len()).join();
    let here = ErrorStack::get().errors().len();
    here > 0 && elsewhere.is_ok_and(|count| count == 0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn openssl_keeps_threads_apart() {
        assert!(super::holds());
    }
}
