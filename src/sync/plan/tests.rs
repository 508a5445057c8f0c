mod link;
mod properties;
mod settling;
mod standing;
mod told;
mod units;
mod values;
mod world;
