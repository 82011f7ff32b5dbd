//! A run in front of a camera for some time: every view is shown, to nobody, and it is told what came of it.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use shufflescope_engine::units::Nanos;

use super::{CaptureState, CaptureStatus, Pipeline, Prediction, Resolution, Statistics};

/// How long a look lasts.
const LOOK: Duration = Duration::from_millis(100);

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    /// Size of the last frame.
    pub resolution: Resolution,
    /// The most probable classes of the last frame; absent without trained weights.
    pub top: Option<Vec<Prediction>>,
    /// What the last frame is known to show.
    pub shows: Option<String>,
    /// Frames that went all the way.
    pub shown: u64,
    /// From the first to the last of them.
    pub between: Nanos,
    /// The source.
    pub camera: CaptureStatus,
    /// Where the time goes.
    pub statistics: Statistics,
}

/// Shows every view until the time is up, or `tell` has enough: it is told how the source does at every look. A camera that
/// cannot be used from the start is not waited for.
///
/// # Errors
/// Where no frame came, or the pipeline cannot go on.
pub fn watch(
    pipeline: Pipeline,
    time: Duration,
    tell: &mut dyn FnMut(&CaptureStatus, Duration) -> ControlFlow<()>,
) -> anyhow::Result<Watched> {
    let start = Instant::now();
    let (mut last, mut shown, mut first) = (None, 0, None);
    while let Some(left) = time.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) {
        if let Some(view) = pipeline.wait(left.min(LOOK)) {
            pipeline.shown(&view);
            first.get_or_insert(view.published);
            shown += 1;
            last = Some(view);
        }
        if let Some(failure) = pipeline.failure() {
            bail!(failure);
        }
        let status = pipeline.camera();
        if let CaptureState::Retrying { error, .. } = &status.state
            && status.frames == 0
            && !error.may_pass()
        {
            bail!(error.clone());
        }
        if tell(&status, left).is_break() {
            break;
        }
    }
    let last = last.with_context(|| match pipeline.camera() {
        CaptureStatus { last_error: Some(error), .. } => error.to_string(),
        CaptureStatus { last_skipped: Some(reason), .. } => format!("no usable frame came: {reason}"),
        _ => format!("no frame came in {:.1} s", time.as_secs_f64()),
    })?;
    let (camera, statistics) = pipeline.finish();
    Ok(Watched {
        resolution: Resolution { width: last.picture.width(), height: last.picture.height() },
        top: last.top.as_ref().and_then(|top| top.as_ref().ok()).cloned(),
        shows: last.shows.map(str::to_owned),
        shown,
        between: last.published.since(first.unwrap_or(last.published)),
        camera,
        statistics,
    })
}
