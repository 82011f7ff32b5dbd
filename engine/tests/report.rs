//! What every export says is what the profile says, and JSON reads back to an equal profile.

#![allow(clippy::unwrap_used)] // Helpers of tests panic like tests.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::Value;
use shufflescope_engine::clock::{ClockDomain, TimerQuality};
use shufflescope_engine::cost::LayerCost;
use shufflescope_engine::design::{Batch, Design, Edit, InputSize};
use shufflescope_engine::device::{CardState, Conditions, DeviceId, Precision};
use shufflescope_engine::graph::{OpKind, lower};
use shufflescope_engine::measure::{
    Apart, Circumstances, KernelLabel, LayerTime, MarkedRun, MeasureKey, Measurement, MedianRange, Mode,
    PrecisionEffect, ProcessSamples, Protocol, SPLIT_LABEL, Stop, WarmUp, Warning,
};
use shufflescope_engine::model::{Model, ModelFile};
use shufflescope_engine::model_file::onnx::{BatchNorm, write_onnx};
use shufflescope_engine::report::{
    CameraRun, ExportError, Format, FrameTimes, Origin, Profile, ProfileFileError, SCHEMA, headline, layer_rows,
    on_device, stage_rows, time_by_kind, what_fusing_saves,
};
use shufflescope_engine::runtime::{KernelPlan, RunOptions, Runtime};
use shufflescope_engine::units::{Elements, MultAdds, Nanos, Params};
use shufflescope_engine::weights::Weights;
use shufflescope_engine::zoo;

/// A profile of `model` that was costed only.
fn on_paper(model: impl Into<Model>, batch: u32) -> Profile {
    Profile::new(model, Batch(batch), None).unwrap()
}

/// A profile of `model` whose kernel `index` took `time(index)` in each of five marked runs; every third kernel computes two layers.
fn measured(model: impl Into<Model>, batch: u32, time: impl Fn(usize) -> u64) -> Profile {
    let model = model.into();
    let graph = model.graph(Batch(batch)).unwrap();
    let mut plan = KernelPlan::one_per_layer(&graph);
    let mut index = 0;
    while index + 1 < plan.kernels.len() {
        if index % 3 == 0 {
            let next = plan.kernels.remove(index + 1);
            plan.kernels[index].label += &format!(" + {}", next.label);
            plan.kernels[index].layers.extend(next.layers);
        }
        index += 1;
    }
    let warm_up = WarmUp { first_run: Nanos(9_000_000), runs: 5, time: Nanos::from_millis(60), settled: true };
    let timer = TimerQuality { precision: Nanos(20), read_cost: Nanos(25) };
    let mut process = ProcessSamples::new(warm_up, timer, 2, 1);
    let kernels: Vec<Nanos> = (0..plan.kernels.len()).map(|index| Nanos(time(index))).collect();
    let whole: Nanos = kernels.iter().copied().sum::<Nanos>() + Nanos(1_500);
    process.whole = (0..9).map(|run| Nanos(whole.0 + 10 * run)).collect();
    process.enqueue.clone_from(&process.whole);
    process.marked = vec![MarkedRun { whole, kernels, clock: ClockDomain::Host }; 5];
    process.canary = vec![Nanos(2_000_000), Nanos(2_100_000)];
    process.stopped = Some(Stop::Time);
    let options = RunOptions { runtime: Runtime::Candle, ..RunOptions::new(DeviceId::Cpu, 2, batch) };
    let circumstances = Circumstances {
        key: MeasureKey { design: model.fingerprint(), options, protocol: Protocol::of(Mode::Live) },
        kernels: KernelLabel::of(&plan, &graph),
        conditions: Conditions { others_cpu_share: Some(0.25), cpu_mhz: Some(3100), ..Conditions::default() },
        scatter: None,
    };
    let measurement = Measurement::summarise(&circumstances, &[process]).unwrap();
    Profile::of_graph(model, &graph, Some(measurement))
}

/// [`sample`] with every layer also measured apart: 300 ns the first convolution, 100 ns any other layer.
fn sample_apart() -> Profile {
    let mut profile = sample();
    let layer = |layer: &LayerCost| {
        let median = if layer.path == "conv1.0" { Nanos(300) } else { Nanos(100) };
        LayerTime { path: layer.path.clone(), median }
    };
    let layers: Vec<LayerTime> = profile.cost.layers.iter().map(layer).collect();
    let whole = layers.iter().map(|layer| layer.median).sum::<Nanos>() + Nanos(50);
    profile.measurement.as_mut().unwrap().apart = Some(Apart { layers, whole, clock: ClockDomain::Host });
    profile
}

fn preset(name: &str) -> Design {
    zoo::preset(name).unwrap()
}

/// A profile to look at, measured, with times from 1 to 30 µs.
fn sample() -> Profile {
    measured(preset("shufflenet-v2-x0.5"), 1, |index| 1_000 + (index as u64 * 7_919) % 30_000)
}

fn text(profile: &Profile, format: Format) -> String {
    String::from_utf8(profile.to_bytes(format).unwrap()).unwrap()
}

fn reread(profile: &Profile) -> Profile {
    Profile::from_json(&profile.to_bytes(Format::Json).unwrap(), "memory").unwrap()
}

#[test]
fn reports_tell_the_card_the_logits_and_the_launches_where_they_are_known() {
    let mut profile = sample();
    let before = [Format::Html, Format::Markdown].map(|format| text(&profile, format));
    assert!(before.iter().all(|text| !text.contains("multiprocessors") && !text.contains("group by group")));
    let measurement = profile.measurement.as_mut().unwrap();
    measurement.enqueue = Some(measurement.whole);
    measurement.precision = Precision::F16;
    let effect = PrecisionEffect { relative_difference: Some(0.0125), top1_changed: 0, images: 1, ranges: None };
    measurement.precision_effect = Some(effect);
    let card = CardState { sm_clock_mhz: Some(1_980), temperature_c: Some(41), readings: 3, ..CardState::default() };
    measurement.conditions.card = Some(card);
    measurement.breakdown.as_mut().unwrap().kernels[4].launches = 24;
    for format in [Format::Html, Format::Markdown] {
        let text = text(&profile, format);
        for told in [
            "1980 MHz",
            "temperature 41 °C, power unknown",
            "throttling unknown",
            "1.25 %",
            "f16 beside f32 on the same input",
            "the likeliest class stays",
            "candle goes through grouped convolutions group by group: 24 for",
        ] {
            assert!(text.contains(told), "{told}: {text}");
        }
    }
    let json: serde_json::Value = serde_json::from_str(&profile.to_json().unwrap()).unwrap();
    assert_eq!(json["measurement"]["breakdown"]["kernels"][4]["launches"], 24);
    assert_eq!(reread(&profile), profile);
}

#[test]
fn every_preset_reads_back_from_json_with_and_without_a_measurement() {
    for preset in zoo::presets() {
        for profile in [on_paper(&preset.design, 1), measured(&preset.design, 2, |index| 500 + index as u64)] {
            assert_eq!(reread(&profile), profile, "{}", preset.design.name);
        }
    }
}

/// A network that is no design: of the zoo, and out of a file.
fn others(folder: &std::path::Path) -> [Model; 2] {
    let path = folder.join("other.onnx");
    let graph = lower(&preset("shufflenet-v2-x0.5"), Batch(1)).unwrap();
    write_onnx(&graph, &Weights::seeded(&graph, 1), BatchNorm::Keep, &path).unwrap();
    [Model::from(zoo::network("alexnet").unwrap()), ModelFile::open(&path).unwrap().into()]
}

#[test]
fn networks_that_are_no_designs_read_back_and_export_everything_their_file_gone_or_not() {
    let folder = tempfile::tempdir().unwrap();
    for model in others(folder.path()) {
        let profiles = [on_paper(&model, 2), measured(&model, 1, |index| 700 + index as u64)];
        let exports = |profile: &Profile| Format::ALL.map(|format| profile.to_bytes(format).ok());
        let written = profiles.each_ref().map(exports);
        if let Model::File(file) = &model {
            std::fs::remove_file(file.path()).unwrap();
        }
        for (profile, written) in profiles.iter().zip(written) {
            let again = reread(profile);
            assert_eq!(&again, profile, "{}", model.name());
            assert_eq!(exports(&again), written, "the same bytes from what was read back");
            let missing: Vec<_> = Format::ALL.into_iter().zip(&written).filter(|(_, bytes)| bytes.is_none()).collect();
            assert!(missing.iter().all(|(format, _)| *format == Format::Trace && profile.measurement.is_none()));
            let rows = stage_rows(profile);
            assert_eq!(rows.iter().map(|row| row.mult_adds).sum::<MultAdds>(), profile.cost.total.mult_adds);
            assert_eq!(rows.iter().map(|row| row.params).sum::<Params>(), profile.cost.total.params);
        }
        let facts = headline(&profiles[0]);
        let known = if model.published().is_some() { Origin::Published } else { Origin::Unknown };
        assert!(facts.iter().any(|fact| fact.origin == known), "no accuracy is made up");
    }
}

#[test]
fn a_file_has_the_rows_of_the_design_that_it_came_from() {
    let folder = tempfile::tempdir().unwrap();
    let [_, file] = others(folder.path());
    let rows = |profile: Profile| {
        let row = |row: shufflescope_engine::report::StageRow| (row.name, row.output, row.mult_adds, row.params);
        stage_rows(&profile).into_iter().map(row).collect::<Vec<_>>()
    };
    assert_eq!(rows(on_paper(&file, 1)), rows(on_paper(preset("shufflenet-v2-x0.5"), 1)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_profile_reads_back_from_json_and_exports_everything(
        index in 0..zoo::presets().len(),
        batch in 1_u32..=64,
        side in 1_u32..=8,
        name in "[^\\p{C}]{1,40}",
        seed in prop::option::of(1_u64..1 << 40),
    ) {
        let design = zoo::presets()[index].design.apply(&Edit::Input(InputSize { height: 32 * side, width: 64 }));
        let design = design.apply(&Edit::Rename(name));
        prop_assume!(design.check().is_ok());
        let profile = match seed {
            Some(seed) => measured(&design, batch, |index| seed.rotate_left(index as u32) % (1 << 40)),
            None => on_paper(&design, batch),
        };
        prop_assert_eq!(&reread(&profile), &profile);
        for format in Format::ALL {
            match profile.to_bytes(format) {
                Ok(bytes) => prop_assert!(String::from_utf8(bytes).is_ok_and(|text| text.ends_with('\n'))),
                Err(error) => prop_assert!(format == Format::Trace && seed.is_none(), "{}", error),
            }
        }
    }
}

#[test]
fn csv_reparses_to_the_same_numbers() {
    for profile in [sample(), on_paper(preset("mobilenet-v2-x1.0"), 3)] {
        let csv = text(&profile, Format::Csv);
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
        let expected = layer_rows(&profile);
        assert_eq!(rows.len(), expected.len());
        for (row, layer) in rows.iter().zip(&expected) {
            let cost = layer.cost;
            let number = |name: &str| row[name].parse::<u64>().ok();
            assert_eq!((&row["layer"], &row["op"]), (&cost.path, &cost.op));
            assert_eq!(number("mult_adds"), Some(cost.mult_adds.0));
            assert_eq!(number("params"), Some(cost.params.0));
            assert_eq!(number("memory_access_elements"), Some(cost.memory_access.0));
            assert_eq!(number("memory_access_bytes"), Some(cost.memory_access_bytes.0));
            assert_eq!(row["flop_per_byte"].parse::<f64>().ok(), cost.arithmetic_intensity);
            let shape = ["batch", "channels", "height", "width"].map(|name| number(name).unwrap() as usize);
            assert_eq!(shape, <[usize; 4]>::from(cost.output));
            assert_eq!(number("kernel"), layer.kernel.map(|kernel| kernel.index as u64));
            assert_eq!(number("kernel_median_ns"), layer.kernel.map(|kernel| kernel.time.median.0));
            assert_eq!(row["kernel_label"], layer.kernel.map_or("", |kernel| &kernel.time.label));
        }
    }
}

/// The cells of the table under a Markdown heading.
fn markdown_table(markdown: &str, heading: &str) -> Vec<Vec<String>> {
    let section = markdown.split(&format!("## {heading}\n")).nth(1).unwrap();
    let lines = section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells = |line: &str| {
        let unescaped = line.trim_matches('|').replace("\\_", "_");
        unescaped.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    lines.skip(2).map(cells).collect()
}

#[test]
fn markdown_reparses_to_the_same_numbers() {
    let profile = sample();
    let markdown = text(&profile, Format::Markdown);
    let rows = markdown_table(&markdown, "Layers");
    let expected = layer_rows(&profile);
    assert_eq!(rows.len(), expected.len());
    for (row, layer) in rows.iter().zip(&expected) {
        let cost = layer.cost;
        assert_eq!((&row[0], &row[1], &row[2]), (&cost.path, &cost.op, &cost.output.to_string()));
        let counts = [&row[3], &row[4], &row[5]].map(|cell| cell.parse::<u64>().unwrap());
        assert_eq!(counts, [cost.mult_adds.0, cost.params.0, cost.memory_access.0]);
        assert_eq!(row[7].parse::<usize>().ok(), layer.kernel.map(|kernel| kernel.index));
        let nanos = row[8].replace('.', "").parse::<u64>().ok();
        assert_eq!(nanos, layer.kernel.filter(|kernel| kernel.is_first).map(|kernel| kernel.time.median.0));
    }
    let stages: u64 = markdown_table(&markdown, "Stages").iter().map(|row| row[7].parse::<u64>().unwrap()).sum();
    assert_eq!(stages, profile.cost.total.mult_adds.0);
}

#[test]
fn the_trace_has_one_slice_per_kernel_as_long_as_in_the_table() {
    let profile = sample();
    let breakdown = profile.measurement.as_ref().unwrap().breakdown.as_ref().unwrap();
    let trace: Value = serde_json::from_str(&text(&profile, Format::Trace)).unwrap();
    let slices: Vec<&Value> =
        trace["traceEvents"].as_array().unwrap().iter().filter(|event| event["ph"] == "X").collect();
    assert_eq!(slices.len(), breakdown.kernels.len());
    let nanos = |value: &Value| (value.as_f64().unwrap() * 1000.0).round() as u64;
    let mut end = 0;
    for (slice, kernel) in slices.iter().zip(&breakdown.kernels) {
        assert_eq!((nanos(&slice["ts"]), nanos(&slice["dur"])), (end, kernel.median.0));
        assert_eq!(slice["name"], kernel.label.as_str());
        end += kernel.median.0;
    }
    assert_eq!(end, breakdown.sum.0);
    let mult_adds: u64 = slices.iter().map(|slice| slice["args"]["mult_adds"].as_u64().unwrap()).sum();
    assert_eq!(mult_adds, profile.cost.total.mult_adds.0);
    let error = on_paper(&profile.design, 1).to_bytes(Format::Trace).unwrap_err();
    assert!(matches!(error, ExportError::NotMeasured { .. }) && error.to_string().contains("not measured"), "{error}");
}

#[test]
fn layers_measured_apart_share_their_kernels_time_in_every_format_and_the_sum_stays() {
    let profile = sample_apart();
    let sum = profile.measurement.as_ref().unwrap().breakdown.as_ref().unwrap().sum;
    // The first kernel takes 1 µs and computes conv1.0 and conv1.1, which take 300 and 100 ns apart.
    let mut reader = csv::Reader::from_reader(std::io::Cursor::new(text(&profile, Format::Csv)));
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    let cells = |row: usize| [&rows[row]["layer"], &rows[row]["apart_ns"], &rows[row]["kernel_share_ns"]];
    assert_eq!([cells(0), cells(1)], [["conv1.0", "300", "750"], ["conv1.1", "100", "250"]]);
    assert_eq!(rows.iter().map(|row| row["kernel_share_ns"].parse::<u64>().unwrap()).sum::<u64>(), sum.0);

    let markdown = text(&profile, Format::Markdown);
    let layers = markdown_table(&markdown, "Layers");
    assert_eq!([&layers[0][8..], &layers[1][8..]], [["1.000", "0.750", "0.300"], ["", "0.250", "0.100"]]);
    let kinds = markdown_table(&markdown, "Time by kind of work");
    let nanos = |cell: &String| cell.replace('.', "").parse::<u64>().unwrap();
    assert_eq!(kinds.iter().map(|row| nanos(&row[1])).sum::<u64>(), sum.0);

    let trace: Value = serde_json::from_str(&text(&profile, Format::Trace)).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let slices: Vec<&Value> = events.iter().filter(|event| event["ph"] == "X" && event["tid"] == 2).collect();
    let slice = |index: usize| (slices[index]["name"].as_str().unwrap(), slices[index]["ts"].as_f64().unwrap());
    assert_eq!([slice(0), slice(1), slice(2)], [("conv1.0", 0.0), ("conv1.1", 0.75), ("conv1.2", 1.0)]);
    assert!(events.iter().any(|event| event["args"]["name"] == format!("layers ({SPLIT_LABEL})")));

    let data: Value = serde_json::from_str(&text(&profile, Format::ModelExplorer)).unwrap();
    let value = |layer: &str| data["results"][layer]["value"].as_f64().unwrap();
    assert_eq!([value("conv1.0"), value("conv1.1")], [0.75, 0.25]);

    assert_eq!(stage_rows(&profile).iter().filter_map(|row| row.time).sum::<Nanos>(), sum);
    for format in [Format::Html, Format::Markdown, Format::Latex] {
        let (with, without) = (text(&profile, format), text(&sample(), format));
        assert!(with.contains(SPLIT_LABEL) && with.contains("fusing costs"), "{format}: {with}");
        assert!(!without.contains("apart:") && without.contains("filed under its main layer"), "{format}: {without}");
    }
}

#[test]
fn the_time_by_kind_splits_fused_kernels_only_where_layers_were_measured_apart() {
    let fused = sample();
    let of = |profile: &Profile| time_by_kind(&profile.cost.layers, profile.measurement.as_ref().unwrap()).unwrap();
    let (filed, split) = (of(&fused), of(&sample_apart()));
    assert_eq!((filed.is_split, split.is_split), (false, true));
    let sum = fused.measurement.as_ref().unwrap().breakdown.as_ref().unwrap().sum;
    assert_eq!((filed.times.values().copied().sum::<Nanos>(), split.times.values().copied().sum()), (sum, sum));
    assert!(split.times[&OpKind::Normalisation] > filed.times[&OpKind::Normalisation]);
    let least = split.sorted().last().copied().unwrap();
    assert_eq!(Some(&least.1), split.times.values().min());
}

#[test]
fn what_fusing_saves_is_the_layers_apart_less_the_kernels() {
    let mut profile = measured(preset("shufflenet-v2-x0.5"), 1, |_| 1_000);
    let measurement = profile.measurement.as_mut().unwrap();
    assert_eq!(what_fusing_saves(measurement), None);
    let layers: Vec<LayerTime> =
        profile.cost.layers.iter().map(|layer| LayerTime { path: layer.path.clone(), median: Nanos(2_000) }).collect();
    let (count, kernels) = (layers.len(), measurement.breakdown.as_ref().unwrap().kernels.len());
    assert_eq!((count, kernels), (210, 157));
    measurement.apart = Some(Apart { layers, whole: Nanos(400_000), clock: ClockDomain::Host });
    let said = "As kernels of their own the 210 layers that compute take 420 µs together, fused 157 µs: fusing saves \
                263 µs (62.6 %).";
    assert_eq!(what_fusing_saves(measurement).as_deref(), Some(said));
    measurement.breakdown.as_mut().unwrap().kernels.retain(|kernel| kernel.layers.len() == 1);
    assert!(what_fusing_saves(measurement).unwrap().contains("fuses nothing"));
}

/// As [`sample`], from a device that is fed by the host.
fn sample_on_gpu() -> Profile {
    let mut profile = sample();
    let measurement = profile.measurement.as_mut().unwrap();
    let range = |median| Some(MedianRange { median: Nanos(median), low: Nanos(median - 10), high: Nanos(median + 10) });
    (measurement.enqueue, measurement.device_time) = (Some(measurement.whole), range(4_321));
    measurement.transfer = range(7_654);
    measurement.breakdown.as_mut().unwrap().clock = ClockDomain::Device;
    let bound = Warning::LaunchBound { ratio: 1.5, device_time: Some(Nanos(4_321)) };
    measurement.warnings = vec![bound];
    profile
}

#[test]
fn device_time_enqueue_and_transfer_stand_beside_the_latency_and_every_clock_is_named() {
    let (cpu, gpu) = (sample(), sample_on_gpu());
    assert_eq!(on_device(cpu.measurement.as_ref().unwrap()), []);
    for format in [Format::Markdown, Format::Html, Format::Latex] {
        assert!(!text(&cpu, format).contains("device time"), "{format:?}");
        let text = text(&gpu, format);
        for expected in ["device time", "4.32 µs", "enqueue", "transfer", "7.65 µs"] {
            let expected = if format == Format::Latex { expected.replace('µ', "\\textmu{}") } else { expected.into() };
            assert!(text.contains(&expected), "{format:?}: {expected}");
        }
        if format != Format::Latex {
            assert!(text.contains("launch-bound") && text.contains("device clock: sum"), "{format:?}");
        }
    }
    let trace: Value = serde_json::from_str(&text(&gpu, Format::Trace)).unwrap();
    assert_eq!(
        (&trace["otherData"]["clock"], &trace["otherData"]["device_time_median_ns"]),
        (&"device".into(), &4_321.into())
    );
    assert!(trace["traceEvents"][1]["args"]["name"].as_str().unwrap().ends_with("(device clock)"));
    let clocks = |profile: &Profile| {
        let csv = text(profile, Format::Csv);
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
        rows.into_iter().map(|mut row| row.remove("kernel_clock").unwrap()).collect::<BTreeSet<String>>()
    };
    assert_eq!(clocks(&cpu), BTreeSet::from(["host".into()]));
    assert_eq!(clocks(&gpu), BTreeSet::from(["device".into()]));
    assert_eq!(clocks(&on_paper(cpu.design.clone(), 1)), BTreeSet::from([String::new()]));
}

#[test]
fn an_unknown_device_time_is_said_to_be_unknown() {
    let mut gpu = sample_on_gpu();
    gpu.measurement.as_mut().unwrap().device_time = None;
    let facts = on_device(gpu.measurement.as_ref().unwrap());
    assert_eq!((facts[0].name, facts[0].value.as_str()), ("device time", "unknown"));
}

#[test]
fn what_fusing_saves_is_not_reckoned_over_two_clocks() {
    let mut profile = sample_apart();
    let measurement = profile.measurement.as_mut().unwrap();
    measurement.breakdown.as_mut().unwrap().clock = ClockDomain::Device;
    assert!(what_fusing_saves(measurement).unwrap().contains("not known"));
}

#[test]
fn a_kernel_by_winograds_minimal_filtering_is_explained_on_the_page() {
    let mut profile = sample();
    assert!(!text(&profile, Format::Html).contains("Winograd"));
    let breakdown = profile.measurement.as_mut().unwrap().breakdown.as_mut().unwrap();
    breakdown.kernels[0].label = "conv 3x3 (Winograd) + relu".into();
    let html = text(&profile, Format::Html);
    assert!(html.contains("GFLOP/s; Winograd: fewer multiplications than mult-adds</title>"), "{html}");
    assert_eq!(html.matches("stroke-width=\"1.5\"").count(), 1);
}

#[test]
fn the_page_holds_the_headline_and_refers_to_nothing_elsewhere() {
    for profile in [sample(), on_paper(preset("shufflenet-v2-x1.0"), 1)] {
        let html = text(&profile, Format::Html);
        for fact in headline(&profile) {
            assert!(html.contains(&format!(">{}</span>", fact.value)), "{fact:?}");
        }
        for elsewhere in ["http:", "https:", "//", "<script", "<link", "<img", "<iframe", "@import", "url(", "src="] {
            assert!(!html.contains(elsewhere), "{elsewhere}");
        }
        for (open, close) in [("<section>", "</section>"), ("<svg", "</svg>"), ("<table", "</table>"), ("<td", "</td>")]
        {
            assert_eq!(html.matches(open).count(), html.matches(close).count(), "{open}");
        }
    }
}

#[test]
fn the_precision_is_told_where_it_is_not_32_bits() {
    let usual = sample();
    let mut half = usual.clone();
    half.measurement.as_mut().unwrap().precision = Precision::F16;
    for format in [Format::Html, Format::Markdown, Format::Trace] {
        // The name alone may also be one of an instruction set.
        let tells = |profile| ["candle, f16", "cpu, f16"].iter().any(|words| text(profile, format).contains(words));
        assert_eq!((tells(&usual), tells(&half)), (false, true), "{format}");
    }
    assert_eq!(reread(&half).measurement.unwrap().precision, Precision::F16);
}

#[test]
fn text_that_looks_like_markup_stays_text() {
    let name = "<script>&\"|_${}\\";
    let profile = on_paper(preset("shufflenet-v2-x0.5").apply(&Edit::Rename(name.into())), 1);
    assert!(text(&profile, Format::Html).contains("&lt;script&gt;&amp;&quot;|_${}\\ at"));
    assert!(text(&profile, Format::Markdown).contains("\\<script>&\"\\|\\_${}\\\\ at"));
    assert!(text(&profile, Format::Latex).contains("<script>\\&\"|\\_\\$\\{\\}\\textbackslash{} at"));
}

#[test]
fn published_figures_are_labelled_and_unknown_accuracy_says_so() {
    let origins = |profile: &Profile| -> BTreeMap<&'static str, Origin> {
        headline(profile).into_iter().map(|fact| (fact.name, fact.origin)).collect()
    };
    let preset = preset("shufflenet-v2-x1.0");
    let known = origins(&on_paper(&preset, 1));
    assert_eq!((known["top-1 error"], known["GPU speed"]), (Origin::Published, Origin::Published));
    assert_eq!(known["mult-adds"], Origin::Computed);
    assert_eq!(origins(&sample())["latency"], Origin::Measured);
    let edited = on_paper(preset.apply(&Edit::Classes(10)), 1);
    assert_eq!(origins(&edited)["accuracy"], Origin::Unknown);
    for format in [Format::Html, Format::Markdown, Format::Latex] {
        assert!(text(&edited, format).contains("unknown"), "{format}");
        assert!(!text(&edited, format).contains("Table 8"), "{format}");
    }
}

#[test]
fn the_rows_of_the_design_table_add_up_to_the_totals() {
    for preset in zoo::presets() {
        let profile = measured(&preset.design, 1, |index| 100 + index as u64);
        let (rows, total) = (stage_rows(&profile), &profile.cost.total);
        assert_eq!(rows.iter().map(|row| row.mult_adds).sum::<MultAdds>(), total.mult_adds);
        assert_eq!(rows.iter().map(|row| row.params).sum::<Params>(), total.params);
        assert_eq!(rows.iter().map(|row| row.memory_access).sum::<Elements>(), total.memory_access);
        let sum = profile.measurement.unwrap().breakdown.unwrap().sum;
        assert_eq!(rows.iter().filter_map(|row| row.time).sum::<Nanos>(), sum);
    }
}

#[test]
fn the_design_table_reads_like_the_papers_table_5() {
    let rows = stage_rows(&on_paper(preset("shufflenet-v2-x1.0"), 1));
    let row = |row: &shufflescope_engine::report::StageRow| {
        (row.name.clone(), row.map(), row.window.clone(), row.strides(), row.repeats, row.output.channels)
    };
    let expected = [
        ("conv1", "112x112", "3x3", "2", 1, 24),
        ("maxpool", "56x56", "3x3", "2", 1, 24),
        ("stage2", "28x28", "3x3", "2, then 1", 4, 116),
        ("stage3", "14x14", "3x3", "2, then 1", 8, 232),
        ("stage4", "7x7", "3x3", "2, then 1", 4, 464),
        ("conv5", "7x7", "1x1", "1", 1, 1024),
        ("global_pool", "1x1", "", "", 1, 1024),
        ("fc", "1x1", "", "", 1, 1000),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|&(name, map, window, stride, repeat, channels)| {
            (name.to_owned(), map.to_owned(), window.to_owned(), stride.to_owned(), repeat, channels)
        })
        .collect();
    assert_eq!(rows.iter().map(row).collect::<Vec<_>>(), expected);
}

#[test]
fn node_data_has_each_kernels_time_once_or_each_layers_mult_adds() {
    let profile = sample();
    let sum = |profile: &Profile| -> f64 {
        let data: Value = serde_json::from_str(&text(profile, Format::ModelExplorer)).unwrap();
        data["results"].as_object().unwrap().values().map(|result| result["value"].as_f64().unwrap()).sum()
    };
    let breakdown = profile.measurement.as_ref().unwrap().breakdown.as_ref().unwrap();
    assert!((sum(&profile) - breakdown.sum.as_f64() / 1e3).abs() < 1e-3);
    let paper = on_paper(&profile.design, 1);
    assert_eq!(sum(&paper), paper.cost.total.mult_adds.as_f64());
}

#[test]
fn a_failed_export_names_the_file_and_leaves_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let profile = on_paper(preset("shufflenet-v2-x0.5"), 1);
    let old = folder.path().join("old.trace.json");
    std::fs::write(&old, "old").unwrap();
    profile.export(Format::Trace, &old).unwrap_err();
    assert_eq!(std::fs::read_to_string(&old).unwrap(), "old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

    let missing = folder.path().join("missing/profile.html");
    let error = profile.export(Format::Html, &missing).unwrap_err().to_string();
    assert!(error.contains("missing/profile.html") && error.contains("cannot be written"), "{error}");
    profile.export(Format::Html, &old).unwrap();
    assert!(std::fs::read_to_string(&old).unwrap().starts_with("<!DOCTYPE html>"));
}

/// A writer that is full after some bytes, as a disk is.
struct Full(usize);

impl std::io::Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_an_error_of_every_exporter() {
    let profile = sample();
    for format in Format::ALL {
        let error = format.exporter().write(&profile, &mut Full(700)).unwrap_err().to_string();
        assert!(error.contains("storage"), "{format}: {error}");
    }
}

/// One file for every version of the form that was ever released; new versions add a file and never change one.
#[test]
fn saved_profiles_of_every_version_still_open() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/profiles");
    for schema in 1..=SCHEMA {
        let profile = Profile::read(&folder.join(format!("schema_{schema}.json"))).unwrap();
        assert_eq!(profile.design.name(), "tiny");
        assert_eq!(profile.measurement.unwrap().whole.samples, 9);
    }
}

/// Writes the file of the current version: `cargo test -p shufflescope-engine --test report -- --ignored`.
#[test]
#[ignore = "writes a fixture; run by hand when SCHEMA grows"]
fn write_the_fixture_of_this_version() {
    let mut design = preset("shufflenet-v2-x0.5").apply(&Edit::Rename("tiny".into()));
    design.stages.truncate(1);
    design.stages[0].repeats = 2;
    design.classes = 10;
    let mut profile = measured(&design, 1, |index| 1_000 + 37 * index as u64);
    profile.machine.cpu_model = Some("a processor".into());
    let path = format!("{}/tests/fixtures/profiles/schema_{SCHEMA}.json", env!("CARGO_MANIFEST_DIR"));
    profile.export(Format::Json, path.as_ref()).unwrap();
}

#[test]
fn what_is_no_profile_is_refused_with_file_and_field() {
    let good: Value = serde_json::from_str(&text(&sample(), Format::Json)).unwrap();
    let error = |change: &dyn Fn(&mut Value)| {
        let mut value = good.clone();
        change(&mut value);
        Profile::from_json(value.to_string().as_bytes(), "p.json").unwrap_err()
    };
    let found = error(&|value| value["schema"] = 99.into());
    assert!(matches!(found, ProfileFileError::Schema { found: 99, .. }));
    assert!(found.to_string().starts_with("p.json: has schema 99") && found.to_string().contains("newer"), "{found}");
    assert!(matches!(error(&|value| value["schema"] = "1".into()), ProfileFileError::NoSchema { .. }));

    let found = error(&|value| value["cost"]["layers"][3]["mult_adds"] = "many".into()).to_string();
    assert!(found.starts_with("p.json: `cost.layers[3].mult_adds`: invalid type"), "{found}");
    let found = error(&|value| drop(value["machine"].as_object_mut().unwrap().remove("arch"))).to_string();
    assert!(found.contains("`machine`: missing field `arch`"), "{found}");
    let found = error(&|value| value["design"]["classes"] = 0.into()).to_string();
    assert!(found.starts_with("p.json: `design`"), "{found}");
    for text in ["", "{", "[1, 2]", "null", "{\"schema\": 1}", &"[".repeat(100_000)] {
        assert!(Profile::from_json(text.as_bytes(), "p.json").unwrap_err().to_string().starts_with("p.json: "));
    }
    assert!(matches!(Profile::read("no/such.json".as_ref()), Err(ProfileFileError::Io { .. })));
}

#[test]
fn a_file_far_too_large_for_a_profile_is_not_read() {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(1 << 40).unwrap();
    let error = Profile::read(file.path()).unwrap_err().to_string();
    assert!(error.contains(&*file.path().to_string_lossy()) && error.contains("too large"), "{error}");
}

#[test]
fn a_run_behind_a_camera_is_in_what_people_read() {
    let mut profile = on_paper(zoo::preset("shufflenet-v2-x0.5").unwrap(), 1);
    for format in [Format::Markdown, Format::Html] {
        assert!(!text(&profile, format).contains("Behind a camera"));
    }
    let times = |p50| FrameTimes { p50: Nanos(p50), p90: Nanos(2 * p50) };
    profile.camera = Some(CameraRun {
        source: "device:0".into(),
        width: 640,
        height: 480,
        seconds: 2.0,
        frames: 60,
        drops: 1,
        frames_per_second: 30.0,
        camera_frames_per_second: None,
        wait: times(20_000_000),
        decode: times(1_000_000),
        resize: times(500_000),
        infer: times(2_345_678),
        show: None,
        age: None,
    });
    for (format, infer) in [(Format::Markdown, "| infer | 2345.678 | 4691.356 |"), (Format::Html, "2.35 ms")] {
        let text = text(&profile, format);
        assert!(text.contains("Behind a camera") && text.contains("device:0 at 640x480"), "{text}");
        assert!(text.contains(infer), "{text}");
    }
}
