//! The paper's experiments on this machine.
//!
//! - The controlled experiments of Tables 1 to 4 and appendix Table 1 b: [`columns`] gives the networks, [`measure_in_turns`]
//!   measures them, [`ExperimentResult`] says what holds on this device, [`markdown`] prints it.
//! - Table 8 and Figure 1: [`table_8()`] and [`ZooTable`]; Figure 2: [`figure_2`] and [`FigureTable`]; appendix Table 1 a:
//!   [`resolutions()`] and [`ResolutionTable`].
//! - [`PairResult`]: any two networks, compared by the same protocol.
//!
//! The paper's figures are data with their source, shown as published and never mixed with measured ones. What the paper
//! leaves open is settled here and labelled as a choice of ours: [`Experiment::choices`].

mod bare;
mod catalogue;
mod column;
pub mod figure_2;
mod figure_2_table;
pub mod g1;
pub mod g2;
pub mod g3;
pub mod g4;
pub mod markdown;
mod pair;
mod paper;
mod resolution_table;
mod resolutions;
mod result;
mod run;
mod stack;
mod table_8;
pub mod units;
mod verdict;
mod zoo_table;

pub use catalogue::{Claim, Experiment, Scale, Widths};
pub use column::{Column, Row, columns};
pub use figure_2_table::{FigureTable, Pie};
pub use pair::{Contender, PairResult};
pub use paper::PaperRate;
pub use resolution_table::{MeasuredResolution, ResolutionTable};
pub use resolutions::{CHOICE as RESOLUTIONS_CHOICE, ResolutionRow, SOURCE as RESOLUTIONS_SOURCE, resolutions};
pub use result::{Cell, ColumnResult, ExperimentResult, MeasuredColumn, PaperFigure, RateInterval};
pub use run::{ExperimentError, column_run_key, measure_in_turns};
pub use stack::Stack;
pub use table_8::{Level, PaperRow, ZooRowError, table_8, zoo_graph};
pub use verdict::{Evidence, Verdict};
pub use zoo_table::{PublishedRow, ZooCost, ZooOutcome, ZooRow, ZooSpeed, ZooTable};

#[cfg(test)]
mod tests;
