//! A short tour of the window: one card after another, beside what it is about. Everything can be used meanwhile.

use eframe::egui;
use egui::{Align2, Area, Id, Label, Order, RichText, Role, Ui, Vec2, vec2};

use crate::window::command::{Command, Commands};
use crate::window::over::Over;
use crate::window::theme::{self, Palette};
use crate::window::widgets::named;

/// A card.
struct Step {
    title: &'static str,
    text: &'static str,
    /// Where it stands, and how far from the edge.
    anchor: (Align2, Vec2),
}

const STEPS: [Step; 6] = [
    Step {
        title: "A network, and what it costs",
        text: "ShuffleScope shows what a network costs on paper and how long it takes on this machine. Numbers on paper \
               follow in the same frame; the latency is measured a moment later and greyed while it is of another design.",
        anchor: (Align2::CENTER_CENTER, Vec2::ZERO),
    },
    Step {
        title: "The design",
        text: "On the left: the width, every stage, and the building block. Drag a number or type it. What does not work \
               says why at its field, and the last valid network goes on running. Undo takes every edit back.",
        anchor: (Align2::LEFT_CENTER, vec2(300.0, 0.0)),
    },
    Step {
        title: "Views",
        text: "In the middle: layers, the unit as the paper draws it, time by kind of work, the roofline, memory, what to \
               change next, and earlier runs. A layer that is selected is selected in all of them.",
        anchor: (Align2::CENTER_BOTTOM, vec2(0.0, -60.0)),
    },
    Step {
        title: "Guidelines",
        text: "On the right: the paper's four guidelines with this design's own numbers, and a remedy at a click where one \
               is broken.",
        anchor: (Align2::RIGHT_CENTER, vec2(-310.0, 0.0)),
    },
    Step {
        title: "What is measured, and where",
        text: "At the bottom: the device and how quiet the machine is. `Run on`, below the design, chooses device, threads \
               and batch. Compare measures two networks in turns; the Lab repeats the paper's experiments; Explore \
               searches for designs; Camera runs the network on pictures.",
        anchor: (Align2::CENTER_BOTTOM, vec2(0.0, -60.0)),
    },
    Step {
        title: "Every command",
        text: "Behind the name ShuffleScope, at the top left, is the menu of every command and of recent files. One key \
               finds any of them by a few letters. This tour is there too.",
        anchor: (Align2::LEFT_TOP, vec2(12.0, 46.0)),
    },
];

/// Where it stands.
#[derive(Debug, Default)]
pub struct Tour {
    step: usize,
}

/// Paints the card.
pub fn show(ui: &Ui, tour: &mut Tour, commands: &mut Commands) {
    let Some(step) = STEPS.get(tour.step) else { return commands.push(Command::ShowOver(None)) };
    let palette = Palette::current(ui);
    let (align, offset) = step.anchor;
    let is_last = tour.step + 1 == STEPS.len();
    let area = Area::new(Id::unique("tour")).order(Order::Foreground).anchor(align, offset);
    area.show(ui.ctx(), |ui| {
        let frame = palette.card_frame().stroke(egui::Stroke::new(1.5, palette.accent));
        frame.show(ui, |ui| {
            ui.set_width(340.0);
            let place = format!("{} of {}", tour.step + 1, STEPS.len());
            ui.label(RichText::new(place).small().color(palette.muted));
            ui.label(RichText::new(step.title).size(15.0).strong().color(palette.strong));
            ui.add(Label::new(RichText::new(step.text).color(palette.text)).wrap());
            ui.add_space(theme::GAP);
            ui.horizontal(|ui| {
                if !is_last && named(ui.button("Next"), Role::Button, "Next step of the tour").clicked() {
                    tour.step += 1;
                    ui.ctx().request_repaint();
                }
                let back = ui.add_enabled(tour.step > 0, egui::Button::new("Back"));
                if named(back, Role::Button, "Step of the tour before").clicked() {
                    tour.step = tour.step.saturating_sub(1);
                    ui.ctx().request_repaint();
                }
                if is_last {
                    let find = Command::ShowOver(Some(Over::Finder));
                    let keys = crate::window::command::keys_of(ui.ctx(), &find).unwrap_or_default();
                    let button = ui.button(format!("Find a command ({keys})"));
                    if named(button, Role::Button, "Leave the tour and find a command").clicked() {
                        commands.push(find);
                    }
                }
                let end = ui.button(if is_last { "Done" } else { "Skip" });
                if named(end, Role::Button, "End the tour").clicked() {
                    commands.push(Command::ShowOver(None));
                }
            });
        });
    });
}
