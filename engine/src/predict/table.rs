//! A target's kernel and block latencies as tables for other programs.

use serde::Serialize;

use super::Predictor;
use super::kind::{Tiles, sizes};
use crate::design::round_to;
use crate::graph::{Activation, Conv2d, Graph, GraphBuilder, LowerError, NodeId, Op, Shape, Window};
use crate::runtime::{RunOptions, plan_without_weights};
use crate::units::{Bytes, MultAdds, Nanos};

/// A kernel that was measured on the target. Its JSON form is a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KernelRow {
    /// The kernel in short: input, then each step with what it makes.
    pub kernel: String,
    /// Its usual time, each network's own speed taken out.
    #[serde(rename = "median_ns")]
    pub median: Nanos,
    /// Networks in which it was measured.
    pub networks: usize,
    /// Multiply-accumulates, those of pooling windows included.
    pub mult_adds: MultAdds,
    /// Bytes of what it reads and writes: maps and weights.
    pub bytes: Bytes,
}

/// Latencies of the blocks of MobileNet-like networks, under the keys that `ProxylessNASLatencyTable` of once-for-all asks
/// for (`ofa/nas/efficiency_predictor/latency_lookup_table.py`): first convolution, blocks, last convolution, and what
/// follows it.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockTable {
    /// Key and latency.
    pub rows: Vec<(String, Nanos)>,
}

impl Predictor {
    /// Every kernel that was measured, the slowest first.
    #[must_use]
    pub fn kernel_table(&self) -> Vec<KernelRow> {
        let row = |(spec, median, networks): (&crate::runtime::KernelSpec, Nanos, usize)| {
            let [_, dense, depthwise, maps, weights] = sizes(spec, Tiles::NONE).1;
            KernelRow {
                kernel: spec.to_string(),
                median,
                networks,
                mult_adds: MultAdds((1e3 * (dense + depthwise)).round() as u64),
                bytes: Bytes((1e3 * (maps + weights)).round() as u64),
            }
        };
        let mut rows: Vec<KernelRow> = self.measured().map(row).collect();
        rows.sort_by(|a, b| b.median.cmp(&a.median).then_with(|| a.kernel.cmp(&b.kernel)));
        rows
    }
}

/// Stage widths: ProxylessNAS and once-for-all's search space, and MobileNet V2's.
const WIDTHS: [[u32; 7]; 2] = [[16, 24, 40, 80, 96, 192, 320], [16, 24, 32, 64, 96, 160, 320]];

/// Width multipliers.
const MULTIPLIERS: [f64; 2] = [1.0, 1.3];

/// Stride of each stage's first block.
const STRIDES: [usize; 7] = [1, 2, 2, 2, 1, 2, 1];

const EXPANSIONS: [usize; 3] = [3, 4, 6];
const KERNELS: [usize; 3] = [3, 5, 7];

/// Sides of the images: what once-for-all searches over.
const SIDES: std::ops::RangeInclusive<usize> = 128..=224;
const STEP: usize = 4;

impl BlockTable {
    /// Of a target that runs with these options.
    ///
    /// # Errors
    /// Where a block cannot be made, which only a batch that cannot be counted brings about.
    pub fn of(predictor: &Predictor, options: &RunOptions) -> Result<Self, LowerError> {
        let mut this = Self { rows: Vec::new() };
        let mut seen = std::collections::HashSet::new();
        let batch = options.batch as usize;
        let mut add = |key: String, graph: Result<Graph, LowerError>| -> Result<(), LowerError> {
            if seen.insert(key.clone())
                && let (graph, Some(plan)) = {
                    let graph = graph?;
                    let plan = plan_without_weights(&graph, options);
                    (graph, plan)
                }
            {
                let prediction = predictor.predict(&graph, &plan);
                // A block is a part of a network: only its kernels count, not what a whole run costs once.
                this.rows.push((key, prediction.kernels.iter().map(|kernel| kernel.predicted).sum()));
            }
            Ok(())
        };
        for side in SIDES.step_by(STEP) {
            for (widths, multiplier) in WIDTHS.iter().flat_map(|widths| MULTIPLIERS.map(|by| (widths, by))) {
                let scaled = |channels: u32| divisible(f64::from(channels) * multiplier);
                let first = scaled(32);
                let mut at = side.div_ceil(2);
                let key = format!("Conv-input:{side}x{side}x3-output:{at}x{at}x{first}");
                add(key, convolution(Shape::new(batch, 3, side, side), first, (3, 2)))?;
                let mut channels = first;
                for (stage, (&width, &stride)) in widths.iter().zip(&STRIDES).enumerate() {
                    let made = scaled(width);
                    for (input, stride) in [(channels, stride), (made, 1)] {
                        let out = (at - 1) / stride + 1;
                        let skip = usize::from(stride == 1 && input == made);
                        // The first stage does not expand.
                        let expansions = if stage == 0 { &[1][..] } else { &EXPANSIONS[..] };
                        for &expand in expansions {
                            for kernel in KERNELS {
                                let key = format!(
                                    "expanded_conv-input:{at}x{at}x{input}-output:{out}x{out}x{made}-expand:{expand}-\
                                     kernel:{kernel}-stride:{stride}-idskip:{skip}"
                                );
                                let map = Shape::new(batch, input, at, at);
                                add(key, block(map, made, (expand, kernel, stride), skip == 1))?;
                            }
                        }
                        at = out;
                    }
                    channels = made;
                }
                let last = if multiplier > 1.0 { scaled(1280) } else { 1280 };
                let key = format!("Conv_1-input:{at}x{at}x{channels}-output:{at}x{at}x{last}");
                add(key, convolution(Shape::new(batch, channels, at, at), last, (1, 1)))?;
                let key = format!("Logits-input:{at}x{at}x{last}-output:1000");
                add(key, classifier(Shape::new(batch, last, at, at)))?;
            }
        }
        Ok(this)
    }

    /// The table as YAML: `mean` is in milliseconds, as in the tables that come with once-for-all.
    #[must_use]
    pub fn yaml(&self) -> String {
        let row = |(key, time): &(String, Nanos)| format!("{key}: {{mean: {:.6}}}\n", time.as_f64() / 1e6);
        self.rows.iter().map(row).collect()
    }
}

/// The nearest multiple of 8, but never below 90 % of the value.
fn divisible(channels: f64) -> usize {
    let rounded = round_to(channels, 8);
    (if f64::from(rounded) < 0.9 * channels { rounded + 8 } else { rounded }) as usize
}

fn conv(
    graph: &mut GraphBuilder,
    input: (NodeId, usize),
    made: usize,
    how: ([usize; 3], bool),
) -> Result<NodeId, LowerError> {
    let (at, channels) = input;
    let ([kernel, stride, groups], is_active) = how;
    let window = Window::square(kernel, stride);
    let conv = Conv2d { in_channels: channels, out_channels: made, window, groups, bias: true };
    let name = format!("conv{}", at.0);
    let at = graph.push(name, Op::Conv2d(conv), &[at])?;
    let relu = Op::Activation(Activation::Relu6);
    if is_active { graph.push(format!("relu{}", at.0), relu, &[at]) } else { Ok(at) }
}

fn convolution(input: Shape, made: usize, (kernel, stride): (usize, usize)) -> Result<Graph, LowerError> {
    let mut graph = GraphBuilder::new("conv", input);
    let from = (graph.input(), input.channels);
    conv(&mut graph, from, made, ([kernel, stride, 1], true))?;
    Ok(graph.finish())
}

fn block(
    input: Shape,
    made: usize,
    (expand, kernel, stride): (usize, usize, usize),
    is_residual: bool,
) -> Result<Graph, LowerError> {
    let mut graph = GraphBuilder::new("block", input);
    let (begin, inner) = (graph.input(), input.channels * expand);
    let mut at = begin;
    if expand > 1 {
        at = conv(&mut graph, (at, input.channels), inner, ([1, 1, 1], true))?;
    }
    at = conv(&mut graph, (at, inner), inner, ([kernel, stride, inner], true))?;
    at = conv(&mut graph, (at, inner), made, ([1, 1, 1], false))?;
    if is_residual {
        graph.push("add", Op::Add, &[at, begin])?;
    }
    Ok(graph.finish())
}

fn classifier(input: Shape) -> Result<Graph, LowerError> {
    let mut graph = GraphBuilder::new("logits", input);
    let pooled = graph.push("pool", Op::GlobalAvgPool, &[graph.input()])?;
    let flat = graph.push("flat", Op::Flatten, &[pooled])?;
    let linear = Op::Linear { in_features: input.channels, out_features: 1000, bias: true };
    graph.push("fc", linear, &[flat])?;
    Ok(graph.finish())
}
