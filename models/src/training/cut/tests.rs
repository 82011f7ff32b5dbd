use super::*;
use crate::design::{
    Activation, Block, Bottleneck, DepthwiseSeparable, DownSampling, Edit, Head, InputSize, InterleavedGroup,
    InvertedResidual, ShuffleV1, ShuffleV2, SqueezeExcitation, Stage, Stem, StemConv, Xception,
};
use crate::runtime::reference;
use crate::weights::seeded_input;
use crate::zoo;

fn blocks() -> Vec<Block> {
    let se = Some(SqueezeExcitation { reduction: 4 });
    vec![
        Block::ShuffleV2(ShuffleV2::default()),
        Block::ShuffleV2(ShuffleV2 { groups: 2, se, residual: true, ..ShuffleV2::default() }),
        Block::ShuffleV2(ShuffleV2 { shuffle: false, split: 0.25, ..ShuffleV2::default() }),
        Block::ShuffleV2(ShuffleV2 { down_sampling: DownSampling::Paper, ..ShuffleV2::default() }),
        Block::ShuffleV1(ShuffleV1 { groups: 2, se, ..ShuffleV1::default() }),
        Block::InvertedResidual(InvertedResidual { expansion: 2, ..InvertedResidual::default() }),
        Block::DepthwiseSeparable(DepthwiseSeparable::default()),
        Block::Bottleneck(Bottleneck { groups: 2, se, ..Bottleneck::default() }),
        Block::InterleavedGroup(InterleavedGroup { expansion: 2, ..InterleavedGroup::default() }),
        Block::Xception(Xception::default()),
    ]
}

/// Units of this kind, `scale` times as wide.
fn design(block: &Block, scale: u32, repeats: u32) -> Design {
    let stage = |channels, stride| Stage { channels, repeats, stride, block: block.clone() };
    Design {
        name: format!("{:?} x{scale}", block.kind()),
        family: Default::default(),
        width: None,
        classes: 7,
        input: InputSize::square(32),
        stem: Stem {
            convs: vec![StemConv { channels: 8, kernel: 3, stride: 2 }],
            activation: Activation::Relu,
            max_pool: true,
        },
        stages: vec![stage(16 * scale, 2), stage(32 * scale, 1)],
        head: Head { conv: Some(24 * scale), activation: Activation::Relu, bias: true },
    }
}

fn graph(design: &Design) -> Graph {
    lower(design, Batch(1)).unwrap()
}

fn logits(graph: &Graph, weights: &Weights) -> Vec<f32> {
    reference::run(graph, weights, &seeded_input(graph.input_shape(), 2)).unwrap()
}

fn assert_close(a: &[f32], b: &[f32], what: &str) {
    let gap = a.iter().zip(b).fold(0.0_f32, |gap, (a, b)| gap.max((a - b).abs()));
    assert!(a.len() == b.len() && gap < 1e-3, "{what}: {a:?} {b:?}");
}

#[test]
fn what_is_as_wide_and_deep_stays_as_it_is() {
    for block in blocks() {
        let design = design(&block, 1, 3);
        let weights = Weights::seeded(&graph(&design), 4);
        let (cut, report) = cut((&design, &weights), &design).unwrap();
        assert_eq!(cut, weights, "{}", design.name);
        assert!(report.is_whole() && report.strays == 0 && report.to_string().ends_with("all is kept"), "{report}");
    }
}

#[test]
fn a_network_with_its_channels_sorted_computes_the_same() {
    for block in blocks() {
        let graph = graph(&design(&block, 1, 3));
        let weights = Weights::seeded(&graph, 4);
        let sorted = select((&graph, &weights), &graph, Rule::Sorted).unwrap();
        let permuted = sorted.apply(&weights, &graph);
        assert_ne!(permuted, weights, "{}", graph.name);
        assert_eq!(sorted.strays, 0, "{}", graph.name);
        assert_close(&logits(&graph, &permuted), &logits(&graph, &weights), &graph.name);
    }
}

/// Weights of the wide network in which channels that are not kept say nothing.
fn silenced(graph: &Graph, weights: &Weights, selection: &Selection) -> Weights {
    let mut silent = weights.clone();
    for (_, node) in graph.layers() {
        let (silenced, each) = match &node.op {
            Op::BatchNorm { .. } => (["weight", "bias"], 1),
            // The squeezed channels of a gate have no normalisation.
            Op::Conv2d(conv) if conv.bias && node.path.ends_with("fc1") => (["weight", "bias"], conv.in_channels),
            _ => continue,
        };
        let kept = &selection.places[&format!("{}.bias", node.path)];
        for (name, each) in silenced.into_iter().zip([each, 1]) {
            let name = format!("{}.{name}", node.path);
            let mut tensor = weights.get(&name).unwrap().clone();
            for (channel, values) in tensor.values.chunks_mut(each).enumerate() {
                if !kept.contains(&channel) {
                    values.fill(0.0);
                }
            }
            silent.insert(name, tensor);
        }
    }
    silent
}

#[test]
fn a_narrower_network_computes_what_the_wide_one_does_without_the_channels_left_out() {
    for block in blocks() {
        let (wide, narrow) = (graph(&design(&block, 2, 3)), graph(&design(&block, 1, 3)));
        let weights = Weights::seeded(&wide, 4);
        for rule in [Rule::MostImportant, Rule::First] {
            let selection = select((&wide, &weights), &narrow, rule).unwrap();
            // A shuffle mixes narrow halves otherwise than wide ones: then some channels take another way, which is said.
            if selection.strays > 0 {
                assert!(narrow.name.contains("Shuffle") || narrow.name.contains("Interleaved"), "{}", narrow.name);
                continue;
            }
            let cut = selection.apply(&weights, &narrow);
            cut.check(&narrow).unwrap();
            let silent = silenced(&wide, &weights, &selection);
            assert_close(&logits(&narrow, &cut), &logits(&wide, &silent), &format!("{} {rule:?}", narrow.name));
        }
    }
}

#[test]
fn units_are_kept_from_the_first_also_where_they_are_numbered_through_the_network() {
    for block in [blocks().remove(0), blocks().remove(5)] {
        let (deep, mut shallow) = (design(&block, 1, 3), design(&block, 1, 3));
        shallow.stages[0].repeats = 2;
        let weights = Weights::seeded(&graph(&deep), 4);
        let (cut, report) = cut((&deep, &weights), &shallow).unwrap();
        cut.check(&graph(&shallow)).unwrap();
        assert!(report.to_string().contains("stage2 keeps 2 of 3 units"), "{report}");
        // The second stage's first unit keeps its weights whatever it is called now.
        let of = |design: &Design| {
            let graph = graph(design);
            let mut nodes = graph.layers().filter(|(_, node)| node.unit.is_some_and(|unit| unit.stage == 1));
            format!("{}.weight", nodes.find(|(_, node)| matches!(node.op, Op::Conv2d(_))).unwrap().1.path)
        };
        assert_eq!(cut.get(&of(&shallow)), weights.get(&of(&deep)));
    }
}

#[test]
fn the_paper_s_widths_are_cut_from_each_other_and_what_is_lost_is_said() {
    let [wide, narrow] = ["shufflenet-v2-x1.0", "shufflenet-v2-x0.5"].map(|name| zoo::preset(name).unwrap());
    let weights = Weights::seeded(&graph(&wide), 1);
    let (narrow_weights, report) = cut((&wide, &weights), &narrow).unwrap();
    narrow_weights.check(&graph(&narrow)).unwrap();
    assert!(report.to_string().contains("stage2 keeps 48 of 116 channels; stage3 keeps 96 of 232"), "{report}");
    let classes = narrow.apply(&Edit::Classes(3));
    let (narrow_weights, report) = cut((&wide, &weights), &classes).unwrap();
    assert_eq!(narrow_weights.get("fc.weight").unwrap().shape, [3, 1024]);
    assert!(report.classifier_is_new && report.to_string().ends_with("the classifier is new"), "{report}");
}

#[test]
fn what_is_wider_deeper_or_of_another_kind_is_refused_with_its_place() {
    let small = design(&blocks()[0], 1, 2);
    let weights = Weights::seeded(&graph(&small), 4);
    let said = |to: &Design| cut((&small, &weights), to).unwrap_err().to_string();
    assert!(said(&design(&blocks()[0], 2, 2)).contains("has 16 channels and the weights have 8"), "wider");
    assert!(said(&design(&blocks()[0], 1, 3)).contains("stage2 has 3 units and the weights have 2"), "deeper");
    assert!(said(&design(&blocks()[5], 1, 2)).contains("only width and depth may differ"), "other");
}
