//! Networks as other programs read and write them: weights and graph together.
//!
//! - [`onnx`]: out of any graph, and in from classification models made of the operations of [`Op`](crate::graph::Op);
//! - [`pytorch`]: the source of a module whose `state_dict` has our layer paths as names.
//!
//! Weights alone are [`weights::save_safetensors`](crate::weights::save_safetensors).

mod error;
mod module_path;
pub mod onnx;
pub mod pytorch;

pub use error::{ModelFileError, UnsupportedNode};
