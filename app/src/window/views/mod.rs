//! Views of the design in the middle of the window: its layers, its unit, its time, its roofline, its memory, what to
//! change next, its earlier runs.

mod advice;
mod apart;
mod history;
mod layers;
mod memory;
mod roofline;
mod rows;
mod state;
mod time;
mod unit;
mod unit_plan;

pub use state::Views;
