//! The job that a client is at, over all the processes it takes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use shufflescope_engine::device::CardState;
use shufflescope_engine::measure::{
    Circumstances, Interleaved, KernelLabel, KernelTime, Measurement, ProcessSamples, Processes, Protocol, Scatter,
};
use shufflescope_engine::runtime::{RunOptions, ThreadChoice};
use shufflescope_engine::units::Nanos;

use super::child::Wake;
use super::client_event::ClientEvent;
use super::protocol::{Event, Job, Request, SearchJob, Ticket, TurnsJob};
use crate::later::Later;

#[derive(Debug)]
pub(super) struct Current {
    pub ticket: Ticket,
    pub started: Instant,
    /// Set while the worker still has an older measurement to drop.
    pub obey_by: Option<Instant>,
    /// When the worker last said something about it, or was asked for it.
    heard: Instant,
    /// How long a single run may take.
    longest_run: Nanos,
    /// For whom it waits, as far as that was told.
    behind: Option<String>,
    work: Work,
}

#[derive(Debug)]
enum Work {
    Measure {
        job: Box<Job>,
        /// What earlier processes took; with the one that merges while one does.
        collected: Vec<ProcessSamples>,
        /// The kernels they marked; empty until one has.
        kernels: Vec<KernelLabel>,
        /// What the card told all of them.
        card: Option<CardState>,
        /// How many threads the first found to help: the others run on as many.
        threads: Option<ThreadChoice>,
        /// One measurement over all of them.
        merging: Later<Result<Merged, String>>,
    },
    Apart {
        job: Box<Job>,
    },
    TakeTurns {
        job: TurnsJob,
        /// What earlier processes took.
        collected: Vec<Arc<Interleaved>>,
    },
    Search {
        job: Box<SearchJob>,
    },
}

/// What processes took, and one measurement over all of them.
type Merged = (Vec<ProcessSamples>, Box<Measurement>);

/// What follows from an event.
pub(super) enum Step {
    /// Nothing anybody needs to know.
    Nothing,
    /// The job goes on.
    Tell(ClientEvent),
    /// One process is done, another is needed.
    NextProcess(ClientEvent),
    /// The job is over.
    End(ClientEvent),
}

impl Current {
    /// `wake` is called when there is something to [take over](Self::merged).
    pub fn measure(ticket: Ticket, job: Job, wake: Wake) -> Self {
        let merging = Later::new(move || wake());
        let (job, collected, kernels) = (Box::new(job), vec![], vec![]);
        Self::new(ticket, Work::Measure { job, collected, kernels, card: None, threads: None, merging })
    }

    pub fn apart(ticket: Ticket, job: Job) -> Self {
        Self::new(ticket, Work::Apart { job: Box::new(job) })
    }

    pub fn take_turns(ticket: Ticket, job: TurnsJob) -> Self {
        Self::new(ticket, Work::TakeTurns { job, collected: vec![] })
    }

    pub fn search(ticket: Ticket, job: SearchJob) -> Self {
        Self::new(ticket, Work::Search { job: Box::new(job) })
    }

    fn new(ticket: Ticket, work: Work) -> Self {
        let (started, heard) = (Instant::now(), Instant::now());
        Self { ticket, started, obey_by: None, heard, longest_run: Nanos::ZERO, behind: None, work }
    }

    /// A worker was asked for it, which has to drop an older measurement first where that says until when.
    pub fn submitted(&mut self, obey_by: Option<Instant>) {
        (self.obey_by, self.heard) = (obey_by, Instant::now());
    }

    /// How long a worker may say nothing: what the protocol allows, a single run, and `margin`.
    pub fn patience(&self, margin: Duration) -> Duration {
        let allowed = match &self.work {
            Work::Measure { job, .. } | Work::Apart { job } => {
                let Protocol { warm_up, sampling, .. } = job.protocol;
                warm_up.maximum_time.max(warm_up.patience) + sampling.maximum_time.max(sampling.patience)
            }
            Work::TakeTurns { job, .. } => job.rules.maximum_time + job.rules.warm_up.patience,
            // It tells where it stands all the time.
            Work::Search { .. } => Nanos::ZERO,
        };
        let explained: Duration = (allowed + self.longest_run).into();
        explained.saturating_add(margin)
    }

    /// Whether the worker has said nothing for too long. One that waits for the device goes on saying so, and one that has
    /// done its part has nothing to say.
    pub fn is_silent(&self, now: Instant, margin: Duration) -> bool {
        !self.is_merging() && now.saturating_duration_since(self.heard) > self.patience(margin)
    }

    /// How the processes run that this needs.
    pub fn options(&self) -> &RunOptions {
        match &self.work {
            Work::Measure { job, .. } | Work::Apart { job } => &job.options,
            Work::TakeTurns { job, .. } => &job.options,
            Work::Search { job } => &job.options,
        }
    }

    /// What to ask a worker for.
    pub fn request(&self) -> Request {
        let ticket = self.ticket;
        match &self.work {
            Work::Measure { job, threads, .. } => {
                Request::Measure { ticket, job: job.clone(), threads: threads.clone() }
            }
            Work::Apart { job } => Request::Apart { ticket, job: job.clone() },
            Work::TakeTurns { job, .. } => Request::TakeTurns { ticket, job: Box::new(job.clone()) },
            Work::Search { job } => Request::Search { ticket, job: job.clone() },
        }
    }

    /// Whether what the processes took is being put together, so that no worker is needed at the moment.
    pub fn is_merging(&self) -> bool {
        matches!(&self.work, Work::Measure { merging, .. } if merging.is_pending())
    }

    /// Takes an event of this ticket.
    pub fn take(&mut self, event: Event) -> Step {
        if self.is_merging() {
            return Step::Nothing; // It has said all that was asked for.
        }
        (self.obey_by, self.heard) = (None, Instant::now());
        let ticket = self.ticket;
        match event {
            Event::Hello { .. } | Event::Peaks { .. } => Step::Nothing,
            Event::Devices { .. } | Event::Cameras { .. } | Event::Camera(_) | Event::Wants { .. } => Step::Nothing,
            Event::CameraRun { .. } | Event::Teach { .. } => Step::Nothing,
            Event::Waiting { behind, .. } if self.behind.as_ref() == Some(&behind) => Step::Nothing,
            Event::Waiting { behind, .. } => {
                self.behind = Some(behind.clone());
                Step::Tell(ClientEvent::Waiting { ticket, behind })
            }
            Event::Preparing { longest_run, .. } => {
                (self.behind, self.longest_run) = (None, longest_run);
                Step::Tell(ClientEvent::Preparing { ticket })
            }
            Event::Progress { fraction, left, partial, .. } => {
                let (fraction, left) = self.overall(fraction, Some(left));
                // One process alone knows less than those before it together.
                let partial = partial.filter(|_| !self.has_results());
                Step::Tell(ClientEvent::Progress { ticket, fraction, left: left.unwrap_or_default(), partial })
            }
            Event::Done { measurement, samples, .. } => self.done(measurement, *samples),
            Event::Apart { apart, .. } => Step::End(ClientEvent::Apart { ticket, apart }),
            Event::Turns { fraction, left, samples, .. } => {
                let (fraction, left) = self.overall(fraction, left);
                let Work::TakeTurns { collected, .. } = &self.work else { return Step::Nothing };
                let processes = samples.map(|samples| [collected.as_slice(), &[Arc::from(samples)]].concat());
                Step::Tell(ClientEvent::Turns { ticket, fraction, left, processes })
            }
            Event::TurnsDone { samples, .. } => self.turns_done(samples),
            Event::Search { standing, found, kernels, .. } => {
                self.behind = None;
                Step::Tell(ClientEvent::Search { ticket, standing, found, kernels })
            }
            Event::SearchDone { .. } => Step::End(ClientEvent::SearchDone { ticket }),
            Event::Cancelled { .. } => Step::End(ClientEvent::Cancelled { ticket }),
            Event::Failed { message, .. } => Step::End(ClientEvent::Failed { ticket, message }),
        }
    }

    /// One process is done. What several took is put together elsewhere: it runs over all their samples.
    fn done(&mut self, mut measurement: Box<Measurement>, samples: ProcessSamples) -> Step {
        let Work::Measure { job, collected, kernels, card, threads, merging } = &mut self.work else {
            return Step::Nothing;
        };
        // Where kernels were tuned meanwhile, what ran before is not what runs from now on.
        if collected.last().is_some_and(|before| before.untuned != samples.untuned) {
            collected.clear();
            kernels.clear();
            *card = None;
        }
        if let Some(before) = card.take() {
            let now = measurement.conditions.card.take();
            measurement.conditions.card = Some(now.map_or_else(|| before.clone(), |now| before.and(&now)));
        }
        card.clone_from(&measurement.conditions.card);
        threads.clone_from(&samples.thread_choice);
        collected.push(samples);
        if let (true, Some(breakdown)) = (kernels.is_empty(), &measurement.breakdown) {
            *kernels = breakdown.kernels.iter().map(KernelTime::kernel).collect();
        }
        if collected.len() == 1 {
            return self.judge(measurement);
        }
        let (collected, kernels, scatter) = (std::mem::take(collected), kernels.clone(), job.scatter);
        merging.start(move || {
            let merged = merge(&collected, &kernels, scatter, &measurement)?;
            Ok((collected, merged))
        });
        Step::Nothing
    }

    /// What follows once what the processes took is put together.
    pub fn merged(&mut self) -> Step {
        let ticket = self.ticket;
        let Work::Measure { collected, merging, .. } = &mut self.work else { return Step::Nothing };
        match merging.take().map(Result::flatten) {
            None => Step::Nothing,
            Some(Ok((samples, measurement))) => {
                *collected = samples;
                self.judge(measurement)
            }
            Some(Err(reason)) => {
                let message = format!("what the processes measured cannot be put together: {reason}");
                Step::End(ClientEvent::Failed { ticket, message })
            }
        }
    }

    /// The result, or (in rigorous mode) the next process.
    fn judge(&mut self, measurement: Box<Measurement>) -> Step {
        let ticket = self.ticket;
        let Work::Measure { job, collected, .. } = &self.work else { return Step::Nothing };
        let elapsed = self.started.elapsed().into();
        let wants_another = measurement.repeatability.is_some_and(|known| {
            let half_width = measurement.whole.half_width();
            job.protocol.processes.wants_another(collected.len(), elapsed, &known, half_width)
        });
        if wants_another {
            let (fraction, left) = self.overall(0.0, None);
            let (left, partial) = (left.unwrap_or_default(), Some(measurement));
            return Step::NextProcess(ClientEvent::Progress { ticket, fraction, left, partial });
        }
        Step::End(ClientEvent::Done { ticket, measurement })
    }

    /// One process has taken its rounds.
    fn turns_done(&mut self, samples: Box<Interleaved>) -> Step {
        let ticket = self.ticket;
        let Work::TakeTurns { job, collected } = &mut self.work else { return Step::Nothing };
        collected.push(samples.into());
        if collected.len() >= job.processes {
            return Step::End(ClientEvent::TurnsDone { ticket, processes: std::mem::take(collected) });
        }
        let processes = Some(collected.clone());
        let (fraction, left) = self.overall(0.0, None);
        Step::NextProcess(ClientEvent::Turns { ticket, fraction, left, processes })
    }

    /// Whether a process of this job is done.
    fn has_results(&self) -> bool {
        match &self.work {
            Work::Measure { collected, .. } => !collected.is_empty(),
            Work::Apart { .. } | Work::Search { .. } => false,
            Work::TakeTurns { collected, .. } => !collected.is_empty(),
        }
    }

    /// Progress over all processes of the job: as many as there may be, or until their time is up.
    fn overall(&self, fraction: f64, left: Option<Nanos>) -> (f32, Option<Nanos>) {
        let spent = Nanos::from(self.started.elapsed());
        let (most, collected, time) = match &self.work {
            Work::Measure { job, collected, .. } => {
                let Processes { minimum, maximum, maximum_time, half_width } = job.protocol.processes;
                let is_known = job.scatter.is_some_and(|scatter| scatter.is_earned()) && half_width.is_none();
                let most = if is_known { minimum } else { maximum };
                (most.max(collected.len() + 1), collected.len(), Some(maximum_time))
            }
            Work::Apart { .. } | Work::Search { .. } => (1, 0, None),
            Work::TakeTurns { job, collected } => (job.processes.max(1), collected.len(), None),
        };
        let done = (collected as f64 + fraction.clamp(0.0, 1.0)) / most as f64;
        if most == 1 {
            return (done as f32, left);
        }
        let projected = (done > 0.0).then(|| Nanos((spent.as_f64() * (1.0 - done) / done) as u64));
        let projected = projected.or_else(|| left.map(|left| Nanos(left.0.saturating_mul(most as u64))));
        match time {
            Some(time) if projected.is_none_or(|projected| spent + projected > time) => {
                (spent.share_of(time).min(1.0).max(done) as f32, Some(time.since(spent)))
            }
            _ => (done as f32, projected),
        }
    }
}

/// One measurement over all processes so far; the conditions are those of the last one.
fn merge(
    collected: &[ProcessSamples],
    kernels: &[KernelLabel],
    scatter: Option<Scatter>,
    last: &Measurement,
) -> Result<Box<Measurement>, String> {
    let circumstances =
        Circumstances { key: last.key(), kernels: kernels.to_vec(), conditions: last.conditions.clone(), scatter };
    let merged = Measurement::summarise(&circumstances, collected).map_err(|error| error.to_string())?;
    Ok(Box::new(Measurement { precision_effect: last.precision_effect.clone(), ..merged }))
}
