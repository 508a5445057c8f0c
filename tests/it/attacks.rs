//! Attacks on the callback check, each against the running program behind the host, with what has to come of it.

mod addresses;
mod bodies;
mod crowds;
mod events;
mod headers;
mod hosts;
mod raw;
mod replays;
mod scene;
mod tls_host;
mod transport;
mod trap;
mod volume;
