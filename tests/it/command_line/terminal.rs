//! What a person at a terminal sees, and what is never shown there.

mod screens;
mod secrets;
