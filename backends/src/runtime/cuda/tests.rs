//! The whole runtime against plain loops: planned, packed, placed and launched as for a card, and run by the emulator.
//! Without g++ the tests say that they were skipped.

use candle_core::{Device as CandleDevice, Tensor};

use super::compile::{Network, compile};
use super::emulated::{Emulated, Paper, Program, compiler};
use super::executable::CudaExecutable;
use super::kernels::Card;
use crate::clock::MonotonicClock;
use crate::design::{Batch, Design, InputSize};
use crate::device::Device;
use crate::graph::{Graph, GraphBuilder, Op, Shape, Window, lower};
use crate::runtime::random_graph::{random_graph, shuffled_chains};
use crate::runtime::{Executable, Fusing, Marks, Precision, PrepareError, RunOptions, prepare, reference};
use crate::weights::{Weights, seeded_input};
use crate::zoo;

/// A network and how it is compiled.
struct Case {
    graph: Graph,
    paper: Paper,
    fusing: Fusing,
    precision: Precision,
}

impl Case {
    fn of(graph: Graph, card: Card, seed: u64, precision: Precision) -> Self {
        Self { graph, paper: Paper { card, seed, portable: false }, fusing: Fusing::Full, precision }
    }

    fn told(&self) -> String {
        format!("{} {} {:?} {:?}", self.graph.name, self.precision, self.fusing, self.paper)
    }
}

/// Sentences about what is wrong; empty where nothing is, or nothing could be run.
fn faults(cases: &[Case], most: impl Fn(&Case) -> f32) -> Vec<String> {
    let Some(compiler) = compiler() else { return Vec::new() };
    let weights: Vec<Weights> = cases.iter().map(|case| Weights::seeded(&case.graph, 7)).collect();
    let networks: Vec<Network> = cases
        .iter()
        .zip(&weights)
        .map(|(case, weights)| {
            let how = (case.fusing, case.precision);
            compile(&case.paper, &case.graph, weights, how).unwrap_or_else(|error| panic!("{}: {error}", case.told()))
        })
        .collect();
    let (program, numbers) = Program::of(&compiler, &networks.iter().collect::<Vec<_>>()).unwrap();
    let mut faults = Vec::new();
    for (((case, weights), network), numbers) in cases.iter().zip(&weights).zip(networks).zip(&numbers) {
        let board = Emulated::new(program.clone(), &network, numbers);
        let difference = difference(case, weights, network, board);
        match difference {
            Ok(error) if error < most(case) => {}
            Ok(error) => faults.push(format!("{}: off by {error}", case.told())),
            Err(problem) => faults.push(format!("{}: {problem}", case.told())),
        }
    }
    faults
}

/// The largest difference from the reference relative to the reference's largest value (at least 1).
fn difference(case: &Case, weights: &Weights, network: Network, board: Emulated) -> Result<f32, String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let input = seeded_input(case.graph.input_shape(), 3);
    let expected = reference::run(&case.graph, weights, &input).map_err(|error| told(&error))?;
    let mut executable =
        CudaExecutable::on(Box::new(board), &case.graph, network, case.precision).map_err(|error| told(&error))?;
    let dims = <[usize; 4]>::from(case.graph.input_shape());
    let input = Tensor::from_vec(input, &dims, &CandleDevice::Cpu).map_err(|error| told(&error))?;
    executable.set_input(&input).map_err(|error| told(&error))?;
    let clock = MonotonicClock::new();
    let logits = |executable: &mut CudaExecutable| -> Result<Vec<f32>, String> {
        let logits = executable.logits().map_err(|error| told(&error))?;
        logits.flatten_all().and_then(|logits| logits.to_vec1()).map_err(|error| told(&error))
    };
    // The second run starts from what the first left behind.
    for _ in 0..2 {
        executable.run(&clock, Marks::None).map_err(|error| told(&error))?;
    }
    let found = logits(&mut executable)?;
    // One kernel after another: the emulator has no clock.
    let mut kernels = Vec::new();
    let times = executable.run(&clock, Marks::Kernels(&mut kernels)).map_err(|error| told(&error))?;
    if kernels.len() != executable.plan().kernels.len() || times.device.is_some() || logits(&mut executable)? != found {
        return Err("a marked run differs".to_owned());
    }
    if !executable.plan().is_partition_of(&case.graph) {
        return Err("not every layer is in one kernel".to_owned());
    }
    let scale = expected.iter().fold(1.0_f32, |scale, value| scale.max(value.abs()));
    let differences = expected.iter().zip(&found).map(|(expected, found)| (expected - found).abs() / scale);
    Ok(differences.fold(0.0, |most: f32, one| if one <= most { most } else { one }))
}

fn limit(case: &Case) -> f32 {
    if case.precision == Precision::F32 { 1e-4 } else { 1e-2 }
}

#[test]
fn a_network_with_other_weights_than_the_references_is_noticed() {
    let Some(compiler) = compiler() else { return };
    let case = Case::of(small("shufflenet-v2-x0.5", 1), Card::RTX_3060, 0, Precision::F32);
    let [mine, others] = [7, 8].map(|seed| Weights::seeded(&case.graph, seed));
    let network = compile(&case.paper, &case.graph, &others, (case.fusing, case.precision)).unwrap();
    let (program, numbers) = Program::of(&compiler, &[&network]).unwrap();
    let board = Emulated::new(program, &network, &numbers[0]);
    let error = difference(&case, &mine, network, board).unwrap();
    assert!(error > limit(&case), "{error}");
}

#[test]
fn random_networks_compute_what_the_reference_does() {
    let case = |seed: u64| {
        let card = [Card::H100, Card::RTX_3060, Card::LEAST][(seed % 3) as usize];
        let fusing = if seed.is_multiple_of(4) { Fusing::Apart } else { Fusing::Full };
        Case { fusing, ..Case::of(random_graph(seed * 977), card, seed % 6, Precision::F32) }
    };
    let cases: Vec<Case> = (1..=24).map(case).collect();
    let faults = faults(&cases, limit);
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn random_networks_compute_nearly_the_same_from_kernels_that_were_compiled_beforehand() {
    let case = |seed: u64| {
        let precision = [Precision::F32, Precision::F16][(seed % 2) as usize];
        let paper = Paper { card: Card::RTX_3060, seed: 0, portable: true };
        Case { paper, ..Case::of(random_graph(seed * 31), Card::RTX_3060, 0, precision) }
    };
    let cases: Vec<Case> = (1..=10).map(case).collect();
    let faults = faults(&cases, |case| if case.precision == Precision::F32 { 1e-4 } else { 5e-2 });
    assert!(faults.is_empty(), "{faults:#?}");
}

fn small(name: &str, batch: u32) -> Graph {
    let input = InputSize { height: 40, width: 33 };
    match zoo::preset(name) {
        Some(design) => lower(&Design { input, ..design }, Batch(batch)).unwrap(),
        None => zoo::network(name).unwrap().graph(input, Batch(batch)).unwrap(),
    }
}

#[test]
fn networks_of_the_zoo_compute_what_the_reference_does_in_every_precision_fused_and_apart() {
    let shufflenet = || small("shufflenet-v2-x0.5", 1);
    let cases = [
        // Whole units with clusters where nothing is measured, and one kernel a layer.
        Case::of(shufflenet(), Card::H100, 0, Precision::F32),
        Case { fusing: Fusing::Apart, ..Case::of(shufflenet(), Card::H100, 0, Precision::F32) },
        Case::of(shufflenet(), Card::RTX_3060, 0, Precision::Tf32),
        Case::of(shufflenet(), Card::H100, 3, Precision::F16),
        Case::of(small("shufflenet-v2-x0.5", 3), Card::RTX_3060, 2, Precision::F32),
        // Residual sums, groups, gates, and maps that are concatenated again and again.
        Case::of(small("mobilenet-v2-x1.0", 1), Card::LEAST, 0, Precision::F32),
        Case::of(small("shufflenet-v1-g3-x0.5", 1), Card::H100, 5, Precision::F32),
        Case::of(small("shufflenet-v2-x0.5-se", 1), Card::H100, 0, Precision::F32),
    ];
    let faults = faults(&cases, limit);
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_channel_shuffle_inside_what_could_be_a_chain_is_not_lost() {
    let cases: Vec<Case> =
        shuffled_chains().into_iter().map(|graph| Case::of(graph, Card::H100, 0, Precision::F32)).collect();
    let faults = faults(&cases, |_| 1e-5);
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn units_are_one_launch_at_batch_one_and_layers_apart_in_large_batches() {
    let launches = |batch, fusing| {
        let graph = lower(&zoo::preset("shufflenet-v2-x1.0").unwrap(), Batch(batch)).unwrap();
        let paper = Paper { card: Card::H100, seed: 0, portable: false };
        compile(&paper, &graph, &Weights::seeded(&graph, 1), (fusing, Precision::F32)).unwrap().launches.len()
    };
    let (one, many, apart) = (launches(1, Fusing::Full), launches(64, Fusing::Full), launches(1, Fusing::Apart));
    assert!(one < 30 && one < many && many < apart, "{one} {many} {apart}");
}

#[test]
fn a_network_beyond_the_card_is_refused_with_layer_and_limit() {
    let mut builder = GraphBuilder::new("net", Shape::new(1 << 30, 3, 16, 16));
    builder.push("pool", Op::MaxPool(Window::square(3, 1)), &[builder.input()]).unwrap();
    let graph = builder.finish();
    let paper = Paper { card: Card::H100, seed: 0, portable: false };
    let error = compile(&paper, &graph, &Weights::seeded(&graph, 1), (Fusing::Full, Precision::F32)).unwrap_err();
    assert!(matches!(&error, PrepareError::Limit { needed, limit, .. } if needed > limit), "{error}");
    assert!(error.to_string().contains("lower batch"), "{error}");
}

#[test]
fn tensor_cores_without_the_compiler_are_refused_with_layer_and_precision() {
    let graph = small("shufflenet-v2-x0.5", 1);
    let paper = Paper { card: Card::RTX_3060, seed: 0, portable: true };
    let error = compile(&paper, &graph, &Weights::seeded(&graph, 1), (Fusing::Full, Precision::Tf32));
    match error {
        Err(PrepareError::NoKernel { message, .. }) => assert!(message.contains("tf32"), "{message}"),
        other => assert!(other.is_ok(), "{other:?}"),
    }
}

#[test]
fn another_device_is_no_card_of_nvidia() {
    let graph = small("shufflenet-v2-x0.5", 1);
    let weights = Weights::seeded(&graph, 1);
    let error = CudaExecutable::prepare(&graph, &weights, &Device::cpu(), (Fusing::Full, Precision::F32)).unwrap_err();
    assert!(error.to_string().contains("`cpu` is no NVIDIA GPU"), "{error}");
    // The processor has no tensor cores, whatever is asked for.
    let tf32 = RunOptions { precision: Precision::Tf32, ..RunOptions::new(crate::device::DeviceId::Cuda(0), 1, 1) };
    assert!(prepare(&graph, &weights, &Device::cpu(), &tf32).is_err());
}
