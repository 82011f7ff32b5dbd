//! Every line that window and worker say to each other, byte for byte as in the golden file: a field that is renamed is
//! noticed, which writing and reading back with the same types cannot.
//!
//! `SHUFFLESCOPE_WRITE_GOLDEN=1 cargo test -p shufflescope --test worker golden` writes the file anew.

#![allow(clippy::unwrap_used)] // Helpers of tests panic like tests.

use serde::Serialize;
use serde::de::DeserializeOwned;
use shufflescope::camera::{
    CaptureState, CaptureStatus, Fit, Generation, Listed, Offer, PixelFormat, Prediction, Quantiles, Resolution,
    SourceError, SourceOptions, SourceSpec, StageTimes, Statistics, Trained, WeightsChoice, Wish,
};
use shufflescope::teach::{
    ClassFiles, Curve, Kind, PictureFile, TakeInJob, TakenClass, TakenIn, TaughtFile, TeachJob, TeachNews, TeachWork,
};
use shufflescope::weights_store::Published;
use shufflescope::worker::{
    CameraEvent, CameraReport, CameraRequest, ColumnChoice, Contest, Event, FileOffer, FilePart, FrameHead, Host, Job,
    Request, SearchJob, Session, Ticket, TurnsJob, VERSION,
};
use shufflescope_engine::classify::{ChannelOrder, Normalization, PreprocessingOptions};
use shufflescope_engine::clock::TimerQuality;
use shufflescope_engine::design::Design;
use shufflescope_engine::device::{DeviceApi, DeviceId, DeviceInfo, DeviceKind, Machine, Precision};
use shufflescope_engine::experiment::{Experiment, Scale};
use shufflescope_engine::measure::{Block, InterleaveRules, Interleaved, MedianRange, Peaks, Protocol, Round, Scatter};
use shufflescope_engine::model::{Model, NetworkChoice};
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::search::{Capacity, Found, Goal, Phase, Standing};
use shufflescope_engine::training::{Accuracy, DataName, Way};
use shufflescope_engine::units::{Bandwidth, Bytes, FlopRate, MultAdds, Nanos, Params};
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

fn design() -> Design {
    zoo::preset("shufflenet-v2-x0.5").unwrap()
}

fn found() -> Found {
    let latency = MedianRange { median: Nanos(1_000), low: Nanos(990), high: Nanos(1_010) };
    let (mult_adds, params) = (MultAdds(40), Params(30));
    Found { design: design(), mult_adds, params, predicted: Nanos(980), latency }
}

fn search_job(options: RunOptions) -> SearchJob {
    let goal = Goal {
        budget: Nanos::from_millis(2),
        at_least_mult_adds: Some(MultAdds(140_000_000)),
        at_most_params: None,
        most: Capacity::MultAdds,
    };
    let (starts, known, found) = (vec![design()], vec![], vec![found()]);
    SearchJob { goal, starts, options, time: Nanos::from_secs(60), seed: 3, known, peaks: None, found }
}

fn host() -> Host {
    let machine = Machine {
        os: Some("Debian GNU/Linux".into()),
        os_version: Some("12".into()),
        kernel_version: None,
        arch: "aarch64".into(),
        cpu_model: Some("Cortex-A72".into()),
        physical_cores: Some(4),
        logical_cores: Some(4),
        core_kinds: vec![],
        emulator: None,
        instruction_sets: vec!["neon".into()],
        memory: Some(Bytes(1 << 30)),
        version: "0.2.0".into(),
        candle: "0.11.1".into(),
        features: vec![],
        target: "aarch64-linux-gnu".into(),
        build: "release".into(),
    };
    Host { machine, threads: 4, busy: Some("profile (process 9)".into()) }
}

const SIZE: Resolution = Resolution { width: 1280, height: 720 };

fn camera() -> Listed {
    Listed {
        source: SourceSpec::Device("/dev/video0".into()),
        name: "a camera".into(),
        formats: vec![PixelFormat::Yuyv, PixelFormat::Nv12, PixelFormat::Rgb24, PixelFormat::Mjpeg],
        sizes: vec![SIZE],
        problem: Some("busy".into()),
    }
}

fn camera_requests() -> impl Iterator<Item = CameraRequest> {
    let options = SourceOptions { resolution: Some(SIZE), interval: None };
    let open = move |source| CameraRequest::Open { session: Session(3), source, options };
    // With its password: the worker has to log in.
    let http = SourceSpec::Http("http://me:secret@10.0.0.2/video".into());
    let sources = [SourceSpec::Synthetic { seed: 1 }, SourceSpec::Pictures("pictures".into()), http];
    let published = Published::find("shufflenet-v2-x1.0").unwrap();
    let choices = [
        WeightsChoice::Automatic,
        WeightsChoice::Only(Trained::Demo),
        WeightsChoice::Only(Trained::Published(published)),
        WeightsChoice::Only(Trained::File("mine.pth".into())),
    ];
    let network = |choice| {
        let (labels, folder) = (Some("labels.txt".into()), Some("weights".into()));
        let (model, run) = (network(), RunOptions::new(DeviceId::Cpu, 2, 1));
        let preprocessing = match choice {
            WeightsChoice::Only(Trained::File(_)) => PreprocessingOptions {
                resize: Some(232),
                normalization: Normalization::BYTES,
                channels: ChannelOrder::Bgr,
                ..PreprocessingOptions::default()
            },
            // What is usual goes without saying.
            _ => PreprocessingOptions::default(),
        };
        let wish =
            Wish { generation: Generation(4), model, run, choice, labels, preprocessing, folder, classifier: true };
        CameraRequest::Network { wish: Box::new(wish) }
    };
    let others = [
        CameraRequest::Close,
        CameraRequest::Smooth { on: false },
        CameraRequest::RestartStatistics,
        CameraRequest::Took { number: 7 },
        CameraRequest::Shown { number: 7 },
        CameraRequest::Still,
    ];
    sources.into_iter().map(open).chain(choices.into_iter().map(network)).chain(others)
}

fn camera_events() -> impl Iterator<Item = CameraEvent> {
    let (session, generation) = (Session(3), Generation(4));
    let both = Some(Quantiles { p50: Nanos(5), p90: Nanos(9) });
    let error = SourceError::Unreadable { path: "pictures".into(), reason: "gone".into() };
    let report = CameraReport {
        status: CaptureStatus {
            state: CaptureState::Retrying { error: error.clone(), failures: 2 },
            frames: 9,
            dropped: 1,
            skipped: 1,
            last_skipped: Some("a.jpg was left out".into()),
            reconnects: 1,
            last_error: Some(error),
        },
        statistics: Statistics {
            frames: 8,
            unseen: 1,
            rate: Some(29.5),
            camera_rate: None,
            stages: StageTimes { wait: both, decode: both, resize: both, infer: both, show: None },
            age: both,
            age_now: Some(Nanos(11)),
        },
        at: Nanos(1_000),
        restarts: 1,
        busy: Some(Nanos(6)),
    };
    let frame = |top| {
        let preview = Resolution { width: 640, height: 360 };
        let frame = Box::new(FrameHead { number: 7, size: SIZE, preview, age: Nanos(12), generation, top });
        CameraEvent::Frame { session, frame, bytes: 3 * 640 * 360 }
    };
    let star = Prediction { label: "star".into(), index: 4, probability: 0.75 };
    let doubts = vec!["a doubt".into()];
    let predicts = Fit::Predicts { weights: "demo shapes".into(), classes: 12, doubts, accuracy: None };
    let accuracy = Some(Box::new(accuracy()));
    let taught = Fit::Predicts { weights: "taught on `desk`".into(), classes: 3, doubts: vec![], accuracy };
    let time_only = Fit::TimeOnly { reason: "why".into(), difference: Some("what".into()), designs: vec![] };
    let offers = vec![Offer { trained: Trained::Demo, is_here: true, fits: false }];
    [
        CameraEvent::Report { session, report: Box::new(report) },
        frame(None),
        frame(Some(Ok(vec![star]))),
        frame(Some(Err("it panicked".into()))),
        CameraEvent::Still { session, width: 1280, height: 720, bytes: 3 * 1280 * 720 },
        CameraEvent::Broken { session, message: "cause; remedy".into() },
        CameraEvent::Fits { generation, fit: Box::new(predicts), offers },
        CameraEvent::Fits { generation, fit: Box::new(taught), offers: vec![] },
        CameraEvent::Fits { generation, fit: Box::new(time_only), offers: vec![] },
        CameraEvent::Waiting { generation, behind: "profile (process 9)".into() },
        CameraEvent::Ready { generation },
        CameraEvent::Failed { generation, message: "cause; remedy".into() },
    ]
    .into_iter()
}

fn accuracy() -> Accuracy {
    Accuracy::new(9, 10, DataName { name: "desk".into(), pictures: 50 }).unwrap()
}

fn teach_requests(ticket: Ticket, options: RunOptions) -> [Request; 2] {
    let picture = PictureFile { path: "pictures/000001.png".into(), in_a_run: true };
    let job = TeachJob {
        name: "desk".into(),
        classes: vec![ClassFiles { name: "mug".into(), pictures: vec![picture] }],
        design: design(),
        choice: WeightsChoice::Automatic,
        others: vec![WeightsChoice::Only(Trained::Demo)],
        folder: Some("weights".into()),
        preprocessing: PreprocessingOptions::default(),
        run: options,
        kind: Kind::Trained { seconds: 60 },
        seed: 3,
        output: "taught-2.safetensors".into(),
    };
    let take_in = TakeInJob { folder: "things".into(), pictures: "pictures".into(), first: 9, most: 300 };
    [TeachWork::Teach(Box::new(job)), TeachWork::TakeIn(Box::new(take_in))].map(|work| Request::Teach { ticket, work })
}

fn teach_events(ticket: Ticket) -> impl Iterator<Item = Event> {
    let curve = vec![Curve { epochs: 1.5, loss: 0.75, accuracy: 0.5, held_out: Some(0.25) }];
    let taught = TaughtFile {
        path: "taught-2.safetensors".into(),
        design: design(),
        way: Way::AtOnce,
        accuracy: accuracy(),
        from: "the weights demo shapes".into(),
        seconds: 1.5,
        curve: vec![],
        broken: vec!["a.png: why".into()],
    };
    let class = TakenClass { name: "mug".into(), numbers: vec![9, 10] };
    let taken = TakenIn { classes: vec![class], broken: vec!["b.png: why".into()], beyond: 2 };
    let news = [
        TeachNews::Reading { done: 3, all: 9 },
        TeachNews::Teaching { from: "nothing".into(), fraction: 0.5, left: Some(Nanos(1_000)), curve },
        TeachNews::Taught(Box::new(taught)),
        TeachNews::TakenIn(taken),
        TeachNews::Failed { message: "cause; remedy".into() },
    ];
    news.into_iter().map(move |news| Event::Teach { ticket, news })
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
    let part = FilePart { name: "net.onnx".into(), sha256: "0".repeat(64), bytes: 12 };
    let offer = FileOffer { path: "models/net.onnx".into(), parts: vec![part], problem: Some("gone".into()) };
    let column = ColumnChoice { experiment: Experiment::G2, scale: Scale::X4, index: 1 };
    let requests = [
        Request::Hello { version: VERSION, client: "the window".into(), threads: None, silence: None },
        Request::Hello {
            version: VERSION,
            client: "profile of another machine".into(),
            threads: Some(2),
            silence: Some(Nanos(40_000_000_000)),
        },
        Request::Measure { ticket, job: Box::new(job.clone()), threads: None },
        Request::Apart { ticket, job: Box::new(job) },
        turns(Contest::Pair { a: Box::new(network()), b: Box::new(network()) }),
        turns(Contest::Column(column)),
        Request::Search { ticket, job: Box::new(search_job(options.clone())) },
        Request::Peaks { ticket, device: DeviceId::Metal(0) },
        Request::FindDevices,
        Request::FindCameras,
        Request::File { file: offer },
        Request::Content { sha256: "0".repeat(64), bytes: 12 },
        Request::Alive,
        Request::Painting,
        Request::Cancel,
    ];
    let requests = requests.into_iter().chain(camera_requests().map(Request::Camera));
    let requests: Vec<Request> = requests.chain(teach_requests(ticket, options)).collect();
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
        launch: None,
        took: Nanos(480_000_000),
    };
    let (fraction, left) = (0.5, Nanos(1_000_000));
    let standing = Standing { phase: Phase::Measuring, fraction, left, evaluated: 4_000, measured: 31, on_front: 12 };
    let events = [
        Event::Hello { version: VERSION, threads: 2, program: "0.2.0".into() },
        Event::Waiting { ticket, behind: "the window (process 9)".into() },
        Event::Preparing { ticket, longest_run: Nanos(12_000_000) },
        Event::Progress { ticket, fraction, left, partial: None },
        Event::Turns { ticket, fraction, left: None, samples: None },
        Event::Turns { ticket, fraction, left: Some(left), samples: Some(Box::new(samples.clone())) },
        Event::TurnsDone { ticket, samples: Box::new(samples) },
        Event::Search { ticket, standing, found: vec![found()], kernels: vec![] },
        Event::SearchDone { ticket },
        Event::Peaks { ticket, peaks: Box::new(peaks) },
        Event::Cancelled { ticket },
        Event::Failed { ticket, message: "cause; remedy".into(), restart: true },
        Event::Devices {
            devices: vec![
                DeviceInfo {
                    name: Some("a card".into()),
                    kind: Some(DeviceKind::DiscreteGpu),
                    backend: Some(DeviceApi::Vulkan),
                    driver: Some("a driver 1.2".into()),
                    memory: Some(Bytes(1 << 30)),
                    precisions: Precision::PORTABLE.to_vec(),
                    timestamps: Some(true),
                    ..DeviceInfo::unknown(DeviceId::Gpu(0))
                },
                DeviceInfo { unavailable: Some("no driver".into()), ..DeviceInfo::unknown(DeviceId::Cuda(0)) },
            ],
            host: None,
        },
        Event::Devices { devices: vec![], host: Some(Box::new(host())) },
        Event::Wants { sha256: "0".repeat(64) },
        Event::Cameras { cameras: vec![camera()] },
    ];
    let events = events.into_iter().chain(camera_events().map(Event::Camera));
    let events: Vec<Event> = events.chain(teach_events(ticket)).collect();
    assert_lines("events.jsonl", &events);
}
