//! The sandbox's own program.
fn main() {}
