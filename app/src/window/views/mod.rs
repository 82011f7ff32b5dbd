//! Views of the design in the middle of the window: its layers, its unit, its time, its roofline, its memory, what to
//! change next, its earlier runs.

mod advice;
mod apart;
mod choices;
mod history;
mod known;
mod layers;
mod memory;
mod roofline;
mod rows;
mod state;
mod time;
mod unit;
mod unit_plan;

/// Below this width of the middle the views' names stand closer together, so that their tools have room, and there are fewer
/// of these.
pub const NARROW: f32 = 600.0;

pub use choices::ViewChoices;
pub use rows::Column as LayerColumn;
pub use state::Views;
