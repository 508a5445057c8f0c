//! The commands an administrator types.

mod check;
mod help;
mod sync;
mod verify;
