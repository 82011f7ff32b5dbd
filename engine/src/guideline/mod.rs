//! The paper's four guidelines (section 2), applied to a design: what each finds, its evidence in numbers, a remedy.
//!
//! - **G1** equal channel width minimises memory access,
//! - **G2** group convolution raises it,
//! - **G3** fragmentation costs parallelism,
//! - **G4** element-wise operations are not negligible.

mod data_movement;
mod find;
mod finding;
mod g1_channel_width;
mod g2_groups;
mod g3_fragmentation;
mod g4_element_wise;
mod remedy;

pub use find::findings;
pub use finding::{Change, Evidence, EvidenceRow, Finding, Guideline, Remedy, TimeShareOf};
