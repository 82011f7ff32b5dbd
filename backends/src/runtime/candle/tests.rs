use super::*;
use crate::graph::{GraphBuilder, Op, Window};

/// Two branches of a convolution, joined, pooled and classified.
fn graph(batch: usize) -> Graph {
    let mut builder = GraphBuilder::new("net", Shape::new(batch, 3, 6, 4));
    let conv = |groups| crate::graph::Conv2d {
        in_channels: 3,
        out_channels: 6,
        window: Window::square(3, 1),
        groups,
        bias: true,
    };
    let left = builder.push("left", Op::Conv2d(conv(1)), &[builder.input()]).unwrap();
    let right = builder.push("right", Op::Conv2d(conv(3)), &[builder.input()]).unwrap();
    let value = builder.push("concat", Op::Concat, &[left, right]).unwrap();
    let value = builder.push("pool", Op::GlobalAvgPool, &[value]).unwrap();
    builder.push("fc", Op::Linear { in_features: 12, out_features: 5, bias: true }, &[value]).unwrap();
    builder.finish()
}

fn prepared(batch: usize) -> CandleExecutable {
    let graph = graph(batch);
    CandleExecutable::prepare(&graph, &Weights::seeded(&graph, 3), &Device::cpu()).unwrap()
}

fn one_layer(op: Op) -> Graph {
    let mut builder = GraphBuilder::new("net", Shape::new(1, 3, 8, 8));
    builder.push("layer7", op, &[builder.input()]).unwrap();
    builder.finish()
}

/// A clock that moves by one at every reading.
struct Ticks(std::cell::Cell<u64>);

impl crate::clock::Clock for Ticks {
    fn now(&self) -> crate::units::Nanos {
        crate::units::Nanos(self.0.replace(self.0.get() + 1))
    }

    fn quality(&self) -> crate::clock::TimerQuality {
        unreachable!("marks only read the time")
    }
}

fn ticks() -> Ticks {
    Ticks(std::cell::Cell::new(0))
}

/// What an unmarked run gives.
fn logits(executable: &mut CandleExecutable) -> Vec<f32> {
    executable.infer(&ticks()).unwrap()
}

#[test]
fn a_result_has_one_row_of_logits_per_image() {
    let mut executable = prepared(2);
    executable.run(&ticks(), Marks::None).unwrap();
    assert_eq!(executable.logits().unwrap().dims(), [2, 5]);
}

#[test]
fn a_marked_run_marks_every_kernel_once_and_computes_the_same() {
    let mut executable = prepared(1);
    let plain = logits(&mut executable);
    let mut kernels = vec![crate::units::Nanos(9)];
    let times = executable.run(&ticks(), Marks::Kernels(&mut kernels)).unwrap();
    assert_eq!(kernels, vec![crate::units::Nanos(1); 5], "and nothing of what was in the list");
    assert_eq!(times, RunTimes::on_host(crate::units::Nanos(7)), "the processor has no clock of its own");
    assert_eq!(executable.plan().kernels.len(), 5);
    assert!(executable.plan().is_partition_of(&graph(1)));
    assert_eq!(executable.output.flatten_all().unwrap().to_vec1::<f32>().unwrap(), plain);
}

#[test]
fn every_value_but_the_result_is_dropped_exactly_once_and_not_before_its_last_use() {
    let executable = prepared(1);
    let mut dropped: Vec<usize> = executable.steps.iter().flat_map(|step| step.dead.clone()).collect();
    dropped.sort_unstable();
    assert_eq!(dropped, [0, 1, 2, 3, 4]);
    // The input is read by both convolutions and dropped after the second.
    assert_eq!(executable.steps[1].dead, [0]);
}

#[test]
fn another_input_gives_another_result_and_a_wrong_one_is_refused() {
    let mut executable = prepared(1);
    let first = logits(&mut executable);
    let ones = Tensor::ones((1, 3, 6, 4), DType::F32, &candle_core::Device::Cpu).unwrap();
    executable.set_input(&ones).unwrap();
    assert_ne!(logits(&mut executable), first);
    let turned = ones.transpose(2, 3).unwrap();
    let error = executable.set_input(&turned).unwrap_err();
    assert!(matches!(&error, RunError::Input { given, .. } if given == &[1, 3, 4, 6]), "{error}");
}

#[test]
fn missing_weights_are_named_before_anything_runs() {
    let error = CandleExecutable::prepare(&graph(1), &Weights::default(), &Device::cpu()).unwrap_err();
    assert!(matches!(error, PrepareError::Weights(_)));
    assert!(error.to_string().contains("right.weight: expected [6, 1, 3, 3]"), "{error}");
}

#[test]
fn what_candle_cannot_compute_is_refused_with_the_layer() {
    let uneven = Window { stride: [1, 2], ..Window::square(3, 1) };
    let conv = crate::graph::Conv2d { in_channels: 3, out_channels: 3, window: uneven, groups: 1, bias: false };
    let dilated = Window { dilation: [2, 2], ..Window::square(3, 1) };
    for op in [Op::Conv2d(conv), Op::MaxPool(dilated)] {
        let graph = one_layer(op);
        let weights = Weights::seeded(&graph, 1);
        let error = CandleExecutable::prepare(&graph, &weights, &Device::cpu()).unwrap_err().to_string();
        assert!(error.contains("layer `layer7`"), "{error}");
    }
}

#[test]
fn a_grouped_convolution_is_launched_once_per_group_and_any_other_layer_once() {
    let launches: Vec<usize> = prepared(1).plan().kernels.iter().map(|kernel| kernel.launches).collect();
    assert_eq!(launches, [1, 3, 1, 1, 1]);
    let graph =
        crate::graph::lower(&crate::zoo::preset("shufflenet-v2-x1.0").unwrap(), crate::design::Batch(1)).unwrap();
    let executable = CandleExecutable::prepare(&graph, &Weights::seeded(&graph, 3), &Device::cpu()).unwrap();
    for ((_, node), kernel) in graph.layers().zip(&executable.plan().kernels) {
        let groups = if let Op::Conv2d(conv) = &node.op { conv.groups } else { 1 };
        assert_eq!(kernel.launches, groups, "{}", node.path);
    }
    assert!(executable.plan().kernels.iter().any(|kernel| kernel.launches == 58));
}
