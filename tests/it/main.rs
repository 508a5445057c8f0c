//! The integration tests: one program, a module per concern.

mod dataverse;
mod settings;
