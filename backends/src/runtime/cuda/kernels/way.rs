//! One algorithm among those that compute a spec.

use super::channel_norm::ChannelNorm;
use super::depthwise::Depthwise;
use super::elementwise::Values;
use super::linear::Linear;
use super::matmul::Matmul;
use super::reduce::Reduce;
use super::stem::Stem;
use super::unit::Unit;
use super::variant::Variant;
use super::{Card, Parameters, Refusal, Source};

/// An algorithm with its sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Way {
    Matmul(Matmul),
    Linear(Linear),
    Depthwise(Depthwise),
    Stem(Stem),
    Reduce(Reduce),
    ChannelNorm(ChannelNorm),
    Values(Values),
    Unit(Unit),
}

impl Way {
    pub fn checked(self) -> Result<Self, Refusal> {
        Ok(match self {
            Self::Matmul(way) => Self::Matmul(way.checked()?),
            Self::Linear(way) => Self::Linear(way.checked()?),
            Self::Depthwise(way) => Self::Depthwise(way.checked()?),
            Self::Stem(way) => Self::Stem(way.checked()?),
            Self::Reduce(way) => Self::Reduce(way.checked()?),
            Self::ChannelNorm(way) => Self::ChannelNorm(way.checked()?),
            Self::Values(way) => Self::Values(way.checked()?),
            Self::Unit(way) => Self::Unit(way.checked()?),
        })
    }

    pub fn variants(&self, card: &Card) -> Vec<Variant> {
        match self {
            Self::Matmul(way) => way.variants(card),
            Self::Linear(way) => way.variants(),
            Self::Depthwise(way) => way.variants(),
            Self::Stem(way) => way.variants(card),
            Self::Reduce(way) => way.variants(),
            Self::ChannelNorm(way) => way.variants(),
            Self::Values(way) => way.variants(),
            Self::Unit(way) => way.variants(card),
        }
    }

    pub fn portable(&self, card: &Card) -> Vec<Variant> {
        const THREADS: u32 = 256;
        match self {
            Self::Matmul(way) => way.portable(card),
            Self::Linear(way) => way.portable(THREADS),
            Self::Depthwise(_) => vec![Variant::Depthwise { strip: 0, threads: THREADS }],
            Self::Reduce(_) | Self::ChannelNorm(_) | Self::Values(_) => vec![Variant::Simple { threads: THREADS }],
            Self::Stem(_) | Self::Unit(_) => Vec::new(),
        }
    }

    pub fn source(&self, variant: Variant) -> Option<Source> {
        match self {
            Self::Matmul(way) => way.source(variant),
            Self::Linear(way) => way.source(variant),
            Self::Depthwise(way) => way.source(variant),
            Self::Stem(way) => way.source(variant),
            Self::Reduce(way) => way.source(variant),
            Self::ChannelNorm(way) => way.source(variant),
            Self::Values(way) => way.source(variant),
            Self::Unit(way) => way.source(variant),
        }
    }

    pub fn pack(&self, variant: Variant, steps: &[Parameters<'_>]) -> Option<Vec<u8>> {
        match self {
            Self::Matmul(way) => way.pack(steps),
            Self::Linear(way) => way.pack(steps),
            Self::Depthwise(way) => way.pack(steps),
            Self::Stem(way) => way.pack(steps),
            Self::Reduce(_) => Some(Vec::new()),
            Self::Values(way) => way.pack(steps),
            Self::ChannelNorm(way) => way.pack(steps),
            Self::Unit(way) => way.pack(variant, steps),
        }
    }
}
