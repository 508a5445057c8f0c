//! The integration tests: one program, a module per concern.

mod settings;
