//! Checkpoints as people save them, and what is in the place of one.

use super::torch::{Py, archive, archive_of, counter, dict, entries, state_dict, stream, zip};
use super::*;

fn weights() -> Weights {
    Weights::seeded(&tiny(), 5)
}

/// Other weights of the same network.
fn others() -> Weights {
    Weights::seeded(&tiny(), 6)
}

fn plain() -> Py {
    state_dict(&weights(), str::to_owned)
}

fn behind(prefix: &str) -> Py {
    state_dict(&weights(), |name| format!("{prefix}{name}"))
}

fn opened(name: &str, bytes: &[u8]) -> (tempfile::TempDir, WeightsFile) {
    let (folder, path) = file(name, bytes);
    let opened = WeightsFile::open(&path).unwrap();
    (folder, opened)
}

/// The weights in a file of this object, and what is said of where they were.
fn read(object: &Py) -> (Weights, Option<Taken>) {
    let (_folder, mut file) = opened("checkpoint", &archive(object, 2));
    (file.load(&tiny()).unwrap(), file.taken(&tiny()))
}

/// The key that was taken; the weights are those expected.
fn key_of(object: &Py) -> String {
    let (loaded, taken) = read(object);
    assert_eq!(loaded, weights());
    taken.map_or_else(String::new, |taken| taken.key)
}

fn optimiser() -> Py {
    let state = dict([("step", Py::Int(9)), ("exp_avg", Py::Tensor("FloatStorage", vec![2, 2], vec![0; 16]))]);
    dict([("state", Py::Numbered(vec![state])), ("param_groups", Py::List(vec![dict([("lr", Py::Int(0))])]))])
}

#[test]
fn every_protocol_in_both_containers_holds_the_same_weights_whatever_the_file_is_called() {
    for protocol in 2..=5 {
        for name in ["w.pth", "checkpoint.pth.tar", "last.ckpt", "pytorch_model.bin", "weights", "w.safetensors"] {
            for bytes in [archive(&plain(), protocol), stream(&plain(), protocol)] {
                let (_folder, path) = file(name, &bytes);
                assert_eq!(load(&path, &tiny()).unwrap(), weights(), "{name}, protocol {protocol}");
            }
        }
    }
}

#[test]
fn tensors_are_found_under_any_key_beside_whatever_a_training_keeps() {
    assert_eq!(key_of(&plain()), "");
    for key in ["state_dict", "model_state_dict", "net", "model", "weights_of_the_best"] {
        let accuracy = Py::Tensor("FloatStorage", vec![], 0_f32.to_le_bytes().to_vec());
        let checkpoint = dict([
            ("epoch", Py::Int(3)),
            ("arch", Py::Text("tiny")),
            ("best_acc1", accuracy),
            ("optimizer", optimiser()),
            ("lr_scheduler", Py::None),
            (key, plain()),
        ]);
        assert_eq!(key_of(&checkpoint), key);
    }
    assert_eq!(
        key_of(&dict([("checkpoint", dict([("last", dict([("state_dict", plain())]))]))])),
        "checkpoint.last.state_dict"
    );
    assert_eq!(key_of(&Py::List(vec![plain(), optimiser(), Py::Int(3)])), "[0]");
}

#[test]
fn averages_are_taken_before_what_they_are_the_average_of_and_it_is_said() {
    let averaged = || {
        let mut of = entries(&weights(), |name| format!("module.{name}"));
        of.push(("n_averaged".into(), counter()));
        Py::Dict(of)
    };
    let raw = || state_dict(&others(), |name| format!("module.{name}"));
    for (ema, model, taken) in [
        ("model_ema", "model", "model_ema.module"),
        ("state_dict_ema", "state_dict", "state_dict_ema.module"),
        ("ema", "model", "ema.module"),
    ] {
        for checkpoint in [dict([(model, raw()), (ema, averaged())]), dict([(ema, averaged()), (model, raw())])] {
            let (loaded, said) = read(&checkpoint);
            let said = said.unwrap();
            assert_eq!((loaded, said.key.as_str(), said.is_averaged), (weights(), taken, true));
            let others = format!("{model}.module");
            assert_eq!(said.others, std::slice::from_ref(&others));
            let text =
                format!("the tensors under `{taken}` are taken, a moving average of the training; `{others}` would");
            assert!(said.to_string().starts_with(&text), "{said}");
        }
    }
    // In place of the weights.
    assert!(read(&dict([("ema", plain()), ("epoch", Py::Int(1))])).1.unwrap().is_averaged);
    assert!(read(&averaged()).1.unwrap().is_averaged);
}

#[test]
fn a_key_chooses_among_several_and_a_wrong_one_is_told_what_there_is() {
    let checkpoint = dict([("state_dict", state_dict(&others(), str::to_owned)), ("state_dict_ema", plain())]);
    let open = || opened("c", &archive(&checkpoint, 2));
    let (_folder, file) = open();
    let mut chosen = file.only("state_dict").unwrap();
    assert_eq!(chosen.load(&tiny()).unwrap(), others());
    assert_eq!(chosen.taken(&tiny()).unwrap().others, [""; 0]);
    let (_folder, file) = open();
    let said = file.only("ema").unwrap_err().to_string();
    assert!(said.contains("no tensors under `ema`") && said.contains("`state_dict_ema`, `state_dict`"), "{said}");
}

#[test]
fn what_wrappers_put_in_front_of_names_is_taken_off() {
    for prefix in [
        "module.",
        "_orig_mod.",
        "model.",
        "module._orig_mod.",
        "_orig_mod.module.",
        "model._orig_mod.module.",
        "a_name_of_their_own.",
        "module.module.",
    ] {
        key_of(&behind(prefix));
        key_of(&dict([("state_dict", behind(prefix))]));
    }
    // DataParallel around a part, a compiled part, and a step of every batch norm.
    let inside =
        |part: &'static str| state_dict(&weights(), move |name| name.replace("stem.", &format!("stem.{part}.")));
    key_of(&inside("module"));
    key_of(&inside("_orig_mod"));
    let mut counted = entries(&weights(), |name| format!("module.{name}"));
    counted.push(("module.stem.1.num_batches_tracked".into(), counter()));
    counted.push(("total_ops".into(), Py::Tensor("DoubleStorage", vec![1], vec![0; 8])));
    key_of(&Py::Dict(counted));
}

#[test]
fn a_lightning_checkpoint_has_its_network_beside_its_loss() {
    let mut tensors = entries(&weights(), |name| format!("model.{name}"));
    tensors.push(("criterion.weight".into(), Py::Tensor("FloatStorage", vec![5], vec![0; 20])));
    let checkpoint = dict([
        ("epoch", Py::Int(1)),
        ("pytorch-lightning_version", Py::Text("2.4.0")),
        ("state_dict", Py::Dict(tensors)),
        ("loops", dict([("fit_loop", dict([("state_dict", dict([]))]))])),
        ("callbacks", dict([("ModelCheckpoint", dict([("best_k_models", dict([]))]))])),
        ("optimizer_states", Py::List(vec![optimiser()])),
        ("hparams_name", Py::Text("kwargs")),
        ("hyper_parameters", Py::Instance("argparse", "Namespace", vec![("lr".into(), Py::Int(1))])),
    ]);
    assert_eq!(key_of(&checkpoint), "state_dict.model");
}

#[test]
fn tensors_of_every_width_are_read_from_a_checkpoint() {
    let graph = {
        let mut builder = GraphBuilder::new("norm", Shape::new(1, 1, 1, 1));
        builder.push("bn", Op::BatchNorm { channels: 1, eps: 0.0 }, &[builder.input()]).unwrap();
        builder.finish()
    };
    let tensor = |class, bytes: &[u8]| Py::Tensor(class, vec![1], bytes.to_vec());
    let object = dict([
        ("bn.weight", tensor("HalfStorage", &[0x00, 0x3C])),
        ("bn.bias", tensor("BFloat16Storage", &[0x20, 0xC1])),
        ("bn.running_mean", tensor("FloatStorage", &0.25_f32.to_le_bytes())),
        ("bn.running_var", tensor("DoubleStorage", &0.5_f64.to_le_bytes())),
        ("bn.num_batches_tracked", counter()),
    ]);
    for bytes in [archive(&object, 2), stream(&object, 4)] {
        let (_folder, path) = file("w", &bytes);
        let weights = load(&path, &graph).unwrap();
        let value = |name: &str| weights.get(name).unwrap().values[0];
        let values = ["bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"].map(value);
        assert_eq!(values, [1.0, -10.0, 0.25, 0.5]);
    }
}

#[test]
fn prefixes_and_averages_of_safetensors_are_understood_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.bin");
    let prefixed = |of: &Weights, prefix: &str| -> Vec<(String, WeightTensor)> {
        of.iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor.clone())).collect()
    };
    let both: Weights =
        [prefixed(&weights(), "ema_model."), prefixed(&others(), "model.")].concat().into_iter().collect();
    save_safetensors(&both, &path).unwrap();
    let mut file = WeightsFile::open(&path).unwrap();
    assert_eq!(file.load(&tiny()).unwrap(), weights());
    let taken = file.taken(&tiny()).unwrap();
    assert_eq!((taken.key.as_str(), taken.is_averaged, taken.others), ("ema_model", true, vec!["model".to_owned()]));
    let compiled: Weights = prefixed(&weights(), "module._orig_mod.").into_iter().collect();
    save_safetensors(&compiled, &path).unwrap();
    assert_eq!(load(&path, &tiny()).unwrap(), weights());
}

#[test]
fn what_is_no_state_dict_is_named_with_what_to_save_instead() {
    let module = || {
        let parameters = vec![("_parameters".to_owned(), plain()), ("_modules".to_owned(), dict([]))];
        Py::Instance("models.yolo", "Model", parameters)
    };
    let quantised = dict([("stem.0.weight", Py::Quantised(vec![4, 3, 3, 3])), ("fc.scale", counter())]);
    let save = "save `model.state_dict()`";
    for (object, what, remedy) in [
        (module(), "a whole Python object (`models.yolo.Model`)", save),
        (
            dict([("epoch", Py::Int(1)), ("model", module())]),
            "a whole Python object (`models.yolo.Model`) under `model`",
            save,
        ),
        (
            dict([("epoch", Py::Int(1)), ("optimizer", optimiser()), ("best_acc1", counter())]),
            "a training checkpoint without the network's weights, only `epoch`, `optimizer`, `best_acc1`",
            save,
        ),
        (dict([("accuracy", Py::Int(1))]), "holds no tensors by name, only `accuracy`", save),
        (Py::None, "holds no tensors by name", save),
        (quantised.clone(), "quantised", "as they were before"),
        (dict([("state_dict", quantised)]), "quantised", "as they were before"),
    ] {
        for bytes in [archive(&object, 2), stream(&object, 4)] {
            let said = complaint("saved.pth", &bytes);
            assert!(said.contains("saved.pth` holds no weights that can be used: "), "{said}");
            assert!(said.contains(what) && said.contains(remedy), "{said}");
        }
    }
}

#[test]
fn other_files_that_end_like_weights_are_named_for_what_they_are() {
    let entry = |name: &str| (name.to_owned(), b"some content".to_vec());
    let script = zip(&[entry("m/data.pkl"), entry("m/code/__torch__/m.py"), entry("m/constants.pkl")], 8);
    let exported = zip(&[entry("m/archive_format"), entry("m/models/model.json"), entry("m/data/weights/w_0")], 0);
    for (bytes, said) in [
        (script, "TorchScript program"),
        (exported, "`torch.export`"),
        (zip(&[entry("fc.weight.npy"), entry("fc.bias.npy")], 0), "NumPy archive"),
        (zip(&[entry("backup/model.pth")], 8), "a zip archive with `backup/model.pth` in it; unpack it first"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 132\n".to_vec(), "`git lfs pull`"),
        (b"<!DOCTYPE html>\n<html><head><title>Google Drive".to_vec(), "web page"),
        (b"\x80\x04\x95\x0b\0\0\0\0\0\0\0}\x94\x8c\x02fc\x94K\x01s.".to_vec(), "Python wrote without `torch.save`"),
    ] {
        let complaint = complaint("model.pth", &bytes);
        assert!(complaint.contains("model.pth` holds no weights that can be used: "), "{complaint}");
        assert!(complaint.contains(said), "{complaint}");
    }
    let packed = zip(&[entry("m/data.pkl"), entry("m/version")], 8);
    let said = complaint("model.pth", &packed);
    assert!(said.contains("its entry `m/data.pkl` is compressed or encrypted"), "{said}");
}

#[test]
fn of_several_groups_that_do_not_fit_the_nearest_is_told_with_the_names_of_both_sides() {
    let accuracy = Py::Tensor("FloatStorage", vec![1, 1], vec![0; 4]);
    let renamed = state_dict(&weights(), |name| name.replace("stem.0", "stem.conv").replace("fc.", "head."));
    let checkpoint = dict([("confusion", dict([("matrix.all", accuracy)])), ("state_dict", renamed)]);
    let (_folder, file) = opened("c", &archive(&checkpoint, 2));
    let mismatch = file.compare(&tiny()).unwrap_err();
    assert_eq!(file.matching(&tiny()), (4, 7));
    let names = |list: &[Misfit]| list.iter().map(|misfit| misfit.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&mismatch.missing), ["stem.0.weight", "fc.weight", "fc.bias"]);
    assert_eq!(names(&mismatch.extra), ["head.bias", "head.weight", "stem.conv.weight"]);
    let first = mismatch.first(2);
    assert!(first.contains("stem.0.weight: the design has [4, 3, 3, 3], the file nothing"), "{first}");
    assert!(first.contains("head.bias: the design has nothing, the file [5]"), "{first}");
}

#[test]
fn a_second_classifier_of_the_training_is_left_out() {
    let mut tensors = entries(&weights(), str::to_owned);
    tensors.push(("aux1.conv.weight".into(), Py::Tensor("FloatStorage", vec![1, 1], vec![0; 4])));
    key_of(&Py::Dict(tensors));
}

#[test]
fn a_tensor_that_is_recalled_under_more_names_than_any_network_has_is_refused() {
    let with_names = |count: usize| {
        let mut pickle = b"\x80\x02ctorch._utils\n_rebuild_qtensor\n)Rq\x000}(".to_vec();
        for index in 0..count {
            let name = format!("layer.{index}");
            pickle.push(b'X');
            pickle.extend((name.len() as u32).to_le_bytes());
            pickle.extend(name.as_bytes());
            pickle.extend(b"h\x00");
        }
        pickle.extend(b"u.");
        archive_of(pickle, Vec::new())
    };
    let said = complaint("w", &with_names(3));
    assert!(said.contains("quantised"), "{said}");
    let said = complaint("w", &with_names(100_001));
    assert!(said.contains("more than 100000 tensors"), "{said}");
}
