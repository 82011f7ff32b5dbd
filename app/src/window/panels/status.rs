//! The bar at the bottom: what runs where, how quiet the machine is, and how far the measurement is.

use eframe::egui;
use egui::{Align, Layout, ProgressBar, RichText, Role, Ui};
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::measure::Measurement;
use shufflescope_engine::report::threads;
use shufflescope_engine::runtime::RunOptions;

use super::design::about_device;
use crate::target::Target;
use crate::window::command::{Command, Commands, keys_of};
use crate::window::format;
use crate::window::live::{Freshness, Phase};
use crate::window::scene::Scene;
use crate::window::theme::Palette;
use crate::window::widgets::named;

/// Paints the bar.
pub fn show(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        progress(ui, scene, commands);
        ui.separator();
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| conditions(ui, scene));
    });
}

fn conditions(ui: &mut Ui, scene: Scene<'_>) {
    let palette = Palette::current(ui);
    let options = scene.document.valid_options();
    let result = scene.live.result();
    // How many of them run is known once it is measured.
    let is_of_these = |measurement: &Measurement| measurement.threads_asked == options.threads;
    let measured = result.filter(|(measurement, freshness)| freshness.is_current() && is_of_these(measurement));
    let chosen = measured.and_then(|(measurement, _)| threads(measurement));
    let why =
        chosen.as_ref().map(|chosen| format!("\n{} threads: {}", chosen.value, chosen.detail)).unwrap_or_default();
    let threads = match chosen {
        Some(chosen) => format!("{} threads", chosen.value),
        None if options.threads == 1 => "1 thread".to_owned(),
        None => format!("{} threads", options.threads),
    };
    let RunOptions { device, runtime, precision, batch, .. } = &options;
    let place = match scene.targets.current() {
        Target::Here => String::new(),
        remote @ Target::Ssh(_) => format!("{remote} · "),
    };
    let what = format!("{place}{device} · {runtime}{} · {threads} · batch {batch}", precision.remark());
    ui.add(egui::Label::new(RichText::new(what).color(palette.text)).truncate())
        .on_hover_text(hardware(scene, *device) + &why);
    let canary = result.and_then(|(measurement, _)| measurement.canary.drift);
    let canary = canary.map_or_else(|| "unknown".into(), format::change);
    ui.separator();
    muted(ui, &format!("canary {canary}"), palette).on_hover_text(
        "How far a fixed piece of work strayed from its first time during the last measurement. \
         It tells changes of the processor's clock and noisy neighbours.",
    );
    let load = result.and_then(|(measurement, _)| measurement.conditions.others_cpu_share);
    let load = load.map_or_else(|| "unknown".into(), format::share);
    ui.separator();
    muted(ui, &format!("load {load}"), palette)
        .on_hover_text("Share of the processor that other programs used during the last measurement");
    if let Some((measurement, freshness)) = result {
        warnings(ui, measurement, freshness, palette);
    }
}

/// The name of what is measured on, and what else is known of it.
fn hardware(scene: Scene<'_>, device: DeviceId) -> String {
    let info = scene.surroundings.device(device);
    match info.and_then(|info| Some((info, info.name.as_ref()?))) {
        Some((_, name)) if device == DeviceId::Cpu => name.clone(),
        Some((info, name)) => format!("{name} ({})", info.facts()),
        None if device == DeviceId::Cpu => "The processor does not tell its name".into(),
        None => about_device(device).into(),
    }
}

fn warnings(ui: &mut Ui, measurement: &Measurement, freshness: Freshness, palette: Palette) {
    let warnings = &measurement.warnings;
    if warnings.is_empty() || freshness != Freshness::Final {
        return;
    }
    ui.separator();
    let title = match warnings.len() {
        1 => "1 warning".to_owned(),
        many => format!("{many} warnings"),
    };
    let list = |ui: &mut Ui| {
        ui.set_max_width(460.0);
        ui.with_layout(Layout::top_down(Align::Min), |ui| {
            for warning in warnings {
                ui.add(egui::Label::new(format!("\u{2022} {warning}")).wrap().halign(Align::Min));
            }
        });
    };
    let menu = ui.menu_button(RichText::new(title).color(palette.warn), list);
    if !menu.response.clicked() && menu.inner.is_none() {
        menu.response.on_hover_ui(list);
    }
}

fn progress(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let live = scene.live;
    let keys = |command: &Command| keys_of(ui.ctx(), command).unwrap_or_default();
    let (toggle_keys, cancel_keys) = (keys(&Command::ToggleLive), keys(&Command::Cancel));
    let (text, hint) = if live.is_enabled() {
        ("Live", format!("Every edit is measured. Click to stop that ({toggle_keys})."))
    } else {
        ("Live off", format!("Edits are not measured. Click to measure them ({toggle_keys})."))
    };
    let button = egui::Button::selectable(live.is_enabled(), text).frame_when_inactive(true);
    let toggle = ui.add(button).on_hover_text(hint);
    if named(toggle, Role::Button, "Live measuring").clicked() {
        commands.push(Command::ToggleLive);
    }
    if live.phase().is_busy() {
        let cancel = ui.button("Cancel").on_hover_text(format!("Stop this measurement ({cancel_keys})"));
        if named(cancel, Role::Button, "Cancel measuring").clicked() {
            commands.push(Command::Cancel);
        }
    } else if live.result().is_none_or(|(_, freshness)| freshness != Freshness::Final) || !live.is_enabled() {
        let again = ui.button("Measure").on_hover_text("Measure the present design now");
        if named(again, Role::Button, "Measure now").clicked() {
            commands.push(Command::MeasureAgain);
        }
    } else if !live.is_rigorous() {
        let hint = "Measure in rigorous mode: several fresh processes, 8 to 30 s, to know the median within 1 %";
        let refine = ui.button("Refine").on_hover_text(hint);
        if named(refine, Role::Button, "Refine measurement").clicked() {
            commands.push(Command::Refine);
        }
    }
    match live.phase() {
        Phase::Idle => {
            let text = match live.result() {
                Some((measurement, Freshness::Final)) => {
                    format!("{}, {} runs", measurement.mode, measurement.whole.samples)
                }
                _ => "not measured".into(),
            };
            muted(ui, &text, palette);
        }
        Phase::Queued(behind) => {
            muted(ui, "waiting for another measurement", palette)
                .on_hover_text(format!("One measurement at a time: {behind} measures on this device"));
        }
        Phase::Waiting | Phase::Preparing => {
            muted(ui, "preparing", palette);
        }
        Phase::Sampling { fraction, left } => {
            let name = format!("measuring {:.0} %, {left} left", fraction * 100.0);
            let bar = ui.add(ProgressBar::new(*fraction).desired_width(110.0).desired_height(8.0));
            named(bar, Role::ProgressIndicator, &name);
            muted(ui, &format!("measuring, {left} left"), palette);
        }
        Phase::Stopped => {
            muted(ui, "stopped", palette);
        }
        Phase::Resting if scene.camera.is_running() => {
            let hint = "Measuring would be disturbed and would disturb: it goes on when the camera is stopped";
            muted(ui, "paused while the camera runs", palette).on_hover_text(hint);
        }
        Phase::Resting if scene.targets.is_measuring() => {
            muted(ui, "resting while targets measure", palette)
                .on_hover_text("The present network is measured side by side on several targets");
        }
        Phase::Resting => {
            muted(ui, "resting while a tab measures", palette)
                .on_hover_text("Compare, the Lab or Explore measures; this goes on when it is done");
        }
        Phase::Failed(_) => {
            ui.label(RichText::new("failed").color(palette.error));
        }
    }
}

fn muted(ui: &mut Ui, text: &str, palette: Palette) -> egui::Response {
    ui.label(RichText::new(text).color(palette.muted))
}
