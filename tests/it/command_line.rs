//! The commands an administrator types.

mod check;
mod consent;
mod help;
mod preview;
mod provision;
mod shell;
mod status;
mod sync;
mod verify;
