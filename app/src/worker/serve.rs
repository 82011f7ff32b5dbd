//! The child's side: reads requests, measures, writes events.

use std::io::{BufRead, BufReader, Read, Write};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use shufflescope_engine::design::Batch;
use shufflescope_engine::device::{ConditionsProbe, Device, DeviceId};
use shufflescope_engine::experiment::{ExperimentError, measure_in_turns};
use shufflescope_engine::measure::{
    ArithmeticCanary, Canary, Circumstances, Clock, Instruments, InterleaveProgress, Interleaved, KernelLabel,
    MeasureError, MeasureKey, Measurement, MonotonicClock, PeaksError, Phase, ProcessSamples, Progress, Protocol,
    SystemWatch, measure_peaks, sample,
};
use shufflescope_engine::runtime::{Executable, check_memory, prepare};
use shufflescope_engine::units::Nanos;

use crate::explain;

use super::apart::take_apart;
use super::protocol::{Contest, Event, Job, MAX_LINE_BYTES, Request, Ticket, TurnsJob, VERSION};
use super::turn::{Asked, Turn, Turns};

/// Time between two partial results: making one costs the machine a moment that the next run would notice.
const PARTIAL_SPACING: Duration = Duration::from_millis(100);

/// Time between two sets of rounds sent while networks take turns: a set may be hundreds of kilobytes.
const ROUNDS_SPACING: Duration = Duration::from_millis(700);

/// Time between two looks whether the device is free.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Serves requests until the other side closes the pipe.
///
/// # Errors
/// Where the other side does not greet or speaks another version.
pub fn serve(input: impl Read + Send + 'static, output: impl Write + Send + 'static) -> anyhow::Result<()> {
    let events = Events { output: Arc::new(Mutex::new(Box::new(output))) };
    let newest = Arc::new(AtomicU64::new(0));
    let watch = SystemWatch::default();
    let (sender, requests) = channel();
    let reader = Reader { newest: newest.clone(), repaints: watch.repaints(), requests: sender };
    std::thread::Builder::new().name("requests".into()).spawn(move || reader.run(input))?;

    let client = match requests.recv() {
        Ok(Request::Hello { version, client }) if version == VERSION => client,
        Ok(Request::Hello { version, .. }) => {
            events.send(&Event::Hello { version: VERSION, threads: rayon::current_num_threads() });
            bail!(
                "the other side speaks protocol version {version}, this worker {VERSION}: use the same release on both"
            );
        }
        Ok(_) => bail!("the first request was no greeting"),
        Err(_) => return Ok(()),
    };
    events.send(&Event::Hello { version: VERSION, threads: rayon::current_num_threads() });
    let (clock, canary) = (MonotonicClock::new(), ArithmeticCanary::new());
    Worker { events, newest, client, turns: Turns::of_this_user(), clock, canary, watch }.run(&requests);
    Ok(())
}

/// Writes events; when nobody reads them any more there is nothing left to do.
#[derive(Clone)]
struct Events {
    output: Arc<Mutex<Box<dyn Write + Send>>>,
}

impl Events {
    fn send(&self, event: &Event) {
        let Ok(mut line) = serde_json::to_vec(event) else { return };
        line.push(b'\n');
        let Ok(mut output) = self.output.lock() else { return };
        if output.write_all(&line).and_then(|()| output.flush()).is_err() {
            std::process::exit(0);
        }
    }
}

/// Reads requests while a measurement runs, so that a newer one can stop it.
struct Reader {
    newest: Arc<AtomicU64>,
    repaints: Arc<AtomicU64>,
    requests: Sender<Request>,
}

impl Reader {
    fn run(self, input: impl Read) {
        let mut input = BufReader::new(input);
        let mut line = Vec::new();
        loop {
            line.clear();
            match input.by_ref().take(MAX_LINE_BYTES as u64).read_until(b'\n', &mut line) {
                // The window is gone: stop at once, also in the middle of a run.
                Ok(0) | Err(_) => std::process::exit(0),
                Ok(_) => {}
            }
            match serde_json::from_slice::<Request>(&line) {
                Ok(request) => {
                    match &request {
                        Request::Measure { ticket, .. }
                        | Request::Apart { ticket, .. }
                        | Request::TakeTurns { ticket, .. }
                        | Request::Peaks { ticket, .. } => {
                            self.newest.store(ticket.0, Ordering::Release);
                        }
                        Request::Cancel => self.newest.store(u64::MAX, Ordering::Release),
                        Request::Painting => {
                            self.repaints.fetch_add(1, Ordering::AcqRel);
                            continue;
                        }
                        Request::Hello { .. } => {}
                    }
                    if self.requests.send(request).is_err() {
                        std::process::exit(0);
                    }
                }
                Err(error) => {
                    // Not our window. Say so where a person may see it and stop, rather than guess.
                    let _ = writeln!(std::io::stderr(), "not a request: {error}");
                    std::process::exit(2);
                }
            }
        }
    }
}

struct Worker {
    events: Events,
    newest: Arc<AtomicU64>,
    client: String,
    turns: Turns,
    clock: MonotonicClock,
    canary: ArithmeticCanary,
    watch: SystemWatch,
}

impl Worker {
    fn run(mut self, requests: &Receiver<Request>) {
        while let Ok(request) = requests.recv() {
            let event = match request {
                Request::Measure { ticket, job } => self.attempt(ticket, |worker| {
                    let (measurement, samples) = worker.measure(ticket, &job)?;
                    Ok(Event::Done { ticket, measurement: Box::new(measurement), samples: Box::new(samples) })
                }),
                Request::Apart { ticket, job } => self.attempt(ticket, |worker| worker.take_apart(ticket, &job)),
                Request::TakeTurns { ticket, job } => self.attempt(ticket, |worker| {
                    Ok(Event::TurnsDone { ticket, samples: Box::new(worker.take_turns(ticket, &job)?) })
                }),
                Request::Peaks { ticket, device } => self.attempt(ticket, |worker| worker.peaks(ticket, device)),
                Request::Hello { .. } | Request::Painting | Request::Cancel => continue,
            };
            self.events.send(&event);
        }
    }

    /// The answer to a request, whatever becomes of it.
    fn attempt(&mut self, ticket: Ticket, work: impl FnOnce(&mut Self) -> anyhow::Result<Event>) -> Event {
        if self.is_stale(ticket) {
            return Event::Cancelled { ticket };
        }
        match catch_unwind(AssertUnwindSafe(|| work(self))) {
            Ok(Ok(event)) => event,
            Ok(Err(error)) if is_cancelled(&error) => Event::Cancelled { ticket },
            Ok(Err(error)) => Event::Failed { ticket, message: explain(&error) },
            Err(panic) => {
                let reason = panic_text(&*panic);
                Event::Failed { ticket, message: format!("the runtime panicked: {reason}; please report this design") }
            }
        }
    }

    fn take_apart(&self, ticket: Ticket, job: &Job) -> anyhow::Result<Event> {
        let _turn = self.wait_for_turn(ticket, job.options.device)?;
        self.events.send(&Event::Preparing { ticket });
        let apart = take_apart(job, &self.clock, &mut |fraction, left| {
            if self.is_stale(ticket) {
                return ControlFlow::Break(());
            }
            self.events.send(&Event::Progress { ticket, fraction, left, partial: None });
            ControlFlow::Continue(())
        })?;
        Ok(Event::Apart { ticket, apart: Box::new(apart) })
    }

    /// Waits until nobody else measures on the device.
    fn wait_for_turn(&self, ticket: Ticket, device: DeviceId) -> anyhow::Result<Turn> {
        let mut told = None;
        loop {
            match self.turns.ask(device, &self.client) {
                Asked::Mine(turn) => return Ok(turn),
                Asked::Taken(behind) if told.as_ref() != Some(&behind) => {
                    self.events.send(&Event::Waiting { ticket, behind: behind.clone() });
                    told = Some(behind);
                }
                Asked::Taken(_) => {}
            }
            std::thread::sleep(LOOK_AGAIN);
            if self.is_stale(ticket) {
                return Err(MeasureError::Cancelled.into());
            }
        }
    }

    fn peaks(&mut self, ticket: Ticket, device: DeviceId) -> anyhow::Result<Event> {
        let _turn = self.wait_for_turn(ticket, device)?;
        self.events.send(&Event::Preparing { ticket });
        let newest = &*self.newest;
        let peaks =
            measure_peaks(device, rayon::current_num_threads(), &|| newest.load(Ordering::Acquire) == ticket.0)?;
        Ok(Event::Peaks { ticket, peaks: Box::new(peaks) })
    }

    /// Whether a newer request has come in, or a cancellation.
    fn is_stale(&self, ticket: Ticket) -> bool {
        self.newest.load(Ordering::Acquire) != ticket.0
    }

    fn take_turns(&self, ticket: Ticket, job: &TurnsJob) -> anyhow::Result<Interleaved> {
        let _turn = self.wait_for_turn(ticket, job.options.device)?;
        self.events.send(&Event::Preparing { ticket });
        let batch = Batch(job.options.batch);
        let graphs = match &job.networks {
            Contest::Pair { a, b } => vec![a.graph(batch)?, b.graph(batch)?],
            Contest::Column(choice) => match choice.column() {
                Some(column) => column.graphs(batch)?,
                None => bail!("{} has no column {} at {}", choice.experiment, choice.index, choice.scale),
            },
        };
        let device = Device::open(&job.options.device)?;
        let (clock, mut canary) = (MonotonicClock::new(), ArithmeticCanary::new());
        let mut samples = Interleaved::new(clock.quality());
        let mut last_samples = Instant::now();
        let mut progress = |progress: &InterleaveProgress<'_>| {
            if self.is_stale(ticket) {
                return ControlFlow::Break(());
            }
            let due = !progress.samples.rounds.is_empty() && last_samples.elapsed() >= ROUNDS_SPACING;
            if due {
                last_samples = Instant::now();
            }
            self.events.send(&Event::Turns {
                ticket,
                fraction: progress.fraction,
                left: progress.left,
                samples: due.then(|| Box::new(progress.samples.clone())),
            });
            ControlFlow::Continue(())
        };
        let how = (&clock as &dyn Clock, &mut canary as &mut dyn Canary);
        measure_in_turns(&graphs, (&job.options, &device), &job.rules, how, &mut samples, &mut progress)?;
        Ok(samples)
    }

    fn measure(&mut self, ticket: Ticket, job: &Job) -> anyhow::Result<(Measurement, ProcessSamples)> {
        let _turn = self.wait_for_turn(ticket, job.options.device)?;
        self.events.send(&Event::Preparing { ticket });
        let graph = job.design.graph(Batch(job.options.batch))?;
        check_memory(&graph, &job.options)?;
        let device = Device::open(&job.options.device)?;
        let weights = job.design.weights(&graph, job.weights.as_deref()).context("the weights cannot be used")?;
        let mut executable = prepare(&graph, &weights, &device, &job.options)?;
        drop(weights);
        if self.is_stale(ticket) {
            return Err(MeasureError::Cancelled.into());
        }
        let key = MeasureKey {
            design: job.design.fingerprint(),
            options: job.options.clone(),
            protocol: job.protocol.on(job.options.device),
        };
        let kernels = KernelLabel::of(executable.plan(), &graph);
        let mut session = Session {
            protocol: key.protocol,
            circumstances: Circumstances {
                key,
                kernels,
                conditions: shufflescope_engine::device::Conditions::default(),
                scatter: job.scatter,
            },
            probe: ConditionsProbe::start(),
            last_partial: None,
            ticket,
        };
        self.sample(&mut *executable, &mut session)
    }

    fn sample(
        &mut self,
        executable: &mut dyn Executable,
        session: &mut Session,
    ) -> anyhow::Result<(Measurement, ProcessSamples)> {
        let Self { events, newest, clock, canary, watch, .. } = self;
        let protocol = session.protocol;
        let mut progress = |progress: &Progress<'_>| {
            if newest.load(Ordering::Acquire) != session.ticket.0 {
                return ControlFlow::Break(());
            }
            events.send(&session.report(progress));
            ControlFlow::Continue(())
        };
        let samples = sample(executable, &protocol, Instruments { clock, canary, watch }, &mut progress)?;
        Ok((session.summarise(&samples)?, samples))
    }
}

/// One measurement in progress.
struct Session {
    ticket: Ticket,
    protocol: Protocol,
    circumstances: Circumstances,
    probe: ConditionsProbe,
    last_partial: Option<Instant>,
}

impl Session {
    fn summarise(&mut self, samples: &ProcessSamples) -> Result<Measurement, MeasureError> {
        self.circumstances.conditions = self.probe.read();
        Measurement::summarise(&self.circumstances, std::slice::from_ref(samples))
    }

    fn report(&mut self, progress: &Progress<'_>) -> Event {
        let Protocol { warm_up, sampling, .. } = self.protocol;
        let (warm_up, sampling) = (warm_up.maximum_time, sampling.maximum_time);
        let whole = warm_up + sampling;
        let spent = match progress.phase {
            Phase::WarmUp => scaled(warm_up, progress.fraction),
            Phase::Sampling => warm_up + scaled(sampling, progress.fraction),
        };
        let recently = self.last_partial.is_some_and(|last| last.elapsed() < PARTIAL_SPACING);
        let due = progress.has_first_result() && !recently;
        let partial = progress.samples.filter(|_| due).and_then(|samples| self.summarise(samples).ok());
        if partial.is_some() {
            self.last_partial = Some(Instant::now());
        }
        Event::Progress {
            ticket: self.ticket,
            fraction: spent.share_of(whole),
            left: whole.since(spent),
            partial: partial.map(Box::new),
        }
    }
}

fn scaled(time: Nanos, fraction: f64) -> Nanos {
    Nanos((time.as_f64() * fraction.clamp(0.0, 1.0)) as u64)
}

fn is_cancelled(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(MeasureError::Cancelled))
        || matches!(error.downcast_ref(), Some(ExperimentError::Measure(MeasureError::Cancelled)))
        || matches!(error.downcast_ref(), Some(PeaksError::Stopped))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no reason given".into())
}
