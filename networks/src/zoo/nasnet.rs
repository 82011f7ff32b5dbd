//! NASNet-A (Zoph et al., CVPR 2018), 4 @ 1056.
//!
//! pytorchcv counts as many parameters and 568.24 M mult-adds: it makes pixels at the maps' borders and drops them.

use super::layers::{Layers, Made};
use super::nas_cells::{avg_pool, head, max_pool, project, reduce, separable, stem};
use super::{Network, table_8};
use crate::design::InputSize;
use crate::graph::{GraphBuilder, LowerError, NodeId};

pub(super) const NETWORKS: [Network; 1] = [Network {
    name: "nasnet-a-mobile",
    about: "searched cells of 13 fragments, 4 @ 1056",
    input: InputSize::square(224),
    published: table_8(564.0, 26.0, 130.0, 4.6),
    reference: None,
    build,
}];

/// Channels of every operation in the first normal cells; doubled by each reduction after the stem.
const FILTERS: usize = 44;

/// Normal cells between reductions.
const REPEATS: usize = 4;

fn build(graph: &mut GraphBuilder) -> Result<(), LowerError> {
    let image = stem(graph)?;
    graph.unit(0, 0);
    let first = reduction(graph, "features.stem1_unit", (image, image), FILTERS / 4)?;
    graph.unit(0, 1);
    let second = reduction(graph, "features.stem2_unit", (first, image), FILTERS / 2)?;
    let (mut current, mut previous) = (second, first);
    for stage in 1..=3 {
        let filters = FILTERS << (stage - 1);
        let reduces = stage > 1;
        for repeat in 0..REPEATS + usize::from(reduces) {
            graph.unit(stage, repeat);
            let path = format!("features.stage{stage}.unit{}", repeat + 1);
            let cell = if reduces && repeat == 0 { reduction } else { normal };
            let made = cell(graph, &path, (current, previous), filters)?;
            (current, previous) = (made, current);
        }
    }
    head(graph, current)
}

/// The two values that a cell's operations read: the current one, and the one before it at the same size and width. The
/// first cell has nothing before it and reads the current value as it is.
fn inputs(
    graph: &mut GraphBuilder,
    path: &str,
    (current, previous): (NodeId, NodeId),
    filters: usize,
) -> Result<(NodeId, NodeId), LowerError> {
    let left = project(graph, &format!("{path}.conv1x1"), current, filters, 1)?;
    let right = if previous == current {
        previous
    } else if graph.size(previous) == graph.size(current) {
        project(graph, &format!("{path}.conv1x1_prev"), previous, filters, 1)?
    } else {
        reduce(graph, &format!("{path}.path"), previous, filters)?
    };
    Ok((left, right))
}

fn normal(graph: &mut GraphBuilder, path: &str, values: (NodeId, NodeId), filters: usize) -> Made {
    let (left, right) = inputs(graph, path, values, filters)?;
    let at = |name: &str| format!("{path}.{name}");
    let mut sums = vec![right];
    for (name, first, second) in [("comb0", left, right), ("comb1", right, right)] {
        let five = separable(graph, &at(&format!("{name}_left")), first, filters, (5, 1))?;
        let three = separable(graph, &at(&format!("{name}_right")), second, filters, (3, 1))?;
        sums.push(graph.add(at(name), five, three)?);
    }
    let mean = avg_pool(graph, &at("comb2_left"), left, 1)?;
    sums.push(graph.add(at("comb2"), mean, right)?);
    // The search found a sum of two equal means.
    let mean = avg_pool(graph, &at("comb3_left"), right, 1)?;
    let again = avg_pool(graph, &at("comb3_right"), right, 1)?;
    sums.push(graph.add(at("comb3"), mean, again)?);
    let three = separable(graph, &at("comb4_left"), left, filters, (3, 1))?;
    sums.push(graph.add(at("comb4"), three, left)?);
    graph.concat(at("concat"), &sums)
}

fn reduction(graph: &mut GraphBuilder, path: &str, values: (NodeId, NodeId), filters: usize) -> Made {
    let (left, right) = inputs(graph, path, values, filters)?;
    let at = |name: &str| format!("{path}.{name}");
    let five = separable(graph, &at("comb0_left"), left, filters, (5, 2))?;
    let seven = separable(graph, &at("comb0_right"), right, filters, (7, 2))?;
    let first = graph.add(at("comb0"), five, seven)?;
    let most = max_pool(graph, &at("comb1_left"), left, filters, 2)?;
    let seven = separable(graph, &at("comb1_right"), right, filters, (7, 2))?;
    let second = graph.add(at("comb1"), most, seven)?;
    let mean = avg_pool(graph, &at("comb2_left"), left, 2)?;
    let five = separable(graph, &at("comb2_right"), right, filters, (5, 2))?;
    let third = graph.add(at("comb2"), mean, five)?;
    let mean = avg_pool(graph, &at("comb3_right"), first, 1)?;
    let fourth = graph.add(at("comb3"), second, mean)?;
    let three = separable(graph, &at("comb4_left"), first, filters, (3, 1))?;
    let most = max_pool(graph, &at("comb4_right"), left, filters, 2)?;
    let fifth = graph.add(at("comb4"), three, most)?;
    graph.concat(at("concat"), &[second, third, fourth, fifth])
}
