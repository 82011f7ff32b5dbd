//! `compare`, `lab`, `zoo` and `sweep` as scripts see them, measured for real on small networks.

use crate::program::{json, output, said, store_in};
use serde_json::Value;
use shufflescope_engine::device::{DeviceId, Machine};
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::store::{RunContext, Store};

#[test]
fn compare_says_which_is_faster_and_fails_only_where_it_was_asked_to() {
    let data = tempfile::tempdir().unwrap();
    let common = ["--input", "64", "--threads", "1", "--processes", "1", "--json"];
    let args =
        |a: &'static str, b: &'static str, more: &[&'static str]| [&["compare", a, b][..], &common, more].concat();
    // Ten times the mult-adds: slower on any machine, however busy.
    let result = output(data.path(), &args("shufflenet-v2-x0.5", "shufflenet-v2-x2.0", &["--fail-if-slower", "5%"]));
    assert_eq!(result.status.code(), Some(1), "{}", said(&result));
    assert!(said(&result).contains("is slower than"), "{}", said(&result));
    let report: Value = serde_json::from_slice(&result.stdout).unwrap();
    assert_eq!(report["comparison"]["verdict"], "slower");
    assert!(report["comparison"]["low"].as_f64().unwrap() > 1.05, "{}", report["comparison"]);
    assert_eq!(report["limit"]["is_slower"], true);
    assert!(report["noise_floor"].as_f64().is_some());
    assert!(report["layers"]["rows"].as_array().unwrap().len() > 100);
    assert!(report["layers"]["rows"][0]["a"]["time_ns"].as_u64().unwrap() > 0);
    // The floor is kept for the next time.
    let store = store_in(data.path());
    let context = RunContext::new(Machine::detect().cpu_model.as_deref(), &RunOptions::new(DeviceId::Cpu, 1, 1));
    let floor = Store::open(store.parent().unwrap()).unwrap().store.floor(&context).unwrap();
    assert_eq!(floor.map(|floor| floor.share), report["noise_floor"].as_f64());

    let report = json(data.path(), &args("shufflenet-v2-x2.0", "shufflenet-v2-x0.5", &["--fail-if-slower", "5%"]));
    assert_eq!(report["comparison"]["verdict"], "faster");
    let wrong = output(data.path(), &["compare", "shufflenet-v2-x0.5", "shufflenet-v9"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", said(&wrong));
}

#[test]
fn an_experiment_has_cells_with_rates_and_a_verdict() {
    let data = tempfile::tempdir().unwrap();
    let result = json(data.path(), &["lab", "g4", "--threads", "1", "--processes", "2", "--json"]);
    let cells = result["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 4);
    for cell in cells {
        let (rate, time) = (&cell["ours"]["batches_per_second"], &cell["ours"]["latency"]["median_ns"]);
        assert!((rate.as_f64().unwrap() * time.as_f64().unwrap() / 1e9 - 1.0).abs() < 1e-6, "{cell}");
        assert!(cell["paper_gpu"]["rate"].as_f64().unwrap() > 1000.0, "{cell}");
    }
    assert!(cells[0]["ours_ratio"].is_null() && cells[3]["ours_ratio"]["low"].is_f64());
    assert!(["holds", "does-not-hold", "undecided"].contains(&result["verdict"].as_str().unwrap()), "{result}");
    let wrong = output(data.path(), &["lab", "g5"]);
    assert!(wrong.status.code() == Some(2) && said(&wrong).contains("known: g1"), "{}", said(&wrong));
}

#[test]
fn figure_2_has_our_shares_beside_the_papers() {
    let data = tempfile::tempdir().unwrap();
    let figure = json(data.path(), &["zoo", "--figure-2", "--threads", "1", "--json"]);
    for pie in figure["pies"].as_array().unwrap() {
        let ours = &pie["ours"];
        let sum: f64 =
            ["conv", "data", "elemwise", "shuffle", "other"].map(|key| ours[key].as_f64().unwrap()).iter().sum();
        assert!((sum - 1.0).abs() < 1e-6, "{pie}");
        // In the fused plan depthwise layers run inside pointwise kernels; taken apart they are seen.
        assert_eq!(ours["is_split"], true, "{pie}");
        assert!(ours["depthwise"].as_f64().unwrap() > 0.01 && ours["elemwise"].as_f64().unwrap() > 0.0, "{pie}");
        assert!(pie["paper_arm"]["conv"].as_f64().unwrap() > 0.8, "{pie}");
    }
    let wrong = output(data.path(), &["zoo", "--level", "141"]);
    assert!(wrong.status.code() == Some(2) && said(&wrong).contains("40, 140, 300, 500"), "{}", said(&wrong));
}

#[test]
fn a_sweep_goes_on_where_it_was_stopped() {
    let data = tempfile::tempdir().unwrap();
    let design = data.path().join("small.toml").display().to_string();
    let toml = output(data.path(), &["designs", "--toml", "shufflenet-v2-x0.5"]);
    let text = String::from_utf8(toml.stdout).unwrap();
    let small = text.lines().map(|line| if line.starts_with("input") { "input = \"64x64\"" } else { line });
    std::fs::write(&design, small.collect::<Vec<_>>().join("\n")).unwrap();

    let results = data.path().join("sweep.jsonl").display().to_string();
    let sweep = |widths, more: &[&str]| {
        let args = ["sweep", &design, "--width", widths, "--groups", "1,5", "--threads", "1", "--json"];
        json(data.path(), &[&args, more].concat())
    };
    // In a file of its own, and in the store where none is named.
    for more in [&["--results", results.as_str()][..], &[]] {
        let first = sweep("0.5", more);
        assert_eq!(first["points"].as_array().unwrap().len(), 1);
        assert!(first["skipped"][0]["reason"].as_str().unwrap().contains("must be one of"), "{first}");
        let both = sweep("0.5,1.0", more);
        assert_eq!(both["points"].as_array().unwrap().len(), 2);
        assert_eq!(both["points"][0], first["points"][0], "a finished point is kept, not measured again");
    }
    let text = std::fs::read_to_string(&results).unwrap();
    assert_eq!(text.lines().count(), 2);
    // As if the file came from another machine, or from a version that did not say where it ran.
    for (foreign, lines) in [(text.replace("\"machine\":\"", "\"machine\":\"not "), 3), (without_contexts(&text), 3)] {
        std::fs::write(&results, foreign).unwrap();
        sweep("0.5", &["--results", &results]);
        assert_eq!(std::fs::read_to_string(&results).unwrap().lines().count(), lines, "measured again");
    }
    let wrong = output(data.path(), &["sweep", &design, "--width", "0.5..2.0"]);
    assert!(wrong.status.code() == Some(2) && said(&wrong).contains("step"), "{}", said(&wrong));
}

/// The lines as 0.1.0 wrote them.
fn without_contexts(lines: &str) -> String {
    let without = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        line.as_object_mut().unwrap().remove("context").unwrap();
        format!("{line}\n")
    };
    lines.lines().map(without).collect()
}
