//! The commands an administrator types.

mod check;
mod help;
mod preview;
mod sync;
mod verify;
