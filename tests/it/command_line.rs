//! The commands an administrator types.

mod check;
mod consent;
mod help;
mod preview;
mod status;
mod sync;
mod verify;
