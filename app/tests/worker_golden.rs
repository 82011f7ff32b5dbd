//! Every line that window and worker say to each other, byte for byte as in the golden file: a field that is renamed is
//! noticed, which writing and reading back with the same types cannot.
//!
//! `SHUFFLESCOPE_WRITE_GOLDEN=1 cargo test -p shufflescope --test worker_golden` writes the file anew.

#![allow(clippy::unwrap_used)] // Helpers of tests panic like tests.

use serde::Serialize;
use serde::de::DeserializeOwned;
use shufflescope::worker::{ColumnChoice, Contest, Event, Job, Request, Ticket, TurnsJob, VERSION};
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::experiment::{Experiment, Scale};
use shufflescope_engine::measure::{
    Block, InterleaveRules, Interleaved, Peaks, Protocol, Round, Scatter, TimerQuality,
};
use shufflescope_engine::model::{Model, NetworkChoice};
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::units::{Bandwidth, Bytes, FlopRate, Nanos};
use shufflescope_engine::zoo;

fn assert_lines<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(name: &str, said: &[T]) {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    let written: String = said.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect();
    if std::env::var_os("SHUFFLESCOPE_WRITE_GOLDEN").is_some() {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden")).unwrap();
        std::fs::write(&path, &written).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
    for ((line, written), said) in golden.lines().zip(written.lines()).zip(said) {
        assert_eq!(line, written, "{name}; SHUFFLESCOPE_WRITE_GOLDEN=1 writes it anew");
        assert_eq!(serde_json::from_str::<T>(line).unwrap(), *said);
    }
    assert_eq!(golden.lines().count(), said.len());
}

fn network() -> Model {
    let network = zoo::network("alexnet").unwrap();
    Model::Network(NetworkChoice { name: network.name.into(), input: network.input })
}

#[test]
fn requests_are_as_in_the_golden_file() {
    let (ticket, options) = (Ticket(7), RunOptions::new(DeviceId::Cpu, 2, 1));
    let job = Job {
        design: network(),
        options: options.clone(),
        protocol: Protocol::live(),
        weights: Some("weights.pth".into()),
        scatter: Some(Scatter { between_runs: 0.02, between_processes: 0.01, canary: None, degrees_of_freedom: 9.0 }),
    };
    let turns = |networks| {
        let (options, rules) = (options.clone(), InterleaveRules::in_processes(5));
        Request::TakeTurns { ticket, job: Box::new(TurnsJob { networks, options, rules, processes: 5 }) }
    };
    let column = ColumnChoice { experiment: Experiment::G2, scale: Scale::X4, index: 1 };
    let requests = [
        Request::Hello { version: VERSION, client: "the window".into() },
        Request::Measure { ticket, job: Box::new(job.clone()) },
        Request::Apart { ticket, job: Box::new(job) },
        turns(Contest::Pair { a: Box::new(network()), b: Box::new(network()) }),
        turns(Contest::Column(column)),
        Request::Peaks { ticket, device: DeviceId::Metal(0) },
        Request::Painting,
        Request::Cancel,
    ];
    assert_lines("requests.jsonl", &requests);
}

#[test]
fn events_are_as_in_the_golden_file() {
    let ticket = Ticket(7);
    let mut samples = Interleaved::new(TimerQuality { precision: Nanos(20), read_cost: Nanos(25) });
    samples.rounds = vec![Round { blocks: vec![Block { row: 0, samples: vec![Nanos(1_000), Nanos(1_001)] }] }];
    let peaks = Peaks {
        device: DeviceId::Cpu,
        threads: 2,
        compute: FlopRate(81.5),
        compute_by: "a product".into(),
        memory: Bandwidth(12.25),
        memory_bytes: Bytes(1 << 20),
        cache: None,
        took: Nanos(480_000_000),
    };
    let (fraction, left) = (0.5, Nanos(1_000_000));
    let events = [
        Event::Hello { version: VERSION, threads: 2 },
        Event::Waiting { ticket, behind: "the window (process 9)".into() },
        Event::Preparing { ticket },
        Event::Progress { ticket, fraction, left, partial: None },
        Event::Turns { ticket, fraction, left: None, samples: None },
        Event::Turns { ticket, fraction, left: Some(left), samples: Some(Box::new(samples.clone())) },
        Event::TurnsDone { ticket, samples: Box::new(samples) },
        Event::Peaks { ticket, peaks: Box::new(peaks) },
        Event::Cancelled { ticket },
        Event::Failed { ticket, message: "cause; remedy".into() },
    ];
    assert_lines("events.jsonl", &events);
}
