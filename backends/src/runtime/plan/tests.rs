//! Partitions and places of random networks and of the zoo.

use std::collections::HashMap;

use proptest::prelude::{ProptestConfig, any, proptest};

use super::{Banks, Fuses, Fusing, KernelPlan, KernelSpec, Planned, Step, Work, partition};
use crate::design::Batch;
use crate::graph::{Graph, NodeId, Op, Shape, lower};
use crate::runtime::Precision;
use crate::runtime::random_graph::{random_graph, shuffled_chains};
use crate::zoo;

/// A backend that computes chains of two steps in one launch, or none.
struct Willing(bool);

impl Fuses for Willing {
    fn takes(&self, kernel: &KernelSpec) -> bool {
        kernel.steps.len() <= if self.0 { 2 } else { 1 }
    }

    fn crosses_shuffle(&self, _: Shape, _: &Step) -> bool {
        true
    }
}

fn planned(graph: &Graph, fusing: Fusing, willing: bool) -> Vec<Planned> {
    partition(graph, fusing, Precision::F32, &Willing(willing))
}

/// Every layer in one kernel, which reads what earlier kernels wrote and whose steps lead from shape to shape.
fn check_partition(graph: &Graph, kernels: &[Planned]) {
    if kernels.is_empty() {
        return;
    }
    assert!(KernelPlan::of(graph, kernels, |_| None).is_partition_of(graph), "{graph:#?}");
    let is_named = |value: NodeId| {
        matches!(
            graph.node(value).op,
            Op::Slice { .. } | Op::Concat | Op::Flatten | Op::ChannelShuffle { .. } | Op::Repeat { .. }
        )
    };
    let mut written = vec![NodeId(0)];
    for kernel in kernels {
        let mut reads = kernel.reads.clone();
        while let Some(value) = reads.pop() {
            if is_named(value) {
                reads.extend(&graph.node(value).inputs);
            } else {
                assert!(written.contains(&value), "{:?} reads what is not there yet\n{graph:#?}", kernel.spec);
            }
        }
        written.push(kernel.value);
        assert_eq!(kernel.spec.output(), graph.node(kernel.value).output);
        assert_eq!(kernel.spec.steps.len(), kernel.parts.len());
        let second = kernel.spec.steps.iter().filter(|step| step.epilogue.residual || step.work.has_second()).count();
        assert_eq!(kernel.reads.len(), 1 + second, "{:?}", kernel.spec);
        assert!(kernel.spec.steps.iter().all(|step| step.work != Work::Rename));
    }
}

/// Nothing that is still to be read is written over, and lists stay inside their banks.
fn check_banks(graph: &Graph, kernels: &[Planned]) {
    let banks = Banks::place(graph, kernels).unwrap();
    let room = |value: NodeId| {
        let shape = graph.node(value).output;
        (shape.batch * shape.pixels()).next_multiple_of(4)
    };
    // Who wrote each value of each bank last.
    let mut owner: HashMap<(usize, usize), (NodeId, usize)> = HashMap::new();
    let write = |value: NodeId, owner: &mut HashMap<(usize, usize), (NodeId, usize)>| {
        let operand = banks.operand(value);
        for (channel, &offset) in operand.offsets.iter().enumerate() {
            assert_eq!(offset % 4, 0);
            for at in offset as usize..offset as usize + room(value) {
                assert!(at < banks.sizes[operand.bank], "{graph:#?}");
                owner.insert((operand.bank, at), (value, channel));
            }
        }
    };
    write(NodeId(0), &mut owner);
    // Twice: the second run finds what the first has left.
    for _ in 0..2 {
        for kernel in kernels {
            for &value in &kernel.reads {
                let operand = banks.operand(value);
                assert_eq!(operand.offsets.len(), graph.node(value).output.channels);
                for (channel, &offset) in operand.offsets.iter().enumerate() {
                    let expected = origin(graph, value, channel);
                    let found = owner.get(&(operand.bank, offset as usize)).copied();
                    assert_eq!(found, Some((expected.0, expected.1)), "{value:?} of {:?}\n{graph:#?}", kernel.spec);
                }
            }
            write(kernel.value, &mut owner);
        }
    }
    let output = banks.operand(graph.output());
    for (channel, &offset) in output.offsets.iter().enumerate() {
        let expected = origin(graph, graph.output(), channel);
        assert_eq!(owner.get(&(output.bank, offset as usize)).copied(), Some((expected.0, expected.1)));
    }
}

/// The value and its channel that a channel of a value is, by the definition of what only renames.
fn origin(graph: &Graph, value: NodeId, channel: usize) -> (NodeId, usize) {
    let node = graph.node(value);
    match node.op {
        Op::Slice { start, .. } => origin(graph, node.inputs[0], start + channel),
        Op::ChannelShuffle { groups } => {
            let width = node.output.channels / groups;
            origin(graph, node.inputs[0], channel % groups * width + channel / groups)
        }
        Op::Concat => {
            let mut at = channel;
            for &input in &node.inputs {
                let channels = graph.node(input).output.channels;
                if at < channels {
                    return origin(graph, input, at);
                }
                at -= channels;
            }
            unreachable!("a concatenation has the channels of its inputs")
        }
        Op::Repeat { .. } => origin(graph, node.inputs[0], 0),
        Op::Flatten => origin(graph, node.inputs[0], channel / graph.node(node.inputs[0]).output.pixels()),
        _ => (value, channel),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn random_networks_are_cut_and_placed_so_that_nothing_is_missing_or_written_over(seed in any::<u64>()) {
        let graph = random_graph(seed);
        for (fusing, willing) in [(Fusing::Full, true), (Fusing::Full, false), (Fusing::Apart, true)] {
            let kernels = planned(&graph, fusing, willing);
            check_partition(&graph, &kernels);
            check_banks(&graph, &kernels);
        }
    }
}

#[test]
fn in_the_zoo_only_sums_read_and_write_one_bank_and_few_banks_suffice() {
    let designs = zoo::presets().iter().map(|preset| lower(&preset.design, Batch(2)).unwrap());
    let fixed = zoo::networks().iter().map(|network| network.graph(network.input, Batch(2)).unwrap());
    for graph in designs.chain(fixed) {
        let kernels = planned(&graph, Fusing::Full, true);
        check_partition(&graph, &kernels);
        let banks = Banks::place(&graph, &kernels).unwrap();
        let aliased = |kernel: &&Planned| {
            let written = banks.operand(kernel.value).bank;
            let is_sum = matches!(kernel.spec.steps[0].work, Work::Elementwise(_));
            !is_sum && kernel.reads.iter().any(|&read| banks.operand(read).bank == written)
        };
        let aliased: Vec<String> = kernels.iter().filter(aliased).map(|kernel| kernel.spec.to_string()).collect();
        assert!(aliased.is_empty(), "{}: {aliased:?}", graph.name);
        assert!(banks.sizes.len() <= 4, "{}: {:?}", graph.name, banks.sizes);
    }
}

#[test]
fn only_a_backend_that_can_gets_a_chain_with_a_shuffle_inside() {
    /// Computes every chain in one launch, if its channels stay where they are.
    struct Straight;

    impl Fuses for Straight {
        fn takes(&self, _: &KernelSpec) -> bool {
            true
        }
    }

    for graph in shuffled_chains() {
        assert_eq!(planned(&graph, Fusing::Full, true).len(), 1, "{}", graph.name);
        let kernels = partition(&graph, Fusing::Full, Precision::F32, &Straight);
        check_partition(&graph, &kernels);
        assert_eq!(kernels.len(), 2, "{}", graph.name);
    }
}

#[test]
fn apart_every_layer_that_computes_is_a_kernel_and_only_normalisations_fold() {
    let graph = lower(&zoo::preset("shufflenet-v2-x1.0").unwrap(), Batch(1)).unwrap();
    for kernel in planned(&graph, Fusing::Apart, true) {
        assert_eq!(kernel.spec.steps.len(), 1, "{}", kernel.spec);
        let computing = |&&layer: &&NodeId| {
            let op = &graph.node(layer).op;
            !super::renames(op) && !matches!(op, Op::BatchNorm { .. })
        };
        assert_eq!(kernel.layers.iter().filter(computing).count(), 1, "{}", kernel.spec);
    }
}

#[test]
fn every_kernel_of_the_zoo_is_the_same_after_it_was_written_and_read() {
    for preset in zoo::presets() {
        let graph = lower(&preset.design, Batch(1)).unwrap();
        for kernel in planned(&graph, Fusing::Full, true) {
            let text = serde_json::to_string(&kernel.spec).unwrap_or_else(|error| panic!("{}: {error}", kernel.spec));
            assert_eq!(serde_json::from_str::<KernelSpec>(&text).unwrap(), kernel.spec);
        }
    }
}

/// As they were stored before activations had coefficients and means were of parts of a window.
#[test]
fn specs_that_were_stored_before_there_were_more_operations_read_and_write_as_they_were() {
    let step = |work: &str, activation: &str| {
        format!(r#"{{"work":{work},"output":[1,8,4,4],"epilogue":{{"residual":false,"activation":"{activation}"}}}}"#)
    };
    let window = r#"{"kernel":[3,3],"stride":[2,2],"padding":[1,1],"padding_end":[1,1],"dilation":[1,1]}"#;
    let steps = [
        step(&format!(r#"{{"Conv":{{"window":{window},"groups":8}}}}"#), "hard-swish"),
        step(&format!(r#"{{"Pool":{{"pooling":"Mean","window":{window}}}}}"#), "none"),
        step(r#""GlobalMean""#, "relu6"),
        step(r#"{"Elementwise":"Gate"}"#, "sigmoid"),
    ];
    for step in steps {
        let text = format!(r#"{{"input":[1,8,7,7],"steps":[{step}],"precision":"f32"}}"#);
        let spec: KernelSpec = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(serde_json::to_string(&spec).unwrap(), text);
    }
}
