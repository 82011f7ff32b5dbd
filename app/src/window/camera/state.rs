//! What the tab knows and does between two frames of the window.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use shufflescope_engine::classify::Picture;
use shufflescope_engine::design::Fingerprint;
use shufflescope_engine::measure::MonotonicClock;
use shufflescope_engine::report::{CameraRun, FrameTimes};
use shufflescope_engine::runtime::RunOptions;

use super::download::Download;
use super::fit::{Fit, Offer, Trained, WeightsChoice};
use super::maker::{Made, Maker, Wish};
use super::recording::{self, Recording};
use super::sources::Sources;
use crate::camera::{
    Capture, CaptureStatus, Classify, Generation, Pipeline, Quantiles, Resolution, SmoothingSwitch, SourceOptions,
    SourceSpec, Statistics, View,
};
use crate::weights_store::Server;
use crate::window::document::Analysis;
use crate::window::pacer::Pacer;

/// Seconds between two looks at numbers that nobody could read faster, and at a camera that says nothing.
const LOOK_AGAIN: f64 = 0.25;

/// See the module.
#[derive(Debug)]
pub struct Camera {
    pacer: Pacer,
    clock: Arc<MonotonicClock>,
    /// Where downloads go.
    folder: Option<PathBuf>,
    server: Server,
    maker: Maker,
    sources: Sources,
    smoothing: SmoothingSwitch,
    choice: WeightsChoice,
    labels: Option<PathBuf>,
    running: Option<Running>,
    /// The thread that closes the camera that ran before.
    closing: Option<JoinHandle<()>>,
    wanted: Option<Wanted>,
    wishes: u64,
    fit: Option<Fit>,
    offers: Vec<Offer>,
    problem: Option<String>,
    download: Option<Download>,
    recorder: Option<Recorder>,
}

/// Where the time goes and how the camera does, as last looked at.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    /// Where the time goes.
    pub statistics: Statistics,
    /// How the camera does.
    pub status: CaptureStatus,
}

#[derive(Debug)]
struct Running {
    source: SourceSpec,
    pipeline: Pipeline,
    /// The classifier in hand; `None` while it is being made.
    generation: Option<Generation>,
    view: Option<Arc<View>>,
    numbers: Numbers,
    looked_at: f64,
}

/// What the last wish was for; anything that differs makes another.
#[derive(Clone, Debug, PartialEq)]
struct Wanted {
    network: Fingerprint,
    options: RunOptions,
    choice: WeightsChoice,
    labels: Option<PathBuf>,
    classifier: bool,
}

#[derive(Debug)]
struct Recorder {
    recording: Recording,
    network: Fingerprint,
    options: RunOptions,
    generation: Option<Generation>,
    started: f64,
    frames: u64,
    drops: u64,
}

impl Camera {
    /// Nothing runs before a person asks for it.
    #[must_use]
    pub fn new(folder: Option<PathBuf>, server: Server, pacer: Pacer) -> Self {
        Self {
            maker: Maker::new(pacer.clone()),
            pacer,
            clock: Arc::new(MonotonicClock::new()),
            folder,
            server,
            sources: Sources::default(),
            smoothing: SmoothingSwitch::new(true),
            choice: WeightsChoice::Automatic,
            labels: None,
            running: None,
            closing: None,
            wanted: None,
            wishes: 0,
            fit: None,
            offers: Vec::new(),
            problem: None,
            download: None,
            recorder: None,
        }
    }

    /// Whether a camera is open.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// The source that is open.
    #[must_use]
    pub fn source(&self) -> Option<&SourceSpec> {
        self.running.as_ref().map(|running| &running.source)
    }

    /// The newest frame and what was found on it.
    #[must_use]
    pub fn view(&self) -> Option<&Arc<View>> {
        self.running.as_ref()?.view.as_ref()
    }

    /// Whether what was found on `view` was found by the network in hand.
    #[must_use]
    pub fn is_current(&self, view: &View) -> bool {
        self.running.as_ref().is_some_and(|running| running.generation == Some(view.generation))
    }

    /// Says that the view is on the screen.
    pub fn shown(&self, view: &View) {
        if let Some(running) = &self.running {
            running.pipeline.shown(view);
        }
    }

    /// Rates, times and the camera's state.
    #[must_use]
    pub fn numbers(&self) -> Option<&Numbers> {
        self.running.as_ref().map(|running| &running.numbers)
    }

    /// The cameras of this machine.
    #[must_use]
    pub const fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Whether the network in hand has trained weights; `None` while that is looked up.
    #[must_use]
    pub const fn fit(&self) -> Option<&Fit> {
        self.fit.as_ref()
    }

    /// The weights that can be had.
    #[must_use]
    pub fn offers(&self) -> &[Offer] {
        &self.offers
    }

    /// Which weights are to be used.
    #[must_use]
    pub const fn choice(&self) -> &WeightsChoice {
        &self.choice
    }

    /// Why the network cannot be run, or the camera not be started.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Whether answers are averaged over time.
    #[must_use]
    pub fn is_smooth(&self) -> bool {
        self.smoothing.is_on()
    }

    /// The last download.
    #[must_use]
    pub const fn download(&self) -> Option<&Download> {
        self.download.as_ref()
    }

    /// The last recording.
    #[must_use]
    pub fn recording(&self) -> Option<&Recording> {
        self.recorder.as_ref().map(|recorder| &recorder.recording)
    }

    /// The recorded run, where it is of this network.
    #[must_use]
    pub fn recorded(&self, network: &Fingerprint, options: &RunOptions) -> Option<&CameraRun> {
        self.recording()?.of(network, options)
    }

    /// The picture on the screen.
    #[must_use]
    pub fn picture(&self) -> Option<Arc<Picture>> {
        self.view().map(|view| Arc::clone(&view.picture))
    }

    /// Opens a source in place of the one that runs.
    pub fn start(&mut self, source: SourceSpec, resolution: Resolution) {
        self.stop();
        let options = SourceOptions { resolution: Some(resolution), interval: None };
        let pacer = self.pacer.clone();
        let wake = Box::new(move || pacer.wake_now());
        let capture = Capture::start_after(self.closing.take(), &source, options, self.clock.clone());
        let pipeline = capture.and_then(|capture| Pipeline::start(capture, None, self.clock.clone(), wake));
        match pipeline {
            Ok(pipeline) => {
                // The classifier of the camera before went with it.
                self.wanted = None;
                let (generation, view, numbers) = (None, None, Numbers::default());
                self.problem = None;
                self.running =
                    Some(Running { source, pipeline, generation, view, numbers, looked_at: f64::NEG_INFINITY });
            }
            Err(error) => self.problem = Some(format!("No thread can be started for the camera: {error}.")),
        }
    }

    /// Closes the camera, without waiting for it.
    pub fn stop(&mut self) {
        let Some(running) = self.running.take() else { return };
        let before = self.closing.take();
        if let Some(Recorder { recording: recording @ Recording::Running { .. }, .. }) = &mut self.recorder {
            *recording = Recording::Failed("The camera was stopped before the recording was done.".into());
        }
        self.closing = Some(std::thread::spawn(move || {
            drop(running);
            if let Some(before) = before {
                let _ = before.join();
            }
        }));
    }

    /// Closes the camera and waits for it; for the end of the program.
    pub fn finish(&mut self) {
        self.stop();
        self.download = None;
        if let Some(closing) = self.closing.take() {
            let _ = closing.join();
        }
    }

    /// Looks for cameras.
    pub fn look_for_cameras(&self) {
        self.sources.look(self.pacer.clone());
    }

    /// Averages answers over time, or does not.
    pub fn smooth(&self, on: bool) {
        self.smoothing.set(on);
    }

    /// Uses these weights, where they fit.
    pub fn use_weights(&mut self, choice: WeightsChoice) {
        self.choice = choice;
        // Also the same ones again: the file may have changed.
        self.wanted = None;
    }

    /// Names for the classes of weights from a file.
    pub fn use_labels(&mut self, labels: Option<PathBuf>) {
        self.labels = labels;
        self.wanted = None;
    }

    /// Downloads published weights; says why not where that is so.
    ///
    /// # Errors
    /// Where the system names no folder to put them in.
    pub fn fetch(&mut self, trained: &Trained) -> Result<(), String> {
        let Trained::Published(published) = trained else { return Ok(()) };
        let Some(folder) = self.folder.clone() else {
            return Err(format!(
                "The system names no folder for your data: `shufflescope weights fetch {} --folder FOLDER` downloads \
                 the weights, and Open weights finds them there.",
                published.name
            ));
        };
        self.download = Some(Download::start(published, folder, self.server.clone(), self.pacer.clone()));
        Ok(())
    }

    /// Stops the download; what has come is kept.
    pub fn cancel_download(&self) {
        if let Some(download) = &self.download {
            download.cancel();
        }
    }

    /// Records the next frames' times.
    pub fn record(&mut self, network: &Fingerprint, options: &RunOptions, now: f64) {
        let Some(running) = &self.running else { return };
        running.pipeline.restart_statistics();
        self.recorder = Some(Recorder {
            recording: Recording::Running { fraction: 0.0 },
            network: network.clone(),
            options: options.clone(),
            generation: running.generation,
            started: now,
            frames: running.pipeline.statistics().frames,
            drops: running.pipeline.camera().dropped,
        });
    }

    /// Drops the recording.
    pub fn drop_recording(&mut self) {
        self.recorder = None;
    }

    /// Takes what threads have found out, and asks for what the network in hand needs. Says in how many seconds to look
    /// again. `is_shown` says whether the tab is.
    pub fn advance(&mut self, is_shown: bool, network: &Analysis, options: &RunOptions, now: f64) -> Option<f64> {
        if !is_shown {
            self.stop();
            return None;
        }
        if !self.sources.was_looked() {
            self.look_for_cameras();
        }
        if self.download.as_ref().is_some_and(Download::is_done) {
            self.download = None;
            self.wanted = None;
        }
        self.want(network, options);
        if let Some(made) = self.maker.take().filter(|made| made.number == self.wishes) {
            self.take(made);
        }
        self.look(now);
        self.advance_recording(now);
        self.running.is_some().then_some(LOOK_AGAIN)
    }

    fn want(&mut self, network: &Analysis, options: &RunOptions) {
        let wanted = Wanted {
            network: network.fingerprint.clone(),
            options: options.clone(),
            choice: self.choice.clone(),
            labels: self.labels.clone(),
            classifier: self.running.is_some(),
        };
        if self.wanted.as_ref() == Some(&wanted) {
            return;
        }
        self.wishes += 1;
        self.maker.wish(Wish {
            number: self.wishes,
            model: network.model.clone(),
            run: options.clone(),
            choice: self.choice.clone(),
            labels: self.labels.clone(),
            folder: self.folder.clone(),
            classifier: wanted.classifier,
            clock: Arc::clone(&self.clock),
            smoothing: self.smoothing.clone(),
        });
        self.wanted = Some(wanted);
        self.fit = None;
        // What the network before says is not this one's.
        if let Some(running) = &mut self.running {
            running.generation = None;
        }
    }

    fn take(&mut self, made: Made) {
        (self.fit, self.offers) = (Some(made.fit), made.offers);
        let (Some(running), Some(classifier)) = (&mut self.running, made.classifier) else { return };
        let classifier = match classifier {
            Ok(classifier) => Some(Box::new(classifier) as Box<dyn Classify>),
            Err(error) => {
                self.problem = Some(format!("The network cannot be run: {error}"));
                running.pipeline.set_classifier(None);
                return;
            }
        };
        self.problem = None;
        running.generation = Some(running.pipeline.set_classifier(classifier));
    }

    fn look(&mut self, now: f64) {
        let Some(running) = &mut self.running else { return };
        running.view = running.pipeline.newest();
        if now - running.looked_at >= LOOK_AGAIN {
            running.looked_at = now;
            running.numbers = Numbers { statistics: running.pipeline.statistics(), status: running.pipeline.camera() };
        }
    }

    fn advance_recording(&mut self, now: f64) {
        let (Some(running), Some(recorder)) = (&self.running, &mut self.recorder) else { return };
        if !matches!(recorder.recording, Recording::Running { .. }) {
            return;
        }
        let still = self
            .wanted
            .as_ref()
            .is_some_and(|wanted| (&wanted.network, &wanted.options) == (&recorder.network, &recorder.options));
        if !still || running.generation != recorder.generation {
            recorder.recording = Recording::Failed("The network was changed while it was recorded.".into());
            return;
        }
        let statistics = running.pipeline.statistics();
        let (frames, seconds) = (statistics.frames.saturating_sub(recorder.frames), now - recorder.started);
        let fraction = (frames as f64 / recording::FRAMES as f64).max(seconds / recording::SECONDS);
        recorder.recording = if fraction < 1.0 {
            Recording::Running { fraction: fraction as f32 }
        } else {
            let drops = running.pipeline.camera().dropped.saturating_sub(recorder.drops);
            match running.run(&statistics, frames, drops, seconds) {
                Some(run) => Recording::Done {
                    design: recorder.network.clone(),
                    options: recorder.options.clone(),
                    run: Box::new(run),
                },
                None => Recording::Failed(format!("The network saw no frame in {seconds:.0} s.")),
            }
        };
    }

    /// Where downloads go.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }
}

impl Running {
    fn run(&self, statistics: &Statistics, frames: u64, drops: u64, seconds: f64) -> Option<CameraRun> {
        let times = |of: Option<Quantiles>| of.map(|Quantiles { p50, p90 }| FrameTimes { p50, p90 });
        let (picture, stages) = (&self.view.as_ref()?.picture, &statistics.stages);
        Some(CameraRun {
            source: self.source.shown(),
            width: picture.width(),
            height: picture.height(),
            seconds,
            frames,
            drops,
            frames_per_second: if seconds > 0.0 { frames as f64 / seconds } else { return None },
            camera_frames_per_second: statistics.camera_rate,
            wait: times(stages.wait)?,
            decode: times(stages.decode)?,
            resize: times(stages.resize)?,
            infer: times(stages.infer)?,
            show: times(stages.show),
            age: times(statistics.age),
        })
    }
}
