//! What would take unsaved work away, and what becomes of it.

use eframe::egui;
use egui::ViewportCommand;
use shufflescope_engine::design::Edit;
use shufflescope_engine::zoo;

use super::{App, FIRST_DESIGN};
use crate::window::files::Place;
use crate::window::guard::{Answer, Intent, Next};
use crate::window::tab::Tab;

impl App {
    /// Does what a person wants, or asks first where that takes a design away that is not saved.
    pub(super) fn guarded(&mut self, intent: Intent, ctx: &egui::Context, now: f64) {
        if intent.takes_design_away() && self.document.has_unsaved_design() {
            self.over = None;
            self.guard.ask(intent);
        } else {
            self.go(intent, ctx, now);
        }
    }

    /// Asks before the system closes the window.
    pub(super) fn guard_closing(&mut self, ctx: &egui::Context) {
        let is_closing = ctx.input(|input| input.viewport().close_requested());
        if is_closing && !self.is_leaving && self.document.has_unsaved_design() {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.over = None;
            self.guard.ask(Intent::Quit);
        }
    }

    /// Takes the answer of a person who was asked.
    pub(super) fn take_answer(&mut self, answer: Answer, ctx: &egui::Context, now: f64) {
        match self.guard.answer(answer) {
            Next::Save => match self.document.unsavable() {
                None => self.save_design(false),
                Some(reason) => {
                    self.guard.not_saved();
                    self.fail(format!("Not saved, for the design is not valid: {reason}."));
                }
            },
            Next::Go(intent) => self.go(intent, ctx, now),
            Next::Stay => {}
        }
    }

    /// Goes on with what waited for a save.
    pub(super) fn go_on_after_save(&mut self, ctx: &egui::Context, now: f64) {
        if let Some(intent) = self.guard.saved(!self.document.has_unsaved_design()) {
            self.go(intent, ctx, now);
        }
    }

    fn go(&mut self, intent: Intent, ctx: &egui::Context, now: f64) {
        match intent {
            Intent::New => {
                if let Some(design) = zoo::preset(FIRST_DESIGN) {
                    self.edit(&Edit::Replace(Box::new(design)), now);
                    self.tabs.shown = Tab::Design;
                }
            }
            Intent::Open(path) => self.open(Place::Document, path),
            Intent::Quit => {
                self.is_leaving = true;
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
        }
    }
}
