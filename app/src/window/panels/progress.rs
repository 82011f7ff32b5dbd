//! How far a long measurement is, how long it still takes, and the way to stop it.

use eframe::egui;
use egui::{ProgressBar, RichText, Role, Ui};

use crate::window::bench::Owner;
use crate::window::command::{Command, Commands};
use crate::window::scene::Scene;
use crate::window::theme::Palette;
use crate::window::widgets::named;

/// Paints progress and cancel while this owner measures; says who else does while that is so.
pub fn show(ui: &mut Ui, scene: Scene<'_>, owner: Owner, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let muted = |ui: &mut Ui, text: String| {
        ui.add(egui::Label::new(RichText::new(text).color(palette.muted)).truncate());
    };
    let Some(standing) = scene.bench.standing() else { return };
    if standing.owner != owner {
        return muted(ui, format!("{} is measuring; one thing is measured at a time", standing.owner.name()));
    }
    let cancel = ui.button("Cancel").on_hover_text("Stop at once (Esc); what is finished is kept");
    if named(cancel, Role::Button, "Cancel run").clicked() {
        commands.push(Command::StopRun(owner));
    }
    let left = standing.left.map_or_else(|| "time left not known yet".into(), |left| format!("{} left", rough(left)));
    let percent = standing.fraction * 100.0;
    let bar = ui.add(ProgressBar::new(standing.fraction).desired_width(150.0).desired_height(9.0));
    named(bar, Role::ProgressIndicator, &format!("run {percent:.0} %, {left}"));
    if let Some(behind) = &standing.behind {
        let of = format!("{} ({} of {})", standing.name, standing.step, standing.steps);
        return muted(ui, format!("Waiting for {behind} to finish measuring on this device: {of}"));
    }
    muted(
        ui,
        format!(
            "{percent:.0} %, {left}: {} ({} of {}). Live measuring rests meanwhile.",
            standing.name, standing.step, standing.steps
        ),
    );
}

/// Whole seconds or minutes: more would only flicker.
pub fn rough(time: shufflescope_engine::units::Nanos) -> String {
    let seconds = time.as_secs_f64().ceil() as u64;
    if seconds < 100 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) }
}
