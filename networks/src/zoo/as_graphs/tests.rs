use crate::cost::total_cost;
use crate::design::{Batch, BlockEdit, Design, Edit, InputSize, SqueezeExcitation, StrideAt};
use crate::graph::{Graph, GraphBuilder, LowerError, Shape, lower};
use crate::zoo;

type Build = fn(&mut GraphBuilder) -> Result<(), LowerError>;

const NETWORKS: [(&str, Build); 9] = [
    ("resnet-50", |graph| super::resnet::build(graph, 1, 64)),
    ("resnext-50-32x4d", |graph| super::resnet::build(graph, 32, 4)),
    ("igcv3-d-x0.7", |graph| super::igcv3::build(graph, 0.7)),
    ("igcv3-d-x1.0", |graph| super::igcv3::build(graph, 1.0)),
    ("igcv3-d-x1.4", |graph| super::igcv3::build(graph, 1.4)),
    ("xception-x0.5", |graph| super::xception_small::build(graph, 64)),
    ("xception-x1.0", |graph| super::xception_small::build(graph, 138)),
    ("xception-x1.5", |graph| super::xception_small::build(graph, 208)),
    ("xception-x2.0", |graph| super::xception_small::build(graph, 276)),
];

fn layer_by_layer(name: &str, build: Build, input: InputSize, batch: usize) -> Graph {
    let shape = Shape::new(batch, 3, input.height as usize, input.width as usize);
    let mut builder = GraphBuilder::new(name, shape);
    build(&mut builder).unwrap();
    builder.finish()
}

#[test]
fn designs_that_were_graphs_mean_the_very_same_graphs() {
    let sizes = [(224, 224), (72, 57), (32, 32)].map(|(height, width)| InputSize { height, width });
    for (name, build) in NETWORKS {
        let preset = zoo::preset(name).unwrap();
        for input in sizes {
            let design = Design { input, ..preset.clone() };
            let (ours, theirs) = (lower(&design, Batch(2)).unwrap(), layer_by_layer(name, build, input, 2));
            for (ours, theirs) in ours.nodes().iter().zip(theirs.nodes()) {
                assert_eq!(ours, theirs, "{name} at {input}");
            }
            assert_eq!(ours, theirs, "{name} at {input}");
            let (ours, theirs) = (total_cost(&ours), total_cost(&theirs));
            assert_eq!((ours.mult_adds, ours.params), (theirs.mult_adds, theirs.params), "{name}");
        }
    }
}

/// SE-ResNet-50 stays a graph for its pooling and its names; the design computes as much.
#[test]
fn resnet_50_with_squeeze_and_excitation_and_its_stride_in_front_counts_what_se_resnet_50_counts() {
    let design = zoo::preset("resnet-50").unwrap().apply(&Edit::All(vec![
        Edit::Blocks(BlockEdit::Se(Some(SqueezeExcitation { reduction: 16 }))),
        Edit::Blocks(BlockEdit::StrideAt(StrideAt::First)),
    ]));
    let network = zoo::network("se-resnet-50").unwrap();
    let theirs = total_cost(&network.graph(network.input, Batch(1)).unwrap());
    let ours = total_cost(&lower(&design, Batch(1)).unwrap());
    assert_eq!((ours.mult_adds, ours.params), (theirs.mult_adds, theirs.params));
}
