//! A run of frames whose times are kept.

use shufflescope_engine::design::Fingerprint;
use shufflescope_engine::report::CameraRun;
use shufflescope_engine::runtime::RunOptions;

/// Frames of a recording.
pub(super) const FRAMES: u64 = 200;
/// Seconds after which a recording ends with the frames it has.
pub(super) const SECONDS: f64 = 10.0;

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
