//! One kernel launch, whichever kernel it is.

use super::arena::{Arena, Packed};
use super::channel_norm::ChannelNorm;
use super::convolution::Convolution;
use super::int8::Int8Step;
use super::linear::Linear;
use super::map::Map;
use super::planes::{Depthwise, Planes};
use super::reduce::Reduce;
use super::rowwise::Rowwise;
use super::spec::Sink;
use super::stem_conv::StemConv;
use super::winograd::Winograd;

/// One kernel launch.
#[derive(Debug)]
pub enum Step {
    /// A matrix product and what follows it.
    Convolution(Box<Convolution>),
    /// Linear 3x3 convolution with fewer multiply-adds.
    Winograd(Box<Winograd>),
    /// Depthwise convolution.
    Depthwise(Box<Depthwise>),
    /// A stem.
    StemConv(Box<StemConv>),
    /// Pooling.
    Reduce(Box<Reduce>),
    /// Fully connected.
    Linear(Box<Linear>),
    /// Value by value.
    Rowwise(Box<Rowwise>),
    /// Over channels.
    ChannelNorm(Box<ChannelNorm>),
    /// In 8 bits.
    Int8(Box<Int8Step>),
}

impl Step {
    pub(super) fn items(&self) -> usize {
        match self {
            Self::Convolution(step) => step.items(),
            Self::Winograd(step) => step.items(),
            Self::Depthwise(step) => step.items(),
            Self::StemConv(step) => step.items(),
            Self::Reduce(step) => step.items(),
            Self::Linear(step) => step.items(),
            Self::Rowwise(step) => step.items(),
            Self::ChannelNorm(step) => step.items(),
            Self::Int8(step) => step.items(),
        }
    }

    pub(super) fn reads(&self) -> Vec<&Map> {
        match self {
            Self::Convolution(step) => step.reads().collect(),
            Self::Winograd(step) => step.reads().collect(),
            Self::Depthwise(step) => vec![step.input()],
            Self::StemConv(step) => vec![step.input()],
            Self::Reduce(step) => vec![step.input()],
            Self::Linear(step) => vec![step.input()],
            Self::Rowwise(step) => step.reads().collect(),
            Self::ChannelNorm(step) => vec![step.input()],
            Self::Int8(step) => step.reads(),
        }
    }

    pub(super) fn writes(&self) -> &Map {
        match self {
            Self::Convolution(step) => step.output(),
            Self::Winograd(step) => step.output(),
            Self::Depthwise(step) => step.planes.output(),
            Self::StemConv(step) => step.output(),
            Self::Reduce(step) => step.output(),
            Self::Linear(step) => step.output(),
            Self::Rowwise(step) => step.output(),
            Self::ChannelNorm(step) => step.output(),
            Self::Int8(step) => step.writes(),
        }
    }

    /// Whether an output row may be the very row of an input or residual at the same place in its list.
    pub(super) fn in_place(&self) -> bool {
        matches!(self, Self::Rowwise(_))
    }

    pub(super) fn scratch(&self) -> usize {
        match self {
            Self::Convolution(step) => step.scratch(),
            Self::Winograd(step) => step.scratch(),
            Self::Depthwise(step) => step.planes.scratch(),
            Self::StemConv(step) => step.scratch(),
            Self::Reduce(step) => step.scratch(),
            Self::Linear(step) => step.scratch(),
            Self::Rowwise(_) | Self::ChannelNorm(_) => 0,
            Self::Int8(step) => step.scratch(),
        }
    }

    pub(super) fn weights(&mut self) -> Option<&mut Packed> {
        match self {
            Self::Convolution(step) => Some(&mut step.weights),
            Self::Winograd(step) => Some(&mut step.weights),
            Self::StemConv(step) => Some(&mut step.weights),
            Self::Linear(step) => Some(&mut step.weights),
            Self::Int8(step) => step.weights(),
            Self::Depthwise(_) | Self::Reduce(_) | Self::Rowwise(_) | Self::ChannelNorm(_) => None,
        }
    }

    /// The planes it works in.
    pub(super) fn planes(&mut self) -> Option<&mut Planes> {
        match self {
            Self::Convolution(step) => match &mut step.sink {
                Sink::Depthwise { planes, .. } => Some(planes),
                Sink::Rows(_) | Sink::Mean(_) => None,
            },
            Self::Depthwise(step) => Some(&mut step.planes),
            _ => None,
        }
    }

    /// # Safety
    /// The step was accepted by [`Program::new`](super::Program::new) with this arena's length and scratch of the length found there; the
    /// steps it depends on are complete, and no item runs twice or beside a step that it depends on.
    pub(super) unsafe fn run(&self, item: usize, arena: &Arena, scratch: &mut Arena) {
        // SAFETY: handed on.
        unsafe {
            match self {
                Self::Convolution(step) => step.run(item, arena, scratch),
                Self::Winograd(step) => step.run(item, arena, scratch),
                Self::Depthwise(step) => step.run(item, arena, scratch),
                Self::StemConv(step) => step.run(item, arena, scratch),
                Self::Reduce(step) => step.run(item, arena, scratch),
                Self::Linear(step) => step.run(item, arena, scratch),
                Self::Rowwise(step) => step.run(item, arena),
                Self::ChannelNorm(step) => step.run(item, arena),
                Self::Int8(step) => step.run(item, arena, scratch),
            }
        }
    }
}
