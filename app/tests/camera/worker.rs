//! The camera in its process: what comes through the pipe, who has the device, and what becomes of drivers that crash.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::stand_in::{Then, stand_in};
use crate::wait::wait_for;
use shufflescope::camera::{
    CaptureState, CaptureStatus, Generation, Resolution, SourceOptions, SourceSpec, WeightsChoice, Wish,
};
use shufflescope::worker::{
    CameraClient, CameraEvent, CameraLimits, CameraNews, CameraReport, CameraRequest, Client, ClientEvent, Event,
    FrameHead, Job, Launcher, PROGRAM, Request, Session, VERSION, find_cameras, find_devices,
};
use shufflescope_engine::classify::PreprocessingOptions;
use shufflescope_engine::design::{Design, Edit, InputSize};
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::measure::Protocol;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::units::Nanos;
use shufflescope_engine::zoo::preset;

/// Generous: only a hang fails it.
const PATIENCE: Duration = Duration::from_secs(120);

const LARGE: Resolution = Resolution { width: 1280, height: 960 };

fn launcher() -> Launcher {
    Launcher::local(env!("CARGO_BIN_EXE_shufflescope").into(), vec!["worker".into()])
}

fn scene() -> (SourceSpec, SourceOptions) {
    (
        SourceSpec::Synthetic { seed: 0 },
        SourceOptions { resolution: Some(LARGE), interval: Some(Nanos::from_millis(5)) },
    )
}

/// A worker and its two pipes.
struct Piped {
    child: Child,
    requests: ChildStdin,
    events: BufReader<ChildStdout>,
}

impl Piped {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shufflescope"));
        let mut child =
            command.arg("worker").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (requests, events) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut this = Self { child, requests, events };
        this.say(&Request::Hello { version: VERSION, client: "a test".into(), threads: None, silence: None });
        this
    }

    fn say(&mut self, request: &Request) {
        writeln!(self.requests, "{}", serde_json::to_string(request).unwrap()).unwrap();
    }

    /// The next event about the camera and the bytes behind it.
    fn hear(&mut self) -> (CameraEvent, Vec<u8>) {
        loop {
            let mut line = Vec::new();
            assert_ne!(self.events.read_until(b'\n', &mut line).unwrap(), 0, "it is gone");
            let event: Event = serde_json::from_slice(&line).unwrap();
            let mut bytes = vec![0; event.payload()];
            self.events.read_exact(&mut bytes).unwrap();
            if let Event::Camera(event) = event {
                return (event, bytes);
            }
        }
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn only_the_newest_preview_is_sent_small_and_not_before_the_one_before_was_taken() {
    let mut worker = Piped::start();
    let (source, options) = scene();
    worker.say(&Request::Camera(CameraRequest::Open { session: Session(1), source, options }));
    let mut last = None;
    for _ in 0..3 {
        // A window that takes its time: the camera goes on, and nothing but reports comes.
        let mut frame = None;
        let mut passed_at_first = None;
        loop {
            match worker.hear() {
                (CameraEvent::Frame { frame: head, .. }, bytes) => {
                    assert!(frame.is_none(), "a second preview before the first was taken");
                    let preview = Resolution { width: 640, height: 480 };
                    assert_eq!((head.size, head.preview, bytes.len()), (LARGE, preview, 3 * 640 * 480));
                    assert!(bytes.iter().any(|byte| *byte != bytes[0]), "something is on it");
                    frame = Some(head);
                }
                (CameraEvent::Report { report, .. }, _) if frame.is_some() => {
                    let passed = report.statistics.frames;
                    if passed >= *passed_at_first.get_or_insert(passed) + 5 {
                        break;
                    }
                }
                _ => {}
            }
        }
        let number = frame.unwrap().number;
        assert!(last.is_none_or(|last| number >= last + 5), "{number} after {last:?}: it is not the newest");
        last = Some(number);
        worker.say(&Request::Camera(CameraRequest::Took { number }));
    }
}

#[test]
fn a_still_has_every_pixel_of_the_frame_that_was_shown() {
    let mut worker = Piped::start();
    let (source, options) = scene();
    worker.say(&Request::Camera(CameraRequest::Open { session: Session(1), source, options }));
    while !matches!(worker.hear().0, CameraEvent::Frame { .. }) {}
    worker.say(&Request::Camera(CameraRequest::Still));
    let bytes = loop {
        if let (CameraEvent::Still { width, height, .. }, bytes) = worker.hear() {
            assert_eq!((width, height), (LARGE.width, LARGE.height));
            break bytes;
        }
    };
    assert_eq!(bytes.len(), 3 * 1280 * 960);
}

fn camera(launcher: Launcher) -> CameraClient {
    CameraClient::new(launcher, "the camera", || {})
}

/// Polls until `wanted` picks some news.
fn wait<T>(camera: &mut CameraClient, wanted: impl FnMut(CameraNews) -> Option<T>) -> T {
    wait_for(PATIENCE, || camera.poll(), wanted)
}

fn loss(camera: &mut CameraClient) -> String {
    wait(camera, |news| match news {
        CameraNews::Lost(reason) => Some(reason),
        _ => None,
    })
}

fn report(state: CaptureState, busy: Option<Nanos>) -> Event {
    let report = CameraReport { status: CaptureStatus { state, ..Default::default() }, busy, ..Default::default() };
    Event::Camera(CameraEvent::Report { session: Session(1), report: Box::new(report) })
}

#[test]
fn a_driver_that_crashes_is_told_with_what_to_do_and_the_next_start_has_a_fresh_process() {
    let mut camera = camera(stand_in(&[report(CaptureState::Running, None)], Then::Abort));
    let mut processes = Vec::new();
    for _ in 0..2 {
        let (source, options) = scene();
        camera.open(source, options);
        // None where it has crashed before it was asked for anything.
        processes.push(camera.worker_id());
        let said = loss(&mut camera);
        let how = if cfg!(unix) { "signal: 6" } else { "exit code" };
        assert!(said.contains(how) && said.contains("Start begins a fresh one") && said.contains("choose"), "{said}");
        assert!(!camera.is_busy() && camera.poll().is_empty());
    }
    assert!(processes[0].is_none() || processes[0] != processes[1]);
}

#[test]
fn whatever_hangs_is_ended_by_its_limit() {
    let short = Duration::from_millis(1500);
    let never = PATIENCE;
    let limits = CameraLimits { silence: never, opening: never, network: never, frame: never };
    let opening = report(CaptureState::Opening, None);
    let busy = report(CaptureState::Running, Some(Nanos::from_secs(3)));
    let running = report(CaptureState::Running, None);
    let cases = [
        (stand_in(&[], Then::Hang), CameraLimits { silence: short, ..limits }, "said nothing"),
        (stand_in(&[], Then::Repeat(&opening)), CameraLimits { opening: short, ..limits }, "did not open"),
        (stand_in(&[], Then::Repeat(&busy)), CameraLimits { frame: short, ..limits }, "at one frame for 3 s"),
        (stand_in(&[], Then::Repeat(&running)), CameraLimits { network: short, ..limits }, "was not ready"),
    ];
    for (launcher, limits, expected) in cases {
        let mut camera = camera(launcher).with_limits(limits);
        let (source, options) = scene();
        camera.open(source, options);
        camera.look_with(wish(1, small()));
        let said = loss(&mut camera);
        assert!(said.contains(expected), "{said}");
        assert!(camera.worker_id().is_none(), "it is ended");
    }
}

#[test]
fn a_pipeline_that_breaks_takes_its_process_with_it() {
    let message = "the device was lost (reset); start the camera again".to_owned();
    let broken = Event::Camera(CameraEvent::Broken { session: Session(1), message: message.clone() });
    let mut camera = camera(stand_in(&[report(CaptureState::Running, None), broken], Then::Hang));
    let (source, options) = scene();
    camera.open(source, options);
    assert_eq!(loss(&mut camera), message);
    assert!(!camera.is_busy() && camera.worker_id().is_none(), "the next source gets a fresh one");
}

#[test]
fn a_preview_that_is_not_what_it_says_is_an_error() {
    let frame = FrameHead {
        number: 0,
        size: LARGE,
        preview: Resolution { width: 2, height: 1 },
        age: Nanos::ZERO,
        generation: Generation(0),
        top: None,
    };
    let frame = |bytes| {
        let frame = Box::new(frame.clone());
        Event::Camera(CameraEvent::Frame { session: Session(1), frame, bytes })
    };
    // The line of a greeting behind it is taken for pixels; or more is promised than any picture has.
    for (bytes, expected) in [(4, "RGB pixels has 6 bytes, 4 were given"), (usize::MAX, "bytes in one piece")] {
        let events = [frame(bytes), Event::Hello { version: VERSION, threads: 1, program: PROGRAM.into() }];
        let mut camera = camera(stand_in(&events, Then::Hang));
        let (source, options) = scene();
        camera.open(source, options);
        let said = loss(&mut camera);
        assert!(said.contains(expected), "{said}");
    }
}

fn small() -> Design {
    preset("shufflenet-v2-x0.5").unwrap().apply(&Edit::Input(InputSize::square(32)))
}

fn wish(generation: u64, design: Design) -> Wish {
    let (generation, run) = (Generation(generation), RunOptions::new(DeviceId::Cpu, 1, 1));
    let (choice, model) = (WeightsChoice::Automatic, design.into());
    let preprocessing = PreprocessingOptions::default();
    Wish { generation, model, run, choice, labels: None, preprocessing, folder: None, classifier: true }
}

fn measuring() -> Client {
    Client::new(launcher(), "a measurement", || {})
}

fn job(design: Design) -> Job {
    let options = RunOptions::new(DeviceId::Cpu, 1, 1);
    Job { design: design.into(), options, protocol: Protocol::live().in_one_process(), weights: None, scatter: None }
}

fn event<T>(client: &mut Client, wanted: impl Fn(ClientEvent) -> Option<T>) -> T {
    wait_for(PATIENCE, || client.poll(), wanted)
}

fn waits_for(client: &mut Client) -> String {
    event(client, |event| match event {
        ClientEvent::Waiting { behind, .. } => Some(behind),
        ClientEvent::Done { .. } | ClientEvent::Peaks { .. } => panic!("it measured beside the camera"),
        _ => None,
    })
}

#[test]
fn while_a_network_looks_through_a_camera_nobody_measures_there_and_is_told_for_whom_it_waits() {
    let (mut camera, mut first, mut second) = (camera(launcher()), measuring(), measuring());
    let (source, options) = scene();
    camera.open(source.clone(), options);
    camera.look_with(wish(1, small()));
    let ready = |news| matches!(news, CameraNews::Ready(_)).then_some(());
    wait(&mut camera, ready);
    // Another network on the same device takes the turn over.
    camera.look_with(wish(2, small().apply(&Edit::Classes(7))));
    wait(&mut camera, ready);
    first.measure(job(small()));
    second.peaks(DeviceId::Cpu, 1).unwrap();
    for client in [&mut first, &mut second] {
        let behind = waits_for(client);
        assert!(behind.starts_with("the camera (process "), "{behind}");
    }
    // Closed, it lets go.
    camera.close();
    event(&mut first, |event| matches!(event, ClientEvent::Done { .. }).then_some(()));
    event(&mut second, |event| matches!(event, ClientEvent::Peaks { .. }).then_some(()));

    // And the other way round: the camera shows pictures, and its network waits.
    let huge = preset("shufflenet-v2-164-se").unwrap().apply(&Edit::Input(InputSize::square(512)));
    first.measure(job(huge));
    event(&mut first, |event| matches!(event, ClientEvent::Preparing { .. }).then_some(()));
    camera.open(source, options);
    camera.look_with(wish(3, small()));
    let behind = wait(&mut camera, |news| match news {
        CameraNews::Waiting(Generation(3), behind) => Some(behind),
        CameraNews::Ready(_) => panic!("it runs beside a measurement"),
        _ => None,
    });
    assert!(behind.starts_with("a measurement (process "), "{behind}");
    wait(&mut camera, |news| matches!(news, CameraNews::Frame(_)).then_some(()));
    // A killed process keeps nobody waiting.
    drop(first);
    wait(&mut camera, ready);
}

#[test]
fn devices_and_cameras_are_told_by_a_process_that_may_crash() {
    let devices = find_devices(&launcher()).unwrap();
    assert!(devices.iter().any(|device| device.id == DeviceId::Cpu && device.is_available()));
    assert!(find_cameras(&launcher()).is_ok());
    let crashed = find_devices(&stand_in(&[], Then::Abort)).unwrap_err();
    assert!(crashed.contains("a driver or a library failed"), "{crashed}");
}
