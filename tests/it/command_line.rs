//! The commands an administrator types.

mod check;
mod consent;
mod help;
mod preview;
mod provision;
mod status;
mod shell;
mod sync;
mod verify;
