//! The way of a frame from the camera to the screen, and where its time goes.
//!
//! A thread takes the newest frame, decodes it, has it classified and publishes it; whoever shows it says when it was
//! shown. Every store on the way holds one thing, so a slow model makes frames fewer and never older or more.

mod statistics;
mod view;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use shufflescope_engine::classify::Picture;
use shufflescope_engine::units::Nanos;

use self::statistics::{Passed, Recent};
pub use self::statistics::{Quantiles, Stage, StageTimes, Statistics};
pub use self::view::{Classify, Generation, Outcome, Prediction, View};
use super::{Capture, CaptureStatus, Frame, Mailbox, Pixels, SharedClock, Stop};
use crate::panic_text;

/// How often a wait for a frame looks up whether it is time to stop.
const LOOK_UP: Duration = Duration::from_millis(100);

/// Called from the pipeline's thread whenever there is something new to show.
pub type Wake = Box<dyn Fn() + Send>;

/// A camera, a classifier and the newest result of both. Dropping it closes the camera.
pub struct Pipeline {
    /// Dropped first: the camera is closed even where a slow model is still busy.
    capture: Option<Capture>,
    shared: Arc<Shared>,
    stop: Stop,
    clock: SharedClock,
    thread: Option<JoinHandle<()>>,
}

/// What the pipeline's thread and its owner share; each store holds one thing or a bounded number.
#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    newest: Option<Arc<View>>,
    /// The number of the newest view that was shown.
    shown: Option<u64>,
    recent: Recent,
    /// Views that were published, and how many of them were shown.
    published: u64,
    seen: u64,
    /// Frames that could not be decoded, and why the last could not.
    undecodable: (u64, Option<String>),
    /// Since when the thread is at the frame in hand.
    busy_since: Option<Nanos>,
    /// Why the thread has ended before anybody told it to.
    failure: Option<String>,
    generation: Generation,
    /// The classifier to change to before the next frame.
    next_classifier: Option<Option<Box<dyn Classify>>>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pipeline").field("capture", &self.capture).field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl Pipeline {
    /// Starts to take frames. Without a classifier they are decoded and shown all the same.
    ///
    /// # Errors
    /// Where the system has no thread left.
    pub fn start(
        capture: Capture,
        classifier: Option<Box<dyn Classify>>,
        clock: SharedClock,
        wake: Wake,
    ) -> std::io::Result<Self> {
        let (shared, stop) = (Arc::<Shared>::default(), Stop::new());
        let mut worker = Worker { shared: Arc::clone(&shared), clock: Arc::clone(&clock), classifier, wake };
        let (frames, stopped) = (capture.mailbox(), stop.clone());
        let thread = Builder::new().name("camera pipeline".into()).spawn(move || {
            let run = AssertUnwindSafe(|| worker.run(&frames, &stopped));
            if let Err(panic) = catch_unwind(run) {
                worker.shared.fail(format!("the camera's pipeline panicked: {}", panic_text(&*panic)));
            }
        })?;
        Ok(Self { capture: Some(capture), shared, stop, clock, thread: Some(thread) })
    }

    /// Changes to another classifier, or to none, from the next frame on; the camera stays open.
    pub fn set_classifier(&self, classifier: Option<Box<dyn Classify>>, generation: Generation) {
        let mut state = self.shared.lock();
        state.generation = generation;
        // One that was never used is freed after the lock is.
        let unused = state.next_classifier.replace(classifier);
        drop(state);
        drop(unused);
    }

    /// The newest view, shown before or not.
    #[must_use]
    pub fn newest(&self) -> Option<Arc<View>> {
        self.shared.lock().newest.clone()
    }

    /// Waits for a view that was not shown yet; not once the pipeline has failed.
    #[must_use]
    pub fn wait(&self, patience: Duration) -> Option<Arc<View>> {
        let nothing_new = |state: &mut State| state.unshown().is_none() && state.failure.is_none();
        let waited = self.shared.changed.wait_timeout_while(self.shared.lock(), patience, nothing_new);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.unshown().cloned()
    }

    /// Waits for a view behind the one of this number; not once the pipeline has failed.
    #[must_use]
    pub fn wait_after(&self, number: Option<u64>, patience: Duration) -> Option<Arc<View>> {
        let nothing_new = |state: &mut State| state.after(number).is_none() && state.failure.is_none();
        let waited = self.shared.changed.wait_timeout_while(self.shared.lock(), patience, nothing_new);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.after(number).cloned()
    }

    /// Ends it for this reason: what it needs is lost to this process.
    pub fn give_up(&self, reason: String) {
        self.shared.fail(reason);
    }

    /// Why no frame passes any more, where its thread has died or the network's device is lost.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.shared.lock().failure.clone()
    }

    /// For how long it has been at the frame in hand, where it is at one.
    #[must_use]
    pub fn busy(&self) -> Option<Nanos> {
        let since = self.shared.lock().busy_since?;
        Some(self.clock.now().since(since))
    }

    /// Says that `view` is on the screen now; counted once.
    pub fn shown(&self, view: &View) {
        self.shared.shown(view, self.clock.now());
    }

    /// Where the time goes, over the last few seconds.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.shared.lock().statistics(self.clock.now())
    }

    /// Forgets the times so far, so that [`statistics`](Self::statistics) are of frames from now on.
    pub fn restart_statistics(&self) {
        self.shared.lock().recent.forget();
    }

    /// How the camera is doing.
    #[must_use]
    pub fn camera(&self) -> CaptureStatus {
        let mut status = self.capture.as_ref().map(Capture::status).unwrap_or_default();
        let state = self.shared.lock();
        let (count, reason) = &state.undecodable;
        status.skipped += count;
        status.last_skipped = reason.clone().or(status.last_skipped);
        status
    }

    /// Closes the camera and waits for the classifier to finish what it is doing.
    pub fn finish(mut self) -> (CaptureStatus, Statistics) {
        // In this order: a frame that passes in between was captured too.
        let statistics = self.statistics();
        let result = (self.camera(), statistics);
        self.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        result
    }

    fn close(&mut self) {
        self.stop.raise();
        self.capture = None;
    }
}

impl Drop for Pipeline {
    /// Returns as soon as the camera is closed; the thread ends after the picture it is at.
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, view: View, passed: Passed) {
        let mut state = self.lock();
        state.recent.passed(passed);
        state.published += 1;
        let old = state.newest.replace(Arc::new(view));
        drop(state);
        // The old picture is freed after the lock is.
        drop(old);
        self.changed.notify_all();
    }

    fn fail(&self, reason: String) {
        self.lock().failure = Some(reason);
        self.changed.notify_all();
    }

    fn shown(&self, view: &View, now: Nanos) {
        let mut state = self.lock();
        if state.shown.is_some_and(|last| view.number <= last) {
            return;
        }
        state.shown = Some(view.number);
        state.seen += 1;
        state.recent.shown(now.since(view.published), now.since(view.captured));
    }
}

impl State {
    /// The newest view, if it was not shown yet.
    fn unshown(&self) -> Option<&Arc<View>> {
        self.newest.as_ref().filter(|view| self.shown.is_none_or(|last| last < view.number))
    }

    /// The newest view, if it comes behind the one of this number.
    fn after(&self, number: Option<u64>) -> Option<&Arc<View>> {
        self.newest.as_ref().filter(|view| number.is_none_or(|last| last < view.number))
    }

    fn statistics(&self, now: Nanos) -> Statistics {
        let age_now = self.newest.as_ref().map(|view| now.since(view.captured));
        // The newest may still be shown.
        let unseen = self.published.saturating_sub(self.seen).saturating_sub(u64::from(self.unshown().is_some()));
        Statistics { unseen, age_now, ..self.recent.statistics(now) }
    }
}

/// The pipeline thread's side.
struct Worker {
    shared: Arc<Shared>,
    clock: SharedClock,
    classifier: Option<Box<dyn Classify>>,
    wake: Wake,
}

impl Worker {
    fn run(&mut self, frames: &Mailbox<Frame>, stop: &Stop) {
        let mut ready = self.clock.now();
        while !stop.is_raised() {
            match frames.take(LOOK_UP) {
                Some(frame) => {
                    self.shared.lock().busy_since = Some(self.clock.now());
                    self.pass(frame, ready);
                    ready = self.clock.now();
                    self.shared.lock().busy_since = None;
                }
                None if frames.is_closed() => return,
                None => {}
            }
        }
    }

    /// Takes one frame all the way; `ready` is since when it was waited for.
    fn pass(&mut self, frame: Frame, ready: Nanos) {
        let taken = self.clock.now();
        let generation = self.change_classifier();
        let Frame { pixels, shows, captured, number } = frame;
        let picture = match decode(pixels) {
            Ok(picture) => picture,
            Err(reason) => {
                let undecodable = &mut self.shared.lock().undecodable;
                *undecodable = (undecodable.0 + 1, Some(reason));
                return;
            }
        };
        let decoded = self.clock.now();
        let outcome = self.classify(&picture);
        self.end_if_spent(outcome.as_ref());
        let published = self.clock.now();
        let times = outcome.as_ref().and_then(|outcome| outcome.as_ref().ok());
        let passed = Passed {
            number,
            captured,
            published,
            wait: taken.since(ready),
            decode: decoded.since(taken),
            resize: times.map(|times| times.resize),
            infer: times.map(|times| times.infer),
        };
        let top = outcome.map(|outcome| outcome.map(|outcome| outcome.top).map_err(|error| crate::explain(&error)));
        let top = top.and_then(Result::transpose);
        self.shared.publish(View { picture, shows, number, captured, published, generation, top }, passed);
        (self.wake)();
    }

    /// Asks the classifier. One that panics is not asked again: what it was at is half done.
    fn classify(&mut self, picture: &Picture) -> Option<anyhow::Result<Outcome>> {
        let classifier = self.classifier.as_mut()?;
        Some(catch_unwind(AssertUnwindSafe(|| classifier.classify(picture))).unwrap_or_else(|panic| {
            let reason = format!("the runtime panicked: {}; please report this design", panic_text(&*panic));
            self.classifier = Some(Box::new(Broken(reason.clone())));
            Err(anyhow::Error::msg(reason))
        }))
    }

    /// Where the network's device is lost to this process nothing more passes: its owner has to start a fresh one.
    fn end_if_spent(&self, outcome: Option<&anyhow::Result<Outcome>>) {
        if let Some(Err(error)) = outcome
            && crate::ends_process(error)
        {
            self.shared.fail(crate::explain(error));
        }
    }

    /// Takes over the classifier that is meant from now on; times of another one do not belong to it.
    fn change_classifier(&mut self) -> Generation {
        let mut state = self.shared.lock();
        let generation = state.generation;
        if let Some(next) = state.next_classifier.take() {
            state.recent.forget_classifier();
            drop(state);
            self.classifier = next;
        }
        generation
    }
}

/// Stands for a classifier that has panicked.
struct Broken(String);

impl Classify for Broken {
    fn classify(&mut self, _: &Picture) -> anyhow::Result<Outcome> {
        Err(anyhow::Error::msg(self.0.clone()))
    }
}

/// A frame that makes a decoder panic is one that cannot be decoded.
fn decode(pixels: Pixels) -> Result<Arc<Picture>, String> {
    match catch_unwind(AssertUnwindSafe(|| pixels.decode())) {
        Ok(decoded) => decoded.map_err(|error| error.to_string()),
        Err(panic) => Err(format!("the frame cannot be decoded: {}", panic_text(&*panic))),
    }
}

#[cfg(test)]
mod tests;
