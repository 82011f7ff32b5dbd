//! Arithmetic value by value.

use super::geometry::{Map, launchable};
use super::pack::{Packed, bias_of, room};
use super::source::{COMMON, STORED, activation, half};
use super::variant::Variant;
use super::{ImageStrides, Parameters, Refusal, Source};
use crate::graph::Activation;
use crate::runtime::Precision;
use crate::runtime::plan::{Elementwise, Work};

const PARTS: &[&str] = &[COMMON, include_str!("../sources/elementwise.cu")];

/// A kernel value by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Values {
    pub precision: Precision,
    pub work: Elementwise,
    pub map: Map,
    pub strides: ImageStrides,
    pub residual: bool,
    pub activation: Activation,
}

impl Values {
    /// # Errors
    /// Where there are too many channels.
    pub fn checked(self) -> Result<Self, Refusal> {
        launchable("the number of channels", self.map.channels)?;
        Ok(self)
    }

    pub fn reads_second(&self) -> bool {
        self.residual || Work::Elementwise(self.work).has_second()
    }

    /// Whether all images of a channel lie side by side.
    fn plain(&self) -> bool {
        let pixels = self.map.pixels() as usize;
        let whole = self.reads_second() && !Work::Elementwise(self.work).has_gate();
        self.strides.input == pixels && (!whole || self.strides.second == pixels)
    }

    pub fn variants(&self) -> Vec<Variant> {
        let items = if self.plain() { self.map.plane().div_ceil(4) } else { self.map.plane() };
        let most = items.next_power_of_two().clamp(64, 256);
        [most, most / 2].map(|threads| Variant::Simple { threads }).to_vec()
    }

    pub fn source(&self, variant: Variant) -> Option<Source> {
        let Variant::Simple { threads } = variant else { return None };
        let (plain, channels) = (self.plain(), self.map.channels);
        let constants = vec![half(self.precision), ("THREADS", threads.into()), ("PLAIN", plain.into())];
        let is = |work: Elementwise| i64::from(self.work == work);
        let mut sizes = vec![
            ("AFFINE", is(Elementwise::Affine)),
            ("LEAKY", is(Elementwise::PRelu)),
            ("GATE", is(Elementwise::Gate)),
            ("SHIFT", is(Elementwise::Shift)),
            ("MULTIPLY", is(Elementwise::Mul)),
            ("ADD", (self.residual || self.work == Elementwise::Add).into()),
            ("IMAGES", i64::from(self.map.batch)),
            ("PIXELS", self.map.pixels().into()),
            ("INPUT_STRIDE", self.strides.input as i64),
            ("SECOND_STRIDE", self.strides.second as i64),
            ("OUTPUT_LIST", channels.into()),
            ("SECOND_LIST", i64::from(channels) * 2),
            ("BIAS_AT", room(channels.into(), 4) as i64),
        ];
        sizes.extend(activation(STORED, self.activation));
        let items = if plain { self.map.plane().div_ceil(4) } else { self.map.plane() };
        Some(Source {
            entry: "elementwise",
            constants,
            sizes,
            grid: [items.div_ceil(threads), channels, 1],
            block: threads,
            cluster: 1,
            shared: 0,
            weights: self.weighs(),
            second: self.reads_second(),
            parts: PARTS,
        })
    }

    fn weighs(&self) -> bool {
        matches!(self.work, Elementwise::Affine | Elementwise::PRelu)
    }

    /// Scales (or slopes), then shifts, 32-bit values; nothing where nothing scales.
    pub fn pack(&self, parameters: &[Parameters<'_>]) -> Option<Vec<u8>> {
        if !self.weighs() {
            return Some(Vec::new());
        }
        let last = parameters.first()?;
        let mut packed = Packed::default();
        packed.floats(last.filters.iter().copied());
        packed.floats(bias_of(last.bias, self.map.channels as usize));
        Some(packed.into_bytes())
    }
}
