//! Which rows hold a value: a slice, a concatenation or a shuffle is a list of names of rows that are there already.

use crate::graph::{Graph, Op};

/// A name for a row, or for one pixel of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::runtime) struct RowRef {
    pub row: usize,
    pub pixel: usize,
}

/// The rows of every value: new ones where a kernel (or, inside a kernel, a layer) makes them, the same under new names
/// where a layer only renames.
#[derive(Debug)]
pub(in crate::runtime) struct Values {
    /// Pixels of every row.
    pub pixels: Vec<usize>,
    /// For each node the names of its rows, `[images * channels]`.
    pub names: Vec<Vec<RowRef>>,
}

impl Values {
    /// A row for each channel of each image.
    pub fn per_image(graph: &Graph) -> Self {
        Self::of(graph, graph.input_shape().batch)
    }

    /// A row for each channel, with the pixels of all images one after another. A name's pixel is that of the first image.
    pub fn per_channel(graph: &Graph) -> Self {
        Self::of(graph, 1)
    }

    fn of(graph: &Graph, images: usize) -> Self {
        let together = graph.input_shape().batch / images.max(1);
        let mut pixels = Vec::new();
        let mut names: Vec<Vec<RowRef>> = Vec::with_capacity(graph.nodes().len());
        for node in graph.nodes() {
            let shape = node.output;
            let of = |input: usize| names[node.inputs[input].0].as_slice();
            let channels = |rows: &[RowRef]| rows.len() / images.max(1);
            let named = match node.op {
                Op::Slice { start, channels: kept } => {
                    let per_image = channels(of(0));
                    of(0).chunks_exact(per_image).flat_map(|image| &image[start..start + kept]).copied().collect()
                }
                Op::ChannelShuffle { groups } => {
                    let width = shape.channels / groups;
                    let shuffled = |image: &[RowRef]| -> Vec<RowRef> {
                        (0..shape.channels).map(|c| image[c % groups * width + c / groups]).collect()
                    };
                    of(0).chunks_exact(shape.channels).flat_map(shuffled).collect()
                }
                Op::Repeat { channels } => of(0).iter().flat_map(|&name| std::iter::repeat_n(name, channels)).collect(),
                Op::Concat => {
                    let parts: Vec<&[RowRef]> = (0..node.inputs.len()).map(of).collect();
                    let image = |image: usize| {
                        parts.iter().flat_map(move |part| {
                            let channels = channels(part);
                            part[image * channels..][..channels].iter().copied()
                        })
                    };
                    (0..images).flat_map(image).collect()
                }
                Op::Flatten => {
                    let pixels = graph.node(node.inputs[0]).output.pixels();
                    let spread = |name: &RowRef| {
                        let name = *name;
                        (0..pixels).map(move |pixel| RowRef { pixel: name.pixel + pixel, ..name })
                    };
                    of(0).iter().flat_map(spread).collect()
                }
                _ => {
                    let first = pixels.len();
                    let count = images * shape.channels;
                    pixels.resize(first + count, shape.pixels().saturating_mul(together));
                    (first..first + count).map(|row| RowRef { row, pixel: 0 }).collect()
                }
            };
            names.push(named);
        }
        Self { pixels, names }
    }
}

/// Whether an operation only gives rows other names.
pub(in crate::runtime) fn renames(op: &Op) -> bool {
    matches!(op, Op::Slice { .. } | Op::Concat | Op::ChannelShuffle { .. } | Op::Repeat { .. } | Op::Flatten)
}
