//! A fused kernel's time by layer: in the proportions that its layers have as kernels of their own.
//!
//! A split is a way of showing a kernel's time, not a measurement of its parts: inside one kernel layers overlap, and
//! what each of them takes there cannot be read off a clock. Whoever shows it says so.

use std::collections::HashMap;

use super::apart::{Apart, LayerTime};
use super::breakdown::{Breakdown, KernelTime};
use super::measurement::Measurement;
use crate::units::{Nanos, NanosDelta};

/// What a view says beside times that come from a split.
pub const SPLIT_LABEL: &str = "apart: in proportion to each layer run as a kernel of its own";

/// A breakdown by layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The breakdown's kernels, in launch order.
    pub kernels: Vec<KernelSplit>,
}

/// A kernel by layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelSplit {
    /// The kernel's layers in its order. The times add up to the kernel's median exactly; 0 for a layer that does not
    /// compute on its own.
    pub layers: Vec<LayerTime>,
    /// What the layers take as kernels of their own, together; `None` where none of them was measured apart, and the
    /// kernel's time stands at its first layer.
    pub apart: Option<Nanos>,
    /// What fusing saves: `apart` less the kernel's median, negative where it costs; 0 without `apart`, and where the two
    /// are of different clocks.
    pub saved: NanosDelta,
}

impl Breakdown {
    /// Divides every kernel's median among its layers in proportion to their times apart. What rounding leaves goes to
    /// the layer with the longest; the first of several.
    #[must_use]
    pub fn split(&self, apart: &Apart) -> Split {
        let times: HashMap<&str, Nanos> =
            apart.layers.iter().map(|layer| (layer.path.as_str(), layer.median)).collect();
        let same_clock = self.clock == apart.clock;
        Split { kernels: self.kernels.iter().map(|kernel| KernelSplit::of(kernel, &times, same_clock)).collect() }
    }
}

impl Split {
    /// Each layer's share of the time, by path.
    #[must_use]
    pub fn by_layer(&self) -> HashMap<&str, Nanos> {
        let layers = self.kernels.iter().flat_map(|kernel| &kernel.layers);
        layers.map(|layer| (layer.path.as_str(), layer.median)).collect()
    }

    /// What fusing saves over the whole network.
    #[must_use]
    pub fn saved(&self) -> NanosDelta {
        NanosDelta(self.kernels.iter().fold(0, |sum: i64, kernel| sum.saturating_add(kernel.saved.0)))
    }
}

impl KernelSplit {
    fn of(kernel: &KernelTime, apart: &HashMap<&str, Nanos>, same_clock: bool) -> Self {
        let weights: Vec<Nanos> =
            kernel.layers.iter().map(|path| apart.get(path.as_str()).copied().unwrap_or_default()).collect();
        let total: Nanos = weights.iter().copied().sum();
        let longest = weights.iter().copied().max().and_then(|longest| weights.iter().position(|&at| at == longest));
        let mut left = kernel.median;
        let mut layers: Vec<LayerTime> = kernel
            .layers
            .iter()
            .zip(&weights)
            .map(|(path, weight)| {
                let median = share(kernel.median, *weight, total);
                left = left.since(median);
                LayerTime { path: path.clone(), median }
            })
            .collect();
        if let Some(layer) = longest.and_then(|longest| layers.get_mut(longest)) {
            layer.median += left;
        }
        let apart = (total > Nanos::ZERO).then_some(total);
        let saved =
            apart.filter(|_| same_clock).map_or(NanosDelta(0), |apart| NanosDelta::between(apart, kernel.median));
        Self { layers, apart, saved }
    }
}

impl Measurement {
    /// The breakdown by layer, where the layers were also measured apart.
    #[must_use]
    pub fn split(&self) -> Option<Split> {
        Some(self.breakdown.as_ref()?.split(self.apart.as_ref()?))
    }

    /// Each layer's share of the marked runs' time by path, where the layers were also measured apart: the times of
    /// [`split`](Self::split), which add up to the breakdown's `sum`.
    #[must_use]
    pub fn layer_times(&self) -> Option<HashMap<String, Nanos>> {
        let layers = self.split()?.kernels.into_iter().flat_map(|kernel| kernel.layers);
        Some(layers.map(|layer| (layer.path, layer.median)).collect())
    }
}

/// `time * weight / total`, rounded down; 0 where the total is.
fn share(time: Nanos, weight: Nanos, total: Nanos) -> Nanos {
    let product = u128::from(time.0) * u128::from(weight.0);
    let share = product.checked_div(u128::from(total.0)).unwrap_or_default();
    Nanos(u64::try_from(share).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ClockDomain;

    fn kernel(layers: &[&str], median: u64) -> KernelTime {
        let layers = layers.iter().map(|&path| path.into()).collect();
        KernelTime { layers, label: String::new(), median: Nanos(median), low: Nanos(median), high: Nanos(median) }
    }

    fn breakdown(kernels: Vec<KernelTime>) -> Breakdown {
        let sum: Nanos = kernels.iter().map(|kernel| kernel.median).sum();
        let unaccounted = NanosDelta(0);
        let clock = ClockDomain::Device;
        Breakdown { kernels, clock, sum, marked_whole: sum, unaccounted, marking_overhead: None, samples: 5 }
    }

    fn apart(layers: &[(&str, u64)]) -> Apart {
        let layer = |&(path, median): &(&str, u64)| LayerTime { path: path.into(), median: Nanos(median) };
        let whole = Nanos(layers.iter().map(|(_, time)| time).sum());
        Apart { layers: layers.iter().map(layer).collect(), whole, clock: ClockDomain::Device }
    }

    fn times(split: &KernelSplit) -> Vec<u64> {
        split.layers.iter().map(|layer| layer.median.0).collect()
    }

    #[test]
    fn a_fused_kernels_time_is_divided_in_the_proportions_of_its_layers_apart() {
        let breakdown = breakdown(vec![kernel(&["pw", "bn", "relu", "dw"], 1_000), kernel(&["fc"], 70)]);
        let split = breakdown.split(&apart(&[("pw", 900), ("relu", 300), ("dw", 300), ("fc", 90)]));
        assert_eq!(times(&split.kernels[0]), [600, 0, 200, 200]);
        assert_eq!((split.kernels[0].apart, split.kernels[0].saved), (Some(Nanos(1_500)), NanosDelta(500)));
        assert_eq!(times(&split.kernels[1]), [70]);
        assert_eq!((split.kernels[1].apart, split.kernels[1].saved), (Some(Nanos(90)), NanosDelta(20)));
        assert_eq!(split.saved(), NanosDelta(520));
        assert_eq!(split.by_layer()["relu"], Nanos(200));
    }

    #[test]
    fn what_rounding_leaves_goes_to_the_longest_layer_so_that_sums_are_exact() {
        let split = breakdown(vec![kernel(&["a", "b", "c"], 100)]).split(&apart(&[("a", 1), ("b", 4), ("c", 4)]));
        assert_eq!(times(&split.kernels[0]), [11, 45, 44]);
        let huge = breakdown(vec![kernel(&["a", "b"], u64::MAX)]).split(&apart(&[("a", u64::MAX / 3), ("b", 7)]));
        assert_eq!(
            huge.kernels[0].layers.iter().map(|layer| u128::from(layer.median.0)).sum::<u128>(),
            u64::MAX.into()
        );
    }

    #[test]
    fn a_kernel_none_of_whose_layers_was_measured_apart_keeps_its_time_at_its_first_layer() {
        let split = breakdown(vec![kernel(&["a", "b"], 30), kernel(&["c"], 5)]).split(&apart(&[("c", 9), ("b", 0)]));
        assert_eq!(times(&split.kernels[0]), [30, 0]);
        assert_eq!((split.kernels[0].apart, split.kernels[0].saved), (None, NanosDelta(0)));
        assert_eq!(split.saved(), NanosDelta(4));
    }

    #[test]
    fn times_of_two_clocks_are_proportions_and_no_saving() {
        let of_host = Apart { clock: ClockDomain::Host, ..apart(&[("a", 10), ("b", 30)]) };
        let split = breakdown(vec![kernel(&["a", "b"], 20)]).split(&of_host);
        assert_eq!((times(&split.kernels[0]), split.saved()), (vec![5, 15], NanosDelta(0)));
    }

    #[test]
    fn fusing_that_costs_is_a_negative_saving() {
        let split = breakdown(vec![kernel(&["a", "b"], 50)]).split(&apart(&[("a", 10), ("b", 30)]));
        assert_eq!(times(&split.kernels[0]), [12, 38]);
        assert_eq!(split.saved(), NanosDelta(-10));
    }
}
