//! One opening of a source: a thread sends what the window shows of it.
//!
//! Only the newest frame is sent, only once the window has taken the one before, and at most thirty times a second: a slow
//! window gets fewer frames and never older ones.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::camera::{Mailbox, Pace, Pipeline, Resolution, SharedClock, Stop, View, scaled_down};
use crate::worker::events::Events;
use crate::worker::protocol::{self, CameraEvent, CameraReport, Event, FrameHead, PREVIEW_SIDE};

/// Time between two previews.
const FRAME_SPACING: Duration = Duration::from_nanos(33_333_333);

/// Time between two reports.
const REPORT_SPACING: Duration = Duration::from_millis(250);

/// How long a wait lasts at most before it is looked up whether a report is due.
const LOOK_UP: Duration = Duration::from_millis(50);

/// See the module.
pub(super) struct Session {
    shared: Arc<Shared>,
    /// The thread owns the pipeline: it closes with the thread.
    pipeline: Weak<Pipeline>,
    thread: JoinHandle<()>,
}

struct Shared {
    number: protocol::Session,
    stop: Stop,
    /// The number of the preview that the window has taken.
    taken: Mailbox<u64>,
    /// The frame of the last preview.
    sent: Mutex<Option<Arc<View>>>,
    restarts: AtomicU64,
}

impl Session {
    /// # Errors
    /// Where the system has no thread left.
    pub fn start(
        number: protocol::Session,
        pipeline: Arc<Pipeline>,
        clock: SharedClock,
        events: Events,
    ) -> std::io::Result<Self> {
        let (stop, taken, sent, restarts) = (Stop::new(), Mailbox::default(), Mutex::default(), AtomicU64::new(0));
        let shared = Arc::new(Shared { number, stop, taken, sent, restarts });
        let weak = Arc::downgrade(&pipeline);
        let sender = Sender { shared: Arc::clone(&shared), pipeline, clock, events };
        let thread = Builder::new().name("camera previews".into()).spawn(move || sender.run())?;
        Ok(Self { shared, pipeline: weak, thread })
    }

    /// Closes the source, without waiting for it: the thread returned ends when it is closed.
    pub fn close(self) -> JoinHandle<()> {
        self.shared.stop.raise();
        self.thread
    }

    pub fn restart_statistics(&self) {
        if let Some(pipeline) = self.pipeline.upgrade() {
            pipeline.restart_statistics();
        }
        self.shared.restarts.fetch_add(1, Ordering::SeqCst);
    }

    pub fn took(&self, number: u64) {
        self.shared.taken.put(number);
    }

    pub fn shown(&self, number: u64) {
        let view = self.shared.sent().filter(|view| view.number == number);
        if let (Some(view), Some(pipeline)) = (view, self.pipeline.upgrade()) {
            pipeline.shown(&view);
        }
    }

    /// Sends the frame of the last preview as it was captured; nothing before there was one.
    pub fn send_still(&self, events: &Events) {
        let Some(view) = self.shared.sent() else { return };
        let picture = &view.picture;
        let (width, height, bytes) = (picture.width(), picture.height(), picture.rgb().len());
        let still = CameraEvent::Still { session: self.shared.number, width, height, bytes };
        events.send_with(&Event::Camera(still), picture.rgb());
    }
}

impl Shared {
    fn sent(&self) -> Option<Arc<View>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The thread's side.
struct Sender {
    shared: Arc<Shared>,
    pipeline: Arc<Pipeline>,
    clock: SharedClock,
    events: Events,
}

impl Sender {
    fn run(self) {
        let Shared { stop, taken, .. } = &*self.shared;
        let mut pace = Pace::new(FRAME_SPACING);
        let (mut reported, mut last, mut in_the_pipe) = (None::<Instant>, None, None);
        while !stop.is_raised() {
            if let Some(message) = self.pipeline.failure() {
                let message = format!("{message}; start the camera again");
                return self.say(CameraEvent::Broken { session: self.shared.number, message });
            }
            if reported.is_none_or(|at| at.elapsed() >= REPORT_SPACING) {
                self.report();
                reported = Some(Instant::now());
            }
            if in_the_pipe.is_some() {
                in_the_pipe = in_the_pipe.filter(|sent| taken.take(LOOK_UP).is_none_or(|number| number != *sent));
            } else if self.pipeline.wait_after(last, LOOK_UP).is_some() {
                if pace.wait(stop) {
                    return;
                }
                // The newest, which may have come during the pause.
                if let Some(view) = self.pipeline.newest() {
                    (last, in_the_pipe) = (Some(view.number), Some(view.number));
                    self.send(view);
                }
            }
        }
    }

    fn say(&self, event: CameraEvent) {
        self.events.send(&Event::Camera(event));
    }

    fn report(&self) {
        // Counted first, so that the times are at least as new as it says.
        let restarts = self.shared.restarts.load(Ordering::SeqCst);
        let report = Box::new(CameraReport {
            status: self.pipeline.camera(),
            statistics: self.pipeline.statistics(),
            at: self.clock.now(),
            restarts,
            busy: self.pipeline.busy(),
        });
        self.say(CameraEvent::Report { session: self.shared.number, report });
    }

    fn send(&self, view: Arc<View>) {
        let preview = scaled_down(&view.picture, PREVIEW_SIDE);
        let frame = Box::new(FrameHead {
            number: view.number,
            size: Resolution { width: view.picture.width(), height: view.picture.height() },
            preview: Resolution { width: preview.width(), height: preview.height() },
            age: self.clock.now().since(view.captured),
            generation: view.generation,
            top: view.top.clone(),
        });
        *self.shared.sent.lock().unwrap_or_else(PoisonError::into_inner) = Some(view);
        let event = CameraEvent::Frame { session: self.shared.number, frame, bytes: preview.rgb().len() };
        self.events.send_with(&Event::Camera(event), preview.rgb());
    }
}
