//! What this program is made of: versions, devices and drivers, licences.

use eframe::egui;
use egui::{Id, Key, Label, Modal, Modifiers, RichText, Role, ScrollArea, TextStyle, Ui};
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::runtime::{Runtime, built_in};

use crate::window::command::{Command, Commands};
use crate::window::scene::Scene;
use crate::window::surroundings::Surroundings;
use crate::window::theme::{self, Palette};
use crate::window::widgets::named;

/// The licences of all that is built in: made by `assets/licences.py`.
const LICENCES: &str = include_str!("../../../../../assets/licences.txt");

/// Height of the licences, and of everything around them.
const LEAST_HEIGHT: f32 = 120.0;
const MOST_HEIGHT: f32 = 460.0;
const AROUND: f32 = 200.0;

/// Whether the licences are shown, in place of the versions.
#[derive(Debug, Default)]
pub struct About {
    licences: bool,
}

/// Paints it.
pub fn show(ui: &Ui, scene: Scene<'_>, about: &mut About, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let escaped = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape));
    let modal = Modal::new(Id::unique("about")).show(ui.ctx(), |ui| {
        ui.set_width((ui.ctx().content_rect().width() - 80.0).min(620.0));
        ui.label(RichText::new("ShuffleScope").size(18.0).strong().color(palette.strong));
        let versions = versions(scene.surroundings);
        let licence = "ShuffleScope is free software under the MIT licence or the Apache licence 2.0, as you choose.";
        let say = |ui: &mut Ui, text: &str| drop(ui.add(Label::new(RichText::new(text).color(palette.text)).wrap()));
        if about.licences {
            say(ui, licence);
            licences(ui, palette);
        } else {
            versions.iter().for_each(|line| say(ui, line));
            ui.add_space(theme::GAP);
            say(ui, licence);
        }
        ui.add_space(theme::GAP);
        let mut is_closed = false;
        ui.horizontal(|ui| {
            if named(ui.button("Copy"), Role::Button, "Copy versions").clicked() {
                ui.ctx().copy_text(versions.join("\n"));
            }
            let text = if about.licences { "Versions" } else { "Licences" };
            if named(ui.button(text), Role::Button, "Licences of all parts").clicked() {
                about.licences = !about.licences;
                ui.ctx().request_repaint();
            }
            is_closed = named(ui.button("Close"), Role::Button, "Close About").clicked();
        });
        is_closed
    });
    if modal.inner || escaped || modal.backdrop_response.clicked() {
        commands.push(Command::ShowOver(None));
    }
}

/// The program, its compiler, and every device with its driver where that is known.
fn versions(surroundings: &Surroundings) -> Vec<String> {
    let mut lines = vec![
        format!("Version {}", env!("CARGO_PKG_VERSION")),
        format!("Built with {} for {} on {}", env!("SHUFFLESCOPE_RUSTC"), std::env::consts::OS, std::env::consts::ARCH),
        format!("Backends: {}", backends().join("; ")),
    ];
    if let Some(machine) = surroundings.machine() {
        lines.push(format!("Candle {}, {} build for {}", machine.candle, machine.build, machine.target));
        let system: Vec<&str> = [&machine.os, &machine.os_version].into_iter().flatten().map(String::as_str).collect();
        lines.push(format!("{}; instruction sets: {}", system.join(" "), machine.instruction_sets.join(" ")));
    }
    lines.extend(surroundings.devices().iter().map(|info| {
        let name = info.name.as_deref().unwrap_or("name unknown");
        let facts = match &info.unavailable {
            Some(reason) => format!("cannot be used: {reason}"),
            None => info.facts(),
        };
        let facts = if facts.is_empty() { facts } else { format!(" ({facts})") };
        format!("{}: {name}{facts}", info.id)
    }));
    lines
}

/// What runs networks in this build: `tuned on the processor and on CUDA`.
fn backends() -> Vec<String> {
    let of = |runtime: Runtime| {
        let places: Vec<&str> =
            built_in().filter(|(other, _)| *other == runtime).map(|(_, device)| place(device)).collect();
        (!places.is_empty()).then(|| format!("{runtime} on {}", places.join(", ")))
    };
    Runtime::ALL.into_iter().filter_map(of).collect()
}

/// Where a device of this kind is reached.
const fn place(device: DeviceId) -> &'static str {
    match device {
        DeviceId::Cpu => "the processor",
        DeviceId::Gpu(_) | DeviceId::SoftwareGpu => "graphics cards (wgpu)",
        DeviceId::Cuda(_) => "CUDA",
        DeviceId::Metal(_) => "Metal",
    }
}

/// The text of all licences; only the lines in sight are painted.
fn licences(ui: &mut Ui, palette: Palette) {
    let lines: Vec<&str> = LICENCES.lines().collect();
    let height = ui.text_style_height(&TextStyle::Small);
    let high = (ui.ctx().content_rect().height() - AROUND).clamp(LEAST_HEIGHT, MOST_HEIGHT);
    let area = ScrollArea::both().max_height(high).min_scrolled_height(high).auto_shrink(false);
    area.show_rows(ui, height, lines.len(), |ui, rows| {
        for line in lines.get(rows).into_iter().flatten() {
            ui.add(Label::new(RichText::new(*line).small().color(palette.muted)).extend());
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backends_named_are_those_that_are_built_in() {
        let said = backends();
        for runtime in Runtime::ALL {
            let line = said.iter().find(|line| line.starts_with(&format!("{runtime} on the processor"))).unwrap();
            for device in [DeviceId::Cpu, DeviceId::Gpu(0), DeviceId::Cuda(0), DeviceId::Metal(0)] {
                let has = built_in().any(|built| built == (runtime, device));
                assert_eq!(line.contains(place(device)), has, "{device}: {line}");
            }
        }
    }

    #[test]
    fn the_licences_name_every_package_that_is_built_in() {
        let lock: toml::Table = include_str!("../../../../../Cargo.lock").parse().unwrap();
        let named: std::collections::BTreeSet<&str> =
            LICENCES.lines().filter_map(|line| line.strip_prefix("* ")?.split_whitespace().next()).collect();
        let packages = lock["package"].as_array().unwrap().iter();
        let from_elsewhere = packages.filter(|package| package.get("source").is_some());
        let missing: Vec<&str> = from_elsewhere
            .filter_map(|package| package["name"].as_str())
            .filter(|name| !named.contains(name))
            .collect();
        assert!(missing.is_empty(), "run assets/licences.py: {missing:?}");
        let text = LICENCES.to_lowercase();
        for licence in ["sil open font license", "ubuntu font licence", "apache license", "bitstream vera"] {
            assert!(text.contains(licence), "fonts and icons: {licence}");
        }
    }
}
