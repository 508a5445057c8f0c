//! What the simulation proves of the connector, and that it would notice if it were not so.

mod faulty;
mod mutants;
mod seeds;
