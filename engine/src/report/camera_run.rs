//! What a network takes behind a camera: paced by the camera's rate, where a measurement runs back to back.

use serde::{Deserialize, Serialize};

use crate::units::Nanos;

/// Frames of a camera that a network looked at, one picture a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CameraRun {
    /// Where the frames came from; an address without its password.
    pub source: String,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// How long it took.
    pub seconds: f64,
    /// Frames that went all the way.
    pub frames: u64,
    /// Frames that a newer one replaced before they were looked at.
    pub drops: u64,
    /// Frames per second that went all the way.
    pub frames_per_second: f64,
    /// Frames per second that the camera gave.
    #[serde(default)]
    pub camera_frames_per_second: Option<f64>,
    /// Until a frame came.
    pub wait: FrameTimes,
    /// From the camera's format to RGB.
    pub decode: FrameTimes,
    /// From the picture to the network's input.
    pub resize: FrameTimes,
    /// From the network's input to its output: the paced latency.
    pub infer: FrameTimes,
    /// From being ready to being on the screen.
    #[serde(default)]
    pub show: Option<FrameTimes>,
    /// How old frames were when they were shown.
    #[serde(default)]
    pub age: Option<FrameTimes>,
}

impl CameraRun {
    /// Where the frames came from, how many, and how fast, in a line.
    #[must_use]
    pub fn summary(&self) -> String {
        let Self { source, width, height, seconds, frames, drops, frames_per_second, .. } = self;
        let given = self.camera_frames_per_second.map_or_else(String::new, |rate| format!(" of {rate:.1} given"));
        format!(
            "{source} at {width}x{height}: {frames} frames in {seconds:.1} s, {frames_per_second:.1} per second{given}, \
             {drops} dropped"
        )
    }

    /// The stages of a frame in order, and its age when it was shown, as far as they are known.
    #[must_use]
    pub fn stages(&self) -> Vec<(&'static str, FrameTimes)> {
        let stages = [
            ("wait", Some(self.wait)),
            ("decode", Some(self.decode)),
            ("resize", Some(self.resize)),
            ("infer", Some(self.infer)),
            ("show", self.show),
            ("age", self.age),
        ];
        stages.into_iter().filter_map(|(name, times)| Some((name, times?))).collect()
    }

    /// The run as Markdown, without a heading.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = Vec::new();
        // Writing to memory cannot fail.
        let _ = super::markdown::camera_run(&mut text, self);
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// Half and nine tenths of the last frames took at most this long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FrameTimes {
    /// The median.
    #[serde(rename = "p50_ns")]
    pub p50: Nanos,
    /// Nine tenths.
    #[serde(rename = "p90_ns")]
    pub p90: Nanos,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thirty frames of a folder with a name that means something in Markdown.
    fn run() -> CameraRun {
        let times = |p50: u64| FrameTimes { p50: Nanos(p50), p90: Nanos(2 * p50) };
        CameraRun {
            source: "my|pictures".into(),
            width: 640,
            height: 480,
            seconds: 1.0,
            frames: 30,
            drops: 2,
            frames_per_second: 30.0,
            camera_frames_per_second: Some(32.0),
            wait: times(20_000_000),
            decode: times(1_000_000),
            resize: times(500_000),
            infer: times(2_345_678),
            show: None,
            age: Some(times(9_000_000)),
        }
    }

    #[test]
    fn a_run_is_a_line_and_a_table_of_its_known_stages() {
        let text = run().markdown();
        assert!(
            text.starts_with(
                "my\\|pictures at 640x480: 30 frames in 1.0 s, 30.0 per second of 32.0 given, 2 dropped.\n"
            )
        );
        assert!(text.contains("| infer | 2345.678 | 4691.356 |"), "{text}");
        assert!(text.contains("| age | 9000.000 |") && !text.contains("show"), "{text}");
    }
}
