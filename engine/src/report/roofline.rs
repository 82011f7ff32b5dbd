//! Where measured kernels stand in a roofline chart (Williams, Waterman and Patterson, Communications of the ACM 52(4),
//! 2009): the speed they reach over what they compute per byte.

use std::collections::HashMap;

use crate::cost::LayerCost;
use crate::graph::OpKind;
use crate::measure::KernelTime;
use crate::units::{Bytes, FlopRate, MultAdds, Nanos};

/// A measured kernel in the chart.
#[derive(Clone, Debug, PartialEq)]
pub struct RooflinePoint {
    /// Position in launch order, from 0.
    pub kernel: usize,
    /// Path of its first layer.
    pub layer: String,
    /// How many layers it computes.
    pub layers: usize,
    /// The kind of its layer with the most mult-adds.
    pub kind: OpKind,
    /// FLOP (two per mult-add) per byte of its layers' memory access on paper.
    pub intensity: f64,
    /// What it reached.
    pub rate: FlopRate,
    /// Its median.
    pub median: Nanos,
    /// Whether it is computed by Winograd's minimal filtering: with fewer multiplications than its mult-adds, by which
    /// `rate` counts, so that it may pass the ceiling of the arithmetic.
    pub is_winograd: bool,
}

/// What is said of a kernel by Winograd's minimal filtering where it is above the ceiling of the arithmetic.
pub const FEWER_MULTIPLICATIONS: &str = "Winograd: fewer multiplications than mult-adds";

/// A point for every kernel that computes, in launch order; kernels without mult-adds have no place in the chart.
#[must_use]
pub fn roofline_points(layers: &[LayerCost], kernels: &[KernelTime]) -> Vec<RooflinePoint> {
    let by_path: HashMap<&str, &LayerCost> = layers.iter().map(|layer| (layer.path.as_str(), layer)).collect();
    let point = |(index, kernel): (usize, &KernelTime)| {
        let layers: Vec<&LayerCost> =
            kernel.layers.iter().filter_map(|path| by_path.get(path.as_str()).copied()).collect();
        let mult_adds: MultAdds = layers.iter().map(|layer| layer.mult_adds).sum();
        let bytes = layers.iter().map(|layer| layer.memory_access_bytes.0).fold(0, u64::saturating_add);
        let rate = FlopRate::of(mult_adds, kernel.median).filter(|_| bytes > 0)?;
        Some(RooflinePoint {
            kernel: index,
            layer: layers.first()?.path.clone(),
            layers: layers.len(),
            kind: layers.iter().max_by_key(|layer| layer.mult_adds)?.kind,
            intensity: 2.0 * mult_adds.as_f64() / Bytes(bytes).0 as f64,
            rate,
            median: kernel.median,
            is_winograd: kernel.is_winograd(),
        })
    };
    kernels.iter().enumerate().filter_map(point).collect()
}

/// The exponents of the powers of ten around all values, at least one decade apart: the ends of a logarithmic axis.
#[must_use]
pub fn decades(values: impl Iterator<Item = f64>) -> (i32, i32) {
    let (least, most) = values.fold((f64::MAX, f64::MIN_POSITIVE), |(least, most), v| (least.min(v), most.max(v)));
    let low = least.log10().floor() as i32;
    (low, (most.log10().ceil() as i32).max(low.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::model_cost;
    use crate::design::Batch;
    use crate::graph::lower;
    use crate::measure::KernelLabel;
    use crate::runtime::{Fusing, cpu};
    use crate::zoo;

    fn kernel(layers: &[&str], median: u64) -> KernelTime {
        let layers = layers.iter().map(ToString::to_string).collect();
        KernelTime { layers, label: String::new(), median: Nanos(median), low: Nanos(median), high: Nanos(median) }
    }

    #[test]
    fn a_kernel_that_computes_is_a_point_and_one_that_does_not_is_none() {
        let graph = lower(&zoo::preset("shufflenet-v2-x1.0").unwrap(), Batch(1)).unwrap();
        let layers = model_cost(&graph).layers;
        let kernels = [kernel(&["conv1.0", "conv1.1", "conv1.2"], 1000), kernel(&["maxpool"], 500)];
        let points = roofline_points(&layers, &kernels);
        let [point] = points.as_slice() else { panic!("{points:?}") };
        let cost = |path: &str| layers.iter().find(|layer| layer.path == path).unwrap();
        let bytes: u64 = ["conv1.0", "conv1.1", "conv1.2"].map(|path| cost(path).memory_access_bytes.0).iter().sum();
        let flop = 2.0 * cost("conv1.0").mult_adds.as_f64();
        assert_eq!((point.kernel, point.layers, point.kind), (0, 3, OpKind::Convolution));
        assert_eq!((point.layer.as_str(), point.rate), ("conv1.0", FlopRate(flop / 1000.0)));
        assert!((point.intensity - flop / bytes as f64).abs() < 1e-9);
    }

    #[test]
    fn a_kernel_by_winograds_minimal_filtering_is_told_by_its_label() {
        let network = zoo::network("resnet-18").unwrap();
        let graph = network.graph(network.input, Batch(1)).unwrap();
        let layers = model_cost(&graph).layers;
        let labels = KernelLabel::of(&cpu::plan(&graph, Fusing::Full), &graph);
        let kernels: Vec<KernelTime> = labels
            .into_iter()
            .map(|KernelLabel { layers, label }| {
                let median = Nanos(1_000);
                KernelTime { layers, label, median, low: median, high: median }
            })
            .collect();
        let points = roofline_points(&layers, &kernels);
        let told = |layer: &str| points.iter().find(|point| point.layer == layer).map(|point| point.is_winograd);
        assert_eq!(
            (told("layer1.0.conv1"), told("conv1"), told("layer2.0.downsample.0")),
            (Some(true), Some(false), Some(false))
        );
    }

    #[test]
    fn an_axis_has_whole_decades_around_all_values() {
        assert_eq!(decades([0.3, 25.0].into_iter()), (-1, 2));
        assert_eq!(decades([3.0].into_iter()), (0, 1));
        assert_eq!(decades([1.0].into_iter()), (0, 1));
    }
}
