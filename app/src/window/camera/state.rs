//! What the tab knows and does between two frames of the window.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use shufflescope_engine::classify::{Picture, PreprocessingOptions};
use shufflescope_engine::design::Fingerprint;
use shufflescope_engine::report::CameraRun;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::training::{Accuracy, demo_accuracy, demo_widths};

use super::download::Download;
use super::network::Network;
use super::recording::{Recorder, Recording};
use super::running::Running;
use super::sources::Sources;
use crate::camera::{Fit, Offer, Resolution, SourceOptions, SourceSpec, Trained, WeightsChoice};
use crate::weights_store::Server;
use crate::window::document::Analysis;
use crate::window::pacer::Pacer;
use crate::worker::{CameraClient, CameraFrame, CameraNews, CameraReport, Launcher};

/// Seconds between two looks at a worker that says nothing.
const LOOK_AGAIN: f64 = 0.25;

/// Stills asked for at a time: a person clicks no faster.
const STILLS: usize = 4;

/// See the module.
#[derive(Debug)]
pub struct Camera {
    pacer: Pacer,
    launcher: Launcher,
    client: CameraClient,
    /// Where downloads go.
    folder: Option<PathBuf>,
    server: Server,
    sources: Sources,
    smooth: bool,
    network: Network,
    running: Option<Running>,
    /// Why the source is not open any more.
    problem: Option<String>,
    /// Where the stills asked for are to go.
    stills: VecDeque<Option<PathBuf>>,
    still: Option<Still>,
    download: Option<Download>,
    recorder: Option<Recorder>,
    demo_widths: Vec<(f64, Accuracy)>,
}

/// A frame as it was captured, to be written.
#[derive(Clone, Debug)]
pub struct Still {
    /// The frame.
    pub picture: Arc<Picture>,
    /// The file; to be asked for where `None`.
    pub path: Option<PathBuf>,
}

impl Camera {
    /// Nothing runs before a person asks for it.
    #[must_use]
    pub fn new(launcher: Launcher, folder: Option<PathBuf>, server: Server, pacer: Pacer) -> Self {
        let wake = pacer.clone();
        Self {
            client: CameraClient::new(launcher.clone(), "the camera", move || wake.wake_now()),
            launcher,
            pacer,
            folder,
            server,
            sources: Sources::default(),
            smooth: true,
            network: Network::default(),
            running: None,
            problem: None,
            stills: VecDeque::new(),
            still: None,
            download: None,
            recorder: None,
            demo_widths: demo_widths().into_iter().filter_map(|width| Some((width, demo_accuracy(width)?))).collect(),
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

    /// The newest frame and what was found on it; whether it is what the camera sees now, [`outdated`](Self::outdated)
    /// says.
    #[must_use]
    pub fn frame(&self) -> Option<&Arc<CameraFrame>> {
        self.running.as_ref()?.frame.as_ref()
    }

    /// How old the newest frame is, where it is not what the camera sees now.
    #[must_use]
    pub fn outdated(&self) -> Option<Duration> {
        self.running.as_ref()?.outdated()
    }

    /// Whether what was found on `frame` was found by the network in hand.
    #[must_use]
    pub fn is_current(&self, frame: &CameraFrame) -> bool {
        self.running.is_some() && self.network.generation() == Some(frame.head.generation)
    }

    /// Says that the frame is on the screen.
    pub fn shown(&self, frame: &CameraFrame) {
        if self.running.as_ref().is_some_and(|running| running.is_newly_shown(frame)) {
            self.client.shown(frame);
        }
    }

    /// Rates, times and the camera's state.
    #[must_use]
    pub fn report(&self) -> Option<&CameraReport> {
        self.running.as_ref().map(|running| &running.report)
    }

    /// The cameras of this machine.
    #[must_use]
    pub const fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Whether the network in hand has trained weights; `None` while that is looked up.
    #[must_use]
    pub const fn fit(&self) -> Option<&Fit> {
        self.network.fit.as_ref()
    }

    /// Where downloads go.
    #[must_use]
    pub fn weights_folder(&self) -> Option<&std::path::Path> {
        self.folder.as_deref()
    }

    /// How well the demo does at some widths.
    #[must_use]
    pub fn demo_widths(&self) -> &[(f64, Accuracy)] {
        &self.demo_widths
    }

    /// The weights that can be had.
    #[must_use]
    pub fn offers(&self) -> &[Offer] {
        &self.network.offers
    }

    /// Which weights are to be used.
    #[must_use]
    pub const fn choice(&self) -> &WeightsChoice {
        &self.network.choice
    }

    /// Why the source is not open any more, or the network cannot be run.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref().or(self.network.problem.as_deref())
    }

    /// Who measures on the device, while the network waits for them.
    #[must_use]
    pub fn behind(&self) -> Option<&str> {
        self.network.behind.as_deref()
    }

    /// Process number of the worker, while there is one.
    #[must_use]
    pub fn worker_id(&self) -> Option<u32> {
        self.client.worker_id()
    }

    /// Whether answers are averaged over time.
    #[must_use]
    pub const fn is_smooth(&self) -> bool {
        self.smooth
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

    /// Opens a source in place of the one that runs.
    pub fn start(&mut self, source: SourceSpec, resolution: Resolution) {
        self.stop();
        let options = SourceOptions { resolution: Some(resolution), interval: None };
        self.problem = None;
        // The network of the camera before went with it.
        self.network.ask_again();
        self.running = Some(Running::new(source.clone()));
        self.client.open(source, options);
    }

    /// Closes the camera, without waiting for it.
    pub fn stop(&mut self) {
        if self.running.take().is_none() {
            return;
        }
        self.client.close();
        self.stills.clear();
        self.network.behind = None;
        if let Some(recorder) = &mut self.recorder {
            recorder.stop();
        }
    }

    /// Closes everything; for the end of the program. The worker ends with its client.
    pub fn finish(&mut self) {
        self.stop();
        self.download = None;
    }

    /// Looks for cameras.
    pub fn look_for_cameras(&self) {
        self.sources.look(&self.launcher, self.pacer.clone());
    }

    /// Averages answers over time, or does not.
    pub fn smooth(&mut self, on: bool) {
        self.smooth = on;
        self.client.smooth(on);
    }

    /// Uses these weights, where they fit.
    pub fn use_weights(&mut self, choice: WeightsChoice) {
        self.network.choice = choice;
        // Also the same ones again: the file may have changed.
        self.network.ask_again();
    }

    /// Names for the classes of weights from a file.
    pub fn use_labels(&mut self, labels: Option<PathBuf>) {
        self.network.labels = labels;
        self.network.ask_again();
    }

    /// What is done to pictures before the network sees them.
    #[must_use]
    pub const fn preprocessing(&self) -> &PreprocessingOptions {
        &self.network.preprocessing
    }

    /// Does this to pictures from now on.
    pub fn preprocess(&mut self, preprocessing: PreprocessingOptions) {
        self.network.preprocessing = preprocessing;
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

    /// Asks for the frame on the screen as it was captured, to be written to `path`.
    pub fn take_still(&mut self, path: Option<PathBuf>) {
        if self.frame().is_some() && self.stills.len() < STILLS {
            self.stills.push_back(path);
            self.client.ask_for_still();
        }
    }

    /// A still that has come, once.
    pub fn new_still(&mut self) -> Option<Still> {
        self.still.take()
    }

    /// Records the next frames' times.
    pub fn record(&mut self, network: &Fingerprint, options: &RunOptions) {
        if self.running.is_some() {
            let restarts = self.client.restart_statistics();
            self.recorder = Some(Recorder::new(network, options, self.network.generation(), restarts));
        }
    }

    /// Drops the recording.
    pub fn drop_recording(&mut self) {
        self.recorder = None;
    }

    /// Takes what the worker has told, and asks for what the network in hand needs. Says in how many seconds to look again.
    /// `is_shown` says whether the tab is; the network does not run while this window `measures`.
    pub fn advance(&mut self, is_shown: bool, measures: bool, network: &Analysis, options: &RunOptions) -> Option<f64> {
        if !is_shown {
            self.stop();
        } else if !self.sources.was_looked() {
            self.look_for_cameras();
        }
        if self.download.as_ref().is_some_and(Download::is_done) {
            self.download = None;
            self.network.ask_again();
        }
        if is_shown {
            let runs = self.running.is_some() && !measures;
            let wish = self.network.wish(network, options, self.folder.clone(), runs);
            wish.into_iter().for_each(|wish| self.client.look_with(wish));
        }
        for news in self.client.poll() {
            self.take(news);
        }
        if let (Some(running), Some(recorder)) = (&self.running, &mut self.recorder) {
            recorder.advance(running, &self.network);
        }
        self.client.is_busy().then_some(LOOK_AGAIN)
    }

    fn take(&mut self, news: CameraNews) {
        let network = &mut self.network;
        match (news, &mut self.running) {
            (CameraNews::Report(report), Some(running)) => running.report = *report,
            (CameraNews::Frame(frame), Some(running)) => running.frame = Some(frame),
            (CameraNews::Still(picture), _) => {
                if let Some(path) = self.stills.pop_front() {
                    self.still = Some(Still { picture, path });
                }
            }
            (CameraNews::Fits(of, fit, offers), _) if network.is_current(of) => {
                (network.fit, network.offers) = (Some(*fit), offers);
            }
            (CameraNews::Waiting(of, behind), _) if network.is_current(of) => network.behind = Some(behind),
            (CameraNews::Ready(of), _) if network.is_current(of) => (network.is_ready, network.behind) = (true, None),
            (CameraNews::Failed(of, reason), _) if network.is_current(of) => {
                (network.behind, network.problem) = (None, Some(format!("The network cannot be run: {reason}")));
            }
            (CameraNews::Lost(reason), _) => {
                self.stop();
                self.problem = Some(sentence(&reason));
            }
            // Of what nobody wants any more.
            _ => {}
        }
    }
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
