//! A process of our own that opens files of others and renders exports for the window.
//!
//! A parser may panic or overflow the stack, a file may never end, a network share may hang, and a small file may ask for
//! much memory. All of that ends with the process, which has one request, one answer, so much memory and so much time;
//! killing it is the way to cancel. What comes back is only what our own parser made of the file: designs, profiles,
//! outlines of models, and bytes to be written.

mod memory;
mod process;
mod protocol;
mod serve;

pub use process::{Handle, Readers, Reply};
pub use protocol::{Answer, Request};
pub use serve::serve;
