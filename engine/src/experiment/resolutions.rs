//! Appendix Table 1 a: four families at four levels on larger, also non-square inputs.

use super::table_8::{Level, ZooRowError, zoo_graph};
use crate::design::{Batch, InputSize};
use crate::graph::Graph;

/// One network at one input, and the paper's speeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResolutionRow {
    /// The input.
    pub input: InputSize,
    /// The family as printed.
    pub family: &'static str,
    /// The level of complexity at 224x224.
    pub level: Level,
    /// The zoo's name for the network.
    pub network: &'static str,
    /// Batches per second on a GTX 1080Ti.
    pub gpu_batches_per_second: f64,
    /// Images in such a batch: 1, or 8 where the table has a star.
    pub gpu_batch: u32,
    /// Images per second on one thread of a Snapdragon 810.
    pub arm_images_per_second: f64,
}

/// Where it is printed.
pub const SOURCE: &str = "ShuffleNet V2 paper (arXiv 1807.11164), appendix Table 1 a";

/// The table does not say which MobileNet V2 it means at 40 and 140 M: those that Figure 1 draws.
pub const CHOICE: &str = "MobileNet V2 at 40 M and 140 M is 0.4x and 0.75x, the widths of Figure 1";

/// Family as printed and its networks at the four levels.
type Family = (&'static str, [&'static str; 4]);

#[rustfmt::skip]
const FAMILIES: [Family; 4] = [
    ("ShuffleNet v2", ["shufflenet-v2-x0.5-paper", "shufflenet-v2-x1.0-paper", "shufflenet-v2-x1.5-paper", "shufflenet-v2-x2.0-paper"]),
    ("ShuffleNet v1", ["shufflenet-v1-g3-x0.5", "shufflenet-v1-g3-x1.0", "shufflenet-v1-g3-x1.5", "shufflenet-v1-g3-x2.0"]),
    ("MobileNet v2", ["mobilenet-v2-x0.4", "mobilenet-v2-x0.75", "mobilenet-v2-x1.0", "mobilenet-v2-x1.4"]),
    ("Xception", ["xception-x0.5", "xception-x1.0", "xception-x1.5", "xception-x2.0"]),
];

/// Width and height; for each family the GPU's batches/s and ARM's images/s at 40, 140, 300 and 500 M.
type Block = (u32, u32, [([f64; 4], [f64; 4]); 4]);

/// Appendix Table 1 a as printed; at 320x320 the GPU's first column is starred: batches of 8.
#[rustfmt::skip]
const TABLE_1A: [Block; 3] = [
    (320, 320, [
        ([315.0, 525.0, 474.0, 422.0], [28.1, 12.5, 6.1, 3.4]),
        ([236.0, 414.0, 344.0, 275.0], [27.2, 11.4, 5.1, 3.1]),
        ([187.0, 460.0, 389.0, 335.0], [11.4,  6.4, 4.6, 2.7]),
        ([279.0, 463.0, 408.0, 350.0], [31.1, 10.1, 5.6, 3.5]),
    ]),
    (640, 480, [
        ([424.0, 394.0, 297.0, 250.0], [9.3, 4.0, 1.9, 1.1]),
        ([396.0, 269.0, 198.0, 156.0], [8.0, 3.7, 1.6, 1.0]),
        ([338.0, 248.0, 208.0, 165.0], [3.8, 2.0, 1.4, 0.8]),
        ([399.0, 326.0, 244.0, 209.0], [9.6, 3.2, 1.7, 1.1]),
    ]),
    (1080, 720, [
        ([248.0, 197.0, 141.0, 115.0], [3.5, 1.5, 0.7, 0.4]),
        ([203.0, 131.0,  96.0,  77.0], [2.9, 1.4, 0.4, 0.3]),
        ([159.0, 117.0,  99.0,  78.0], [1.4, 0.7, 0.3, 0.3]),
        ([232.0, 160.0, 124.0, 106.0], [3.6, 1.2, 0.5, 0.4]),
    ]),
];

/// Every cell of the table, inputs in the order printed, then families, then levels.
#[must_use]
pub fn resolutions() -> Vec<ResolutionRow> {
    let mut rows = Vec::new();
    for (width, height, families) in TABLE_1A {
        for ((family, networks), (gpu, arm)) in FAMILIES.into_iter().zip(families) {
            let speeds = gpu.into_iter().zip(arm);
            for ((level, network), (gpu, arm)) in Level::ALL.into_iter().zip(networks).zip(speeds) {
                let is_starred = width == 320 && level == Level::M40;
                rows.push(ResolutionRow {
                    input: InputSize { height, width },
                    family,
                    level,
                    network,
                    gpu_batches_per_second: gpu,
                    gpu_batch: if is_starred { 8 } else { 1 },
                    arm_images_per_second: arm,
                });
            }
        }
    }
    rows
}

impl ResolutionRow {
    /// The network at this input.
    ///
    /// # Errors
    /// Where the zoo lacks the network.
    pub fn graph(&self, batch: Batch) -> Result<Graph, ZooRowError> {
        zoo_graph(self.network, self.input, batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::total_cost;

    #[test]
    fn the_table_has_48_cells_and_four_of_them_are_starred() {
        let rows = resolutions();
        assert_eq!((rows.len(), rows.iter().filter(|row| row.gpu_batch == 8).count()), (48, 4));
        let last = rows.last().unwrap();
        assert_eq!(
            (last.family, last.input.to_string().as_str(), last.arm_images_per_second),
            ("Xception", "1080x720", 0.4)
        );
    }

    #[test]
    fn mult_adds_grow_with_the_pixels_on_non_square_inputs_too() {
        let cost = |width, height, network: &str| {
            let row = resolutions()
                .into_iter()
                .find(|row| (row.input.width, row.input.height, row.network) == (width, height, network));
            total_cost(&row.unwrap().graph(Batch(1)).unwrap()).mult_adds.as_f64()
        };
        let small = cost(320, 320, "shufflenet-v2-x1.0-paper");
        let large = cost(640, 480, "shufflenet-v2-x1.0-paper");
        assert!((large / small - 3.0).abs() < 0.02, "{}", large / small);
        assert!(cost(1080, 720, "mobilenet-v2-x1.4") > 7.0 * cost(320, 320, "mobilenet-v2-x1.4"));
    }
}
