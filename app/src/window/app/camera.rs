//! What the camera tab asks for.

use super::App;
use crate::window::camera::CameraCommand;
use crate::window::tab::Tab;

impl App {
    pub(super) fn carry_out_camera(&mut self, command: CameraCommand, now: f64) {
        let camera = &mut self.camera;
        match command {
            CameraCommand::Start(source, resolution) => camera.start(source, resolution),
            CameraCommand::Stop => camera.stop(),
            CameraCommand::LookForCameras => camera.look_for_cameras(),
            CameraCommand::Smooth(on) => camera.smooth(on),
            CameraCommand::Use(choice) => camera.use_weights(choice),
            CameraCommand::WeightsDialog => self.files.ask_for_weights(),
            CameraCommand::LabelsDialog => self.files.ask_for_labels(),
            CameraCommand::Labels(labels) => camera.use_labels(labels),
            CameraCommand::Download(trained) => {
                if let Err(error) = camera.fetch(&trained) {
                    self.fail(error);
                }
            }
            CameraCommand::CancelDownload => camera.cancel_download(),
            CameraCommand::PictureDialog => self.files.ask_for_pictures(false),
            CameraCommand::FolderDialog => self.files.ask_for_pictures(true),
            CameraCommand::Pictures(path) => self.tabs.camera.show_pictures(&path),
            CameraCommand::Record => {
                camera.record(&self.document.valid().fingerprint, &self.document.valid_options(), now);
            }
            CameraCommand::DropRecording => camera.drop_recording(),
            CameraCommand::SnapshotDialog => {
                if let Some(picture) = camera.picture() {
                    self.files.ask_for_snapshot(picture);
                }
            }
            CameraCommand::Snapshot(path) => {
                if let Some(picture) = camera.picture() {
                    self.files.snapshot(path, picture);
                }
            }
        }
    }

    /// Lets the camera tab go on. Says in how many seconds to look again.
    pub(super) fn advance_camera(&mut self, now: f64) -> Option<f64> {
        let (document, is_shown) = (&self.document, self.tabs.shown == Tab::Camera);
        self.camera.advance(is_shown, document.valid(), &document.valid_options(), now)
    }
}
