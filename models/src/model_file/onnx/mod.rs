//! ONNX models (opset 17): written from any graph, read from opset 7 on where they do what layers here do.
//!
//! Reading goes one way: `scan` and `decode` make nodes and constants of bytes, `quantised` makes numbers of integers, `fold`
//! computes what is known, `read` makes
//! steps of nodes, `rewrite` puts plain steps in the place of what files say in pieces, `emit` makes layers of steps.

mod attributes;
mod axes;
mod constant;
mod decode;
mod draft;
mod elements;
mod emit;
mod export;
mod external;
mod fold;
mod import;
mod integers;
mod layout;
mod outline;
mod outputs;
mod proto;
mod quantised;
mod read;
mod refusals;
mod rewrite;
mod scan;
mod sniff;
#[cfg(test)]
mod tests;

pub use export::{BatchNorm, to_onnx, to_onnx_in_bytes, write_onnx, write_onnx_in_bytes};
pub use import::{Imported, import, import_output};

/// The opset written; every operation used is in it since then or before.
const OPSET: i64 = 17;
