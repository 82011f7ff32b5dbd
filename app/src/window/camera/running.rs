//! The source that is open: its newest frame and how it does, as far as the worker has told.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use shufflescope_engine::report::{CameraRun, FrameTimes};

use crate::camera::{CaptureState, Quantiles, SourceSpec};
use crate::worker::{CameraFrame, CameraReport};

/// A frame older than this is not what the camera sees now.
const CURRENT: Duration = Duration::from_secs(2);

/// See the module.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) source: SourceSpec,
    pub(super) frame: Option<Arc<CameraFrame>>,
    pub(super) report: CameraReport,
    /// The number of the frame that was said to be on the screen.
    shown: Cell<Option<u64>>,
}

impl Running {
    pub(super) fn new(source: SourceSpec) -> Self {
        Self { source, frame: None, report: CameraReport::default(), shown: Cell::new(None) }
    }

    /// How old the newest frame is, where that is too old to be taken for what the camera sees now, or it fails.
    pub(super) fn outdated(&self) -> Option<Duration> {
        let age = self.frame.as_ref()?.age();
        let fails = matches!(self.report.status.state, CaptureState::Retrying { .. });
        Some(age).filter(|age| fails || *age > CURRENT)
    }

    /// Whether nobody has been told yet that this frame is on the screen; from now on somebody has.
    pub(super) fn is_newly_shown(&self, frame: &CameraFrame) -> bool {
        let number = Some(frame.head.number);
        self.shown.replace(number) != number
    }

    /// What a recording of so many frames has found; `None` where the network saw none.
    pub(super) fn run(&self, frames: u64, drops: u64, seconds: f64) -> Option<CameraRun> {
        let times = |of: Option<Quantiles>| of.map(|Quantiles { p50, p90 }| FrameTimes { p50, p90 });
        let (size, statistics) = (self.frame.as_ref()?.head.size, &self.report.statistics);
        let stages = &statistics.stages;
        Some(CameraRun {
            source: self.source.shown(),
            width: size.width,
            height: size.height,
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
