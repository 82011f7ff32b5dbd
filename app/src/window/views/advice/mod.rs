//! What to change next: every change with what it would bring on this device, tried or made at a click, and the latency
//! over the channels of a stage.

mod changes;
mod staircase;
mod state;

pub use state::AdviceView;
