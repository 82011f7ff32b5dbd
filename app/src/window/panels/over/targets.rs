//! The list of targets: what is known of each, in its place, and the present network on those ticked, side by side.

use eframe::egui;
use egui::{Button, Id, Key, Label, Modal, Modifiers, RichText, Role, ScrollArea, TextEdit, Ui, WidgetInfo};

use crate::target::Target;
use crate::window::command::{Command, Commands};
use crate::window::format;
use crate::window::scene::Scene;
use crate::window::targets::{Entry, Judged, Measured, State, TargetCommand};
use crate::window::theme::{self, Palette};
use crate::window::widgets::{named, problem};

/// What a person types, and is asked.
#[derive(Debug, Default)]
pub struct TargetList {
    address: String,
    program: String,
    /// Whether what was typed is on its way into the list.
    is_sent: bool,
    /// Where a copy of this program waits for a yes.
    copying: Option<Target>,
}

const ABOUT: &str = "Machines that networks are measured on. The system's ssh reaches them, with your configuration, keys and \
                     agent; no password is asked for here. The camera stays on this machine.";

/// Paints it.
pub fn show(ui: &Ui, scene: Scene<'_>, list: &mut TargetList, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let escaped = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape));
    let modal = Modal::new(Id::unique("targets")).show(ui.ctx(), |ui| {
        ui.set_width((ui.ctx().content_rect().width() - 80.0).min(720.0));
        ui.label(RichText::new("Targets").size(18.0).strong().color(palette.strong));
        ui.add(Label::new(RichText::new(ABOUT).color(palette.muted)).wrap());
        ui.add_space(theme::GAP);
        let most = (ui.ctx().content_rect().height() - 260.0).max(120.0);
        ScrollArea::vertical().max_height(most).auto_shrink([false, true]).show(ui, |ui| {
            for entry in scene.targets.entries() {
                show_entry(ui, scene, entry, list, commands);
                ui.separator();
            }
        });
        add(ui, scene, list, commands);
        ui.add_space(theme::GAP);
        below(ui, scene, commands)
    });
    if modal.inner || escaped || modal.backdrop_response.clicked() {
        commands.push(Command::ShowOver(None));
    }
}

fn give(commands: &mut Commands, command: TargetCommand) {
    commands.push(Command::Target(command));
}

fn show_entry(ui: &mut Ui, scene: Scene<'_>, entry: &Entry, list: &mut TargetList, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let target = entry.target();
    let is_current = scene.targets.current() == target;
    ui.horizontal(|ui| {
        let mut is_ticked = entry.is_ticked();
        let tick = ui.checkbox(&mut is_ticked, RichText::new(target.to_string()).color(palette.strong));
        let name = format!("Side by side on {target}");
        tick.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, entry.is_ticked(), name.clone()));
        if tick.clicked() {
            give(commands, TargetCommand::Tick(target.clone()));
        }
        let (text, color) = state(entry, palette);
        ui.label(RichText::new(text).color(color));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if target.is_remote() {
                let remove = ui.add_enabled(!is_current, Button::new("Remove")).on_disabled_hover_text("It is in use");
                if named(remove, Role::Button, &format!("Remove {target}")).clicked() {
                    give(commands, TargetCommand::Remove(target.clone()));
                }
                let is_asking = matches!(entry.state(), State::Asking);
                let check = ui.add_enabled(!is_asking, Button::new("Check"));
                if named(check, Role::Button, &format!("Check {target}")).clicked() {
                    give(commands, TargetCommand::Check(target.clone()));
                }
            }
            let may_use = !is_current && (!target.is_remote() || entry.place().is_some());
            let text = if is_current { "In use" } else { "Use" };
            let hint = if is_current { "The window measures here" } else { "It has to answer first" };
            let switch = ui.add_enabled(may_use, Button::new(text)).on_disabled_hover_text(hint);
            if named(switch, Role::Button, &format!("Use {target}")).clicked() {
                give(commands, TargetCommand::Use(target.clone()));
            }
        });
    });
    details(ui, entry, list, commands);
    result(ui, scene, entry);
}

/// A word or two for how it is.
fn state(entry: &Entry, palette: Palette) -> (String, egui::Color32) {
    match entry.state() {
        _ if !entry.target().is_remote() => ("this machine".into(), palette.muted),
        State::Unknown => ("not asked yet".into(), palette.muted),
        State::Asking => ("asking \u{2026}".into(), palette.muted),
        State::Ready(place) => match &place.host.busy {
            Some(busy) => (format!("busy: {busy}"), palette.warn),
            None => ("ready".into(), palette.good),
        },
        State::Failed(_) => ("cannot be used".into(), palette.error),
    }
}

/// What it said, or why it said nothing and what may help.
fn details(ui: &mut Ui, entry: &Entry, list: &mut TargetList, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let target = entry.target();
    match entry.state() {
        State::Ready(place) => {
            let machine = place.machine();
            let text = format!("{}, release {}", place.in_words(), machine.version);
            ui.add(Label::new(RichText::new(text).small().color(palette.muted)).wrap());
        }
        State::Failed(refusal) => {
            problem(ui, Some(&refusal.reason));
            let Some(megabytes) = refusal.copy else { return };
            ui.horizontal(|ui| {
                if list.copying.as_ref() != Some(target) {
                    let ask = ui.button("Copy this program there");
                    if named(ask, Role::Button, &format!("Copy this program to {target}")).clicked() {
                        list.copying = Some(target.clone());
                        ui.ctx().request_repaint();
                    }
                    return;
                }
                ui.label(
                    RichText::new(format!("Copy {megabytes} MB into your cache folder there?")).color(palette.text),
                );
                if named(ui.button("Copy"), Role::Button, &format!("Yes, copy it to {target}")).clicked() {
                    list.copying = None;
                    give(commands, TargetCommand::Copy(target.clone()));
                }
                if named(ui.button("Don't"), Role::Button, &format!("Do not copy it to {target}")).clicked() {
                    list.copying = None;
                    ui.ctx().request_repaint();
                }
            });
        }
        State::Unknown | State::Asking => {}
    }
}

/// What was measured there side by side with others.
fn result(ui: &mut Ui, scene: Scene<'_>, entry: &Entry) {
    let palette = Palette::current(ui);
    let side = entry.side();
    if let Some(measured) = side.measured() {
        let is_present = measured.of == scene.document.valid().fingerprint;
        let color = if is_present { palette.strong } else { palette.muted };
        let mut text = latency(measured);
        if !is_present {
            text += ", of another design";
        }
        ui.add(Label::new(RichText::new(text).color(color)).wrap());
        for judged in &measured.judged {
            let (mark, color) = match judged.holds() {
                Some(true) => ("holds", palette.good),
                Some(false) => ("does not hold", palette.warn),
                None => ("undecided", palette.muted),
            };
            let color = if is_present { color } else { palette.muted };
            ui.add(Label::new(RichText::new(line_of(judged, mark)).small().color(color)).wrap());
        }
    }
    if let Some(standing) = side.standing() {
        ui.label(RichText::new(standing).small().color(palette.muted));
    }
    problem(ui, side.failure());
}

fn latency(measured: &Measured) -> String {
    let Measured { measurement, options, .. } = measured;
    let whole = &measurement.whole;
    let rate = f64::from(measurement.batch) / whole.median.as_secs_f64().max(1e-12);
    let half_width = 100.0 * whole.half_width();
    format!("{} \u{b1} {half_width:.1} %, {} images/s ({options})", whole.median, format::three_digits(rate))
}

fn line_of(judged: &Judged, mark: &str) -> String {
    let Judged { guideline, remedy, ratio, .. } = judged;
    let change = format::ratio(ratio.ratio, ratio.low, ratio.high);
    format!("{guideline} {mark} here: {remedy} changes the latency by {change}")
}

/// The fields for another one.
fn add(ui: &mut Ui, scene: Scene<'_>, list: &mut TargetList, commands: &mut Commands) {
    if std::mem::take(&mut list.is_sent) && scene.targets.wrong().is_none() {
        (list.address, list.program) = (String::new(), String::new());
    }
    ui.horizontal(|ui| {
        let address = TextEdit::singleline(&mut list.address).hint_text("ssh://pi@board").desired_width(220.0);
        let address = named(ui.add(address), Role::TextInput, "Address of a target");
        let program = TextEdit::singleline(&mut list.program).hint_text("program there, if not in its path");
        named(ui.add(program.desired_width(220.0)), Role::TextInput, "Program on the target");
        let entered = address.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let button = ui.add_enabled(!list.address.trim().is_empty(), Button::new("Add"));
        if named(button, Role::Button, "Add target").clicked() || entered {
            let (address, program) = (list.address.clone(), list.program.clone());
            list.is_sent = true;
            give(commands, TargetCommand::Add { address, program });
        }
    });
    problem(ui, scene.targets.wrong());
}

/// Measuring side by side, and the way out; whether that was taken.
fn below(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) -> bool {
    let mut is_closed = false;
    ui.horizontal(|ui| {
        if scene.targets.is_measuring() {
            if named(ui.button("Stop"), Role::Button, "Stop measuring side by side").clicked() {
                give(commands, TargetCommand::Stop);
            }
        } else {
            let any = scene.targets.entries().iter().any(Entry::is_ticked);
            let hint = "Measure the present network on every target ticked, each with a worker of its own, and see where each \
                        guideline holds";
            let button = ui.add_enabled(any, Button::new("Measure side by side")).on_hover_text(hint);
            let button = button.on_disabled_hover_text("Tick the targets first");
            if named(button, Role::Button, "Measure side by side").clicked() {
                give(commands, TargetCommand::Measure);
            }
        }
        is_closed = named(ui.button("Close"), Role::Button, "Close Targets").clicked();
    });
    is_closed
}
