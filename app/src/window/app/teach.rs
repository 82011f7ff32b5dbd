//! What teaching asks for.

use super::App;
use crate::camera::{Fit, Trained, WeightsChoice};
use crate::teach::{Kind, TeachJob};
use crate::window::camera::CameraCommand;
use crate::window::tab::Tab;
use crate::window::teach::{JobParts, TeachCommand};

/// Decides what is held out: the same pictures are, however often one teaches.
const SEED: u64 = 0;

impl App {
    pub(super) fn carry_out_teach(&mut self, command: TeachCommand) {
        let teach = &mut self.teach;
        match command {
            TeachCommand::AddClass(name) => teach.add_class(&name),
            TeachCommand::RenameClass(id, name) => teach.rename_class(id, &name),
            TeachCommand::DeleteClass(id) => teach.delete_class(id),
            TeachCommand::Show(class) => teach.show(class),
            TeachCommand::TakeOne(class) => {
                let frame = self.camera.frame().filter(|_| self.camera.outdated().is_none()).cloned();
                teach.take_one(class, frame.as_deref());
            }
            TeachCommand::Delete(class, numbers) => teach.delete(class, &numbers),
            TeachCommand::Undo => teach.undo(),
            TeachCommand::FolderDialog => self.files.ask_for_things(),
            TeachCommand::TakeIn(folder) => teach.take_in(folder),
            TeachCommand::Teach(kind) => self.teach_design(kind),
            TeachCommand::Cancel => teach.cancel(),
            TeachCommand::Use(file) => {
                let path = teach.taught().iter().find(|taught| taught.file == file).and_then(|of| teach.weights(of));
                path.into_iter().for_each(|path| self.use_taught(path));
            }
            TeachCommand::NewProject => teach.new_project(),
            TeachCommand::OpenProject(folder) => teach.open_project(&folder),
            TeachCommand::RenameProject(name) => teach.rename_project(&name),
            TeachCommand::DeleteProject => {
                if matches!(self.camera.choice(), WeightsChoice::Only(Trained::File(path)) if teach.is_own(path)) {
                    self.camera.use_weights(WeightsChoice::Automatic);
                }
                self.teach.delete_project();
            }
        }
    }

    fn teach_design(&mut self, kind: Kind) {
        let Some(design) = self.document.valid().model.design().cloned() else {
            return self.fail_in(Tab::Camera, "Teaching works on designs; this network is a fixed graph.".into());
        };
        let (choice, folder) = (self.camera.choice().clone(), self.camera.weights_folder().map(Into::into));
        let (preprocessing, run) = (*self.camera.preprocessing(), self.document.valid_options());
        let taught = self.teach.taught().iter().rev().filter_map(|taught| self.teach.weights(taught));
        let others = taught.map(|path| WeightsChoice::Only(Trained::File(path))).collect();
        self.teach.job(kind, design, |parts| {
            let JobParts { name, classes, design, kind, output } = parts;
            TeachJob { name, classes, design, choice, others, folder, preprocessing, run, kind, seed: SEED, output }
        });
    }

    fn use_taught(&mut self, path: std::path::PathBuf) {
        self.carry_out_camera(CameraCommand::Labels(None));
        self.carry_out_camera(CameraCommand::Use(WeightsChoice::Only(Trained::File(path))));
    }

    /// Lets teaching go on. Says in how many seconds to look again.
    pub(super) fn advance_teach(&mut self, now: f64) -> Option<f64> {
        let is_shown = self.tabs.shown == Tab::Camera;
        let frame = self.camera.frame().filter(|_| self.camera.outdated().is_none()).cloned();
        let is_looked_at = is_shown || self.tabs.shown == Tab::Explore;
        let (seconds, taught) = self.teach.advance(is_shown, is_looked_at, frame.as_deref(), now);
        match taught {
            Some(path) => self.use_taught(path),
            None => {
                if let Some(path) = self.taught_of_this_design() {
                    self.use_taught(path);
                }
            }
        }
        let again = self.follow_design(now);
        seconds.into_iter().chain(again).reduce(f64::min)
    }

    /// Teaches the design in hand at once what was taught to the one before, where its weights do not fit any more: so that
    /// a dragged width shows its answers, and its accuracy. Says in how many seconds to look again.
    fn follow_design(&mut self, now: f64) -> Option<f64> {
        let is_left_behind = self.tabs.shown == Tab::Camera
            && self.taught_in_use().is_some()
            && matches!(self.camera.fit(), Some(Fit::TimeOnly { .. }));
        let valid = self.document.valid();
        if !is_left_behind || valid.model.design().is_none() {
            return None;
        }
        let (is_due, again) = self.teach.follows(&valid.fingerprint, now);
        if is_due {
            self.teach_design(Kind::AtOnce);
        }
        again
    }

    /// The file of what was taught and is in use: exports carry it where it fits.
    pub(super) fn taught_in_use(&self) -> Option<std::path::PathBuf> {
        match self.camera.choice() {
            WeightsChoice::Only(Trained::File(path)) if self.teach.is_own(path) => Some(path.clone()),
            _ => None,
        }
    }

    /// Weights that were taught to the design in hand, where others of the project are in use that were not.
    fn taught_of_this_design(&self) -> Option<std::path::PathBuf> {
        let WeightsChoice::Only(Trained::File(used)) = self.camera.choice() else { return None };
        let design = self.document.valid().model.design()?;
        self.teach.better_for(used, design)
    }
}
