mod checkpoints;
mod torch;

use std::fs;
use std::path::PathBuf;

use ::safetensors::tensor::{Dtype, TensorView};

use super::*;
use crate::graph::{Conv2d, GraphBuilder, Op, Shape, Window};
use crate::weights::{Misfit, save_safetensors};

/// Seed of `make_torchvision_logits.py`.
const SEED: u64 = 2;

/// The network whose weights are in the `tiny*` fixtures.
fn tiny() -> Graph {
    let mut builder = GraphBuilder::new("tiny", Shape::new(1, 3, 8, 8));
    let conv = Conv2d { in_channels: 3, out_channels: 4, window: Window::square(3, 1), groups: 1, bias: false };
    let value = builder.push("stem.0", Op::Conv2d(conv), &[builder.input()]).unwrap();
    let value = builder.push("stem.1", Op::BatchNorm { channels: 4, eps: 1e-5 }, &[value]).unwrap();
    let value = builder.push("pool", Op::GlobalAvgPool, &[value]).unwrap();
    builder.push("fc", Op::Linear { in_features: 4, out_features: 5, bias: true }, &[value]).unwrap();
    builder.finish()
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// A file of these bytes, and the folder that keeps it.
fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// What loading a file of these bytes for the tiny network complains about.
fn complaint(name: &str, bytes: &[u8]) -> String {
    let (_folder, path) = file(name, bytes);
    load(&path, &tiny()).unwrap_err().to_string()
}

/// A safetensors file with this header (offsets relative to its end) and data.
fn safetensors_file(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

#[test]
fn files_of_torch_save_hold_exactly_the_values_that_numpy_made() {
    let expected = Weights::seeded(&tiny(), SEED);
    assert_eq!(load(&fixture("tiny.pth"), &tiny()).unwrap(), expected);
    assert_eq!(load(&fixture("tiny_before_1_6.pth"), &tiny()).unwrap(), expected);
}

#[test]
fn an_averaged_checkpoint_of_protocol_4_holds_exactly_the_averages() {
    let mut file = WeightsFile::open(&fixture("tiny_averaged.ckpt")).unwrap();
    assert_eq!(file.load(&tiny()).unwrap(), Weights::seeded(&tiny(), SEED));
    assert_eq!(file.taken(&tiny()).unwrap().key, "state_dict_ema.module");
}

#[test]
fn half_precision_in_a_training_checkpoint_is_widened() {
    let loaded = load(&fixture("tiny_half_checkpoint.pth"), &tiny()).unwrap();
    for (name, tensor) in Weights::seeded(&tiny(), SEED).iter() {
        let half = &loaded.get(name).unwrap().values;
        for (half, full) in half.iter().zip(&tensor.values) {
            // Half a unit in the last of 11 bits; below 2^-14 the unit stays 2^-24.
            let rounding = (full.abs() / 2048.0).max(2_f32.powi(-25));
            assert!((half - full).abs() <= rounding, "{name}: {half} for {full}");
        }
    }
}

#[test]
fn a_saved_file_loads_as_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.SAFETENSORS");
    let weights = Weights::seeded(&tiny(), 9);
    save_safetensors(&weights, &path).unwrap();
    assert_eq!(load(&path, &tiny()).unwrap(), weights);
}

#[test]
fn floats_of_every_width_are_converted() {
    let graph = {
        let mut builder = GraphBuilder::new("norm", Shape::new(1, 1, 1, 1));
        builder.push("bn", Op::BatchNorm { channels: 1, eps: 0.0 }, &[builder.input()]).unwrap();
        builder.finish()
    };
    let tensors: [(&str, Dtype, &[u8]); 4] = [
        ("bn.weight", Dtype::F16, &[0x00, 0x3C]),
        ("bn.bias", Dtype::BF16, &[0x20, 0xC1]),
        ("bn.running_mean", Dtype::F32, &0.25_f32.to_le_bytes()),
        ("bn.running_var", Dtype::F64, &0.5_f64.to_le_bytes()),
    ];
    let views = tensors.map(|(name, dtype, bytes)| (name, TensorView::new(dtype, vec![1], bytes).unwrap()));
    let (_folder, path) = file("w.safetensors", &::safetensors::serialize(views, None).unwrap());
    let weights = load(&path, &graph).unwrap();
    let value = |name: &str| weights.get(name).unwrap().values[0];
    assert_eq!(tensors.map(|(name, ..)| value(name)), [1.0, -10.0, 0.25, 0.5]);
}

#[test]
fn one_error_names_every_tensor_that_does_not_fit() {
    let zeros = [0; 64];
    let view = |dtype, shape: &[usize], bytes| TensorView::new(dtype, shape.to_vec(), &zeros[..bytes]).unwrap();
    let views = [
        ("fc.weight", view(Dtype::F32, &[2, 4], 32)),
        ("fc.bias", view(Dtype::I64, &[5], 40)),
        ("stem.1.weight", view(Dtype::F32, &[4], 16)),
        ("stem.1.num_batches_tracked", view(Dtype::I64, &[], 8)),
        ("stem.7.weight", view(Dtype::U8, &[3], 3)),
    ];
    let message = complaint("other.safetensors", &::safetensors::serialize(views, None).unwrap());
    for part in [
        "other.safetensors` do not fit `tiny`:",
        "4 missing:",
        "stem.0.weight: expected [4, 3, 3, 3]",
        "stem.1.running_var: expected [4]",
        "1 of another shape:",
        "fc.weight: expected [5, 4], found [2, 4]",
        "1 not floating-point:",
        "fc.bias: expected floats [5], found I64 [5]",
        "1 unknown to the network:",
        "stem.7.weight: found U8 [3]",
    ] {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
    assert!(!message.contains("num_batches_tracked"), "{message}");
}

#[test]
fn weights_of_another_network_are_a_mismatch_for_pytorch_files_too() {
    let mut builder = GraphBuilder::new("other", Shape::new(1, 4, 1, 1));
    builder.push("fc", Op::Linear { in_features: 4, out_features: 6, bias: true }, &[builder.input()]).unwrap();
    let graph = builder.finish();
    for name in ["tiny.pth", "tiny_before_1_6.pth"] {
        let Err(WeightsError::Mismatch { mismatch, .. }) = load(&fixture(name), &graph) else { panic!("{name} fits") };
        let names = |list: &[Misfit]| list.iter().map(|misfit| misfit.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&mismatch.misshaped), ["fc.weight", "fc.bias"]);
        let mut extra = names(&mismatch.extra);
        extra.sort_unstable();
        let norm = ["stem.1.bias", "stem.1.running_mean", "stem.1.running_var", "stem.1.weight"];
        assert_eq!(extra, [&["stem.0.weight"], &norm[..]].concat());
        assert!(mismatch.missing.is_empty() && mismatch.not_float.is_empty());
    }
}

#[test]
fn a_header_that_claims_more_than_the_file_has_is_refused() {
    for claim in [17, 1 << 30, u64::MAX] {
        let message = complaint("w.safetensors", &[&claim.to_le_bytes()[..], b"{}"].concat());
        assert!(message.contains(&format!("claims {claim} bytes, the file has 10")), "{message}");
    }
}

#[test]
fn tensors_that_claim_more_than_the_file_has_are_refused() {
    let lie = r#"{"fc.bias":{"dtype":"F32","shape":[5],"data_offsets":[0,20]}}"#;
    let message = complaint("w.safetensors", &safetensors_file(lie, &[0; 19]));
    assert!(message.contains("tensors end at byte 89, the file has 88"), "{message}");
    let overflow = r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,0]}}"#;
    let message = complaint("w.safetensors", &safetensors_file(overflow, &[]));
    assert!(message.contains("header is damaged"), "{message}");
}

#[test]
fn empty_foreign_and_absent_files_are_named_in_their_error() {
    for name in ["w.safetensors", "w.pth", "w"] {
        let message = complaint(name, b"");
        assert!(message.contains(name) && message.contains("it is empty"), "{message}");
    }
    assert!(complaint("w.safetensors", b"\x10\0").contains("ends too early"));
    let message = complaint("w.pth", b"whatever it is, it has more than fifteen bytes");
    assert!(message.contains("w.pth") && message.contains("torch.save"), "{message}");
    let folder = tempfile::tempdir().unwrap();
    let absent = load(&folder.path().join("absent.pth"), &tiny()).unwrap_err();
    assert!(matches!(&absent, WeightsError::Read { .. }) && absent.to_string().contains("absent.pth"), "{absent}");
    let inside = folder.path().join("folder.pth");
    fs::create_dir(&inside).unwrap();
    assert!(load(&inside, &tiny()).unwrap_err().to_string().contains("not a regular file"));
}

#[test]
fn a_whole_module_instead_of_its_state_is_explained() {
    // The frame before PyTorch 1.6 (magic, protocol, system, object, keys) around the pickles of 7 and of {}.
    let magic = &fs::read(fixture("tiny_before_1_6.pth")).unwrap()[..15];
    let framed = |object: &[u8]| [magic, b"\x80\x02M\xe9\x03.", b"\x80\x02}.", object, b"\x80\x02]."].concat();
    assert!(complaint("w.pth", &framed(b"\x80\x02K\x07.")).contains("save `model.state_dict()` instead"));
    assert!(complaint("w.pth", &framed(b"\x80\x02}.")).contains("holds no tensors"));
}

#[test]
fn saving_where_nothing_can_be_written_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no/such/folder/w.safetensors");
    let error = save_safetensors(&Weights::seeded(&tiny(), 1), &path).unwrap_err();
    assert!(matches!(&error, WeightsError::Write { .. }) && error.to_string().contains("w.safetensors"), "{error}");
}

#[test]
fn a_tensor_with_another_number_of_values_than_its_shape_says_is_not_saved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let mut weights = Weights::default();
    weights.insert("a", WeightTensor { shape: vec![3], values: vec![1.0] });
    assert!(save_safetensors(&weights, &path).is_err());
    assert!(!path.exists());
}

#[test]
fn a_changed_byte_of_an_archive_is_an_error_that_names_the_entry() {
    for name in ["tiny.pth", "tiny_half_checkpoint.pth"] {
        let bytes = fs::read(fixture(name)).unwrap();
        let groups = WeightsFile::open(&fixture(name)).unwrap().groups;
        let used = groups[0].tensors.iter().filter(|tensor| !tensor.name.ends_with("num_batches_tracked"));
        for tensor in used {
            let mut damaged = bytes.clone();
            damaged[tensor.begin as usize] ^= 1;
            let said = complaint(name, &damaged);
            let entry = &tensor.checksum.as_ref().unwrap().entry;
            assert!(entry.contains("/data/") && said.contains(&format!("`{entry}` is damaged")), "{said}");
        }
        let mut damaged = bytes.clone();
        let at = damaged.windows(4).position(|word| word == b"stem").unwrap();
        damaged[at] ^= 1;
        let said = complaint(name, &damaged);
        assert!(said.contains("data.pkl` is damaged") && said.contains("download the file again"), "{said}");
    }
}

#[test]
fn an_archive_without_checksums_is_read_as_it_is() {
    let mut bytes = fs::read(fixture("tiny.pth")).unwrap();
    let entries: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(b"PK\x01\x02")).collect();
    for entry in entries {
        bytes[entry + 16..entry + 20].fill(0);
    }
    let (_folder, path) = file("t.pth", &bytes);
    assert_eq!(load(&path, &tiny()).unwrap(), Weights::seeded(&tiny(), SEED));
}

#[test]
fn entries_that_lie_in_the_same_bytes_are_refused() {
    let mut bytes = fs::read(fixture("tiny.pth")).unwrap();
    let entries: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(b"PK\x01\x02")).collect();
    let header = bytes[entries[1] + 42..entries[1] + 46].to_vec();
    bytes[entries[2] + 42..entries[2] + 46].copy_from_slice(&header);
    let said = complaint("t.pth", &bytes);
    assert!(said.contains("two of its entries lie in the same bytes"), "{said}");
}
