//! Pooling over windows and over all pixels.

use super::geometry::{Map, Sliding, launchable};
use super::source::{COMMON, STORED, activation, half};
use super::variant::Variant;
use super::{Refusal, Source};
use crate::graph::Activation;
use crate::runtime::Precision;
use crate::runtime::plan::Pooling;

const POOL: &[&str] = &[COMMON, include_str!("../sources/pool.cu")];
const WHOLE: &[&str] = &[COMMON, include_str!("../sources/global_pool.cu")];

/// Pixels beyond any window.
const FAR: i64 = 1 << 24;

/// Pooling over windows, or over everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Reduce {
    pub precision: Precision,
    pub pooling: Pooling,
    /// `None`: over all pixels.
    pub window: Option<Sliding>,
    pub map: Map,
    pub output: Map,
    pub activation: Activation,
}

impl Reduce {
    /// # Errors
    /// Where there are too many channels.
    pub fn checked(self) -> Result<Self, Refusal> {
        launchable("the number of channels", self.output.channels)?;
        Ok(self)
    }

    pub fn variants(&self) -> Vec<Variant> {
        [128, 256].map(|threads| Variant::Simple { threads }).to_vec()
    }

    pub fn source(&self, variant: Variant) -> Option<Source> {
        let Variant::Simple { threads } = variant else { return None };
        let channels = self.map.channels;
        let constants = vec![half(self.precision), ("THREADS", threads.into())];
        let mut sizes = vec![("IMAGES", i64::from(self.map.batch)), ("OUTPUT_LIST", channels.into())];
        sizes.extend(activation(STORED, self.activation));
        sizes.push(("MAXIMUM", (self.pooling == Pooling::Max).into()));
        let (entry, grid, parts) = if let Some(window) = self.window {
            sizes.extend(window.define());
            // Where all padding counts, every tap does.
            let [start, end] = match self.pooling {
                Pooling::MeanCounted { counted } => counted.map(|side| side.map(|pixels| pixels as i64)),
                Pooling::Max | Pooling::Mean => [[FAR; 2]; 2],
            };
            sizes.extend([("COUNTED_TOP", start[0]), ("COUNTED_LEFT", start[1])]);
            sizes.extend([("COUNTED_BOTTOM", end[0]), ("COUNTED_RIGHT", end[1])]);
            sizes.extend([
                ("IN_H", i64::from(self.map.height)),
                ("IN_W", self.map.width.into()),
                ("OUT_H", self.output.height.into()),
                ("OUT_W", self.output.width.into()),
            ]);
            ("pool", [self.output.plane().div_ceil(threads), channels, 1], POOL)
        } else {
            sizes.extend([("CHANNELS", i64::from(channels)), ("PIXELS", self.map.pixels().into())]);
            ("global_pool", [(channels * self.map.batch).div_ceil(threads / 32), 1, 1], WHOLE)
        };
        Some(Source {
            entry,
            constants,
            sizes,
            grid,
            block: threads,
            cluster: 1,
            shared: 0,
            weights: false,
            second: false,
            parts,
        })
    }
}
