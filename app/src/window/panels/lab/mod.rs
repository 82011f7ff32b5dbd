//! The *Lab* tab: what can be measured on the left, the chosen result on the right.

mod columns;
mod entry;
mod experiment;
mod figure_2;
mod list;
mod resolutions;
mod sweep;
mod zoo;

use eframe::egui;
use egui::{Label, Margin, Panel, RichText, Role, ScrollArea, Ui};

pub use entry::{Entry, LabView};

use super::progress;
use crate::export::ResultForm;
use crate::window::bench::Owner;
use crate::window::command::{Command, Commands};
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::named;

/// Paints the tab.
pub fn show(ui: &mut Ui, scene: Scene<'_>, view: &mut LabView, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let side = palette.panel_frame(Margin { left: 12, right: 6, top: 10, bottom: 8 });
    Panel::left("lab list").frame(side).resizable(false).exact_size(236.0).show(ui, |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| list::show(ui, scene, view, commands));
    });
    let frame = egui::Frame::new().fill(palette.background).inner_margin(Margin::symmetric(12, 10));
    egui::CentralPanel::no_frame().frame(frame).show(ui, |ui| {
        ui.add(Label::new(RichText::new(view.entry.title()).size(16.0).strong().color(palette.strong)).truncate());
        ui.add(Label::new(RichText::new(view.entry.about()).small().color(palette.muted)).wrap());
        ui.horizontal(|ui| progress::show(ui, scene, Owner::Lab, commands));
        for failure in scene.lab.failures().iter().take(3) {
            ui.add(Label::new(RichText::new(failure).small().color(palette.error)).truncate()).on_hover_text(failure);
        }
        ui.add_space(theme::GAP);
        match view.entry {
            Entry::Experiment(experiment) => experiment::show(ui, scene, experiment, view.scale, commands),
            Entry::Zoo => zoo::show(ui, scene, view, commands),
            Entry::Figure2 => figure_2::show(ui, scene),
            Entry::Resolutions => resolutions::show(ui, scene, view),
            Entry::Sweep => sweep::show(ui, scene, view, commands),
        }
    });
}

/// When and how a result was taken, and whether that is as of now.
fn conditions(ui: &mut Ui, scene: Scene<'_>, about: &str, is_current: bool) {
    let palette = Palette::current(ui);
    let (text, color) = if is_current {
        (format!("Measured {about}"), palette.muted)
    } else {
        let now = scene.document.valid_options();
        (format!("stale: measured {about}. Now it would run on {now}."), palette.warn)
    };
    let label = ui.add(Label::new(RichText::new(&text).small().color(color)).truncate());
    named(label, Role::Label, &text).on_hover_text(&text);
}

/// The buttons that write a result elsewhere.
fn exports(ui: &mut Ui, name: &str, commands: &mut Commands, text: impl Fn(ResultForm) -> String) {
    for form in ResultForm::ALL {
        let button = ui.small_button(form.name()).on_hover_text(format!("Export this result as {}", form.name()));
        if named(button, Role::Button, &format!("Export result as {}", form.name())).clicked() {
            commands.push(Command::ExportText(name.to_owned(), form, text(form)));
        }
    }
}
