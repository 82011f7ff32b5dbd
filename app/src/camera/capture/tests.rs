use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use shufflescope_engine::clock::MonotonicClock;

use super::*;
use crate::camera::{Captured, RawImage};

/// Gives what it is told, then waits for the stop; counts how many of its kind are open.
struct Script {
    steps: std::vec::IntoIter<Result<Next, SourceError>>,
    open: Arc<AtomicUsize>,
}

impl FrameSource for Script {
    fn next(&mut self, stop: &Stop) -> Result<Next, SourceError> {
        self.steps.next().unwrap_or_else(|| {
            assert!(stop.sleep(Duration::from_secs(600)), "nobody stopped the source");
            Ok(Next::Stopped)
        })
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}

fn frame() -> Result<Next, SourceError> {
    Ok(Next::Frame(Captured::from(RawImage::jpeg(vec![]))))
}

fn gone() -> SourceError {
    SourceError::NoCamera { device: "test".into() }
}

/// A capture whose source is opened once per script; also how many are open.
fn capture(scripts: Vec<Result<Vec<Result<Next, SourceError>>, SourceError>>) -> (Capture, Arc<AtomicUsize>) {
    let open = Arc::new(AtomicUsize::new(0));
    let (mut scripts, counter) = (scripts.into_iter(), Arc::clone(&open));
    let opener = move |_: &Stop| -> Result<Box<dyn FrameSource>, SourceError> {
        let steps = scripts.next().unwrap_or_else(|| Ok(Vec::new()))?.into_iter();
        counter.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Script { steps, open: Arc::clone(&counter) }))
    };
    let capture = Capture::with_opener("test".into(), Box::new(opener), Arc::new(MonotonicClock::new())).unwrap();
    (capture, open)
}

fn wait_for(capture: &Capture, ready: impl Fn(&CaptureStatus) -> bool) -> CaptureStatus {
    let start = Instant::now();
    loop {
        let status = capture.status();
        if ready(&status) {
            return status;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "waited in vain: {status:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn only_the_newest_frame_is_kept_and_the_dropped_ones_are_counted() {
    let skipped = Ok(Next::Skipped("a bad one".into()));
    let (capture, _) = capture(vec![Ok(vec![frame(), frame(), skipped, frame(), frame()])]);
    let status = wait_for(&capture, |status| status.frames == 4);
    assert_eq!((status.dropped, status.skipped, status.last_skipped), (3, 1, Some("a bad one".into())));
    assert_eq!(status.state, CaptureState::Running);
    assert_eq!(capture.mailbox().take(Duration::ZERO).unwrap().number, 3);
}

#[test]
fn a_source_that_fails_is_closed_opened_again_and_comes_back_by_itself() {
    let unplugged = || SourceError::Unplugged { device: "test".into() };
    let (capture, open) =
        capture(vec![Err(gone()), Ok(vec![frame(), Err(unplugged())]), Err(gone()), Ok(vec![frame()])]);
    let status = wait_for(&capture, |status| status.frames == 2);
    assert_eq!((status.state, status.reconnects), (CaptureState::Running, 1));
    assert_eq!(status.last_error, Some(unplugged()), "what was there before is unplugged, not missing");
    assert_eq!(open.load(Ordering::SeqCst), 1);
}

#[test]
fn a_source_that_cannot_be_opened_says_why_while_it_is_tried_again() {
    let (capture, _) = capture((0..99).map(|_| Err(gone())).collect());
    let status = wait_for(&capture, |status| matches!(status.state, CaptureState::Retrying { failures: 2.., .. }));
    assert_eq!((status.frames, status.last_error), (0, Some(gone())));
}

#[test]
fn dropping_closes_the_source_before_it_returns() {
    let (capture, open) = capture(vec![Ok(vec![frame()])]);
    wait_for(&capture, |status| status.frames == 1);
    let mailbox = capture.mailbox();
    assert_eq!(open.load(Ordering::SeqCst), 1);
    drop(capture);
    assert_eq!(open.load(Ordering::SeqCst), 0);
    assert!(mailbox.take(Duration::from_secs(600)).is_some(), "the last frame may still be taken");
    assert!(mailbox.take(Duration::from_secs(600)).is_none(), "nobody waits for a closed camera");
}

#[test]
fn a_panic_in_a_driver_is_told_as_an_error_and_tried_again() {
    struct Broken;
    impl FrameSource for Broken {
        fn next(&mut self, _: &Stop) -> Result<Next, SourceError> {
            panic!("as a library does for an answer it did not expect")
        }
    }
    let opener = |_: &Stop| -> Result<Box<dyn FrameSource>, SourceError> { Ok(Box::new(Broken)) };
    let capture = Capture::with_opener("test".into(), Box::new(opener), Arc::new(MonotonicClock::new())).unwrap();
    let status = wait_for(&capture, |status| status.last_error.is_some());
    assert!(status.last_error.unwrap().to_string().contains("makes no sense"));
}
