use prost::Message;

use super::super::proto;
use super::*;

/// A field of bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend(content);
    bytes
}

/// A model whose graph holds `content`.
fn model(content: &[u8]) -> Vec<u8> {
    field(7, content)
}

fn refusal(bytes: &[u8]) -> String {
    check(bytes).unwrap_err()
}

#[test]
fn more_of_anything_than_a_classifier_has_is_refused_by_name_with_the_limit() {
    let many = |item: Vec<u8>, times: usize| item.repeat(times);
    let node = |content: &[u8]| model(&field(1, content));
    for (bytes, told) in [
        (model(&many(field(1, &[]), 32_769)), "more than 32768 nodes"),
        (node(&many(field(5, &[]), 131_073)), "more than 131072 attributes"),
        (node(&many(field(1, b"x"), 262_145)), "more than 262144 inputs and outputs of nodes"),
        (model(&many(field(5, &[]), 65_537)), "more than 65536 tensors"),
        (model(&[many(field(11, &[]), 32_769), many(field(12, &[]), 32_768)].concat()), "65536 inputs and outputs"),
        (model(&field(11, &field(2, &field(1, &field(2, &many(field(1, &[]), 262_145)))))), "262144 axes"),
        (many(field(8, &[]), 1025), "more than 1024 operator sets"),
        // Packed numbers of one byte, and single ones of two.
        (model(&field(5, &field(1, &[1; 4_194_305]))), "more than 4194304 whole numbers"),
        (node(&field(5, &[8 << 3, 1].repeat(4_194_305))), "more than 4194304 whole numbers"),
        (node(&field(4, &[b'R'; 1025])), "name of 1025 bytes"),
    ] {
        let said = refusal(&bytes);
        assert!(said.contains(told) && said.contains("export the classifier"), "{told}: {said}");
    }
    // Several graphs are one to a decoder, and so they are here.
    let half = model(&many(field(1, &[]), 16_385));
    assert!(refusal(&[half.clone(), half].concat()).contains("32768 nodes"));
}

#[test]
fn what_is_no_protocol_buffer_is_refused_where_it_stops_being_one() {
    for (bytes, told) in [
        (&[0x3A, 5, 0][..], "field 7 claims 5 bytes where 1 are left"),
        (&[0x3A], "ends in a number"),
        (&[0x3A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], "claims 18446744073709551615 bytes"),
        (&[0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02], "more than 64 bits"),
        (&[0x0B, 0x0C], "is a group"),
        (&[0x0F], "unknown kind 7"),
        (&[0x00, 0x00], "0 is no number of a field"),
        (&[0x3D, 0, 0, 0], "field 7 claims 4 bytes where 3 are left"),
        (&[0x79, 0], "field 15 claims 8 bytes where 1 are left"),
        (&[0x3A, 3, 0x0A, 2, 0], "its Graph message is damaged at byte 2: field 1 claims 2 bytes"),
    ] {
        let said = refusal(bytes);
        assert!(said.contains(told), "{told}: {said}");
    }
}

/// What prost decodes must not be more than what was counted.
#[test]
fn a_field_that_is_decoded_is_a_field_that_is_counted() {
    let tensor = proto::Tensor {
        dims: vec![1; 9],
        float_data: vec![1.0; 100],
        int32_data: vec![1; 100],
        int64_data: vec![1; 100],
        name: "n".repeat(50),
        raw_data: vec![0; 500],
        double_data: vec![1.0; 100],
        uint64_data: vec![1; 100],
        external_data: vec![proto::Entry { key: "k".repeat(10), value: "v".repeat(30) }; 2],
        ..Default::default()
    };
    let attribute = proto::Attribute {
        name: "a".repeat(50),
        s: vec![0; 100],
        t: Some(tensor.clone()),
        floats: vec![1.0; 100],
        ints: vec![1; 100],
        ..Default::default()
    };
    let node = proto::Node {
        input: vec!["i".repeat(20); 10],
        output: vec!["o".repeat(20); 10],
        name: "n".repeat(100),
        op_type: "t".repeat(100),
        domain: "d".repeat(100),
        attribute: vec![attribute; 3],
    };
    let axis = proto::Dimension { value: Some(proto::Length::Name("axis".repeat(20))) };
    let shape = proto::TensorShape { dim: vec![axis; 4] };
    let of = proto::Type { tensor_type: Some(proto::TensorType { elem_type: 1, shape: Some(shape) }) };
    let value = proto::ValueInfo { name: "v".repeat(100), r#type: Some(of) };
    let graph = proto::Graph {
        node: vec![node; 2],
        name: "g".repeat(100),
        initializer: vec![tensor; 2],
        input: vec![value.clone(); 2],
        output: vec![value; 2],
    };
    let operators = proto::OperatorSet { domain: "x".repeat(100), version: 17 };
    let text = || "p".repeat(100);
    let model = proto::Model {
        ir_version: 8,
        producer_name: text(),
        producer_version: text(),
        doc_string: text(),
        graph: Some(graph),
        opset_import: vec![operators; 2],
    };
    let bytes = model.encode_to_vec();
    let mut scan = Scan { bytes: &bytes, counts: [0; Count::ALL.len()], decoded: 0 };
    scan.message(&MODEL, 0, bytes.len()).unwrap();
    // Tensors: two, and one in each attribute. Numbers: dims, both lists and the attribute's.
    assert_eq!(scan.counts, [2, 6, 2, 4, 16, 40, 2, 8 * 309 + 6 * 100, 16]);
    let names = 40 * 20 + 2 * 300 + 6 * 50 + 100 + 8 * 50 + 4 * 100 + 16 * 80 + 2 * 100 + 16 * 40;
    let bytes = 6 * 100 + 8 * 500 + 3 * 100;
    let lists = 2 * (8 * (8 * 309 + 6 * 100) + 8 * 400 + 6 * 400 + 8 * 800 + 24 * 40);
    let messages = 2
        * (2 * size_of::<proto::Node>()
            + 6 * size_of::<proto::Attribute>()
            + 2 * size_of::<proto::Tensor>()
            + 4 * size_of::<proto::ValueInfo>()
            + 16 * size_of::<proto::Dimension>()
            + 16 * size_of::<proto::Entry>()
            + 2 * size_of::<proto::OperatorSet>());
    assert_eq!(scan.decoded, (names + bytes + lists + messages) as u64);
}

#[test]
fn numbers_that_grow_are_bounded_by_the_files_size() {
    // Floats of five bytes each become four, doubled while the list grows: always within the bound.
    let floats = model(&field(5, &[4 << 3 | 5, 0, 0, 0, 0].repeat(1 << 20)));
    assert_eq!(check(&floats), Ok(()));
    // Attributes of two bytes become more than 200 each, and numbers of one byte eight.
    let attributes = field(1, &field(5, &[]).repeat(8)).repeat(16_000);
    let numbers = field(5, &field(1, &[1; 4 << 20]));
    let said = refusal(&model(&[attributes, numbers].concat()));
    assert!(said.contains("times its size"), "{said}");
}
