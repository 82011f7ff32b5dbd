//! Teaching a design a person's own things: the project that keeps the pictures, and the work that a worker does with them.
//!
//! Pictures never leave the machine. A [`Project`] is a folder of the user's data with one small index; whatever decodes
//! pictures or runs a network does so in a worker process, where a crash harms nothing.

mod job;
mod project;
mod start;
mod take_in;
mod train;
mod work;

pub use job::{
    ClassFiles, Curve, Kind, PictureFile, TakeInJob, TakenClass, TakenIn, TaughtFile, TeachJob, TeachNews, TeachWork,
};
pub use project::{
    Class, INDEX, MOST_OF_A_CLASS, MOST_TAUGHT, Place, Project, ProjectError, Shot, TaughtHere, WANTED_OF_A_CLASS,
};
#[cfg(feature = "window")]
pub(crate) use take_in::KEPT_SIDE;
pub(crate) use take_in::take_in;
pub(crate) use work::teach;
