//! Small controls that panels are made of; each has an accessible name.

mod bars;
mod choice;
mod field;
mod mark;
mod number;
mod scatter;
mod slider;
mod stacked;

pub use bars::{Bar, Bars, Whose};
pub use choice::choice;
pub use field::{label, named, problem, row};
pub use mark::{Mark, disclosure, mark};
pub use number::{MIXED, number, shared_number};
pub use scatter::{Across, Axis, Dot, Scatter, legend};
pub use slider::slider;
pub use stacked::{Part, stacked, stacked_legend};
