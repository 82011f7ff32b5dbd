//! Every layer's time as a kernel of its own: measured at a click, and by itself once the design's latency is final and
//! nothing else is measured.

use shufflescope_engine::design::Fingerprint;
use shufflescope_engine::measure::{Apart, Measurement, Protocol};
use shufflescope_engine::runtime::RunOptions;

use crate::worker::{Client, ClientEvent, Job, Ticket};

/// What a result is of: a network and how it runs.
type Of = (Fingerprint, RunOptions);

/// What is known, what is on its way, and what came of it.
#[derive(Debug, Default)]
pub struct TakenApart {
    known: Option<(Of, Apart)>,
    /// Whether nobody has looked at `known` yet.
    is_new: bool,
    running: Option<(Of, Ticket, f32)>,
    /// What a person asked for.
    wanted: Option<Of>,
    /// What is not tried again by itself, and why it failed; empty where a person stopped it.
    given_up: Option<(Of, String)>,
}

impl TakenApart {
    /// How far it is, from 0 to 1, while it is measured.
    #[must_use]
    pub fn fraction(&self) -> Option<f32> {
        self.running.as_ref().map(|(_, _, fraction)| *fraction)
    }

    /// Whether it is measured as soon as the worker is free.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        self.wanted.is_some() && self.running.is_none()
    }

    /// Why this cannot be taken apart.
    #[must_use]
    pub fn failure(&self, measurement: &Measurement) -> Option<&str> {
        let (_, reason) = self.given_up.as_ref().filter(|(given_up, _)| *given_up == of(measurement))?;
        Some(reason.as_str()).filter(|reason| !reason.is_empty())
    }

    /// Asks for it, also again.
    pub(super) fn want(&mut self, job: &Job) {
        self.wanted = Some(of_job(job));
        self.given_up = None;
    }

    /// Whether a result has come in since the last call.
    pub(super) fn news(&mut self) -> bool {
        std::mem::take(&mut self.is_new)
    }

    /// Puts what is known into a measurement, where it is of that one.
    pub(super) fn complete(&self, measurement: &mut Measurement) {
        if let Some((known, apart)) = &self.known
            && *known == of(measurement)
        {
            measurement.apart = Some(apart.clone());
        }
    }

    /// Starts what a person wants, or what `latest`, a final result, lacks. Says whether something is on its way.
    pub(super) fn advance(&mut self, client: &mut Client, job: &Job, latest: &Measurement) -> bool {
        let of = of_job(job);
        let by_itself = latest.apart.is_none()
            && is_fused(latest)
            && self.given_up.as_ref().is_none_or(|(given_up, _)| *given_up != of);
        let asked = self.wanted.as_ref() == Some(&of);
        if self.running.is_none() && !client.is_busy() && (asked || by_itself) {
            self.wanted = None;
            let protocol = Protocol::live().on(job.options.device);
            let ticket = client.take_apart(Job { protocol, refine: false, ..job.clone() });
            self.running = Some((of, ticket, 0.0));
        }
        self.running.is_some()
    }

    /// Forgets what is on its way, because something else is measured; says whether there was anything.
    pub(super) fn interrupt(&mut self) -> bool {
        self.running.take().is_some()
    }

    /// As [`interrupt`](Self::interrupt), because a person stopped it: it does not start again by itself.
    pub(super) fn stop(&mut self) -> bool {
        self.wanted = None;
        match self.running.take() {
            Some((of, ..)) => {
                self.given_up = Some((of, String::new()));
                true
            }
            None => false,
        }
    }

    /// Takes what the worker says about it and hands back the rest.
    pub(super) fn take(&mut self, event: ClientEvent) -> Option<ClientEvent> {
        let Some((of, mine, mut fraction)) = self.running.take() else { return Some(event) };
        match event {
            ClientEvent::Apart { ticket, apart } if ticket == mine => {
                (self.known, self.is_new) = (Some((of, *apart)), true);
                return None;
            }
            ClientEvent::Failed { ticket, message } if ticket == mine => {
                self.given_up = Some((of, message));
                return None;
            }
            ClientEvent::WorkerLost { message } => {
                self.given_up = Some((of, message));
                return None;
            }
            ClientEvent::Cancelled { ticket } if ticket == mine => return None,
            ClientEvent::Progress { ticket, fraction: done, .. } if ticket == mine => fraction = done,
            ClientEvent::Preparing { ticket } if ticket == mine => {}
            other => {
                self.running = Some((of, mine, fraction));
                return Some(other);
            }
        }
        self.running = Some((of, mine, fraction));
        None
    }
}

/// Whether a kernel computes several layers, so that there is something to take apart.
#[must_use]
pub fn is_fused(measurement: &Measurement) -> bool {
    let breakdown = measurement.breakdown.as_ref();
    breakdown.is_some_and(|breakdown| breakdown.kernels.iter().any(|kernel| kernel.layers.len() > 1))
}

fn of(measurement: &Measurement) -> Of {
    let key = measurement.key();
    (key.design, key.options)
}

fn of_job(job: &Job) -> Of {
    (job.design.fingerprint(), job.options.clone())
}
