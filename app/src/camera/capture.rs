//! The thread that owns a source, keeps it going, and hands on only the newest frame.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use serde::{Deserialize, Serialize};
use shufflescope_engine::clock::Clock;

use super::back_off::BackOff;
use super::{Frame, FrameSource, Mailbox, Next, SourceError, SourceOptions, SourceSpec, Stop, open};

/// A clock that threads share.
pub type SharedClock = Arc<dyn Clock + Send + Sync>;

/// Opens a source, as often as it takes.
type Opener = Box<dyn FnMut(&Stop) -> Result<Box<dyn FrameSource>, SourceError> + Send>;

/// A running source. Dropping it closes the camera.
///
/// A source that fails is closed and opened again, after waits that double up to five seconds, until it is dropped: a
/// camera that is plugged in again, freed by another program or allowed in the settings comes back by itself.
#[derive(Debug)]
pub struct Capture {
    newest: Arc<Mailbox<Frame>>,
    status: Arc<Mutex<CaptureStatus>>,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

/// How a source is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureStatus {
    /// What it is doing now.
    pub state: CaptureState,
    /// Frames captured.
    pub frames: u64,
    /// Frames that nobody took before a newer one came.
    pub dropped: u64,
    /// Files, parts or buffers that were no usable frame.
    pub skipped: u64,
    /// Why the last of them was not.
    pub last_skipped: Option<String>,
    /// How often it came back after it had failed.
    pub reconnects: u64,
    /// Why it last failed, also after it came back.
    pub last_error: Option<SourceError>,
}

/// What a source is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaptureState {
    /// Opening, no frame yet.
    #[default]
    Opening,
    /// Frames come.
    Running,
    /// It failed and is tried again.
    Retrying {
        /// Why it failed.
        error: SourceError,
        /// Failures in a row.
        failures: u32,
    },
}

impl Capture {
    /// Starts a source; errors are told by [`Self::status`].
    ///
    /// # Errors
    /// Where the system has no thread left.
    pub fn start(spec: &SourceSpec, options: SourceOptions, clock: SharedClock) -> std::io::Result<Self> {
        Self::start_after(None, spec, options, clock)
    }

    /// As [`start`](Self::start), but opens the source only once `closing` has ended: the same camera may still be in it.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_after(
        closing: Option<JoinHandle<()>>,
        spec: &SourceSpec,
        options: SourceOptions,
        clock: SharedClock,
    ) -> std::io::Result<Self> {
        let (spec, name, mut closing) = (spec.clone(), spec.shown(), closing);
        let opener = move |stop: &Stop| {
            if let Some(closing) = closing.take() {
                let _ = closing.join();
            }
            open(&spec, &options, stop)
        };
        Self::with_opener(name, Box::new(opener), clock)
    }

    pub(super) fn with_opener(name: String, opener: Opener, clock: SharedClock) -> std::io::Result<Self> {
        let (newest, status, stop) = (Arc::new(Mailbox::default()), Arc::default(), Stop::new());
        let (to, told) = (Arc::clone(&newest), Arc::clone(&status));
        let keeper = Keeper { name, newest: to, status: told, stop: stop.clone(), clock };
        let thread = Builder::new().name("camera".into()).spawn(move || {
            keeper.run(opener);
            keeper.newest.close();
        })?;
        Ok(Self { newest, status, stop, thread: Some(thread) })
    }

    /// Where the newest frame lies.
    #[must_use]
    pub fn mailbox(&self) -> Arc<Mailbox<Frame>> {
        Arc::clone(&self.newest)
    }

    /// How it is doing.
    #[must_use]
    pub fn status(&self) -> CaptureStatus {
        let status = self.status.lock().unwrap_or_else(PoisonError::into_inner).clone();
        CaptureStatus { dropped: self.newest.replaced(), ..status }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.stop.raise();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was told as an error already.
            let _ = thread.join();
        }
    }
}

/// The camera thread's side.
struct Keeper {
    name: String,
    newest: Arc<Mailbox<Frame>>,
    status: Arc<Mutex<CaptureStatus>>,
    stop: Stop,
    clock: SharedClock,
}

impl Keeper {
    /// Opens the source again and again until it is time to stop.
    fn run(&self, mut opener: Opener) {
        let (mut back_off, mut failures) = (BackOff::new(), 0_u32);
        loop {
            let before = self.frames();
            let run = || opener(&self.stop).and_then(|source| self.drain(source));
            let result = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(self.panicked()));
            let Err(error) = result else { return };
            if self.stop.is_raised() {
                return;
            }
            if self.frames() > before {
                back_off.reset();
                failures = 0;
            }
            failures = failures.saturating_add(1);
            self.tell(|status| {
                // What is not there any more was there.
                let error = match error {
                    SourceError::NoCamera { device } if status.frames > 0 => SourceError::Unplugged { device },
                    other => other,
                };
                status.last_error = Some(error.clone());
                status.state = CaptureState::Retrying { error, failures };
            });
            if self.stop.sleep(back_off.delay()) {
                return;
            }
        }
    }

    /// A driver's answer that a library did not expect makes it panic; the camera is tried again as after any error.
    fn panicked(&self) -> SourceError {
        let reason = "its driver gave an answer that makes no sense".to_owned();
        SourceError::Device { device: self.name.clone(), reason }
    }

    /// Hands on frames until the source fails or is told to stop; the source is closed when this returns.
    fn drain(&self, mut source: Box<dyn FrameSource>) -> Result<(), SourceError> {
        loop {
            match source.next(&self.stop)? {
                Next::Frame(captured) => {
                    let number = self.frames();
                    let (pixels, shows) = (captured.pixels, captured.shows);
                    let captured = self.clock.now();
                    // It is counted before anybody has it: no more frames pass than were captured.
                    self.tell(|status| {
                        let back = status.frames > 0 && matches!(status.state, CaptureState::Retrying { .. });
                        status.reconnects += u64::from(back);
                        status.frames += 1;
                        status.state = CaptureState::Running;
                    });
                    self.newest.put(Frame { pixels, shows, captured, number });
                }
                Next::Skipped(reason) => self.tell(|status| {
                    status.skipped += 1;
                    status.last_skipped = Some(reason);
                }),
                Next::Stopped => return Ok(()),
            }
            if self.stop.is_raised() {
                return Ok(());
            }
        }
    }

    fn frames(&self) -> u64 {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).frames
    }

    fn tell(&self, change: impl FnOnce(&mut CaptureStatus)) {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests;
