//! The ceilings of the roofline: measured once per device and number of threads, when somebody first looks at them.

use shufflescope_engine::device::DeviceId;
use shufflescope_engine::measure::Peaks;

use crate::worker::{Client, ClientEvent, Ticket};

/// A device with so many CPU threads.
type Place = (DeviceId, usize);

/// What is known, what is wanted, and what came of it.
#[derive(Debug, Default)]
pub struct Ceilings {
    known: Vec<Peaks>,
    wanted: Option<Place>,
    ticket: Option<Ticket>,
    failed: Option<(Place, String)>,
    /// Who measures on the device, while that is waited for.
    behind: Option<String>,
}

impl Ceilings {
    /// The ceilings of this device with so many threads, once they are measured.
    #[must_use]
    pub fn get(&self, device: DeviceId, threads: usize) -> Option<&Peaks> {
        self.known.iter().find(|peaks| place(peaks) == (device, threads))
    }

    /// Why they cannot be measured.
    #[must_use]
    pub fn failure(&self, device: DeviceId, threads: usize) -> Option<&str> {
        self.failed.as_ref().filter(|(failed, _)| *failed == (device, threads)).map(|(_, reason)| reason.as_str())
    }

    /// Whether they will be measured as soon as the worker is free.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.wanted.is_some() && self.ticket.is_none()
    }

    /// Whether they are being measured.
    #[must_use]
    pub const fn is_measuring(&self) -> bool {
        self.ticket.is_some()
    }

    /// Who measures on the device, while that is waited for.
    #[must_use]
    pub fn behind(&self) -> Option<&str> {
        self.behind.as_deref().filter(|_| self.ticket.is_some())
    }

    /// Asks for them, also again.
    pub(super) fn want(&mut self, device: DeviceId, threads: usize) {
        self.wanted = Some((device, threads));
        self.failed = None;
    }

    /// Starts what is wanted where the worker is `free`; says whether something is on its way.
    pub(super) fn advance(&mut self, client: &mut Client, free: bool) -> bool {
        if let (Some((device, threads)), None, true) = (self.wanted, self.ticket, free) {
            self.ticket = client.peaks(device, threads);
            self.behind = None;
        }
        self.ticket.is_some()
    }

    /// Takes what the worker says about ceilings and hands back the rest.
    pub(super) fn take(&mut self, event: ClientEvent) -> Option<ClientEvent> {
        match event {
            ClientEvent::Peaks { ticket, peaks } => {
                let place = place(&peaks);
                self.known.retain(|known| self::place(known) != place);
                self.known.push(*peaks);
                if self.ticket == Some(ticket) {
                    self.ticket = None;
                    self.wanted.take_if(|wanted| *wanted == place);
                }
            }
            ClientEvent::Failed { ticket, message } if self.ticket == Some(ticket) => {
                self.ticket = None;
                self.failed = self.wanted.take().map(|wanted| (wanted, message));
            }
            ClientEvent::Waiting { ticket, behind } if self.ticket == Some(ticket) => self.behind = Some(behind),
            ClientEvent::Preparing { ticket } if self.ticket == Some(ticket) => self.behind = None,
            // A measurement went first; this one comes after it.
            ClientEvent::Cancelled { ticket } if self.ticket == Some(ticket) => self.ticket = None,
            other => return Some(other),
        }
        None
    }
}

fn place(peaks: &Peaks) -> Place {
    (peaks.device, peaks.threads)
}
