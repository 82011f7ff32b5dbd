//! Hostile ONNX files: whatever is in them, importing ends in a result, and in memory that the file's size accounts for.
//!
//! An allocator that remembers the most that was in use shows what small messages are turned into.

#![allow(clippy::unwrap_used)] // Helpers of tests panic like tests.

#[path = "support/counting.rs"]
mod counting;
#[path = "../../networks/tests/support/random.rs"]
mod random;

use counting::most_in;
use random::Random;
use shufflescope_engine::design::Batch;
use shufflescope_engine::graph::lower;
use shufflescope_engine::model_file::onnx::{BatchNorm, Imported, to_onnx};
use shufflescope_engine::weights::Weights;
use shufflescope_engine::zoo;

/// What an import of `bytes` ends in, and how much memory it takes.
fn imported(bytes: &[u8]) -> (Result<Imported, String>, usize) {
    most_in(|| Imported::from_bytes(bytes, "hostile.onnx").map_err(|error| error.to_string()))
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A field of bytes in a protocol buffer.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    [vec![number << 3 | 2], varint(content.len()), content.to_vec()].concat()
}

/// A model around the content of its graph.
fn model(graph: &[u8]) -> Vec<u8> {
    field(7, graph)
}

/// One test, since what is in use is one number for the whole process.
#[test]
fn files_are_refused_or_read_in_memory_that_their_size_accounts_for() {
    many_small_messages_are_refused_before_they_are_decoded();
    one_long_name_does_not_become_many();
    shape_arithmetic_and_its_complaints_stay_small();
    damaged_files_are_errors_or_other_networks();
}

fn many_small_messages_are_refused_before_they_are_decoded() {
    const MANY: usize = 20 << 20;
    let node = |content: &[u8]| model(&field(1, content));
    for (bytes, told) in [
        (model(&[1 << 3 | 2, 0].repeat(MANY)), "32768 nodes"),
        (node(&[5 << 3 | 2, 0].repeat(MANY)), "attributes of nodes"),
        (node(&[1 << 3 | 2, 0].repeat(MANY)), "inputs and outputs of nodes"),
        (model(&[5 << 3 | 2, 0].repeat(MANY)), "tensors"),
        (model(&[11 << 3 | 2, 0].repeat(MANY)), "inputs and outputs of the graph"),
        ([8 << 3 | 2, 0].repeat(MANY), "operator sets"),
        (model(&field(5, &field(7, &vec![1; MANY]))), "whole numbers"),
        (node(&field(5, &[8 << 3, 1].repeat(MANY))), "whole numbers"),
    ] {
        let (result, most) = imported(&bytes);
        let said = result.unwrap_err();
        assert!(said.contains("hostile.onnx") && said.contains(told), "{said}");
        assert!(most < 64 << 10, "{most} bytes were in use to refuse {told}");
    }
}

/// A Relu chain whose every layer is called like one weight.
fn one_long_name_does_not_become_many() {
    let bytes = model(&field(5, &field(8, &vec![b'w'; 1 << 20])));
    let (result, most) = imported(&bytes);
    assert!(result.unwrap_err().contains("name of 1048576 bytes"));
    assert!(most < 64 << 10, "{most} bytes");
}

/// Nodes that join a list of 4,000 numbers with itself, and nodes that complain of it.
fn shape_arithmetic_and_its_complaints_stay_small() {
    let shape = field(2, &[1, 3, 8, 8].iter().flat_map(|&side| field(1, &[1 << 3, side])).collect::<Vec<u8>>());
    let input = field(11, &[field(1, b"x"), field(2, &field(1, &shape))].concat());
    let list = field(5, &[vec![1 << 3], varint(4000), vec![2 << 3, 7], field(7, &[1; 4000]), field(8, b"l")].concat());
    let node = |op: &str, inputs: [&str; 2], output: &str| {
        let inputs = inputs.iter().flat_map(|name| field(1, name.as_bytes()));
        field(1, &[inputs.collect(), field(2, output.as_bytes()), field(4, op.as_bytes())].concat())
    };
    let mut graph = [input, list].concat();
    let mut last = "x".to_owned();
    for index in 0..2_000 {
        let (sum, map) = (format!("s{index}"), format!("y{index}"));
        graph.extend(node("Add", ["l", "l"], &sum));
        graph.extend(node("Reshape", [&last, &sum], &map));
        last = map;
    }
    graph.extend(field(12, &field(1, last.as_bytes())));
    let (result, most) = imported(&model(&graph));
    let said = result.unwrap_err();
    assert!(said.contains("Reshape") && said.len() < 100 << 10, "{}", said.len());
    assert!(most < 16 << 20, "{most} bytes");
}

fn damaged_files_are_errors_or_other_networks() {
    let graph = lower(&zoo::preset("shufflenet-v2-x0.5").unwrap(), Batch(1)).unwrap();
    let whole = to_onnx(&graph, &Weights::seeded(&graph, 1), BatchNorm::Fold).unwrap();
    let (result, _) = imported(&whole);
    result.unwrap();
    // The graph stands in front: most of the rest is values.
    let allowed = 6 * whole.len() + (8 << 20);
    let mut random = Random::default();
    let mut errors = 0;
    for round in 0..120 {
        let mut damaged = whole.clone();
        let structure = 40 << 10;
        match round % 3 {
            0 => damaged.truncate(random.below(whole.len())),
            1 => damaged[random.below(structure)] ^= 1 << random.below(8),
            _ => {
                let at = random.below(structure);
                damaged[at..at + 4].fill(0xFF);
            }
        }
        let (result, most) = imported(&damaged);
        if let Err(said) = result {
            errors += 1;
            assert!(said.contains("hostile.onnx"), "{said}");
        }
        assert!(most < allowed, "{most} bytes in round {round}");
    }
    assert!(errors > 60, "only {errors} damaged copies were noticed");
}
