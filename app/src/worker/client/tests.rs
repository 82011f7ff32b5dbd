//! What several processes took is put together on another thread, and by no call of the client's.

use std::sync::mpsc::{Receiver, channel};

use shufflescope_engine::clock::{ClockDomain, TimerQuality};
use shufflescope_engine::design::{Edit, InputSize};
use shufflescope_engine::device::{CardState, Conditions};
use shufflescope_engine::measure::{
    Circumstances, MarkedRun, MeasureKey, Measurement, PrecisionEffect, ProcessSamples, Processes, Protocol, WarmUp,
};
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::units::Nanos;
use shufflescope_engine::zoo::preset;

use super::*;

/// Generous: only a hang fails it.
const PATIENCE: Duration = Duration::from_secs(60);

const TICKET: Ticket = Ticket(1);

/// Takes so many processes.
fn job(processes: usize) -> Job {
    let design = preset("shufflenet-v2-x0.5").unwrap().apply(&Edit::Input(InputSize::square(32)));
    let options = RunOptions::new(DeviceId::Cpu, 1, 1);
    let (minimum, maximum) = (processes, processes);
    let processes = Processes { minimum, maximum, maximum_time: Nanos::ZERO, half_width: None };
    let protocol = Protocol { processes, ..Protocol::live() };
    Job { design: design.into(), options, protocol, weights: None, scatter: None }
}

/// What a process says that is done.
fn done(job: &Job) -> Event {
    let warm_up = WarmUp { first_run: Nanos(20), runs: 3, time: Nanos(60), settled: true };
    let mut samples = ProcessSamples::new(warm_up, TimerQuality { precision: Nanos(1), read_cost: Nanos(0) }, 1, 1);
    samples.whole = vec![Nanos(20); 50];
    samples.enqueue.clone_from(&samples.whole);
    let key = MeasureKey { design: job.design.fingerprint(), options: job.options.clone(), protocol: job.protocol };
    let circumstances = Circumstances { key, kernels: vec![], conditions: Conditions::default(), scatter: None };
    let measurement = Measurement::summarise(&circumstances, std::slice::from_ref(&samples)).unwrap();
    Event::Done { ticket: TICKET, measurement: Box::new(measurement), samples: Box::new(samples) }
}

/// A client at this job, whose second process has just said `second`; and when it is woken. It can start no worker.
fn after_two(job: &Job, second: Event) -> (Client, Receiver<()>) {
    let (woken, wakes) = channel();
    // No system takes such a name. That there is no program of another one, an emulator tells only later.
    let launcher = Launcher::local("no\0program".into(), vec![]);
    let mut client = Client::new(launcher, "a test", move || woken.send(()).unwrap_or_default());
    let mut current = Current::measure(TICKET, job.clone(), client.wake.clone());
    assert!(matches!(current.take(done(job)), Step::NextProcess(_)));
    (client.current, client.tickets) = (Some(current), TICKET.0);
    client.on_event(second);
    assert!(client.events.is_empty() && client.is_busy(), "nothing is computed where the worker is heard");
    (client, wakes)
}

fn merging(processes: usize) -> (Client, Receiver<()>) {
    let job = job(processes);
    after_two(&job, done(&job))
}

#[test]
fn the_result_of_several_processes_comes_by_a_later_poll() {
    let (mut client, wakes) = merging(2);
    wakes.recv_timeout(PATIENCE).unwrap();
    let events = client.poll();
    let [ClientEvent::Done { ticket: TICKET, measurement }] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(measurement.processes.len(), 2);
    assert!(!client.is_busy() && client.poll().is_empty());
}

#[test]
fn what_the_card_told_each_process_and_what_the_precision_does_is_in_the_result() {
    let job = job(2);
    let with = |card: Option<CardState>| {
        let Event::Done { ticket, mut measurement, samples } = done(&job) else { panic!("it is done") };
        measurement.conditions.card = card;
        measurement.precision_effect =
            Some(PrecisionEffect { relative_difference: Some(0.5), top1_changed: 1, images: 1, ranges: None });
        Event::Done { ticket, measurement, samples }
    };
    let card = |clock, throttled| CardState {
        sm_clock_mhz: Some(clock),
        throttled: Some(throttled),
        readings: 1,
        ..CardState::default()
    };
    let (woken, wakes) = channel();
    let wake: Wake = std::sync::Arc::new(move || woken.send(()).unwrap_or_default());
    let mut current = Current::measure(TICKET, job.clone(), wake);
    assert!(matches!(current.take(with(Some(card(1_200, true)))), Step::NextProcess(_)));
    assert!(matches!(current.take(with(Some(card(1_980, false)))), Step::Nothing));
    wakes.recv_timeout(PATIENCE).unwrap();
    let Step::End(ClientEvent::Done { measurement, .. }) = current.merged() else { panic!("both are there") };
    let told = measurement.conditions.card.unwrap();
    assert_eq!((told.sm_clock_mhz, told.throttled, told.readings), (Some(1_200), Some(true), 2));
    assert_eq!(measurement.precision_effect.map(|effect| effect.top1_changed), Some(1));
}

#[test]
fn another_process_starts_once_those_before_it_are_put_together() {
    let (mut client, wakes) = merging(3);
    wakes.recv_timeout(PATIENCE).unwrap();
    let events = client.poll();
    let [ClientEvent::Progress { partial: Some(partial), .. }, ClientEvent::WorkerLost { message }] = events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!(partial.processes.len(), 2);
    assert!(message.contains("cannot be started"), "the third was tried: {message}");
}

#[test]
fn meanwhile_no_worker_is_missed_that_is_lost_or_silent() {
    let (mut client, wakes) = merging(2);
    client.lose("it died");
    let later = Instant::now() + Duration::from_secs(86_400);
    assert!(client.current.as_ref().is_some_and(|current| !current.is_silent(later, Duration::ZERO)));
    client.on_event(Event::Failed { ticket: TICKET, message: "too late".into(), restart: true });
    wakes.recv_timeout(PATIENCE).unwrap();
    let events = client.poll();
    assert!(matches!(events.as_slice(), [ClientEvent::Done { .. }]), "{events:?}");
}

#[test]
fn a_job_that_is_cancelled_or_replaced_meanwhile_has_no_result() {
    let (mut client, _) = merging(2);
    client.cancel();
    assert!(matches!(client.poll().as_slice(), [ClientEvent::Cancelled { ticket: TICKET }]));
    assert!(!client.is_busy() && client.poll().is_empty());

    let (mut client, _) = merging(2);
    assert_eq!(client.measure(job(1)), Ticket(2));
    let events = client.poll();
    assert!(matches!(events.as_slice(), [ClientEvent::WorkerLost { .. }]), "of the newer one alone: {events:?}");
}

#[test]
fn samples_that_do_not_fit_together_fail_the_job_with_the_reason() {
    let job = job(2);
    let Event::Done { ticket, measurement, mut samples } = done(&job) else { panic!("it is done") };
    samples.marked = vec![MarkedRun { whole: Nanos(20), kernels: vec![Nanos(9); 2], clock: ClockDomain::Host }; 5];
    let (mut client, wakes) = after_two(&job, Event::Done { ticket, measurement, samples });
    wakes.recv_timeout(PATIENCE).unwrap();
    let events = client.poll();
    let [ClientEvent::Failed { ticket: TICKET, message }] = events.as_slice() else { panic!("{events:?}") };
    assert!(message.contains("cannot be put together"), "{message}");
    assert!(!client.is_busy());
}
