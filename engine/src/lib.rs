//! The engine of ShuffleScope: designs of efficient CNNs, what they cost on paper and what they cost on a device.
//!
//! Data flows one way:
//!
//! ```text
//! Design ──lower──► Graph ──cost──► ModelCost ─────────────┐
//!                     │                                    ├──► findings (G1..G4) ──► Profile
//!                     └─plan──► KernelPlan ─prepare─► Executable ─measure─► Measurement ─┘
//! ```
//!
//! What was measured is remembered in one [`store`] for every window and command line.
//!
//! Designs, graphs, their cost and their weights are a package of their own (`shufflescope-networks`), so are devices and runtimes
//! (`shufflescope-backends`), model files, pictures and training (`shufflescope-models`): each is built with less memory than all
//! at once, and no arrow runs up. They are named from here.
//!
//! The engine knows no window, no command line and no camera, and prints nothing.

pub mod advise;
pub mod experiment;
pub mod guideline;
pub mod measure;
pub mod predict;
pub mod report;
pub mod search;
pub mod store;
pub mod sweep;

pub use shufflescope_backends::{device, runtime};
pub use shufflescope_models::{classify, model, model_file, training};
pub use shufflescope_networks::{clock, cost, design, files, graph, pareto, units, weights, zoo};
