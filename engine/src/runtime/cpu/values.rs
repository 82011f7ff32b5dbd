//! Which rows hold a value: a slice, a concatenation or a shuffle is a list of names of rows that are there already.

use super::place::{RowRef, Rows};
use crate::graph::{Graph, Op};

/// The rows of every value: new ones where a kernel (or, inside a kernel, a layer) makes them, the same under new names
/// where a layer only renames.
pub(super) struct Values {
    /// All rows, without places.
    pub rows: Rows,
    /// For each node the names of its rows, `[batch * channels]`.
    pub names: Vec<Vec<RowRef>>,
}

impl Values {
    pub fn of(graph: &Graph) -> Self {
        let mut rows = Rows::default();
        let mut names: Vec<Vec<RowRef>> = Vec::with_capacity(graph.nodes().len());
        for node in graph.nodes() {
            let shape = node.output;
            let of = |input: usize| names[node.inputs[input].0].as_slice();
            let images = |rows: &[RowRef]| rows.len() / shape.batch;
            let named = match node.op {
                Op::Slice { start, channels } => {
                    let per_image = images(of(0));
                    of(0).chunks_exact(per_image).flat_map(|image| &image[start..start + channels]).copied().collect()
                }
                Op::ChannelShuffle { groups } => {
                    let width = shape.channels / groups;
                    let shuffled = |image: &[RowRef]| -> Vec<RowRef> {
                        (0..shape.channels).map(|c| image[c % groups * width + c / groups]).collect()
                    };
                    of(0).chunks_exact(shape.channels).flat_map(shuffled).collect()
                }
                Op::Concat => {
                    let parts: Vec<&[RowRef]> = (0..node.inputs.len()).map(of).collect();
                    let image = |image: usize| {
                        parts.iter().flat_map(move |part| {
                            let channels = images(part);
                            part[image * channels..][..channels].iter().copied()
                        })
                    };
                    (0..shape.batch).flat_map(image).collect()
                }
                Op::Flatten => {
                    let pixels = graph.node(node.inputs[0]).output.pixels();
                    let spread = |name: &RowRef| {
                        let name = *name;
                        (0..pixels).map(move |pixel| RowRef { pixel: name.pixel + pixel, ..name })
                    };
                    of(0).iter().flat_map(spread).collect()
                }
                _ => rows.add(shape.batch * shape.channels, shape.pixels()),
            };
            names.push(named);
        }
        Self { rows, names }
    }
}
