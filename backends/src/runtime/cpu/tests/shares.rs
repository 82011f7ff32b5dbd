//! How the work of a run is handed out to its threads.

use super::*;
use crate::runtime::Precision;
use crate::runtime::cpu::Dealt;

/// ShuffleNet V2 on small images up to the mean over pixels: the classifier's weights are many, so that it is cut by
/// classes, of which each thread computes its own for all images.
fn without_classifier(batch: u32) -> Graph {
    let design = zoo::preset("shufflenet-v2-x0.5").unwrap();
    let graph = lower(&design, Batch(batch)).unwrap();
    let mut builder = GraphBuilder::new(graph.name.clone(), graph.input_shape());
    let mut places = vec![builder.input(); graph.nodes().len()];
    for (id, node) in graph.layers().take_while(|(_, node)| !matches!(node.op, Op::Linear { .. })) {
        let inputs: Vec<NodeId> = node.inputs.iter().map(|input| places[input.0]).collect();
        places[id.0] = builder.push(node.path.clone(), node.op, &inputs).unwrap();
    }
    builder.finish()
}

#[test]
fn several_images_are_cut_by_images_first_so_that_no_thread_reads_what_another_wrote() {
    let graph = without_classifier(2);
    let weights = Weights::seeded(&graph, 7);
    let input = seeded_input(graph.input_shape(), 3);
    for precision in [Precision::F32, Precision::Int8] {
        let network = |threads| match precision {
            Precision::Int8 => Network::in_int8(&graph, &weights, None, threads, Fusing::Full).unwrap(),
            _ => Network::new(&graph, &weights, None, threads).unwrap(),
        };
        let expected = network(1).infer(&input).unwrap();
        let mut two = network(2);
        let per_image = expected.len() / 2;
        for thread in [1, 0] {
            two.set_input(&input);
            two.run_share(thread);
            let mut result = vec![f32::NAN; expected.len()];
            two.output(&mut result);
            let its = thread * per_image..(thread + 1) * per_image;
            assert_eq!(result[its.clone()], expected[its], "{precision}: image {thread} needs nobody else");
        }
    }
}

#[test]
fn the_phases_name_every_kernel_of_the_plan_once_in_order() {
    let graph = lower(&zoo::preset("shufflenet-v2-x0.5").unwrap(), Batch(1)).unwrap();
    let network = Network::new(&graph, &Weights::seeded(&graph, 7), None, 2).unwrap();
    let phases = network.phases();
    let kernels: Vec<usize> = phases.iter().flatten().map(|dealt| dealt.kernel).collect();
    assert_eq!(kernels, (0..network.plan().kernels.len()).collect::<Vec<_>>());
    assert!(phases.iter().flatten().all(|Dealt { items, .. }| *items >= 1));
    assert!(phases.iter().any(|phase| phase.len() > 1), "both branches of a unit that halves the map run side by side");
}
