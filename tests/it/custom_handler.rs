//! The program as the Functions host meets it: paths, bodies, triggers, start and end.

mod bodies;
mod life;
mod paths;
mod timer;
mod wrong_settings;
