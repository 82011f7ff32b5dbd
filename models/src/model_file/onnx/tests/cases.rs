//! The small models that stand for what people met (rows D01 to D13 of the project's log of cases, whose files are in the
//! fuzzer's corpus), with the logits that ONNX Runtime 1.17 gives.

use crate::cost::total_cost;
use crate::model_file::onnx::{BatchNorm, Imported, import, to_onnx};
use crate::model_file::pytorch::to_pytorch;
use crate::runtime::reference;

fn bytes(case: &str) -> Vec<u8> {
    let path = format!("{}/../fuzz/corpus/onnx/case-{case}.onnx", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The picture that the logits are for, `[1, 3, 16, 16]`.
fn picture() -> Vec<f32> {
    (0..768).map(|index| ((index * 37) % 101) as f32 / 50.0 - 1.0).collect()
}

fn logits(imported: &Imported) -> Vec<f32> {
    let graph = imported.graph_for(1, [16, 16]).unwrap();
    reference::run(&graph, imported.weights(), &picture()).unwrap()
}

fn close(case: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{case}");
    let gap = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(gap < 2e-5, "{case}: {found:?}, expected {expected:?}");
}

/// Case, learned parameters, logits.
const TAKEN: [(&str, u64, [f32; 5]); 19] = [
    ("00_plain", 269, [-1.35456, -0.304809, -1.259678, -1.00227, -0.098941]),
    ("01_matmul_add", 269, [-0.512524, -0.369808, -0.427147, -0.473424, -1.108721]),
    ("02_softmax", 269, [0.274134, -0.527324, -1.011266, -0.38431, -1.058387]),
    ("03_nhwc_input", 269, [0.556613, 0.544072, 1.171607, -0.613293, -0.372259]),
    ("05a_avgpool_pad_not_counted", 269, [-0.873533, -1.296109, 2.339559, -1.765269, -0.384953]),
    ("05b_avgpool_ceil", 269, [0.35199, 0.592069, 1.190499, 0.607134, 0.316831]),
    ("05c_avgpool_dilated", 269, [0.509974, 1.511237, -1.289025, 1.275096, 0.454418]),
    ("05d_avgpool_pad_counted", 269, [0.651318, 0.843884, -1.066135, -0.541659, 0.318497]),
    ("06_auto_pad_same_lower", 269, [-0.478465, -0.261678, 2.246144, -1.365206, -0.970094]),
    ("06_auto_pad_same_upper", 269, [-0.573823, 0.508949, 1.004003, 1.089484, -2.42054]),
    ("06_bias_as_add", 269, [-0.171228, 1.415376, 1.574129, -1.177156, -1.520663]),
    ("06_pad_node", 269, [2.009061, 1.513722, 1.292532, 1.791241, 1.600748]),
    ("07_shuffle_authors", 285, [-0.499198, -0.227779, 0.193181, -0.051239, -1.559482]),
    ("07_shuffle_four_axes", 333, [-0.166936, -3.206601, -0.684369, -0.785982, 0.542723]),
    ("08_shared_convolution", 845, [0.923876, 2.914023, 0.066522, -6.138969, -0.813179]),
    ("08_shared_eight_times", 845, [4.119252, 1.430759, 7.285244, -0.796349, 9.417998]),
    ("09_odd_convolutions", 637, [-0.97609, 0.167291, -0.666594, -0.695308, -0.184887]),
    ("10_relu_as_function", 269, [0.494059, 0.767275, -2.337065, -0.301368, 1.234314]),
    ("11_pooling_last", 264, [-0.143874, 0.129398, -0.505584, -0.755866, -0.409705]),
];

#[test]
fn every_case_is_taken_and_computes_what_it_does_elsewhere_also_when_written_again() {
    for (case, parameters, expected) in TAKEN {
        let imported =
            Imported::from_bytes(&bytes(case), "case.onnx").unwrap_or_else(|error| panic!("{case}: {error}"));
        close(case, &logits(&imported), &expected);
        let graph = imported.graph_for(1, [16, 16]).unwrap();
        assert_eq!(total_cost(&graph).params.0, parameters, "{case}");
        assert!(to_pytorch(&graph).is_ok(), "{case}");
        let again = to_onnx(&graph, imported.weights(), BatchNorm::Keep).unwrap();
        let again = Imported::from_bytes(&again, "again.onnx").unwrap_or_else(|error| panic!("{case}: {error}"));
        close(case, &logits(&again), &expected);
        assert_eq!(total_cost(&again.graph_for(1, [16, 16]).unwrap()).params.0, parameters, "{case}, written again");
        let outline = imported.outline().unwrap_or_else(|error| panic!("{case}: {error}"));
        assert!(!outline.is_empty(), "{case}");
    }
}

#[test]
fn what_is_left_out_or_turned_is_told() {
    let notes = |case: &str| Imported::from_bytes(&bytes(case), "case.onnx").unwrap().notes().to_vec();
    assert_eq!(notes("00_plain"), Vec::<String>::new());
    let said = notes("02_softmax").join("\n");
    assert!(said.contains("its Softmax at the end (`y`) is left out"), "{said}");
    let said = notes("03_nhwc_input").join("\n");
    assert!(said.contains("[n, height, width, channels]"), "{said}");
}

#[test]
fn the_authors_channel_shuffle_is_one_shuffle_and_two_halves() {
    let imported = Imported::from_bytes(&bytes("07_shuffle_authors"), "case.onnx").unwrap();
    let graph = imported.graph_for(3, [16, 16]).unwrap();
    let ops: Vec<String> = graph.layers().map(|(_, node)| node.op.to_string()).collect();
    let shuffles = ops.iter().filter(|op| op.starts_with("shuffle")).count();
    let slices: Vec<&String> = ops.iter().filter(|op| op.starts_with("slice")).collect();
    assert_eq!((shuffles, slices), (1, vec![&"slice 0..4".to_owned(), &"slice 4..8".to_owned()]), "{ops:?}");
}

#[test]
fn odd_convolutions_cost_what_they_compute() {
    let imported = Imported::from_bytes(&bytes("09_odd_convolutions"), "case.onnx").unwrap();
    assert_eq!(total_cost(&imported.graph_for(1, [16, 16]).unwrap()).mult_adds.0, 58_440);
}

#[test]
fn values_in_a_file_beside_the_model_are_read_and_belong_to_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.onnx");
    std::fs::write(&path, bytes("04_external")).unwrap();
    let missing = import(&path).unwrap_err().to_string();
    assert!(
        missing.contains("`o04_external.onnx.data`") && missing.contains("keep both files in one folder"),
        "{missing}"
    );
    let data: Vec<u8> = (0..1345_u32).flat_map(|index| ((index % 7) as f32 - 3.0).to_le_bytes()).collect();
    let beside = folder.path().join("o04_external.onnx.data");
    std::fs::write(&beside, &data).unwrap();
    let first = import(&path).unwrap();
    assert_eq!(first.weights().iter().map(|(_, tensor)| tensor.values.len()).sum::<usize>(), 269);
    assert!(logits(&first).iter().any(|value| *value != 0.0));
    std::fs::write(&beside, vec![0; data.len()]).unwrap();
    let other = import(&path).unwrap();
    assert_ne!(other.content(), first.content());
    let alone = Imported::from_bytes(&bytes("04_external"), "net.onnx").unwrap_err().to_string();
    assert!(alone.contains("in another file"), "{alone}");
}
