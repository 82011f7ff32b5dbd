//! PNASNet-5 (Liu et al., ECCV 2018), the mobile form: 9 cells from 54 filters on.

use super::layers::{Layers, Made};
use super::nas_cells::{head, max_pool, project, reduce, separable, stem};
use super::{Network, table_8};
use crate::design::InputSize;
use crate::graph::{GraphBuilder, LowerError, NodeId};

pub(super) const NETWORKS: [Network; 1] = [Network {
    name: "pnasnet-5-mobile",
    about: "progressively searched cells, one kind for all",
    input: InputSize::square(224),
    published: table_8(588.0, 25.8, 115.0, 4.1),
    reference: None,
    build,
}];

/// Filters and stride of each cell: two of the stem, three stages of three.
const CELLS: [(usize, usize); 11] =
    [(13, 2), (27, 2), (54, 1), (54, 1), (54, 1), (108, 2), (108, 1), (108, 1), (216, 2), (216, 1), (216, 1)];

/// Cells of the stem and of each stage.
const STAGES: [usize; 4] = [2, 3, 3, 3];

fn build(graph: &mut GraphBuilder) -> Result<(), LowerError> {
    let image = stem(graph)?;
    let (mut current, mut previous) = (image, image);
    let places =
        STAGES.into_iter().enumerate().flat_map(|(stage, cells)| (0..cells).map(move |repeat| (stage, repeat)));
    for ((stage, repeat), (filters, stride)) in places.zip(CELLS) {
        graph.unit(stage, repeat);
        let path = match stage {
            0 => format!("features.stem{}_unit", repeat + 1),
            stage => format!("features.stage{stage}.unit{}", repeat + 1),
        };
        let made = cell(graph, &path, (current, previous), (filters, stride))?;
        (current, previous) = (made, current);
    }
    head(graph, current)
}

/// Five sums of two operations each. The first cell has nothing before it and reads the current value as it is.
fn cell(
    graph: &mut GraphBuilder,
    path: &str,
    (current, previous): (NodeId, NodeId),
    (filters, stride): (usize, usize),
) -> Made {
    let at = |name: &str| format!("{path}.{name}");
    let left = if previous == current {
        previous
    } else if graph.size(previous) == graph.size(current) {
        project(graph, &at("conv_prev_1x1"), previous, filters, 1)?
    } else {
        reduce(graph, &at("conv_prev_1x1"), previous, filters)?
    };
    let right = project(graph, &at("conv_1x1"), current, filters, 1)?;

    let mut sums = Vec::with_capacity(5);
    for (name, value, kernel) in [("comb0", left, 5), ("comb1", right, 7)] {
        let convolved = separable(graph, &at(&format!("{name}_left")), value, filters, (kernel, stride))?;
        let most = max_pool(graph, &at(&format!("{name}_right")), value, filters, stride)?;
        sums.push(graph.add(at(name), convolved, most)?);
    }
    let five = separable(graph, &at("comb2_left"), right, filters, (5, stride))?;
    let three = separable(graph, &at("comb2_right"), right, filters, (3, stride))?;
    let sum = graph.add(at("comb2"), five, three)?;
    sums.push(sum);
    let three = separable(graph, &at("comb3_left"), sum, filters, (3, 1))?;
    let most = max_pool(graph, &at("comb3_right"), right, filters, stride)?;
    sums.push(graph.add(at("comb3"), three, most)?);
    let three = separable(graph, &at("comb4_left"), left, filters, (3, stride))?;
    let kept = if stride == 1 { right } else { project(graph, &at("comb4_right"), right, filters, stride)? };
    sums.push(graph.add(at("comb4"), three, kept)?);
    graph.concat(at("concat"), &sums)
}
