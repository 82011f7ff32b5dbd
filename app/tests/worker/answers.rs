//! The client against the real child process, and against programs that are no workers.

use std::process::Command;
use std::time::Duration;

use crate::outcome::outcome;
use crate::wait::wait_for;
use shufflescope::worker::{Client, ClientEvent, Job, Launcher, SearchJob};
use shufflescope_engine::design::{Batch, Design, Edit, InputSize};
use shufflescope_engine::device::{DeviceId, emulator};
use shufflescope_engine::graph::{OpKind, lower};
use shufflescope_engine::measure::{Apart, Basis, Measurement, Mode, Protocol, Scatter};
use shufflescope_engine::model::{Model, ModelFile};
use shufflescope_engine::model_file::onnx::{BatchNorm, write_onnx};
use shufflescope_engine::runtime::{RunOptions, Runtime};
use shufflescope_engine::search::{Capacity, Goal};
use shufflescope_engine::units::{Nanos, NanosDelta};
use shufflescope_engine::weights::Weights;
use shufflescope_engine::zoo::{network, preset};

/// Generous: only a hang fails it.
const PATIENCE: Duration = Duration::from_secs(120);

fn launcher(args: &[&str]) -> Launcher {
    let args = args.iter().map(ToString::to_string).collect();
    Launcher::local(env!("CARGO_BIN_EXE_shufflescope").into(), args)
}

fn client() -> Client {
    Client::new(launcher(&["worker"]), "a test", || {})
}

fn small() -> Design {
    preset("shufflenet-v2-x0.5").unwrap().apply(&Edit::Input(InputSize::square(32)))
}

fn job(model: impl Into<Model>) -> Job {
    let options = RunOptions::new(DeviceId::Cpu, 1, 1);
    Job { design: model.into(), options, protocol: Protocol::live().in_one_process(), weights: None, scatter: None }
}

/// A network whose single run takes far longer than the client waits for obedience.
fn huge() -> Design {
    preset("shufflenet-v2-164-se").unwrap().apply(&Edit::Input(InputSize::square(512)))
}

/// Polls until `wanted` picks an event.
fn wait<T>(client: &mut Client, wanted: impl FnMut(ClientEvent) -> Option<T>) -> T {
    wait_for(PATIENCE, || client.poll(), wanted)
}

fn result(client: &mut Client) -> Result<Measurement, String> {
    wait(client, outcome)
}

fn kill(process: u32) {
    let id = process.to_string();
    let status = if cfg!(windows) {
        Command::new("taskkill").args(["/F", "/PID", &id]).status()
    } else {
        Command::new("kill").args(["-9", &id]).status()
    };
    assert!(status.unwrap().success());
}

#[test]
fn a_measurement_adds_up_and_has_every_layer_in_one_kernel() {
    let mut client = client();
    client.measure(job(small()));
    let measurement = result(&mut client).unwrap();
    let breakdown = measurement.breakdown.clone().unwrap();
    let sum: Nanos = breakdown.kernels.iter().map(|kernel| kernel.median).sum();
    assert_eq!(breakdown.sum, sum);
    assert_eq!(breakdown.unaccounted, NanosDelta::between(breakdown.marked_whole, sum));

    let graph = lower(&small(), Batch(1)).unwrap();
    let mut layers: Vec<_> = graph.layers().map(|(_, node)| node.path.clone()).collect();
    let mut measured: Vec<_> = breakdown.kernels.into_iter().flat_map(|kernel| kernel.layers).collect();
    layers.sort();
    measured.sort();
    assert_eq!(measured, layers);
    assert_eq!(measurement.threads, 1);
    assert!(!client.is_busy());
}

fn apart(client: &mut Client) -> Result<Apart, String> {
    wait(client, |event| match event {
        ClientEvent::Apart { apart, .. } => Some(Ok(*apart)),
        ClientEvent::Failed { message, .. } | ClientEvent::WorkerLost { message } => Some(Err(message)),
        _ => None,
    })
}

#[test]
fn a_network_taken_apart_has_every_layer_that_computes_once_with_progress_before() {
    let mut client = client();
    let graph = lower(&small(), Batch(1)).unwrap();
    // Folded and renamed layers are no work for our kernels; stock Candle does everything one by one.
    let computes = |kind: OpKind| !matches!(kind, OpKind::Normalisation | OpKind::Data);
    for runtime in Runtime::ALL {
        let mut job = job(small());
        job.options.runtime = runtime;
        client.take_apart(job);
        assert!(client.is_busy());
        wait(&mut client, |event| match event {
            ClientEvent::Progress { fraction, partial, .. } => {
                assert!((0.0..=1.0).contains(&fraction) && partial.is_none());
                Some(())
            }
            _ => None,
        });
        let apart = apart(&mut client).unwrap();
        let expected = graph.layers().filter(|(_, node)| runtime == Runtime::Candle || computes(node.op.kind()));
        let paths = apart.layers.iter().map(|layer| layer.path.as_str());
        assert!(paths.eq(expected.map(|(_, node)| node.path.as_str())), "{runtime}: {apart:?}");
        let sum: Nanos = apart.layers.iter().map(|layer| layer.median).sum();
        assert!(sum > Nanos::ZERO && apart.whole > Nanos::ZERO);
        assert!(!client.is_busy());
    }
}

#[test]
fn a_search_tells_where_it_stands_and_ends_for_a_newer_request_or_a_person() {
    let mut client = client();
    let search = || SearchJob {
        goal: Goal {
            budget: Nanos::from_millis(1),
            at_least_mult_adds: None,
            at_most_params: None,
            most: Capacity::MultAdds,
        },
        starts: vec![small()],
        options: RunOptions::new(DeviceId::Cpu, 1, 1),
        time: Nanos::from_secs(600),
        seed: 1,
        known: vec![],
        peaks: None,
        found: vec![],
    };
    let goes_on = |event| match event {
        ClientEvent::Search { standing, .. } => {
            assert!((0.0..=1.0).contains(&standing.fraction) && standing.left <= Nanos::from_secs(600));
            Some(())
        }
        ClientEvent::WorkerLost { message } | ClientEvent::Failed { message, .. } => panic!("{message}"),
        _ => None,
    };
    client.search(search());
    wait(&mut client, goes_on);
    client.measure(job(small()));
    assert!(result(&mut client).is_ok());
    client.search(search());
    wait(&mut client, goes_on);
    client.cancel();
    let events = client.poll();
    assert!(matches!(events.as_slice(), [.., ClientEvent::Cancelled { .. }]), "{events:?}");
    client.search(SearchJob { starts: vec![], ..search() });
    assert!(result(&mut client).unwrap_err().contains("no sound design"));
}

#[test]
fn taking_apart_is_cancelled_by_a_newer_request_and_by_a_person_and_fails_with_its_reason() {
    let mut client = client();
    let preparing = |event| matches!(event, ClientEvent::Preparing { .. }).then_some(());
    client.take_apart(job(huge()));
    wait(&mut client, preparing);
    let newest = client.measure(job(small()));
    let of = wait(&mut client, |event| match event {
        ClientEvent::Done { ticket, .. } => Some(ticket),
        ClientEvent::WorkerLost { message } | ClientEvent::Failed { message, .. } => panic!("{message}"),
        ClientEvent::Apart { .. } => panic!("it was replaced"),
        _ => None,
    });
    assert_eq!(of, newest);
    client.take_apart(job(huge()));
    wait(&mut client, preparing);
    client.cancel();
    let events = client.poll();
    assert!(matches!(events.as_slice(), [.., ClientEvent::Cancelled { .. }]), "{events:?}");
    let weights = Some("/no/such/weights.safetensors".into());
    client.take_apart(Job { weights, ..job(small()) });
    assert!(apart(&mut client).unwrap_err().contains("/no/such/weights.safetensors"));
}

#[test]
fn partial_results_come_before_the_result() {
    let mut client = client();
    client.measure(job(small()));
    let median = wait(&mut client, |event| match event {
        ClientEvent::Progress { partial, .. } => partial.map(|partial| partial.whole.median),
        ClientEvent::Done { .. } => panic!("no partial result before the result"),
        _ => None,
    });
    assert!(median > Nanos::ZERO);
}

#[test]
fn a_newer_request_replaces_an_older_one_even_in_the_middle_of_a_long_run() {
    let mut client = client();
    client.measure(job(huge()));
    wait(&mut client, |event| matches!(event, ClientEvent::Preparing { .. }).then_some(()));
    let newest = client.measure(job(small()));
    let of = wait(&mut client, |event| match event {
        ClientEvent::Done { ticket, .. } => Some(ticket),
        ClientEvent::WorkerLost { message } | ClientEvent::Failed { message, .. } => panic!("{message}"),
        _ => None,
    });
    assert_eq!(of, newest);
}

#[test]
fn cancelling_ends_a_long_run_at_once() {
    let mut client = client();
    client.measure(job(huge()));
    wait(&mut client, |event| matches!(event, ClientEvent::Preparing { .. }).then_some(()));
    client.cancel();
    let events = client.poll();
    assert!(matches!(events.as_slice(), [.., ClientEvent::Cancelled { .. }]), "{events:?}");
    assert!(!client.is_busy());
}

#[test]
fn a_killed_worker_is_reported_and_the_next_job_gets_a_fresh_one() {
    let mut client = client();
    client.measure(job(huge()));
    wait(&mut client, |event| matches!(event, ClientEvent::Preparing { .. }).then_some(()));
    kill(client.worker_id().unwrap());
    let message = result(&mut client).unwrap_err();
    assert!(message.contains("lost") && message.contains("fresh"), "{message}");
    client.measure(job(small()));
    assert!(result(&mut client).is_ok());
}

#[test]
fn a_worker_killed_while_idle_is_replaced_without_words() {
    let mut client = client();
    client.measure(job(small()));
    result(&mut client).unwrap();
    kill(client.worker_id().unwrap());
    std::thread::sleep(Duration::from_millis(200));
    assert!(client.poll().is_empty());
    client.measure(job(small()));
    assert!(result(&mut client).is_ok());
}

#[test]
fn rubbish_from_a_worker_is_an_error() {
    let mut client = Client::new(launcher(&["designs"]), "a test", || {});
    client.measure(job(small()));
    let message = result(&mut client).unwrap_err();
    assert!(message.contains("no event"), "{message}");
}

#[test]
fn a_worker_that_ends_at_once_is_an_error_with_its_last_words() {
    let mut client = Client::new(launcher(&["cost", "no-such-design"]), "a test", || {});
    client.measure(job(small()));
    let message = result(&mut client).unwrap_err();
    assert!(message.contains("no preset"), "{message}");
}

#[test]
fn a_missing_worker_program_is_an_error() {
    let mut client = Client::new(Launcher::local("/no/such/program".into(), vec![]), "a test", || {});
    client.measure(job(small()));
    let message = result(&mut client).unwrap_err();
    // QEMU does not tell who starts a program that there is none: one that began ends at once.
    let expected = if emulator().is_some() { "exit status: 127" } else { "cannot be started" };
    assert!(message.contains(expected), "{message}");
}

#[test]
fn an_invalid_design_and_missing_weights_fail_with_their_reason_and_leave_the_worker_alive() {
    let mut client = client();
    client.measure(job(small().apply(&Edit::Classes(0))));
    assert!(result(&mut client).unwrap_err().contains("classes"));
    let process = client.worker_id();
    let weights = Some("/no/such/weights.safetensors".into());
    client.measure(Job { weights, ..job(small()) });
    assert!(result(&mut client).unwrap_err().contains("/no/such/weights.safetensors"));
    client.measure(job(small()));
    assert!(result(&mut client).is_ok());
    assert_eq!(client.worker_id(), process);
}

#[test]
fn another_number_of_threads_gets_another_process_that_uses_it() {
    let mut client = client();
    for threads in [1, 2] {
        let mut job = job(small());
        job.options.threads = threads;
        client.measure(job);
        let measurement = result(&mut client).unwrap();
        assert_eq!(measurement.threads_asked, threads);
        // Of two threads one may be left out where it does not help, which is said.
        let used = measurement.thread_choice.map_or(1, |choice| choice.used);
        assert!(measurement.threads == used && used <= threads);
    }
}

#[test]
fn a_devices_ceilings_are_measured_and_a_job_goes_before_them() {
    let mut client = client();
    assert!(client.peaks(DeviceId::Cpu, 1).is_some());
    assert_eq!(client.peaks(DeviceId::Cpu, 1), None, "one thing at a time");
    let peaks = wait(&mut client, |event| match event {
        ClientEvent::Peaks { peaks, .. } => Some(peaks),
        _ => None,
    });
    assert_eq!((peaks.device, peaks.threads), (DeviceId::Cpu, 1));
    assert!(peaks.cache.is_some_and(|(_, per_thread)| per_thread < peaks.memory_bytes), "{peaks:?}");
    let waiting = client.peaks(DeviceId::Cpu, 1).unwrap();
    client.measure(job(small()));
    let gone = wait(&mut client, |event| match event {
        ClientEvent::Cancelled { ticket } => Some(ticket),
        _ => None,
    });
    assert_eq!(gone, waiting);
    assert!(result(&mut client).is_ok());
}

#[test]
fn ceilings_of_a_device_that_is_not_there_fail_with_the_remedy() {
    let mut client = client();
    client.peaks(DeviceId::Metal(9), 1);
    assert!(result(&mut client).unwrap_err().contains("metal:9"));
    assert!(!client.is_busy());
}

#[test]
fn rigorous_mode_merges_several_processes() {
    let mut protocol = Protocol::rigorous();
    protocol.processes.maximum = 3;
    protocol.warm_up.minimum_time = Nanos::from_millis(20);
    protocol.warm_up.maximum_time = Nanos::from_millis(40);
    protocol.sampling.maximum_time = Nanos::from_millis(100);
    let mut client = client();
    client.measure(Job { protocol, ..job(small()) });
    let measurement = result(&mut client).unwrap();
    assert_eq!((measurement.mode, measurement.processes.len()), (Mode::Rigorous, 3));
    let undisturbed: usize = measurement.processes.iter().map(|process| process.whole_ns.len()).sum();
    let disturbed: usize = measurement.processes.iter().map(|process| process.set_aside.len()).sum();
    assert!((undisturbed..=undisturbed + disturbed).contains(&measurement.whole.samples));
    // Three processes: Student's t with two degrees of freedom, and each process's own parts.
    let known = measurement.repeatability.unwrap();
    assert_eq!((known.degrees_of_freedom, measurement.whole.coverage), (2.0, 0.95));
    assert!(matches!(known.basis, Basis::Processes | Basis::Assumed));
    assert!(measurement.whole.within_run.is_some());
}

#[test]
fn one_measures_at_a_time_and_whoever_waits_is_told_for_whom() {
    let (mut first, mut second) = (client(), client());
    first.measure(job(huge()));
    wait(&mut first, |event| matches!(event, ClientEvent::Preparing { .. }).then_some(()));
    second.measure(job(small()));
    let behind = wait(&mut second, |event| match event {
        ClientEvent::Waiting { behind, .. } => Some(behind),
        ClientEvent::Done { .. } => panic!("two measured at once"),
        _ => None,
    });
    assert!(behind.starts_with("a test (process "), "{behind}");
    // The first one's process is killed in the middle of its measurement: its lock goes with it.
    kill(first.worker_id().unwrap());
    assert!(result(&mut second).is_ok());
}

#[test]
fn what_earlier_runs_have_shown_travels_with_the_job() {
    let mut client = client();
    let scatter = Scatter { between_runs: 0.05, between_processes: 0.0, canary: None, degrees_of_freedom: 20.0 };
    client.measure(Job { protocol: Protocol::live(), scatter: Some(scatter), ..job(small()) });
    let measurement = result(&mut client).unwrap();
    assert_eq!(measurement.processes.len(), 1, "one process is enough where it is known how others differ");
    let known = measurement.repeatability.unwrap();
    assert_eq!((known.basis, known.scatter), (Basis::EarlierRuns, Some(scatter)));
    // Student's t with 20 degrees of freedom is 2.086.
    let half_width = measurement.whole.half_width();
    assert!((0.100..0.110).contains(&half_width), "{half_width}");
    client.measure(Job { protocol: Protocol::live(), ..job(small()) });
    let measurement = result(&mut client).unwrap();
    assert_eq!(measurement.processes.len(), 5, "nothing is known yet");
    assert!(matches!(measurement.repeatability.unwrap().basis, Basis::Processes | Basis::Assumed));
    assert!(measurement.whole.half_width() > 0.08, "at least what is assumed of slow changes");
}

fn layers_of(measurement: &Measurement) -> Vec<String> {
    let breakdown = measurement.breakdown.as_ref().unwrap();
    let mut layers: Vec<String> = breakdown.kernels.iter().flat_map(|kernel| kernel.layers.clone()).collect();
    layers.sort();
    layers
}

#[test]
fn networks_and_onnx_files_are_measured_like_designs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.onnx");
    let graph = lower(&small(), Batch(1)).unwrap();
    write_onnx(&graph, &Weights::seeded(&graph, 1), BatchNorm::Keep, &path).unwrap();
    let file = Model::from(ModelFile::open(&path).unwrap());
    let fixed = Model::from(network("resnet-18").unwrap()).with_input(InputSize::square(64));
    let mut client = client();
    for model in [file, fixed] {
        client.measure(job(&model));
        let measurement = result(&mut client).unwrap();
        assert_eq!(measurement.design, model.fingerprint());
        let graph = model.graph(Batch(1)).unwrap();
        let mut layers: Vec<String> = graph.layers().map(|(_, node)| node.path.clone()).collect();
        layers.sort();
        assert_eq!(layers_of(&measurement), layers, "{}", model.name());
    }
}

#[test]
fn a_model_file_that_is_gone_or_another_one_fails_with_its_name_and_leaves_the_worker_alive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.onnx");
    let export = |classes| {
        let graph = lower(&small().apply(&Edit::Classes(classes)), Batch(1)).unwrap();
        write_onnx(&graph, &Weights::seeded(&graph, 1), BatchNorm::Keep, &path).unwrap();
    };
    export(10);
    let model = Model::from(ModelFile::open(&path).unwrap());
    export(11);
    let mut client = client();
    client.measure(job(&model));
    let message = result(&mut client).unwrap_err();
    assert!(message.contains("small.onnx") && message.contains("has changed"), "{message}");
    std::fs::remove_file(&path).unwrap();
    client.measure(job(&model));
    let message = result(&mut client).unwrap_err();
    assert!(message.contains("small.onnx"), "{message}");
    client.measure(job(small()));
    assert!(result(&mut client).is_ok());
}
