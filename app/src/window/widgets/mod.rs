//! Small controls that panels are made of; each has an accessible name.

mod choice;
mod field;
mod mark;
mod number;
mod scatter;
mod slider;

pub use choice::choice;
pub use field::{label, named, problem, row};
pub use mark::{Mark, disclosure, mark};
pub use number::{MIXED, number, shared_number};
pub use scatter::{Across, Axis, Dot, Scatter, legend};
pub use slider::slider;
