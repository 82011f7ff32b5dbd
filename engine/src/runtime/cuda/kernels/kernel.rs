//! From a spec to its kernels.

use super::card::Card;
use super::depthwise::Depthwise;
use super::elementwise::Values;
use super::geometry::{ImageStrides, Map, Sliding, expect};
use super::linear::Linear;
use super::matmul::{Input, Matmul};
use super::reduce::Reduce;
use super::stem::Stem;
use super::unit::Unit;
use super::variant::Variant;
use super::{Refusal, Source};
use crate::graph::Activation;
use crate::runtime::plan::{Epilogue, KernelSpec, Pooling, Step, Work};

/// Parameters of one step: batch norm folded in. Steps without (pooling, add) have empty slices.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parameters<'a> {
    /// Convolution: `[out][in / groups][taps]`; linear: `[out][features]`; affine: `[channels]` scales.
    pub filters: &'a [f32],
    /// `[out]`. Convolution and linear: bias; affine: shifts. May be empty: zeros.
    pub bias: &'a [f32],
}

/// Everything that computes a spec.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GpuKernel {
    name: &'static str,
    ways: Vec<Way>,
    /// Channels of the input (features of a flattened one), of the output, and of the second operand.
    lists: [usize; 3],
    /// Lengths of each step's filters and biases.
    parameters: Vec<[usize; 2]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Way {
    Matmul(Matmul),
    Linear(Linear),
    Depthwise(Depthwise),
    Stem(Stem),
    Reduce(Reduce),
    Values(Values),
    Unit(Unit),
}

impl GpuKernel {
    /// The kernels of a chain of steps.
    ///
    /// # Errors
    /// Where the chain is not computed in one launch ([`Refusal::Chain`]), an operand lies where it is not read, or sizes do
    /// not fit one another or 32 bits.
    pub fn of(spec: &KernelSpec, strides: &ImageStrides) -> Result<Self, Refusal> {
        let chain = || Refusal::Chain { chain: spec.to_string() };
        let last = spec.steps.last().ok_or_else(chain)?;
        let (map, output) = (Map::of(&spec.input)?, Map::of(&last.output)?);
        if spec.steps.iter().any(|step| step.output.batch != spec.input.batch) {
            return Err(Refusal::Shape { what: "the batch", given: last.output.batch, expected: spec.input.batch });
        }
        // What is between two steps is read by the next one and nothing else.
        if spec.steps.iter().rev().skip(1).any(|step| step.epilogue.residual) {
            return Err(chain());
        }
        let parts: Vec<Part> = (0..spec.steps.len()).map(|i| Part::of(spec, i)).collect::<Result<_, _>>()?;
        let (name, ways) = match parts.as_slice() {
            [one] => single(spec, one, strides)?,
            [first, second] => pair(spec, first, second).ok_or_else(chain)?,
            [first, second, third] => triple(spec, first, second, third).ok_or_else(chain)?,
            _ => return Err(chain()),
        };
        let plain = ImageStrides::plain(spec);
        let reads_anything = matches!(last.work, Work::Linear | Work::Elementwise(_)) && parts.len() == 1;
        if strides.input != plain.input && !reads_anything {
            let problem = "a flattened map is read by linear and element-wise kernels only: copy it first";
            return Err(Refusal::Operand { kernel: name, problem });
        }
        let elementwise = matches!(last.work, Work::Elementwise(_));
        let second = last.epilogue.residual || last.work.has_second();
        if second && strides.second != plain.second && !elementwise {
            let problem = "its second operand was flattened: copy it first";
            return Err(Refusal::Operand { kernel: name, problem });
        }
        let ways = ways.into_iter().map(Way::checked).collect::<Result<_, _>>()?;
        let outputs = output.channels as usize;
        let lists = [map.channels as usize, outputs, if second { outputs } else { 0 }];
        Ok(Self { name, ways, lists, parameters: parts.iter().map(Part::parameters).collect() })
    }

    /// Best guess first; at most 12. Empty where nothing fits into the card's shared memory: launch the steps one by one.
    #[must_use]
    pub fn variants(&self, card: &Card) -> Vec<Variant> {
        let mut all: Vec<Variant> = self.ways.iter().flat_map(|way| way.variants(card)).collect();
        all.truncate(12);
        all
    }

    /// Variants whose texts for many shapes ([`Form::Generic`](super::Form::Generic)) are compiled beforehand, for machines
    /// that have a driver and no compiler. Empty: launch the steps one by one, or there is none in this precision.
    #[must_use]
    pub fn portable(&self, card: &Card) -> Vec<Variant> {
        self.ways.iter().flat_map(|way| way.portable(card)).collect()
    }

    /// The text of a variant and how it is launched.
    ///
    /// # Errors
    /// [`Refusal::Variant`] where the variant is another kernel's.
    pub fn source(&self, variant: Variant) -> Result<Source, Refusal> {
        let found = self.ways.iter().find_map(|way| way.source(variant));
        found.ok_or_else(|| self.not_mine(variant))
    }

    /// Whether [`table`](Self::table) wants a second list, and the kernel a second bank.
    #[must_use]
    pub const fn reads_second(&self) -> bool {
        self.lists[2] > 0
    }

    /// Weights as the variant's text reads them; empty where there are none.
    ///
    /// # Errors
    /// Where a slice's length is not what its step needs, or the variant is another kernel's.
    pub fn pack(&self, variant: Variant, steps: &[Parameters<'_>]) -> Result<Vec<u8>, Refusal> {
        expect("the number of steps' parameters", steps.len(), self.parameters.len())?;
        for (step, &[filters, bias]) in steps.iter().zip(&self.parameters) {
            expect("the number of a step's filters", step.filters.len(), filters)?;
            if !step.bias.is_empty() {
                expect("the number of a step's biases", step.bias.len(), bias)?;
            }
        }
        let found = self.ways.iter().find(|way| way.source(variant).is_some());
        found.and_then(|way| way.pack(variant, steps)).ok_or_else(|| self.not_mine(variant))
    }

    /// The list of offsets for the kernel: inputs, outputs, second operand, in elements.
    ///
    /// # Errors
    /// Where a list's length is wrong.
    pub fn table(&self, input: &[u32], output: &[u32], second: Option<&[u32]>) -> Result<Vec<u32>, Refusal> {
        let second = second.unwrap_or(&[]);
        expect("the number of the input's offsets", input.len(), self.lists[0])?;
        expect("the number of the output's offsets", output.len(), self.lists[1])?;
        expect("the number of the second operand's offsets", second.len(), self.lists[2])?;
        Ok([input, output, second].concat())
    }

    fn not_mine(&self, variant: Variant) -> Refusal {
        Refusal::Variant { variant: variant.to_string(), kernel: self.name }
    }
}

impl Way {
    fn checked(self) -> Result<Self, Refusal> {
        Ok(match self {
            Self::Matmul(way) => Self::Matmul(way.checked()?),
            Self::Linear(way) => Self::Linear(way.checked()?),
            Self::Depthwise(way) => Self::Depthwise(way.checked()?),
            Self::Stem(way) => Self::Stem(way.checked()?),
            Self::Reduce(way) => Self::Reduce(way.checked()?),
            Self::Values(way) => Self::Values(way.checked()?),
            Self::Unit(way) => Self::Unit(way.checked()?),
        })
    }

    fn variants(&self, card: &Card) -> Vec<Variant> {
        match self {
            Self::Matmul(way) => way.variants(card),
            Self::Linear(way) => way.variants(),
            Self::Depthwise(way) => way.variants(),
            Self::Stem(way) => way.variants(card),
            Self::Reduce(way) => way.variants(),
            Self::Values(way) => way.variants(),
            Self::Unit(way) => way.variants(card),
        }
    }

    fn portable(&self, card: &Card) -> Vec<Variant> {
        const THREADS: u32 = 256;
        match self {
            Self::Matmul(way) => way.portable(card),
            Self::Linear(way) => way.portable(THREADS),
            Self::Depthwise(_) => vec![Variant::Depthwise { strip: 0, threads: THREADS }],
            Self::Reduce(_) | Self::Values(_) => vec![Variant::Simple { threads: THREADS }],
            Self::Stem(_) | Self::Unit(_) => Vec::new(),
        }
    }

    fn source(&self, variant: Variant) -> Option<Source> {
        match self {
            Self::Matmul(way) => way.source(variant),
            Self::Linear(way) => way.source(variant),
            Self::Depthwise(way) => way.source(variant),
            Self::Stem(way) => way.source(variant),
            Self::Reduce(way) => way.source(variant),
            Self::Values(way) => way.source(variant),
            Self::Unit(way) => way.source(variant),
        }
    }

    fn pack(&self, variant: Variant, steps: &[Parameters<'_>]) -> Option<Vec<u8>> {
        match self {
            Self::Matmul(way) => way.pack(steps),
            Self::Linear(way) => way.pack(steps),
            Self::Depthwise(way) => way.pack(steps),
            Self::Stem(way) => way.pack(steps),
            Self::Reduce(_) => Some(Vec::new()),
            Self::Values(way) => way.pack(steps),
            Self::Unit(way) => way.pack(variant, steps),
        }
    }
}

/// A step with its sizes checked.
struct Part {
    work: Work,
    epilogue: Epilogue,
    map: Map,
    output: Map,
    /// The window of a convolution or pool.
    window: Sliding,
    groups: u32,
}

impl Part {
    fn of(spec: &KernelSpec, index: usize) -> Result<Self, Refusal> {
        let Step { work, output, epilogue } = spec.steps[index];
        let (map, output) = (Map::of(&spec.input_of(index))?, Map::of(&output)?);
        let window = match &work {
            Work::Conv { window, .. } | Work::Pool { window, .. } => {
                for (axis, (given, made)) in [(map.height, output.height), (map.width, output.width)].into_iter().enumerate() {
                    let fits = window.output_length(axis, given as usize);
                    expect("a map's length under the window", made as usize, fits.unwrap_or(0))?;
                }
                Sliding::of(window, &output)?
            }
            _ => Sliding::POINT,
        };
        let groups = match work {
            Work::Conv { groups, .. } => {
                let divides = groups > 0 && [map.channels, output.channels].iter().all(|&c| (c as usize).is_multiple_of(groups));
                if !divides {
                    return Err(Refusal::Shape { what: "the number of groups", given: groups, expected: 1 });
                }
                groups as u32
            }
            _ => 1,
        };
        let same_channels = matches!(work, Work::Pool { .. } | Work::GlobalMean | Work::Elementwise(_));
        if same_channels {
            expect("the number of channels made", output.channels as usize, map.channels as usize)?;
        }
        if matches!(work, Work::Elementwise(_)) {
            expect("the pixels made", output.pixels() as usize, map.pixels() as usize)?;
        }
        if matches!(work, Work::Linear | Work::GlobalMean) {
            expect("the pixels made", output.pixels() as usize, 1)?;
        }
        Ok(Self { work, epilogue, map, output, window, groups })
    }

    /// Every output channel reads one input channel.
    fn is_depthwise(&self) -> bool {
        matches!(self.work, Work::Conv { .. }) && self.groups == self.map.channels && (self.groups > 1 || self.output.channels == 1)
    }

    fn is_pointwise(&self) -> bool {
        matches!(self.work, Work::Conv { .. }) && self.window == Sliding::POINT && self.map.pixels() == self.output.pixels()
    }

    /// Lengths of filters and biases.
    fn parameters(&self) -> [usize; 2] {
        let (inputs, outputs) = (self.map.channels as usize, self.output.channels as usize);
        match self.work {
            Work::Conv { .. } => [outputs * (inputs / self.groups as usize) * self.window.taps() as usize, outputs],
            Work::Linear => [outputs * inputs, outputs],
            Work::Elementwise(crate::runtime::plan::Elementwise::Affine) => [outputs, outputs],
            Work::Pool { .. } | Work::GlobalMean | Work::Elementwise(_) | Work::Rename => [0, 0],
        }
    }

    fn activation(&self) -> Activation {
        self.epilogue.activation
    }
}

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

fn single(spec: &KernelSpec, part: &Part, strides: &ImageStrides) -> Result<(&'static str, Vec<Way>), Refusal> {
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
        Work::Conv { .. } if part.is_pointwise() => {
            ("pointwise", vec![Way::Matmul(matmul(spec, part, Input::Planes))])
        }
        Work::Conv { .. } => {
            let product = Way::Matmul(matmul(spec, part, Input::Windows(window)));
            let stem = Stem { precision, window, map, convolved: output, pool: None, residual, activation };
            let few = Stem::takes(&window, &map, part.groups);
            ("convolution", if few { vec![Way::Stem(stem), product] } else { vec![product] })
        }
        Work::Linear => {
            expect("a linear layer's pixels, flattened", map.pixels() as usize, 1)?;
            let stride = u32::try_from(strides.input).unwrap_or(u32::MAX);
            super::geometry::fits("a flattened map", u64::from(stride) * u64::from(map.batch))?;
            let each = Way::Linear(Linear { precision, map, output, stride, residual, activation });
            let input = if stride == 1 { Input::Planes } else { Input::Strided(stride) };
            let product = Way::Matmul(matmul(spec, part, input));
            ("linear", if map.batch <= 8 { vec![each, product] } else { vec![product, each] })
        }
        Work::Pool { pooling, .. } => {
            no_residual("pool")?;
            ("pool", vec![Way::Reduce(Reduce { precision, window: Some((pooling, window)), map, output, activation })])
        }
        Work::GlobalMean => {
            no_residual("global mean")?;
            ("global mean", vec![Way::Reduce(Reduce { precision, window: None, map, output, activation })])
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

fn pair(spec: &KernelSpec, first: &Part, second: &Part) -> Option<(&'static str, Vec<Way>)> {
    let one_each = first.is_depthwise() && first.map.channels == first.output.channels;
    if one_each && second.is_pointwise() && second.groups == 1 {
        let input = Input::Depthwise(first.window, first.activation());
        let way = Matmul { map: first.map, ..matmul(spec, second, input) };
        return Some(("depthwise, pointwise", vec![Way::Matmul(way)]));
    }
    if first.is_pointwise() && second.work == Work::GlobalMean && !second.epilogue.residual {
        let way = Matmul { mean: Some(second.activation()), ..matmul(spec, first, Input::Planes) };
        return Some(("pointwise, mean", vec![Way::Matmul(way)]));
    }
    let pools = matches!(second.work, Work::Pool { pooling: Pooling::Max, .. }) && !second.epilogue.residual;
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

fn triple(spec: &KernelSpec, first: &Part, second: &Part, third: &Part) -> Option<(&'static str, Vec<Way>)> {
    let points = first.is_pointwise() && third.is_pointwise() && first.groups == 1 && third.groups == 1;
    let one_each = second.is_depthwise() && second.map.channels == second.output.channels;
    if !points || !one_each || !Unit::takes(&second.window) {
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
