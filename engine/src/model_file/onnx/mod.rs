//! ONNX models (opset 17): written from any graph, read where their operations are those of [`Op`](crate::graph::Op).

mod attributes;
mod constant;
mod export;
mod import;
mod operations;
mod outline;
mod proto;
mod scan;
mod view;

pub use export::{BatchNorm, to_onnx, write_onnx};
pub use import::{Imported, import};

/// The opset written; every operation used is in it since then or before.
const OPSET: i64 = 17;
