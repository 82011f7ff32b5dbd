//! The one place where commands are carried out.

use eframe::egui;

use super::App;
use crate::window::command::Command;
use crate::window::files::Place;
use crate::window::guard::Intent;
use crate::window::notices::Notice;

impl App {
    pub(super) fn carry_out(&mut self, command: Command, ctx: &egui::Context, now: f64) {
        match command {
            Command::Edit(edit) => self.edit(&edit, now),
            Command::Run(options) => self.document.set_options(options),
            Command::Undo => self.document.undo(),
            Command::Redo => self.document.redo(),
            Command::Select(path) => self.document.selected = path,
            Command::Pin => self.pin(),
            Command::Unpin => self.document.pinned = None,
            Command::ShowTab(tab) => self.tabs.shown = tab,
            Command::Show(view) => self.tabs.views.shown = view,
            Command::Camera(command) => self.carry_out_camera(command),
            Command::Teach(command) => self.carry_out_teach(command),
            Command::Explore(command) => self.carry_out_explore(command, now),
            Command::Target(command) => self.carry_out_target(command),
            Command::Try(edit) => self.try_change(&edit),
            Command::Calibrate => self.calibrate(),
            Command::ToggleLive => self.live.toggle(),
            Command::MeasureAgain => self.live.again(),
            Command::Refine => self.live.refine(),
            Command::MeasureCeilings => self.live.measure_ceilings(),
            Command::TakeApart => self.live.take_apart(),
            Command::Cancel => self.cancel(),
            Command::New => self.guarded(Intent::New, ctx, now),
            Command::OpenDialog => self.files.ask_to_open(Place::Document),
            Command::Open(path) => self.guarded(Intent::Open(path), ctx, now),
            Command::Quit => self.guarded(Intent::Quit, ctx, now),
            Command::Answer(answer) => self.take_answer(answer, ctx, now),
            Command::ForgetRecent(path) => self.forget_recent(path),
            Command::ForgetMissing => self.recent.missing_files().into_iter().for_each(|path| self.forget_recent(path)),
            Command::LookForRecent => self.recent.look(),
            Command::OpenModel(model) => self.document.open_model(*model, now),
            Command::BackToDesign => self.document.back_to_design(),
            Command::Save => self.save(false),
            Command::SaveAs => self.save(true),
            Command::ExportDialog(what) => self.files.ask_to_export(what, self.material()),
            Command::Export(what, path) => {
                let material = Box::new(self.material());
                self.files.export(path, what, material);
            }
            Command::CancelErrand(id) => {
                if let Some(event) = self.files.cancel(id) {
                    self.take(event, ctx, now);
                }
            }
            Command::Choose(side, choice) => self.compare.choose(side, choice),
            Command::ChooseFileDialog(side) => self.files.ask_to_open(Place::Side(side)),
            Command::ChooseFile(side, path) => self.open(Place::Side(side), path),
            Command::StartCompare => self.start_compare(),
            Command::RunLab(run) => self.run_lab(&run),
            Command::ExportText(name, form, text) => self.files.ask_to_write(&name, form.ending(), text.into_bytes()),
            Command::Copy { text, what } => {
                ctx.copy_text(text);
                self.say(Notice::done(format!("Copied {what}.")));
            }
            Command::StopRun(owner) => self.stop_run(owner),
            Command::ExportComparison(form) => self.export_comparison(form),
            Command::ExportRun(form) => self.export_run(form),
            Command::ShowFolder(folder) => self.files.show_folder(folder),
            Command::Dismiss => self.notices.dismiss_newest(),
            Command::DismissOne(id) => self.notices.dismiss(id),
            Command::DismissAll => self.notices.dismiss_all(),
            Command::AcceptGpu => {
                if let Some(device) = self.gpu_offer.close() {
                    self.document.set_options(self.document.options().on(device));
                }
            }
            Command::DeclineGpu => drop(self.gpu_offer.close()),
            Command::ToggleTheme => self.toggle_theme(ctx),
            Command::TextSize(change) => self.set_text_size(change, ctx),
            Command::ShowOver(over) => self.show_over(over),
        }
    }
}
