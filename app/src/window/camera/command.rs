//! What a person can ask of the camera tab.

use std::path::PathBuf;

use shufflescope_engine::classify::PreprocessingOptions;

use super::{Trained, WeightsChoice};
use crate::camera::{Resolution, SourceSpec};

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub enum CameraCommand {
    /// Opens a source in place of the one that runs; the nearest resolution it has.
    Start(SourceSpec, Resolution),
    /// Closes the camera.
    Stop,
    /// Looks for cameras again.
    LookForCameras,
    /// Averages answers over time, or does not.
    Smooth(bool),
    /// Uses these weights, where they fit.
    Use(WeightsChoice),
    /// Asks for a file of weights and uses it.
    WeightsDialog,
    /// Asks for a list of labels for the weights from a file.
    LabelsDialog,
    /// Uses this list of labels, or what is usual.
    Labels(Option<PathBuf>),
    /// Does this to pictures before the network sees them.
    Preprocess(PreprocessingOptions),
    /// Downloads published weights, or goes on where a download ended.
    Download(Trained),
    /// Stops the download; what has come is kept.
    CancelDownload,
    /// Asks for a picture file to show.
    PictureDialog,
    /// Asks for a folder of pictures to show.
    FolderDialog,
    /// Shows this picture, or those of this folder.
    Pictures(PathBuf),
    /// Records the next frames' times.
    Record,
    /// Drops the recording, finished or not.
    DropRecording,
    /// Asks for a file and writes the shown picture to it.
    SnapshotDialog,
    /// Writes the shown picture to this PNG file.
    Snapshot(PathBuf),
}
