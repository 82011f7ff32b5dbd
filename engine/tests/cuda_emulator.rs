//! The CUDA kernels' very texts, run on the CPU by g++ and our emulator, against plain loops on random shapes.

#[path = "cuda/emulation.rs"]
mod emulation;
#[path = "cuda/naive.rs"]
mod naive;
#[path = "support/random.rs"]
mod random;
#[path = "cuda/specs.rs"]
mod specs;

use emulation::{Bank, Job};
use half::f16;
use random::Random;
use shufflescope_engine::graph::Shape;
use shufflescope_engine::runtime::Precision;
use shufflescope_engine::runtime::cuda::kernels::{Card, Form, GpuKernel, ImageStrides, Parameters};
use shufflescope_engine::runtime::plan::{Elementwise, KernelSpec, Work};

/// A value's planes in a bank.
struct Placed {
    offsets: Vec<u32>,
    /// Elements from image to image.
    stride: usize,
}

/// A job and what it must make.
struct Case {
    job: Job,
    expected: Vec<f32>,
    shape: Shape,
    planes: Placed,
    before: Bank,
    precision: Precision,
    what: String,
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
        Precision::F32 => value,
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

fn case(spec: &KernelSpec, flattened: Option<usize>, card: &Card, pick: usize, random: &mut Random) -> Option<Case> {
    let precision = spec.precision;
    let (output, gate) = (spec.output(), spec.steps.iter().any(|s| s.work == Work::Elementwise(Elementwise::Gate)));
    let second_shape = if gate { Shape { height: 1, width: 1, ..output } } else { output };
    let plain = ImageStrides::plain(spec);
    let strides = ImageStrides { input: flattened.unwrap_or(plain.input), ..plain };
    let kernel = GpuKernel::of(spec, &strides).unwrap_or_else(|refusal| panic!("{spec}: {refusal}"));
    let variants = kernel.variants(card);
    let variant = *variants.get(pick % variants.len().max(1))?;
    let source = kernel.source(variant).unwrap();
    assert!(source.sizes.len() <= 32 && source.shared <= card.shared_bytes && source.block <= 1024, "{variant}");
    // Banks: input, output and second operand in one, two or three.
    let of = [[0, 1, 2], [0, 0, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1]][random.below(5)];
    let mut ends = [0; 3];
    let mut placed = Vec::new();
    for (i, (shape, flattened)) in [(spec.input, flattened), (output, None), (second_shape, None)].into_iter().enumerate() {
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
                Work::Elementwise(Elementwise::Affine) => [out, out],
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
    let form = if random.below(4) == 0 { Form::Baked } else { Form::Generic };
    let before = banks[of[1]].clone();
    let planes = placed.swap_remove(1);
    let what = format!("{spec} {variant} {form:?} banks {of:?}");
    let job = Job { source, form, weights: packed, table, banks, of };
    Some(Case { job, expected, shape: output, planes, before, precision, what })
}

/// What is wrong with a result, if anything.
fn fault(case: &Case, after: &Bank) -> Option<String> {
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
        if !((made - expected).abs() <= tolerance) {
            return Some(format!("image {n} channel {c} pixel {p}: {made}, expected {expected} (tolerance {tolerance})"));
        }
    }
    let bytes = case.precision.bytes() as usize;
    let spoilt = (0..after.len()).find(|&at| {
        let of = at * bytes..(at + 1) * bytes;
        !written[at] && after.bytes[of.clone()] != case.before.bytes[of]
    });
    spoilt.map(|at| format!("element {at} was written and is in no plane of the output"))
}

fn check(kinds: &[&str], rounds: usize, seed: usize) {
    let Some(compiler) = emulation::compiler() else {
        eprintln!("skipped: there is no g++ to compile the emulator with");
        return;
    };
    let mut random = Random::default();
    (0..seed).for_each(|_| _ = random.below(2));
    let ampere = Card { capability: 86, shared_bytes: 101_376, multiprocessors: 28, cluster: 1 };
    let cards = [Card::H100, ampere, Card::LEAST];
    let mut cases = Vec::new();
    for round in 0..rounds {
        for kind in kinds {
            for precision in [Precision::F32, Precision::Tf32, Precision::F16] {
                let specs::Spec { spec, flattened } = specs::random(kind, precision, &mut random);
                let pick = random.below(12);
                cases.extend(case(&spec, flattened, &cards[round % 3 * random.below(2)], pick, &mut random));
            }
        }
    }
    let (jobs, rest): (Vec<Job>, Vec<_>) = cases.into_iter().map(|case| {
        let Case { job, expected, shape, planes, before, precision, what } = case;
        let again = Job { source: job.source.clone(), form: job.form, weights: Vec::new(), table: Vec::new(), banks: Vec::new(), of: job.of };
        (job, Case { job: again, expected, shape, planes, before, precision, what })
    }).unzip();
    let made = emulation::run(&compiler, &jobs).unwrap_or_else(|error| panic!("{error}"));
    let faults: Vec<String> = rest
        .iter()
        .zip(&made)
        .filter_map(|(case, bank)| Some(format!("{}: {}\n{}", case.what, fault(case, bank)?, emulation::describe(&case.job))))
        .collect();
    assert!(faults.is_empty(), "{} of {} are wrong:\n{}", faults.len(), made.len(), faults.join("\n"));
}

fn rounds() -> usize {
    std::env::var("SHUFFLESCOPE_EMULATED_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(2)
}

#[test]
fn products_are_those_of_plain_loops() {
    check(&specs::KINDS[..4], rounds(), 1);
}

#[test]
fn depthwise_convolutions_stems_and_pools_are_those_of_plain_loops() {
    check(&specs::KINDS[4..9], rounds(), 2);
}

#[test]
fn means_linear_layers_and_arithmetic_are_those_of_plain_loops() {
    check(&specs::KINDS[9..12], rounds(), 3);
}

#[test]
fn fused_units_are_those_of_plain_loops() {
    check(&specs::KINDS[12..], rounds(), 4);
}
