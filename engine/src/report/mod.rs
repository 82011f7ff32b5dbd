//! Everything known about a design on a machine, as one value, and what people take elsewhere of it.
//!
//! A [`Profile`] is the one exported thing. Each format is one file with one [`Exporter`], written from nothing but the
//! profile; [`Profile::export`] writes any of them whole or not at all, [`Profile::read`] opens what JSON holds,
//! [`json_schema`] describes it.

mod camera_run;
mod csv;
mod error;
mod exporter;
mod html;
mod json;
mod kinds;
mod latex;
mod layer_diff;
mod layers;
mod markdown;
mod model_explorer;
mod profile;
mod read;
mod roofline;
mod schema;
mod stages;
mod summary;
mod trace;

pub use camera_run::{CameraRun, FrameTimes};
pub use csv::{Csv, quoted as csv_cell};
pub use error::{ExportError, ProfileFileError};
pub use exporter::{Exporter, Format};
pub use html::Html;
pub use json::Json;
pub use kinds::{TimeByKind, time_by_kind, what_fusing_saves};
pub use latex::Latex;
pub use layer_diff::{LayerChange, LayerDifference, LayerPair, LayerSide, LayerSource};
pub use layers::{LayerApart, LayerKernel, LayerRow, layer_rows};
pub use markdown::{Markdown, cell as markdown_cell};
pub use model_explorer::ModelExplorer;
pub use profile::{Profile, SCHEMA};
pub use roofline::{FEWER_MULTIPLICATIONS, RooflinePoint, decades, roofline_points};
pub use schema::json_schema;
pub use stages::{StageRow, layer_group, part as layer_part, stage_rows};
pub use summary::{DeviceFact, Fact, Origin, environment, headline, method, on_device, threads};
pub use trace::Trace;
