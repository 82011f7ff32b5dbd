//! Candle's own gradients beside ours: the same layers and blocks, the same pictures.

use super::cpu::Network;
use super::cpu::tests::{between, blocks, design, layers, random};
use super::parameters::Parameters;
use super::tape::Tape;
use crate::design::Batch;
use crate::graph::{Graph, lower};
use crate::weights::Weights;

/// The largest gap between two lists, as a share of the largest value.
fn gap(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let most = a.iter().fold(1e-6_f32, |most, value| most.max(value.abs()));
    a.iter().zip(b).fold(0.0_f32, |gap, (a, b)| gap.max((a - b).abs())) / most
}

fn compare(graph: &Graph, batch: usize) {
    let parameters = Parameters::from_weights(graph, &Weights::seeded(graph, 3)).unwrap();
    let shape = graph.input_shape();
    let pictures = random(shape.channels * shape.height * shape.width * batch, 5);
    let of_logits = random(graph.node(graph.output()).output.channels * batch, 9);

    let mut own = Network::new(graph, &parameters.layout, batch).unwrap();
    let ours = own.forward(&parameters.values, &pictures);
    let mut of_ours = vec![0.0; parameters.values.len()];
    own.backward(&parameters.values, &of_logits, &mut of_ours);

    let device = candle_core::Device::Cpu;
    let mut tape = Tape::new(graph, &parameters.layout, batch, &device).unwrap();
    let theirs = tape.forward(&parameters.values, &pictures).unwrap();
    let mut of_theirs = vec![0.0; parameters.values.len()];
    tape.backward(&of_logits, &mut of_theirs).unwrap();

    assert!(gap(&theirs, &ours) < 1e-3, "{}: {theirs:?} {ours:?}", graph.name);
    for slot in parameters.layout.slots() {
        let off = gap(&of_theirs[slot.place.clone()], &of_ours[slot.place.clone()]);
        let most = of_theirs[slot.place.clone()].iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        let whole = of_theirs.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        // What hardly matters is rounding: a bias in front of a normalisation has no gradient at all.
        assert!(off < 5e-3 || most < 1e-3 * whole, "{} {}: off by {off} of {most}", graph.name, slot.name);
    }
    for (own, tape) in own.statistics().iter().zip(tape.statistics()) {
        let near = |a: f32, b: f32| (a - b).abs() < 1e-3 * b.abs().max(0.1);
        assert!(near(own.mean, tape.mean) && near(own.variance, tape.variance), "{}", graph.name);
    }
}

#[test]
fn candle_s_tape_gives_the_gradients_of_every_layer_that_it_has() {
    for (name, middle) in layers() {
        // It has no convolution whose strides or dilations differ, and no gradient of one with a stride over a map that is
        // not as high as wide; those of square maps are in the blocks.
        if name != "odd window" && !name.contains("strided") && !name.contains("/2") {
            compare(&between(name, &middle), 4);
        }
    }
}

#[test]
fn candle_s_tape_gives_the_gradients_of_every_block() {
    for (kind, block) in blocks().into_iter().enumerate() {
        compare(&lower(&design(block, kind), Batch(1)).unwrap(), 4);
    }
}
