//! The paper's four guidelines: what each says, what this design does, and a remedy at a click.

use eframe::egui;
use egui::{Label, RichText, Role, Ui};
use shufflescope_engine::guideline::{Change, Finding, Guideline, Remedy};

use crate::window::advice::said_of;
use crate::window::command::{Command, Commands};
use crate::window::format;
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::{Mark, mark, named};

/// Layers listed for a finding.
const WORST: usize = 3;

/// Paints the cards.
pub fn show(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let palette = Palette::current(ui);
    ui.label(RichText::new("Guidelines").color(palette.strong).heading());
    for guideline in Guideline::ALL {
        let found: Vec<&Finding> =
            scene.document.valid().findings.iter().filter(|finding| finding.guideline == guideline).collect();
        palette.card_frame().show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 4.0;
            card(ui, guideline, &found, scene, palette, commands);
        });
    }
}

fn card(
    ui: &mut Ui,
    guideline: Guideline,
    found: &[&Finding],
    scene: Scene<'_>,
    palette: Palette,
    commands: &mut Commands,
) {
    ui.horizontal(|ui| {
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            match found.is_empty() {
                true => mark(ui, Mark::Check, palette.good, 15.0),
                false => mark(ui, Mark::Warning, palette.warn, 15.0),
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                ui.label(RichText::new(guideline.to_string()).strong().color(palette.accent));
                ui.add(Label::new(RichText::new(guideline.title()).color(palette.strong)).truncate());
            });
        });
    });
    ui.add(Label::new(RichText::new(guideline.statement()).small().color(palette.muted)).wrap());
    if found.is_empty() {
        ui.label(RichText::new("This network follows it.").color(palette.good));
    }
    for finding in found {
        evidence(ui, finding, scene, palette, commands);
        if let Some(remedy) = &finding.remedy {
            ui.add_space(2.0);
            self::remedy(ui, guideline, remedy, scene, commands);
        }
    }
}

fn evidence(ui: &mut Ui, finding: &Finding, scene: Scene<'_>, palette: Palette, commands: &mut Commands) {
    let evidence = &finding.evidence;
    ui.add(Label::new(RichText::new(&evidence.summary).color(palette.text)).wrap());
    let time = match evidence.time_in_words() {
        Some(share) => share,
        None if scene.live.phase().is_busy() => "share of the time: measuring".into(),
        None => "share of the time: not measured".into(),
    };
    let count = match finding.layers.len() {
        1 => "1 layer".to_owned(),
        many => format!("{many} layers"),
    };
    ui.label(RichText::new(format!("{count}, {time}")).small().color(palette.muted));
    let hint = format!("{}, against {}", evidence.actual_is, evidence.reference_is);
    for row in evidence.rows.iter().take(WORST) {
        let selected = scene.document.selected.as_deref() == Some(row.layer.as_str());
        // A share of the whole, or a multiple of what it could be.
        let ratio = if row.ratio < 1.0 { format::share(row.ratio) } else { format!("{:.2}x", row.ratio) };
        let button = egui::Button::selectable(selected, RichText::new(&row.layer).small())
            .right_text(RichText::new(ratio).small().color(palette.text))
            .min_size(egui::vec2(ui.available_width(), 20.0));
        let response = ui.add(button).on_hover_text(format!("{hint}: {} against {}", row.actual, row.reference));
        if named(response, Role::Button, &format!("{} select {}", finding.guideline, row.layer)).clicked() {
            commands.push(Command::Select(Some(row.layer.clone())));
        }
    }
}

fn remedy(ui: &mut Ui, guideline: Guideline, remedy: &Remedy, scene: Scene<'_>, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let text = format!("Apply: {}", remedy.label);
    let button = egui::Button::new(RichText::new(&text).color(palette.strong)).wrap().fill(palette.chosen);
    let response = ui.add(button).on_hover_text(format!("{}. Undo takes it back.", remedy.edit));
    if named(response, Role::Button, &format!("{guideline} {text}")).clicked() {
        commands.edit(remedy.edit.clone());
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = theme::GAP * 1.5;
        let changes =
            [("mult-adds", remedy.mult_adds), ("params", remedy.params), ("mem. access", remedy.memory_access)];
        for (name, change) in changes {
            // No line break within one number.
            let text = format!("{name} {}", predicted(change)).replace(' ', "\u{a0}");
            ui.label(RichText::new(text).small().color(palette.muted));
        }
    });
    proof(ui, guideline, remedy, scene, commands);
}

/// What the remedy would bring on this device, and what came of trying it; nothing where nothing is known.
fn proof(ui: &mut Ui, guideline: Guideline, remedy: &Remedy, scene: Scene<'_>, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let Some(advice) = scene.adviser.on(&remedy.edit) else {
        if scene.adviser.is_working() {
            ui.label(RichText::new("latency: being worked out").small().color(palette.muted));
        }
        return;
    };
    let outlook = advice.outlook();
    let latency = format::ratio(advice.predicted_ratio, advice.low, advice.high);
    let text = format!("latency predicted {latency}: {outlook}");
    ui.add(Label::new(RichText::new(text).small().color(palette.outlook(outlook))).wrap());
    let (of, options) = (&scene.document.valid().fingerprint, scene.document.valid_options());
    if scene.adviser.trials.running().is_some_and(|trial| trial.is_of(of, &remedy.edit)) {
        ui.label(RichText::new("being measured in turns").small().color(palette.accent));
        return;
    }
    if let Some(result) = scene.adviser.trials.of(of, &remedy.edit, &options) {
        ui.add(Label::new(RichText::new(said_of(result)).small().color(palette.text)).wrap());
    }
    let is_idle = scene.bench.owner().is_none() && scene.calibration.options().is_none();
    let hint = "Measure this design and the one with the remedy in turns";
    let button = ui.add_enabled(is_idle, egui::Button::new("Try").small()).on_hover_text(hint);
    if named(button, Role::Button, &format!("{guideline} Try: {}", remedy.label)).clicked() {
        commands.push(Command::Try(remedy.edit.clone()));
    }
}

fn predicted(change: Change) -> String {
    format::change(change.relative())
}
