//! The *Lab* tab: what can be measured on the left, the chosen result on the right. What the paper prints stands there at
//! once, ours beside it as it is measured.

mod columns;
mod entry;
mod experiment;
mod figure_1;
mod figure_2;
mod list;
mod marks;
mod resolutions;
mod sweep;
mod zoo;

use eframe::egui;
use egui::{Label, Margin, Panel, RichText, Role, ScrollArea, Ui};
use shufflescope_engine::units::Nanos;

pub use entry::{Entry, LabView};

use super::progress;
use crate::export::ResultForm;
use crate::window::bench::Owner;
use crate::window::command::{Command, Commands};
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::{Bar, named};

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
        if scene.bench.standing().is_some() {
            ui.horizontal(|ui| progress::show(ui, scene, Owner::Lab, commands));
        }
        for failure in scene.lab.failures().iter().take(3) {
            ui.add(Label::new(RichText::new(failure).small().color(palette.error)).truncate()).on_hover_text(failure);
        }
        ui.add_space(theme::GAP);
        match view.entry {
            Entry::Experiment(experiment) => experiment::show(ui, scene, experiment, view, commands),
            Entry::Zoo => zoo::show(ui, scene, view, commands),
            Entry::Figure2 => figure_2::show(ui, scene, commands),
            Entry::Resolutions => resolutions::show(ui, scene, view, commands),
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

/// The bar of a network's rate over the first one's, of median, low and high time of both. They were measured one after the
/// other: the ratio's interval has the ends of both of theirs.
fn beside(is_first: bool, [row, first]: [Option<[Nanos; 3]>; 2], has_failed: bool) -> Bar {
    match (row, first) {
        (None, _) if has_failed => Bar::here(Err("failed"), None),
        (None, _) => Bar::here(Err("not measured yet"), None),
        (Some(_), _) if is_first => Bar::here(Ok(1.0), None),
        (Some(_), None) => Bar::here(Err("the first row is not measured yet"), None),
        (Some([median, low, high]), Some([first, first_low, first_high])) => {
            let over = |time: Nanos, of: Nanos| of.as_f64() / time.as_f64().max(1.0);
            Bar::here(Ok(over(median, first)), Some([over(high, first_low), over(low, first_high)]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_networks_bar_is_its_rate_over_the_first_ones_with_an_interval_that_holds_both_of_theirs() {
        let (first, row) = (Some([10, 9, 11].map(Nanos)), Some([20, 18, 22].map(Nanos)));
        let bar = beside(false, [row, first], false);
        assert_eq!(bar.ratio, Ok(0.5));
        let [low, high] = bar.interval.unwrap();
        assert!((low - 9.0 / 22.0).abs() < 1e-9 && (high - 11.0 / 18.0).abs() < 1e-9, "{bar:?}");
        assert_eq!(beside(true, [first, first], false), Bar::here(Ok(1.0), None));
        assert_eq!(beside(false, [row, None], false).ratio, Err("the first row is not measured yet"));
        assert_eq!(beside(false, [None, first], false).ratio, Err("not measured yet"));
        assert_eq!(beside(false, [None, first], true).ratio, Err("failed"));
    }
}
