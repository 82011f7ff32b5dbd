//! What to change next about the present design, on its target.
//!
//! - [`Adviser`]: works out what every change would bring, on a thread; never shows what belongs to another design,
//! - [`Trial`]: a change that is tried: measured in turns with the design as it is,
//! - [`Applied`]: a change that was made, what was predicted of it beside what was measured.

mod adviser;
mod applied;
mod trial;
mod words;

pub use adviser::{Adviser, Depth};
pub use applied::{Applications, Applied, Promise};
pub use trial::{Trial, Trials, Tried};
pub(super) use words::said_of;
