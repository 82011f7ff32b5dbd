//! What the present network will take, said in the frame of the edit, and what that rests on.
//!
//! - [`Learning`]: what is known of each way of running, made of the store's kernel times on a thread of its own,
//! - [`Forecast`]: the estimate of the present network, as it was before that network was measured.

mod learning;
mod present;

pub use learning::{Knowledge, Learning};
pub use present::{Beside, Forecast};
