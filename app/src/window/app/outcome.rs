//! What is pinned, saved and exported, and what became of files.

use std::path::{Path, PathBuf};

use shufflescope_engine::design::{Batch, Edit, limits};
use shufflescope_engine::model::Model;
use shufflescope_engine::report::Profile;
use shufflescope_engine::runtime::RunOptions;

use eframe::egui;

use super::App;
use crate::export::Material;
use crate::window::camera::{Trained, WeightsChoice};
use crate::window::command::{Command, keys_of};
use crate::window::compare::Choice;
use crate::window::document::Pinned;
use crate::window::files::{Chosen, FileEvent, Opened, Place};
use crate::window::notices::Notice;
use crate::window::tab::Tab;

impl App {
    pub(super) fn pin(&mut self) {
        let valid = self.document.valid();
        let batch = self.document.valid_options().batch;
        let (measured, predicted) = (self.live.current(), self.forecast.estimate());
        self.document.pinned = Some(Pinned::of_present(valid, batch, measured, predicted));
    }

    pub(super) fn save(&mut self, ask: bool) {
        if self.document.fixed().is_some() {
            let name = self.document.name();
            self.fail(format!("Not saved: `{name}` is a graph and not a design. Export writes it as a model."));
            return;
        }
        if let Some(error) = self.document.errors().first() {
            self.fail(format!("Not saved, for the design is not valid: {error}."));
            return;
        }
        self.save_design(ask);
    }

    /// Saves the design, also where a fixed network is shown in its place.
    pub(super) fn save_design(&mut self, ask: bool) {
        let (document, design) = (self.document.id(), self.document.draft());
        match self.document.file() {
            Some(path) if !ask => {
                let (path, design) = (path.to_owned(), design.clone());
                self.files.save(self.document.save(document, path, design));
            }
            _ => self.files.ask_to_save(document, design),
        }
    }

    /// Whether a file lies among the drafts, which windows write as they like.
    pub(super) fn is_draft(&self, path: &Path) -> bool {
        self.drafts.as_ref().is_some_and(|drafts| drafts.hold(path))
    }

    /// What an export would be written from now.
    pub(super) fn material(&self) -> Material {
        Material {
            model: self.document.valid().model.clone(),
            batch: Batch(self.document.valid_options().batch),
            measurement: self.live.current().cloned(),
            camera: self.camera.recorded(&self.document.valid().fingerprint, &self.document.valid_options()).cloned(),
            taught: self.taught_in_use(),
            machine: self.surroundings.machine().cloned().filter(|_| self.targets.current().is_remote()),
        }
    }

    pub(super) fn take(&mut self, event: FileEvent, ctx: &egui::Context, now: f64) {
        if let FileEvent::Opened(Place::Document, path, Ok(_)) = &event {
            self.remember_recent(path);
        }
        match event {
            FileEvent::Opened(Place::Document, path, Ok(Opened::Design(design))) => {
                if self.is_draft(&path) {
                    self.document.edit(&Edit::Replace(design), now, false);
                } else {
                    self.document.open(*design, Some(path), now);
                }
            }
            FileEvent::Opened(Place::Document, _, Ok(Opened::Model(model))) => {
                self.document.open_model(*model, now);
            }
            FileEvent::Opened(Place::Document, path, Ok(Opened::Profile(profile, missing))) => {
                self.show_profile(*profile, missing, path, now);
            }
            FileEvent::SaveTo(path, ..) if self.is_draft(&path) => {
                self.guard.not_saved();
                self.fail(format!(
                    "Not saved. {} is among the drafts, which are written over: choose another folder.",
                    path.display()
                ));
            }
            FileEvent::SaveTo(path, document, design) => {
                self.files.save(self.document.save(document, path, *design));
            }
            FileEvent::Saved(save) => {
                self.say(Notice::done(format!("Saved to {}.", save.path.display())));
                self.remember_recent(&save.path);
                self.document.saved(&save);
                self.go_on_after_save(ctx, now);
            }
            FileEvent::SaveCancelled => self.guard.not_saved(),
            FileEvent::Settings(text) => self.fail(text),
            FileEvent::Hung(path) => {
                let keys = keys_of(ctx, &Command::SaveAs).unwrap_or_default();
                self.fail(format!(
                    "{} is still being written: its disk or network share does not answer. Save elsewhere meanwhile \
                     ({keys}).",
                    path.display()
                ));
            }
            FileEvent::ExportTo(path, what, mut material) => {
                let now = self.material();
                // The same network: its latency may have been refined while the dialog was open.
                if now.model == material.model && now.batch == material.batch {
                    *material = now;
                }
                self.files.export(path, what, material);
            }
            FileEvent::Exported(path, Ok(said)) => {
                self.remember_export(&path);
                let folder = path.parent().map(Path::to_owned);
                self.say(Notice { folder, ..Notice::done(said) });
            }
            FileEvent::Opened(Place::Side(side), _, Ok(opened)) => {
                let model = match opened {
                    Opened::Design(design) => Model::Design(*design),
                    Opened::Profile(profile, _) => profile.design,
                    Opened::Model(model) => *model,
                };
                self.compare.choose(side, Choice::Opened(Box::new(model)));
            }
            FileEvent::SaveAllTo(folder, files) => match files.first() {
                Some((first, _)) if self.is_draft(first) => self.fail(format!(
                    "Not saved. {} is where drafts are kept, which are written over: choose another folder.",
                    folder.display()
                )),
                _ => self.files.save_all(&folder, files),
            },
            FileEvent::WriteTo(path, bytes) => self.files.write(path, bytes),
            FileEvent::ToOpen(Place::Document, path) => self.commands.push(Command::Open(path)),
            FileEvent::ToOpen(place, path) => self.open(place, path),
            FileEvent::Opened(place, path, Err(error)) => {
                // Most reasons name the file already.
                let named = error.contains(&*path.to_string_lossy());
                let of = if named { String::new() } else { format!("{}: ", path.display()) };
                let tab = if place == Place::Document { None } else { Some(Tab::Compare) };
                self.say(Notice { tab, ..Notice::error(format!("Not opened. {of}{error}")) });
                self.recent.look();
            }
            FileEvent::NotSaved(error) => {
                self.guard.not_saved();
                self.fail(format!("Not saved. {error}"));
            }
            FileEvent::GivenUp(others, path) => self.tell_given_up(&others, &path),
            // Readers' own; they mean nothing to the window.
            FileEvent::Read(..) | FileEvent::Rendered(_) | FileEvent::NotRendered(..) => {}
            FileEvent::Exported(_, Err(error)) => self.fail(format!("Not exported. {error}")),
            FileEvent::Chosen(Chosen::Weights(path)) => {
                self.camera.use_weights(WeightsChoice::Only(Trained::File(path)))
            }
            FileEvent::Chosen(Chosen::Labels(path)) => self.camera.use_labels(Some(path)),
            FileEvent::Chosen(Chosen::Pictures(path)) => self.tabs.camera.show_pictures(&path),
            FileEvent::Chosen(Chosen::Things(path)) => self.teach.take_in(path),
            FileEvent::NoFileManager(error) => self.fail(format!("The folder cannot be shown. {error}")),
            FileEvent::NotKept(error) => {
                self.fail(format!("Your design is not kept over a crash; save it to a file. {error}"));
            }
            FileEvent::NoDialog(draft) => {
                self.guard.not_saved();
                let kept =
                    draft.map_or_else(String::new, |path| format!("; your edits are kept in {}", path.display()));
                self.fail(format!(
                    "No file was chosen. If no file dialog appeared, this desktop offers none: drop a file onto the \
                     window to open it, and export by `shufflescope export`{kept}."
                ));
            }
        }
    }

    /// Shows the network of a saved profile, unless it is `missing`, and what was saved beside it as A.
    fn show_profile(&mut self, profile: Profile, missing: Option<String>, path: PathBuf, now: f64) {
        let pinned = Pinned::of_profile(&profile, profile.design.name().to_owned(), path);
        let file = pinned.file_name().unwrap_or_default().into_owned();
        let saved = match &profile.measurement {
            Some(measured) => {
                let processor = profile.machine.cpu_model.as_deref().unwrap_or("an unknown processor");
                let threads = if measured.threads == 1 { "1 thread" } else { &format!("{} threads", measured.threads) };
                format!(
                    "A is what was saved there: its latency, {}, comes from the file ({}, {}{}, {threads}, batch {}, on \
                     {processor}).",
                    measured.whole.median,
                    measured.device,
                    measured.runtime,
                    measured.precision.remark(),
                    measured.batch
                )
            }
            None => "A is what was saved there; the file holds no latency.".into(),
        };
        let what = if profile.design.design().is_some() { "design" } else { "network" };
        self.say(Notice::done(match &missing {
            None => format!("Opened the {what} of {file}. {saved}"),
            Some(reason) => format!("Opened {file}. {saved} The network itself cannot be shown: {reason}"),
        }));
        if missing.is_none() {
            // A profile is no file that a design is saved to.
            self.document.open_model(profile.design, now);
            if let Some((_, batch)) = pinned.latency.filter(|(_, batch)| limits::BATCH.contains(batch)) {
                self.document.set_options(RunOptions { batch, ..self.document.options().clone() });
            }
        }
        self.document.pinned = Some(pinned);
    }

    /// Has a file read.
    pub(super) fn open(&mut self, place: Place, path: PathBuf) {
        self.files.open(place, path);
    }

    /// Says what was not opened, behind what is said of the file that was.
    fn tell_given_up(&mut self, others: &[PathBuf], path: &Path) {
        let names: Vec<_> = others.iter().map(|other| other.display().to_string()).collect();
        let text = format!("Not opened: {}; {} was asked for in its place.", names.join(", "), path.display());
        self.say(Notice::done(text));
    }

    /// Tells a person something.
    pub(super) fn say(&mut self, notice: Notice) {
        self.notices.push(notice);
    }

    pub(super) fn fail(&mut self, text: String) {
        self.say(Notice::error(text));
    }

    /// Tells what went wrong in a tab, which is perhaps not the one shown.
    pub(super) fn fail_in(&mut self, tab: Tab, text: String) {
        self.say(Notice { tab: Some(tab), ..Notice::error(text) });
    }
}
