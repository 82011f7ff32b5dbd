//! `shufflescope camera` as scripts see it: what it lists and reports, what it refuses.

use crate::program;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Output;

use serde_json::Value;
use shufflescope_engine::design::{Batch, Edit, InputSize};
use shufflescope_engine::graph::lower;
use shufflescope_engine::model_file::onnx::{BatchNorm, write_onnx};
use shufflescope_engine::weights::Weights;
use shufflescope_engine::zoo;

const JPEG: &[u8] = include_bytes!("../support/camera/red_and_blue.jpg");

fn camera(args: &[&str]) -> Output {
    program::output(tempfile::tempdir().unwrap().path(), &[&["camera"], args].concat())
}

/// The report of a short run.
fn report(source: &str, seconds: &str, more: &[&str]) -> Value {
    let output = camera(&[&["run", "--source", source, "--seconds", seconds, "--json"], more].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What it says on stderr; nothing on stdout, no panic, this exit code.
fn failure(code: i32, args: &[&str]) -> String {
    program::failure(tempfile::tempdir().unwrap().path(), code, &[&["camera"], args].concat())
}

#[test]
fn every_kind_of_source_is_listed() {
    let output = camera(&["list", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let listing: Value = serde_json::from_slice(&output.stdout).unwrap();
    let sources = listing["sources"].as_array().unwrap();
    for (kind, source) in [("synthetic", "synthetic"), ("folder", "folder:PATH"), ("http", "http://HOST/PATH")] {
        let listed = sources.iter().any(|line| line["kind"] == kind && line["source"] == source);
        assert!(listed, "{kind}: {listing}");
    }
    let text = String::from_utf8(camera(&["list"]).stdout).unwrap();
    assert!(text.lines().any(|line| line.starts_with("synthetic ")), "{text}");
}

#[test]
fn a_run_is_told_as_markdown_too() {
    let run = ["run", "--source", "synthetic:3", "--seconds", "0.5", "--resolution", "64x48", "--markdown"];
    let text = String::from_utf8(camera(&run).stdout).unwrap();
    assert!(text.starts_with("No network ran on synthetic:3 for 0.5 s at 64x48: "), "{text}");
    let head = "| stage | p50 | p90 |\n| --- | ---: | ---: |\n| wait | ";
    assert!(text.contains(head) && text.contains("| decode | "), "{text}");
    assert!(failure(2, &[&run[..], &["--json"]].concat()).contains("--markdown"), "one form at a time");
}

#[test]
fn a_run_on_the_synthetic_scene_reports_frames_rates_stages_and_ages() {
    let report = report("synthetic:3", "0.8", &["--resolution", "64x48", "--fps", "100"]);
    assert_eq!((&report["source"], &report["resolution"]), (&"synthetic:3".into(), &"64x48".into()));
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{value} in {report}"));
    assert!(number(&report["frames"]) > 1.0 && number(&report["shown"]) > 1.0 && number(&report["fps"]) > 0.0);
    assert!(number(&report["frames"]) >= number(&report["shown"]) + number(&report["drops"]));
    for stage in ["wait", "decode", "show"] {
        let times = &report["stages"][stage];
        assert!(number(&times["p50_ns"]) <= number(&times["p90_ns"]), "{stage}");
    }
    assert!(number(&report["age"]["p90_ns"]) > 0.0 && report["shows"].is_string());
    // Without a classifier there is nothing to say about it.
    assert!(report["stages"]["infer"].is_null() && report["stages"]["resize"].is_null() && report["top"].is_null());
}

#[test]
fn a_run_on_a_folder_leaves_out_a_broken_file_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.jpg"), &JPEG[..200]).unwrap();
    std::fs::write(folder.path().join("b.jpg"), JPEG).unwrap();
    let path = folder.path().to_str().unwrap();
    let report = report(path, "0.8", &[]);
    assert_eq!((&report["resolution"], &report["skipped"]), (&"16x16".into(), &1.into()));
    let output = camera(&["run", "--source", path, "--seconds", "0.3"]);
    let (text, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(
        text.contains("decode") && text.contains("at 16x16") && said.contains("a.jpg was left out"),
        "{text}{said}"
    );
}

#[test]
fn a_run_on_a_network_stream_that_keeps_breaking_reconnects() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://me:secret@{}/video", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let header = "HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=x\r\n\r\n--x\r\n\r\n";
            let _ = stream.write_all(&[header.as_bytes(), JPEG, b"\r\n--x\r\n"].concat());
        }
    });
    let report = report(&address, "2", &[]);
    assert!(report["reconnects"].as_u64().unwrap() >= 1 && report["frames"].as_u64().unwrap() >= 2, "{report}");
    assert!(report["last_error"].as_str().unwrap().contains("closed the stream"));
    assert!(!report.to_string().contains("secret"));
}

#[test]
fn what_cannot_be_used_says_why_at_once() {
    let empty = tempfile::tempdir().unwrap();
    let empty = empty.path().to_str().unwrap();
    for (source, expected) in [
        (empty, "no file there ends in .png"),
        ("folder:no-such-folder", "no-such-folder cannot be read"),
        ("device:no-such-camera", "no-such-camera"),
    ] {
        let said = failure(1, &["run", "--source", source, "--seconds", "600"]);
        assert!(said.contains(expected), "{said}");
    }
    for (source, expected) in [("nonsense", "is no source"), ("https://a/", "plain `http://`")] {
        let said = failure(2, &["run", "--source", source]);
        assert!(said.contains(expected), "{said}");
    }
    for source in ["http://me:secret@cam:99999/", "rtsp://me:secret@cam/", "me:secret@cam/video", "http://me:secret@"] {
        let said = failure(2, &["run", "--source", source]);
        assert!(said.contains("--source") && !said.contains("secret") && !said.contains("me:"), "{said}");
    }
    for wrong in [&["--seconds", "0"][..], &["--seconds", "nan"], &["--fps", "0"], &["--resolution", "9"]] {
        failure(2, &[&["run", "--source", "synthetic"], wrong].concat());
    }
}

#[test]
fn a_network_with_trained_weights_answers_and_one_without_is_only_timed() {
    let answered = report("synthetic", "1.5", &["--weights", "demo", "--threads", "1"]);
    let top = answered["top"].as_array().unwrap_or_else(|| panic!("{answered}"));
    assert_eq!((top.len(), &answered["design"], &answered["weights"]), (5, &"shapes".into(), &"demo".into()));
    assert!(top.iter().all(|class| class["label"].is_string() && class["probability"].is_f64()));
    assert!(answered["stages"]["infer"]["p50_ns"].as_u64().is_some_and(|time| time > 0));

    let args = ["--design", "shufflenet-v2-x0.5", "--input", "32", "--threads", "1", "--runtime", "candle"];
    let timed = report("synthetic", "1.5", &args);
    assert!(timed["top"].is_null() && timed["weights"].is_null(), "{timed}");
    assert_eq!(timed["design"], "shufflenet-v2-x0.5");
    assert!(timed["stages"]["infer"]["p90_ns"].is_u64() && timed["stages"]["resize"]["p50_ns"].is_u64());

    let said = failure(1, &["run", "--source", "synthetic", "--weights", "demo", "--design", "shufflenet-v2-x0.5"]);
    assert!(said.contains("do not fit"), "{said}");
}

#[test]
fn an_onnx_model_answers_with_the_labels_and_preprocessing_given() {
    let folder = tempfile::tempdir().unwrap();
    let edits = Edit::All(vec![Edit::Classes(3), Edit::Input(InputSize::square(32))]);
    let graph = lower(&zoo::preset("shufflenet-v2-x0.5").unwrap().apply(&edits), Batch(1)).unwrap();
    let [model, labels] = ["m.onnx", "labels.txt"].map(|name| folder.path().join(name));
    write_onnx(&graph, &Weights::seeded(&graph, 4), BatchNorm::Keep, &model).unwrap();
    std::fs::write(&labels, "circle\nsquare\nstar\n").unwrap();
    let [model, labels] = [model, labels].map(|path| path.display().to_string());
    let args =
        ["--design", &model, "--labels", &labels, "--normalize", "none", "--crop-mode", "squash", "--threads", "1"];
    let answered = report("synthetic", "1", &args);
    let top = answered["top"].as_array().unwrap_or_else(|| panic!("{answered}"));
    assert_eq!((top.len(), &answered["design"]), (3, &"m".into()));
    assert!(top.iter().all(|class| ["circle", "square", "star"].iter().any(|label| class["label"] == *label)));
    let said = failure(2, &["run", "--source", "synthetic", "--design", &model, "--std", "0"]);
    assert!(said.contains("--std") && said.contains("above 0"), "{said}");
}
