//! The commands an administrator types.

mod check;
mod consent;
mod erase;
mod help;
mod preview;
mod provision;
mod register;
mod shell;
mod status;
mod sync;
#[cfg(target_os = "linux")]
mod terminal;
mod verify;
mod webhook;
