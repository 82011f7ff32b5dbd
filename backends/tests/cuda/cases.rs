//! Kernels with operands, placed in banks at random, and what they must make.

use half::f16;
use shufflescope_backends::runtime::Precision;
use shufflescope_backends::runtime::cuda::kernels::{
    Card, Form, GpuKernel, ImageStrides, MOST_SIZES, Parameters, Variant,
};
use shufflescope_backends::runtime::plan::{Elementwise, Epilogue, KernelSpec, Pooling, Step, Work};
use shufflescope_networks::graph::{Activation, Shape, Window};

use crate::emulation::{Bank, Job};
use crate::naive;
use crate::random::Random;

/// A value's planes in a bank.
pub struct Placed {
    pub offsets: Vec<u32>,
    /// Elements from image to image.
    pub stride: usize,
}

/// A job and what it must make.
pub struct Case {
    pub job: Job,
    pub rest: Rest,
}

/// What a job must make, and where.
pub struct Rest {
    expected: Vec<f32>,
    shape: Shape,
    planes: Placed,
    before: Bank,
    precision: Precision,
    pub what: String,
}

/// Values that the precision stores exactly.
fn values(random: &mut Random, count: usize, precision: Precision, scale: f32) -> Vec<f32> {
    let value = |random: &mut Random| (random.below(2001) as f32 / 1000.0 - 1.0) * scale;
    (0..count).map(|_| stored(value(random), precision)).collect()
}

fn stored(value: f32, precision: Precision) -> f32 {
    match precision {
        Precision::F16 => f16::from_f32(value).to_f32(),
        Precision::Tf32 => f32::from_bits(value.to_bits().wrapping_add(0x1000) & 0xffff_e000),
        Precision::F32 | Precision::Bf16 | Precision::Int8 => value,
    }
}

/// Offsets of so many planes with so many elements, in an order at random, with gaps; and the room of all.
fn place(random: &mut Random, planes: usize, elements: usize, from: usize) -> (Vec<u32>, usize) {
    let mut order: Vec<usize> = (0..planes).collect();
    for i in (1..planes).rev() {
        order.swap(i, random.below(i + 1));
    }
    let (mut offsets, mut next) = (vec![0; planes], from);
    for plane in order {
        next += 4 * random.below(3);
        offsets[plane] = next as u32;
        next += elements.next_multiple_of(4);
    }
    (offsets, next)
}

/// A value's planes, or those of the map of so many pixels that it is the flattening of.
fn place_value(random: &mut Random, shape: Shape, flattened: Option<usize>, from: usize) -> (Placed, usize) {
    let Some(pixels) = flattened else {
        let pixels = shape.height * shape.width;
        let (offsets, end) = place(random, shape.channels, shape.batch * pixels, from);
        return (Placed { offsets, stride: pixels }, end);
    };
    let (planes, end) = place(random, shape.channels.div_ceil(pixels), shape.batch * pixels, from);
    let offsets = (0..shape.channels).map(|f| planes[f / pixels] + (f % pixels) as u32).collect();
    (Placed { offsets, stride: pixels }, end)
}

fn fill(bank: &mut Bank, shape: Shape, placed: &Placed, values: &[f32]) {
    let pixels = shape.height * shape.width;
    for (index, &value) in values.iter().enumerate() {
        let (n, c, p) = (index / (shape.channels * pixels), index / pixels % shape.channels, index % pixels);
        bank.set(placed.offsets[c] as usize + n * placed.stride + p, value);
    }
}

/// A kernel with operands at random in banks at random; `None` where the card has no variant of it.
pub fn case(
    spec: &KernelSpec,
    flattened: Option<usize>,
    card: &Card,
    pick: usize,
    random: &mut Random,
) -> Option<Case> {
    case_among(spec, flattened, (card, |kernel: &GpuKernel| kernel.variants(card)), (pick, None), random)
}

/// As [`case`], of kernels that are compiled beforehand for all shapes.
pub fn portable_case(
    spec: &KernelSpec,
    flattened: Option<usize>,
    card: &Card,
    pick: usize,
    random: &mut Random,
) -> Option<Case> {
    let variants = |kernel: &GpuKernel| kernel.portable(card);
    case_among(spec, flattened, (card, variants), (pick, Some(Form::Generic)), random)
}

fn case_among(
    spec: &KernelSpec,
    flattened: Option<usize>,
    (card, variants): (&Card, impl Fn(&GpuKernel) -> Vec<Variant>),
    (pick, form): (usize, Option<Form>),
    random: &mut Random,
) -> Option<Case> {
    let precision = spec.precision;
    let (output, gate) = (spec.output(), spec.steps.iter().any(|step| step.work.has_gate()));
    let second_shape = if gate { Shape { height: 1, width: 1, ..output } } else { output };
    let plain = ImageStrides::plain(spec);
    let strides = ImageStrides { input: flattened.unwrap_or(plain.input), ..plain };
    let kernel = GpuKernel::of(spec, &strides).unwrap_or_else(|refusal| panic!("{spec}: {refusal}"));
    let variants = variants(&kernel);
    let variant = *variants.get(pick % variants.len().max(1))?;
    let source = kernel.source(variant).unwrap();
    assert!(
        source.sizes.len() <= MOST_SIZES && source.shared <= card.shared_bytes && source.block <= 1024,
        "{variant}"
    );
    // Banks: input, output and second operand in one, two or three.
    let of = [[0, 1, 2], [0, 0, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1]][random.below(5)];
    let mut ends = [0; 3];
    let mut placed = Vec::new();
    for (i, (shape, flattened)) in
        [(spec.input, flattened), (output, None), (second_shape, None)].into_iter().enumerate()
    {
        let (value, end) = place_value(random, shape, flattened, ends[of[i]]);
        ends[of[i]] = end;
        placed.push(value);
    }
    let mut banks: Vec<Bank> = ends.iter().map(|&end| Bank::new(precision, end)).collect();
    let count = |shape: Shape| shape.batch * shape.channels * shape.height * shape.width;
    let input = values(random, count(spec.input), precision, 1.0);
    let second = values(random, count(second_shape), precision, 1.0);
    fill(&mut banks[of[0]], spec.input, &placed[0], &input);
    fill(&mut banks[of[2]], second_shape, &placed[2], &second);
    let weights: naive::Weights = (0..spec.steps.len())
        .map(|index| {
            let (map, step) = (spec.input_of(index), &spec.steps[index]);
            let out = step.output.channels;
            let [filters, bias] = match &step.work {
                Work::Conv { window, groups } => [out * (map.channels / groups) * window.taps(), out],
                Work::Linear => [out * map.channels, out],
                Work::Elementwise(Elementwise::Affine) | Work::LayerNorm { .. } => [out, out],
                Work::Elementwise(Elementwise::PRelu) => [out, 0],
                _ => [0, 0],
            };
            (values(random, filters, precision, 1.0), values(random, bias, Precision::F32, 1.0))
        })
        .collect();
    let parameters: Vec<Parameters<'_>> = weights.iter().map(|(filters, bias)| Parameters { filters, bias }).collect();
    let packed = kernel.pack(variant, &parameters).unwrap();
    let reads = kernel.reads_second().then_some(&placed[2].offsets[..]);
    let table = kernel.table(&placed[0].offsets, &placed[1].offsets, reads).unwrap();
    let expected = naive::run(spec, &weights, &input, &second);
    let any = if random.below(4) == 0 { Form::Baked } else { Form::Generic };
    let form = form.unwrap_or(any);
    let before = banks[of[1]].clone();
    let planes = placed.swap_remove(1);
    let what = format!("{spec} {variant} {form:?} banks {of:?}");
    let job = Job { source, form, weights: packed, table, banks, of };
    Some(Case { job, rest: Rest { expected, shape: output, planes, before, precision, what } })
}

/// What is wrong with a result, if anything.
pub fn fault(case: &Rest, after: &Bank) -> Option<String> {
    let Shape { batch, channels, height, width } = case.shape;
    let pixels = height * width;
    let most = case.expected.iter().fold(1.0_f32, |most, value| most.max(value.abs()));
    let tolerance = if case.precision == Precision::F32 { 1e-5 } else { 2e-3 } * most;
    let mut written = vec![false; after.len()];
    for &offset in &case.planes.offsets {
        let room = (batch * pixels).next_multiple_of(4);
        written[offset as usize..][..room].fill(true);
    }
    for (index, &expected) in case.expected.iter().enumerate() {
        let (n, c, p) = (index / (channels * pixels), index / pixels % channels, index % pixels);
        let made = after.get(case.planes.offsets[c] as usize + n * pixels + p);
        if !made.is_finite() || (made - expected).abs() > tolerance {
            return Some(format!(
                "image {n} channel {c} pixel {p}: {made}, expected {expected} (tolerance {tolerance})"
            ));
        }
    }
    let bytes = case.precision.bytes() as usize;
    let spoilt = (0..after.len()).find(|&at| {
        let of = at * bytes..(at + 1) * bytes;
        !written[at] && after.bytes[of.clone()] != case.before.bytes[of]
    });
    spoilt.map(|at| format!("element {at} was written and is in no plane of the output"))
}

/// The kernels of ShuffleNet V2 1.0x at 224 pixels, as they are fused.
pub fn of_shufflenet(precision: Precision) -> Vec<KernelSpec> {
    let conv = |channels, pixels, kernel: usize, stride, groups, activation| Step {
        work: Work::Conv { window: Window::padded([kernel; 2], stride, [kernel / 2; 2]), groups },
        output: Shape::new(1, channels, pixels, pixels),
        epilogue: Epilogue { residual: false, activation },
    };
    let plain =
        |work, output| Step { work, output, epilogue: Epilogue { residual: false, activation: Activation::None } };
    let relu = Activation::Relu;
    let pool = Work::Pool { pooling: Pooling::Max, window: Window::padded([3; 2], 2, [1; 2]) };
    let stem = vec![conv(24, 112, 3, 2, 1, relu), plain(pool, Shape::new(1, 24, 56, 56))];
    let mut chains = vec![(Shape::new(1, 3, 224, 224), stem)];
    for (inputs, channels, pixels) in [(24, 58, 28), (116, 116, 14), (232, 232, 7)] {
        let (large, small) = (Shape::new(1, inputs, 2 * pixels, 2 * pixels), Shape::new(1, channels, pixels, pixels));
        let last = conv(channels, pixels, 1, 1, 1, relu);
        let down = conv(channels, pixels, 3, 2, channels, Activation::None);
        let keep = conv(channels, pixels, 3, 1, channels, Activation::None);
        chains.push((large, vec![conv(channels, 2 * pixels, 1, 1, 1, relu), down, last]));
        chains.push((large, vec![conv(inputs, pixels, 3, 2, inputs, Activation::None), last]));
        chains.push((small, vec![last, keep, last]));
        chains.push((small, vec![last]));
        chains.push((small, vec![keep]));
    }
    let mean = plain(Work::GlobalMean, Shape::new(1, 1024, 1, 1));
    chains.push((Shape::new(1, 464, 7, 7), vec![conv(1024, 7, 1, 1, 1, relu), mean]));
    chains.push((Shape::new(1, 1024, 1, 1), vec![plain(Work::Linear, Shape::new(1, 1000, 1, 1))]));
    chains.into_iter().map(|(input, steps)| KernelSpec { input, steps, precision }).collect()
}
