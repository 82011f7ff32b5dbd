//! Which rows every layer reads and writes, and where gradients lie on the way back.
//!
//! A value is a list of rows, one for each channel. Slices, concatenations and channel shuffles are new lists: neither
//! values nor gradients move. A gradient's row lives from the first layer that gives to it until the layer that made the
//! value has used it up; layers that work value by value turn it into their input's in place.

use std::collections::BTreeMap;
use std::ops::Range;

use super::super::parameters::Layout;
use super::super::request::TrainError;
use super::curve::limits;
use super::geometry::{Geometry, Run};
use crate::graph::{Activation, Graph, Node, NodeId, Op, Shape, reads};

/// See the module.
pub(super) struct Plan {
    pub steps: Vec<Step>,
    /// Length of every row.
    pub rows: Vec<usize>,
    /// Length of every gradient's row.
    pub gradients: Vec<usize>,
    /// Rows of the network's input.
    pub input: Vec<usize>,
    /// Rows of the logits, and where their gradient is put.
    pub output: [Vec<usize>; 2],
}

/// A layer, with the activation that it has taken along.
pub(super) struct Step {
    pub work: Work,
    /// Rows of each value read.
    pub inputs: Vec<Vec<usize>>,
    pub output: Vec<usize>,
    pub back: Back,
}

/// Gradients of a layer.
#[derive(Default)]
pub(super) struct Back {
    /// Those of the rows that the layer made.
    pub gradient: Vec<usize>,
    /// Rows that begin as zeros.
    pub zero: Vec<usize>,
    /// For each value read, where its gradients go; none where nobody wants them, or where they are made in place.
    pub given: Vec<Option<Given>>,
    /// What was made in place and is added to a gradient that is there already: from, to.
    pub merge: Vec<[usize; 2]>,
}

/// Where gradients of a value go.
pub(super) struct Given {
    pub rows: Vec<usize>,
    /// Whether something is there already.
    pub add: bool,
}

/// What a layer computes, with the places of its parameters.
pub(super) enum Work {
    Product { weights: Range<usize>, bias: Option<Range<usize>>, groups: usize, geometry: Option<Geometry> },
    Depthwise { weights: Range<usize>, bias: Option<Range<usize>>, taps: usize, runs: [Vec<Run>; 2] },
    Norm { weight: Range<usize>, bias: Range<usize>, eps: f32, limits: [f32; 2], statistics: Range<usize> },
    Activation(Activation),
    PRelu { slopes: Range<usize> },
    Affine { scale: Range<usize>, shift: Option<Range<usize>> },
    MaxPool { runs: Vec<Run> },
    AvgPool { weights: Vec<f32>, runs: [Vec<Run>; 2] },
    GlobalAvgPool,
    Add,
    Mul,
    Scale,
    Shift,
}

impl Work {
    /// Whether the gradient of the first value read is made in place of the result's.
    const fn is_in_place(&self) -> bool {
        matches!(
            self,
            Self::Norm { .. }
                | Self::Activation(_)
                | Self::PRelu { .. }
                | Self::Affine { .. }
                | Self::Add
                | Self::Mul
                | Self::Scale
                | Self::Shift
        )
    }
}

impl Plan {
    /// For batches of so many pictures.
    pub fn new(graph: &Graph, layout: &Layout, batch: usize) -> Result<Self, TrainError> {
        let readers = reads(graph);
        let mut rows = Vec::new();
        let mut make = |shape: Shape| -> Vec<usize> {
            let first = rows.len();
            rows.extend(std::iter::repeat_n(shape.height * shape.width * batch, shape.channels));
            (first..rows.len()).collect()
        };
        let input = make(graph.input_shape());
        let mut values = vec![input.clone()];
        let mut steps = Vec::new();
        for (id, node) in graph.layers() {
            let refuse = |reason: &str| refusal(node, reason);
            if graph.owner(id) != id {
                return Err(refuse("its weights are another layer's too, which the trainer does not know"));
            }
            let first = node.inputs.first().map_or(&[][..], |input| &values[input.0]).to_vec();
            let view = match &node.op {
                Op::Slice { start, channels } => Some(first[*start..start + channels].to_vec()),
                Op::Concat => Some(node.inputs.iter().flat_map(|input| values[input.0].clone()).collect()),
                Op::ChannelShuffle { groups } => {
                    let each = first.len() / groups;
                    Some((0..first.len()).map(|to| first[to % groups * each + to / groups]).collect())
                }
                Op::Flatten if graph.input_shapes(node).all(|shape| shape.pixels() == 1) => Some(first.clone()),
                Op::Activation(Activation::None) => Some(first.clone()),
                // The normalisation before it has done it.
                Op::Activation(_)
                    if node.inputs.first().is_some_and(|&input| fused(graph, &readers, input).is_some()) =>
                {
                    Some(first.clone())
                }
                _ => None,
            };
            if let Some(view) = view {
                values.push(view);
                continue;
            }
            let inputs: Vec<Vec<usize>> = node.inputs.iter().map(|input| values[input.0].clone()).collect();
            let mut seen: Vec<usize> = inputs.concat();
            seen.sort_unstable();
            if seen.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(refuse("it reads a channel twice, which the trainer does not know"));
            }
            let limits = fused(graph, &readers, id);
            let work = work(graph, node, layout, limits).map_err(refuse)?;
            let output = make(node.output);
            values.push(output.clone());
            steps.push(Step { work, inputs, output, back: Back::default() });
        }
        let output = values.pop().unwrap_or_default();
        let (gradients, of_output) = plan_back(&mut steps, &rows, &input, &output);
        Ok(Self { steps, rows, gradients, input, output: [output, of_output] })
    }
}

/// The limits that the activation behind a normalisation is, where nobody else reads the normalisation.
fn fused(graph: &Graph, readers: &[usize], id: NodeId) -> Option<[f32; 2]> {
    let next = graph.nodes().get(id.0 + 1)?;
    let Op::Activation(activation) = next.op else { return None };
    let alone =
        matches!(graph.node(id).op, Op::BatchNorm { .. }) && next.inputs == [id] && readers.get(id.0) == Some(&1);
    if alone { limits(activation) } else { None }
}

fn refusal(node: &Node, reason: &str) -> TrainError {
    TrainError::Layer { layer: node.path.clone(), op: node.op.to_string(), reason: reason.into() }
}

fn work(graph: &Graph, node: &Node, layout: &Layout, limits: Option<[f32; 2]>) -> Result<Work, &'static str> {
    let place = |name: &str| {
        let slot = layout.find(&format!("{}.{name}", node.path));
        slot.map(|slot| slot.place.clone()).ok_or("it has no parameters in the network's list")
    };
    let bias = |there: bool| there.then(|| place("bias")).transpose();
    let from = graph.input_shapes(node).next().unwrap_or(node.output);
    let geometry = |window| Geometry::new(window, from, node.output);
    let both = |geometry: &Geometry| [geometry.runs(), geometry.runs_back()];
    Ok(match node.op {
        Op::Conv2d(conv) if conv.is_depthwise() => Work::Depthwise {
            weights: place("weight")?,
            bias: bias(conv.bias)?,
            taps: conv.window.taps(),
            runs: both(&geometry(conv.window)),
        },
        Op::Conv2d(conv) => Work::Product {
            weights: place("weight")?,
            bias: bias(conv.bias)?,
            groups: conv.groups,
            geometry: (!conv.window.is_plain()).then(|| geometry(conv.window)),
        },
        Op::Linear { bias: has_bias, .. } => {
            Work::Product { weights: place("weight")?, bias: bias(has_bias)?, groups: 1, geometry: None }
        }
        Op::BatchNorm { eps, .. } => {
            let statistics = layout.norms().iter().find(|(path, _)| *path == node.path);
            Work::Norm {
                weight: place("weight")?,
                bias: place("bias")?,
                eps: eps as f32,
                limits: limits.unwrap_or([f32::NEG_INFINITY, f32::INFINITY]),
                statistics: statistics.map(|(_, place)| place.clone()).ok_or("it has no statistics")?,
            }
        }
        Op::Activation(activation) => Work::Activation(activation),
        Op::PRelu { .. } => Work::PRelu { slopes: place("weight")? },
        Op::Affine { shift, .. } => Work::Affine { scale: place("weight")?, shift: bias(shift)? },
        Op::MaxPool(window) => Work::MaxPool { runs: geometry(window).runs() },
        Op::AvgPool(window) => {
            let taps = window.taps();
            Work::AvgPool { weights: vec![1.0 / taps as f32; taps], runs: both(&geometry(window)) }
        }
        Op::GlobalAvgPool => Work::GlobalAvgPool,
        Op::Add => Work::Add,
        Op::Mul => Work::Mul,
        Op::Scale => Work::Scale,
        Op::Shift => Work::Shift,
        _ => return Err("the trainer does not know this layer; designs have none, so train a design"),
    })
}

/// Rows of gradients that are free, by their length.
#[derive(Default)]
struct Pool {
    lengths: Vec<usize>,
    free: BTreeMap<usize, Vec<usize>>,
}

impl Pool {
    fn take(&mut self, length: usize) -> usize {
        if let Some(row) = self.free.get_mut(&length).and_then(Vec::pop) {
            return row;
        }
        self.lengths.push(length);
        self.lengths.len() - 1
    }

    fn give(&mut self, row: usize) {
        self.free.entry(self.lengths[row]).or_default().push(row);
    }
}

/// Sets every step's [`Back`]; returns the lengths of the gradients' rows, and those of the output.
fn plan_back(steps: &mut [Step], rows: &[usize], input: &[usize], output: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut pool = Pool::default();
    let mut of: Vec<Option<usize>> = vec![None; rows.len()];
    let mut wanted = vec![true; rows.len()];
    input.iter().for_each(|&row| wanted[row] = false);
    let of_output: Vec<usize> = output.iter().map(|&row| pool.take(rows[row])).collect();
    for (&row, &gradient) in output.iter().zip(&of_output) {
        of[row] = Some(gradient);
    }
    for step in steps.iter_mut().rev() {
        let mut back = Back::default();
        for &row in &step.output {
            let gradient = of[row].take().unwrap_or_else(|| {
                let fresh = pool.take(rows[row]);
                back.zero.push(fresh);
                fresh
            });
            back.gradient.push(gradient);
        }
        let in_place = step.work.is_in_place();
        let mut kept = vec![false; back.gradient.len()];
        for (index, read) in step.inputs.iter().enumerate() {
            if index == 0 && in_place {
                back.given.push(None);
                continue;
            }
            if read.iter().all(|&row| !wanted[row]) {
                back.given.push(None);
                continue;
            }
            let add = read.iter().any(|&row| of[row].is_some());
            let places = read.iter().map(|&row| {
                *of[row].get_or_insert_with(|| {
                    let fresh = pool.take(rows[row]);
                    if add {
                        back.zero.push(fresh);
                    }
                    fresh
                })
            });
            let given = Given { rows: places.collect(), add };
            back.given.push(Some(given));
        }
        if in_place && let Some(read) = step.inputs.first() {
            for ((&row, &gradient), kept) in read.iter().zip(&back.gradient).zip(&mut kept) {
                match of[row] {
                    _ if !wanted[row] => {}
                    Some(there) => back.merge.push([gradient, there]),
                    None => {
                        of[row] = Some(gradient);
                        *kept = true;
                    }
                }
            }
        }
        for (&gradient, kept) in back.gradient.iter().zip(kept) {
            if !kept {
                pool.give(gradient);
            }
        }
        step.back = back;
    }
    (pool.lengths, of_output)
}
