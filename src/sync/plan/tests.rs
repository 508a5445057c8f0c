mod link;
mod properties;
mod values;
mod world;
