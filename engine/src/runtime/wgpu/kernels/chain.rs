//! From a spec to a kernel: which chains of steps there are kernels for, and what sizes they take.

use super::Refusal;
use super::conv_pool::ConvPool;
use super::depthwise::Depthwise;
use super::elementwise::Elementwise;
use super::global_mean::GlobalMean;
use super::inputs::Inputs;
use super::kernel::{GpuKernel, ImageStrides, Kind, Lengths};
use super::linear::{self, Linear};
use super::matmul::Matmul;
use super::patch;
use super::pool::Pool;
use super::size::{Map, Sliding, expect, fits};
use crate::graph::{Activation, Shape, Window};
use crate::runtime::plan::{Elementwise as Operation, Epilogue, KernelSpec, Pooling, Step, Work};

/// A chain's sizes, read from its spec.
struct Chain<'a> {
    spec: &'a KernelSpec,
    strides: &'a ImageStrides,
}

impl GpuKernel {
    /// The kernel of a spec: of a single step, or of `[depthwise, pointwise]`, `[convolution, max-pool]` and
    /// `[pointwise, global mean]`. Residuals are added in the last step, and not behind pooling or a mean.
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
        let takes_second = matches!(last.work, Work::Elementwise(Operation::Add | Operation::Gate));
        let second = last.epilogue.residual || takes_second;
        let whole = matches!(last.work, Work::Conv { .. } | Work::Linear);
        if second && whole && self.strides.second != last.output.pixels() {
            return Err(Refusal::Operand {
                kernel: "convolution or linear layer",
                problem: "the residual was flattened: copy it into planes first",
            });
        }
        let lists = Lengths { input: self.spec.input.channels, features, output: last.output.channels, second };
        let mut parameters = Vec::new();
        let mut input = self.spec.input;
        for step in &self.spec.steps {
            parameters.push(lengths(&step.work, &input, &step.output));
            input = step.output;
        }
        Ok(GpuKernel { kind, precision: self.spec.precision, lists, parameters })
    }

    /// The kernel of one step, and how many features each offset of the input stands for.
    fn single(&self, step: &Step) -> Result<(Kind, usize), Refusal> {
        let epilogue = step.epilogue;
        let input = Map::of(&self.spec.input)?;
        let output = Map::of(&step.output)?;
        expect("the output's batch", step.output.batch, self.spec.input.batch)?;
        let kind = match &step.work {
            Work::Linear => return self.linear(step, &input),
            Work::Elementwise(operation) => Kind::Elementwise(self.elementwise(*operation, &output, epilogue)?),
            Work::Conv { window, groups } => {
                self.in_planes("convolution")?;
                if *groups > 1 && *groups == self.spec.input.channels {
                    Kind::Depthwise(depthwise(input, output, window, epilogue)?)
                } else {
                    Kind::Matmul(conv(input, output, window, *groups, epilogue)?)
                }
            }
            Work::Pool { pooling, window } => {
                self.in_planes("pooling")?;
                no_residual("pooling", epilogue)?;
                expect("the output's channels", step.output.channels, self.spec.input.channels)?;
                let window = Sliding::of(window, &output)?;
                Kind::Pool(Pool { input, output, window, pooling: *pooling, epilogue })
            }
            Work::GlobalMean => {
                self.in_planes("global mean")?;
                no_residual("global mean", epilogue)?;
                expect("the output's channels", step.output.channels, self.spec.input.channels)?;
                Kind::GlobalMean(GlobalMean { input, epilogue })
            }
            Work::Rename => return Err(self.refused()),
        };
        Ok((kind, 1))
    }

    fn linear(&self, step: &Step, input: &Map) -> Result<(Kind, usize), Refusal> {
        // A value that was flattened has an offset for each feature; one that was not has its pixels side by side.
        let per_offset = self.spec.input.pixels();
        let (features, outputs) = (input.channels * input.pixels(), step.output.channels as u32);
        let image = self.strides.input as u32;
        self.stride_fits(self.strides.input)?;
        let (batch, epilogue) = (input.batch, step.epilogue);
        fits("the weights of a linear layer", (u64::from(features) + 4) * (u64::from(outputs) + 4))?;
        expect("a linear layer's output pixels", step.output.pixels(), 1)?;
        let kind = if batch <= linear::MOST_IMAGES {
            Kind::Linear(Linear { batch, features, outputs, image, epilogue })
        } else {
            let output = Map { batch, channels: outputs, height: 1, width: 1 };
            let inputs = if image == 1 { Inputs::Planes } else { Inputs::Strided { image } };
            Kind::Matmul(Matmul {
                groups: 1,
                rows: outputs,
                depth: features,
                input_channels: features,
                output,
                inputs,
                mean: false,
                before_mean: Activation::None,
                epilogue,
            })
        };
        Ok((kind, per_offset))
    }

    fn elementwise(&self, operation: Operation, map: &Map, epilogue: Epilogue) -> Result<Elementwise, Refusal> {
        if epilogue.residual && matches!(operation, Operation::Add | Operation::Gate) {
            return Err(Refusal::Operand {
                kernel: "elementwise",
                problem: "a sum or gate has its second operand already: add the residual in a step of its own",
            });
        }
        let given = self.spec.input;
        expect("the output's channels", map.channels as usize, given.channels)?;
        expect("the output's pixels", map.pixels() as usize, given.pixels())?;
        self.stride_fits(self.strides.input)?;
        self.stride_fits(self.strides.second)?;
        let [image, second_image] = [self.strides.input, self.strides.second].map(|stride| stride as u32);
        Ok(Elementwise { operation, map: *map, image, second_image, epilogue })
    }

    fn depthwise_pointwise(&self, first: &Step, window: &Window, groups: usize, last: &Step) -> Result<Kind, Refusal> {
        if groups < 2 || groups != self.spec.input.channels {
            return Err(self.refused());
        }
        self.in_planes("convolution")?;
        let (input, between) = (Map::of(&self.spec.input)?, Map::of(&first.output)?);
        let Depthwise { window, multiplier, .. } = depthwise(input, between, window, first.epilogue)?;
        let inputs = Inputs::Depthwise { input, window, multiplier, activation: first.epilogue.activation };
        let product = pointwise(between, Map::of(&last.output)?, last.epilogue)?;
        checked(Matmul { inputs, input_channels: input.channels, ..product }).map(Kind::Matmul)
    }

    fn conv_pool(&self, first: &Step, window: &Window, last: &Step, pool: &Window) -> Result<Kind, Refusal> {
        self.in_planes("convolution")?;
        no_residual("pooling", last.epilogue)?;
        let (input, between, output) = (Map::of(&self.spec.input)?, Map::of(&first.output)?, Map::of(&last.output)?);
        expect("the output's channels", last.output.channels, first.output.channels)?;
        expect("the output's batch", last.output.batch, self.spec.input.batch)?;
        let inputs = Inputs::Window { input, window: Sliding::of(window, &between)? };
        let conv =
            Matmul { inputs, ..conv(input, between, window, 1, Epilogue { residual: false, ..first.epilogue })? };
        let kernel = ConvPool {
            conv,
            inner: first.epilogue.activation,
            pool: Sliding::of(pool, &output)?,
            output,
            epilogue: last.epilogue,
        };
        // A window too large for workgroup memory, even for one output.
        if kernel.variants(&super::Limits::LEAST).is_empty() { Err(self.refused()) } else { Ok(Kind::ConvPool(kernel)) }
    }

    fn pointwise_mean(&self, first: &Step, last: &Step) -> Result<Kind, Refusal> {
        self.in_planes("convolution")?;
        no_residual("global mean", last.epilogue)?;
        expect("the output's channels", last.output.channels, first.output.channels)?;
        let product = pointwise(Map::of(&self.spec.input)?, Map::of(&first.output)?, last.epilogue)?;
        checked(Matmul { mean: true, before_mean: first.epilogue.activation, ..product }).map(Kind::Matmul)
    }

    /// Refuses flattened inputs.
    fn in_planes(&self, kernel: &'static str) -> Result<(), Refusal> {
        if self.strides.input == self.spec.input.pixels() {
            return Ok(());
        }
        Err(Refusal::Operand { kernel, problem: "the input was flattened: copy it into planes first" })
    }

    fn stride_fits(&self, stride: usize) -> Result<(), Refusal> {
        fits("a flattened value", (stride as u64).saturating_mul(self.spec.input.batch as u64))
    }

    fn refused(&self) -> Refusal {
        let name = |step: &Step| match step.work {
            Work::Conv { .. } => "a convolution",
            Work::Linear => "a linear layer",
            Work::Pool { .. } => "pooling",
            Work::GlobalMean => "a global mean",
            Work::Elementwise(_) => "an elementwise operation",
            Work::Rename => "a renaming",
        };
        Refusal::Chain { chain: self.spec.steps.iter().map(name).collect::<Vec<_>>().join(", then ") }
    }
}

fn no_residual(kernel: &'static str, epilogue: Epilogue) -> Result<(), Refusal> {
    if epilogue.residual {
        return Err(Refusal::Operand { kernel, problem: "it adds no residual: add it in a step of its own" });
    }
    Ok(())
}

fn depthwise(input: Map, output: Map, window: &Window, epilogue: Epilogue) -> Result<Depthwise, Refusal> {
    let multiplier = divided("a depthwise convolution's output channels", output.channels, input.channels)?;
    let window = Sliding::of(window, &output)?;
    fits(
        "the weights of a depthwise convolution",
        u64::from(output.channels) * u64::from(patch::vectors(&window)) * 4,
    )?;
    Ok(Depthwise { input, output, window, multiplier, epilogue })
}

fn conv(input: Map, output: Map, window: &Window, groups: usize, epilogue: Epilogue) -> Result<Matmul, Refusal> {
    if window.is_plain() && groups == 1 {
        return pointwise(input, output, epilogue);
    }
    let most = u32::try_from(groups).unwrap_or(u32::MAX);
    let channels = divided("a convolution's input channels", input.channels, most)?;
    let rows = divided("a convolution's output channels", output.channels, most)?;
    let sliding = Sliding::of(window, &output)?;
    fits("the taps of a filter", u64::from(channels) * u64::from(sliding.taps()))?;
    let depth = channels * sliding.taps();
    let same = (input.height, input.width) == (output.height, output.width);
    let inputs = if window.is_plain() && same { Inputs::Planes } else { Inputs::Window { input, window: sliding } };
    let groups = most;
    let input_channels = input.channels;
    let (mean, before_mean) = (false, Activation::None);
    checked(Matmul { groups, rows, depth, input_channels, output, inputs, mean, before_mean, epilogue })
}

fn pointwise(input: Map, output: Map, epilogue: Epilogue) -> Result<Matmul, Refusal> {
    expect("a pointwise convolution's output height", output.height as usize, input.height as usize)?;
    expect("a pointwise convolution's output width", output.width as usize, input.width as usize)?;
    expect("the output's batch", output.batch as usize, input.batch as usize)?;
    checked(Matmul {
        groups: 1,
        rows: output.channels,
        depth: input.channels,
        input_channels: input.channels,
        output,
        inputs: Inputs::Planes,
        mean: false,
        before_mean: Activation::None,
        epilogue,
    })
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
        Work::Elementwise(Operation::Affine) => [outputs, outputs],
        Work::Pool { .. } | Work::GlobalMean | Work::Elementwise(_) | Work::Rename => [0, 0],
    }
}
