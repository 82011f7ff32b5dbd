//! What window and worker say to each other.
//!
//! One JSON object a line. A few events are followed by raw bytes, as many as the line says ([`Event::payload`]), and so is
//! the request that brings a file's content ([`Request::Content`]). The same is said over `ssh`, whatever the machine.

mod camera;
mod content;
mod search;

use serde::{Deserialize, Serialize};
use shufflescope_engine::device::{DeviceId, DeviceInfo};
use shufflescope_engine::experiment::{Column, Experiment, Scale, columns};
use shufflescope_engine::measure::{
    Apart, InterleaveRules, Interleaved, Measurement, Peaks, ProcessSamples, Protocol, Scatter,
};
use shufflescope_engine::model::Model;
use shufflescope_engine::runtime::{RunOptions, ThreadChoice};
use shufflescope_engine::search::{Found, Standing};
use shufflescope_engine::store::KernelRun;
use shufflescope_engine::units::Nanos;

pub use self::camera::{CameraEvent, CameraReport, CameraRequest, CameraRun, FrameHead, Session};
pub use self::content::{FileOffer, FilePart, Host};
pub use self::search::SearchJob;
use crate::camera::{Listed, Watched};
use crate::teach::{TeachNews, TeachWork};

/// Spoken by this build; both sides must agree.
pub const VERSION: u32 = 9;

/// The release that this is; both sides must be of the same one, for results name only one.
pub const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// A line longer than this is not from our worker.
pub const MAX_LINE_BYTES: usize = 64 << 20;

/// Most raw bytes behind a line: a picture of 16384x16384.
pub const MAX_PAYLOAD_BYTES: usize = 3 << 28;

/// Most pixels of a preview's longer side.
pub const PREVIEW_SIDE: u32 = 640;

/// Names one request; larger is newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticket(pub u64);

/// Window to worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub enum Request {
    /// First line: which protocol the window speaks.
    Hello {
        /// [`VERSION`].
        version: u32,
        /// For whom the worker measures, such as `the window`: what others are told that have to wait.
        #[serde(default)]
        client: String,
        /// Size of the worker's thread pool; its own choice where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        threads: Option<usize>,
        /// The worker ends where it hears nothing for so long: a line may be cut without either end being told. For ever
        /// where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        silence: Option<Nanos>,
    },
    /// Measures; a newer request cancels an older one.
    Measure {
        /// Tags every event that answers.
        ticket: Ticket,
        /// What to measure.
        job: Box<Job>,
        /// How many threads run, where an earlier process of the same measurement has found that out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        threads: Option<ThreadChoice>,
    },
    /// Measures every layer as a kernel of its own; a newer request cancels it.
    Apart {
        /// Tags every event that answers.
        ticket: Ticket,
        /// What to take apart.
        job: Box<Job>,
    },
    /// Measures networks in turns; a newer request cancels an older one.
    TakeTurns {
        /// Tags every event that answers.
        ticket: Ticket,
        /// What to measure.
        job: Box<TurnsJob>,
    },
    /// Searches for designs and measures what it finds; a newer request cancels it.
    Search {
        /// Tags every event that answers.
        ticket: Ticket,
        /// What to search for.
        job: Box<SearchJob>,
    },
    /// Teaches a design, or takes pictures in for it. Nothing is measured, and no turn on the device is taken.
    Teach {
        /// Tags every event that answers.
        ticket: Ticket,
        /// What to do.
        work: TeachWork,
    },
    /// Measures what the device can do at most, with the worker's threads; a newer request cancels it.
    Peaks {
        /// Tags the event that answers.
        ticket: Ticket,
        /// The device.
        device: DeviceId,
    },
    /// Asks for the devices of the worker's machine.
    FindDevices,
    /// Asks for the cameras of the worker's machine.
    FindCameras,
    /// Takes frames for a while; a newer request ends it.
    CameraRun {
        /// Tags every event that answers.
        ticket: Ticket,
        /// From where, and what looks at them.
        job: Box<CameraRun>,
    },
    /// Anything about the camera.
    Camera(CameraRequest),
    /// Requests behind this one may name a file that is not on the worker's machine.
    File {
        /// What it is called by content.
        file: FileOffer,
    },
    /// The content of a file, which the worker wanted; its bytes follow the line.
    Content {
        /// What it is called.
        sha256: String,
        /// How many.
        bytes: u64,
    },
    /// Nothing is asked for, and this side is still there.
    Alive,
    /// The window begins or ends a repaint, which may disturb a run.
    Painting,
    /// Stops the measurement in progress.
    Cancel,
}

/// One measurement, with everything that influences it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The network; a file is read by the worker, from the same path or as it was [offered](Request::File).
    pub design: Model,
    /// Device, runtime, threads, batch.
    pub options: RunOptions,
    /// How to measure.
    pub protocol: Protocol,
    /// A weights file; otherwise a model file's own weights, or seeded random ones.
    pub weights: Option<std::path::PathBuf>,
    /// What earlier runs have shown of how runs differ on the device, in this way of running.
    pub scatter: Option<Scatter>,
}

/// Several networks measured in turns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TurnsJob {
    /// The networks.
    pub networks: Contest,
    /// Device, runtime, threads, batch.
    pub options: RunOptions,
    /// How to measure.
    pub rules: InterleaveRules,
    /// Fresh processes that take their share of the rounds each.
    pub processes: usize,
}

/// Who competes; a second copy of the first network is always measured too, behind the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "contest", rename_all = "kebab-case")]
pub enum Contest {
    /// Any two networks.
    Pair {
        /// The one the other is compared with.
        a: Box<Model>,
        /// The other.
        b: Box<Model>,
    },
    /// The rows of one column of an experiment.
    Column(ColumnChoice),
}

/// One column of an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ColumnChoice {
    /// Whose column.
    pub experiment: Experiment,
    /// At which scale.
    pub scale: Scale,
    /// Position among the experiment's columns at this scale.
    pub index: usize,
}

impl ColumnChoice {
    /// The columns of an experiment at one scale.
    pub fn all(experiment: Experiment, scale: Scale) -> impl Iterator<Item = Self> {
        (0..columns(experiment, scale).len()).map(move |index| Self { experiment, scale, index })
    }

    /// The column meant; `None` where the experiment has fewer.
    #[must_use]
    pub fn column(self) -> Option<Column> {
        columns(self.experiment, self.scale).into_iter().nth(self.index)
    }
}

/// Worker to window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Answer to the greeting.
    Hello {
        /// [`VERSION`] of the worker.
        version: u32,
        /// Size of the worker's thread pool, as it reports it.
        threads: usize,
        /// [`PROGRAM`] of the worker; empty of those before there was this.
        #[serde(default)]
        program: String,
    },
    /// Somebody else measures on the device; this goes on when they are done. Said again while that is so.
    Waiting {
        /// The request.
        ticket: Ticket,
        /// Who measures.
        behind: String,
    },
    /// Weights are being made and packed.
    Preparing {
        /// The request.
        ticket: Ticket,
        /// How long a single run, in which nothing is said, may take on a slow device.
        longest_run: Nanos,
    },
    /// Samples are coming in.
    Progress {
        /// The request.
        ticket: Ticket,
        /// Done, from 0 to 1.
        fraction: f64,
        /// Time left, by the protocol's budget.
        left: Nanos,
        /// What the samples so far say, once there are enough.
        partial: Option<Box<Measurement>>,
    },
    /// Done: the summary and the raw samples that it was made from.
    Done {
        /// The request.
        ticket: Ticket,
        /// The summary of this process.
        measurement: Box<Measurement>,
        /// Its raw samples, for a summary over several processes.
        samples: Box<ProcessSamples>,
    },
    /// Every layer is measured as a kernel of its own.
    Apart {
        /// The request.
        ticket: Ticket,
        /// As measured.
        apart: Box<Apart>,
    },
    /// Rounds are being taken in turns.
    Turns {
        /// The request.
        ticket: Ticket,
        /// Done, from 0 to 1.
        fraction: f64,
        /// Time left at the pace so far, once that is known.
        left: Option<Nanos>,
        /// The rounds so far, now and then.
        samples: Option<Box<Interleaved>>,
    },
    /// All rounds are taken.
    TurnsDone {
        /// The request.
        ticket: Ticket,
        /// The rounds of this process.
        samples: Box<Interleaved>,
    },
    /// A search goes on.
    Search {
        /// The request.
        ticket: Ticket,
        /// Where it stands.
        standing: Standing,
        /// The designs that were measured since the last time, on the front or not.
        found: Vec<Found>,
        /// The kernels that were measured since the last time: to be remembered.
        kernels: Vec<KernelRun>,
    },
    /// A search is over; everything found has been told.
    SearchDone {
        /// The request.
        ticket: Ticket,
    },
    /// What there is to tell of teaching.
    Teach {
        /// The request.
        ticket: Ticket,
        /// How far it is, or what came of it.
        news: TeachNews,
    },
    /// What the device can do at most.
    Peaks {
        /// The request.
        ticket: Ticket,
        /// As measured.
        peaks: Box<Peaks>,
    },
    /// The devices of the worker's machine.
    Devices {
        /// Each, with the reason where it cannot be used.
        devices: Vec<DeviceInfo>,
        /// The machine itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host: Option<Box<Host>>,
    },
    /// A file that was offered is not there: its content is wanted.
    Wants {
        /// What it is called by content.
        sha256: String,
    },
    /// The cameras of the worker's machine.
    Cameras {
        /// Each, with the reason where it cannot be used.
        cameras: Vec<Listed>,
    },
    /// Frames were taken for a while.
    CameraRun {
        /// The request.
        ticket: Ticket,
        /// What came of it.
        watched: Box<Watched>,
    },
    /// Anything about the camera.
    Camera(CameraEvent),
    /// Cancelled by request or by a newer one.
    Cancelled {
        /// The request.
        ticket: Ticket,
    },
    /// The request cannot be done.
    Failed {
        /// The request.
        ticket: Ticket,
        /// Cause and remedy.
        message: String,
        /// Whether the device is of no more use to this process, so that a fresh one is needed for whatever comes next.
        #[serde(default)]
        restart: bool,
    },
}

impl Event {
    /// Whether nothing more is said of the request that it answers.
    pub(super) const fn is_the_last(&self) -> bool {
        matches!(
            self,
            Self::Done { .. }
                | Self::Apart { .. }
                | Self::TurnsDone { .. }
                | Self::SearchDone { .. }
                | Self::Peaks { .. }
                | Self::CameraRun { .. }
                | Self::Cancelled { .. }
                | Self::Failed { .. }
        )
    }

    /// How many raw bytes follow the line.
    #[must_use]
    pub const fn payload(&self) -> usize {
        match self {
            Self::Camera(CameraEvent::Frame { bytes, .. } | CameraEvent::Still { bytes, .. }) => *bytes,
            _ => 0,
        }
    }
}
