//! The command line as scripts see it: exit codes, streams, JSON, bad input.

use crate::program;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use shufflescope_engine::device::Precision;
use shufflescope_engine::device::cuda::CudaError;
use shufflescope_engine::device::cuda::driver::driver_version;

/// A folder for everything of the user's.
fn home() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn stdout(args: &[&str]) -> String {
    program::stdout(home().path(), args)
}

fn json(args: &[&str]) -> Value {
    program::json(home().path(), args)
}

fn failure(code: i32, args: &[&str]) -> String {
    program::failure(home().path(), code, args)
}

fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn every_preset_is_listed() {
    let text = stdout(&["designs"]);
    for name in ["shufflenet-v2-x1.0", "shufflenet-v2-x1.0-paper", "shufflenet-v1-g3-x1.0", "mobilenet-v2-x1.0"] {
        assert!(text.lines().any(|line| line.split_whitespace().next() == Some(name)), "{name}");
    }
}

#[test]
fn devices_lists_the_cpu_and_why_others_are_missing() {
    let text = stdout(&["devices"]);
    assert!(text.contains("cpu") && text.contains("cores") && text.contains("instruction sets"), "{text}");
    let listing = json(&["devices", "--json"]);
    assert_eq!(listing["devices"][0]["id"], "cpu");
    for device in listing["devices"].as_array().unwrap() {
        for key in
            ["id", "name", "unavailable", "kind", "backend", "driver", "memory_bytes", "precisions", "timestamps"]
        {
            assert!(device.get(key).is_some(), "{key}: {device}");
        }
        assert!(text.contains(device["id"].as_str().unwrap()), "{device}: {text}");
    }
    assert!(text.contains("gpu:N is a graphics card") && text.contains("stock Candle"), "{text}");
}

#[test]
fn cost_as_json_has_the_promised_keys_and_no_measurement() {
    let profile = json(&["cost", "shufflenet-v2-x1.0", "--json"]);
    assert_eq!(profile["cost"]["total"]["params"], 2_278_604);
    assert!(profile["schema"].is_u64() && profile["machine"].is_object() && profile["design"].is_object());
    assert!(profile.get("measurement").is_none());
    for key in ["mult_adds", "memory_access", "peak_activation_bytes"] {
        assert!(profile["cost"]["total"][key].is_u64(), "{key}");
    }
    let layer = &profile["cost"]["layers"][0];
    assert_eq!((&layer["path"], &layer["op"]), (&"conv1.0".into(), &"conv 3x3 /2".into()));
    assert_eq!(layer["output"], serde_json::json!([1, 24, 112, 112]));
    for finding in profile["findings"].as_array().unwrap() {
        for key in ["guideline", "layers", "evidence", "remedy"] {
            assert!(finding.get(key).is_some(), "{key}");
        }
    }
}

#[test]
fn a_profile_in_8_bits_says_what_that_does_to_the_logits() {
    let args =
        ["profile", "shufflenet-v2-x0.5", "--mode", "live", "--input", "64", "--threads", "1", "--precision", "int8"];
    let profile = json(&[&args[..], &["--json"]].concat());
    assert_eq!(profile["measurement"]["precision"], "int8");
    let effect = &profile["measurement"]["precision_effect"];
    assert_eq!(effect["images"], 8);
    let difference = effect["relative_difference"].as_f64().unwrap();
    assert!(difference > 0.0 && difference < 0.5, "{effect}");
    let text = stdout(&args);
    assert!(text.contains("int8") && text.contains("int8 beside f32 on the same input"), "{text}");
}

#[test]
fn input_and_batch_change_the_cost() {
    let profile = json(&["cost", "shufflenet-v2-x1.0", "--input", "320x160", "--batch", "2", "--json"]);
    assert_eq!(profile["cost"]["layers"][0]["output"], serde_json::json!([2, 24, 80, 160]));
}

#[test]
fn profile_as_json_adds_up_and_is_written_to_the_output_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("profile.json").display().to_string();
    let profile = json(&[
        "profile",
        "shufflenet-v2-x0.5",
        "--mode",
        "live",
        "--input",
        "64",
        "--threads",
        "2",
        "--json",
        "--output",
        &path,
    ]);
    assert_eq!(serde_json::from_str::<Value>(&std::fs::read_to_string(&path).unwrap()).unwrap(), profile);
    let measurement = &profile["measurement"];
    assert_eq!((&measurement["threads_asked"], &measurement["batch"]), (&2.into(), &1.into()));
    // As many of them as help on this machine.
    let choice = &measurement["thread_choice"];
    assert_eq!((&choice["asked"], &choice["used"]), (&2.into(), &measurement["threads"]), "{choice}");
    assert_eq!(measurement["device"], "cpu");
    let whole = |key: &str| measurement["whole"][key].as_u64().unwrap();
    assert!(whole("min_ns") <= whole("median_ns") && whole("low_ns") <= whole("median_ns"), "{measurement}");
    assert!(whole("median_ns") <= whole("high_ns"), "{measurement}");
    let processes = measurement["processes"].as_array().unwrap();
    let all = |key: &str| processes.iter().flat_map(|process| process[key].as_array().unwrap()).collect::<Vec<_>>();
    let (undisturbed, disturbed) = (all("whole_ns"), all("set_aside"));
    let most = undisturbed.len() + disturbed.len();
    assert!((undisturbed.len()..=most).contains(&(whole("samples") as usize)), "{} of {most}", whole("samples"));
    let fastest = undisturbed.iter().copied().chain(disturbed.iter().map(|sample| &sample["whole_ns"]));
    assert!(fastest.filter_map(Value::as_u64).min() <= Some(whole("min_ns")));
    let within = |key: &str| measurement["whole"]["within_run"][key].as_u64().unwrap();
    assert!(within("low_ns") <= within("high_ns"), "{measurement}");
    // Nothing was known of this machine in this folder: five processes earn the interval.
    assert_eq!((processes.len(), &measurement["whole"]["coverage"]), (5, &0.95.into()));
    let basis = measurement["repeatability"]["basis"].as_str().unwrap();
    assert!(["processes", "assumed"].contains(&basis), "{basis}");
    assert!(measurement["whole"].get("p90_ns").is_some() && measurement["warnings"].is_array());
    let breakdown = &measurement["breakdown"];
    let kernels = breakdown["kernels"].as_array().unwrap();
    let sum: u64 = kernels.iter().map(|kernel| kernel["median_ns"].as_u64().unwrap()).sum();
    assert_eq!(breakdown["sum_ns"], sum);
    let whole = i64::try_from(breakdown["marked_whole_ns"].as_u64().unwrap()).unwrap();
    assert_eq!(i64::try_from(sum).unwrap() + breakdown["unaccounted_ns"].as_i64().unwrap(), whole);
    let overhead = breakdown["marking_overhead"].as_f64().unwrap();
    let unmarked = measurement["whole"]["median_ns"].as_f64().unwrap();
    assert!((overhead - whole as f64 / unmarked).abs() < 1e-6, "{overhead}");
    let mut measured: Vec<_> = kernels.iter().flat_map(|kernel| kernel["layers"].as_array().unwrap()).collect();
    let mut layers: Vec<_> = profile["cost"]["layers"].as_array().unwrap().iter().map(|layer| &layer["path"]).collect();
    measured.sort_by_key(|path| path.to_string());
    layers.sort_by_key(|path| path.to_string());
    assert_eq!(measured, layers);
}

#[test]
fn a_profile_for_people_names_latency_kernels_and_what_is_unaccounted() {
    let text = stdout(&["profile", "shufflenet-v2-x0.5", "--input", "32"]);
    for word in
        ["latency", "a fresh run within ±", "this run ±", "interval", "unaccounted", "marking overhead", "conv1.0"]
    {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn both_runtimes_are_shown_side_by_side() {
    let args = ["profile", "shufflenet-v2-x0.5", "--input", "64", "--threads", "1", "--runtime", "both"];
    let text = stdout(&args);
    assert!(text.contains("times the tuned one") && text.contains("ratio"), "{text}");
    let both = json(&[&args[..], &["--json"]].concat());
    assert_eq!(both["tuned"]["measurement"]["runtime"], "tuned");
    assert_eq!(both["candle"]["measurement"]["runtime"], "candle");
}

#[test]
fn a_profile_taken_apart_has_every_computing_layer_once_and_says_what_fusing_saves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layers.csv").display().to_string();
    let args = ["profile", "shufflenet-v2-x0.5", "--input", "32", "--threads", "1", "--apart"];
    let profile = json(&[&args[..], &["--json", "--output", &path]].concat());
    let apart = &profile["measurement"]["apart"];
    let layers = profile["cost"]["layers"].as_array().unwrap();
    let computing = layers.iter().filter(|layer| !["normalisation", "data"].contains(&layer["kind"].as_str().unwrap()));
    let computing: Vec<&Value> = computing.map(|layer| &layer["path"]).collect();
    let paths: Vec<&Value> = apart["layers"].as_array().unwrap().iter().map(|layer| &layer["path"]).collect();
    assert_eq!(paths, computing);
    assert!(apart["layers"].as_array().unwrap().iter().all(|layer| layer["median_ns"].is_u64()));
    assert!(apart["whole_ns"].as_u64().unwrap() > 0);
    let csv = std::fs::read_to_string(&path).unwrap();
    let share = csv.lines().next().unwrap().split(',').position(|column| column == "kernel_share_ns").unwrap();
    let shares = csv.lines().skip(1).map(|row| row.split(',').nth(share).unwrap().parse::<u64>().unwrap());
    let sum: u64 = shares.sum();
    assert_eq!(profile["measurement"]["breakdown"]["sum_ns"], sum);

    let text = stdout(&args);
    for part in ["split, apart: in proportion", "depthwise", "layers that compute take", "conv1.2"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let both = json(&[&args[..], &["--runtime", "both", "--json"]].concat());
    for (runtime, count) in [("tuned", computing.len()), ("candle", layers.len())] {
        assert_eq!(both[runtime]["measurement"]["apart"]["layers"].as_array().map(Vec::len), Some(count), "{runtime}");
    }
    let plain = json(&["profile", "shufflenet-v2-x0.5", "--input", "32", "--json"]);
    assert!(plain["measurement"]["apart"].is_null());
    assert!(stdout(&["profile", "shufflenet-v2-x0.5", "--input", "32"]).lines().all(|line| !line.contains("apart:")));
}

#[test]
fn the_instruction_set_can_be_forced_and_is_told() {
    let args = ["profile", "shufflenet-v2-x0.5", "--input", "32", "--json", "--instruction-set", "portable"];
    assert_eq!(json(&args)["measurement"]["instruction_set"], "portable");
    let elsewhere = if cfg!(target_arch = "aarch64") { "avx2" } else { "neon" };
    let said = failure(1, &["profile", "shufflenet-v2-x0.5", "--input", "32", "--instruction-set", elsewhere]);
    assert!(said.contains(elsewhere), "{said}");
}

#[test]
fn a_preset_printed_as_toml_is_a_design_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "mine.toml", &stdout(&["designs", "--toml", "mobilenet-v2-x0.6"]));
    assert_eq!(json(&["cost", &path, "--json"])["cost"]["total"]["params"], 2_217_000);
}

#[test]
fn wrong_words_on_the_command_line_are_exit_code_2_with_a_remedy() {
    assert!(failure(2, &["cost", "shufflenet-v3-x1.0"]).contains("Did you mean shufflenet-v"));
    assert!(failure(2, &["profile", "shufflenet-v2-x1.0", "--threads", "0"]).contains("from 1 to 1024"));
    assert!(failure(2, &["profile", "shufflenet-v2-x1.0", "--batch", "0"]).contains("from 1 to 1024"));
    assert!(failure(2, &["profile", "shufflenet-v2-x1.0", "--device", "gpus"]).contains("cuda:N"));
    assert!(failure(2, &["profile", "shufflenet-v2-x1.0", "--runtime", "onnx"]).contains("both"));
    assert!(failure(2, &["profile", "shufflenet-v2-x1.0", "--mode", "fast"]).contains("rigorous"));
    assert!(failure(2, &["profile", "shufflenet-v2-x1.0", "--output", "profile.txt"]).contains(".json"));
    assert!(failure(2, &["export", "shufflenet-v2-x1.0", "-o", "network.xyz"]).contains("--format"));
    assert!(failure(2, &["cost", "shufflenet-v2-x1.0", "--input", "224y"]).contains("WIDTHxHEIGHT"));
    assert!(failure(2, &["dance"]).contains("dance"));
    for model in ["shufflenet-v2-x1.0", "resnet-18"] {
        for size in ["4000000000", "224x8"] {
            assert!(failure(2, &["cost", model, "--input", size]).contains("both sides must be from 32 to 2048"));
        }
    }
    let candle = ["compare", "alexnet", "alexnet", "--device", "metal:0", "--runtime", "tuned"];
    assert!(failure(2, &candle).contains("--runtime candle"));
    for command in [&["profile", "alexnet"][..], &["compare", "alexnet", "alexnet"], &["lab", "g1"], &["zoo"]] {
        let tf32 = [command, &["--precision", "tf32"]].concat();
        let said = failure(2, &tf32);
        assert!(said.contains("tf32 on cpu") && said.contains("cuda:N"), "{tf32:?}: {said}");
    }
    let tf32 = ["sweep", "shufflenet-v2-x0.5", "--precision", "tf32"];
    assert!(failure(2, &tf32).contains("cuda:N"));
    let tf32 = ["classify", "--weights", "demo", "--precision", "tf32", "nothing.png"];
    assert!(failure(2, &tf32).contains("cuda:N"));
    for precision in ["f16", "bf16"] {
        // Whether a processor has it is its own matter.
        let has = Precision::of_processor().iter().any(|known| known.name() == precision);
        if !has {
            let said = failure(2, &["profile", "alexnet", "--precision", precision]);
            assert!(said.contains(&format!("cpu has no {precision}")), "{said}");
        }
    }
    assert!(failure(2, &["profile", "alexnet", "--precision", "f8"]).contains("known: f32, tf32, f16, bf16, int8"));
    for device in ["cpu", "gpu"] {
        let said = failure(2, &["profile", "alexnet", "--device", device, "--precision", "tf32"]);
        assert!(said.contains("does not compute in tf32") && said.contains("cuda:N"), "{said}");
    }
    let stock = ["profile", "alexnet", "--device", "gpu", "--runtime", "candle"];
    assert!(failure(2, &stock).contains("no kernels for gpu:0"));
    assert!(failure(2, &["weights", "fetch", "shufflenet-v2-x0.5", "--server", "http://"]).contains("--server"));
}

#[test]
fn a_sweep_that_cannot_be_read_or_has_nothing_to_measure_is_exit_code_2() {
    for (option, list) in [
        ("--width", "x"),
        ("--width", "0.5..2.0"),
        ("--width", "0..1:0"),
        ("--groups", "1.5"),
        ("--batch", "0"),
        ("--threads", "1,-1"),
    ] {
        let said = failure(2, &["sweep", "shufflenet-v2-x0.5", option, list]);
        assert!(said.contains(option) && said.contains("write a list such as"), "{option} {list}: {said}");
    }
    let said = failure(2, &["sweep", "shufflenet-v2-x0.5", "--width", "0.5..2.0:0.01", "--batch", "1..100"]);
    assert!(said.contains("shorten a list"), "{said}");
    let said = failure(2, &["sweep", "shufflenet-v2-x0.5", "--width", "900,901"]);
    assert!(said.contains("nothing is left to measure") && said.contains("width 901: this family has"), "{said}");
    assert!(failure(2, &["sweep", "resnet-18", "--width", "1"]).contains("of a preset or a TOML file"));
}

#[test]
fn a_file_of_another_kind_is_told_what_it_is_and_where_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let [weights, model, design] = ["a.pth", "a.onnx", "a.toml"].map(|name| file(folder.path(), name, "\u{1}"));
    let picture = file(folder.path(), "a.png", "");
    std::fs::write(&picture, b"\x89PNG\xff").unwrap();
    for command in ["cost", "profile", "sweep"] {
        let said = failure(2, &[command, &weights]);
        assert!(said.contains("a.pth` holds weights and no network") && said.contains("--weights"), "{said}");
        let said = failure(1, &[command, &picture]);
        assert!(said.contains("design cannot be used") && said.contains("a.png") && said.contains("UTF-8"), "{said}");
    }
    let output = folder.path().join("b.onnx").display().to_string();
    for command in [&["profile", "shufflenet-v2-x0.5"][..], &["export", "shufflenet-v2-x0.5", "-o", &output]] {
        for (wrong, kind) in [(&model, "a.onnx` is a model"), (&design, "a.toml` is a design")] {
            let said = failure(2, &[command, &["--weights", wrong.as_str()][..]].concat());
            assert!(said.contains("--weights") && said.contains(kind) && said.contains("safetensors"), "{said}");
        }
    }
}

#[test]
fn a_broken_design_file_is_exit_code_1_and_names_file_line_and_field() {
    let folder = tempfile::tempdir().unwrap();
    let good = stdout(&["designs", "--toml", "shufflenet-v2-x1.0"]);
    let said = failure(1, &["cost", &file(folder.path(), "syntax.toml", "name = ")]);
    assert!(said.contains("syntax.toml") && said.contains("line 1"), "{said}");
    let zero = good.replace("channels = 116", "channels = 0").replace("classes = 1000", "classes = 0");
    let said = failure(1, &["profile", &file(folder.path(), "zero.toml", &zero)]);
    assert!(said.contains("`classes` = 0") && said.contains("`stages[0].channels` = 0"), "{said}");
    let huge = good.replace("channels = 116", "channels = 4294967295");
    assert!(failure(1, &["cost", &file(folder.path(), "huge.toml", &huge)]).contains("from 1 to 8192"));
    let groups = good.replacen("groups = 1", "groups = 8", 1);
    assert!(failure(1, &["cost", &file(folder.path(), "groups.toml", &groups)]).contains("8 groups"));
    assert!(failure(1, &["cost", "missing.toml"]).contains("missing.toml"));
    let endless = file(folder.path(), "endless.toml", &"# endless\n".repeat(200_000));
    assert!(failure(1, &["cost", &endless]).contains("too large"));
    let said = failure(1, &["cost", &folder.path().join("").display().to_string()]);
    assert!(!cfg!(unix) || said.matches("it is a folder").count() == 1, "said once: {said}");
}

#[test]
fn missing_devices_weights_and_folders_are_exit_code_1_before_anything_is_measured() {
    if matches!(driver_version(), Err(CudaError::NoDriver)) {
        let said = failure(1, &["profile", "shufflenet-v2-x1.0", "--device", "cuda:0"]);
        assert!(said.contains("`cuda:0` cannot be used: ") && said.contains("NVIDIA driver"), "{said}");
    }
    let folder = tempfile::tempdir().unwrap();
    let weights = file(folder.path(), "cut.safetensors", "\u{10}");
    let said = failure(1, &["profile", "shufflenet-v2-x0.5", "--input", "32", "--weights", &weights]);
    assert!(said.contains("cut.safetensors"), "{said}");
    let nowhere = folder.path().join("missing/profile.json").display().to_string();
    assert!(failure(1, &["profile", "shufflenet-v2-x0.5", "--output", &nowhere]).contains("profile.json"));
}

#[test]
fn a_network_that_does_not_fit_into_memory_is_refused() {
    let said = failure(1, &["profile", "shufflenet-v2-164-se", "--input", "1024", "--batch", "1024"]);
    assert!(said.contains("lower batch"), "{said}");
}

#[test]
fn a_closed_pipe_ends_the_program_quietly() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_shufflescope"))
        .args(["cost", "shufflenet-v2-164-se", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "");
}

#[cfg(all(target_os = "linux", feature = "window"))]
#[test]
fn without_a_display_the_window_says_so_and_names_the_command_line() {
    for args in [&[][..], &["--renderer", "wgpu"], &["--renderer", "glow"]] {
        let said = failure(1, args);
        assert!(said.contains("display") && said.contains("shufflescope profile"), "{said}");
        assert_eq!(said.trim().lines().count(), 1, "{said}");
    }
}

#[cfg(not(feature = "window"))]
#[test]
fn a_build_without_a_window_says_so_and_what_it_can_do() {
    let said = failure(2, &[]);
    assert!(said.contains("no window") && said.contains("shufflescope cost") && said.contains("Usage:"), "{said}");
    assert!(failure(2, &["--renderer", "glow"]).contains("--renderer"));
}

#[cfg(feature = "window")]
#[test]
fn what_the_window_starts_with_is_checked_before_it_opens() {
    assert!(failure(2, &["--device", "gpu:0", "--runtime", "candle"]).contains("candle"));
    assert!(
        failure(2, &["--precision", "tf32"]).contains("tf32"),
        "the processor has no such numbers, which needs no window"
    );
    assert!(failure(2, &["--threads", "0"]).contains("--threads"));
    let said = failure(2, &["--renderer", "directx"]);
    assert!(said.contains("wgpu") && said.contains("glow"), "{said}");
    assert!(failure(2, &["--renderer", "glow", "designs"]).contains("--renderer"));
}

#[test]
fn help_shows_examples() {
    for command in [
        "cost", "profile", "history", "designs", "compare", "lab", "zoo", "sweep", "classify", "camera", "weights",
        "export", "train", "evaluate",
    ] {
        assert!(stdout(&[command, "--help"]).contains("Examples:"), "{command}");
    }
}

#[test]
fn the_example_designs_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/designs");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty());
    for file in files {
        stdout(&["cost", &file.display().to_string()]);
    }
}

#[test]
fn a_measured_profile_is_exported_in_the_formats_its_files_names_end_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (saved, page) = (path("a.json"), path("a.html"));
    stdout(&["profile", "shufflenet-v2-x0.5", "--input", "32", "--output", &saved, "--output", &page]);
    assert!(std::fs::read_to_string(page).unwrap().contains("shufflenet-v2-x0.5"));
    for name in ["b.csv", "b.md", "b.tex", "b.trace.json", "b.model-explorer.json", "b.html", "b.json"] {
        stdout(&["export", &saved, "-o", &path(name)]);
        assert!(std::fs::metadata(path(name)).unwrap().len() > 100, "{name}");
    }
    let read = |name| serde_json::from_str::<Value>(&std::fs::read_to_string(path(name)).unwrap()).unwrap();
    assert_eq!(read("a.json"), read("b.json"));

    let before = std::fs::read(path("b.csv")).unwrap();
    assert!(failure(1, &["export", &saved, "-o", &path("b.csv")]).contains("--force"));
    assert_eq!(std::fs::read(path("b.csv")).unwrap(), before);
    stdout(&["export", &saved, "-o", &path("b.csv"), "--force"]);
}

#[test]
fn an_exported_network_is_a_model_its_weights_run_and_its_source_names_the_layers() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    for name in ["net.onnx", "net.safetensors", "net.py"] {
        stdout(&["export", "shufflenet-v2-x0.5", "--input", "64", "-o", &path(name)]);
    }
    assert!(std::fs::metadata(path("net.onnx")).unwrap().len() > 4 * 1_366_792);
    assert!(std::fs::read_to_string(path("net.py")).unwrap().contains("nn.Conv2d"));
    stdout(&["profile", "shufflenet-v2-x0.5", "--input", "64", "--weights", &path("net.safetensors")]);
    let said = failure(1, &["profile", "shufflenet-v2-x1.0", "--input", "64", "--weights", &path("net.safetensors")]);
    assert!(said.contains("net.safetensors") && said.contains("stage2.0.branch1.2.weight"), "{said}");
}

/// A preset's ONNX file, written by the program itself.
fn onnx(folder: &Path, preset: &str) -> String {
    let path = folder.join(format!("{preset}.onnx")).display().to_string();
    stdout(&["export", preset, "--input", "64", "-o", &path]);
    path
}

#[test]
fn an_onnx_file_costs_what_the_design_costs_that_it_came_from() {
    let folder = tempfile::tempdir().unwrap();
    for preset in ["shufflenet-v2-x0.5", "shufflenet-v1-g3-x0.5", "mobilenet-v2-x0.4"] {
        let path = onnx(folder.path(), preset);
        let profile = json(&["cost", &path, "--json"]);
        let expected = json(&["cost", preset, "--input", "64", "--json"]);
        assert_eq!(profile["cost"]["total"], expected["cost"]["total"], "{preset}");
        assert_eq!((&profile["design"]["file"], &profile["design"]["name"]), (&path.clone().into(), &preset.into()));
        let found = |profile: &Value| -> Vec<Value> {
            let findings = profile["findings"].as_array().unwrap().iter();
            findings.map(|finding| finding["guideline"].clone()).collect()
        };
        assert_eq!(found(&profile), found(&expected), "{preset}");
        assert!(profile["findings"].as_array().unwrap().iter().all(|finding| finding["remedy"].is_null()));

        // Channel shuffles are reshapes to fixed sizes in ONNX; without one, any size will do.
        let other = ["--input", "128x96", "--batch", "2", "--json"];
        if preset.starts_with("mobilenet") {
            let profile = json(&[&["cost", &path][..], &other].concat());
            let expected = json(&[&["cost", preset][..], &other].concat());
            assert_eq!(profile["cost"]["total"], expected["cost"]["total"], "{preset}");
        } else {
            let said = failure(1, &[&["cost", &path][..], &other].concat());
            assert!(said.contains("made for an input of 64x64") && said.contains("128x96"), "{said}");
        }
    }
}

#[test]
fn every_command_that_takes_an_onnx_file_tells_what_is_otherwise_than_in_it() {
    let case = |name: &str| format!("{}/../fuzz/corpus/onnx/case-{name}.onnx", env!("CARGO_MANIFEST_DIR"));
    let (folder, plain, softmax) = (home(), case("00_plain"), case("02_softmax"));
    let written = folder.path().join("net.py").display().to_string();
    for command in [&["cost"][..], &["profile", "--threads", "1"], &["export", "--force", "-o", &written]] {
        let told = |model: &str| program::success(folder.path(), &[command, &[model]].concat()).1;
        assert_eq!(told(&softmax).matches("note: ").count(), 1, "{command:?}");
        assert!(told(&softmax).contains("Softmax") && !told(&plain).contains("note: "), "{command:?}");
    }
}

#[test]
fn an_onnx_file_is_profiled_and_exported_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let model = onnx(folder.path(), "shufflenet-v2-x0.5");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let saved = path("a.json");
    let profile = json(&["profile", &model, "--threads", "1", "--json", "--output", &saved]);
    assert!(profile["measurement"]["whole"]["median_ns"].as_u64().unwrap() > 0);
    assert_eq!(profile["cost"]["total"]["params"], 1_366_792);
    for name in ["b.html", "b.csv", "b.md", "b.tex", "b.trace.json", "b.model-explorer.json"] {
        stdout(&["export", &saved, "-o", &path(name)]);
        assert!(std::fs::metadata(path(name)).unwrap().len() > 100, "{name}");
    }
    for name in ["c.json", "c.html", "c.csv", "c.md", "c.tex", "c.onnx", "c.safetensors", "c.py"] {
        let output = program::output(home().path(), &["export", &model, "-o", &path(name)]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains("random"), "{name}: {said}");
    }
    assert!(failure(1, &["export", &model, "-o", &path("c.trace.json")]).contains("not measured"));
    // Its own weights came along, under the names of its layers.
    stdout(&["profile", "shufflenet-v2-x0.5", "--input", "64", "--weights", &path("c.safetensors")]);
    assert_eq!(std::fs::read(path("c.onnx")).unwrap(), std::fs::read(&model).unwrap());
    assert!(std::fs::read_to_string(path("b.html")).unwrap().contains(&model));

    // What was saved is there without the file; measuring it is not.
    std::fs::remove_file(&model).unwrap();
    stdout(&["export", &saved, "-o", &path("d.html")]);
    assert_eq!(std::fs::read(path("d.html")).unwrap(), std::fs::read(path("b.html")).unwrap());
    assert!(failure(1, &["export", &saved, "-o", &path("d.onnx")]).contains("shufflenet-v2-x0.5.onnx"));
    assert!(failure(1, &["profile", &model]).contains("shufflenet-v2-x0.5.onnx"));
}

#[test]
fn a_network_of_the_zoo_that_is_no_design_is_listed_costed_profiled_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    assert!(stdout(&["designs"]).contains("alexnet"));
    let profile = json(&["cost", "alexnet", "--json"]);
    assert_eq!(profile["design"]["network"], "alexnet");
    assert_eq!(profile["cost"]["total"]["params"], 61_100_840);
    let profile = json(&["profile", "alexnet", "--input", "224", "--json", "--output", &path("a.json")]);
    assert_eq!(profile["design"]["input"]["height"], 224);
    assert!(profile["measurement"]["whole"]["median_ns"].as_u64().unwrap() > 0);
    for name in ["a.html", "a.csv", "a.md", "a.tex", "a.trace.json"] {
        stdout(&["export", &path("a.json"), "-o", &path(name)]);
    }
    assert!(
        std::fs::read_to_string(path("a.md")).unwrap().contains("| classifier | 3 convolutions and linear layers |")
    );
    stdout(&["export", "alexnet", "-o", &path("a.py")]);
    assert!(failure(1, &["cost", "alexnet", "--input", "32"]).contains("does not fit an input of 32x32"));
    assert!(failure(2, &["cost", "alexnet", "--input", "4000"]).contains("from 32 to 2048"));
    assert!(failure(2, &["designs", "--toml", "alexnet"]).contains("not a design"));
}

#[test]
fn a_damaged_or_missing_onnx_file_is_exit_code_1_and_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    assert!(failure(1, &["cost", &file(folder.path(), "bad.onnx", "no model")]).contains("bad.onnx"));
    assert!(failure(1, &["profile", "missing.onnx"]).contains("missing.onnx"));
}

/// A pipe that nobody writes to.
#[cfg(unix)]
fn pipe(folder: &Path, name: &str) -> String {
    let path = folder.join(name);
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path.display().to_string()
}

#[cfg(unix)]
#[test]
fn a_pipe_in_place_of_a_file_is_refused_by_every_command_and_nothing_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let named = |name: &str| pipe(folder.path(), name);
    let (design, model, profile) = (named("p.toml"), named("p.onnx"), named("p.json"));
    let (weights, labels, picture) = (named("p.safetensors"), named("p.txt"), named("p.png"));
    let small = stdout(&["designs", "--toml", "shufflenet-v2-x0.5"]);
    let small = file(folder.path(), "small.toml", &small);
    let out = folder.path().join("out.html").display().to_string();
    let sweep = ["sweep", &small, "--width", "0.5", "--results", &profile];
    let commands: [&[&str]; 8] = [
        &["cost", &design],
        &["cost", &model],
        &["export", &profile, "-o", &out],
        &["classify", "--weights", &weights, "--design", &small, &picture],
        &["classify", "--weights", "demo", "--labels", &labels, &picture],
        &["classify", "--weights", "demo", &picture],
        &["camera", "run", "--source", &picture, "--seconds", "1"],
        &sweep,
    ];
    for command in commands {
        let said = failure_in_time(command);
        assert!(said.contains("pipe") || said.contains("not a regular file"), "{command:?}: {said}");
    }
}

/// What a command that must fail says; a panic where it hangs.
#[cfg(unix)]
fn failure_in_time(args: &[&str]) -> String {
    let data = tempfile::tempdir().unwrap();
    let mut command = program::command(data.path(), args);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let start = std::time::Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if start.elapsed().as_secs() < 60 => std::thread::sleep(std::time::Duration::from_millis(20)),
            None => {
                child.kill().unwrap();
                panic!("{args:?} hangs");
            }
        }
    };
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(status.code().is_some_and(|code| code == 1 || code == 2), "{args:?}: {status}: {said}");
    said
}

#[cfg(unix)]
#[test]
fn what_comes_out_of_another_command_is_told_to_go_through_a_file() {
    let binary = env!("CARGO_BIN_EXE_shufflescope");
    let script = format!("cat {} | '{binary}' cost /dev/fd/0", "/dev/null");
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("write what comes out of it to a file"), "{said}");
}

#[cfg(feature = "window")]
#[test]
fn a_file_for_the_window_has_to_be_there_and_a_subcommand_of_that_name_goes_first() {
    let home = home();
    let said = failure(2, &["missing.toml"]);
    assert!(said.contains("missing.toml") && said.contains("no such file"), "{said}");
    let said = failure(2, &["profil"]);
    assert!(said.contains("Did you mean profile?"), "{said}");
    let said = failure(2, &[home.path().to_str().unwrap()]);
    assert!(said.contains("is a folder"), "{said}");
    std::fs::write(home.path().join("designs"), "no design").unwrap();
    let output = program::command(home.path(), &["designs"]).current_dir(home.path()).output().unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("shufflenet-v2-x1.0"));
}
