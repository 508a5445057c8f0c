//! Simulates every system the referral connector talks to, over real HTTPS.
