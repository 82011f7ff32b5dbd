//! A run of frames whose times are kept.

use serde::Serialize;
use shufflescope_engine::design::Fingerprint;
use shufflescope_engine::report::CameraRun;
use shufflescope_engine::runtime::RunOptions;

use super::network::Network;
use super::running::Running;
use super::state::Camera;
use crate::camera::Generation;
use crate::export::ResultForm;
use crate::window::document::Analysis;
use crate::worker::CameraReport;

/// Frames of a recording.
const FRAMES: u64 = 200;
/// Seconds after which a recording ends with the frames it has.
const SECONDS: f64 = 10.0;

/// A recording, on its way or done.
#[derive(Clone, Debug, PartialEq)]
pub enum Recording {
    /// Frames come.
    Running {
        /// From 0 to 1.
        fraction: f32,
    },
    /// It has ended.
    Done {
        /// The network that ran.
        design: Fingerprint,
        /// How it ran.
        options: RunOptions,
        /// What was found.
        run: Box<CameraRun>,
    },
    /// It came to nothing, and why.
    Failed(String),
}

impl Recording {
    /// The run where it is of this network, run like this.
    #[must_use]
    pub fn of(&self, fingerprint: &Fingerprint, wanted: &RunOptions) -> Option<&CameraRun> {
        match self {
            Self::Done { design, options, run } if design == fingerprint && options == wanted => Some(run.as_ref()),
            _ => None,
        }
    }
}

/// A recorded run with what ran, as it is exported.
#[derive(Clone, Debug, Serialize)]
pub struct RecordedRun<'a> {
    /// The network's name.
    pub network: &'a str,
    /// How it ran: a camera gives one picture at a time.
    pub options: RunOptions,
    /// What was found.
    pub run: &'a CameraRun,
}

impl<'a> RecordedRun<'a> {
    /// The camera's, where it is of this network, run like this.
    ///
    /// # Errors
    /// Why there is none.
    pub fn of(camera: &'a Camera, network: &'a Analysis, options: &RunOptions) -> Result<Self, &'static str> {
        match (camera.recording(), camera.recorded(&network.fingerprint, options)) {
            (_, Some(run)) => {
                Ok(Self { network: network.model.name(), options: RunOptions { batch: 1, ..options.clone() }, run })
            }
            (Some(Recording::Running { .. }), None) => Err("The camera run is being recorded."),
            (Some(Recording::Done { .. }), None) => Err("The recorded camera run is of another design."),
            (None | Some(Recording::Failed(_)), None) => Err("No camera run: record one in the Camera tab first."),
        }
    }

    /// What its file is called, but for the ending.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}-camera", self.network)
    }

    /// As a text for elsewhere.
    #[must_use]
    pub fn text(&self, form: ResultForm) -> String {
        let Self { network, options, run } = self;
        match form {
            ResultForm::Markdown => {
                format!("# {network} behind a camera\n\n{}\nIt ran on {options}.\n", run.markdown())
            }
            ResultForm::Json => serde_json::to_string_pretty(self).unwrap_or_default() + "\n",
        }
    }
}

/// Watches the reports of the frames that are recorded.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) recording: Recording,
    network: Fingerprint,
    options: RunOptions,
    generation: Option<Generation>,
    /// The number of the restart from which on reports are of the recording's frames.
    restarts: u64,
    /// The first of those.
    first: Option<CameraReport>,
}

impl Recorder {
    pub(super) fn new(
        network: &Fingerprint,
        options: &RunOptions,
        generation: Option<Generation>,
        restarts: u64,
    ) -> Self {
        let (network, options) = (network.clone(), options.clone());
        Self { recording: Recording::Running { fraction: 0.0 }, network, options, generation, restarts, first: None }
    }

    /// The source was closed.
    pub(super) fn stop(&mut self) {
        if let Recording::Running { .. } = self.recording {
            self.recording = Recording::Failed("The camera was stopped before the recording was done.".into());
        }
    }

    pub(super) fn advance(&mut self, running: &Running, network: &Network) {
        if !matches!(self.recording, Recording::Running { .. }) {
            return;
        }
        if !network.is_of(&self.network, &self.options) || network.generation() != self.generation {
            self.recording = Recording::Failed("The network was changed while it was recorded.".into());
            return;
        }
        let report = &running.report;
        if report.restarts < self.restarts {
            return;
        }
        let first = self.first.get_or_insert_with(|| report.clone());
        let seconds = report.at.since(first.at).as_secs_f64();
        let frames = report.statistics.frames.saturating_sub(first.statistics.frames);
        let fraction = (frames as f64 / FRAMES as f64).max(seconds / SECONDS);
        if fraction < 1.0 {
            self.recording = Recording::Running { fraction: fraction as f32 };
            return;
        }
        let drops = report.status.dropped.saturating_sub(first.status.dropped);
        self.recording = match running.run(frames, drops, seconds) {
            Some(run) => {
                let (design, options) = (self.network.clone(), self.options.clone());
                Recording::Done { design, options, run: Box::new(run) }
            }
            None => Recording::Failed(format!("The network saw no frame in {seconds:.0} s.")),
        };
    }
}
