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
//! The engine knows no window, no command line and no camera, and prints nothing.

pub mod advise;
pub mod classify;
pub mod clock;
pub mod cost;
pub mod design;
pub mod device;
pub mod experiment;
pub mod files;
pub mod graph;
pub mod guideline;
pub mod measure;
pub mod model;
pub mod model_file;
pub mod pareto;
pub mod predict;
pub mod report;
pub mod runtime;
pub mod search;
pub mod store;
pub mod sweep;
pub mod training;
pub mod units;
pub mod weights;
pub mod zoo;
