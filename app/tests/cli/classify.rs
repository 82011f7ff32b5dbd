//! `shufflescope classify` and `weights` as scripts see them.
//!
//! Seeded weights stand in for trained ones: what is looked at is that the right numbers come out, not what they mean.

use crate::program;
use std::path::{Path, PathBuf};

use serde_json::Value;
use shufflescope_engine::classify::{
    ChannelOrder, Classifier, ClassifierOptions, CropMode, Interpolation, Normalization, Picture, PreprocessingOptions,
    demo,
};
use shufflescope_engine::clock::MonotonicClock;
use shufflescope_engine::design::{Batch, Edit, InputSize};
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::device::cuda::CudaError;
use shufflescope_engine::device::cuda::driver::driver_version;
use shufflescope_engine::graph::{Graph, lower};
use shufflescope_engine::model_file::onnx::{BatchNorm, write_onnx};
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::weights::{WeightTensor, Weights, save_safetensors};
use shufflescope_engine::zoo;

/// A folder without anything in it for what is the user's.
fn home() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn stdout(args: &[&str]) -> String {
    program::stdout(home().path(), args)
}

/// Runs what must fail with this exit code; what it says on stdout and stderr.
fn failure(code: i32, args: &[&str]) -> (String, String) {
    let output = program::output(home().path(), args);
    let [out, said] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    assert!(!said.contains("panicked"), "{said}");
    (out, said)
}

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets")
}

fn sample(name: &str) -> String {
    assets().join("samples").join(name).display().to_string()
}

/// A file of seeded weights for shufflenet-v2-x0.5 with so many classes.
fn weights(folder: &Path, classes: u32) -> String {
    let design = zoo::preset("shufflenet-v2-x0.5").unwrap().apply(&Edit::Classes(classes));
    let path = folder.join(format!("w{classes}.safetensors"));
    // The seed of `engine/tests/classify/torchvision_classify.json`.
    save_safetensors(&Weights::seeded(&lower(&design, Batch(1)).unwrap(), 2), &path).unwrap();
    path.display().to_string()
}

fn indices(top: &Value) -> Vec<u64> {
    top.as_array().unwrap().iter().map(|class| class["index"].as_u64().unwrap()).collect()
}

#[test]
fn logits_and_the_top_five_are_torchvisions() {
    let folder = tempfile::tempdir().unwrap();
    let weights = weights(folder.path(), 1000);
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/classify/torchvision_classify.json");
    let fixture: Value = serde_json::from_str(&std::fs::read_to_string(fixture).unwrap()).unwrap();
    let labels = std::fs::read_to_string(assets().join("labels/imagenet.txt")).unwrap();
    let labels: Vec<&str> = labels.lines().collect();
    let names = ["harbour.jpg", "flower.png", "tiles.png"];
    for (resize, runtime) in [(256, "tuned"), (232, "candle")] {
        let pictures: Vec<String> = names.iter().map(|name| sample(name)).collect();
        let mut args = vec!["classify", "--weights", &weights, "--json", "--logits", "--runtime", runtime];
        let side = resize.to_string();
        args.extend(["--resize", &side, "--threads", "2"]);
        args.extend(pictures.iter().map(String::as_str));
        let text = stdout(&args);
        assert_eq!(text.lines().count(), names.len());
        for ((line, picture), name) in text.lines().zip(&pictures).zip(names) {
            let answer: Value = serde_json::from_str(line).unwrap();
            assert_eq!((&answer["image"], &answer["design"]), (&picture.as_str().into(), &"shufflenet-v2-x0.5".into()));
            let expected = fixture["cases"].as_array().unwrap();
            let expected = expected.iter().find(|case| case["picture"] == name && case["resize"] == resize);
            let expected: Vec<f64> =
                expected.unwrap()["logits"].as_array().unwrap().iter().map(|logit| logit.as_f64().unwrap()).collect();
            let logits = answer["logits"].as_array().unwrap().iter().map(|logit| logit.as_f64().unwrap());
            let gap = logits.zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(gap < 1e-2, "{name} at {resize}: {gap}");
            let mut order: Vec<usize> = (0..1000).collect();
            order.sort_by(|&a, &b| expected[b].total_cmp(&expected[a]));
            let found = indices(&answer["top"]);
            assert_eq!(found, order[..5].iter().map(|&index| index as u64).collect::<Vec<_>>());
            for (class, index) in answer["top"].as_array().unwrap().iter().zip(found) {
                assert_eq!(class["label"], labels[index as usize]);
                assert!(class["probability"].as_f64().is_some_and(|p| p > 0.0 && p < 1.0));
            }
        }
    }
}

#[test]
fn a_fine_tuned_head_has_numbers_or_the_labels_given() {
    let folder = tempfile::tempdir().unwrap();
    let weights = weights(folder.path(), 3);
    let text = stdout(&["classify", "--weights", &weights, "--top", "9", &sample("tiles.png")]);
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.contains("tiles.png") && text.contains("class 2"), "{text}");

    let labels = folder.path().join("labels.txt");
    std::fs::write(&labels, "circle\nsquare\nstar\n").unwrap();
    let labels = labels.display().to_string();
    let answer = stdout(&["classify", "--weights", &weights, "--labels", &labels, "--json", &sample("tiles.png")]);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let mut named: Vec<&str> =
        answer["top"].as_array().unwrap().iter().map(|class| class["label"].as_str().unwrap()).collect();
    named.sort_unstable();
    assert_eq!(named, ["circle", "square", "star"]);
    assert!(answer.get("logits").is_none());

    std::fs::write(&labels, "circle\nsquare\n").unwrap();
    let (_, said) = failure(1, &["classify", "--weights", &weights, "--labels", &labels, &sample("tiles.png")]);
    assert!(said.contains("2 labels") && said.contains("3 classes") && said.contains("labels.txt"), "{said}");
}

#[test]
fn a_bad_picture_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let weights = weights(folder.path(), 3);
    let empty = folder.path().join("empty.png");
    std::fs::write(&empty, b"").unwrap();
    let cut = folder.path().join("cut.png");
    std::fs::write(&cut, &std::fs::read(sample("flower.png")).unwrap()[..2000]).unwrap();
    let [empty, cut] = [empty, cut].map(|path| path.display().to_string());
    let args = ["classify", "--weights", &weights, "--json", &empty, &sample("tiles.png"), &cut, "none.jpg"];
    let (out, said) = failure(1, &args);
    assert_eq!(out.lines().count(), 1, "{out}");
    assert!(out.contains("tiles.png"));
    for name in ["empty.png", "cut.png", "none.jpg", "3 of 4 pictures"] {
        assert!(said.contains(name), "{name}: {said}");
    }
}

#[test]
fn without_weights_that_fit_nothing_is_said_but_what_would_fit() {
    let picture = sample("tiles.png");
    let (out, said) = failure(2, &["classify", "--design", "shufflenet-v2-x1.5", &picture]);
    assert!(out.is_empty() && said.contains("weights fetch shufflenet-v2-x1.5"), "{said}");

    let folder = tempfile::tempdir().unwrap();
    let half = weights(folder.path(), 1000);
    let (out, said) = failure(1, &["classify", "--weights", &half, "--design", "shufflenet-v2-x1.0", &picture]);
    assert!(out.is_empty() && said.contains("do not fit `shufflenet-v2-x1.0`"), "{said}");
    assert!(said.contains("the design has [58, ") && said.contains("they fit shufflenet-v2-x0.5"), "{said}");

    let mut other = Weights::default();
    let tensor = WeightTensor { shape: vec![2, 2], values: vec![0.0; 4] };
    other.insert("layer.weight", tensor);
    let other_path = folder.path().join("other.safetensors");
    save_safetensors(&other, &other_path).unwrap();
    let (_, said) = failure(1, &["classify", "--weights", &other_path.display().to_string(), &picture]);
    assert!(said.contains("they fit no network that is built in; --design takes"), "{said}");

    let graph = lower(&zoo::preset("shufflenet-v2-x0.5").unwrap(), Batch(1)).unwrap();
    let renamed: Weights = Weights::seeded(&graph, 2)
        .iter()
        .map(|(name, tensor)| (name.replace("conv5.", "last."), tensor.clone()))
        .collect();
    save_safetensors(&renamed, &other_path).unwrap();
    let other_path = other_path.display().to_string();
    let closest = "the closest is shufflenet-v2-x0.5, of which 277 of 282 tensors fit";
    let (_, said) = failure(1, &["classify", "--weights", &other_path, &picture]);
    assert!(said.contains(closest), "{said}");
    let (_, said) = failure(1, &["classify", "--weights", &other_path, "--design", "shufflenet-v2-x1.0", &picture]);
    assert!(said.contains("shufflenet-v2-x0.5 is the closest: 277 of 282 tensors fit"), "{said}");
    let (_, said) = failure(1, &["classify", "--weights", &other_path, "--design", "shufflenet-v2-x0.5", &picture]);
    assert!(said.contains("277 of 282 tensors do") && said.contains("no network that is built in is closer"), "{said}");
    assert!(
        said.contains("conv5.0.weight: the design has [") && said.contains("last.0.weight: the design has nothing")
    );

    let (_, said) = failure(1, &["classify", "--weights", "shufflenet-v2-x1.0", &picture]);
    assert!(said.contains("`shufflescope weights fetch shufflenet-v2-x1.0`"), "{said}");
    assert!(failure(2, &["classify", "--weights", "resnet", &picture]).1.contains("no weights `resnet`"));
    assert!(failure(1, &["classify", "--weights", "none.pth", &picture]).1.contains("none.pth"));
}

#[test]
fn every_wrong_kind_of_file_is_told_by_its_option_with_what_belongs_there() {
    let folder = tempfile::tempdir().unwrap();
    let weights = weights(folder.path(), 3);
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let design = zoo::preset("shufflenet-v2-x0.5").unwrap().apply(&Edit::Classes(3)).to_toml().unwrap();
    let (design, model) = (write("mine.toml", design.as_bytes()), write("model.onnx", b"\x08\x08"));
    let renamed_model = write("model.bin", b"\x08\x08\x12\x07pytorch");
    let pointer = write("large.pth", b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 132\n");
    let page = write("download.ckpt", b"<!DOCTYPE html><html><head>");
    let picture = sample("tiles.png");
    // Where both are wrong, the network is told: without it, nobody knows which weights fit.
    for (code, options, said) in [
        (1, vec!["--design", model.as_str()], "the model cannot be used"),
        (1, vec!["--design", &model, "--weights", &weights], "the model cannot be used"),
        (1, vec!["--design", "resnet-18", "--weights", &weights], "do not fit `resnet-18`: "),
        (2, vec!["--design", "resnet-18"], "--weights is missing"),
        (2, vec!["--design", &weights], "holds weights and no network"),
        (2, vec!["--design", &weights, "--weights", &design], "holds weights and no network"),
        (1, vec!["--design", &picture, "--weights", &weights], "the design cannot be used"),
        (2, vec!["--weights", &model], "model.onnx` is a model and not weights; `shufflescope export"),
        (2, vec!["--weights", &model, "--design", &design], "is a model and not weights"),
        (2, vec!["--weights", &design], "mine.toml` is a design and not weights"),
        (1, vec!["--weights", &picture], "tiles.png` holds no weights that can be used: it is a picture"),
        (1, vec!["--weights", &renamed_model], "it is an ONNX model"),
        (1, vec!["--weights", &pointer], "`git lfs pull` fetches the file"),
        (
            1,
            vec!["--weights", &page, "--design", &design],
            "download.ckpt` holds no weights that can be used: it is a web",
        ),
        (1, vec!["--weights", &weights, "--labels", &weights], "is not a list of labels"),
        (1, vec!["--weights", &weights, "--labels", "none.txt"], "cannot read the labels `none.txt`"),
        (1, vec!["--weights", "demo", "--design", &design], "leave --design out"),
        (2, vec!["--weights", &weights, "--weights-key", "ema"], "--weights-key: "),
        (2, vec!["--weights-key", "ema"], "--weights <FILE|NAME>"),
        (2, vec!["--design", &design, "--weights", &weights, "--output", "y"], "--output y: only ONNX models have"),
        (2, vec!["--weights", &weights, "--resize", "1"], "--resize 1: pictures cannot be resized to 1"),
        (2, vec!["--weights", &weights, "--crop-pct", "3"], "must be from 0.25 to 1"),
        (2, vec!["--weights", &weights, "--mean", "1,2"], "must be three numbers"),
        (2, vec!["--weights", &weights, "--normalize", "zero"], "imagenet, inception, none"),
        (2, vec!["--weights", &weights, "--input", "8"], "--input 8x8: both sides must be from 32 to 2048"),
    ] {
        let (out, complaint) = failure(code, &[&["classify", picture.as_str()][..], options.as_slice()].concat());
        assert!(out.is_empty() && complaint.contains(said), "{options:?}: {complaint}");
        assert!(!complaint.contains("TOML form"), "{options:?}: {complaint}");
    }
}

#[test]
fn without_weights_and_design_the_demo_answers() {
    let answer: Value = serde_json::from_str(&stdout(&["classify", "--json", &sample("tiles.png")])).unwrap();
    assert_eq!(answer["design"], demo::design().name);
    let top = answer["top"].as_array().unwrap();
    assert_eq!(top.len(), 5);
    assert!(top.iter().all(|class| demo::labels().any(|label| class["label"] == label)), "{answer}");
}

#[test]
fn a_wrong_command_line_is_exit_code_2_and_impossible_wishes_1() {
    let folder = tempfile::tempdir().unwrap();
    let weights = weights(folder.path(), 3);
    let picture = sample("tiles.png");
    failure(2, &["classify", "--weights", &weights]);
    failure(2, &["classify", "--weights", &weights, "--logits", &picture]);
    failure(2, &["classify", "--weights", &weights, "--top", "0", &picture]);
    failure(2, &["classify", "--weights", &weights, "--threads", "0", &picture]);
    let (_, said) = failure(2, &["classify", "--weights", &weights, "--resize", "100", &picture]);
    assert!(said.contains("from 224 to 896"), "{said}");
    if matches!(driver_version(), Err(CudaError::NoDriver)) {
        assert!(failure(1, &["classify", "--weights", &weights, "--device", "cuda:0", &picture]).1.contains("cuda"));
    }
}

#[test]
fn the_weights_that_can_be_downloaded_are_listed() {
    let text = stdout(&["weights", "list"]);
    for name in ["shufflenet-v2-x0.5", "shufflenet-v2-x2.0", "mobilenet-v2-x1.0-v2", "69.4 %", "download.pytorch.org"] {
        assert!(text.contains(name), "{text}");
    }
    let listing: Value = serde_json::from_str(&stdout(&["weights", "list", "--json"])).unwrap();
    assert_eq!(listing.as_array().unwrap().len(), 6);
    assert_eq!(listing[1]["file"], "shufflenetv2_x1-5666bf0f80.pth");
    assert!(listing[1]["path"].is_null());
    assert_eq!(listing[1]["sha256"], "5666bf0f80d1e7f8fb61f6a65742b9c27c37f3208c1f087cdcd7c1ec1aa8b848");
    assert_eq!(listing[0]["sha256"], "f707e7126e");
}

#[test]
fn a_download_that_fails_leaves_no_weights_behind() {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().display().to_string();
    assert!(failure(2, &["weights", "fetch", "resnet"]).1.contains("shufflenet-v2-x1.0"));
    assert!(failure(2, &["weights", "fetch", "shufflenet-v2-x0.5", "--server", "ftp://x"]).1.contains("https://"));
    let (_, said) = failure(2, &["weights", "fetch", "shufflenet-v2-x0.5", "--server", "http://me:secret@cam:99999/"]);
    assert!(said.contains("http://cam:99999/") && !said.contains("secret"), "{said}");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = format!("http://{free}/models");
    let (out, said) = failure(1, &["weights", "fetch", "shufflenet-v2-x0.5", "--folder", &into, "--server", &server]);
    assert!(out.is_empty() && said.contains("cannot reach"), "{said}");
    assert!(!folder.path().join("shufflenetv2_x0.5-f707e7126e.pth").exists());
}

/// A small network's graph, its file of weights and its ONNX model, all of the same weights.
fn model(folder: &Path) -> (Graph, String, String) {
    let edits = Edit::All(vec![Edit::Classes(3), Edit::Input(InputSize::square(64))]);
    let graph = lower(&zoo::preset("shufflenet-v2-x0.5").unwrap().apply(&edits), Batch(1)).unwrap();
    let weights = Weights::seeded(&graph, 4);
    let paths = ["w.bin", "m.onnx"].map(|name| folder.join(name));
    save_safetensors(&weights, &paths[0]).unwrap();
    write_onnx(&graph, &weights, BatchNorm::Keep, &paths[1]).unwrap();
    let [weights, model] = paths.map(|path| path.display().to_string());
    (graph, weights, model)
}

fn logits(args: &[&str]) -> Vec<f64> {
    let answer: Value =
        serde_json::from_str(&stdout(&[&["classify", "--json", "--logits"][..], args].concat())).unwrap();
    answer["logits"].as_array().unwrap().iter().map(|logit| logit.as_f64().unwrap()).collect()
}

fn gap(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn an_onnx_model_answers_with_its_own_weights_or_a_checkpoints() {
    let folder = tempfile::tempdir().unwrap();
    let (_, weights, model) = model(folder.path());
    let picture = sample("tiles.png");
    let by_design = logits(&["--design", "shufflenet-v2-x0.5", "--input", "64", "--weights", &weights, &picture]);
    let by_model = logits(&["--design", &model, &picture]);
    assert!(gap(&by_design, &by_model) < 1e-5, "{by_design:?} {by_model:?}");
    let with_weights = logits(&["--design", &model, "--weights", &weights, &picture]);
    assert!(gap(&by_model, &with_weights) < 1e-5, "{with_weights:?}");

    let labels = folder.path().join("labels.txt");
    std::fs::write(&labels, "circle\nsquare\nstar\n").unwrap();
    let text = stdout(&["classify", "--design", &model, "--labels", &labels.display().to_string(), &picture]);
    assert!(["circle", "square", "star"].iter().all(|label| text.contains(label)) && text.contains(" %"), "{text}");
    let answer = stdout(&["classify", "--design", &model, "--json", &picture]);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["design"], "m");
    let sum: f64 = answer["top"].as_array().unwrap().iter().map(|class| class["probability"].as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-5, "{answer}");
    std::fs::write(&labels, "circle\n").unwrap();
    let (_, said) = failure(1, &["classify", "--design", &model, "--labels", &labels.display().to_string(), &picture]);
    assert!(said.contains("m.onnx and ") && said.contains("1 labels"), "{said}");

    let by_output = logits(&["--design", &model, "--output", "logits", &picture]);
    assert!(gap(&by_model, &by_output) < 1e-9);
    let (_, said) = failure(1, &["classify", "--design", &model, "--output", "nothing", &picture]);
    assert!(said.contains("m.onnx") && said.contains("no output `nothing`") && said.contains("`logits`"), "{said}");

    let random = folder.path().join("random.onnx").display().to_string();
    stdout(&["export", "shufflenet-v2-x0.5", "-o", &random, "--input", "64"]);
    let (_, said) = failure(1, &["classify", "--design", &random, &picture]);
    assert!(said.contains("random.onnx` are random ones"), "{said}");
}

#[test]
fn the_preprocessing_is_what_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (graph, _, model) = model(folder.path());
    let picture = sample("flower.png");
    // What the network computes of the input that the options describe.
    let expected = |options: PreprocessingOptions| -> Vec<f64> {
        let options = ClassifierOptions {
            preprocessing: options,
            ..ClassifierOptions::new(RunOptions::new(DeviceId::Cpu, 1, 1))
        };
        let mut classifier = Classifier::new(&graph, &Weights::seeded(&graph, 4), &options).unwrap();
        let rgb = image::open(&picture).unwrap().into_rgb8();
        let read = Picture::new(rgb.width(), rgb.height(), rgb.into_raw()).unwrap();
        let answer = classifier.classify(&read, &MonotonicClock::new()).unwrap();
        answer.logits.iter().map(|logit| f64::from(*logit)).collect()
    };
    let usual = PreprocessingOptions::default();
    let caffe = Normalization { mean: [104.0, 117.0, 123.0], std: [1.0; 3], scale: 1.0 };
    let cases = [
        ("", usual),
        ("--normalize none", PreprocessingOptions { normalization: Normalization::NONE, ..usual }),
        ("--normalize none --scale 1", PreprocessingOptions { normalization: Normalization::BYTES, ..usual }),
        ("--normalize inception", PreprocessingOptions { normalization: Normalization::INCEPTION, ..usual }),
        ("--crop-pct 0.5", PreprocessingOptions { resize: Some(128), ..usual }),
        (
            "--crop-mode squash --interpolation bicubic",
            PreprocessingOptions { crop: CropMode::Squash, interpolation: Interpolation::Bicubic, ..usual },
        ),
        (
            "--scale 1 --mean 104,117,123 --std 1 --channel-order bgr",
            PreprocessingOptions { normalization: caffe, channels: ChannelOrder::Bgr, ..usual },
        ),
    ];
    let mut seen: Vec<Vec<f64>> = Vec::new();
    for (words, options) in cases {
        let words: Vec<&str> = words.split_whitespace().collect();
        let found = logits(&[&["--design", &model, &picture, "--threads", "1"][..], &words].concat());
        let wanted = expected(options);
        let size = wanted.iter().fold(1.0, |size: f64, logit| size.max(logit.abs()));
        assert!(gap(&found, &wanted) < 1e-4 * size, "{words:?}: {found:?} {wanted:?}");
        assert!(seen.iter().all(|other| gap(other, &found) > 1e-3), "{words:?} changes nothing");
        seen.push(found);
    }
}

#[test]
fn a_built_in_network_takes_the_weights_of_as_many_classes_as_they_have() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.pth.tar");
    let model = zoo::network("resnet-18").unwrap();
    let graph = model.graph(InputSize::square(64), Batch(1)).unwrap();
    let weights: Weights = Weights::seeded(&graph, 4)
        .iter()
        .map(|(name, tensor)| {
            let tensor = match name {
                "fc.weight" => WeightTensor { shape: vec![3, 512], values: tensor.values[..3 * 512].to_vec() },
                "fc.bias" => WeightTensor { shape: vec![3], values: tensor.values[..3].to_vec() },
                _ => tensor.clone(),
            };
            (format!("module.{name}"), tensor)
        })
        .collect();
    save_safetensors(&weights, &path).unwrap();
    let path = path.display().to_string();
    let picture = sample("tiles.png");
    let args = ["classify", "--weights", &path, "--input", "64", "--json", "--logits", &picture];
    let (answer, said) = program::success(home().path(), &args);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((&answer["design"], answer["logits"].as_array().unwrap().len()), (&"resnet-18".into(), 3));
    assert!(said.contains("checkpoint.pth.tar: the tensors under `module` are taken"), "{said}");
    let named: Value = serde_json::from_str(&stdout(&[&args[..], &["--design", "resnet-18"]].concat())).unwrap();
    assert_eq!(named["logits"], answer["logits"]);
}
