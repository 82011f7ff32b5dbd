//! What can go wrong with a model on its way to a file and back.

use std::fmt;
use std::io;

use thiserror::Error;

use crate::graph::LowerError;
use crate::weights::{FoldError, WeightsError};

/// A model that cannot be written or opened.
#[derive(Debug, Error)]
pub enum ModelFileError {
    /// The file cannot be read or written; an old one is untouched.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// The file is damaged, or no ONNX model.
    #[error("{path}: not a usable ONNX model: {reason}")]
    Malformed {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A model that does something that graphs here cannot express.
    #[error("{path}: these operations are not supported:{}", List(.nodes))]
    Unsupported {
        /// The file.
        path: String,
        /// All of them.
        nodes: Vec<UnsupportedNode>,
    },
    /// The model does not fit the input that is asked for.
    #[error("{path}: {source}")]
    Layer {
        /// The file.
        path: String,
        /// The layer and what does not fit.
        source: LowerError,
    },
    /// The weights do not fit the graph.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A layer is called as no module of PyTorch can be.
    #[error("layer `{layer}`: {reason}")]
    Name {
        /// The layer's path.
        layer: String,
        /// What is wrong with it, and what is not.
        reason: String,
    },
    /// A batch normalisation cannot be folded.
    #[error("layer `{layer}`: {source}")]
    Fold {
        /// The convolution's path.
        layer: String,
        /// What does not fit.
        source: FoldError,
    },
}

/// An operation of a model that has no counterpart here, as often as it is refused for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedNode {
    /// ONNX's name of the operation: `Softmax`.
    pub op: String,
    /// The first node's name in the file, or that of what it makes.
    pub node: String,
    /// Why, where the operation as such is known.
    pub reason: Option<String>,
    /// How many nodes there are of it.
    pub count: usize,
}

struct List<'a>(&'a [UnsupportedNode]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Kinds; the largest operator set has some 200.
        const SHOWN: usize = 100;
        for UnsupportedNode { op, node, reason, count } in self.0.iter().take(SHOWN) {
            match count {
                0 | 1 => write!(f, "\n  {op} (`{node}`)")?,
                _ => write!(f, "\n  {op} ({count} times, first `{node}`)")?,
            }
            if let Some(reason) = reason {
                write!(f, ": {reason}")?;
            }
        }
        if let Some(more @ 1..) = self.0.len().checked_sub(SHOWN) {
            write!(f, "\n  and {more} more kinds")?;
        }
        let quantised = |node: &UnsupportedNode| {
            let op = node.op.as_str();
            op.starts_with("QLinear") || op.contains("Quantize") || op.ends_with("Integer")
        };
        if self.0.iter().any(quantised) {
            write!(f, "\nit is a quantised model: take the one in 32-bit floats that it was made from")?;
        }
        Ok(())
    }
}
