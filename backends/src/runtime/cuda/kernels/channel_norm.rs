//! Normalisation over channels: of each pixel, or of each value by its neighbours.

use super::geometry::{Map, fits, launchable};
use super::pack::{Packed, bias_of, room};
use super::source::{COMMON, STORED, activation, bits, half};
use super::variant::Variant;
use super::{Parameters, Refusal, Source};
use crate::graph::{Activation, Coefficient, LocalNorm};
use crate::runtime::Precision;

const LAYER: &[&str] = &[COMMON, include_str!("../sources/layer_norm.cu")];
const LOCAL: &[&str] = &[COMMON, include_str!("../sources/local_norm.cu")];

/// What values are normalised by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Norm {
    /// Mean and variance of all channels; this is added to the variance.
    Layer(Coefficient),
    /// The squares of neighbours.
    Local(LocalNorm),
}

/// A normalisation over channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ChannelNorm {
    pub precision: Precision,
    pub norm: Norm,
    pub map: Map,
    /// Elements from one image to the next.
    pub stride: usize,
    pub activation: Activation,
}

impl ChannelNorm {
    /// # Errors
    /// Where there are too many channels, or the last image is out of reach.
    pub fn checked(self) -> Result<Self, Refusal> {
        launchable("the number of channels", self.map.channels)?;
        fits("a flattened map", (self.stride as u64).saturating_mul(self.map.batch.into()))?;
        Ok(self)
    }

    pub fn variants(&self) -> Vec<Variant> {
        [128, 64].map(|threads| Variant::Simple { threads }).to_vec()
    }

    pub fn source(&self, variant: Variant) -> Option<Source> {
        let Variant::Simple { threads } = variant else { return None };
        let Map { batch, channels, .. } = self.map;
        let mut sizes = vec![
            ("IMAGES", i64::from(batch)),
            ("CHANNELS", channels.into()),
            ("PIXELS", self.map.pixels().into()),
            ("INPUT_STRIDE", self.stride as i64),
            ("OUTPUT_LIST", channels.into()),
        ];
        sizes.extend(activation(STORED, self.activation));
        let blocks = self.map.plane().div_ceil(threads);
        let (entry, grid, parts) = match self.norm {
            Norm::Layer(eps) => {
                sizes.extend([("EPS", bits(eps)), ("BIAS_AT", room(channels.into(), 4) as i64)]);
                ("layer_norm", [blocks, 1, 1], LAYER)
            }
            Norm::Local(norm) => {
                let (before, behind) = (norm.size.saturating_sub(1) / 2, norm.size / 2);
                sizes.extend([("BEFORE", before as i64), ("BEHIND", behind as i64)]);
                let alpha = Coefficient::new(norm.alpha.get() / norm.size.max(1) as f32);
                sizes.extend([("ALPHA", bits(alpha)), ("BETA", bits(norm.beta)), ("OFFSET", bits(norm.offset))]);
                ("local_norm", [blocks, channels, 1], LOCAL)
            }
        };
        Some(Source {
            entry,
            constants: vec![half(self.precision), ("THREADS", threads.into())],
            sizes,
            grid,
            block: threads,
            cluster: 1,
            shared: 0,
            weights: matches!(self.norm, Norm::Layer(_)),
            second: false,
            parts,
        })
    }

    /// Scales, then shifts, 32-bit values; nothing where neighbours normalise.
    pub fn pack(&self, parameters: &[Parameters<'_>]) -> Option<Vec<u8>> {
        if matches!(self.norm, Norm::Local(_)) {
            return Some(Vec::new());
        }
        let last = parameters.first()?;
        let mut packed = Packed::default();
        packed.floats(last.filters.iter().copied());
        packed.floats(bias_of(last.bias, self.map.channels as usize));
        Some(packed.into_bytes())
    }
}
