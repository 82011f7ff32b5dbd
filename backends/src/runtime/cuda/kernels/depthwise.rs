//! Depthwise convolutions, with any number of outputs per channel.

use super::geometry::{Map, Sliding, launchable};
use super::pack::{Packed, bias_of, room};
use super::source::{COMMON, STORED, activation, half};
use super::variant::Variant;
use super::{Parameters, Refusal, Source};
use crate::graph::Activation;
use crate::runtime::Precision;

const STRIPS: &[&str] = &[COMMON, include_str!("../sources/depthwise.cu")];
const SINGLE: &[&str] = &[COMMON, include_str!("../sources/depthwise_any.cu")];
/// Taps of a strip that are unrolled.
const MOST_UNROLLED: u32 = 512;
/// Taps that are kept in registers.
const MOST_TAPS: u32 = 64;

/// A depthwise convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Depthwise {
    pub precision: Precision,
    pub window: Sliding,
    pub map: Map,
    pub output: Map,
    pub residual: bool,
    pub activation: Activation,
}

impl Depthwise {
    /// # Errors
    /// Where there are too many channels.
    pub fn checked(self) -> Result<Self, Refusal> {
        launchable("the number of channels", self.output.channels)?;
        Ok(self)
    }

    /// Longer strips where there is work for all threads of a card, shorter ones otherwise.
    pub fn variants(&self) -> Vec<Variant> {
        let taps = self.window.taps();
        let busy = u64::from(self.output.plane()) * u64::from(self.output.channels) > 1 << 19;
        let order = if busy { [7, 8, 4, 2, 1] } else { [2, 1, 7, 4, 8] };
        let near = self.window.is_close();
        let fits = |&strip: &u32| {
            near && taps <= MOST_TAPS && strip * taps <= MOST_UNROLLED && strip <= self.output.height.max(1)
        };
        // Eight rows are for heights that seven do not divide.
        let useful = |&strip: &u32| strip < 7 || self.output.height.is_multiple_of(strip) || strip == 8;
        let strips = order.into_iter().filter(fits).filter(useful).take(4).chain([0]);
        strips.map(|strip| Variant::Depthwise { strip, threads: self.threads(strip) }).collect()
    }

    fn items(&self, strip: u32) -> u32 {
        let strips = if strip == 0 { self.output.height } else { self.output.height.div_ceil(strip) };
        self.output.batch * strips * self.output.width
    }

    fn threads(&self, strip: u32) -> u32 {
        self.items(strip).next_power_of_two().clamp(64, 256)
    }

    pub fn source(&self, variant: Variant) -> Option<Source> {
        let Variant::Depthwise { strip, threads } = variant else { return None };
        let (mut constants, mut sizes) = (Vec::new(), Vec::new());
        for (name, value) in self.window.define() {
            // What decides which rows are read into registers, and how many, is constant.
            if strip > 0 && !name.starts_with("PAD") { &mut constants } else { &mut sizes }.push((name, value));
        }
        constants.extend([half(self.precision), ("THREADS", threads.into())]);
        sizes.push(("RESIDUAL", self.residual.into()));
        sizes.extend(activation(STORED, self.activation));
        if strip > 0 {
            constants.push(("STRIP", strip.into()));
        }
        let channels = i64::from(self.map.channels);
        sizes.extend([
            ("OUTPUTS_EACH", i64::from(self.output.channels / self.map.channels)),
            ("IMAGES", self.map.batch.into()),
            ("IN_H", self.map.height.into()),
            ("IN_W", self.map.width.into()),
            ("OUT_H", self.output.height.into()),
            ("OUT_W", self.output.width.into()),
            ("BIAS_AT", self.bias_at() as i64),
            ("OUTPUT_LIST", channels),
            ("SECOND_LIST", channels + i64::from(self.output.channels)),
        ]);
        Some(Source {
            entry: if strip > 0 { "depthwise" } else { "depthwise_any" },
            constants,
            sizes,
            grid: [self.items(strip).div_ceil(threads), self.output.channels, 1],
            block: threads,
            cluster: 1,
            shared: 0,
            weights: true,
            second: self.residual,
            parts: if strip > 0 { STRIPS } else { SINGLE },
        })
    }

    fn bias_at(&self) -> u64 {
        room(u64::from(self.output.channels) * u64::from(self.window.taps()), 4)
    }

    /// Filters as they are, 32-bit values; biases.
    pub fn pack(&self, parameters: &[Parameters<'_>]) -> Option<Vec<u8>> {
        let last = parameters.first()?;
        let mut packed = Packed::default();
        packed.floats(last.filters.iter().copied());
        packed.floats(bias_of(last.bias, self.output.channels as usize));
        Some(packed.into_bytes())
    }
}
