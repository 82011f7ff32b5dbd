//! What window and worker say about the camera.

use serde::{Deserialize, Serialize};
use shufflescope_engine::units::Nanos;

use crate::camera::{
    CaptureStatus, Fit, Generation, Offer, Prediction, Resolution, SourceOptions, SourceSpec, Statistics, Wish,
};

/// Names one opening of a source; larger is newer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Session(pub u64);

/// Window to worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "camera", rename_all = "kebab-case")]
pub enum CameraRequest {
    /// Opens a source in place of the one that is open.
    Open {
        /// Tags every event of it.
        session: Session,
        /// Where pictures come from.
        source: SourceSpec,
        /// What is asked of it.
        options: SourceOptions,
    },
    /// Closes the source and lets go of the device.
    Close,
    /// Another network is to look at the frames.
    Network {
        /// Which.
        wish: Box<Wish>,
    },
    /// Answers are averaged over time, or not.
    Smooth {
        /// Whether they are.
        on: bool,
    },
    /// Forgets the times so far.
    RestartStatistics,
    /// A preview has been taken out of the pipe: the next one may come.
    Took {
        /// Its number.
        number: u64,
    },
    /// A preview is on the screen.
    Shown {
        /// Its number.
        number: u64,
    },
    /// Asks for the frame of the last preview as it was captured.
    Still,
}

/// A whole run in front of a camera.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CameraRun {
    /// Where pictures come from, on the worker's machine.
    pub source: SourceSpec,
    /// What is asked of it.
    pub options: SourceOptions,
    /// The network that looks at the frames; none where absent.
    pub wish: Option<Box<Wish>>,
    /// For how long.
    pub time: Nanos,
}

/// Worker to window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "camera", rename_all = "kebab-case")]
pub enum CameraEvent {
    /// How the source does; several times a second while it is open.
    Report {
        /// The opening.
        session: Session,
        /// How it does.
        report: Box<CameraReport>,
    },
    /// A preview, whose pixels follow the line: 8-bit RGB. Never sent while the window has not taken the one before.
    Frame {
        /// The opening.
        session: Session,
        /// What there is to know about it.
        frame: Box<FrameHead>,
        /// Three per pixel of the preview.
        bytes: usize,
    },
    /// The frame of the last preview as it was captured, whose pixels follow the line.
    Still {
        /// The opening.
        session: Session,
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// Three per pixel.
        bytes: usize,
    },
    /// The source is closed, for the pipeline cannot go on.
    Broken {
        /// The opening.
        session: Session,
        /// Cause and remedy.
        message: String,
    },
    /// Whether the weights fit the network.
    Fits {
        /// The wish.
        generation: Generation,
        /// Whether they do.
        fit: Box<Fit>,
        /// Which weights can be had.
        offers: Vec<Offer>,
    },
    /// Somebody else measures on the device; the network runs when they are done.
    Waiting {
        /// The wish.
        generation: Generation,
        /// Who measures.
        behind: String,
    },
    /// The network looks at the frames from now on.
    Ready {
        /// The wish.
        generation: Generation,
    },
    /// The network cannot be run.
    Failed {
        /// The wish.
        generation: Generation,
        /// Cause and remedy.
        message: String,
    },
}

/// How an open source does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CameraReport {
    /// The source itself.
    pub status: CaptureStatus,
    /// Where the time goes.
    pub statistics: Statistics,
    /// On the worker's clock.
    pub at: Nanos,
    /// How often the statistics were restarted before these.
    pub restarts: u64,
    /// For how long the pipeline has been at the frame in hand.
    pub busy: Option<Nanos>,
}

/// A frame without its pixels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameHead {
    /// How many frames the camera gave before it.
    pub number: u64,
    /// As it was captured.
    pub size: Resolution,
    /// Of its preview.
    pub preview: Resolution,
    /// How old it was when it was sent.
    pub age: Nanos,
    /// The network that was asked.
    pub generation: Generation,
    /// What it found, the best first; `None` without a network, or with one whose weights are not trained.
    pub top: Option<Result<Vec<Prediction>, String>>,
}
