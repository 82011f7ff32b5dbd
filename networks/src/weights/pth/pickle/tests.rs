use super::*;

fn read(bytes: &[u8]) -> Result<(Pickle<'_>, usize), String> {
    super::read(bytes, &mut { MOST_OBJECTS })
}

fn root(bytes: &[u8]) -> Object<'_> {
    read(bytes).unwrap().0.root().clone()
}

/// `{"a": (1, 2.5)}` in `bytes`, and nothing behind it.
fn assert_pair_of_numbers(bytes: &[u8]) {
    let (pickle, length) = read(bytes).unwrap();
    assert_eq!(length, bytes.len());
    let [(key, value)] = pickle.entries(pickle.root) else { panic!("{pickle:?}") };
    assert_eq!(pickle.text(*key), Some("a"));
    let parts: Vec<_> = pickle.tuple(*value).unwrap().iter().map(|&part| pickle.get(part).clone()).collect();
    assert_eq!(parts, [Object::Int(1), Object::Float(2.5)]);
}

#[test]
fn every_protocol_from_2_to_5_says_the_same() {
    // pickle.dumps({"a": (1, 2.5)}, protocol=...)
    let two = b"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01K\x01G@\x04\x00\x00\x00\x00\x00\x00\x86q\x02s.";
    let mut three = two.to_vec();
    three[1] = 3;
    let four =
        b"\x80\x04\x95\x17\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94K\x01G@\x04\x00\x00\x00\x00\x00\x00\x86\x94s.";
    let mut five = four.to_vec();
    five[1] = 5;
    for bytes in [&two[..], &three, four, &five] {
        assert_pair_of_numbers(bytes);
    }
}

#[test]
fn a_pickle_is_read_to_its_end_and_no_further() {
    assert_eq!(read(b"\x80\x02K\x07.!").unwrap().1, 5);
}

#[test]
fn the_pickles_of_a_file_share_what_they_may_hold() {
    let mut left = 3;
    for remaining in [2, 1, 0] {
        super::read(b"\x80\x02K\x01.", &mut left).unwrap();
        assert_eq!(left, remaining);
    }
    assert!(super::read(b"\x80\x02K\x01.", &mut left).unwrap_err().contains("more than"));
}

#[test]
fn integers_of_every_length_have_their_values() {
    assert_eq!(root(b"\x80\x02J\xfe\xff\xff\xff."), Object::Int(-2));
    assert_eq!(root(b"\x80\x02M\xff\xff."), Object::Int(65_535));
    assert_eq!(root(b"\x80\x02\x8a\x00."), Object::Int(0));
    assert_eq!(root(b"\x80\x02\x8a\x02\x00\x01."), Object::Int(256));
    assert_eq!(root(b"\x80\x02\x8a\x01\xff."), Object::Int(-1));
    assert_eq!(root(b"\x80\x02\x8b\x08\0\0\0\0\0\0\0\0\0\0\x80."), Object::Int(i64::MIN));
    assert_eq!(root(b"\x80\x02\x8a\x0a0123456789."), Object::Long(b"0123456789"));
}

#[test]
fn texts_of_python_2_are_texts_where_they_can_be() {
    assert_eq!(root(b"\x80\x02U\x02fc."), Object::Text("fc"));
    assert_eq!(root(b"\x80\x02U\x01\xff."), Object::Bytes(b"\xff"));
    assert_eq!(root(b"\x80\x02C\x02fc."), Object::Bytes(b"fc"));
}

#[test]
fn ordered_dicts_and_their_attributes_are_dicts() {
    // OrderedDict(), filled afterwards, then given attributes; and Python 2's, made of a list of pairs.
    let filled = b"\x80\x02ccollections\nOrderedDict\n)RX\x01\0\0\0aK\x01s}X\x09\0\0\0_metadata}sb.";
    let listed = b"\x80\x02ccollections\nOrderedDict\n](X\x01\0\0\0aK\x01\x86e\x85R.";
    for bytes in [&filled[..], listed] {
        let (pickle, _) = read(bytes).unwrap();
        assert!(matches!(pickle.root(), Object::Dict(_)), "{pickle:?}");
        let [(key, value)] = pickle.entries(pickle.root) else { panic!("{pickle:?}") };
        assert_eq!((pickle.text(*key), pickle.number(*value)), (Some("a"), Some(1)));
    }
}

#[test]
fn a_dict_that_is_filled_after_it_was_remembered_is_recalled_whole() {
    // d = {}; t = (d, d); d["a"] = 1, as the pickle of an object with a circle has it.
    let (pickle, _) = read(b"\x80\x02}q\x00X\x01\0\0\0aK\x01sh\x00\x86.").unwrap();
    let parts = pickle.tuple(pickle.root).unwrap();
    assert_eq!(parts[0], parts[1]);
    assert_eq!(pickle.entries(parts[1]).len(), 1);
}

#[test]
fn instances_are_described_and_never_made() {
    for bytes in [
        &b"\x80\x02cos\nsystem\nX\x02\0\0\0ls\x85R."[..],
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R.",
        b"\x80\x02cos\nsystem\nX\x02\0\0\0ls\x85\x81.",
        b"\x80\x02(X\x02\0\0\0lsios\nsystem\n.",
        b"\x80\x02(cos\nsystem\nX\x02\0\0\0lso.",
        b"\x80\x04cos\nsystem\nX\x02\0\0\0ls\x85}\x92.",
    ] {
        let (pickle, _) = read(bytes).unwrap();
        assert_eq!(pickle.class_name(pickle.root).as_deref(), Some("os.system"), "{bytes:?}");
        let Object::Made(made) = pickle.root() else { panic!("{pickle:?}") };
        assert_eq!(pickle.text(pickle.tuple(made.arguments).unwrap()[0]), Some("ls"));
    }
}

#[test]
fn a_text_that_claims_more_than_there_is_is_refused_before_it_is_allocated() {
    for bytes in [&b"\x80\x02X\xff\xff\xff\xffabc."[..], b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7fabc."] {
        let error = read(bytes).unwrap_err();
        assert!(error.contains("ends too early"), "{error}");
    }
}

#[test]
fn what_is_shared_or_nested_without_end_takes_no_more_than_its_bytes() {
    // A tuple, then a million times: remember it, recall it, pair the two. 2^1,000,000 objects to whoever copies.
    let mut shared = b"\x80\x02)".to_vec();
    let mut nested = shared.clone();
    for _ in 0..1_000_000 {
        shared.extend(b"q\x00h\x00\x86");
    }
    shared.push(b'.');
    let (pickle, length) = read(&shared).unwrap();
    assert_eq!((pickle.objects.len(), length), (1_000_001, shared.len()));
    nested.resize(1_000_000, 0x85);
    nested.push(b'.');
    assert_eq!(read(&nested).unwrap().0.objects.len(), 999_998);
}

#[test]
fn more_objects_than_any_network_has_are_refused() {
    let mut bytes = b"\x80\x02".to_vec();
    bytes.resize(MOST_OBJECTS + 3, b'N');
    assert!(read(&bytes).unwrap_err().contains("more than 2000000 objects"));
    // One list of pairs, given to dict after dict.
    let mut bytes = b"\x80\x02ccollections\nOrderedDict\nq\x00](".to_vec();
    bytes.extend(b"NN\x86".repeat(100_000));
    bytes.extend(b"e\x85q\x01");
    bytes.extend(b"h\x00h\x01R".repeat(1000));
    assert!(read(&bytes).unwrap_err().contains("more than 2000000 objects"));
}

#[test]
fn opcodes_without_the_operands_they_need_are_errors() {
    for bytes in [
        &b"."[..],
        b"t.",
        b"R.",
        b"s.",
        b"(s.",
        b"N(\x85.",
        b"q\x00.",
        b"\x94.",
        b"h\x00.",
        b"a.",
        b"e.",
        b"o.",
        b"(o.",
        b"b.",
        b"0.",
        b"",
        b"\x80",
        b"cmodule",
        b"NN\x93.",
        b"NNa.",
        b"NNNs.",
        b"}(Nu.",
        b"(.",
        b"X\x01\0\0\0\xff.",
        b"\xff.",
    ] {
        assert!(read(bytes).is_err(), "{bytes:?}");
    }
}
