//! Which algorithms compute which chains of steps.

use super::channel_norm::{ChannelNorm, Norm};
use super::depthwise::Depthwise;
use super::elementwise::Values;
use super::geometry::{expect, fits};
use super::linear::Linear;
use super::matmul::{Input, Matmul};
use super::part::Part;
use super::reduce::Reduce;
use super::stem::Stem;
use super::unit::Unit;
use super::way::Way;
use super::{ImageStrides, Refusal};
use crate::runtime::plan::{KernelSpec, Pooling, Work};

fn matmul(spec: &KernelSpec, part: &Part, input: Input) -> Matmul {
    Matmul {
        precision: spec.precision,
        input,
        map: part.map,
        output: part.output,
        groups: part.groups,
        residual: part.epilogue.residual,
        activation: part.activation(),
        mean: None,
    }
}

/// The algorithms for one step.
///
/// # Errors
/// Where no kernel has such operands.
pub(super) fn single(
    spec: &KernelSpec,
    part: &Part,
    strides: &ImageStrides,
) -> Result<(&'static str, Vec<Way>), Refusal> {
    let (precision, activation, residual) = (spec.precision, part.activation(), part.epilogue.residual);
    let &Part { map, output, window, .. } = part;
    let no_residual = |kernel: &'static str| {
        let problem = "it has no residual beside its operands: launch an addition";
        if residual { Err(Refusal::Operand { kernel, problem }) } else { Ok(()) }
    };
    Ok(match part.work {
        Work::Conv { .. } if part.is_depthwise() => {
            let way = Depthwise { precision, window, map, output, residual, activation };
            ("depthwise", vec![Way::Depthwise(way)])
        }
        Work::Conv { .. } if part.is_pointwise() => ("pointwise", vec![Way::Matmul(matmul(spec, part, Input::Planes))]),
        Work::Conv { .. } => {
            let product = Way::Matmul(matmul(spec, part, Input::Windows(window)));
            let stem = Stem { precision, window, map, convolved: output, pool: None, residual, activation };
            let few = Stem::takes(&window, &map, part.groups);
            ("convolution", if few { vec![Way::Stem(stem), product] } else { vec![product] })
        }
        Work::Linear => {
            expect("a linear layer's pixels, flattened", map.pixels() as usize, 1)?;
            let stride = u32::try_from(strides.input).unwrap_or(u32::MAX);
            fits("a flattened map", u64::from(stride) * u64::from(map.batch))?;
            let each = Way::Linear(Linear { precision, map, output, stride, residual, activation });
            let input = if stride == 1 { Input::Planes } else { Input::Strided(stride) };
            let product = Way::Matmul(matmul(spec, part, input));
            ("linear", if map.batch <= 8 { vec![each, product] } else { vec![product, each] })
        }
        Work::Pool { pooling, .. } => {
            no_residual("pool")?;
            let way = Reduce { precision, pooling, window: Some(window), map, output, activation };
            ("pool", vec![Way::Reduce(way)])
        }
        Work::GlobalMean | Work::GlobalMax => {
            no_residual("global pooling")?;
            let pooling = if part.work == Work::GlobalMax { Pooling::Max } else { Pooling::Mean };
            ("global pooling", vec![Way::Reduce(Reduce { precision, pooling, window: None, map, output, activation })])
        }
        Work::LayerNorm { eps } => {
            no_residual("normalisation")?;
            let way = ChannelNorm { precision, norm: Norm::Layer(eps), map, stride: strides.input, activation };
            ("normalisation", vec![Way::ChannelNorm(way)])
        }
        Work::LocalNorm(norm) => {
            no_residual("normalisation")?;
            let way = ChannelNorm { precision, norm: Norm::Local(norm), map, stride: strides.input, activation };
            ("normalisation", vec![Way::ChannelNorm(way)])
        }
        Work::Elementwise(work) => {
            if part.work.has_second() {
                no_residual("element-wise")?;
            }
            let way = Values { precision, work, map, strides: *strides, residual, activation };
            ("element-wise", vec![Way::Values(way)])
        }
        Work::Rename => return Err(Refusal::Chain { chain: spec.to_string() }),
    })
}

/// Two steps in one launch.
pub(super) fn pair(spec: &KernelSpec, first: &Part, second: &Part) -> Option<(&'static str, Vec<Way>)> {
    let one_each = first.is_depthwise() && first.map.channels == first.output.channels;
    if one_each && second.is_pointwise() && second.groups == 1 && first.window.is_close() {
        let input = Input::Depthwise(first.window, first.activation());
        let way = Matmul { map: first.map, ..matmul(spec, second, input) };
        return Some(("depthwise, pointwise", vec![Way::Matmul(way)]));
    }
    if first.is_pointwise() && second.work == Work::GlobalMean && !second.epilogue.residual {
        let way = Matmul { mean: Some(second.activation()), ..matmul(spec, first, Input::Planes) };
        return Some(("pointwise, mean", vec![Way::Matmul(way)]));
    }
    let pools = matches!(second.work, Work::Pool { pooling: Pooling::Max, .. }) && !second.epilogue.residual;
    let pools = pools && second.window.is_close();
    if pools && matches!(first.work, Work::Conv { .. }) && Stem::takes(&first.window, &first.map, first.groups) {
        let pool = Some((second.window, second.output, second.activation()));
        let way = Stem {
            precision: spec.precision,
            window: first.window,
            map: first.map,
            convolved: first.output,
            pool,
            residual: false,
            activation: first.activation(),
        };
        return Some(("stem, pool", vec![Way::Stem(way)]));
    }
    None
}

/// Three steps in one launch.
pub(super) fn triple(spec: &KernelSpec, first: &Part, second: &Part, third: &Part) -> Option<(&'static str, Vec<Way>)> {
    let points = first.is_pointwise() && third.is_pointwise() && first.groups == 1 && third.groups == 1;
    let one_each = second.is_depthwise() && second.map.channels == second.output.channels;
    if !points || !one_each || !Unit::takes(&second.window, &second.map, [first.map.channels, third.output.channels]) {
        return None;
    }
    let way = Unit {
        precision: spec.precision,
        map: first.map,
        window: second.window,
        middle: second.output,
        outputs: third.output.channels,
        residual: third.epilogue.residual,
        activations: [first.activation(), second.activation(), third.activation()],
    };
    Some(("unit", vec![Way::Unit(way)]))
}
