//! The layer table as data: which layers, in which order, and what each one's kernel took.

use std::collections::HashMap;

use shufflescope_engine::cost::LayerCost;
use shufflescope_engine::measure::Measurement;
use shufflescope_engine::units::{MultAdds, Nanos};

/// A column that can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The layer's path, in execution order.
    Layer,
    /// The operation.
    Op,
    /// Elements of the output.
    Output,
    /// Measured time of the layer's kernel.
    Latency,
    /// Mult-adds.
    MultAdds,
    /// Parameters.
    Params,
    /// Memory access.
    MemoryAccess,
    /// FLOP per byte.
    Intensity,
}

impl Column {
    /// All of them, as the table shows them.
    pub const ALL: [Self; 8] = [
        Self::Layer,
        Self::Op,
        Self::Output,
        Self::Latency,
        Self::MultAdds,
        Self::Params,
        Self::MemoryAccess,
        Self::Intensity,
    ];

    /// Its heading.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Layer => "layer",
            Self::Op => "operation",
            Self::Output => "output",
            Self::Latency => "latency",
            Self::MultAdds => "mult-adds",
            Self::Params => "params",
            Self::MemoryAccess => "mem. access",
            Self::Intensity => "FLOP/byte",
        }
    }

    /// Whether its numbers stand on the right.
    pub const fn is_number(self) -> bool {
        !matches!(self, Self::Layer | Self::Op | Self::Latency)
    }

    /// Whether the largest comes first when it is chosen.
    pub const fn starts_descending(self) -> bool {
        !matches!(self, Self::Layer | Self::Op)
    }
}

/// A layer's part in the measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Timing {
    /// Its kernel's time is shown here.
    Kernel {
        /// The median.
        median: Nanos,
        /// Lower end of the median's interval.
        low: Nanos,
        /// Upper end of the median's interval.
        high: Nanos,
        /// Of the marked whole.
        share: f64,
        /// Layers in the kernel.
        layers: usize,
        /// FLOP (two per mult-add) per nanosecond; `None` where the kernel computes nothing in this sense.
        gflop_per_second: Option<f64>,
    },
    /// Its kernel's time is shown at this layer, which is its first.
    With(usize),
}

/// The layers shown, in order, with their timings.
#[derive(Debug, Default)]
pub struct Rows {
    /// Indices into the cost's layers.
    pub order: Vec<usize>,
    /// By layer index; `None` where the result says nothing about it.
    pub timings: Vec<Option<Timing>>,
    /// The longest kernel.
    pub longest: Nanos,
}

impl Rows {
    /// Chooses, sorts and times.
    pub fn of(layers: &[LayerCost], result: Option<&Measurement>, filter: &str, by: Column, descending: bool) -> Self {
        let timings = timings(layers, result);
        let words: Vec<String> = filter.split_whitespace().map(str::to_lowercase).collect();
        let matches = |layer: &LayerCost| {
            words.iter().all(|word| {
                layer.path.to_lowercase().contains(word)
                    || layer.op.contains(word.as_str())
                    || layer.kind.name().contains(word.as_str())
            })
        };
        let mut order: Vec<usize> =
            layers.iter().enumerate().filter(|(_, layer)| matches(layer)).map(|(index, _)| index).collect();
        let time = |index: usize| match timings.get(index) {
            Some(Some(Timing::Kernel { median, .. })) => median.0,
            _ => 0,
        };
        order.sort_by(|&a, &b| {
            let (Some(x), Some(y)) = (layers.get(a), layers.get(b)) else { return a.cmp(&b) };
            let ordering = match by {
                Column::Layer => a.cmp(&b),
                Column::Op => x.op.cmp(&y.op),
                Column::Output => x.output.elements().cmp(&y.output.elements()),
                Column::Latency => time(a).cmp(&time(b)),
                Column::MultAdds => x.mult_adds.cmp(&y.mult_adds),
                Column::Params => x.params.cmp(&y.params),
                Column::MemoryAccess => x.memory_access.cmp(&y.memory_access),
                Column::Intensity => {
                    let intensity = |layer: &LayerCost| layer.arithmetic_intensity.unwrap_or(-1.0);
                    intensity(x).total_cmp(&intensity(y))
                }
            };
            let ordering = if descending { ordering.reverse() } else { ordering };
            ordering.then(a.cmp(&b))
        });
        let longest = (0..layers.len()).map(time).max().map_or(Nanos::ZERO, Nanos);
        Self { order, timings, longest }
    }
}

fn timings(layers: &[LayerCost], result: Option<&Measurement>) -> Vec<Option<Timing>> {
    let mut timings = vec![None; layers.len()];
    let Some(breakdown) = result.and_then(|result| result.breakdown.as_ref()) else { return timings };
    let index: HashMap<&str, usize> =
        layers.iter().enumerate().map(|(index, layer)| (layer.path.as_str(), index)).collect();
    for kernel in &breakdown.kernels {
        let mult_adds: MultAdds = kernel
            .layers
            .iter()
            .filter_map(|path| layers.get(*index.get(path.as_str())?))
            .map(|layer| layer.mult_adds)
            .sum();
        let computes = mult_adds > MultAdds::ZERO && kernel.median > Nanos::ZERO;
        let gflop_per_second = computes.then(|| 2.0 * mult_adds.as_f64() / kernel.median.as_f64());
        let mut first = None;
        for path in &kernel.layers {
            let Some(&layer) = index.get(path.as_str()) else { continue };
            let timing = match first {
                None => {
                    first = Some(layer);
                    Timing::Kernel {
                        median: kernel.median,
                        low: kernel.low,
                        high: kernel.high,
                        share: kernel.median.share_of(breakdown.marked_whole),
                        layers: kernel.layers.len(),
                        gflop_per_second,
                    }
                }
                Some(first) => Timing::With(first),
            };
            if let Some(slot) = timings.get_mut(layer) {
                *slot = Some(timing);
            }
        }
    }
    timings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::document::Analysis;
    use shufflescope_engine::zoo;

    fn layers() -> Vec<LayerCost> {
        Analysis::of(zoo::preset("shufflenet-v2-x0.5").unwrap(), 1).unwrap().cost.layers
    }

    #[test]
    fn rows_are_in_execution_order_until_sorted() {
        let layers = layers();
        let plain = Rows::of(&layers, None, "", Column::Layer, false);
        assert!(plain.order.iter().copied().eq(0..layers.len()));
        let sorted = Rows::of(&layers, None, "", Column::Params, true);
        let params: Vec<_> = sorted.order.iter().map(|&index| layers[index].params).collect();
        assert!(params.windows(2).all(|pair| pair[0] >= pair[1]));
    }

    #[test]
    fn a_filter_keeps_rows_with_all_its_words() {
        let layers = layers();
        let rows = Rows::of(&layers, None, "stage3 DEPTHWISE", Column::Layer, false);
        assert!(!rows.order.is_empty());
        assert!(
            rows.order.iter().all(|&index| layers[index].path.contains("stage3") && layers[index].op.starts_with("dw"))
        );
    }
}
