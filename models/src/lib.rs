//! The models that people have: a [`model`] is a design, a built-in network or a file ([`model_file`]); it can [`classify`]
//! pictures and be taught by them ([`training`]).

pub mod classify;
pub mod model;
pub mod model_file;
pub mod training;

use shufflescope_backends::{device, runtime};
#[cfg(test)]
use shufflescope_networks::cost;
use shufflescope_networks::{clock, design, files, graph, units, weights, zoo};
