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
    /// Who measures on the device, while that is waited for.
    behind: Option<String>,
    /// Whether a person asked for it.
    is_wanted: bool,
    /// What is not tried again by itself, and why it failed; empty where a person stopped it.
    given_up: Option<(Of, String)>,
}

impl TakenApart {
    /// How far it is, from 0 to 1, while it is measured.
    #[must_use]
    pub fn fraction(&self) -> Option<f32> {
        self.running.as_ref().map(|(_, _, fraction)| *fraction)
    }

    /// Who measures on the device, while that is waited for.
    #[must_use]
    pub fn behind(&self) -> Option<&str> {
        self.behind.as_deref().filter(|_| self.running.is_some())
    }

    /// Whether it is measured as soon as the worker is free.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        self.is_wanted && self.running.is_none()
    }

    /// Why this cannot be taken apart.
    #[must_use]
    pub fn failure(&self, measurement: &Measurement) -> Option<&str> {
        let (_, reason) = self.given_up.as_ref().filter(|(given_up, _)| *given_up == of(measurement))?;
        Some(reason.as_str()).filter(|reason| !reason.is_empty())
    }

    /// Asks for it, also again.
    pub(super) fn want(&mut self) {
        self.is_wanted = true;
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

    /// Starts what a person wants of `latest`, which is of `job`, or what it lacks where that may start `by_itself`. Says
    /// whether something is on its way.
    pub(super) fn advance(&mut self, client: &mut Client, job: &Job, latest: &Measurement, by_itself: bool) -> bool {
        let is_lacking = by_itself && latest.apart.is_none() && is_fused(latest);
        if self.running.is_none() && !client.is_busy() && (self.is_wanted || is_lacking) {
            let of = of_job(job);
            let given_up = self.given_up.as_ref().is_some_and(|(given_up, _)| *given_up == of);
            if std::mem::take(&mut self.is_wanted) || !given_up {
                let protocol = Protocol::live().on(job.options.device);
                let ticket = client.take_apart(Job { protocol, ..job.clone() });
                (self.running, self.behind) = (Some((of, ticket, 0.0)), None);
            }
        }
        self.running.is_some()
    }

    /// Another design or way of running is wanted: what a person asked for was of the one before.
    pub(super) const fn forget_wish(&mut self) {
        self.is_wanted = false;
    }

    /// Forgets what is on its way, because something else is measured; says whether there was anything.
    pub(super) fn interrupt(&mut self) -> bool {
        self.running.take().is_some()
    }

    /// As [`interrupt`](Self::interrupt), because a person stopped it: it does not start again by itself.
    pub(super) fn stop(&mut self) -> bool {
        self.is_wanted = false;
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
            ClientEvent::Waiting { ticket, behind } if ticket == mine => self.behind = Some(behind),
            ClientEvent::Preparing { ticket } if ticket == mine => self.behind = None,
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

#[cfg(test)]
mod tests {
    use super::*;
    use shufflescope_engine::clock::{ClockDomain, TimerQuality};
    use shufflescope_engine::design::Edit;
    use shufflescope_engine::device::{Conditions, DeviceId};
    use shufflescope_engine::measure::{
        Circumstances, KernelLabel, LayerTime, MarkedRun, MeasureKey, ProcessSamples, WarmUp,
    };
    use shufflescope_engine::units::Nanos;
    use shufflescope_engine::zoo;

    /// What a run of this job gives: one kernel of two layers.
    fn measured(job: &Job) -> Measurement {
        let warm_up = WarmUp { first_run: Nanos(20), runs: 3, time: Nanos(60), settled: true };
        let mut process = ProcessSamples::new(warm_up, TimerQuality { precision: Nanos(1), read_cost: Nanos(0) }, 1, 1);
        process.whole = vec![Nanos(20); 5];
        process.marked = vec![MarkedRun { whole: Nanos(20), kernels: vec![Nanos(20)], clock: ClockDomain::Host }; 5];
        let label = KernelLabel { layers: vec!["a".into(), "b".into()], label: "conv + relu".into() };
        let (design, options) = of_job(job);
        let key = MeasureKey { design, options, protocol: job.protocol };
        let circumstances =
            Circumstances { key, kernels: vec![label], conditions: Conditions::default(), scatter: None };
        Measurement::summarise(&circumstances, &[process]).unwrap()
    }

    fn job(classes: u32, threads: usize) -> Job {
        let design = zoo::preset("shufflenet-v2-x0.5").unwrap().apply(&Edit::Classes(classes)).into();
        let options = RunOptions::new(DeviceId::Cpu, threads, 1);
        Job { design, options, protocol: Protocol::rigorous(), weights: None, scatter: None }
    }

    fn apart() -> Box<Apart> {
        let layers = vec![LayerTime { path: "a".into(), median: Nanos(30) }];
        Box::new(Apart { layers, whole: Nanos(31), clock: ClockDomain::Host })
    }

    /// A network whose layers are being measured apart under ticket 7.
    fn running(job: &Job) -> TakenApart {
        TakenApart { running: Some((of_job(job), Ticket(7), 0.0)), ..TakenApart::default() }
    }

    #[test]
    fn a_result_belongs_to_its_own_network_and_way_of_running_only() {
        let mut taken = running(&job(10, 1));
        assert!(taken.take(ClientEvent::Apart { ticket: Ticket(7), apart: apart() }).is_none());
        assert!(taken.news() && !taken.news());
        for (classes, threads, expected) in [(10, 1, Some(*apart())), (11, 1, None), (10, 2, None)] {
            let mut measurement = measured(&job(classes, threads));
            taken.complete(&mut measurement);
            assert_eq!(measurement.apart, expected, "{classes} classes, {threads} threads");
        }
    }

    #[test]
    fn what_is_not_its_own_is_handed_back_and_changes_nothing() {
        let mut taken = running(&job(10, 1));
        let others = [
            ClientEvent::Apart { ticket: Ticket(6), apart: apart() },
            ClientEvent::Failed { ticket: Ticket(8), message: "another's".into() },
            ClientEvent::Cancelled { ticket: Ticket(6) },
        ];
        for event in others {
            assert!(taken.take(event).is_some());
        }
        assert_eq!((taken.fraction(), taken.news()), (Some(0.0), false));
        let progress = ClientEvent::Progress { ticket: Ticket(7), fraction: 0.5, left: Nanos(9), partial: None };
        assert!(taken.take(progress).is_none());
        let behind = "the camera (process 9)".to_owned();
        assert!(taken.take(ClientEvent::Waiting { ticket: Ticket(7), behind: behind.clone() }).is_none());
        assert_eq!(taken.behind(), Some(behind.as_str()));
        assert!(taken.take(ClientEvent::Preparing { ticket: Ticket(7) }).is_none());
        assert_eq!(taken.behind(), None);
        assert_eq!(taken.fraction(), Some(0.5));
    }

    #[test]
    fn a_failure_is_told_of_what_failed_and_forgotten_when_a_person_asks_again() {
        let mut taken = running(&job(10, 1));
        assert!(taken.take(ClientEvent::WorkerLost { message: "it died".into() }).is_none());
        assert_eq!(taken.failure(&measured(&job(10, 1))), Some("it died"));
        assert_eq!(taken.failure(&measured(&job(11, 1))), None);
        taken.want();
        assert_eq!((taken.failure(&measured(&job(10, 1))), taken.is_waiting()), (None, true));
        taken.forget_wish();
        assert!(!taken.is_waiting());
    }
}
