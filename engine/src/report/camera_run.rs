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
