//! One kernel launch in 8 bits, whichever kernel it is.

use super::super::arena::{Arena, Packed};
use super::super::map::Map;
use super::by_rows::ByRows;
use super::depthwise::Depthwise;
use super::elementwise::Elementwise;
use super::linear::Linear;
use super::moves::{Quantize, Repack};
use super::pool::{Average, Largest};
use super::product::Product;

/// One kernel launch in 8 bits.
#[derive(Debug)]
pub enum Int8Step {
    /// A matrix product and what follows it.
    Product(Product),
    /// The same of wide maps, row by row.
    ByRows(ByRows),
    /// Depthwise convolution, or the mean over windows.
    Depthwise(Depthwise),
    /// Max-pooling.
    Largest(Largest),
    /// The mean over the map, or over windows of which not all counts.
    Average(Average),
    /// Fully connected.
    Linear(Linear),
    /// Byte by byte.
    Elementwise(Elementwise),
    /// The network's input as bytes.
    Quantize(Quantize),
    /// Channels in other words.
    Repack(Repack),
}

impl Int8Step {
    pub(in super::super) fn items(&self) -> usize {
        match self {
            Self::Product(step) => step.items(),
            Self::ByRows(step) => step.items(),
            Self::Depthwise(step) => step.items(),
            Self::Largest(step) => step.items(),
            Self::Average(step) => step.items(),
            Self::Linear(step) => step.items(),
            Self::Elementwise(step) => step.items(),
            Self::Quantize(step) => step.items(),
            Self::Repack(step) => step.items(),
        }
    }

    pub(in super::super) fn reads(&self) -> Vec<&Map> {
        match self {
            Self::Product(step) => step.reads().collect(),
            Self::ByRows(step) => step.reads().collect(),
            Self::Depthwise(step) => vec![step.input()],
            Self::Largest(step) => vec![step.input()],
            Self::Average(step) => vec![step.input()],
            Self::Linear(step) => vec![step.input()],
            Self::Elementwise(step) => step.reads().collect(),
            Self::Quantize(step) => vec![step.input()],
            Self::Repack(step) => vec![step.input()],
        }
    }

    pub(in super::super) fn writes(&self) -> &Map {
        match self {
            Self::Product(step) => step.output(),
            Self::ByRows(step) => step.output(),
            Self::Depthwise(step) => step.output(),
            Self::Largest(step) => step.output(),
            Self::Average(step) => step.output(),
            Self::Linear(step) => step.output(),
            Self::Elementwise(step) => step.output(),
            Self::Quantize(step) => step.output(),
            Self::Repack(step) => step.output(),
        }
    }

    pub(in super::super) fn scratch(&self) -> usize {
        match self {
            Self::Product(step) => step.scratch(),
            Self::ByRows(step) => step.scratch(),
            Self::Depthwise(step) => step.scratch(),
            Self::Largest(step) => step.scratch(),
            Self::Linear(step) => step.scratch(),
            Self::Average(_) | Self::Elementwise(_) | Self::Quantize(_) | Self::Repack(_) => 0,
        }
    }

    pub(in super::super) fn weights(&mut self) -> Option<&mut Packed> {
        match self {
            Self::Product(step) => Some(&mut step.panels.weights),
            Self::ByRows(step) => Some(&mut step.panels.weights),
            Self::Linear(step) => Some(&mut step.weights),
            _ => None,
        }
    }

    /// # Safety
    /// As [`Step::run`](super::super::Step::run).
    pub(in super::super) unsafe fn run(&self, item: usize, arena: &Arena, scratch: &mut Arena) {
        // SAFETY: handed on.
        unsafe {
            match self {
                Self::Product(step) => step.run(item, arena, scratch),
                Self::ByRows(step) => step.run(item, arena, scratch),
                Self::Depthwise(step) => step.run(item, arena, scratch),
                Self::Largest(step) => step.run(item, arena, scratch),
                Self::Average(step) => step.run(item, arena),
                Self::Linear(step) => step.run(item, arena, scratch),
                Self::Elementwise(step) => step.run(item, arena),
                Self::Quantize(step) => step.run(item, arena),
                Self::Repack(step) => step.run(item, arena),
            }
        }
    }
}
