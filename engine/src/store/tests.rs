//! The store as its callers see it: several at once, damaged, newer, full, and with what 0.1.0 left behind.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::*;
use crate::clock::TimerQuality;
use crate::design::Fingerprint;
use crate::device::{Conditions, DeviceId, Precision};
use crate::measure::{
    Circumstances, MeasureKey, Measurement, Mode, NoiseFloor, ProcessSamples, Protocol, WarmUp, Warning,
};
use crate::runtime::{Isa, RunOptions, Runtime};
use crate::units::Nanos;
use crate::zoo::preset;

fn open(folder: &Path) -> Store {
    let Opened { store, damaged } = Store::open(folder).unwrap();
    assert_eq!(damaged, None);
    store
}

fn options(threads: usize) -> RunOptions {
    RunOptions::new(DeviceId::Cpu, threads, 1)
}

fn here() -> RunContext {
    RunContext::new(Some("a processor"), &options(1))
}

fn design(name: &str) -> Fingerprint {
    preset(name).unwrap().fingerprint()
}

fn run(micros: &[u64]) -> RunRecord {
    let process_medians: Vec<Nanos> = micros.iter().map(|micros| Nanos(micros * 1_000)).collect();
    RunRecord {
        when: Timestamp::now(),
        context: here(),
        model: "small".into(),
        design: design("shufflenet-v2-x0.5"),
        mode: Mode::Live,
        median: process_medians[0],
        low: Nanos(process_medians[0].0 - 10),
        high: Nanos(process_medians[0].0 + 10),
        process_medians,
        canary: None,
    }
}

fn micros(groups: &[Vec<Nanos>]) -> Vec<Vec<u64>> {
    groups.iter().map(|group| group.iter().map(|median| median.0 / 1_000).collect()).collect()
}

fn damaged_files(folder: &Path) -> Vec<PathBuf> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_one = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with("store.damaged-") && name.ends_with(".sqlite")
    };
    names.filter(is_one).collect()
}

#[test]
fn every_row_is_there_after_the_process_died_without_closing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.keep(Kind::Experiment, "g1 x1", &Kept::now(here(), 7_u32)).unwrap();
    store.note_floor(&here(), NoiseFloor { share: 0.01 }).unwrap();
    store.note_run(&run(&[1])).unwrap();
    std::mem::forget(store);
    let store = open(folder.path());
    assert_eq!(store.kept::<u32>(Kind::Experiment, "g1 x1").unwrap()[0].result, 7);
    assert_eq!(store.floor(&here()).unwrap(), Some(NoiseFloor { share: 0.01 }));
    assert_eq!(store.history(None).unwrap().len(), 1);
}

#[test]
fn many_that_open_and_write_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (writers, rows) = (6, 25);
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let folder = folder.path();
            scope.spawn(move || {
                let store = open(folder);
                for row in 0..rows {
                    store.note_run(&run(&[1 + row])).unwrap();
                    let name = format!("{writer} {row}");
                    store.keep(Kind::Point, &name, &Kept::now(here(), row)).unwrap();
                    store.note_floor(&here(), NoiseFloor { share: 0.001 }).unwrap();
                }
            });
        }
    });
    let store = open(folder.path());
    assert_eq!(store.history(None).unwrap().len(), writers * rows as usize);
    for writer in 0..writers {
        assert_eq!(store.kept::<u64>(Kind::Point, &format!("{writer} {}", rows - 1)).unwrap().len(), 1);
    }
}

#[test]
fn of_each_name_and_context_the_last_result_is_kept() {
    let store = Store::in_memory().unwrap();
    let two = RunContext::new(Some("a processor"), &options(2));
    for (context, result) in [(here(), 10), (two.clone(), 20), (here(), 11)] {
        store.keep(Kind::Experiment, "g1 x1", &Kept::now(context, result)).unwrap();
    }
    let kept = store.kept::<u32>(Kind::Experiment, "g1 x1").unwrap();
    let results: Vec<_> = kept.iter().map(|kept| (kept.context.options.threads, kept.result)).collect();
    assert_eq!(results, [(2, 20), (1, 11)]);
    assert!(store.kept::<u32>(Kind::Experiment, "g2 x1").unwrap().is_empty());
    assert!(store.kept::<u32>(Kind::Comparison, "g1 x1").unwrap().is_empty(), "another kind");
    assert!(store.kept::<String>(Kind::Experiment, "g1 x1").unwrap().is_empty(), "another form is left out");
    store.forget(Kind::Experiment, "g1 x1", &two).unwrap();
    assert_eq!(store.kept::<u32>(Kind::Experiment, "g1 x1").unwrap().len(), 1);
}

#[test]
fn a_context_reads_back_whatever_it_is_and_only_an_equal_one_is_current() {
    let store = Store::in_memory().unwrap();
    let forced = RunOptions {
        device: DeviceId::Cuda(1),
        runtime: Runtime::Candle,
        threads: 3,
        batch: 8,
        instruction_set: Some(Isa::Portable),
        precision: Precision::F32,
    };
    let contexts = [
        here(),
        RunContext { machine: "another".into(), ..here() },
        RunContext { version: "0.1.0".into(), ..here() },
        RunContext { options: RunOptions { precision: Precision::F16, ..options(1) }, ..here() },
        RunContext { options: forced, ..here() },
    ];
    for context in &contexts {
        store.keep(Kind::Networks, "all", &Kept::now(context.clone(), 0)).unwrap();
    }
    let kept = store.kept::<u32>(Kind::Networks, "all").unwrap();
    assert_eq!(kept.iter().map(|kept| &kept.context).collect::<Vec<_>>(), contexts.iter().collect::<Vec<_>>());
    let current: Vec<bool> = kept.iter().map(|kept| kept.is_of(Some("a processor"), &options(1))).collect();
    assert_eq!(current, [true, false, false, false, false]);
}

#[test]
fn what_a_newer_program_wrote_with_names_unknown_here_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.keep(Kind::Networks, "all", &Kept::now(here(), 1)).unwrap();
    store.note_run(&run(&[1])).unwrap();
    store.connection.execute("UPDATE contexts SET runtime = 'wgpu'", []).unwrap();
    assert!(store.kept::<u32>(Kind::Networks, "all").unwrap().is_empty());
    assert_eq!(store.history(None).unwrap()[0].options.runtime, "wgpu", "the history is words");
}

#[test]
fn the_largest_of_the_last_five_floors_counts_for_its_machine_version_and_way_of_running() {
    let store = Store::in_memory().unwrap();
    assert_eq!(store.floor(&here()).unwrap(), None);
    for share in [0.09, 0.004, 0.012, 0.003, 0.002, 0.005, f64::INFINITY] {
        store.note_floor(&here(), NoiseFloor { share }).unwrap();
    }
    assert_eq!(store.floor(&here()).unwrap(), Some(NoiseFloor { share: 0.012 }));
    let batch_8 = RunContext::new(Some("a processor"), &RunOptions::new(DeviceId::Cpu, 1, 8));
    assert_eq!(store.floor(&batch_8).unwrap(), Some(NoiseFloor { share: 0.012 }), "the batch does not matter");
    let another = RunContext { machine: "another".into(), ..here() };
    let earlier = RunContext { version: "0.1.9".into(), ..here() };
    let threads = RunContext::new(Some("a processor"), &options(2));
    for context in [another, earlier, threads] {
        assert_eq!(store.floor(&context).unwrap(), None, "{context:?}");
    }
}

/// The runs that scatter rests on, in microseconds, and whether they are of the network asked for.
fn earlier(store: &Store, context: &RunContext, mode: Mode) -> Vec<(bool, Vec<Vec<u64>>)> {
    let earlier = store.earlier_runs(context, &design("shufflenet-v2-x0.5"), mode).unwrap();
    earlier.into_iter().map(|group| (group.same_model, micros(&group.runs))).collect()
}

#[test]
fn scatter_rests_on_recent_runs_of_any_network_by_this_version_on_this_machine_in_the_same_mode() {
    let store = Store::in_memory().unwrap();
    assert_eq!(earlier(&store, &here(), Mode::Live), []);
    let wide = RunRecord { design: design("shufflenet-v2-x1.0"), ..run(&[50, 60, 70]) };
    let batch_8 = RunContext::new(Some("a processor"), &RunOptions::new(DeviceId::Cpu, 1, 8));
    let rigorous = RunRecord { mode: Mode::Rigorous, ..run(&[99]) };
    let old = RunRecord { when: Timestamp::now().days_before(31), ..run(&[98, 97]) };
    let before = RunRecord { context: RunContext { version: "0.1.9".into(), ..here() }, ..run(&[96, 95]) };
    let another = RunRecord { context: RunContext { machine: "another".into(), ..here() }, ..run(&[94, 93]) };
    let batched = RunRecord { context: batch_8.clone(), ..run(&[80, 81]) };
    let disturbed = RunRecord { process_medians: vec![], ..run(&[1]) };
    for run in [old, run(&[1, 2]), batched, wide, rigorous, before, another, disturbed, run(&[3])] {
        store.note_run(&run).unwrap();
    }
    let own = vec![vec![1, 2], vec![3]];
    let (wide, batched) = (vec![vec![50, 60, 70]], vec![vec![80, 81]]);
    let expected = [(true, own.clone()), (false, wide.clone()), (false, batched.clone())];
    assert_eq!(earlier(&store, &here(), Mode::Live), expected, "the network that ran last comes first");
    let expected = [(false, own), (false, wide), (true, batched)];
    assert_eq!(earlier(&store, &batch_8, Mode::Live), expected, "another batch counts as another network");
    assert_eq!(earlier(&store, &here(), Mode::Rigorous), [(true, vec![vec![99]])]);
    let scatter = store.scatter(&here(), &design("shufflenet-v2-x0.5"), Mode::Live).unwrap().unwrap();
    assert_eq!(scatter.degrees_of_freedom, 1.0, "two runs of one network, one run of each of the others");
    assert_eq!(scatter.canary, None);
}

#[test]
fn the_usual_clock_is_that_of_the_last_undisturbed_runs_of_any_network_and_mode() {
    let store = Store::in_memory().unwrap();
    let scatter = |mode| store.scatter(&here(), &design("shufflenet-v2-x0.5"), mode).unwrap();
    assert_eq!(scatter(Mode::Live), None);
    let wide = RunRecord { design: design("shufflenet-v2-x1.0"), mode: Mode::Rigorous, ..run(&[50]) };
    for canary in [Some(400), None, Some(420), Some(410)] {
        store.note_run(&RunRecord { canary: canary.map(Nanos), ..wide.clone() }).unwrap();
    }
    let known = scatter(Mode::Live).unwrap();
    assert_eq!((known.canary, known.degrees_of_freedom), (Some(Nanos(410)), 0.0), "nothing is known of live runs");
    assert_eq!(
        scatter(Mode::Rigorous).map(|known| (known.canary, known.degrees_of_freedom)),
        Some((Some(Nanos(410)), 3.0))
    );
}

#[test]
fn scatter_rests_on_the_latest_sixty_runs_of_twenty_networks() {
    let store = Store::in_memory().unwrap();
    for number in 0..70 {
        store.note_run(&run(&[1 + number])).unwrap();
    }
    let latest: Vec<Vec<u64>> = (11..=70).map(|micros| vec![micros]).collect();
    assert_eq!(earlier(&store, &here(), Mode::Live), [(true, latest)]);
    for batch in 2..=26 {
        let context = RunContext::new(Some("a processor"), &RunOptions::new(DeviceId::Cpu, 1, batch));
        store.note_run(&RunRecord { context, ..run(&[u64::from(batch), 1]) }).unwrap();
    }
    let groups = earlier(&store, &here(), Mode::Live);
    assert_eq!((groups.len(), &groups[0].1, &groups[19].1), (20, &vec![vec![26, 1]], &vec![vec![7, 1]]));
}

#[test]
fn a_record_has_the_headline_and_the_median_of_every_process() {
    let key = MeasureKey { design: design("shufflenet-v2-x0.5"), options: options(1), protocol: Protocol::live() };
    let circumstances = Circumstances { key, kernels: vec![], conditions: Conditions::default(), scatter: None };
    let process = |times: [u64; 7]| {
        let warm_up = WarmUp { first_run: Nanos(9), runs: 10, time: Nanos(90), settled: true };
        let timer = TimerQuality { precision: Nanos(25), read_cost: Nanos(20) };
        let mut process = ProcessSamples::new(warm_up, timer, 1, 1);
        process.whole = times.map(|time| Nanos(time * 10_000)).to_vec();
        process
    };
    let processes = [process([5, 3, 1, 2, 4, 9, 9]), process([7; 7])];
    let measurement = Measurement::summarise(&circumstances, &processes).unwrap();
    let record = RunRecord::of(&measurement, "mine", here(), Timestamp(5));
    assert_eq!((record.model.as_str(), record.when, record.mode), ("mine", Timestamp(5), Mode::Live));
    assert_eq!(record.process_medians, [Nanos(40_000), Nanos(70_000)]);
    let whole = measurement.whole;
    assert_eq!([record.median, record.low, record.high], [whole.median, whole.low, whole.high]);
    let with = |warning| {
        let mut measurement = measurement.clone();
        measurement.processes[0].canary_ns = [440, 441, 442].map(Nanos).to_vec();
        measurement.warnings = vec![warning];
        let record = RunRecord::of(&measurement, "mine", here(), Timestamp(5));
        (record.process_medians, record.canary)
    };
    assert_eq!(with(Warning::ClockOff { ratio: 1.1 }), (vec![], Some(Nanos(441))), "it may have changed for good");
    assert_eq!(with(Warning::BusyMachine { share: 0.5 }), (vec![], None));
}

#[test]
fn the_history_of_a_design_is_in_order_with_the_ratio_to_the_run_before() {
    let store = Store::in_memory().unwrap();
    let at = |when, run: RunRecord| RunRecord { when: Timestamp(when), ..run };
    let earlier = RunContext { version: "0.1.9".into(), ..here() };
    let two = RunContext::new(Some("a processor"), &options(2));
    store.note_run(&at(300, run(&[90]))).unwrap();
    store.note_run(&at(100, RunRecord { context: earlier, ..run(&[100]) })).unwrap();
    store.note_run(&at(200, RunRecord { context: two, ..run(&[55]) })).unwrap();
    store.note_run(&at(250, RunRecord { design: design("shufflenet-v2-x1.0"), ..run(&[400]) })).unwrap();
    let rows = store.history(Some(&design("shufflenet-v2-x0.5"))).unwrap();
    let medians: Vec<u64> = rows.iter().map(|row| row.median.0 / 1_000).collect();
    assert_eq!(medians, [100, 55, 90], "the newest last, whenever it was written");
    let ratios: Vec<Option<f64>> = (0..3).map(|at| rows[at].ratio_to_last(&rows[..at])).collect();
    assert_eq!(ratios, [None, None, Some(0.9)], "over versions, not over threads");
    assert_eq!(store.history(None).unwrap().len(), 4);
    let json = serde_json::to_string(&rows[0]).unwrap();
    let expected = format!(
        "{{\"when\":\"1970-01-01T00:01:40Z\",\"version\":\"0.1.9\",\"machine\":\"a processor\",\"device\":\"cpu\",\
         \"options\":{{\"runtime\":\"tuned\",\"threads\":1,\"batch\":1,\"precision\":\"f32\",\"instruction_set\":null,\
         \"mode\":\"live\"}},\"model\":\"small\",\"design\":\"{}\",\"median_ns\":100000,\"low_ns\":99990,\
         \"high_ns\":100010}}",
        design("shufflenet-v2-x0.5")
    );
    assert_eq!(json, expected);
}

#[test]
fn tables_do_not_grow_without_end() {
    let store = Store::in_memory().unwrap();
    store.note_run(&run(&[1])).unwrap();
    // As if 20,000 had been written.
    store.connection.execute("UPDATE runs SET id = 1", []).unwrap();
    store.note_run(&run(&[2])).unwrap();
    store.connection.execute("UPDATE runs SET id = 20000 WHERE id = 2", []).unwrap();
    assert_eq!(store.history(None).unwrap().len(), 2);
    store.note_run(&run(&[3])).unwrap();
    let medians: Vec<u64> = store.history(None).unwrap().iter().map(|row| row.median.0 / 1_000).collect();
    assert_eq!(medians, [2, 3], "the oldest is forgotten");
}

#[test]
fn a_file_that_is_no_database_is_kept_aside_never_over_an_earlier_one_and_a_new_store_is_begun() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    for (round, text) in ["dear diary, this is no database", "and neither is this one, nor its log"].iter().enumerate()
    {
        std::fs::write(&path, text.repeat(200)).unwrap();
        std::fs::write(folder.path().join("store.sqlite-wal"), text).unwrap();
        let Opened { store, damaged } = Store::open(folder.path()).unwrap();
        let damaged = damaged.unwrap();
        assert_eq!(damaged.path, path);
        assert_eq!(std::fs::read_to_string(&damaged.kept_as).unwrap(), text.repeat(200));
        assert!(damaged.to_string().contains(&damaged.kept_as.display().to_string()), "{damaged}");
        let log = format!("{}-wal", damaged.kept_as.display());
        assert_eq!(&std::fs::read_to_string(log).unwrap(), text, "with its log");
        assert_eq!(damaged_files(folder.path()).len(), round + 1);
        store.note_run(&run(&[1])).unwrap();
        assert_eq!(store.history(None).unwrap().len(), 1, "nothing of the old log was taken in");
    }
}

#[test]
fn a_broken_page_is_found_when_the_store_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let store = open(folder.path());
    for number in 0..300 {
        store.note_run(&run(&[1 + number])).unwrap();
    }
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    let page = 4096;
    assert!(bytes.len() > 8 * page, "closing has written the log back");
    bytes[3 * page..].fill(0xA5);
    std::fs::write(&path, &bytes).unwrap();
    let Opened { store, damaged } = Store::open(folder.path()).unwrap();
    assert_eq!(std::fs::read(damaged.unwrap().kept_as).unwrap(), bytes);
    assert!(store.history(None).unwrap().is_empty());
}

#[test]
fn several_that_find_a_damaged_store_set_it_aside_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("store.sqlite"), "no database ".repeat(500)).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            let folder = folder.path();
            scope.spawn(move || Store::open(folder).unwrap().store.note_run(&run(&[1])).unwrap());
        }
    });
    assert_eq!(damaged_files(folder.path()).len(), 1);
    assert_eq!(open(folder.path()).history(None).unwrap().len(), 6, "the new one is everybody's");
}

#[test]
fn the_store_of_a_newer_program_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    drop(open(folder.path()));
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = Store::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("store.sqlite") && error.contains("newer") && error.contains("schema 99"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert!(damaged_files(folder.path()).is_empty());
}

#[test]
fn an_empty_store_of_an_interrupted_start_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("store.sqlite"), "").unwrap();
    let store = open(folder.path());
    store.note_run(&run(&[1])).unwrap();
    assert_eq!(
        store.connection.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0)).unwrap(),
        "wal"
    );
}

#[test]
fn a_folder_that_cannot_be_is_an_error_and_a_full_disk_is_told_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Store::open(&file.join("data")).unwrap_err().to_string();
    assert!(error.contains("data"), "{error}");

    let store = open(folder.path());
    let pages: i64 = store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    store.connection.pragma_update(None, "max_page_count", pages).unwrap();
    let large = Kept::now(here(), "x".repeat(1 << 20));
    let error = store.keep(Kind::Experiment, "g1 x1", &large).unwrap_err().to_string();
    assert!(error.contains("store.sqlite") && error.contains("make room"), "{error}");
    assert!(store.kept::<String>(Kind::Experiment, "g1 x1").unwrap().is_empty(), "all or nothing");
}

/// A data folder as 0.1.0 wrote it.
fn folder_of_0_1_0() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let options = r#"{"device":"cpu","runtime":"tuned","threads":2,"batch":1,"instruction_set":null}"#;
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let kept = |of: &str, result: &str| {
        format!(
            r#"{{"of":"{of}","kept":{{"machine":"a processor","options":{options},"finished":1795407600,"result":{result}}}}}"#
        )
    };
    write("lab/experiments/g1-x1-0011223344556677.json", kept("g1 x1", r#"{"verdict":"holds"}"#));
    write("lab/experiments/torn.json", r#"{"of": "g1"#.into());
    write("lab/experiments/notes.txt", kept("not one of ours", "1"));
    write("lab/compare/pair-8899aabbccddeeff.json", kept("pair", "[1.5,2]"));
    let key = "0123456789abcdef cpu tuned-avx2 t2 b8 live-00000000000000ff";
    let sweep = format!(r#"{{"base":"mine","latest":["{key}"],"skipped":[],"finished":{{"{key}":{{"at":1}}}}}}"#);
    write("lab/sweeps/all-0123456701234567.json", kept("all", &sweep));
    write("sweep.jsonl", format!("{{\"key\":\"{key}\",\"result\":{{\"at\":2}}}}\n{{\"key\":\"{key}\",\"res"));
    let floors = r#"{"seen":[{"machine":"a processor","device":"cpu","runtime":"tuned","threads":2,"instruction_set":null,"floors":[0.004,0.02]}]}"#;
    write("noise-floors.json", floors.into());
    folder
}

#[test]
fn the_files_of_0_1_0_are_taken_over_once_as_that_versions_results_and_left_where_they_are() {
    let folder = folder_of_0_1_0();
    let store = open(folder.path());
    let old = RunContext { version: "0.1.0".into(), ..RunContext::new(Some("a processor"), &options(2)) };
    let kept = store.kept::<serde_json::Value>(Kind::Experiment, "g1 x1").unwrap();
    let [experiment] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!((&experiment.context, experiment.finished), (&old, Timestamp(1_795_407_600)));
    assert_eq!(experiment.result["verdict"], "holds");
    assert!(!experiment.is_of(Some("a processor"), &options(2)), "of another version: never current");
    assert_eq!(store.kept::<(f64, u32)>(Kind::Comparison, "pair").unwrap()[0].result, (1.5, 2));
    assert!(store.kept::<u32>(Kind::Experiment, "not one of ours").unwrap().is_empty());

    let sweep = &store.kept::<serde_json::Value>(Kind::Sweep, "all").unwrap()[0].result;
    assert!(sweep["base"] == "mine" && sweep.get("finished").is_none(), "{sweep}");
    let key = sweep["latest"][0].as_str().unwrap();
    let points = store.kept::<serde_json::Value>(Kind::Point, key).unwrap();
    let of: Vec<_> = points.iter().map(|point| (point.context.machine.as_str(), point.result["at"].as_u64())).collect();
    assert_eq!(of, [("unknown", Some(2)), ("a processor", Some(1))]);
    let with = RunOptions { batch: 8, instruction_set: Some(Isa::Avx2), ..options(2) };
    assert!(points.iter().all(|point| point.context.options == with && point.context.version == "0.1.0"));

    assert_eq!(store.floor(&old).unwrap(), Some(NoiseFloor { share: 0.02 }));
    assert_eq!(store.floor(&RunContext { version: VERSION.into(), ..old.clone() }).unwrap(), None);

    store.forget(Kind::Experiment, "g1 x1", &old).unwrap();
    drop(store);
    let store = open(folder.path());
    assert!(store.kept::<serde_json::Value>(Kind::Experiment, "g1 x1").unwrap().is_empty(), "once");
    assert!(folder.path().join("lab/experiments/g1-x1-0011223344556677.json").exists());
    assert!(folder.path().join("noise-floors.json").exists() && folder.path().join("sweep.jsonl").exists());
}
