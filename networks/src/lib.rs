//! Networks on paper: [`design`]s and the [`graph`]s they stand for, [`weights`], the networks of the papers ([`zoo`]) and what
//! all of them [`cost`]. Nothing here runs a network, and nothing knows a device.

pub mod clock;
pub mod cost;
pub mod design;
pub mod files;
pub mod graph;
pub mod pareto;
pub mod units;
pub mod weights;
pub mod zoo;
