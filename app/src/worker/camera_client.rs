//! The window's side of a camera: never blocks, gives up what hangs, and says what happened to it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shufflescope_engine::classify::Picture;
use shufflescope_engine::units::Nanos;

use super::child::{Line, Wake, Worker};
use super::protocol::{CameraEvent, CameraReport, CameraRequest, Event, FrameHead, Request, Session};
use crate::camera::{CaptureState, Fit, Generation, Offer, SourceOptions, SourceSpec, Wish};
use crate::target::Launcher;

/// How long the parts of a camera may take before they are taken for hung.
#[derive(Clone, Copy, Debug)]
pub struct CameraLimits {
    /// Without a word of the worker while a source is open.
    pub silence: Duration,
    /// Until a source is open: a driver's, for one on the network has limits of its own.
    pub opening: Duration,
    /// Until a network is made, not counted while somebody else measures.
    pub network: Duration,
    /// For the pipeline, at one frame.
    pub frame: Duration,
}

impl Default for CameraLimits {
    fn default() -> Self {
        let [silence, opening, network, frame] = [15, 60, 120, 120].map(Duration::from_secs);
        Self { silence, opening, network, frame }
    }
}

/// A preview and what there is to know about it.
#[derive(Debug)]
pub struct CameraFrame {
    /// Everything but the pixels.
    pub head: FrameHead,
    /// The preview.
    pub picture: Picture,
    /// When it came.
    received: Instant,
}

impl CameraFrame {
    /// How old it is by now.
    #[must_use]
    pub fn age(&self) -> Duration {
        Duration::from(self.head.age).saturating_add(self.received.elapsed())
    }
}

/// What happens to a camera.
#[derive(Debug)]
pub enum CameraNews {
    /// How the source does.
    Report(Box<CameraReport>),
    /// The newest preview.
    Frame(Arc<CameraFrame>),
    /// The frame asked for by [`CameraClient::ask_for_still`], as it was captured.
    Still(Arc<Picture>),
    /// Whether the weights fit the network.
    Fits(Generation, Box<Fit>, Vec<Offer>),
    /// Somebody else measures on the device; the network runs when they are done.
    Waiting(Generation, String),
    /// The network looks at the frames from now on.
    Ready(Generation),
    /// The network cannot be run: cause and remedy.
    Failed(Generation, String),
    /// The source is closed, for it or the process cannot go on: cause and remedy.
    Lost(String),
}

/// Owns at most one process and in it at most one source.
pub struct CameraClient {
    launcher: Launcher,
    name: &'static str,
    wake: Wake,
    limits: CameraLimits,
    worker: Option<Worker>,
    sessions: u64,
    open: Option<Open>,
    making: Option<Making>,
    smooth: bool,
    news: VecDeque<CameraNews>,
}

#[derive(Debug)]
struct Open {
    session: Session,
    /// Since when the source has not been open; `None` while it is.
    opening_since: Option<Instant>,
    restarts: u64,
}

/// A network being looked at or made.
#[derive(Clone, Copy, Debug)]
struct Making {
    generation: Generation,
    since: Instant,
    /// Whether it is to be run, and not only looked at.
    classifier: bool,
}

impl CameraClient {
    /// A client that starts workers as `launcher` says; `name` is what others are told that have to wait for its network.
    /// `wake` is called from another thread whenever [`poll`](Self::poll) has something to do.
    pub fn new(launcher: Launcher, name: &'static str, wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            launcher,
            name,
            wake: Arc::new(wake),
            limits: CameraLimits::default(),
            worker: None,
            sessions: 0,
            open: None,
            making: None,
            smooth: true,
            news: VecDeque::new(),
        }
    }

    /// Gives up what hangs by other limits.
    #[must_use]
    pub const fn with_limits(mut self, limits: CameraLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Opens a source in place of the one that is open.
    pub fn open(&mut self, source: SourceSpec, options: SourceOptions) {
        self.sessions += 1;
        let session = Session(self.sessions);
        self.open = Some(Open { session, opening_since: Some(Instant::now()), restarts: 0 });
        self.send(CameraRequest::Open { session, source, options });
    }

    /// Closes the source, without waiting for it.
    pub fn close(&mut self) {
        self.making = None;
        if self.open.take().is_some() {
            self.send(CameraRequest::Close);
        }
    }

    /// Whether a source is open, or a network is being looked at.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        self.open.is_some() || self.making.is_some()
    }

    /// Has another network look at the frames, in place of the one that did.
    pub fn look_with(&mut self, wish: Wish) {
        let Wish { generation, classifier, .. } = wish;
        self.making = Some(Making { generation, since: Instant::now(), classifier });
        self.send(CameraRequest::Network { wish: Box::new(wish) });
    }

    /// Averages answers over time, or does not.
    pub fn smooth(&mut self, on: bool) {
        self.smooth = on;
        if self.worker.is_some() {
            self.send(CameraRequest::Smooth { on });
        }
    }

    /// Forgets the times so far; says the number of [`CameraReport::restarts`] from which on reports are of later frames.
    pub fn restart_statistics(&mut self) -> u64 {
        let Some(open) = &mut self.open else { return 0 };
        open.restarts += 1;
        let restarts = open.restarts;
        self.send(CameraRequest::RestartStatistics);
        restarts
    }

    /// Says that a frame is on the screen. A worker that is gone need not know.
    pub fn shown(&self, frame: &CameraFrame) {
        if let Some(worker) = &self.worker {
            let _ = worker.send(&Request::Camera(CameraRequest::Shown { number: frame.head.number }));
        }
    }

    /// Asks for the newest frame as it was captured.
    pub fn ask_for_still(&mut self) {
        if self.open.is_some() {
            self.send(CameraRequest::Still);
        }
    }

    /// Process number of the worker, while there is one.
    #[must_use]
    pub fn worker_id(&self) -> Option<u32> {
        self.worker.as_ref().and_then(Worker::id)
    }

    /// What happened since the last call. While [`is_busy`](Self::is_busy), call it at least every 250 ms, also without
    /// having been woken, so that what hangs is noticed.
    pub fn poll(&mut self) -> Vec<CameraNews> {
        while let Some(line) = self.worker.as_mut().and_then(Worker::next) {
            match line {
                Line::Event(event, bytes) => {
                    if let Event::Camera(event) = *event {
                        self.on_event(event, bytes);
                    }
                }
                Line::Lost(reason) => self.lose(&reason),
            }
        }
        self.check_limits();
        self.news.drain(..).collect()
    }

    fn send(&mut self, request: CameraRequest) {
        if self.worker.as_ref().is_some_and(Worker::is_closed) {
            let is_new = match request {
                CameraRequest::Open { .. } => true,
                CameraRequest::Network { .. } => self.open.is_none(),
                _ => false,
            };
            if !is_new {
                // Nobody hears it; how the process ended is about to be told.
                return;
            }
            self.worker = None;
        }
        if self.worker.is_none() {
            let smooth = Request::Camera(CameraRequest::Smooth { on: self.smooth });
            let started = Worker::start(&self.launcher, None, self.name, self.wake.clone())
                .and_then(|worker| worker.send(&smooth).map(|()| worker));
            match started {
                Ok(worker) => self.worker = Some(worker),
                Err(reason) => return self.lose(&reason),
            }
        }
        if let Some(Err(reason)) = self.worker.as_ref().map(|worker| worker.send(&Request::Camera(request))) {
            self.lose(&reason);
        }
    }

    fn on_event(&mut self, event: CameraEvent, bytes: Vec<u8>) {
        let open = self.open.as_ref().map(|open| open.session);
        let is_open = |session| open == Some(session);
        match event {
            CameraEvent::Frame { session, frame, .. } => {
                // Also one that nobody wants any more has left the pipe.
                self.send(CameraRequest::Took { number: frame.number });
                if is_open(session) {
                    self.take_frame(*frame, bytes);
                }
            }
            CameraEvent::Fits { generation, fit, offers } => {
                self.making.take_if(|making| making.generation == generation && !making.classifier);
                self.news.push_back(CameraNews::Fits(generation, fit, offers));
            }
            CameraEvent::Waiting { generation, behind } => {
                if let Some(making) = self.making.as_mut().filter(|making| making.generation == generation) {
                    making.since = Instant::now();
                }
                self.news.push_back(CameraNews::Waiting(generation, behind));
            }
            CameraEvent::Ready { generation } => {
                self.making.take_if(|making| making.generation == generation);
                self.news.push_back(CameraNews::Ready(generation));
            }
            CameraEvent::Failed { generation, message } => {
                self.making.take_if(|making| making.generation == generation);
                self.news.push_back(CameraNews::Failed(generation, message));
            }
            CameraEvent::Report { session, report } if is_open(session) => self.take_report(report),
            CameraEvent::Still { session, width, height, .. } if is_open(session) => {
                match Picture::new(width, height, bytes) {
                    Ok(picture) => self.news.push_back(CameraNews::Still(Arc::new(picture))),
                    Err(error) => self.lose(&error.to_string()),
                }
            }
            CameraEvent::Broken { session, message } if is_open(session) => {
                // Whatever broke it may still be broken in that process.
                (self.open, self.making, self.worker) = (None, None, None);
                self.news.push_back(CameraNews::Lost(message));
            }
            // The last words of a source that is closed.
            CameraEvent::Report { .. } | CameraEvent::Still { .. } | CameraEvent::Broken { .. } => {}
        }
    }

    fn take_frame(&mut self, head: FrameHead, bytes: Vec<u8>) {
        match Picture::new(head.preview.width, head.preview.height, bytes) {
            Ok(picture) => {
                let frame = CameraFrame { head, picture, received: Instant::now() };
                self.news.push_back(CameraNews::Frame(Arc::new(frame)));
            }
            Err(error) => self.lose(&error.to_string()),
        }
    }

    fn take_report(&mut self, report: Box<CameraReport>) {
        if let Some(open) = &mut self.open {
            let is_opening = report.status.state == CaptureState::Opening;
            open.opening_since = is_opening.then(|| open.opening_since.unwrap_or_else(Instant::now));
        }
        let busy = report.busy.unwrap_or(Nanos::ZERO);
        self.news.push_back(CameraNews::Report(report));
        if Duration::from(busy) > self.limits.frame {
            let seconds = busy.as_secs_f64();
            self.lose(&format!("the network has been at one frame for {seconds:.0} s: its driver hangs"));
        }
    }

    fn check_limits(&mut self) {
        let CameraLimits { silence, opening, network, .. } = self.limits;
        let heard = self.worker.as_ref().map(|worker| worker.heard.elapsed()).unwrap_or_default();
        if let Some(Open { opening_since, .. }) = &self.open {
            if heard > silence {
                return self.lose(&format!("it said nothing for {} s: a driver or a library hangs", silence.as_secs()));
            }
            if opening_since.is_some_and(|since| since.elapsed() > opening) {
                return self.lose(&format!("the source did not open in {} s: its driver hangs", opening.as_secs()));
            }
        }
        if self.making.is_some_and(|making| making.since.elapsed() > network) {
            self.lose(&format!("the network was not ready in {} s: its driver hangs", network.as_secs()));
        }
    }

    /// The worker is of no use any more. Where nothing was asked of it this needs no words.
    fn lose(&mut self, reason: &str) {
        let is_remote = self.worker.take().is_some_and(|worker| worker.is_remote());
        if self.is_busy() {
            (self.open, self.making) = (None, None);
            let message = match is_remote {
                true => format!("{reason}. Start tries again"),
                false => format!(
                    "the camera's process was lost ({reason}). Start begins a fresh one; where it happens again, choose \
                     another source or device"
                ),
            };
            self.news.push_back(CameraNews::Lost(message));
        }
    }
}

impl std::fmt::Debug for CameraClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CameraClient")
            .field("launcher", &self.launcher)
            .field("open", &self.open)
            .finish_non_exhaustive()
    }
}
