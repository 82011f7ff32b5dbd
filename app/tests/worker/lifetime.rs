//! Workers that hang, crash or are left alone: nobody waits for ever, and none stays behind.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::stand_in::{Then, stand_in};
use crate::wait::wait_for;
use shufflescope::camera::{SourceOptions, SourceSpec};
use shufflescope::worker::{
    CameraRequest, Client, ClientEvent, Event, Job, Launcher, Request, Session, Ticket, VERSION,
};
use shufflescope_engine::design::{Design, Edit, InputSize};
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::measure::Protocol;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::units::Nanos;
use shufflescope_engine::zoo::preset;

/// Generous: only a hang fails it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Far less than the two minutes of the product.
const SILENCE: Duration = Duration::from_millis(300);

fn job(side: u32) -> Job {
    let design: Design = preset("shufflenet-v2-164-se").unwrap().apply(&Edit::Input(InputSize::square(side)));
    let options = RunOptions::new(DeviceId::Cpu, 1, 1);
    Job { design: design.into(), options, protocol: Protocol::live().in_one_process(), weights: None, scatter: None }
}

fn client(launcher: Launcher) -> Client {
    Client::new(launcher, "a test", || {}).giving_up_after(SILENCE)
}

fn wait<T>(client: &mut Client, wanted: impl Fn(ClientEvent) -> Option<T>) -> T {
    wait_for(PATIENCE, || client.poll(), wanted)
}

fn loss(client: &mut Client) -> String {
    wait(client, |event| match event {
        ClientEvent::WorkerLost { message } | ClientEvent::Failed { message, .. } => Some(message),
        _ => None,
    })
}

/// Whether the system still knows the process, dead or alive.
#[cfg(target_os = "linux")]
fn assert_gone(process: u32) {
    let start = Instant::now();
    while std::path::Path::new(&format!("/proc/{process}")).exists() {
        assert!(start.elapsed() < PATIENCE, "process {process} stays");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(not(target_os = "linux"))]
fn assert_gone(_: u32) {}

const PREPARING: Event = Event::Preparing { ticket: Ticket(1), longest_run: Nanos::ZERO };

#[test]
fn a_job_that_hangs_is_ended_and_told_and_the_next_one_gets_a_fresh_process() {
    let mut client = client(stand_in(&[PREPARING], Then::Hang));
    for _ in 0..2 {
        client.measure(job(32));
        let process = client.worker_id().unwrap();
        let message = loss(&mut client);
        assert!(message.contains("said nothing for") && message.contains("fresh one"), "{message}");
        assert!(!client.is_busy() && client.worker_id().is_none());
        assert_gone(process);
    }
}

#[test]
fn ceilings_that_hang_are_ended_too() {
    let mut client = client(stand_in(&[PREPARING], Then::Hang));
    client.peaks(DeviceId::Cpu, 1).unwrap();
    assert!(loss(&mut client).contains("did not answer"));
    assert!(!client.is_busy());
}

#[test]
fn waiting_for_the_device_is_no_hanging_and_is_told_once() {
    let waiting = Event::Waiting { ticket: Ticket(1), behind: "the camera (process 9)".into() };
    let mut client =
        Client::new(stand_in(&[], Then::Repeat(&waiting)), "a test", || {}).giving_up_after(Duration::from_secs(2));
    client.measure(job(32));
    let start = Instant::now();
    let mut told = Vec::new();
    // Longer than the protocol's own second and the patience together.
    while start.elapsed() < Duration::from_secs(5) {
        told.extend(client.poll());
        std::thread::sleep(Duration::from_millis(20));
    }
    let [ClientEvent::Waiting { behind, .. }] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(behind, "the camera (process 9)");
    assert!(client.is_busy());
}

#[test]
fn a_worker_that_crashes_in_the_middle_is_told_with_how_it_ended() {
    let mut client = client(stand_in(&[PREPARING], Then::Abort));
    client.measure(job(32));
    let message = loss(&mut client);
    let expected = if cfg!(unix) { "signal: 6" } else { "exit code" };
    assert!(message.contains(expected) && message.contains("fresh one"), "{message}");
}

#[test]
fn a_lost_device_fails_its_job_and_the_next_one_gets_a_fresh_process() {
    let message = "the device was lost (reset): try again".to_owned();
    let failed = |ticket| Event::Failed { ticket, message: message.clone(), restart: true };
    let mut client = client(stand_in(&[PREPARING, failed(Ticket(1))], Then::Hang));
    client.measure(job(32));
    let process = client.worker_id().unwrap();
    assert_eq!(loss(&mut client), message);
    assert!(!client.is_busy() && client.worker_id().is_none(), "it is not asked again");
    assert_gone(process);
    client.measure(job(32));
    assert_ne!(client.worker_id().unwrap(), process);

    // The job that fails was replaced meanwhile, which the same process was asked for.
    let mut client = Client::new(stand_in(&[failed(Ticket(1))], Then::Hang), "a test", || {});
    client.measure(job(32));
    let process = client.worker_id().unwrap();
    client.measure(job(64));
    let start = Instant::now();
    let mut told = Vec::new();
    while client.worker_id() == Some(process) {
        told.extend(client.poll());
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(5));
    }
    // The fresh one is asked for the newer job, which has nothing to do with the older one: what says so (at once, on a fast
    // machine) is not asked for ever.
    let message = match told.pop() {
        Some(ClientEvent::WorkerLost { message } | ClientEvent::Failed { message, .. }) => message,
        Some(other) => panic!("{other:?}"),
        None => loss(&mut client),
    };
    assert!(message.contains("its device failed"), "{message}");
}

#[test]
fn dropping_a_client_whose_worker_hears_nothing_returns_and_leaves_no_process() {
    let mut clients: Vec<Client> = (0..4).map(|_| client(stand_in(&[PREPARING], Then::Hang))).collect();
    let mut processes = Vec::new();
    for client in &mut clients {
        client.measure(job(32));
        wait(client, |event| matches!(event, ClientEvent::Preparing { .. }).then_some(()));
        processes.push(client.worker_id().unwrap());
    }
    let start = Instant::now();
    drop(clients);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    processes.into_iter().for_each(assert_gone);
}

/// A worker of the program itself that has been asked for this, once it has said `word`; its input is closed then.
fn ends_with_its_input(request: Request, word: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shufflescope"));
    let mut worker =
        command.arg("worker").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = worker.stdin.take().unwrap();
    for request in [Request::Hello { version: VERSION, client: "a test".into(), threads: None, silence: None }, request]
    {
        writeln!(stdin, "{}", serde_json::to_string(&request).unwrap()).unwrap();
    }
    let mut lines = BufReader::new(worker.stdout.take().unwrap());
    let (mut line, word) = (Vec::new(), format!("\"{word}\""));
    while !String::from_utf8_lossy(&line).contains(&word) {
        line.clear();
        assert_ne!(lines.read_until(b'\n', &mut line).unwrap(), 0, "it ended before it said {word}");
    }
    drop(stdin);
    let start = Instant::now();
    while worker.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < PATIENCE, "it goes on without a window");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_worker_that_hears_nothing_for_as_long_as_it_was_told_ends_though_its_input_is_open() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shufflescope"));
    let mut worker =
        command.arg("worker").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = worker.stdin.take().unwrap();
    let silence = Some(Nanos::from_millis(400));
    let hello = Request::Hello { version: VERSION, client: "a test".into(), threads: Some(1), silence };
    let start = Instant::now();
    for request in
        [hello, Request::Alive, Request::Measure { ticket: Ticket(1), job: Box::new(job(512)), threads: None }]
    {
        writeln!(stdin, "{}", serde_json::to_string(&request).unwrap()).unwrap();
    }
    while worker.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < PATIENCE, "it goes on behind a line that is cut");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(start.elapsed() >= Duration::from_millis(400));
    drop(stdin);
}

#[test]
fn a_worker_ends_with_its_window_in_the_middle_of_a_job() {
    ends_with_its_input(Request::Measure { ticket: Ticket(1), job: Box::new(job(512)), threads: None }, "preparing");
}

#[test]
fn a_worker_ends_with_its_window_while_a_camera_is_open() {
    let (session, options) = (Session(1), SourceOptions::default());
    let source = SourceSpec::Synthetic { seed: 0 };
    ends_with_its_input(Request::Camera(CameraRequest::Open { session, source, options }), "frame");
}
