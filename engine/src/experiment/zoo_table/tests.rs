use super::*;
use crate::clock::TimerQuality;
use crate::device::Conditions;
use crate::experiment::table_8;
use crate::measure::{Circumstances, MeasureKey, ProcessSamples, Protocol, WarmUp};
use crate::units::Nanos;

fn options() -> RunOptions {
    RunOptions { runtime: Runtime::Candle, ..RunOptions::new(DeviceId::Cpu, 2, 1) }
}

/// Ten runs of this many microseconds, on two threads.
fn measurement(micros: u64) -> Measurement {
    let warm_up = WarmUp { first_run: Nanos(9_000), runs: 10, time: Nanos(90_000), settled: true };
    let timer = TimerQuality { precision: Nanos(25), read_cost: Nanos(20) };
    let mut process = ProcessSamples::new(warm_up, timer, 2, 1);
    process.whole = vec![Nanos(micros * 1_000); 10];
    process.enqueue = process.whole.clone();
    let design = serde_json::from_value(serde_json::json!("00000000deadbeef")).unwrap();
    let key = MeasureKey { design, options: options(), protocol: Protocol::live() };
    let circumstances = Circumstances { key, kernels: vec![], conditions: Conditions::default(), scatter: None };
    Measurement::summarise(&circumstances, &[process]).unwrap()
}

/// Rows in the order of Table 8 at 140 M: V2 (30.6 %), V1 0.5 (36.3), V2 0.75 (32.1), V2 0.6 (33.3), V1 (32.6), ...
fn table(micros: &[(&'static str, u64)]) -> ZooTable {
    let measured: Vec<(&str, Measurement)> = micros.iter().map(|&(name, micros)| (name, measurement(micros))).collect();
    ZooTable::new(table_8(Some(Level::M140)), &options(), |row| {
        match measured.iter().find(|(name, _)| *name == row.network) {
            Some((_, measurement)) => ZooOutcome::Measured(measurement),
            None if row.network == "mobilenet-v2-x0.6" => ZooOutcome::Failed("out of memory".into()),
            None => ZooOutcome::Pending,
        }
    })
}

const SPEEDS: [(&str, u64); 4] = [
    ("shufflenet-v2-x1.0-paper", 4_000),
    ("mobilenet-v1-x0.5", 3_000),
    ("mobilenet-v2-x0.75", 5_000),
    ("shufflenet-v1-g3-x1.0", 3_500),
];

#[test]
fn measured_and_published_figures_stand_apart_and_the_front_is_marked() {
    let table = table(&SPEEDS);
    assert_eq!((table.rows.len(), table.threads, table.mode), (9, 2, Some(Mode::Live)));
    let first = &table.rows[0];
    assert_eq!(first.published.gpu_batches_per_second, Some(341.0));
    assert_eq!(first.measured.unwrap().images_per_second, 250.0);
    assert_eq!(first.cost.unwrap().mult_adds.0 / 1_000_000, 145);
    let front: Vec<&str> =
        table.rows.iter().filter(|row| row.on_accuracy_front).map(|row| row.network.as_str()).collect();
    assert_eq!(front, ["shufflenet-v2-x1.0-paper", "mobilenet-v1-x0.5", "shufflenet-v1-g3-x1.0"]);
    let (row, accuracy, speed) = table.accuracy_against_speed().next().unwrap();
    assert_eq!((row.name.as_str(), accuracy, speed), ("ShuffleNet v2 1x", 69.4, 250.0));
    assert_eq!(table.mult_adds_against_speed().count(), 4);
}

#[test]
fn rows_that_were_not_measured_say_so_and_are_on_no_front() {
    let table = table(&SPEEDS);
    let failed = table.rows.iter().find(|row| row.network == "mobilenet-v2-x0.6").unwrap();
    assert_eq!(
        (failed.failure.as_deref(), failed.measured, failed.on_accuracy_front),
        (Some("out of memory"), None, false)
    );
    let text = table.markdown();
    assert!(text.contains("| failed |") && text.contains("- 0.6 MobileNet v2: out of memory"), "{text}");
    assert!(text.contains("| 4.00 ms [4.00 ms, 4.00 ms] | 250.0 | front |"), "{text}");
    let widths: Vec<usize> =
        text.lines().filter(|line| line.starts_with('|')).map(|line| line.matches('|').count()).collect();
    assert!(widths.iter().all(|&width| width == 12), "{text}");
}

#[test]
fn the_precision_is_told_where_it_is_not_the_usual_one() {
    let usual = table(&SPEEDS);
    assert!(usual.markdown().contains("device cpu, runtime candle, 2 threads"), "{}", usual.markdown());
    let half = ZooTable { precision: Precision::F16, ..usual };
    assert!(half.markdown().contains("device cpu, runtime candle, f16, 2 threads"), "{}", half.markdown());
}

#[test]
fn the_table_survives_json() {
    let table = table(&SPEEDS);
    let json = serde_json::to_value(&table).unwrap();
    assert_eq!(json["rows"][0]["level"], 140);
    assert_eq!(serde_json::from_value::<ZooTable>(json).unwrap(), table);
}
