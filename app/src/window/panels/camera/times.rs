//! Rates, stage times, ages and drops; the latency at the camera's pace beside the one back to back.

use eframe::egui;
use egui::{Align, Grid, Layout, ProgressBar, RichText, Role, Ui};
use shufflescope_engine::units::Nanos;

use super::{colored, note};
use crate::camera::{Quantiles, Stage};
use crate::export::ResultForm;
use crate::window::camera::Recording;
use crate::window::command::{Command, Commands, keys_of};
use crate::window::format::three_digits;
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::named;
use crate::worker::CameraReport;

/// Paints the numbers.
pub(super) fn show(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let none = CameraReport::default();
    let CameraReport { statistics, status, .. } = scene.camera.report().unwrap_or(&none);
    let rate = |rate: Option<f64>| rate.map_or_else(|| "\u{2013}".into(), three_digits);
    table(ui, "camera rates", &["per second", ""], |ui| {
        line(ui, "frames", "Frames that go all the way", [rate(statistics.rate), String::new()]);
        line(ui, "camera", "Frames that the source gives", [rate(statistics.camera_rate), String::new()]);
    });
    table(ui, "camera stages", &["p50", "p90"], |ui| {
        for (stage, times) in statistics.stages.each() {
            let (name, about) = words(stage);
            line(ui, name, about, both(times));
        }
        line(ui, "age", "How old a frame is when it is shown", both(statistics.age));
    });
    let counted = format!("{} frames, {} dropped, {} unseen", status.frames, status.dropped, statistics.unseen);
    note_about(
        ui,
        &counted,
        "Dropped: a newer frame came before the network was free. Unseen: a newer one was ready before it was painted.",
    );
    if status.skipped + status.reconnects > 0 {
        note(ui, &format!("{} unusable, {} reconnects", status.skipped, status.reconnects));
    }
    ui.add_space(theme::GAP);
    latency(ui, scene, statistics.stages.infer, commands);
}

/// The network alone, paced and back to back.
fn latency(ui: &mut Ui, scene: Scene<'_>, paced: Option<Quantiles>, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let document = scene.document;
    let options = document.valid_options();
    let recorded = scene.camera.recorded(&document.valid().fingerprint, &options);
    ui.label(RichText::new("The network's latency").color(palette.strong));
    let measured = scene.live.current().filter(|measurement| measurement.batch == 1);
    table(ui, "camera latency", &["p50", "p90"], |ui| {
        line(
            ui,
            "paced",
            "One frame, then a pause until the next: caches and clocks cool down, as in use",
            both(paced),
        );
        if let Some(run) = recorded {
            let times = [run.infer.p50, run.infer.p90].map(|time| time.to_string());
            line(ui, "recorded", "Paced, of the recorded run", times);
        }
        let whole = measured.map(|measurement| measurement.whole);
        let shown = |time: Option<Nanos>| time.map_or_else(|| "\u{2013}".into(), |time| time.to_string());
        let times = [shown(whole.map(|whole| whole.median)), shown(whole.and_then(|whole| whole.p90))];
        line(ui, "back to back", "One run after the other without a pause, as the design tab measures", times);
    });
    match (measured, scene.live.is_held()) {
        (None, true) => note(ui, "Back to back is measured when the camera is stopped: measuring is paused."),
        (None, false) if options.batch != 1 => note(ui, "Back to back is compared at batch 1."),
        (_, true) => note(ui, "Live measuring is paused while the camera runs."),
        _ => {}
    }
    match scene.camera.recording() {
        Some(Recording::Running { fraction }) => {
            let bar = ui.add(ProgressBar::new(*fraction).desired_height(8.0));
            named(bar, Role::ProgressIndicator, &format!("recording {:.0} %", 100.0 * fraction));
        }
        Some(Recording::Done { .. }) => match recorded {
            Some(run) => {
                let text = format!(
                    "Recorded {} frames in {:.1} s at {} per second. An exported profile has them.",
                    run.frames,
                    run.seconds,
                    three_digits(run.frames_per_second)
                );
                note(ui, &text);
                export(ui, commands);
            }
            None => note(ui, "The recorded run is of another design."),
        },
        Some(Recording::Failed(reason)) => colored(ui, reason, palette.warn),
        None => {}
    }
}

/// The recorded run in the forms of every result, and in the profile of its network.
fn export(ui: &mut Ui, commands: &mut Commands) {
    use shufflescope_engine::report::Format;
    ui.horizontal_wrapped(|ui| {
        let export = Command::ExportDialog(crate::window::Export::Profile(Format::Json));
        let keys = keys_of(ui.ctx(), &export).unwrap_or_default();
        let hint = format!("Save the profile with this run ({keys})");
        let button = ui.small_button("Export profile").on_hover_text(hint);
        if named(button, Role::Button, "Export profile with run").clicked() {
            commands.push(export);
        }
        for form in ResultForm::ALL {
            let button = ui.small_button(form.name()).on_hover_text(format!("Export this run as {}", form.name()));
            if named(button, Role::Button, &format!("Export run as {}", form.name())).clicked() {
                commands.push(Command::ExportRun(form));
            }
        }
    });
}

/// A stage's name, and what is in it.
const fn words(stage: Stage) -> (&'static str, &'static str) {
    match stage {
        Stage::Wait => ("wait", "Until a frame came: the camera is slower than the rest, where this is long"),
        Stage::Decode => ("decode", "From the camera's format to RGB"),
        Stage::Resize => ("resize", "Resize, crop and normalisation"),
        Stage::Infer => ("infer", "The network"),
        Stage::Show => ("show", "From being ready to being on the screen"),
    }
}

fn both(times: Option<Quantiles>) -> [String; 2] {
    match times {
        Some(Quantiles { p50, p90 }) => [p50, p90].map(|time| time.to_string()),
        None => ["\u{2013}".into(), "\u{2013}".into()],
    }
}

fn table(ui: &mut Ui, id: &str, columns: &[&str; 2], rows: impl FnOnce(&mut Ui)) {
    let muted = Palette::current(ui).muted;
    let width = ((ui.available_width() - 96.0) / 2.0 - ui.spacing().item_spacing.x).max(40.0);
    Grid::new(id).num_columns(3).min_col_width(width).spacing(vec(ui)).show(ui, |ui| {
        ui.label("");
        for column in columns {
            right(ui, RichText::new(*column).small().color(muted));
        }
        ui.end_row();
        rows(ui);
    });
}

fn vec(ui: &Ui) -> egui::Vec2 {
    egui::vec2(ui.spacing().item_spacing.x, 1.0)
}

fn line(ui: &mut Ui, name: &str, about: &str, values: [String; 2]) {
    let palette = Palette::current(ui);
    let spoken = format!("{name} {}", values.join(" "));
    let label = ui.label(RichText::new(name).color(palette.muted)).on_hover_text(about);
    named(label, Role::Label, spoken.trim());
    for value in values {
        right(ui, RichText::new(value).color(palette.strong));
    }
    ui.end_row();
}

fn right(ui: &mut Ui, text: RichText) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.label(text));
}

fn note_about(ui: &mut Ui, text: &str, about: &str) {
    let muted = Palette::current(ui).muted;
    ui.add(egui::Label::new(RichText::new(text).small().color(muted)).wrap()).on_hover_text(about);
}
