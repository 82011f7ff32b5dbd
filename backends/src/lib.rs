//! What networks run on: [`device`]s with their conditions and peaks, and [`runtime`]s that plan, prepare and run a network
//! there.

pub mod device;
pub mod runtime;

use shufflescope_networks::{clock, files, graph, units, weights};
#[cfg(test)]
use shufflescope_networks::{cost, design, zoo};
