//! Ways to cut a kernel into blocks: what a tuner chooses from.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Tile sizes, threads, clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Variant {
    /// A product by plain multiply-adds.
    Fma(FmaTile),
    /// A product on tensor cores.
    Tensor(TensorTile),
    /// A warp for each output of so many images.
    Linear {
        /// Images of a block.
        images: u32,
        /// Threads of a block.
        threads: u32,
    },
    /// So many rows of a column per thread.
    Depthwise {
        /// Rows of a thread; 0: one value, and the window not in registers.
        strip: u32,
        /// Threads of a block.
        threads: u32,
    },
    /// A tile of a convolution of few channels, pooled or not.
    Stem {
        /// Rows and columns of a block's outputs.
        tile: [u32; 2],
        /// Channels of a block.
        channels: u32,
        /// Threads of a block.
        threads: u32,
    },
    /// A value, or four, or a warp's sum: nothing to choose but the block.
    Simple {
        /// Threads of a block.
        threads: u32,
    },
    /// A whole unit.
    Unit(UnitTile),
}

/// A block's part of a product, by plain multiply-adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FmaTile {
    /// Rows (output channels) and columns (pixels) of a block.
    pub block: [u32; 2],
    /// Rows and columns of a thread.
    pub thread: [u32; 2],
    /// Depth of a stage.
    pub depth: u32,
    /// Stages in flight.
    pub stages: u32,
    /// Groups of threads that share the depth.
    pub split: u32,
    /// Blocks that share the depth.
    pub cluster: u32,
}

/// A block's part of a product, on tensor cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TensorTile {
    /// Rows and columns of a block.
    pub block: [u32; 2],
    /// Rows and columns of a warp.
    pub warp: [u32; 2],
    /// Depth of a stage.
    pub depth: u32,
    /// Stages in flight.
    pub stages: u32,
    /// Blocks that share the depth.
    pub cluster: u32,
}

/// How a unit is shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UnitTile {
    /// Blocks that share the channels.
    pub cluster: u32,
    /// Output rows of a cluster.
    pub rows: u32,
    /// Threads of a block.
    pub threads: u32,
    /// Lanes that share a sum's depth, in the first and second pointwise.
    pub split: [u32; 2],
    /// Parts of a block's rows, in the first and second pointwise, whose weights follow each other through shared memory.
    pub bands: [u32; 2],
    /// Whether blocks send results by transactions (`st.async`) instead of stores and a barrier.
    pub transactions: bool,
}

impl FmaTile {
    /// Threads of a block.
    #[must_use]
    pub const fn threads(&self) -> u32 {
        self.block[0] / self.thread[0] * (self.block[1] / self.thread[1]) * self.split
    }
}

impl TensorTile {
    /// Threads of a block.
    #[must_use]
    pub const fn threads(&self) -> u32 {
        self.block[0] / self.warp[0] * (self.block[1] / self.warp[1]) * 32
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Fma(FmaTile { block: [m, n], thread: [tm, tn], depth, stages, split, cluster }) => {
                write!(f, "fma{m}x{n}t{tm}x{tn}k{depth}s{stages}p{split}c{cluster}")
            }
            Self::Tensor(TensorTile { block: [m, n], warp: [wm, wn], depth, stages, cluster }) => {
                write!(f, "tensor{m}x{n}w{wm}x{wn}k{depth}s{stages}c{cluster}")
            }
            Self::Linear { images, threads } => write!(f, "linear{images}t{threads}"),
            Self::Depthwise { strip, threads } => write!(f, "depthwise{strip}t{threads}"),
            Self::Stem { tile: [h, w], channels, threads } => write!(f, "stem{h}x{w}x{channels}t{threads}"),
            Self::Simple { threads } => write!(f, "t{threads}"),
            Self::Unit(UnitTile { cluster, rows, threads, split: [first, second], bands: [b1, b2], transactions }) => {
                let exchange = if transactions { "x" } else { "" };
                write!(f, "unit{rows}t{threads}p{first}x{second}b{b1}x{b2}c{cluster}{exchange}")
            }
        }
    }
}
