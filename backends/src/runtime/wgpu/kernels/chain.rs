//! From a spec to a kernel: which chains of steps there are kernels for, and what sizes they take.

use super::ImageStrides;
use super::Refusal;
use super::channel_norm::{ChannelNorm, Norm};
use super::conv_pool::ConvPool;
use super::depthwise::Depthwise;
use super::elementwise::{Arithmetic, Elementwise};
use super::epilogue::Finish;
use super::global_pool::GlobalPool;
use super::inputs::Inputs;
use super::kernel::{GpuKernel, Kind, Lengths};
use super::linear::{self, Linear};
use super::matmul::Matmul;
use super::patch;
use super::pointwise_depthwise::PointwiseDepthwise;
use super::pool::Pool;
use super::size::{Map, Sliding, expect, fits};
use super::variant::Limits;
use crate::graph::{Activation, Shape, Window};
use crate::runtime::plan::{Elementwise as Operation, KernelSpec, Pooling, Step, Work};

/// A chain's sizes, read from its spec.
struct Chain<'a> {
    spec: &'a KernelSpec,
    strides: &'a ImageStrides,
}

impl GpuKernel {
    /// The kernel of a spec: of a single step, or of `[depthwise, pointwise]`, `[pointwise, depthwise]`,
    /// `[convolution, max-pool]` and `[pointwise, global mean]`. A residual is added in the last step.
    ///
    /// # Errors
    /// [`Refusal::Chain`] where the steps have no kernel of their own together; else what does not fit.
    pub fn of(spec: &KernelSpec, strides: &ImageStrides) -> Result<Self, Refusal> {
        let chain = Chain { spec, strides };
        let [first, .., last] = &*spec.steps else {
            let [only] = &*spec.steps else { return Err(chain.refused()) };
            let (kind, features) = chain.single(only)?;
            return chain.kernel(kind, features, only);
        };
        if first.epilogue.residual || spec.steps.len() > 2 {
            return Err(chain.refused());
        }
        let kind = match (&first.work, &last.work) {
            (Work::Conv { window, groups }, Work::Conv { window: pointwise, groups: 1 }) if pointwise.is_plain() => {
                chain.depthwise_pointwise(first, window, *groups, last)?
            }
            (Work::Conv { window: pointwise, groups: 1 }, Work::Conv { window, groups }) if pointwise.is_plain() => {
                chain.pointwise_depthwise(first, last, window, *groups)?
            }
            (Work::Conv { window, groups: 1 }, Work::Pool { pooling: Pooling::Max, window: pool }) => {
                chain.conv_pool(first, window, last, pool)?
            }
            (Work::Conv { window, groups: 1 }, Work::GlobalMean) if window.is_plain() => {
                chain.pointwise_mean(first, last)?
            }
            _ => return Err(chain.refused()),
        };
        chain.kernel(kind, 1, last)
    }
}

impl Chain<'_> {
    fn kernel(&self, kind: Kind, features: usize, last: &Step) -> Result<GpuKernel, Refusal> {
        let second = last.epilogue.residual || last.work.has_second();
        let lists = Lengths { input: self.spec.input.channels, features, output: last.output.channels, second };
        let mut parameters = Vec::new();
        let mut input = self.spec.input;
        for step in &self.spec.steps {
            parameters.push(lengths(&step.work, &input, &step.output));
            input = step.output;
        }
        Ok(GpuKernel { kind, precision: self.spec.precision, lists, parameters })
    }

    /// The map that is read.
    fn input(&self) -> Result<Map, Refusal> {
        Map::of(&self.spec.input)?.with_image(self.strides.input)
    }

    fn finish(&self, step: &Step) -> Result<Finish, Refusal> {
        let residual =
            step.epilogue.residual.then(|| Map::of(&step.output)?.with_image(self.strides.second)).transpose()?;
        Ok(Finish { residual, activation: step.epilogue.activation })
    }

    /// The kernel of one step, and how many features each offset of the input stands for.
    fn single(&self, step: &Step) -> Result<(Kind, usize), Refusal> {
        let (input, output, finish) = (self.input()?, Map::of(&step.output)?, self.finish(step)?);
        expect("the output's batch", step.output.batch, self.spec.input.batch)?;
        let kind = match &step.work {
            Work::Linear => return Ok((self.linear(input, output, finish)?, self.spec.input.pixels())),
            Work::Elementwise(operation) => Kind::Elementwise(self.elementwise(*operation, input, output, finish)?),
            Work::Conv { window, groups } if *groups > 1 && *groups == self.spec.input.channels => {
                Kind::Depthwise(depthwise(input, output, window, finish)?)
            }
            Work::Conv { window, groups: 1 } if window.is_plain() && input.pixels() == 1 => {
                self.linear(input, output, finish)?
            }
            Work::Conv { window, groups } => Kind::Matmul(conv(input, output, window, *groups, finish)?),
            Work::Pool { pooling, window } => {
                expect("the output's channels", step.output.channels, self.spec.input.channels)?;
                let window = Sliding::of(window, &output)?;
                Kind::Pool(Pool { input, output, window, pooling: *pooling, finish })
            }
            Work::GlobalMean | Work::GlobalMax => {
                expect("the output's channels", step.output.channels, self.spec.input.channels)?;
                Kind::GlobalPool(GlobalPool { input, largest: step.work == Work::GlobalMax, finish })
            }
            Work::LayerNorm { eps } => Kind::ChannelNorm(self.norm(Norm::Layer(*eps), input, output, finish)?),
            Work::LocalNorm(norm) => Kind::ChannelNorm(self.norm(Norm::Local(*norm), input, output, finish)?),
            Work::Rename => return Err(self.refused()),
        };
        Ok((kind, 1))
    }

    /// A linear layer. A value that was flattened has an offset for each feature; in one that was not, the pixels of a
    /// channel are features side by side.
    fn linear(&self, input: Map, output: Map, finish: Finish) -> Result<Kind, Refusal> {
        let (features, outputs) = (input.channels * input.pixels(), output.channels);
        fits("the weights of a linear layer", (u64::from(features) + 4) * (u64::from(outputs) + 4))?;
        expect("a linear layer's output pixels", output.pixels() as usize, 1)?;
        let (batch, image) = (input.batch, input.image);
        if batch <= linear::MOST_IMAGES {
            return Ok(Kind::Linear(Linear { batch, features, outputs, image, finish }));
        }
        let inputs = if image == 1 { Inputs::Planes } else { Inputs::Strided { image } };
        let product = pointwise(Map { channels: features, height: 1, width: 1, ..input }, output, finish)?;
        Ok(Kind::Matmul(Matmul { inputs, ..product }))
    }

    fn norm(&self, norm: Norm, input: Map, output: Map, finish: Finish) -> Result<ChannelNorm, Refusal> {
        same_map(&input, &output)?;
        expect("the output's channels", output.channels as usize, input.channels as usize)?;
        Ok(ChannelNorm { map: input, norm, finish })
    }

    fn elementwise(
        &self,
        operation: Operation,
        input: Map,
        output: Map,
        finish: Finish,
    ) -> Result<Elementwise, Refusal> {
        if finish.residual.is_some() && Work::Elementwise(operation).has_second() {
            return Err(Refusal::Operand {
                kernel: "elementwise",
                problem: "a sum or product has its second operand already: add the residual in a step of its own",
            });
        }
        same_map(&input, &output)?;
        expect("the output's channels", output.channels as usize, input.channels as usize)?;
        let mut finish = finish;
        let arithmetic = match operation {
            Operation::Identity => Arithmetic::Identity,
            Operation::Affine => Arithmetic::Affine,
            Operation::PRelu => Arithmetic::PRelu,
            Operation::Mul => Arithmetic::Mul(output.with_image(self.strides.second)?),
            Operation::Add => {
                finish.residual = Some(output.with_image(self.strides.second)?);
                Arithmetic::Identity
            }
            Operation::Gate | Operation::Shift => {
                let gates = Map { height: 1, width: 1, image: 1, ..output }.with_image(self.strides.second)?;
                let image = gates.image;
                if operation == Operation::Gate { Arithmetic::Gate { image } } else { Arithmetic::Shift { image } }
            }
        };
        Ok(Elementwise { arithmetic, map: input, finish })
    }

    fn depthwise_pointwise(&self, first: &Step, window: &Window, groups: usize, last: &Step) -> Result<Kind, Refusal> {
        if groups < 2 || groups != self.spec.input.channels {
            return Err(self.refused());
        }
        let (input, between, finish) = (self.input()?, Map::of(&first.output)?, self.finish(last)?);
        let Depthwise { window, multiplier, .. } = depthwise(input, between, window, finish)?;
        let inputs = Inputs::Depthwise { input, window, multiplier, activation: first.epilogue.activation };
        let product = pointwise(between, Map::of(&last.output)?, finish)?;
        checked(Matmul { inputs, input_channels: input.channels, ..product }).map(Kind::Matmul)
    }

    fn pointwise_depthwise(&self, first: &Step, last: &Step, window: &Window, groups: usize) -> Result<Kind, Refusal> {
        let (input, between, finish) = (self.input()?, Map::of(&first.output)?, self.finish(last)?);
        // What is no plane has no rows that a window could go along.
        if groups < 2 || groups != first.output.channels || !input.is_plane() {
            return Err(self.refused());
        }
        same_map(&input, &between)?;
        expect("the output's batch", last.output.batch, self.spec.input.batch)?;
        let depthwise = depthwise(between, Map::of(&last.output)?, window, finish)?;
        let kernel = PointwiseDepthwise { input, inner: first.epilogue.activation, depthwise };
        fits("the weights of a convolution", kernel.packed())?;
        // Not even one row of one channel may fit into workgroup memory.
        if kernel.variants(&Limits::LEAST).is_empty() {
            return Err(self.refused());
        }
        Ok(Kind::PointwiseDepthwise(kernel))
    }

    fn conv_pool(&self, first: &Step, window: &Window, last: &Step, pool: &Window) -> Result<Kind, Refusal> {
        let (input, between, output) = (self.input()?, Map::of(&first.output)?, Map::of(&last.output)?);
        expect("the output's channels", last.output.channels, first.output.channels)?;
        expect("the output's batch", last.output.batch, self.spec.input.batch)?;
        let finish = self.finish(last)?;
        let inputs = Inputs::Window { input, window: Sliding::of(window, &between)? };
        let conv = Matmul { inputs, ..conv(input, between, window, 1, finish)? };
        let (inner, pool) = (first.epilogue.activation, Sliding::of(pool, &output)?);
        let kernel = ConvPool { conv, inner, pool, output, finish };
        // A window may be too large for workgroup memory, even for one output.
        if kernel.variants(&Limits::LEAST).is_empty() { Err(self.refused()) } else { Ok(Kind::ConvPool(kernel)) }
    }

    fn pointwise_mean(&self, first: &Step, last: &Step) -> Result<Kind, Refusal> {
        let (input, finish) = (self.input()?, self.finish(last)?);
        expect("the output's channels", last.output.channels, first.output.channels)?;
        let product = pointwise(input, Map::of(&first.output)?, finish)?;
        let output = Map { image: input.image, ..product.output };
        let (inputs, before_mean) = (Inputs::Planes, first.epilogue.activation);
        checked(Matmul { output, inputs, mean: true, before_mean, ..product }).map(Kind::Matmul)
    }

    fn refused(&self) -> Refusal {
        let name = |step: &Step| match step.work {
            Work::Conv { .. } => "a convolution",
            Work::Linear => "a linear layer",
            Work::Pool { .. } => "pooling",
            Work::GlobalMean => "a global mean",
            Work::GlobalMax => "a global maximum",
            Work::LayerNorm { .. } | Work::LocalNorm(_) => "a normalisation",
            Work::Elementwise(_) => "an elementwise operation",
            Work::Rename => "a renaming",
        };
        Refusal::Chain { chain: self.spec.steps.iter().map(name).collect::<Vec<_>>().join(", then ") }
    }
}

fn depthwise(input: Map, output: Map, window: &Window, finish: Finish) -> Result<Depthwise, Refusal> {
    let multiplier = divided("a depthwise convolution's output channels", output.channels, input.channels)?;
    let window = Sliding::of(window, &output)?;
    fits(
        "the weights of a depthwise convolution",
        u64::from(output.channels) * u64::from(patch::vectors(&window)) * 4,
    )?;
    Ok(Depthwise { input, output, window, multiplier, finish })
}

fn conv(input: Map, output: Map, window: &Window, groups: usize, finish: Finish) -> Result<Matmul, Refusal> {
    if window.is_plain() && groups == 1 {
        return pointwise(input, output, finish);
    }
    let groups = u32::try_from(groups).unwrap_or(u32::MAX);
    let channels = divided("a convolution's input channels", input.channels, groups)?;
    let rows = divided("a convolution's output channels", output.channels, groups)?;
    let sliding = Sliding::of(window, &output)?;
    fits("the taps of a filter", u64::from(channels) * u64::from(sliding.taps()))?;
    let depth = channels * sliding.taps();
    let inputs = if window.is_plain() && input.is_plane() {
        same_map(&input, &output)?;
        Inputs::Planes
    } else {
        Inputs::Window { input, window: sliding }
    };
    let input_channels = input.channels;
    let (mean, before_mean) = (false, Activation::None);
    checked(Matmul { groups, rows, depth, input_channels, output, inputs, mean, before_mean, finish })
}

fn pointwise(input: Map, output: Map, finish: Finish) -> Result<Matmul, Refusal> {
    same_map(&input, &output)?;
    // Whatever is no plane has one pixel an image.
    let inputs = if input.is_plane() { Inputs::Planes } else { Inputs::Strided { image: input.image } };
    checked(Matmul {
        groups: 1,
        rows: output.channels,
        depth: input.channels,
        input_channels: input.channels,
        output,
        inputs,
        mean: false,
        before_mean: Activation::None,
        finish,
    })
}

fn same_map(input: &Map, output: &Map) -> Result<(), Refusal> {
    expect("the output's batch", output.batch as usize, input.batch as usize)?;
    expect("the output's height", output.height as usize, input.height as usize)?;
    expect("the output's width", output.width as usize, input.width as usize)
}

fn checked(matmul: Matmul) -> Result<Matmul, Refusal> {
    fits("the weights of a convolution", matmul.packed())?;
    Ok(matmul)
}

/// `all / parts`, where that is whole.
fn divided(what: &'static str, all: u32, parts: u32) -> Result<u32, Refusal> {
    if parts == 0 || !all.is_multiple_of(parts) {
        let expected = (all as usize).next_multiple_of(parts.max(1) as usize);
        return Err(Refusal::Shape { what, given: all as usize, expected });
    }
    Ok(all / parts)
}

/// Weights and biases of a step.
fn lengths(work: &Work, input: &Shape, output: &Shape) -> [usize; 2] {
    let outputs = output.channels;
    match work {
        Work::Conv { window, groups } => {
            let filter = (input.channels / (*groups).max(1)).saturating_mul(window.taps());
            [outputs.saturating_mul(filter), outputs]
        }
        Work::Linear => [outputs.saturating_mul(input.channels.saturating_mul(input.pixels())), outputs],
        Work::Elementwise(Operation::Affine) | Work::LayerNorm { .. } => [outputs, outputs],
        Work::Elementwise(Operation::PRelu) => [outputs, 0],
        _ => [0, 0],
    }
}
