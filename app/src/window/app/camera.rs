//! What the camera tab asks for.

use super::App;
use crate::export::ResultForm;
use crate::window::camera::{CameraCommand, RecordedRun, Still};
use crate::window::tab::Tab;

impl App {
    pub(super) fn carry_out_camera(&mut self, command: CameraCommand) {
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
            CameraCommand::Preprocess(preprocessing) => camera.preprocess(preprocessing),
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
                camera.record(&self.document.valid().fingerprint, &self.document.valid_options());
            }
            CameraCommand::DropRecording => camera.drop_recording(),
            CameraCommand::SnapshotDialog => camera.take_still(None),
            CameraCommand::Snapshot(path) => camera.take_still(Some(path)),
        }
    }

    pub(super) fn export_run(&mut self, form: ResultForm) {
        match RecordedRun::of(&self.camera, self.document.valid(), &self.document.valid_options()) {
            Ok(run) => self.files.ask_to_write(&run.file_name(), form.ending(), run.text(form).into_bytes()),
            Err(reason) => self.fail(reason.to_owned()),
        }
    }

    /// Lets the camera tab go on. Says in how many seconds to look again.
    pub(super) fn advance_camera(&mut self) -> Option<f64> {
        let (document, is_shown) = (&self.document, self.tabs.shown == Tab::Camera);
        let seconds = self.camera.advance(is_shown, self.bench.is_busy(), document.valid(), &document.valid_options());
        match self.camera.new_still() {
            Some(Still { picture, path: Some(path) }) => self.files.snapshot(path, picture),
            Some(Still { picture, path: None }) => self.files.ask_for_snapshot(picture),
            None => {}
        }
        seconds
    }
}
