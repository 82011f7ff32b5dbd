//! A step with its sizes checked.

use super::Refusal;
use super::geometry::{Map, Sliding, expect, fits};
use crate::graph::Activation;
use crate::runtime::plan::{Elementwise, Epilogue, KernelSpec, Step, Work};

/// A step with its sizes checked.
pub(super) struct Part {
    pub work: Work,
    pub epilogue: Epilogue,
    pub map: Map,
    pub output: Map,
    /// The window of a convolution or pool.
    pub window: Sliding,
    pub groups: u32,
}

impl Part {
    /// # Errors
    /// Where sizes do not fit one another or 32 bits.
    pub fn of(spec: &KernelSpec, index: usize) -> Result<Self, Refusal> {
        let Step { work, output, epilogue } = spec.steps[index];
        let (map, output) = (Map::of(&spec.input_of(index))?, Map::of(&output)?);
        let window = match &work {
            Work::Conv { window, .. } | Work::Pool { window, .. } => {
                for (axis, (given, made)) in
                    [(map.height, output.height), (map.width, output.width)].into_iter().enumerate()
                {
                    let length = window.output_length(axis, given as usize);
                    expect("a map's length under the window", made as usize, length.unwrap_or(0))?;
                }
                Sliding::of(window, &output)?
            }
            _ => Sliding::POINT,
        };
        let groups = match work {
            Work::Conv { groups, .. } => {
                let divides =
                    groups > 0 && [map.channels, output.channels].iter().all(|&c| (c as usize).is_multiple_of(groups));
                if !divides {
                    return Err(Refusal::Shape { what: "the number of groups", given: groups, expected: 1 });
                }
                groups as u32
            }
            _ => 1,
        };
        let filters = match work {
            Work::Conv { .. } => u64::from(map.channels / groups) * u64::from(window.taps()),
            Work::Linear => u64::from(map.channels),
            _ => 0,
        };
        fits("a layer's weights", filters.saturating_mul(u64::from(output.channels)))?;
        if !matches!(work, Work::Conv { .. } | Work::Linear | Work::Rename) {
            expect("the number of channels made", output.channels as usize, map.channels as usize)?;
        }
        if matches!(work, Work::Elementwise(_) | Work::LayerNorm { .. } | Work::LocalNorm(_)) {
            expect("the pixels made", output.pixels() as usize, map.pixels() as usize)?;
        }
        if matches!(work, Work::Linear | Work::GlobalMean | Work::GlobalMax) {
            expect("the pixels made", output.pixels() as usize, 1)?;
        }
        Ok(Self { work, epilogue, map, output, window, groups })
    }

    /// Every output channel reads one input channel.
    pub fn is_depthwise(&self) -> bool {
        matches!(self.work, Work::Conv { .. })
            && self.groups == self.map.channels
            && (self.groups > 1 || self.output.channels == 1)
    }

    pub fn is_pointwise(&self) -> bool {
        matches!(self.work, Work::Conv { .. })
            && self.window == Sliding::POINT
            && self.map.pixels() == self.output.pixels()
    }

    /// Lengths of filters and biases.
    pub fn parameters(&self) -> [usize; 2] {
        let (inputs, outputs) = (self.map.channels as usize, self.output.channels as usize);
        match self.work {
            Work::Conv { .. } => [outputs * (inputs / self.groups as usize) * self.window.taps() as usize, outputs],
            Work::Linear => [outputs * inputs, outputs],
            Work::Elementwise(Elementwise::Affine) | Work::LayerNorm { .. } => [outputs, outputs],
            Work::Elementwise(Elementwise::PRelu) => [outputs, 0],
            _ => [0, 0],
        }
    }

    pub fn activation(&self) -> Activation {
        self.epilogue.activation
    }
}
