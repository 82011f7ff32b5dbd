//! What a run in front of a camera found out, as text, Markdown and JSON.

use std::time::Duration;

use serde::Serialize;
use shufflescope_engine::units::Nanos;

use super::table::{Align, Table};
use crate::camera::{Prediction, Quantiles, Resolution, SourceSpec, StageTimes, Watched};

/// What a run found out.
#[derive(Serialize)]
pub(super) struct Report {
    source: String,
    seconds: f64,
    /// Size of the last frame.
    resolution: Resolution,
    /// Frames the camera gave.
    frames: u64,
    /// Of those, frames that a newer one replaced before they were looked at.
    drops: u64,
    /// Files, parts or buffers that were no usable frame.
    skipped: u64,
    reconnects: u64,
    /// Frames that went all the way.
    shown: u64,
    /// Frames per second that went all the way.
    fps: Option<f64>,
    /// Frames per second that the camera gave in the last seconds.
    camera_fps: Option<f64>,
    stages: StageTimes,
    /// How old frames were when they were shown.
    age: Option<Quantiles>,
    /// The network that looked at the frames.
    pub(super) design: Option<String>,
    /// Its trained weights, as they were asked for.
    pub(super) weights: Option<String>,
    /// The most probable classes of the last frame; absent without trained weights.
    top: Option<Vec<Prediction>>,
    /// What the last frame is known to show.
    shows: Option<String>,
    last_error: Option<String>,
}

impl Report {
    /// The report of a run of `time`, of which this came.
    pub(super) fn new(source: &SourceSpec, time: Duration, watched: Watched) -> Self {
        let Watched { resolution, top, shows, shown, between, camera, statistics } = watched;
        let fps = (shown > 1 && between > Nanos::ZERO).then(|| (shown - 1) as f64 / between.as_secs_f64());
        Self {
            source: source.shown(),
            seconds: time.as_secs_f64(),
            resolution,
            frames: camera.frames,
            drops: camera.dropped,
            skipped: camera.skipped,
            reconnects: camera.reconnects,
            shown,
            fps,
            camera_fps: statistics.camera_rate,
            stages: statistics.stages,
            age: statistics.age,
            design: None,
            weights: None,
            top,
            shows,
            last_error: camera.last_error.map(|error| error.to_string()),
        }
    }

    /// Every stage and the age of frames, with half and nine tenths of their times.
    fn times(&self) -> impl Iterator<Item = (String, Option<Quantiles>)> {
        let stages = self.stages.each().into_iter().map(|(stage, times)| (format!("{stage:?}").to_lowercase(), times));
        stages.chain([("age".to_owned(), self.age)])
    }

    fn lost(&self) -> String {
        format!("({} dropped, {} skipped, {} reconnects)", self.drops, self.skipped, self.reconnects)
    }

    fn rates(&self) -> String {
        format!("{} per second, {} from the camera", rate(self.fps), rate(self.camera_fps))
    }

    /// For a terminal.
    pub(super) fn text(&self) -> String {
        let mut text = format!(
            "{} for {} s at {}\n  frames    {} {}\n  rate      {}\n",
            self.source,
            self.seconds,
            self.resolution,
            self.frames,
            self.lost(),
            self.rates(),
        );
        text += &format!("  {:<8}  {:>8}  {:>8}\n", "", "p50", "p90");
        for (name, times) in self.times() {
            let [p50, p90] = shown(times);
            text += &format!("  {name:<8}  {p50:>8}  {p90:>8}\n");
        }
        for Prediction { label, probability, .. } in self.top.iter().flatten() {
            text += &format!("  {:>5.1} %   {label}\n", 100.0 * probability);
        }
        text
    }

    /// For a README.
    pub(super) fn markdown(&self) -> String {
        let network = self.design.as_ref().map_or_else(|| "No network ran".to_owned(), |name| format!("{name} ran"));
        let mut table = Table::new(&[("stage", Align::Left), ("p50", Align::Right), ("p90", Align::Right)]);
        for (name, times) in self.times() {
            let [p50, p90] = shown(times);
            table.row([name, p50, p90]);
        }
        let mut text = format!(
            "{network} on {} for {} s at {}: {} frames {}, {}.\n\n{}",
            self.source,
            self.seconds,
            self.resolution,
            self.frames,
            self.lost(),
            self.rates(),
            table.markdown()
        );
        if let Some(top) = &self.top {
            let mut classes = Table::new(&[("class of the last frame", Align::Left), ("probability", Align::Right)]);
            for Prediction { label, probability, .. } in top {
                classes.row([label.clone(), format!("{:.1} %", 100.0 * probability)]);
            }
            text += &format!("\n{}", classes.markdown());
        }
        text
    }
}

fn rate(rate: Option<f64>) -> String {
    rate.map_or_else(|| "-".into(), |rate| format!("{rate:.1}"))
}

fn shown(times: Option<Quantiles>) -> [String; 2] {
    times.map_or_else(|| ["-".into(), "-".into()], |times| [times.p50, times.p90].map(|time| time.to_string()))
}
