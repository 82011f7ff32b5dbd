//! The menu of everything that can be taken elsewhere.

use eframe::egui;
use egui::{Button, RichText, Role, Ui};
use shufflescope_engine::report::Format;

use crate::export::{Export, ResultForm};
use crate::window::command::{Command, Commands, keys_of, no_kernels};
use crate::window::format;
use crate::window::live::Freshness;
use crate::window::scene::Scene;
use crate::window::theme::Palette;
use crate::window::widgets::named;

/// Paints the menu's button, and the menu while it is open.
pub fn show(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let menu = ui.menu_button("Export", |ui| {
        ui.set_min_width(300.0);
        let palette = Palette::current(ui);
        let quiet = |ui: &mut Ui, text: &str| {
            ui.add(egui::Label::new(RichText::new(text).small().color(palette.muted)).wrap());
        };
        quiet(ui, &latency(scene));
        if !scene.document.errors().is_empty() {
            quiet(ui, "This is not valid now: exports are of the last valid network.");
        }
        ui.separator();
        for format in Format::ALL {
            let missing = (format == Format::Trace).then(|| no_kernels(scene)).flatten();
            item(ui, Export::Profile(format), missing, commands);
            if let Some(reason) = missing {
                quiet(ui, reason);
            }
        }
        ui.separator();
        let own = scene.document.valid().model.has_weights();
        quiet(ui, if own { "Models; weights are the opened file's" } else { "Models; weights are random (seeded)" });
        for model in Export::MODELS {
            item(ui, model, None, commands);
        }
        ui.separator();
        let missing = scene.camera_run().err();
        for form in ResultForm::ALL {
            let about = format!("camera run ({})", form.name());
            let hint = "The recorded run of this network behind a camera: rates and times per stage";
            line(ui, (&about, hint, form.ending().to_owned()), missing, Command::ExportRun(form), commands);
        }
        if let Some(reason) = missing {
            quiet(ui, reason);
        }
        if let Some(folder) = scene.export_folder {
            ui.separator();
            quiet(ui, &format!("Last exported to {}", folder.display()));
        }
    });
    let button = menu.response.on_hover_text("Write the design, its costs and its latency for use elsewhere");
    named(button, Role::Button, "Export");
}

fn item(ui: &mut Ui, what: Export, missing: Option<&str>, commands: &mut Commands) {
    let about = what.about();
    let ending = || what.endings().first().copied().unwrap_or_default().to_owned();
    let right = keys_of(ui.ctx(), &Command::ExportDialog(what)).unwrap_or_else(ending);
    line(ui, (about, what.hint(), right), missing, Command::ExportDialog(what), commands);
}

/// A line of the menu: what is written, what it is good for, and its keys or its ending; greyed where it is missing.
fn line(
    ui: &mut Ui,
    (about, hint, right): (&str, &str, String),
    missing: Option<&str>,
    command: Command,
    commands: &mut Commands,
) {
    let button = Button::new(capitalised(about)).shortcut_text(right);
    let response = ui.add_enabled(missing.is_none(), button).on_hover_text(hint);
    let response = response.on_disabled_hover_text(missing.unwrap_or_default());
    if named(response, Role::Button, &format!("Export {about}")).clicked() {
        commands.push(command);
    }
}

/// What profiles will say about time.
fn latency(scene: Scene<'_>) -> String {
    match scene.live.result() {
        Some((measured, freshness)) if freshness.is_current() => {
            let so_far = if freshness == Freshness::Partial { " (so far)" } else { "" };
            format!(
                "With the latency of {} ±{}{so_far}",
                measured.whole.median,
                format::share(measured.whole.half_width())
            )
        }
        Some(_) => "Without latency: the last one is stale".into(),
        None => "Without latency: not measured yet".into(),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
