//! The one exported thing: everything known about a design on a machine.

mod profile;

pub use profile::{Profile, SCHEMA};
