//! The whole runtime against plain loops, on a processor that plays a GPU; without one the tests say that they were skipped.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{Device as CandleDevice, Tensor};
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};

use super::executable::WgpuExecutable;
use super::fusing::WgpuFuses;
use super::gpu::Gpu;
use super::kernels::{Aliases, GpuKernel, ImageStrides, Limits};
use crate::clock::MonotonicClock;
use crate::design::{Batch, Design, InputSize};
use crate::device::{Device, DeviceId};
use crate::graph::{Conv2d, Graph, GraphBuilder, Op, Shape, Window, lower};
use crate::runtime::gpu::choices::Choices;
use crate::runtime::gpu::fusing::Chains;
use crate::runtime::plan::partition;
use crate::runtime::random_graph::{random_graph, shuffled_chains};
use crate::runtime::{DeviceFault, Executable, Fusing, Marks, Precision, PrepareError, RunError, reference};
use crate::units::Nanos;
use crate::weights::{Weights, seeded_input};
use crate::zoo;

/// The software GPU for one test alone: it computes for all on the same threads, and who waits behind the others for long is
/// taken for one that hangs.
struct Software {
    device: Device,
    _turn: MutexGuard<'static, ()>,
}

impl std::ops::Deref for Software {
    type Target = Device;

    fn deref(&self) -> &Device {
        &self.device
    }
}

/// The software GPU, where the machine has one.
fn software() -> Option<Software> {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    match Device::open(&DeviceId::SoftwareGpu) {
        Ok(device) => Some(Software { device, _turn }),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

fn logits(executable: &mut WgpuExecutable) -> Vec<f32> {
    executable.logits().unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// A network with weights and an input, and what plain loops make of them.
struct Expected<'a> {
    graph: &'a Graph,
    weights: Weights,
    input: Vec<f32>,
    logits: Vec<f32>,
}

impl<'a> Expected<'a> {
    fn of(graph: &'a Graph) -> Self {
        let weights = Weights::seeded(graph, 7);
        let input = seeded_input(graph.input_shape(), 3);
        let logits = reference::run(graph, &weights, &input).unwrap();
        Self { graph, weights, input, logits }
    }

    /// The largest difference from the reference relative to the reference's largest value (at least 1).
    fn error(&self, device: &Device, how: (Fusing, Precision)) -> Result<f32, String> {
        let scale = self.logits.iter().fold(1.0_f32, |scale, value| scale.max(value.abs()));
        let mut executable = WgpuExecutable::prepare(self.graph, &self.weights, device, how)
            .map_err(|error| format!("{error}\n{:#?}", self.graph))?;
        let dims = <[usize; 4]>::from(self.graph.input_shape());
        executable.set_input(&Tensor::from_slice(&self.input, &dims, &CandleDevice::Cpu).unwrap()).unwrap();
        let clock = MonotonicClock::new();
        executable.run(&clock, Marks::None).map_err(|error| error.to_string())?;
        let found = logits(&mut executable);
        // The second run starts from what the first left behind.
        let mut kernels = Vec::new();
        executable.run(&clock, Marks::Kernels(&mut kernels)).map_err(|error| error.to_string())?;
        if kernels.len() != executable.plan().kernels.len() || logits(&mut executable) != found {
            return Err("a second, marked run differs".to_owned());
        }
        if !executable.plan().is_partition_of(self.graph) {
            return Err("not every layer is in one kernel".to_owned());
        }
        let difference = |(expected, found): (&f32, &f32)| (expected - found).abs() / scale;
        let differences = self.logits.iter().zip(&found).map(difference);
        Ok(differences.fold(0.0, |most: f32, one| if one <= most { most } else { one }))
    }
}

fn error(device: &Device, graph: &Graph, how: (Fusing, Precision)) -> Result<f32, String> {
    Expected::of(graph).error(device, how)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn random_networks_compute_what_the_reference_does(seed in any::<u64>()) {
        let Some(device) = software() else { return Ok(()) };
        let graph = random_graph(seed);
        let fusing = if seed % 3 == 0 { Fusing::Apart } else { Fusing::Full };
        let error = error(&device, &graph, (fusing, Precision::F32)).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        prop_assert!(error < 1e-4, "seed {seed}: {error}\n{graph:#?}");
    }
}

/// Every network of the zoo at an input that is quick but leaves odd lengths.
fn zoo_graphs() -> Vec<Graph> {
    let small = InputSize { height: 72, width: 57 };
    let presets = zoo::presets().iter().map(|preset| {
        let design = Design { input: small, ..preset.design.clone() };
        lower(&design, Batch(1)).unwrap_or_else(|_| lower(&preset.design, Batch(1)).unwrap())
    });
    let fixed = zoo::networks().iter().map(|network| {
        let sizes = [small, InputSize { height: 75, width: 75 }, network.input];
        let size = if network.name == "senet-154" { [InputSize { height: 32, width: 32 }; 3] } else { sizes };
        size.into_iter().find_map(|size| network.graph(size, Batch(1)).ok()).unwrap()
    });
    presets.chain(fixed).collect()
}

/// In 16 bits made-up weights let IGCV3-D magnify any rounding ten times as much as other networks do, as they do in 32 bits
/// (4e-6 where others have 3e-7).
#[test]
fn every_network_of_the_zoo_computes_what_the_reference_does_and_nearly_the_same_in_16_bits() {
    let Some(device) = software() else { return };
    let mut wrong = Vec::new();
    for graph in zoo_graphs() {
        let expected = Expected::of(&graph);
        let in_16_bits = if graph.name.starts_with("igcv3") { 2e-2 } else { 2e-3 };
        for (precision, most) in [(Precision::F32, 1e-4), (Precision::F16, in_16_bits)] {
            let error = match expected.error(&device, (Fusing::Full, precision)) {
                // Their first linear layer alone is more than some drivers bind (lavapipe: 128 MiB).
                Err(reason) if ["alexnet", "vgg-16"].contains(&graph.name.as_str()) => {
                    assert!(reason.contains("bytes of weights in one buffer"), "{reason}");
                    continue;
                }
                error => error.unwrap(),
            };
            if error.partial_cmp(&most) != Some(std::cmp::Ordering::Less) {
                wrong.push(format!("{} in {precision}: {error}", graph.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_channel_shuffle_inside_what_could_be_a_chain_is_not_lost() {
    let Some(device) = software() else { return };
    for graph in shuffled_chains() {
        let error = error(&device, &graph, (Fusing::Full, Precision::F32)).unwrap();
        assert!(error < 1e-5, "{}: {error}", graph.name);
    }
}

#[test]
fn several_images_are_computed_like_one() {
    let Some(device) = software() else { return };
    for batch in [3, 8] {
        let design = zoo::preset("shufflenet-v2-x0.5").unwrap();
        let design = Design { input: InputSize { height: 65, width: 48 }, ..design };
        let graph = lower(&design, Batch(batch)).unwrap();
        let error = error(&device, &graph, (Fusing::Full, Precision::F32)).unwrap();
        assert!(error < 1e-4, "batch {batch}: {error}");
    }
}

/// The writers of naga for Metal and Direct3D, with the options of wgpu.
fn translates(text: &str) -> Result<(), String> {
    let module = naga::front::wgsl::parse_str(text).map_err(|error| error.emit_to_string(text))?;
    let flags = naga::valid::ValidationFlags::all();
    let info = naga::valid::Validator::new(flags, naga::valid::Capabilities::SHADER_FLOAT16)
        .validate(&module)
        .map_err(|error| error.emit_to_string(text))?;
    let options = naga::back::msl::Options { lang_version: (2, 4), fake_missing_bindings: true, ..Default::default() };
    naga::back::msl::write_string(&module, &info, &options, &naga::back::msl::PipelineOptions::default())
        .map_err(|error| format!("MSL: {error}"))?;
    let options = naga::back::hlsl::Options {
        fake_missing_bindings: true,
        shader_model: naga::back::hlsl::ShaderModel::V6_2,
        ..Default::default()
    };
    let mut hlsl = String::new();
    naga::back::hlsl::Writer::new(&mut hlsl, &options, &naga::back::hlsl::PipelineOptions::default())
        .write(&module, &info, None)
        .map_err(|error| format!("HLSL: {error}"))?;
    Ok(())
}

#[test]
fn every_shader_of_the_zoo_translates_to_metal_and_direct3d() {
    let choices = Choices::new("none", None);
    let mut texts = HashSet::new();
    for graph in zoo_graphs() {
        for (chains, precision) in [
            (Chains::Never, Precision::F32),
            (Chains::FromDepthwise, Precision::F32),
            (Chains::FromOthers, Precision::F32),
            (Chains::FromDepthwise, Precision::F16),
            (Chains::FromOthers, Precision::F16),
        ] {
            let fuses = WgpuFuses { chains, choices: &choices };
            for kernel in partition(&graph, Fusing::Full, precision, &fuses) {
                let strides = ImageStrides::plain(&kernel.spec);
                let made = GpuKernel::of(&kernel.spec, &strides).unwrap();
                for variant in made.variants(&Limits::LEAST) {
                    texts.insert(made.source(variant, Aliases::default()).unwrap().text);
                }
            }
        }
    }
    // A sample: they differ in little but their sizes.
    let mut texts: Vec<String> = texts.into_iter().collect();
    texts.sort_unstable();
    assert!(texts.len() > 1000, "{}", texts.len());
    for text in texts.iter().step_by(7) {
        if let Err(error) = translates(text) {
            panic!("{error}\n{text}");
        }
    }
}

/// A network of two convolutions, the second of which is depthwise.
fn two_layers(batch: usize) -> Graph {
    let mut builder = GraphBuilder::new("two layers", Shape::new(batch, 3, 16, 16));
    let conv = Conv2d { in_channels: 3, out_channels: 8, window: Window::square(3, 1), groups: 1, bias: true };
    let value = builder.push("conv", Op::Conv2d(conv), &[builder.input()]).unwrap();
    let depthwise = Conv2d { in_channels: 8, groups: 8, ..conv };
    let value = builder.push("depthwise", Op::Conv2d(depthwise), &[value]).unwrap();
    builder.push("mean", Op::GlobalAvgPool, &[value]).unwrap();
    builder.finish()
}

#[test]
fn times_of_one_run_add_up_in_one_clock() {
    let Some(device) = software() else { return };
    let graph = two_layers(2);
    let weights = Weights::seeded(&graph, 1);
    let mut executable = WgpuExecutable::prepare(&graph, &weights, &device, (Fusing::Full, Precision::F32)).unwrap();
    let clock = MonotonicClock::new();
    let plain = executable.run(&clock, Marks::None).unwrap();
    assert!(plain.enqueue <= plain.host && plain.host > Nanos::ZERO && plain.device.is_none());
    let whole = executable.run(&clock, Marks::Device).unwrap();
    let mut kernels = Vec::new();
    let marked = executable.run(&clock, Marks::Kernels(&mut kernels)).unwrap();
    assert_eq!(kernels.len(), executable.plan().kernels.len());
    if let (Some(whole), Some(marked)) = (whole.device, marked.device) {
        assert!(whole > Nanos::ZERO);
        assert!(kernels.iter().copied().sum::<Nanos>() <= marked);
    }
    assert!(executable.transfer(&clock).unwrap() > Some(Nanos::ZERO));
}

#[test]
fn a_lost_device_is_told_with_a_remedy_and_stays_lost() {
    let Some(device) = software() else { return };
    let gpu = Arc::new(Gpu::open(device.adapter().unwrap(), &device).unwrap());
    let graph = two_layers(1);
    let weights = Weights::seeded(&graph, 1);
    let how = (Fusing::Full, Precision::F32);
    let mut executable = WgpuExecutable::on(Arc::clone(&gpu), &graph, &weights, how).unwrap();
    let clock = MonotonicClock::new();
    executable.run(&clock, Marks::None).unwrap();
    gpu.lose();
    for _ in 0..2 {
        let error = executable.run(&clock, Marks::None).unwrap_err();
        assert!(matches!(&error, RunError::Fault(DeviceFault::Lost { .. })), "{error}");
        assert!(error.to_string().contains("try again"), "{error}");
    }
    let error = WgpuExecutable::on(gpu, &graph, &weights, how).unwrap_err();
    assert!(matches!(&error, PrepareError::Fault(DeviceFault::Lost { .. })), "{error}");
}

#[test]
fn a_network_beyond_the_device_is_refused_with_layer_and_limit_before_anything_is_allocated() {
    let Some(device) = software() else { return };
    let graph = two_layers(1 << 22);
    let weights = Weights::seeded(&graph, 1);
    let error = WgpuExecutable::prepare(&graph, &weights, &device, (Fusing::Full, Precision::F32)).unwrap_err();
    assert!(matches!(&error, PrepareError::Limit { needed, limit, .. } if needed > limit), "{error}");
    assert!(error.to_string().contains("lower batch"), "{error}");
}
