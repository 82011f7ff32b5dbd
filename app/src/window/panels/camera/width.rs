//! The demo network's width under a slider: latency, rate, answers and accuracy change as it is dragged.

use eframe::egui;
use egui::{Role, Slider, Ui};
use shufflescope_engine::design::{Edit, Stage, StageEdit};
use shufflescope_engine::training::demo_at;

use super::note;
use crate::window::command::Commands;
use crate::window::scene::Scene;
use crate::window::widgets::{choice, named};

/// Paints it where the demo's network is in hand and its weights work at every width.
pub(super) fn show(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let table = scene.camera.demo_widths();
    if table.is_empty() {
        return;
    }
    let Some(design) = scene.document.valid().model.design() else { return };
    let Some(width) = demo_at::width_of(design) else { return };
    let mut wanted = width;
    let slider = Slider::new(&mut wanted, 0.25..=1.0).step_by(1.0 / 32.0).fixed_decimals(2).text("width");
    named(ui.add(slider), Role::Slider, "demo width")
        .on_hover_text("Of the demo's network: every width knows the shapes");
    let marks: Vec<(f64, String)> = table.iter().map(|(width, _)| (*width, width.to_string())).collect();
    let marks: Vec<(f64, &str)> = marks.iter().map(|(width, text)| (*width, text.as_str())).collect();
    wanted = choice(ui, "demo width", &marks, Some(width)).unwrap_or(wanted);
    let latency = scene.camera.report().and_then(|report| report.statistics.stages.infer);
    let latency = latency.map_or_else(|| "not timed yet".into(), |times| times.p50.to_string());
    let accuracy = table.iter().find(|(of, _)| *of == width).map(|(_, accuracy)| accuracy);
    match accuracy {
        Some(accuracy) => note(ui, &format!("{width}x: {latency}, accuracy {}", accuracy.in_full())),
        None => note(ui, &format!("{width}x: {latency}; accuracy is measured at the marked widths")),
    }
    if demo_at::nearest(wanted) != width {
        // Channels alone, so that one drag is one step to undo.
        let stages = demo_at::design(wanted).stages;
        let channels = |(stage, of): (usize, &Stage)| Edit::Stage { stage, change: StageEdit::Channels(of.channels) };
        commands.edit(Edit::All(stages.iter().enumerate().map(channels).collect()));
    }
}
