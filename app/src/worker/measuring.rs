//! The child's side of measuring: waits for the device, runs networks on it and tells how far it is.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use shufflescope_engine::clock::{Clock, MonotonicClock};
use shufflescope_engine::cost::total_cost;
use shufflescope_engine::design::Batch;
use shufflescope_engine::device::{CardProbe, ConditionsProbe, DeviceId, Precision};
use shufflescope_engine::experiment::{ExperimentError, measure_in_turns};
use shufflescope_engine::graph::{Graph, LoweringError, lower};
use shufflescope_engine::measure::{
    ArithmeticCanary, Canary, Circumstances, Instruments, InterleaveProgress, Interleaved, KernelLabel, MeasureError,
    MeasureKey, Measurement, PeaksError, ProcessSamples, Progress, Protocol, SystemWatch, measure_peaks,
    precision_effect, sample,
};
use shufflescope_engine::model::Model;
use shufflescope_engine::runtime::{Executable, RunOptions, ThreadChoice, check_memory, prepare_fitting};
use shufflescope_engine::search::{News, SearchError};
use shufflescope_engine::units::Nanos;

use super::apart::take_apart;
use super::camera::run_camera;
use super::events::Events;
use super::protocol::{CameraRun, Contest, Event, Job, SearchJob, Ticket, TurnsJob};
use super::search::search;
use super::turn::{Turn, Turns};
use crate::open_device::open_device;
use crate::{ends_process, explain, panic_text};

/// Time between two partial results: making one costs the machine a moment that the next run would notice.
const PARTIAL_SPACING: Duration = Duration::from_millis(100);

/// Time between two sets of rounds sent while networks take turns: a set may be hundreds of kilobytes.
const ROUNDS_SPACING: Duration = Duration::from_millis(700);

/// Of a slow device: a quarter of a thousand million a second. Only what hangs is slower.
const NANOS_PER_MULT_ADD: u64 = 4;

/// Answers requests to measure.
pub(super) struct Measuring {
    events: Events,
    newest: Arc<AtomicU64>,
    client: String,
    turns: Turns,
    clock: MonotonicClock,
    canary: ArithmeticCanary,
    watch: SystemWatch,
    /// How many threads the network measured last runs on, so that it does so again.
    choice: Option<(Model, RunOptions, ThreadChoice)>,
}

impl Measuring {
    pub fn new(events: Events, newest: Arc<AtomicU64>, client: String, turns: Turns, watch: SystemWatch) -> Self {
        let (clock, canary) = (MonotonicClock::new(), ArithmeticCanary::new());
        Self { events, newest, client, turns, clock, canary, watch, choice: None }
    }

    /// Measures on as many threads as an earlier process found to help, or finds that out.
    pub fn measure(&mut self, ticket: Ticket, job: &Job, threads: Option<ThreadChoice>) {
        self.attempt(ticket, |this| {
            let (measurement, samples) = this.samples_of(ticket, job, threads)?;
            Ok(Event::Done { ticket, measurement: Box::new(measurement), samples: Box::new(samples) })
        });
    }

    pub fn take_apart(&mut self, ticket: Ticket, job: &Job) {
        self.attempt(ticket, |this| this.parts_of(ticket, job));
    }

    pub fn take_turns(&mut self, ticket: Ticket, job: &TurnsJob) {
        self.attempt(ticket, |this| Ok(Event::TurnsDone { ticket, samples: Box::new(this.rounds_of(ticket, job)?) }));
    }

    pub fn search(&mut self, ticket: Ticket, job: &SearchJob) {
        self.attempt(ticket, |this| this.found_by(ticket, job));
    }

    pub fn peaks(&mut self, ticket: Ticket, device: DeviceId) {
        self.attempt(ticket, |this| this.peaks_of(ticket, device));
    }

    pub fn run_camera(&mut self, ticket: Ticket, job: &CameraRun) {
        self.attempt(ticket, |this| {
            // Nobody measures on the device while the network runs there, and it runs only when nobody does.
            let device = job.wish.as_ref().map(|wish| wish.run.device);
            let _turn = device.map(|device| this.wait_for_turn(ticket, device)).transpose()?;
            this.prepare(ticket, &[]);
            let watched = run_camera(job, &mut |fraction, left| {
                if this.is_stale(ticket) {
                    return ControlFlow::Break(());
                }
                this.events.send(&Event::Progress { ticket, fraction, left, partial: None });
                ControlFlow::Continue(())
            })?;
            Ok(Event::CameraRun { ticket, watched: Box::new(watched) })
        });
    }

    /// Answers a request, whatever becomes of it.
    fn attempt(&mut self, ticket: Ticket, work: impl FnOnce(&mut Self) -> anyhow::Result<Event>) {
        if self.is_stale(ticket) {
            return self.events.send(&Event::Cancelled { ticket });
        }
        let event = match catch_unwind(AssertUnwindSafe(|| work(self))) {
            Ok(Ok(event)) => event,
            Ok(Err(error)) if is_cancelled(&error) => Event::Cancelled { ticket },
            Ok(Err(error)) => Event::Failed { ticket, message: explain(&error), restart: ends_process(&error) },
            Err(panic) => {
                let reason = panic_text(&*panic);
                let message = format!("the runtime panicked: {reason}; please report this design");
                Event::Failed { ticket, message, restart: false }
            }
        };
        self.events.send(&event);
    }

    fn parts_of(&self, ticket: Ticket, job: &Job) -> anyhow::Result<Event> {
        let _turn = self.wait_for_turn(ticket, job.options.device)?;
        let graph = job.design.graph(Batch(job.options.batch))?;
        self.prepare(ticket, std::slice::from_ref(&graph));
        // As the whole network runs, where that is known.
        let threads = self.known_choice(job).map_or(job.options.threads, |choice| choice.used);
        let job = &Job { options: RunOptions { threads, ..job.options.clone() }, ..job.clone() };
        let apart = take_apart(job, &graph, &self.clock, &mut |fraction, left| {
            if self.is_stale(ticket) {
                return ControlFlow::Break(());
            }
            self.events.send(&Event::Progress { ticket, fraction, left, partial: None });
            ControlFlow::Continue(())
        })?;
        Ok(Event::Apart { ticket, apart: Box::new(apart) })
    }

    fn found_by(&self, ticket: Ticket, job: &SearchJob) -> anyhow::Result<Event> {
        let graphs: Result<Vec<Graph>, LoweringError> =
            job.starts.iter().map(|design| lower(design, Batch(job.options.batch))).collect();
        self.prepare(ticket, &graphs?);
        let wait = || self.wait_for_turn(ticket, job.options.device);
        let mut tell = |news: &News<'_>| {
            if self.is_stale(ticket) {
                return ControlFlow::Break(());
            }
            let (found, kernels) = (news.found.to_vec(), news.kernels.to_vec());
            self.events.send(&Event::Search { ticket, standing: news.standing, found, kernels });
            ControlFlow::Continue(())
        };
        search(job, &self.clock, &self.watch, &wait, &mut tell)?;
        Ok(Event::SearchDone { ticket })
    }

    /// Waits until nobody else measures on the device.
    fn wait_for_turn(&self, ticket: Ticket, device: DeviceId) -> anyhow::Result<Turn> {
        let tell = |behind: &str| self.events.send(&Event::Waiting { ticket, behind: behind.to_owned() });
        let turn = self.turns.wait(device, &self.client, &|| self.is_stale(ticket), tell);
        turn.ok_or_else(|| MeasureError::Cancelled.into())
    }

    /// How many threads it ran on, where it is what was measured last.
    fn known_choice(&self, job: &Job) -> Option<&ThreadChoice> {
        let (_, _, choice) =
            self.choice.as_ref().filter(|(design, options, _)| (design, options) == (&job.design, &job.options))?;
        Some(choice)
    }

    /// Says that the device is free, and how long nothing may be said from here on.
    fn prepare(&self, ticket: Ticket, graphs: &[Graph]) {
        let longest = graphs.iter().map(|graph| total_cost(graph).mult_adds.0).max().unwrap_or_default();
        let longest_run = Nanos(longest.saturating_mul(NANOS_PER_MULT_ADD));
        self.events.send(&Event::Preparing { ticket, longest_run });
    }

    fn peaks_of(&mut self, ticket: Ticket, device: DeviceId) -> anyhow::Result<Event> {
        let _turn = self.wait_for_turn(ticket, device)?;
        self.prepare(ticket, &[]);
        let newest = &*self.newest;
        let peaks =
            measure_peaks(device, rayon::current_num_threads(), &|| newest.load(Ordering::Acquire) == ticket.0)?;
        Ok(Event::Peaks { ticket, peaks: Box::new(peaks) })
    }

    /// Whether a newer request has come in, or a cancellation.
    fn is_stale(&self, ticket: Ticket) -> bool {
        self.newest.load(Ordering::Acquire) != ticket.0
    }

    fn rounds_of(&self, ticket: Ticket, job: &TurnsJob) -> anyhow::Result<Interleaved> {
        let _turn = self.wait_for_turn(ticket, job.options.device)?;
        let batch = Batch(job.options.batch);
        let graphs = match &job.networks {
            Contest::Pair { a, b } => vec![a.graph(batch)?, b.graph(batch)?],
            Contest::Column(choice) => match choice.column() {
                Some(column) => column.graphs(batch)?,
                None => bail!("{} has no column {} at {}", choice.experiment, choice.index, choice.scale),
            },
        };
        self.prepare(ticket, &graphs);
        let device = open_device(&job.options.device)?;
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

    fn samples_of(
        &mut self,
        ticket: Ticket,
        job: &Job,
        threads: Option<ThreadChoice>,
    ) -> anyhow::Result<(Measurement, ProcessSamples)> {
        let _turn = self.wait_for_turn(ticket, job.options.device)?;
        let graph = job.design.graph(Batch(job.options.batch))?;
        check_memory(&graph, &job.options)?;
        self.prepare(ticket, std::slice::from_ref(&graph));
        let device = open_device(&job.options.device)?;
        let weights = job.design.weights(&graph, job.weights.as_deref()).context("the weights cannot be used")?;
        let threads = threads.or_else(|| self.known_choice(job).cloned());
        let mut executable = prepare_fitting(&graph, &weights, &device, &job.options, threads.as_ref())?;
        let choice = executable.thread_choice();
        self.choice = choice.map(|choice| (job.design.clone(), job.options.clone(), choice.clone()));
        // In fewer bits the network is run once more in 32, when the rest is done.
        let weights = (job.options.precision != Precision::F32).then_some(weights);
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
            probe: ConditionsProbe::start().with_card(CardProbe::of(&device)),
            last_partial: None,
            ticket,
        };
        let (mut measurement, samples) = self.sample(&mut *executable, &mut session)?;
        if let Some(weights) = weights {
            let of = (&graph, &*weights);
            measurement.precision_effect = precision_effect(&mut *executable, of, &job.options, &self.clock)?;
        }
        Ok((measurement, samples))
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
        let (fraction, left) = progress.standing(&self.protocol);
        let recently = self.last_partial.is_some_and(|last| last.elapsed() < PARTIAL_SPACING);
        let due = progress.has_first_result() && !recently;
        let partial = progress.samples.filter(|_| due).and_then(|samples| self.summarise(samples).ok());
        if partial.is_some() {
            self.last_partial = Some(Instant::now());
        }
        Event::Progress { ticket: self.ticket, fraction, left, partial: partial.map(Box::new) }
    }
}

fn is_cancelled(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(MeasureError::Cancelled))
        || matches!(error.downcast_ref(), Some(ExperimentError::Measure(MeasureError::Cancelled)))
        || matches!(error.downcast_ref(), Some(PeaksError::Stopped))
        || error.downcast_ref().is_some_and(SearchError::is_cancelled)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Mutex, PoisonError};

    use shufflescope_engine::measure::Undisturbed;
    use shufflescope_engine::measure::fake::{FakeCanary, FakeClock, FakeExecutable};
    use shufflescope_engine::runtime::DeviceFault;

    use super::*;

    /// What was written.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What a measurement answers whose device fails in this way at the tenth run.
    fn answer(fault: DeviceFault) -> Event {
        let (written, ticket) = (Written::default(), Ticket(3));
        let newest = Arc::new(AtomicU64::new(ticket.0));
        let (turns, watch) = (Turns::of_this_user(), SystemWatch::default());
        let mut measuring = Measuring::new(Events::new(written.clone()), newest, "a test".into(), turns, watch);
        measuring.attempt(ticket, |_| {
            let clock = FakeClock::new();
            let mut exe = FakeExecutable::new(&clock, |_| Nanos::from_millis(1))
                .with_fault(move |run| (run == 10).then(|| fault.clone()));
            let (mut canary, mut watch) = (FakeCanary::steady(&clock), Undisturbed);
            let instruments = Instruments { clock: &clock, canary: &mut canary, watch: &mut watch };
            sample(&mut exe, &Protocol::live(), instruments, &mut |_| ControlFlow::Continue(()))
                .context("a network of a test")?;
            bail!("the device did not fail")
        });
        let written = written.0.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::from_slice(&written).unwrap()
    }

    #[test]
    fn a_device_that_is_lost_or_hangs_is_told_as_the_end_of_this_process_and_a_full_one_is_not() {
        let reason = || "a driver".to_owned();
        for (fault, ends) in [
            (DeviceFault::Lost { reason: reason() }, true),
            (DeviceFault::Watchdog { waited: Nanos::from_secs(9) }, true),
            (DeviceFault::OutOfMemory { reason: reason() }, false),
            (DeviceFault::Other { reason: reason() }, false),
        ] {
            let Event::Failed { ticket: Ticket(3), message, restart } = answer(fault.clone()) else {
                panic!("it cannot be done")
            };
            assert_eq!((message, restart), (format!("a network of a test: {fault}"), ends));
        }
    }
}
