//! The window's (and the command line's) side of the worker: never blocks, restarts what died, gives up what hangs.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shufflescope_engine::device::DeviceId;

use super::child::{Line, Wake, Worker};
use super::client_event::ClientEvent;
use super::current::{Current, Step};
use super::protocol::{Event, Job, Request, SearchJob, Ticket, TurnsJob};
use crate::target::{Launcher, Programs};

/// A worker that has not dropped an older measurement by then is killed: it is in the middle of a long run.
const OBEDIENCE: Duration = Duration::from_millis(150);

/// The same of one on another machine: what it is told takes its time there, and so does a fresh one.
const REMOTE_OBEDIENCE: Duration = Duration::from_secs(2);

/// Jobs that a worker on another machine was asked for and has not answered yet, at most: a newer one waits here then, where
/// an even newer one takes its place. A slow line carries no queue of what nobody wants any more.
const MOST_ON_THE_WAY: usize = 4;

/// A worker that has not measured a device's ceilings by then hangs; they take less than a second.
const CEILINGS: Duration = Duration::from_secs(20);

/// How long a worker may say nothing beyond what its protocol and its network explain: reading and packing weights, a
/// driver that compiles. One that waits for the device says so every few seconds.
const SILENCE: Duration = Duration::from_secs(120);

/// Owns at most one worker process, and one job or one measurement of a device's ceilings.
pub struct Client {
    programs: Programs,
    /// What others are told that have to wait for this.
    name: &'static str,
    wake: Wake,
    worker: Option<Worker>,
    current: Option<Current>,
    ceilings: Option<Ceilings>,
    silence: Duration,
    tickets: u64,
    /// What the worker was asked for and has not answered.
    on_the_way: usize,
    /// Whether the job waits until less is on the way.
    waits_here: bool,
    events: VecDeque<ClientEvent>,
}

/// Ceilings being measured.
#[derive(Clone, Copy, Debug)]
struct Ceilings {
    ticket: Ticket,
    /// When the next word has to be there.
    by: Instant,
}

impl Client {
    /// A client that starts workers as `programs` say (a launcher alone: with the programs beside this one); `name` is what others are told that have to wait for it. `wake` is
    /// called from another thread whenever [`poll`](Self::poll) has something to do.
    pub fn new(programs: impl Into<Programs>, name: &'static str, wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            programs: programs.into(),
            name,
            wake: Arc::new(wake),
            worker: None,
            current: None,
            ceilings: None,
            silence: SILENCE,
            tickets: 0,
            on_the_way: 0,
            waits_here: false,
            events: VecDeque::new(),
        }
    }

    /// Measures with other programs from now on, such as those of another machine. What is being measured is given up.
    pub fn run_on(&mut self, programs: impl Into<Programs>) {
        self.cancel();
        self.events.extend(self.ceilings.take().map(|Ceilings { ticket, .. }| ClientEvent::Cancelled { ticket }));
        self.programs = programs.into();
        self.drop_worker();
    }

    /// Gives up a worker that says nothing for so long beyond what its job explains, in place of two minutes.
    #[must_use]
    pub const fn giving_up_after(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// Starts measuring, in place of whatever was being measured.
    pub fn measure(&mut self, job: Job) -> Ticket {
        let wake = self.wake.clone();
        self.start(|ticket| Current::measure(ticket, job, wake))
    }

    /// Starts measuring every layer as a kernel of its own, in place of whatever was being measured.
    pub fn take_apart(&mut self, job: Job) -> Ticket {
        self.start(|ticket| Current::apart(ticket, job))
    }

    /// Starts measuring networks in turns, in place of whatever was being measured.
    pub fn take_turns(&mut self, job: TurnsJob) -> Ticket {
        self.start(|ticket| Current::take_turns(ticket, job))
    }

    /// Starts a search, in place of whatever was being measured.
    pub fn search(&mut self, job: SearchJob) -> Ticket {
        self.start(|ticket| Current::search(ticket, job))
    }

    fn start(&mut self, work: impl FnOnce(Ticket) -> Current) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let replaced = self.ceilings.take().map(|Ceilings { ticket, .. }| ClientEvent::Cancelled { ticket });
        let busy = self.current.replace(work(ticket)).is_some_and(|old| !old.is_merging()) || replaced.is_some();
        self.events.extend(replaced);
        self.submit(busy);
        ticket
    }

    /// Starts measuring what a device can do at most with so many threads; `None` while something else is measured.
    pub fn peaks(&mut self, device: DeviceId, threads: usize) -> Option<Ticket> {
        if self.is_busy() {
            return None;
        }
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.ceilings = Some(Ceilings { ticket, by: Instant::now() + self.silence });
        let launcher = self.programs.own.clone();
        self.send((threads, launcher), Request::Peaks { ticket, device });
        self.on_the_way += 1;
        Some(ticket)
    }

    /// Tells the worker that a repaint of the window begins or ends, which may disturb a run.
    pub fn painting(&mut self, begins: bool) {
        // A worker that was not told of the beginning must not hear of the end, and the other way round: it counts both.
        let is_of_use = self.is_busy() || !begins;
        // What is painted here disturbs no other machine.
        let of_use = |worker: &&mut Worker| is_of_use && worker.painting != begins && !worker.is_remote();
        if let Some(worker) = self.worker.as_mut().filter(of_use) {
            worker.painting = worker.send(&Request::Painting).is_ok() == begins;
        }
    }

    /// Stops the job in progress, if any.
    pub fn cancel(&mut self) {
        if let Some(current) = self.current.take() {
            // The process may be in the middle of a run that takes minutes; a fresh one starts in milliseconds. On another
            // machine it does not: that one is told, and what comes next gives it a moment to obey.
            let tell = |worker: &Worker| worker.is_remote() && worker.send(&Request::Cancel).is_ok();
            if !self.worker.as_ref().is_some_and(tell) {
                self.drop_worker();
            }
            self.waits_here = false;
            self.events.push_back(ClientEvent::Cancelled { ticket: current.ticket });
        }
    }

    /// Has a fresh process measure what comes next, where nothing is measured now.
    pub fn start_anew(&mut self) {
        if !self.is_busy() {
            self.drop_worker();
        }
    }

    fn drop_worker(&mut self) {
        (self.worker, self.on_the_way, self.waits_here) = (None, 0, false);
    }

    /// Whether a job is in progress, or ceilings are measured.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.current.is_some() || self.ceilings.is_some()
    }

    /// Process number of the worker, while there is one.
    #[must_use]
    pub fn worker_id(&self) -> Option<u32> {
        self.worker.as_ref().and_then(Worker::id)
    }

    /// What happened since the last call. While [`is_busy`](Self::is_busy), call it at least every 200 ms, also without
    /// having been woken, so that a worker that hangs is noticed.
    ///
    /// Nothing is computed in here: what several processes took is put together meanwhile, and told by a later call.
    pub fn poll(&mut self) -> Vec<ClientEvent> {
        if let Some(step) = self.current.as_mut().map(Current::merged) {
            self.follow(step);
        }
        while let Some(line) = self.worker.as_mut().and_then(Worker::next) {
            match line {
                Line::Event(event, _) => self.on_event(*event),
                Line::Lost(reason) => self.lose(&reason),
            }
        }
        self.check_deadlines();
        self.events.drain(..).collect()
    }

    /// Hands the current job to a worker, which is started where there is none with the right number of threads.
    fn submit(&mut self, busy: bool) {
        let Some(current) = &mut self.current else { return };
        let threads = current.options().threads;
        let launcher = match self.programs.of(current.options()) {
            Ok(launcher) => launcher.clone(),
            Err(error) => {
                let (ticket, message) = (current.ticket, error.to_string());
                self.current = None;
                return self.events.push_back(ClientEvent::Failed { ticket, message });
            }
        };
        let same = self.worker.as_ref().filter(|worker| is_for(worker, threads, &launcher));
        let is_remote = same.is_some_and(Worker::is_remote);
        let busy = same.is_some() && (busy || is_remote && self.on_the_way > 0);
        let obedience = if is_remote { REMOTE_OBEDIENCE } else { OBEDIENCE };
        current.submitted(busy.then(|| Instant::now() + obedience));
        self.waits_here = is_remote && self.on_the_way >= MOST_ON_THE_WAY;
        if !self.waits_here {
            let request = current.request();
            self.send((threads, launcher), request);
            self.on_the_way += 1;
        }
    }

    /// Sends a request to a worker with so many threads, which is started like this where there is none.
    fn send(&mut self, (threads, launcher): (usize, Launcher), request: Request) {
        if self.worker.as_ref().is_some_and(|worker| !is_for(worker, threads, &launcher) || worker.is_closed()) {
            self.drop_worker();
        }
        if self.worker.is_none() {
            match Worker::start(&launcher, Some(threads), self.name, self.wake.clone()) {
                Ok(worker) => self.worker = Some(worker),
                Err(reason) => return self.lose(&reason),
            }
        }
        if let Some(Err(reason)) = self.worker.as_ref().map(|worker| worker.send(&request)) {
            self.lose(&reason);
        }
    }

    fn on_event(&mut self, event: Event) {
        let is_spent = matches!(event, Event::Failed { restart: true, .. });
        if event.is_the_last() {
            self.on_the_way = self.on_the_way.saturating_sub(1);
        }
        self.hear(event);
        if self.waits_here && self.on_the_way < MOST_ON_THE_WAY {
            self.submit(true);
        }
        if is_spent {
            self.drop_worker();
            if self.current.as_ref().is_some_and(|current| current.obey_by.is_some()) {
                // It was asked for a newer job too, which a fresh one has to do.
                self.submit(false);
            } else if self.is_busy() {
                self.lose("its device failed");
            }
        }
    }

    fn hear(&mut self, event: Event) {
        let Some(event) = self.on_ceilings(event) else { return };
        let Some(current) = &mut self.current else { return };
        let of = match &event {
            Event::Hello { .. } | Event::Peaks { .. } => return,
            Event::Devices { .. } | Event::Cameras { .. } | Event::Camera(_) | Event::Wants { .. } => return,
            Event::CameraRun { .. } | Event::Teach { .. } => return,
            Event::Waiting { ticket, .. }
            | Event::Preparing { ticket, .. }
            | Event::Progress { ticket, .. }
            | Event::Done { ticket, .. }
            | Event::Apart { ticket, .. }
            | Event::Turns { ticket, .. }
            | Event::TurnsDone { ticket, .. }
            | Event::Search { ticket, .. }
            | Event::SearchDone { ticket }
            | Event::Cancelled { ticket }
            | Event::Failed { ticket, .. } => *ticket,
        };
        if of != current.ticket {
            return; // The last words of a measurement that a newer one has replaced.
        }
        let step = current.take(event);
        self.follow(step);
    }

    fn follow(&mut self, step: Step) {
        match step {
            Step::Nothing => {}
            Step::Tell(event) => self.events.push_back(event),
            Step::NextProcess(event) => {
                self.events.push_back(event);
                self.drop_worker();
                self.submit(false);
            }
            Step::End(event) => {
                self.current = None;
                self.events.push_back(event);
            }
        }
    }

    /// Takes the answer to a request for ceilings and hands back every other event.
    fn on_ceilings(&mut self, event: Event) -> Option<Event> {
        let Some(Ceilings { ticket: asked, .. }) = self.ceilings else { return Some(event) };
        let answer = match event {
            Event::Peaks { ticket, peaks } if ticket == asked => ClientEvent::Peaks { ticket, peaks },
            Event::Failed { ticket, message, .. } if ticket == asked => ClientEvent::Failed { ticket, message },
            Event::Cancelled { ticket } if ticket == asked => ClientEvent::Cancelled { ticket },
            // Whoever waits for the device does not hang.
            Event::Waiting { ticket, behind } if ticket == asked => {
                self.ceilings = Some(Ceilings { ticket, by: Instant::now() + self.silence });
                self.events.push_back(ClientEvent::Waiting { ticket, behind });
                return None;
            }
            // The device is free now; from here on it may hang.
            Event::Preparing { ticket, .. } if ticket == asked => {
                self.ceilings = Some(Ceilings { ticket, by: Instant::now() + CEILINGS.min(self.silence) });
                self.events.push_back(ClientEvent::Preparing { ticket });
                return None;
            }
            other => return Some(other),
        };
        self.ceilings = None;
        self.events.push_back(answer);
        None
    }

    fn check_deadlines(&mut self) {
        let now = Instant::now();
        if self.ceilings.is_some_and(|ceilings| now > ceilings.by) {
            self.lose("it did not answer");
        }
        if let Some(current) = self.current.as_ref().filter(|current| current.is_silent(now, self.silence)) {
            let seconds = current.patience(self.silence).as_secs();
            self.lose(&format!("it said nothing for {seconds} s: a driver or a library hangs"));
        }
        if self.current.as_ref().and_then(|current| current.obey_by).is_some_and(|by| now > by) {
            if let (Some(current), Some(true)) =
                (&mut self.current, self.worker.as_ref().map(|worker| worker.is_remote() && !worker.has_greeted()))
            {
                // It is still being reached, which has a limit of its own.
                return current.submitted(Some(now + REMOTE_OBEDIENCE));
            }
            self.drop_worker();
            self.submit(false);
        }
    }

    /// The worker is of no use any more. Without a job this needs no words: the next job starts a fresh one.
    fn lose(&mut self, reason: &str) {
        let is_remote = self.worker.as_ref().is_some_and(Worker::is_remote);
        self.drop_worker();
        let message = match is_remote {
            true => format!("{reason}; the next measurement tries again"),
            false => format!("the measuring process was lost ({reason}); the next measurement starts a fresh one"),
        };
        if let Some(Ceilings { ticket, .. }) = self.ceilings.take() {
            self.events.push_back(ClientEvent::Failed { ticket, message });
        } else if self.current.take_if(|current| !current.is_merging()).is_some() {
            self.events.push_back(ClientEvent::WorkerLost { message });
        }
    }
}

/// Whether a worker is of this program and has so many threads.
fn is_for(worker: &Worker, threads: usize, launcher: &Launcher) -> bool {
    worker.threads == Some(threads) && worker.launcher == *launcher
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("programs", &self.programs)
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
