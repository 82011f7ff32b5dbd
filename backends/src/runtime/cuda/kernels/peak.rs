//! Kernels that do nothing but multiply and add, copy, or be launched.

use super::Source;
use super::source::{COMMON, half};
use crate::runtime::Precision;

const PARTS: &[&str] = &[COMMON, include_str!("../sources/peaks.cu")];

/// Threads of a block.
pub const THREADS: u32 = 256;

/// Steps of the arithmetic's loop, in each of which a thread does so many multiply-adds.
pub const STEPS: u32 = 256;
/// See [`STEPS`].
pub const ADDS: u32 = 32;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peak {
    /// Multiply-adds of 32 bits in registers.
    MultiplyAdds,
    /// A copy of so many times 16 bytes.
    Copy(u32),
    /// The launch itself, of one small block.
    Launch,
}

impl Peak {
    /// One of each.
    pub const ALL: [Self; 3] = [Self::MultiplyAdds, Self::Copy(1), Self::Launch];

    /// Its text in so many blocks.
    #[must_use]
    pub fn source(self, blocks: u32) -> Source {
        let (entry, vectors) = match self {
            Self::MultiplyAdds => ("peak_multiply_adds", 1),
            Self::Copy(vectors) => ("peak_copy", vectors),
            Self::Launch => ("peak_launch", 1),
        };
        let constants =
            [("THREADS", THREADS), ("STEPS", STEPS), ("ADDS", ADDS)].map(|(name, value)| (name, i64::from(value)));
        Source {
            entry,
            constants: [half(Precision::F32)].into_iter().chain(constants).collect(),
            sizes: vec![("VECTORS", vectors.into())],
            grid: [blocks, 1, 1],
            block: THREADS,
            cluster: 1,
            shared: 0,
            weights: false,
            second: false,
            parts: PARTS,
        }
    }
}
