//! Networks in 8 bits: written and read again, in both of ONNX's ways, and what is refused.

use super::writer::{Model, int, ints, made_up};
use crate::design::{Activation, Batch, Block, InputSize, SqueezeExcitation};
use crate::graph::{Graph, Op, lower};
use crate::model_file::onnx::{Imported, proto, to_onnx_in_bytes};
use crate::runtime::Fusing;
use crate::runtime::cpu::{Network, in_bytes, quantise};
use crate::weights::{ByteScale, Quantisation, Weights};
use crate::zoo;

fn in_int8(graph: &Graph, weights: &Weights, input: &[f32]) -> Vec<f32> {
    let mut network = Network::in_int8(graph, weights, None, 1, Fusing::Full).unwrap();
    network.infer(input).unwrap()
}

#[test]
fn a_network_that_is_written_in_8_bits_and_read_again_computes_the_same_bit_for_bit() {
    let mut gated = zoo::preset("shufflenet-v2-x0.5").unwrap();
    for stage in &mut gated.stages {
        if let Block::ShuffleV2(block) = &mut stage.block {
            (block.se, block.residual) = (Some(SqueezeExcitation { reduction: 4 }), true);
            block.activation = Activation::HardSwish;
        }
    }
    let named = ["shufflenet-v2-x0.5", "shufflenet-v1-g3-x0.5", "mobilenet-v2-x0.15"];
    let designs = named.map(|name| zoo::preset(name).unwrap()).into_iter().chain([gated]);
    for mut design in designs {
        design.input = InputSize::square(64);
        let name = design.name.clone();
        let graph = lower(&design, Batch(1)).unwrap();
        let weights = quantise(&graph, &Weights::seeded(&graph, 7), 1, None).unwrap();
        let bytes = to_onnx_in_bytes(&graph, &weights, &in_bytes(&graph, &weights, 1).unwrap()).unwrap();
        let imported = Imported::from_bytes(&bytes, "q.onnx").unwrap_or_else(|error| panic!("{name}: {error}"));
        let again = imported.graph_for(1, [64, 64]).unwrap();
        let known = Quantisation::of(&again, imported.weights()).unwrap();
        assert!(!known.is_empty(), "{name}");
        let input = made_up("picture", 3 * 64 * 64);
        assert_eq!(in_int8(&again, imported.weights(), &input), in_int8(&graph, &weights, &input), "{name}");
        // And once more, from what was read.
        let bytes = in_bytes(&again, imported.weights(), 1).unwrap();
        let bytes = to_onnx_in_bytes(&again, imported.weights(), &bytes).unwrap();
        let once_more = Imported::from_bytes(&bytes, "q.onnx").unwrap();
        assert_eq!(once_more.weights(), imported.weights(), "{name}");
    }
}

impl Model {
    /// Integers of 8 bits, or of 32.
    fn integers(mut self, name: &str, kind: i32, dims: &[i64], values: &[i32]) -> Self {
        let (name, dims, int32_data) = (name.into(), dims.into(), values.into());
        self.graph.initializer.push(proto::Tensor { name, dims, data_type: kind, int32_data, ..Default::default() });
        self
    }

    /// `name_scale` and `name_zero_point` of a value, bytes without sign.
    fn scale(self, name: &str, scale: f32, zero_point: i32) -> Self {
        let (of_scale, of_zero) = (format!("{name}_scale"), format!("{name}_zero_point"));
        self.values(&of_scale, &[], &[scale]).integers(&of_zero, proto::UINT8, &[], &[zero_point])
    }

    fn rounded(self, name: &str, by: &str) -> Self {
        let [of_scale, of_zero] = ["scale", "zero_point"].map(|of| format!("{by}_{of}"));
        let (bytes, number) = (format!("{name}_q"), format!("{name}_d"));
        self.node("QuantizeLinear", &[name, &of_scale, &of_zero], &bytes, vec![]).node(
            "DequantizeLinear",
            &[&bytes, &of_scale, &of_zero],
            &number,
            vec![],
        )
    }
}

/// Weights of four filters, `conv.weight_quantized`, and what belongs to them.
fn weights(model: Model, zero: i32) -> Model {
    let bytes: Vec<i32> = (0..4 * 27).map(|at| (at * 37 % 256) - 128).collect();
    model
        .integers("conv.weight_quantized", proto::INT8, &[4, 3, 3, 3], &bytes)
        .values("conv.weight_scale", &[4], &[0.01, 0.02, 0.03, 0.04])
        .integers("conv.weight_zero_point", proto::INT8, &[4], &[0, 0, 0, zero])
        .integers("conv.bias_quantized", proto::INT32, &[4], &[100, -200, 3000, 0])
        .scale("x", 0.5, 100)
        .scale("c", 0.25, 7)
        .scale("y", 0.125, 128)
}

fn qdq(zero: i32) -> Model {
    weights(Model::new(), zero)
        .values("conv.bias_scale", &[4], &[0.005, 0.01, 0.015, 0.02])
        .rounded("x", "x")
        .node(
            "DequantizeLinear",
            &["conv.weight_quantized", "conv.weight_scale", "conv.weight_zero_point"],
            "w",
            vec![int("axis", 0)],
        )
        .node("DequantizeLinear", &["conv.bias_quantized", "conv.bias_scale"], "b", vec![int("axis", 0)])
        .node("Conv", &["x_d", "w", "b"], "c", vec![ints("pads", &[1, 1, 1, 1])])
        .rounded("c", "c")
        .node("Add", &["c_d", "c_d"], "y", vec![])
        .rounded("y", "y")
}

/// The same in operations of bytes.
fn of_bytes() -> Model {
    let mut model = weights(Model::new(), 0)
        .node("QuantizeLinear", &["x", "x_scale", "x_zero_point"], "x_q", vec![])
        .node(
            "QLinearConv",
            &[
                "x_q",
                "x_scale",
                "x_zero_point",
                "conv.weight_quantized",
                "conv.weight_scale",
                "conv.weight_zero_point",
                "c_scale",
                "c_zero_point",
                "conv.bias_quantized",
            ],
            "c_q",
            vec![ints("pads", &[1, 1, 1, 1])],
        )
        .node(
            "QLinearAdd",
            &["c_q", "c_scale", "c_zero_point", "c_q", "c_scale", "c_zero_point", "y_scale", "y_zero_point"],
            "y_q",
            vec![],
        )
        .node("DequantizeLinear", &["y_q", "y_scale", "y_zero_point"], "y", vec![]);
    model.graph.node[2].domain = "com.microsoft".into();
    model
}

#[test]
fn both_ways_to_say_a_network_in_8_bits_are_read_as_the_same_one() {
    let (one, other) = (qdq(0).import(), of_bytes().import());
    assert_eq!(one.weights(), other.weights());
    let [graph, same] = [&one, &other].map(|imported| imported.graph_for(1, [8, 8]).unwrap());
    let operations = |graph: &Graph| graph.layers().map(|(_, node)| node.op).collect::<Vec<Op>>();
    assert_eq!(operations(&graph), operations(&same));
    let known = Quantisation::of(&graph, one.weights()).unwrap();
    let scales: Vec<Option<ByteScale>> = known.outputs.clone();
    let of = |scale, zero_point| Some(ByteScale { scale, zero_point });
    assert_eq!(scales, [of(0.5, 100), of(0.25, 7), of(0.125, 128)]);
    assert_eq!(known.weights[1], Some(vec![0.01, 0.02, 0.03, 0.04]));
    let weight = &one.weights().get("conv.weight").unwrap().values;
    assert_eq!((weight[0], weight[27]), (-128.0 * 0.01, (27 * 37 % 256 - 128) as f32 * 0.02));
    assert_eq!(one.weights().get("conv.bias").unwrap().values, [0.5, -2.0, 45.0, 0.0]);
    // Without its scales it is a network of floats.
    assert_eq!(graph.layers().count(), 2);
}

#[test]
fn bytes_with_a_sign_are_those_without_less_128() {
    let mut model = qdq(0);
    for tensor in &mut model.graph.initializer {
        if tensor.data_type == proto::UINT8 {
            tensor.data_type = proto::INT8;
            tensor.int32_data[0] -= 128;
        }
    }
    assert_eq!(model.import().weights(), qdq(0).import().weights());
}

#[test]
fn what_bytes_cannot_be_here_is_refused_with_its_node() {
    let said = qdq(3).refusal();
    assert!(said.contains("Conv (`c`)") && said.contains("`conv.weight` around the zero point 3"), "{said}");
    let other = of_bytes().scale("z", 0.5, 128);
    let mut wrong = other.clone();
    wrong.graph.node[3].input[1] = "z_scale".into();
    let said = wrong.refusal();
    assert!(said.contains("DequantizeLinear (`y`)") && said.contains("as if in steps of 0.5"), "{said}");
    let mut wrong = qdq(0);
    wrong.graph.initializer.iter_mut().filter(|tensor| tensor.name == "c_scale").for_each(|tensor| {
        tensor.dims = vec![4];
        tensor.float_data = vec![0.1; 4];
    });
    let said = wrong.refusal();
    assert!(said.contains("QuantizeLinear (`c_q`)") && said.contains("of each channel"), "{said}");
    for scale in [0.0, -1.0, f32::NAN] {
        let mut wrong = qdq(0);
        let of_c = wrong.graph.initializer.iter_mut().filter(|tensor| tensor.name == "c_scale");
        of_c.for_each(|tensor| tensor.float_data = vec![scale]);
        let said = wrong.refusal();
        assert!(said.contains("QuantizeLinear (`c_q`): with the scale"), "{said}");
    }
    let mut along = qdq(0);
    along.graph.initializer.iter_mut().filter(|tensor| tensor.name.starts_with("conv.weight_")).for_each(|tensor| {
        if tensor.name != "conv.weight_quantized" {
            tensor.dims = vec![3];
            tensor.float_data.truncate(3);
            tensor.int32_data.truncate(3);
        }
    });
    along.graph.node[2].attribute = vec![int("axis", 1)];
    let said = along.refusal();
    assert!(said.contains("have scales along axis 1"), "{said}");
}

#[test]
fn a_value_that_is_rounded_twice_has_a_step_between() {
    let twice = qdq(0).scale("z", 0.3, 50).node("Identity", &["y_d"], "t", vec![]).rounded("t", "z");
    let imported = twice.import();
    let graph = imported.graph_for(1, [8, 8]).unwrap();
    let known = Quantisation::of(&graph, imported.weights()).unwrap();
    assert_eq!(known.outputs.last().copied().flatten(), Some(ByteScale { scale: 0.3, zero_point: 50 }));
    assert_eq!(graph.layers().count(), 3);
}
