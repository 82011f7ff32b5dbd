//! Why a network cannot be compiled, or no longer runs.

use thiserror::Error;

use super::kernels::{Conflict, Isa, Unfit};
use crate::device::Precision;
use crate::graph::Graph;
use crate::weights::{ScaleError, WeightsError};

/// Why a graph cannot be compiled.
#[derive(Debug, Error)]
pub enum CompileError {
    /// Weights are missing or of the wrong shape.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The instruction set that was asked for.
    #[error("this machine has no {0} instructions")]
    Isa(Isa),
    /// The instruction set that was asked for has no such floats.
    #[error("{isa} has no {precision} instructions: leave the instruction set out, or use --precision f32")]
    Precision {
        /// The instruction set.
        isa: Isa,
        /// The precision asked for.
        precision: Precision,
    },
    /// Feature maps beyond what offsets of 32 bits reach, or more than the machine has memory for.
    #[error(
        "`{design}` needs {floats} floats for feature maps, weights or working space, more than can be addressed or than \
        there is memory for: lower batch, input or threads"
    )]
    TooLarge {
        /// The network's name.
        design: String,
        /// Floats needed.
        floats: usize,
    },
    /// A layer that no kernel computes.
    #[error("layer `{layer}` of `{design}`: {unfit}")]
    Layer {
        /// The network's name.
        design: String,
        /// The first layer of the kernel.
        layer: String,
        /// What does not fit.
        unfit: Unfit,
    },
    /// A layer that is not computed in 8 bits.
    #[error("layer `{layer}` of `{design}` cannot run in int8: {why}; use --precision f32")]
    Int8 {
        /// The network's name.
        design: String,
        /// The layer.
        layer: String,
        /// Why.
        why: String,
    },
    /// What the weights say of how bytes stand for numbers, and what cannot be so.
    #[error("`{design}` cannot run in int8 as its weights say: {source}")]
    Scale {
        /// The network's name.
        design: String,
        /// The layer, and what is wrong.
        source: ScaleError,
    },
    /// The runs that find the range of each value.
    #[error("a thread failed while `{design}` ran in f32 to find the range of its values")]
    Calibration {
        /// The network's name.
        design: String,
    },
    /// A mistake in the plan, found before anything runs.
    #[error("`{design}` was planned wrongly ({conflict}): this is a bug of ShuffleScope")]
    Plan {
        /// The network's name.
        design: String,
        /// What does not fit.
        conflict: Conflict,
    },
    /// No more threads.
    #[error("cannot start {threads} threads: {source}")]
    Threads {
        /// Threads asked for.
        threads: usize,
        /// What the system says.
        source: std::io::Error,
    },
}

impl CompileError {
    /// Why there is no program of a graph.
    pub(super) fn of(graph: &Graph, conflict: Conflict) -> Self {
        let design = graph.name.clone();
        match conflict {
            Conflict::NoMemory(memory) => Self::TooLarge { design, floats: memory.0 },
            conflict => Self::Plan { design, conflict },
        }
    }
}

/// A thread panicked in this run or in an earlier one. All threads have left it; the network is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a thread of the tuned runtime panicked, in this run or an earlier one: prepare the network again")]
pub struct ThreadFailed;
