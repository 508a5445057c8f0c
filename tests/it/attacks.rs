//! Attacks on the callback check, each against the running program behind the host, with what has to come of it.

mod addresses;
mod bodies;
mod events;
mod headers;
mod raw;
mod replays;
mod scene;
mod trap;
