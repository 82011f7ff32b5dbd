//! Teaching in the camera tab: the project with its classes and pictures, what is being taught, and what came of it; the
//! state, without its painting.
//!
//! Pictures come from the camera's previews. A thread of its own writes and removes files in the order in which things were
//! done; a worker process reads them, and teaches.

mod command;
mod history;
mod keeper;
mod open;
mod running;
mod state;
mod thumbs;

pub use command::TeachCommand;
pub use open::Listed;
pub use running::Running;
pub use state::{Hint, JobParts, Outcome, Teach, way_words};
