//! Measuring while the design changes: what is wanted, what is on its way, and what the last result is worth now.

use std::sync::Arc;

use shufflescope_engine::design::Fingerprint;
use shufflescope_engine::measure::{MeasureKey, Measurement, Mode, Protocol, Scatter};
use shufflescope_engine::model::Model;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::units::Nanos;

use super::ceilings::Ceilings;
use super::taken_apart::TakenApart;
use crate::worker::{Client, ClientEvent, Job, Ticket};

/// Seconds without an edit before a measurement starts.
const DEBOUNCE: f64 = 0.06;

/// Seconds between two looks at a worker that says nothing: a hanging one has to be noticed.
const LOOK_AGAIN: f64 = 0.25;

/// Where the wanted measurement stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// Nothing to do: done, or measuring is off.
    Idle,
    /// The last edit is too young.
    Waiting,
    /// Somebody else measures on the device: who.
    Queued(String),
    /// The worker makes and packs weights.
    Preparing,
    /// Samples come in.
    Sampling {
        /// From 0 to 1.
        fraction: f32,
        /// By the protocol's budget.
        left: Nanos,
    },
    /// A person stopped it; the next edit starts it again.
    Stopped,
    /// It waits until *Compare*, the *Lab* or *Explore* have measured.
    Resting,
    /// It cannot be done, or the worker is gone: cause and remedy.
    Failed(String),
}

impl Phase {
    /// Whether a result is on its way.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        matches!(self, Self::Waiting | Self::Queued(_) | Self::Preparing | Self::Sampling { .. })
    }
}

/// What the last result is worth for the present design, device and protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It belongs to something else.
    Stale,
    /// It is of the first samples and will be refined.
    Partial,
    /// It is final.
    Final,
}

impl Freshness {
    /// Whether the number may be shown as the present design's.
    #[must_use]
    pub const fn is_current(self) -> bool {
        matches!(self, Self::Partial | Self::Final)
    }
}

/// See the module.
#[derive(Debug)]
pub struct Live {
    client: Client,
    enabled: bool,
    held: bool,
    wanted: Option<MeasureKey>,
    job: Option<Job>,
    changed_at: f64,
    ticket: Option<Ticket>,
    /// Whether it was asked how runs of what is wanted differ.
    asked: bool,
    phase: Phase,
    ceilings: Ceilings,
    taken_apart: TakenApart,
    latest: Option<Arc<Measurement>>,
    is_final: bool,
    version: u64,
}

impl Live {
    /// Measures with this client; no process starts before something is wanted.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            enabled: true,
            held: false,
            wanted: None,
            job: None,
            changed_at: 0.0,
            ticket: None,
            asked: true,
            phase: Phase::Idle,
            ceilings: Ceilings::default(),
            taken_apart: TakenApart::default(),
            latest: None,
            is_final: false,
            version: 0,
        }
    }

    /// Whether every edit is measured.
    #[must_use]
    pub const fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Whether measuring is held.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        self.held
    }

    /// Where the wanted measurement stands.
    #[must_use]
    pub const fn phase(&self) -> &Phase {
        &self.phase
    }

    /// Whether anything is measured, or is about to be.
    #[must_use]
    pub fn is_measuring(&self) -> bool {
        self.phase.is_busy() || self.taken_apart.fraction().is_some() || self.ceilings.is_measuring()
    }

    /// Counts the results.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The last result and what it is worth.
    #[must_use]
    pub fn result(&self) -> Option<(&Measurement, Freshness)> {
        let latest = self.latest.as_deref()?;
        let current = self.wanted.as_ref().is_some_and(|wanted| is_of(latest, wanted));
        let freshness = match (current, self.is_final) {
            (false, _) => Freshness::Stale,
            (true, false) => Freshness::Partial,
            (true, true) => Freshness::Final,
        };
        Some((latest, freshness))
    }

    /// The last result where it belongs to the present design.
    #[must_use]
    pub fn current(&self) -> Option<&Measurement> {
        self.result().filter(|(_, freshness)| freshness.is_current()).map(|(measurement, _)| measurement)
    }

    /// The last result where it is final, to be shared.
    pub(super) fn finished(&self) -> Option<Arc<Measurement>> {
        let (_, Freshness::Final) = self.result()? else { return None };
        self.latest.clone()
    }

    /// What the device can do at most.
    #[must_use]
    pub const fn ceilings(&self) -> &Ceilings {
        &self.ceilings
    }

    /// What is known of every layer as a kernel of its own.
    #[must_use]
    pub const fn taken_apart(&self) -> &TakenApart {
        &self.taken_apart
    }

    /// Measures every layer of the present design as a kernel of its own, once nothing else is measured.
    pub fn take_apart(&mut self) {
        self.taken_apart.want();
    }

    /// Measures what the present device can do at most, once nothing else is measured.
    pub fn measure_ceilings(&mut self) {
        if let Some(wanted) = &self.wanted {
            self.ceilings.want(wanted.options.device, wanted.options.threads);
        }
    }

    /// Says what should be measured; anything that differs from before makes the last result stale.
    pub fn want(&mut self, model: &Model, options: RunOptions, now: f64) {
        let protocol = Protocol::live().refined().on(options.device);
        let key = MeasureKey { design: model.fingerprint(), options: options.clone(), protocol };
        if self.wanted.as_ref() == Some(&key) {
            return;
        }
        self.job = Some(Job { design: model.clone(), options, protocol, weights: None, scatter: None });
        let was_busy = self.ticket.take().is_some();
        self.taken_apart.forget_wish();
        self.wanted = Some(key);
        self.asked = false;
        self.changed_at = now;
        self.version += 1;
        if self.enabled {
            self.phase = if self.held { Phase::Resting } else { Phase::Waiting };
        } else {
            self.phase = Phase::Idle;
            if self.taken_apart.interrupt() || was_busy {
                self.client.cancel();
            }
        }
    }

    /// What is wanted, where nobody has asked yet how its runs differ; from now on somebody has.
    pub fn wants_to_know_scatter(&mut self) -> Option<&MeasureKey> {
        let asked = std::mem::replace(&mut self.asked, true);
        self.wanted.as_ref().filter(|_| !asked)
    }

    /// Takes what earlier runs of a network tell, for the measurement that starts next.
    pub fn remember(&mut self, design: &Fingerprint, options: &RunOptions, scatter: Option<Scatter>) {
        let is_wanted = self.wanted.as_ref().is_some_and(|wanted| wanted.design == *design);
        if let Some(job) = self.job.as_mut().filter(|job| is_wanted && job.options == *options) {
            job.scatter = scatter;
        }
    }

    /// Starts or stops measuring after every edit.
    pub fn toggle(&mut self) {
        self.enabled = !self.enabled;
        if !self.enabled {
            self.stop(Phase::Idle);
        } else if self.result().is_none_or(|(_, freshness)| freshness != Freshness::Final) {
            self.again();
        }
    }

    /// Measures the present design, whatever went before.
    pub fn again(&mut self) {
        self.phase = if self.held { Phase::Resting } else { Phase::Waiting };
        self.changed_at = f64::NEG_INFINITY;
    }

    /// Measures the present design rigorously; the live result stands until then.
    pub fn refine(&mut self) {
        if let Some(job) = &mut self.job {
            job.protocol = Protocol::rigorous().on(job.options.device);
            job.scatter = job.scatter.map(Scatter::without_runs);
            self.again();
        }
    }

    /// Rests while something else measures on this machine, and goes on afterwards.
    pub fn hold(&mut self, held: bool) {
        self.held = held;
        if held && self.taken_apart.interrupt() {
            self.client.cancel();
        }
        if held && self.phase.is_busy() {
            self.stop(Phase::Resting);
        } else if !held && self.phase == Phase::Resting {
            self.again();
        }
    }

    /// Whether the measurement in progress, or the last one, is a rigorous one.
    #[must_use]
    pub fn is_rigorous(&self) -> bool {
        self.job.as_ref().is_some_and(|job| job.protocol.mode == Mode::Rigorous)
    }

    /// Stops the measurement in progress.
    pub fn cancel(&mut self) {
        if self.phase.is_busy() || self.phase == Phase::Resting {
            self.stop(Phase::Stopped);
        } else if self.taken_apart.stop() {
            self.client.cancel();
        }
    }

    /// Tells the worker that a repaint begins or ends.
    pub fn painting(&mut self, begins: bool) {
        self.client.painting(begins);
    }

    /// Process number of the worker, while there is one.
    #[must_use]
    pub fn worker_id(&self) -> Option<u32> {
        self.client.worker_id()
    }

    fn stop(&mut self, phase: Phase) {
        if self.taken_apart.interrupt() || self.ticket.take().is_some() {
            self.ticket = None;
            self.client.cancel();
        }
        self.phase = phase;
    }

    /// Takes what the worker said, and starts what has waited long enough. Says in how many seconds to look again.
    pub fn advance(&mut self, now: f64) -> Option<f64> {
        for event in self.client.poll() {
            if let Some(event) = self.ceilings.take(event).and_then(|event| self.taken_apart.take(event)) {
                self.take(event);
            }
        }
        if self.taken_apart.news()
            && let Some(latest) = &mut self.latest
        {
            self.taken_apart.complete(Arc::make_mut(latest));
            self.version += 1;
        }
        let ceilings = self.ceilings.advance(&mut self.client, !self.held && !self.phase.is_busy());
        let idle = ceilings || self.use_idle_time();
        match self.phase {
            Phase::Waiting => {}
            Phase::Queued(_) | Phase::Preparing | Phase::Sampling { .. } => return Some(LOOK_AGAIN),
            _ => return idle.then_some(LOOK_AGAIN),
        }
        let left = self.changed_at + DEBOUNCE - now;
        if left > 0.0 {
            return Some(left);
        }
        if let Some(job) = self.job.clone() {
            self.taken_apart.interrupt();
            self.ticket = Some(self.client.measure(job));
            self.phase = Phase::Preparing;
        }
        Some(LOOK_AGAIN)
    }

    /// Takes the design's kernels apart once its latency is final; says whether something is on its way.
    fn use_idle_time(&mut self) -> bool {
        let Self { client, taken_apart, job, latest, .. } = self;
        let (Some(job), Some(latest), false) = (job, latest, self.held || self.phase.is_busy()) else { return false };
        let is_current = self.wanted.as_ref().is_some_and(|wanted| is_of(latest, wanted));
        let by_itself = self.enabled && self.is_final && self.phase == Phase::Idle;
        is_current && taken_apart.advance(client, job, latest, by_itself)
    }

    fn take(&mut self, event: ClientEvent) {
        match event {
            ClientEvent::Waiting { ticket, behind } if self.is_mine(ticket) => self.phase = Phase::Queued(behind),
            ClientEvent::Preparing { ticket } if self.is_mine(ticket) => self.phase = Phase::Preparing,
            ClientEvent::Progress { ticket, fraction, left, partial } if self.is_mine(ticket) => {
                self.phase = Phase::Sampling { fraction, left };
                // The first samples of a rigorous measurement know less than the live result that is already there.
                let better = !self.is_rigorous() || self.current().is_none();
                if let Some(partial) = partial.filter(|_| better) {
                    self.keep(*partial, false);
                }
            }
            ClientEvent::Done { ticket, measurement, .. } if self.is_mine(ticket) => {
                self.keep(*measurement, true);
                self.ticket = None;
                self.phase = Phase::Idle;
            }
            ClientEvent::Failed { ticket, message } if self.is_mine(ticket) => self.fail(message),
            ClientEvent::Cancelled { ticket } if self.is_mine(ticket) => {
                self.ticket = None;
                self.phase = Phase::Stopped;
            }
            ClientEvent::WorkerLost { message } if self.ticket.is_some() => self.fail(message),
            // Answers to what nobody wants any more.
            _ => {}
        }
    }

    fn is_mine(&self, ticket: Ticket) -> bool {
        self.ticket == Some(ticket)
    }

    fn keep(&mut self, mut measurement: Measurement, is_final: bool) {
        self.taken_apart.complete(&mut measurement);
        self.latest = Some(Arc::new(measurement));
        self.is_final = is_final;
        self.version += 1;
    }

    fn fail(&mut self, message: String) {
        self.ticket = None;
        self.phase = Phase::Failed(message);
    }
}

/// Whether a result is of this design on this device; how carefully it was measured does not make it another's.
fn is_of(measurement: &Measurement, wanted: &MeasureKey) -> bool {
    let key = measurement.key();
    key.design == wanted.design && key.options == wanted.options
}
