//! How a kernel is cut into workgroups and threads: what a tuner chooses and remembers.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Refusal;

/// What an adapter allows in one workgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Bytes of workgroup memory (`max_compute_workgroup_storage_size`).
    pub workgroup_bytes: u32,
    /// Threads: the lesser of `max_compute_invocations_per_workgroup` and `max_compute_workgroup_size_x`.
    pub invocations: u32,
}

impl Limits {
    /// What every WebGPU adapter allows.
    pub const LEAST: Self = Self { workgroup_bytes: 16_384, invocations: 256 };
}

/// Tile sizes of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// A matrix product by tiles in workgroup memory.
    Tile(Tile),
    /// A dense or grouped convolution without workgroup memory: a thread computes `channels` output channels of one pixel.
    Direct {
        /// Output channels of a thread; a multiple of four.
        channels: u32,
        /// Threads of a workgroup.
        threads: u32,
    },
    /// A thread computes `rows` by `columns` neighbouring outputs of a channel.
    Patch {
        /// Rows of outputs.
        rows: u32,
        /// Columns of outputs.
        columns: u32,
        /// Threads of a workgroup.
        threads: u32,
    },
    /// A workgroup computes `rows` by `columns` pooled outputs of `channels` channels.
    Area {
        /// Rows of pooled outputs.
        rows: u32,
        /// Columns of pooled outputs.
        columns: u32,
        /// Channels; a multiple of four.
        channels: u32,
        /// Threads of a workgroup.
        threads: u32,
    },
    /// A workgroup computes `rows` rows of outputs of a pointwise convolution's `channels` channels behind a depthwise one.
    Band {
        /// Rows of outputs.
        rows: u32,
        /// Channels of the pointwise convolution.
        channels: u32,
        /// Threads that share a sum of the pointwise convolution, each with its part of the input channels.
        split: u32,
        /// Threads of a workgroup.
        threads: u32,
    },
    /// `lanes` threads share a sum.
    Lanes {
        /// Threads of a sum; a power of two.
        lanes: u32,
        /// Threads of a workgroup; a multiple of `lanes`.
        threads: u32,
    },
    /// A thread computes one output, or one vector of four.
    Each {
        /// Threads of a workgroup.
        threads: u32,
    },
}

impl Variant {
    /// The refusal of a variant that is none of `kernel`'s.
    pub(super) fn refused(self, kernel: &'static str) -> Refusal {
        Refusal::Variant { variant: self.to_string(), kernel }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Tile(Tile { rows, columns, depth, row_step, vectors, split, ahead }) => {
                let ahead = if ahead { "a" } else { "" };
                write!(f, "{rows}x{columns}k{depth}r{row_step}x{}s{split}{ahead}", 4 * vectors)
            }
            Self::Direct { channels, threads } => write!(f, "direct{channels}t{threads}"),
            Self::Patch { rows, columns, threads } => write!(f, "patch{rows}x{columns}t{threads}"),
            Self::Area { rows, columns, channels, threads } => write!(f, "area{rows}x{columns}c{channels}t{threads}"),
            Self::Band { rows, channels, split, threads } => write!(f, "band{rows}c{channels}s{split}t{threads}"),
            Self::Lanes { lanes, threads } => write!(f, "lanes{lanes}t{threads}"),
            Self::Each { threads } => write!(f, "t{threads}"),
        }
    }
}

/// A workgroup's tile of a matrix product: `rows` output channels by `columns` pixels, `depth` input values at a time.
/// Each thread sums `row_step` rows by `4 * vectors` columns over every `split`-th input value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tile {
    /// Output channels of a workgroup; a multiple of four.
    pub rows: u32,
    /// Pixels of a workgroup; a multiple of four.
    pub columns: u32,
    /// Input values in workgroup memory at a time.
    pub depth: u32,
    /// Output channels of a thread: 1, 2, or a multiple of four.
    pub row_step: u32,
    /// Vectors of four pixels of a thread.
    pub vectors: u32,
    /// Threads that share the sums of one place, each with its part of the input values.
    pub split: u32,
    /// Whether the next input values are fetched while these are summed.
    pub ahead: bool,
}

impl Tile {
    /// Vectors of pixels in a row of the tile.
    pub const fn row_vectors(&self) -> u32 {
        self.columns / 4
    }

    /// Threads side by side along the pixels.
    pub const fn threads_across(&self) -> u32 {
        self.row_vectors() / self.vectors
    }

    /// Threads along the output channels.
    pub const fn threads_down(&self) -> u32 {
        self.rows / self.row_step
    }

    /// Threads of a workgroup.
    pub const fn threads(&self) -> u32 {
        self.threads_across() * self.threads_down() * self.split
    }

    /// Whether the tile can be cut as its fields say.
    pub const fn is_sound(&self) -> bool {
        let small = self.rows <= 256 && self.columns <= 256 && self.depth <= 1024 && self.split <= 32;
        let filled = self.rows > 0 && self.columns > 0 && self.depth > 0 && self.split > 0;
        if !small || !filled || self.row_step == 0 || self.vectors == 0 || self.row_step > 16 || self.vectors > 4 {
            return false;
        }
        let rows = self.rows.is_multiple_of(4) && self.rows.is_multiple_of(self.row_step);
        let steps = self.row_step < 3 || self.row_step.is_multiple_of(4);
        let columns = self.columns.is_multiple_of(4 * self.vectors);
        if !rows
            || !steps
            || !columns
            || !self.threads().is_multiple_of(self.row_vectors())
            || !self.depth.is_multiple_of(self.split)
        {
            return false;
        }
        // Every thread fetches for one vector of pixels only; ahead of time not more than registers have room for.
        let fetched = (self.depth * (self.rows / 4 + self.row_vectors())).div_ceil(self.threads());
        !self.ahead || fetched <= 8
    }

    /// The tile with its depth evened out for a sum of `depth` values.
    pub const fn fitted(self, depth: u32) -> Self {
        let chunks = depth.div_ceil(self.depth);
        Self { depth: depth.div_ceil(chunks).next_multiple_of(self.split), ..self }
    }

    /// Vectors of workgroup memory for pixels; the partial sums of a split product take their place afterwards.
    pub const fn pixel_vectors(&self) -> u32 {
        let pixels = self.depth * self.row_vectors();
        let sums = if self.split > 1 { self.split * self.rows * self.row_vectors() } else { 0 };
        if sums > pixels { sums } else { pixels }
    }

    /// Bytes of workgroup memory; `mean` adds that of the sums over pixels.
    pub const fn bytes(&self, mean: bool) -> u32 {
        let sums = if mean { self.rows * self.row_vectors() * 4 } else { 0 };
        self.depth * self.rows * 4 + self.pixel_vectors() * 16 + sums
    }
}
