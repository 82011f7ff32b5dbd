//! The paper's experiments on this machine.
//!
//! - The controlled experiments of Tables 1 to 4 and appendix Table 1 b: [`columns`] gives the networks, [`measure_column`]
//!   measures them in turns, [`ExperimentResult`] says what holds on this device, [`markdown`] prints it.
//! - [`PairResult`]: any two networks, compared by the same protocol.
//!
//! The paper's figures are data with their source, shown as published and never mixed with measured ones. What the paper
//! leaves open is settled here and labelled as a choice of ours: [`Experiment::choices`].

mod catalogue;
mod column;

pub mod g1;
pub mod g2;
pub mod g3;
pub mod g4;
pub mod markdown;
mod pair;
mod result;
mod run;
mod stack;
pub mod units;
mod verdict;

pub use catalogue::{Claim, Experiment, Scale, Widths};
pub use column::{Column, PaperRate, Row, columns};
pub use pair::{Contender, PairResult};
pub use result::{Cell, ColumnResult, ExperimentResult, MeasuredColumn, PaperFigure, RateInterval};
pub use run::{ExperimentError, column_run_key, measure_column, measure_in_turns};
pub use stack::Stack;
pub use verdict::{Evidence, Verdict};

#[cfg(test)]
mod tests;
