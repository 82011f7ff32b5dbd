//! What the design runs on: device, runtime, threads, batch.

use eframe::egui;
use egui::{Role, Ui};
use shufflescope_engine::design::Field;
use shufflescope_engine::runtime::{RunOptions, Runtime};

use crate::window::command::{Command, Commands};
use crate::window::scene::Scene;
use crate::window::theme::Palette;
use crate::window::widgets::{named, number, problem, row};

/// Paints the settings.
pub fn show(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let options = scene.document.options();
    let mut run = |options: RunOptions| commands.push(Command::Run(options));
    row(ui, "device", |ui| {
        let combo = egui::ComboBox::from_id_salt("device")
            .selected_text(options.device.to_string())
            .width(ui.available_width());
        let response = combo.show_ui(ui, |ui| {
            for info in scene.surroundings.devices() {
                let name =
                    info.name.as_ref().map_or_else(|| info.id.to_string(), |name| format!("{}  {name}", info.id));
                let on = info.id == options.device;
                let button = egui::Button::selectable(on, name).truncate();
                let mut response = ui.add_enabled(info.is_available(), button);
                if let Some(reason) = &info.unavailable {
                    response = response.on_disabled_hover_text(reason);
                }
                if response.clicked() && !on {
                    let runtime =
                        if options.runtime.runs_on(info.id) { options.runtime } else { Runtime::default_on(info.id) };
                    run(RunOptions { device: info.id, runtime, ..options.clone() });
                }
            }
        });
        named(response.response, Role::ComboBox, "device");
    });
    row(ui, "runtime", |ui| {
        let combo =
            egui::ComboBox::from_id_salt("runtime").selected_text(options.runtime.name()).width(ui.available_width());
        let response = combo.show_ui(ui, |ui| {
            for runtime in Runtime::ALL {
                let on = runtime == options.runtime;
                let button = egui::Button::selectable(on, runtime.name());
                let response = ui
                    .add_enabled(runtime.runs_on(options.device), button)
                    .on_hover_text(about(runtime))
                    .on_disabled_hover_text(format!("Has no kernels for {}", options.device));
                if response.clicked() && !on {
                    run(RunOptions { runtime, ..options.clone() });
                }
            }
        });
        named(response.response, Role::ComboBox, "runtime");
    });
    let wrong = scene.document.error(Field::Batch);
    row(ui, "threads", |ui| {
        let combo = egui::ComboBox::from_id_salt("threads")
            .selected_text(options.threads.to_string())
            .width(54.0)
            .height(300.0);
        let response = combo.show_ui(ui, |ui| {
            for threads in 1..=scene.surroundings.most_threads().max(options.threads) {
                let on = threads == options.threads;
                if ui.selectable_label(on, threads.to_string()).clicked() && !on {
                    run(RunOptions { threads, ..options.clone() });
                }
            }
        });
        named(response.response, Role::ComboBox, "threads");
        ui.label(egui::RichText::new("batch").color(Palette::current(ui).muted));
        let width = ui.available_width().min(60.0);
        if let Some(batch) = number(ui, "batch", options.batch, width, 0.1, wrong.is_some()) {
            run(RunOptions { batch: batch.value, ..options.clone() });
        }
    });
    problem(ui, wrong);
}

const fn about(runtime: Runtime) -> &'static str {
    match runtime {
        Runtime::Tuned => "Our own kernels: batch norm folded, layers fused",
        Runtime::Candle => "Stock Candle operations, one kernel per layer",
    }
}
