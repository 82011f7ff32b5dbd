use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};

use shufflescope_engine::clock::{Clock, TimerQuality};

use super::*;
use crate::camera::{FrameSource, Next, Pixels, RawImage, SourceError, SourceOptions, SourceSpec};

/// A clock that moves only when told.
#[derive(Debug, Default)]
struct Told(AtomicU64);

impl Told {
    fn advance(&self, time: Nanos) {
        self.0.fetch_add(time.0, Ordering::SeqCst);
    }
}

impl Clock for Told {
    fn now(&self) -> Nanos {
        Nanos(self.0.load(Ordering::SeqCst))
    }

    fn quality(&self) -> TimerQuality {
        TimerQuality { precision: Nanos(1), read_cost: Nanos::ZERO }
    }
}

const CAMERA: Nanos = Nanos(16_666_667);
const RESIZE: Nanos = Nanos::from_millis(2);
const INFER: Nanos = Nanos::from_millis(98);

/// A camera of 60 frames per second on a simulated clock: whenever time goes by, the frames that are due arrive.
#[derive(Debug)]
struct World {
    clock: Arc<Told>,
    mailbox: Mailbox<Frame>,
    sent: AtomicU64,
    pictures: Mutex<Vec<Weak<Picture>>>,
}

impl World {
    fn new() -> Arc<Self> {
        let (clock, mailbox) = (Arc::default(), Mailbox::default());
        Arc::new(Self { clock, mailbox, sent: AtomicU64::new(0), pictures: Mutex::default() })
    }

    fn pass_time(&self, time: Nanos) {
        let until = self.clock.now() + time;
        loop {
            let number = self.sent.load(Ordering::SeqCst);
            let due = Nanos(CAMERA.0 * number);
            if due > until {
                break;
            }
            self.clock.advance(due.since(self.clock.now()));
            let picture = Arc::new(Picture::new(8, 8, vec![0; 192]).unwrap());
            let mut pictures = self.pictures.lock().unwrap();
            pictures.retain(|picture| picture.strong_count() > 0);
            pictures.push(Arc::downgrade(&picture));
            self.mailbox.put(Frame { pixels: Pixels::Picture(picture), shows: None, captured: due, number });
            self.sent.store(number + 1, Ordering::SeqCst);
        }
        self.clock.advance(until.since(self.clock.now()));
    }

    fn alive(&self) -> usize {
        self.pictures.lock().unwrap().iter().filter(|picture| picture.strong_count() > 0).count()
    }
}

/// Takes exactly 100 ms of simulated time.
struct Slow(Arc<World>);

impl Classify for Slow {
    fn classify(&mut self, _: &Picture) -> anyhow::Result<Outcome> {
        self.0.pass_time(RESIZE + INFER);
        let top = vec![Prediction { label: "star".into(), index: 4, probability: 0.75 }];
        Ok(Outcome { top: Some(top), resize: RESIZE, infer: INFER })
    }
}

#[test]
fn a_camera_of_60_frames_per_second_with_a_model_of_100_ms_runs_for_a_minute_in_bounds() {
    let world = World::new();
    let shared = Arc::<Shared>::default();
    let clock: SharedClock = world.clock.clone();
    let mut worker = Worker {
        shared: Arc::clone(&shared),
        clock,
        classifier: Some(Box::new(Slow(Arc::clone(&world)))),
        wake: Box::new(|| {}),
    };
    let (mut ready, mut oldest, mut most_alive) = (Nanos::ZERO, Nanos::ZERO, 0);
    while world.clock.now() < Nanos::from_secs(60) {
        let Some(frame) = world.mailbox.take(Duration::ZERO) else {
            world.pass_time(Nanos::from_millis(1));
            continue;
        };
        worker.pass(frame, ready);
        ready = world.clock.now();
        let view = shared.lock().newest.clone().unwrap();
        // The window is at its next repaint, 8 ms later.
        world.pass_time(Nanos::from_millis(8));
        shared.shown(&view, world.clock.now());
        // A repaint of the same view is not another view.
        shared.shown(&view, world.clock.now() + Nanos::from_secs(9));
        oldest = oldest.max(world.clock.now().since(view.captured));
        most_alive = most_alive.max(world.alive());
    }
    let statistics = shared.lock().statistics(world.clock.now());
    let sent = world.sent.load(Ordering::SeqCst);
    assert!((3_600..3_620).contains(&sent), "{sent}");
    // Every frame was taken, dropped and counted, or still lies in the mailbox.
    let waiting = u64::from(world.mailbox.take(Duration::ZERO).is_some());
    assert_eq!(statistics.frames + world.mailbox.replaced() + waiting, sent);
    assert!((540..=556).contains(&statistics.frames), "one per 108 ms: {}", statistics.frames);
    // At most one camera interval in the mailbox, the model, and the repaint.
    assert!(oldest <= CAMERA + RESIZE + INFER + Nanos::from_millis(9), "{oldest}");
    assert!(most_alive <= 3, "in the mailbox, in the model, on the screen: {most_alive}");
    assert!(shared.lock().recent.remembered() <= 256);
    let stages = statistics.stages;
    assert_eq!(stages.infer.map(|times| (times.p50, times.p90)), Some((INFER, INFER)));
    assert_eq!(stages.resize.map(|times| times.p90), Some(RESIZE));
    assert_eq!(stages.show.map(|times| times.p50), Some(Nanos::from_millis(8)));
    assert_eq!(stages.decode.map(|times| times.p90), Some(Nanos::ZERO));
    assert!(
        (statistics.rate.unwrap() - 1e3 / 108.0).abs() < 0.3 && (statistics.camera_rate.unwrap() - 60.0).abs() < 0.5
    );
    assert!(statistics.age.unwrap().p90 <= oldest);
}

#[test]
fn views_that_nobody_looks_at_are_replaced_and_counted() {
    let world = World::new();
    let shared = Arc::<Shared>::default();
    let clock: SharedClock = world.clock.clone();
    let mut worker = Worker { shared: Arc::clone(&shared), clock, classifier: None, wake: Box::new(|| {}) };
    for _ in 0..1000 {
        world.pass_time(CAMERA);
        worker.pass(world.mailbox.take(Duration::ZERO).unwrap(), Nanos::ZERO);
        assert!(world.alive() <= 2);
    }
    let statistics = shared.lock().statistics(world.clock.now());
    assert_eq!((statistics.frames, statistics.unseen, statistics.age), (1000, 999, None));
    assert_eq!((statistics.stages.infer, statistics.stages.show), (None, None));
}

/// As fast as frames are taken.
struct Endless;

impl FrameSource for Endless {
    fn next(&mut self, stop: &Stop) -> Result<Next, SourceError> {
        if stop.sleep(Duration::from_millis(1)) {
            return Ok(Next::Stopped);
        }
        let image =
            RawImage { format: crate::camera::PixelFormat::Rgb24, width: 2, height: 1, stride: 0, bytes: vec![7; 6] };
        Ok(Next::Frame(image.into()))
    }
}

/// Knows one class, or fails.
struct Always(Result<&'static str, &'static str>);

impl Classify for Always {
    fn classify(&mut self, _: &Picture) -> anyhow::Result<Outcome> {
        let label = self.0.map_err(|reason| anyhow::anyhow!(reason))?.to_owned();
        Ok(Outcome {
            top: Some(vec![Prediction { label, index: 0, probability: 1.0 }]),
            resize: Nanos(1),
            infer: Nanos(2),
        })
    }
}

const PATIENCE: Duration = Duration::from_secs(60);

fn endless(classifier: Option<Box<dyn Classify>>) -> Pipeline {
    let clock: SharedClock = Arc::new(shufflescope_engine::clock::MonotonicClock::new());
    let capture = Capture::with_opener("test".into(), Box::new(|_| Ok(Box::new(Endless))), Arc::clone(&clock)).unwrap();
    Pipeline::start(capture, classifier, clock, Box::new(|| {})).unwrap()
}

/// The first view of this generation.
fn view_of(pipeline: &Pipeline, generation: Generation) -> Arc<View> {
    loop {
        let view = pipeline.wait(PATIENCE).expect("no view came");
        pipeline.shown(&view);
        assert!(view.generation <= generation);
        if view.generation == generation {
            return view;
        }
    }
}

fn best(view: &View) -> Result<&str, &str> {
    match &view.top {
        Some(Ok(top)) => Ok(top[0].label.as_str()),
        Some(Err(reason)) => Err(reason.as_str()),
        None => Ok("nothing asked"),
    }
}

#[test]
fn the_classifier_is_changed_while_the_camera_runs_on() {
    let pipeline = endless(Some(Box::new(Always(Ok("star")))));
    assert_eq!(best(&view_of(&pipeline, Generation(0))), Ok("star"));
    let [next, broken, none] = [Generation(1), Generation(2), Generation(3)];
    pipeline.set_classifier(Some(Box::new(Always(Ok("heart")))), next);
    assert_eq!(best(&view_of(&pipeline, next)), Ok("heart"));
    pipeline.set_classifier(Some(Box::new(Always(Err("no weights")))), broken);
    assert_eq!(best(&view_of(&pipeline, broken)), Err("no weights"));
    pipeline.set_classifier(None, none);
    let view = view_of(&pipeline, none);
    assert_eq!((best(&view), view.picture.rgb()), (Ok("nothing asked"), &[7; 6][..]));
    let (camera, statistics) = pipeline.finish();
    assert_eq!((camera.reconnects, camera.last_error), (0, None));
    assert!(statistics.frames >= 4 && camera.frames >= statistics.frames);
}

#[test]
fn dropping_the_pipeline_closes_the_camera_and_its_thread_ends() {
    let pipeline = endless(None);
    view_of(&pipeline, Generation(0));
    let (shared, frames) =
        (Arc::downgrade(&pipeline.shared), Arc::downgrade(&pipeline.capture.as_ref().unwrap().mailbox()));
    drop(pipeline);
    let start = std::time::Instant::now();
    while shared.strong_count() + frames.strong_count() > 0 {
        assert!(start.elapsed() < PATIENCE, "the thread did not end");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_frame_that_cannot_be_decoded_is_counted_and_the_next_one_shown() {
    let world = World::new();
    let shared = Arc::<Shared>::default();
    let clock: SharedClock = world.clock.clone();
    let mut worker = Worker { shared: Arc::clone(&shared), clock, classifier: None, wake: Box::new(|| {}) };
    let frame = |pixels| Frame { pixels, shows: None, captured: Nanos::ZERO, number: 0 };
    worker.pass(frame(Pixels::Raw(RawImage::jpeg(b"nonsense".to_vec()))), Nanos::ZERO);
    let (count, reason) = shared.lock().undecodable.clone();
    assert!(count == 1 && reason.unwrap().contains("JPEG"));
    assert!(shared.lock().newest.is_none());
}

#[test]
fn the_synthetic_scene_goes_all_the_way() {
    let clock: SharedClock = Arc::new(shufflescope_engine::clock::MonotonicClock::new());
    let resolution = Some(crate::camera::Resolution { width: 64, height: 48 });
    let options = SourceOptions { resolution, interval: Some(Nanos::from_millis(1)) };
    let capture = Capture::start(&SourceSpec::Synthetic { seed: 0 }, options, Arc::clone(&clock)).unwrap();
    let pipeline = Pipeline::start(capture, None, clock, Box::new(|| {})).unwrap();
    let view = pipeline.wait(PATIENCE).expect("no view came");
    assert_eq!((view.picture.width(), view.picture.height()), (64, 48));
    assert!(crate::camera::Scene::shapes().any(|name| Some(name) == view.shows));
}

/// Panics as a runtime does that has a bug; says when it is freed.
struct Panics {
    _alive: Arc<()>,
}

impl Classify for Panics {
    fn classify(&mut self, _: &Picture) -> anyhow::Result<Outcome> {
        panic!("an index out of range")
    }
}

#[test]
fn a_network_that_panics_is_told_on_every_frame_freed_and_replaced_by_the_next_one() {
    let alive = Arc::new(());
    let pipeline = endless(Some(Box::new(Panics { _alive: Arc::clone(&alive) })));
    for _ in 0..3 {
        let view = view_of(&pipeline, Generation(0));
        assert!(best(&view).unwrap_err().contains("an index out of range"));
    }
    assert_eq!(Arc::strong_count(&alive), 1, "what is half done is not kept");
    pipeline.set_classifier(Some(Box::new(Always(Ok("star")))), Generation(1));
    assert_eq!(best(&view_of(&pipeline, Generation(1))), Ok("star"));
    assert_eq!(pipeline.failure(), None);
}

#[test]
fn a_pipeline_whose_thread_dies_says_so_at_once() {
    let clock: SharedClock = Arc::new(shufflescope_engine::clock::MonotonicClock::new());
    let capture = Capture::with_opener("test".into(), Box::new(|_| Ok(Box::new(Endless))), Arc::clone(&clock)).unwrap();
    let pipeline = Pipeline::start(capture, None, clock, Box::new(|| panic!("nobody to wake"))).unwrap();
    let start = std::time::Instant::now();
    while pipeline.failure().is_none() {
        assert!(start.elapsed() < PATIENCE, "it says nothing");
        if let Some(view) = pipeline.wait(PATIENCE) {
            pipeline.shown(&view);
        }
    }
    assert!(pipeline.failure().unwrap().contains("nobody to wake"));
    let hour = Duration::from_secs(3600);
    assert!(
        pipeline.wait(hour).is_none() && pipeline.wait_after(Some(u64::MAX), hour).is_none(),
        "nobody waits for it"
    );
}

/// Its device is gone.
struct Lost;

impl Classify for Lost {
    fn classify(&mut self, _: &Picture) -> anyhow::Result<Outcome> {
        let fault = shufflescope_engine::runtime::DeviceFault::Lost { reason: "reset".into() };
        Err(anyhow::Error::new(fault).context("the network fails"))
    }
}

#[test]
fn a_network_whose_device_is_lost_ends_the_pipeline_and_one_that_fails_otherwise_does_not() {
    let pipeline = endless(Some(Box::new(Always(Err("no luck")))));
    let view = view_of(&pipeline, Generation(0));
    assert_eq!((best(&view), pipeline.failure()), (Err("no luck"), None));
    pipeline.set_classifier(Some(Box::new(Lost)), Generation(1));
    let start = std::time::Instant::now();
    let failure = loop {
        if let Some(failure) = pipeline.failure() {
            break failure;
        }
        assert!(start.elapsed() < PATIENCE, "it goes on");
        std::thread::sleep(Duration::from_millis(2));
    };
    assert!(failure.contains("the network fails: the device was lost (reset)"), "{failure}");
}
