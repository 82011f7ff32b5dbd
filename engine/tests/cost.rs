//! Cost arithmetic against hand-made numbers and the paper's.

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

use shufflescope_engine::cost::{ModelCost, model_cost};
use shufflescope_engine::design::{Batch, BlockEdit, Design, Edit};
use shufflescope_engine::graph::{Conv2d, Graph, GraphBuilder, Liveness, NodeId, Op, Shape, Window, lower};
use shufflescope_engine::guideline::{EvidenceRow, Finding, Guideline, findings};
use shufflescope_engine::zoo::preset;

fn graph(design: &Design) -> Graph {
    lower(design, Batch(1)).unwrap()
}

fn cost_of(name: &str) -> ModelCost {
    model_cost(&graph(&preset(name).unwrap()))
}

fn found(design: &Design) -> Vec<Finding> {
    let graph = graph(design);
    findings(design, &graph, &model_cost(&graph), None)
}

fn pointwise(builder: &mut GraphBuilder, path: &str, channels: (usize, usize), groups: usize) -> NodeId {
    let conv =
        Conv2d { in_channels: channels.0, out_channels: channels.1, window: Window::square(1, 1), groups, bias: false };
    let input = builder.input();
    builder.push(path, Op::Conv2d(conv), &[input]).unwrap()
}

/// Accesses of the paper's Table 1 blocks at x1 (GPU) and Table 2 layers, from the formulas of section 2.
#[test]
fn memory_access_is_the_papers() {
    for ((c1, c2), groups, expected) in [
        ((128, 128), 1, 819_200),
        ((90, 180), 1, 862_920),
        ((36, 432), 1, 1_483_200),
        ((180, 180), 2, 1_145_160),
        ((256, 256), 4, 1_622_016),
        ((360, 360), 8, 2_274_120),
    ] {
        let mut builder = GraphBuilder::new("block", Shape::new(1, c1, 56, 56));
        pointwise(&mut builder, "conv", (c1, c2), groups);
        assert_eq!(
            model_cost(&builder.finish()).layers[0].memory_access.0,
            expected,
            "{c1} -> {c2} in {groups} groups"
        );
    }
}

#[test]
fn totals_are_the_sums_of_the_layers_and_grow_with_the_batch() {
    let design = preset("shufflenet-v2-x1.0").unwrap();
    let one = model_cost(&graph(&design));
    let eight = model_cost(&lower(&design, Batch(8)).unwrap());
    assert_eq!(one.total.mult_adds, one.layers.iter().map(|layer| layer.mult_adds).sum());
    assert_eq!(eight.total.mult_adds.0, 8 * one.total.mult_adds.0);
    assert_eq!(eight.total.params, one.total.params);
    assert_eq!(eight.total.peak_activation_bytes.0, 8 * one.total.peak_activation_bytes.0);
    assert!(eight.total.memory_access.0 < 8 * one.total.memory_access.0, "weights are read once per batch");
}

/// A batch norm costs nothing where it is the only one that reads its convolution: otherwise the convolution's own
/// result is needed too, and the batch norm is a pass over the map.
#[test]
fn a_batch_norm_costs_nothing_only_where_it_can_be_folded() {
    let access = |also_read: bool| {
        let mut builder = GraphBuilder::new("readers", Shape::new(2, 3, 8, 8));
        let conv = pointwise(&mut builder, "conv", (3, 4), 1);
        let norm = builder.push("norm", Op::BatchNorm { channels: 4, eps: 1e-5 }, &[conv]).unwrap();
        let other = if also_read { conv } else { norm };
        builder.push("add", Op::Add, &[norm, other]).unwrap();
        let cost = model_cost(&builder.finish());
        assert_eq!(cost.total.memory_access, cost.layers.iter().map(|layer| layer.memory_access).sum());
        cost.layers[1].memory_access.0
    };
    assert_eq!(access(false), 0);
    // 2 images of 8 x 8 pixels and 4 channels, read and written, and 4 scales and shifts.
    assert_eq!(access(true), 2 * 512 + 8);
}

/// The first convolution holds the image (3 x 224 x 224) and its own result (24 x 112 x 112); nothing later holds more.
#[test]
fn peak_memory_of_shufflenet_v2_is_at_the_stem() {
    let total = cost_of("shufflenet-v2-x1.0").total;
    assert_eq!(total.peak_activation_bytes.0, 4 * (3 * 224 * 224 + 24 * 112 * 112));
    assert_eq!(total.peak_activation_layer, "conv1.0");
}

/// A scale behind a convolution that nothing else reads is part of it, as a batch normalisation is; repeated channels are
/// a view.
#[test]
fn operations_of_networks_from_elsewhere_have_their_parameters_and_what_they_move() {
    let mut builder = GraphBuilder::new("elsewhere", Shape::new(1, 4, 3, 2));
    let conv = Conv2d { in_channels: 4, out_channels: 4, window: Window::inside(1, 1), groups: 1, bias: false };
    let mut push = |path: &str, op, inputs: &[_]| builder.push(path, op, inputs).unwrap();
    let value = push("conv", Op::Conv2d(conv), &[NodeId(0)]);
    let value = push("folded", Op::Affine { channels: 4, shift: true }, &[value]);
    let value = push("scale", Op::Affine { channels: 4, shift: false }, &[value]);
    let value = push("norm", Op::LayerNorm { channels: 4, eps: 1e-6 }, &[value]);
    let value = push("slopes", Op::PRelu { channels: 4 }, &[value]);
    let slope = push("slope", Op::PRelu { channels: 1 }, &[value]);
    let first = push("first", Op::Slice { start: 0, channels: 1 }, &[slope]);
    let wide = push("wide", Op::Repeat { channels: 4 }, &[first]);
    push("product", Op::Mul, &[slope, wide]);
    let cost = model_cost(&builder.finish());
    let parameters: Vec<u64> = cost.layers.iter().map(|layer| layer.params.0).collect();
    assert_eq!(parameters, [16, 8, 4, 8, 4, 1, 0, 0, 0]);
    let moved: Vec<u64> = cost.layers.iter().map(|layer| layer.memory_access.0).collect();
    assert_eq!(moved, [48 + 16, 0, 48 + 4, 48 + 8, 48 + 4, 48 + 1, 0, 0, 72]);
}

#[test]
fn a_slice_keeps_its_source_alive_and_in_place_layers_allocate_nothing() {
    let mut builder = GraphBuilder::new("unit", Shape::new(1, 8, 2, 2));
    let input = builder.input();
    let left = builder.push("left", Op::Slice { start: 0, channels: 4 }, &[input]).unwrap();
    let right = builder.push("right", Op::Slice { start: 4, channels: 4 }, &[input]).unwrap();
    let norm = builder.push("norm", Op::BatchNorm { channels: 4, eps: 1e-5 }, &[right]).unwrap();
    let relu = builder.activation("relu", shufflescope_engine::graph::Activation::Relu, norm).unwrap();
    builder.push("concat", Op::Concat, &[left, relu]).unwrap();
    let liveness = Liveness::of(&builder.finish());
    // input; slices are views; norm writes 16 beside the 32; relu in place; concat holds 32 + 16 + its own 32.
    assert_eq!(liveness.elements, [32, 32, 32, 48, 48, 80]);
}

/// The only 1x1 convolutions of unequal widths behind the stem are those that take its 24 channels to stage 2, and the
/// last one before the classifier, 464 to 1024 at 7x7, moves 1 % more than at equal widths: its weights are most of it.
#[test]
fn shufflenet_v2_goes_against_g1_only_where_the_stem_ends_and_against_g4() {
    for (name, narrow) in
        [("shufflenet-v2-x0.5", None), ("shufflenet-v2-x1.0", Some(58)), ("shufflenet-v2-x2.0", Some(122))]
    {
        let findings = found(&preset(name).unwrap());
        let guidelines: Vec<_> = findings.iter().map(|finding| finding.guideline).collect();
        let Some(inner) = narrow else {
            // 0.5x has 24 channels there too, but widens 192 to 1024 before the classifier.
            assert_eq!(guidelines, [Guideline::G1, Guideline::G4], "{name}");
            assert_eq!(findings[0].layers, ["conv5.0"], "{name}");
            let row = &findings[0].evidence.rows[0];
            let equal = (2.0 * 49.0 * (192.0_f64 * 1024.0).sqrt()).floor() as u64 + 192 * 1024;
            assert_eq!((row.actual, row.reference), (49 * (192 + 1024) + 192 * 1024, equal), "{name}");
            continue;
        };
        assert_eq!(guidelines, [Guideline::G1, Guideline::G4], "{name}");
        assert_eq!(findings[0].layers, ["stage2.0.branch1.2", "stage2.0.branch2.0"], "{name}");
        for (layer, pixels) in [("stage2.0.branch1.2", 28 * 28), ("stage2.0.branch2.0", 56 * 56)] {
            let row = findings[0].evidence.rows.iter().find(|row| row.layer == layer).unwrap();
            let equal = (2.0 * pixels as f64 * (24.0 * inner as f64).sqrt()).floor() as u64 + 24 * inner;
            assert_eq!((row.actual, row.reference), (pixels * (24 + inner) + 24 * inner, equal), "{name} {layer}");
        }
    }
}

/// What each unit moves without computing is one pass between two units: 116 x 28 x 28 in and out in stage 2.
#[test]
fn shufflenet_v2_moves_its_map_once_between_two_units() {
    let findings = found(&preset("shufflenet-v2-x1.0").unwrap());
    let four = findings.iter().find(|finding| finding.guideline == Guideline::G4).unwrap();
    let moved = |unit: &str| {
        let of_unit = |row: &&EvidenceRow| row.layer == format!("{unit}.concat");
        four.evidence.rows.iter().filter(of_unit).map(|row| row.actual).collect::<Vec<_>>()
    };
    let passes = [("stage2", 4, 116 * 28 * 28), ("stage3", 8, 232 * 14 * 14), ("stage4", 4, 464 * 7 * 7)];
    for (stage, units, map) in passes {
        for unit in 0..units {
            assert_eq!(moved(&format!("{stage}.{unit}")), [2 * map], "{stage}.{unit}");
        }
    }
    let total: u64 = passes.iter().map(|&(_, units, map)| 2 * units * map).sum();
    let whole = cost_of("shufflenet-v2-x1.0").total.memory_access.0 - total;
    assert!(four.evidence.rows.iter().all(|row| row.reference == whole), "each shuffle stood beside its concatenation");
}

#[test]
fn shufflenet_v1_goes_against_g1_and_g2_and_both_remedies_lower_memory_access() {
    let design = preset("shufflenet-v1-g3-x1.0").unwrap();
    let findings = found(&design);
    let one = findings.iter().find(|finding| finding.guideline == Guideline::G1).unwrap().remedy.as_ref().unwrap();
    assert!(one.mult_adds.relative().abs() < 0.05 && one.memory_access.relative() < 0.0, "{one:?}");
    let two = findings.iter().find(|finding| finding.guideline == Guideline::G2).unwrap();
    assert_eq!(two.layers.len(), 2 * 16 - 1, "every 1x1 convolution but the very first");
    assert!(two.evidence.rows.iter().all(|row| row.ratio > 1.0));
    let remedy = two.remedy.as_ref().unwrap();
    assert!(remedy.memory_access.relative() < 0.0, "{remedy:?}");
    assert!(remedy.mult_adds.relative().abs() < 0.05, "{remedy:?}");
    let repaired = design.apply(&remedy.edit);
    assert_eq!(repaired.check(), Ok(()));
    assert!(found(&repaired).iter().all(|finding| finding.guideline != Guideline::G2));
}

#[test]
fn mobilenet_v2_goes_against_g1_and_g4() {
    let findings = found(&preset("mobilenet-v2-x1.0").unwrap());
    let guidelines: Vec<_> = findings.iter().map(|finding| finding.guideline).collect();
    assert!(guidelines.contains(&Guideline::G1) && guidelines.contains(&Guideline::G4), "{guidelines:?}");
}

#[test]
fn evidence_of_g1_is_the_excess_over_the_lower_bound() {
    let design = preset("mobilenet-v2-x1.0").unwrap();
    let one = found(&design).into_iter().find(|finding| finding.guideline == Guideline::G1).unwrap();
    let row = one.evidence.rows.iter().find(|row| row.layer == "features.2.conv.0.0").unwrap();
    // 16 -> 96 at 112x112: hw (16 + 96) + 16 * 96 against 2 hw sqrt(16 * 96) + 16 * 96.
    assert_eq!((row.actual, row.reference), (12_544 * 112 + 1536, (2.0 * 12_544.0 * 1536_f64.sqrt() + 1536.0) as u64));
}

#[test]
fn squeeze_excitation_is_fragmentation_and_its_remedy_takes_it_away() {
    let design = preset("shufflenet-v2-x1.0-se").unwrap();
    let three = found(&design).into_iter().find(|finding| finding.guideline == Guideline::G3).unwrap();
    let repaired = design.apply(&three.remedy.unwrap().edit);
    assert!(found(&repaired).iter().all(|finding| finding.guideline != Guideline::G3));
    assert_eq!(repaired.stages[0].block.se(), None);
}

#[test]
fn groups_raise_memory_access_at_equal_channels_only_by_the_guideline_of_equal_mult_adds() {
    let plain = preset("shufflenet-v2-x1.0").unwrap();
    let grouped = plain.apply(&Edit::All(vec![Edit::Blocks(BlockEdit::Groups(2)), Edit::Fit]));
    assert!(found(&grouped).iter().any(|finding| finding.guideline == Guideline::G2));
}
