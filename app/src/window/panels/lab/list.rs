//! What can be measured, how each stands, and the buttons that start it.

use eframe::egui;
use egui::{Button, RichText, Role, TextEdit, Ui, WidgetInfo};
use shufflescope_engine::experiment::{Experiment, Level, Scale, Verdict};
use shufflescope_engine::sweep::AxisError;

use super::{Entry, LabView, marks};
use crate::window::bench::{Owner, Task};
use crate::window::command::{Command, Commands};
use crate::window::lab::{Input, Known, Run, figure_2_networks, resolution_networks, zoo_networks};
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::{choice, named, problem};

/// The levels of Table 8.
const LEVELS: [(Option<Level>, &str); 5] = [
    (Some(Level::M40), "40"),
    (Some(Level::M140), "140"),
    (Some(Level::M300), "300"),
    (Some(Level::M500), "500"),
    (None, "all"),
];

/// Paints the list.
pub fn show(ui: &mut Ui, scene: Scene<'_>, view: &mut LabView, commands: &mut Commands) {
    let palette = Palette::current(ui);
    for entry in Entry::ALL {
        let on = view.entry == entry;
        ui.horizontal(|ui| {
            let button = Button::selectable(on, entry.name()).shortcut_text("").min_size(egui::vec2(126.0, 0.0));
            let response = ui.add(button).on_hover_text(entry.title());
            response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, on, format!("Lab {}", entry.name())));
            if response.clicked() {
                view.entry = entry;
            }
            if let Some((verdict, is_current)) = verdict(scene, entry, view) {
                marks::sign(ui, verdict, !is_current);
            }
            let text = RichText::new(state(scene, entry, view)).small().color(palette.muted);
            ui.add(egui::Label::new(text).truncate());
        });
    }
    ui.add_space(theme::SECTION_GAP);
    settings(ui, view, palette);
    ui.add_space(theme::GAP);
    start(ui, scene, view, commands);
}

/// The verdict of a finished experiment, and whether it is as of now; its word stands in [`state`].
fn verdict(scene: Scene<'_>, entry: Entry, view: &LabView) -> Option<(Verdict, bool)> {
    let Entry::Experiment(experiment) = entry else { return None };
    let known = scene.lab.experiment((experiment, view.scale), scene.machine(), &scene.document.valid_options());
    let Some(Known::Kept(kept, is_current)) = known.filter(|_| pending(scene, entry).is_none()) else { return None };
    Some((kept.result.verdict, is_current))
}

/// How a result stands, in a word or two.
fn state(scene: Scene<'_>, entry: Entry, view: &LabView) -> String {
    if let Some(word) = pending(scene, entry) {
        return word.into();
    }
    let (machine, options) = (scene.machine(), scene.document.valid_options());
    let stale = |is_current: bool, text: String| if is_current { text } else { format!("{text} (stale)") };
    match entry {
        Entry::Experiment(experiment) => match scene.lab.experiment((experiment, view.scale), machine, &options) {
            Some(Known::Kept(kept, is_current)) => stale(is_current, kept.result.verdict.to_string()),
            Some(Known::SoFar(_)) => "so far".into(),
            None => "not measured".into(),
        },
        Entry::Sweep => match scene.lab.sweep(machine, &options) {
            Some((kept, is_current)) => {
                let (finished, all) = kept.result.latest();
                stale(is_current, format!("{} of {all}", finished.len()))
            }
            None => "not measured".into(),
        },
        _ => {
            let inputs = inputs(entry, view.level);
            match scene.lab.networks(machine, &options) {
                Some((kept, is_current)) => {
                    let missing = kept.result.missing(&inputs).len();
                    stale(is_current, format!("{} of {}", inputs.len() - missing, inputs.len()))
                }
                None => "not measured".into(),
            }
        }
    }
}

/// Whether it is being measured or waits for that.
fn pending(scene: Scene<'_>, entry: Entry) -> Option<&'static str> {
    let is_of = |task: &Task| match (entry, task) {
        (Entry::Experiment(of), Task::Column(choice)) => choice.experiment == of,
        (Entry::Sweep, Task::Point(_)) => true,
        (Entry::Resolutions, Task::Network(network, size)) => {
            resolution_networks(None).contains(&Input { network, size: *size })
        }
        (Entry::Zoo, Task::Network(network, size)) => zoo_networks(None).contains(&Input { network, size: *size }),
        (Entry::Figure2, Task::Network(network, size)) => figure_2_networks().contains(&Input { network, size: *size }),
        _ => false,
    };
    let at = scene.bench.pending().position(|step| is_of(&step.task))?;
    Some(if at == 0 { "measuring" } else { "queued" })
}

/// The networks an entry needs.
fn inputs(entry: Entry, level: Option<Level>) -> Vec<Input> {
    match entry {
        Entry::Zoo => zoo_networks(level),
        Entry::Figure2 => figure_2_networks(),
        Entry::Resolutions => resolution_networks(level),
        Entry::Experiment(_) | Entry::Sweep => Vec::new(),
    }
}

fn settings(ui: &mut Ui, view: &mut LabView, palette: Palette) {
    let heading = |ui: &mut Ui, text: &str| ui.label(RichText::new(text).small().color(palette.muted));
    match view.entry {
        Entry::Experiment(_) => {
            heading(ui, "channels of the table, times");
            let scales = [(Scale::X1, "1"), (Scale::X2, "2"), (Scale::X4, "4")];
            view.scale = choice(ui, "scale", &scales, Some(view.scale)).unwrap_or(view.scale);
        }
        Entry::Zoo => {
            heading(ui, "million mult-adds");
            let levels = [LEVELS.as_slice(), &[(Some(Level::Large), "large")]].concat();
            view.level = choice(ui, "level", &levels, Some(view.level)).unwrap_or(view.level);
        }
        Entry::Resolutions => {
            heading(ui, "million mult-adds");
            view.level = view.level.filter(|&level| level != Level::Large);
            view.level = choice(ui, "level", &LEVELS, Some(view.level)).unwrap_or(view.level);
        }
        Entry::Figure2 => {}
        Entry::Sweep => axes(ui, view, palette),
    }
}

fn axes(ui: &mut Ui, view: &mut LabView, palette: Palette) {
    let wrong = view.texts.parse().err().map(|wrong| *wrong).unwrap_or_default();
    let texts = &mut view.texts;
    let fields = [
        (&mut texts.widths, "sweep widths", "0.5..2.0:0.25"),
        (&mut texts.groups, "sweep groups", "1,2,4"),
        (&mut texts.batches, "sweep batches", "1,8"),
        (&mut texts.threads, "sweep threads", "1,2"),
    ];
    for ((text, name, hint), wrong) in fields.into_iter().zip(wrong) {
        ui.label(RichText::new(name.trim_start_matches("sweep ")).small().color(palette.muted));
        let field = TextEdit::singleline(text).hint_text(hint).desired_width(200.0);
        named(ui.add(field), Role::TextInput, name);
        let rule = wrong.as_ref().map(AxisError::to_string);
        problem(ui, rule.as_deref());
    }
}

fn start(ui: &mut Ui, scene: Scene<'_>, view: &LabView, commands: &mut Commands) {
    let free = scene.bench.owner().is_none_or(|owner| owner == Owner::Lab);
    let mut offer = |ui: &mut Ui, text: &str, name: &str, hint: &str, run: Option<Run>| {
        let button = ui.add_enabled(free && run.is_some(), Button::new(text)).on_hover_text(hint);
        if let (true, Some(run)) = (named(button, Role::Button, name).clicked(), run) {
            commands.push(Command::RunLab(run));
        }
    };
    let rests = "Live measuring rests meanwhile. What is asked for while something is measured waits its turn.";
    let is_pending = pending(scene, view.entry).is_some();
    let own = scene.lab.networks(scene.machine(), &scene.document.valid_options()).filter(|(_, own)| *own);
    match view.entry {
        Entry::Experiment(experiment) => {
            let run = (!is_pending).then(|| Run::Experiments(vec![experiment], view.scale));
            offer(ui, "Measure this", "Measure this", rests, run);
            let idle: Vec<Experiment> = Experiment::ALL
                .into_iter()
                .filter(|&experiment| pending(scene, Entry::Experiment(experiment)).is_none())
                .collect();
            let run = (!idle.is_empty()).then_some(Run::Experiments(idle, view.scale));
            offer(ui, "Measure all five", "Measure all experiments", rests, run);
        }
        Entry::Sweep => {
            let latest = scene.lab.sweep(scene.machine(), &scene.document.valid_options());
            let is_partial = latest.is_some_and(|(kept, _)| {
                let (finished, all) = kept.result.latest();
                finished.len() < all
            });
            let text = if is_partial { "Start or resume" } else { "Start" };
            let hint = format!("Points that are finished are not measured again unless all are. {rests}");
            let run = view.texts.parse().ok().filter(|_| !is_pending).map(Run::Sweep);
            offer(ui, text, "Start sweep", &hint, run);
        }
        entry => {
            let all = inputs(entry, view.level);
            let missing = own.map_or_else(|| all.clone(), |(kept, _)| kept.result.missing(&all));
            let (text, inputs) = if missing.is_empty() {
                (format!("Measure all {} again", all.len()), all)
            } else if missing.len() < all.len() {
                (format!("Measure the other {}", missing.len()), missing)
            } else {
                (format!("Measure {} networks", all.len()), all)
            };
            let run = (!is_pending && !inputs.is_empty()).then_some(Run::Networks(inputs));
            offer(ui, &text, "Measure networks", rests, run);
        }
    }
}
