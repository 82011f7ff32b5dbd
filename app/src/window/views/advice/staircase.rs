//! The latency over the channels of a stage.

use eframe::egui;
use egui::{Button, Label, RichText, Role, Ui};
use shufflescope_engine::advise::{Counsel, Staircase, Tread};
use shufflescope_engine::design::Design;
use shufflescope_engine::units::Nanos;

use crate::window::advice::said_of;
use crate::window::command::{Command, Commands};
use crate::window::format;
use crate::window::scene::Scene;
use crate::window::theme::Palette;
use crate::window::widgets::{Across, Axis, Dot, Scatter, choice, legend, named};

/// Height of the plot: a share of the view, at least and at most; and of what is around it.
const SHARE: f32 = 0.28;
const LEAST_PLOT: f32 = 150.0;
const MOST_PLOT: f32 = 480.0;
const AROUND: f32 = 52.0;

/// Height of all of it in a view of this height.
pub fn height(view: f32) -> f32 {
    (SHARE * view).clamp(LEAST_PLOT, MOST_PLOT).round() + AROUND
}

/// How points are known: the series of the plot.
const SERIES: [&str; 2] = ["predicted from other kernels", "its kernels were measured"];

/// Paints the stage's staircase with what is free of it, so high as a whole.
pub fn show(ui: &mut Ui, scene: Scene<'_>, counsel: &Counsel, height: f32, commands: &mut Commands) {
    let shown = scene.document.selected_stage().or_else(|| free_stage(counsel)).unwrap_or(0);
    let stairs = counsel.staircases.iter().find(|stairs| stairs.stage == shown).or_else(|| counsel.staircases.first());
    let Some(stairs) = stairs else { return };
    ui.horizontal(|ui| {
        let names: Vec<(usize, String)> =
            counsel.staircases.iter().map(|stairs| (stairs.stage, Design::stage_name(stairs.stage))).collect();
        let names: Vec<(usize, &str)> = names.iter().map(|(stage, name)| (*stage, name.as_str())).collect();
        if let Some(chosen) = choice(ui, "channels of", &names, Some(stairs.stage)) {
            commands.push(Command::Select(main_layer(scene, chosen)));
        }
        free(ui, scene, stairs, commands);
    });
    let longest = stairs.treads.iter().map(|tread| tread.predicted).max().unwrap_or_default();
    let (unit, axis) = if longest < Nanos::from_millis(1) { (1e3, "latency (\u{b5}s)") } else { (1e6, "latency (ms)") };
    let dots: Vec<Dot> = stairs.treads.iter().map(|tread| dot(stairs, tread, unit)).collect();
    let now =
        Across { vertical: true, at: f64::from(stairs.channels), name: format!("now {}", stairs.channels), drag: None };
    let name = format!("latency over the channels of {}", Design::stage_name(stairs.stage));
    let scatter = Scatter {
        name: &name,
        x: Axis { name: "channels", is_log: false },
        y: Axis { name: axis, is_log: false },
        dots: &dots,
        across: &[now],
        click: Some("Click to give the stage so many channels; undo takes it back"),
    };
    let clicked = scatter.show(ui, egui::vec2(ui.available_width(), height - AROUND));
    legend(ui, &SERIES);
    if let Some(tread) = clicked.dot.and_then(|index| stairs.treads.get(index))
        && tread.channels != stairs.channels
    {
        commands.edit(stairs.edit(tread.channels));
    }
}

fn dot(stairs: &Staircase, tread: &Tread, unit: f64) -> Dot {
    let source = if tread.is_measured { SERIES[1] } else { SERIES[0] };
    let name = format!(
        "{} channels of {}: {} predicted, {}; {source}",
        tread.channels,
        Design::stage_name(stairs.stage),
        tread.predicted,
        format::ratio(tread.ratio.ratio, tread.ratio.low, tread.ratio.high)
    );
    Dot {
        x: f64::from(tread.channels),
        y: tread.predicted.as_f64() / unit,
        name,
        series: usize::from(tread.is_measured),
        ..Dot::default()
    }
}

/// The channels that cost nothing, to be tried or taken.
fn free(ui: &mut Ui, scene: Scene<'_>, stairs: &Staircase, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let Some((free, tread)) = stairs.free().and_then(|free| Some((free, stairs.at(free.to)?))) else {
        let text = "no channels are free here: more of them take longer";
        ui.add(Label::new(RichText::new(text).small().color(palette.muted)).truncate());
        return;
    };
    let (of, options) = (&scene.document.valid().fingerprint, scene.document.valid_options());
    let is_idle = scene.bench.owner().is_none() && scene.calibration.options().is_none();
    let hint = "Measure both in turns, and the kernels of the wider one: then it is known and not only predicted";
    let try_it = ui.add_enabled(is_idle, Button::new("Try").small()).on_hover_text(hint);
    if named(try_it, Role::Button, "Try free channels").clicked() {
        commands.push(Command::Try(free.edit()));
    }
    let take = ui.add(Button::new("Take them").small()).on_hover_text("Undo takes it back");
    if named(take, Role::Button, "Take free channels").clicked() {
        commands.edit(free.edit());
    }
    let cost = format::change(tread.ratio.ratio - 1.0);
    let mut text = format!("{} cost {cost} here ({})", free.about(), free.source());
    if let Some(result) = scene.adviser.trials.of(of, &free.edit(), &options) {
        text = format!("{text}; {}", said_of(result));
    }
    ui.add(Label::new(RichText::new(&text).color(palette.strong)).truncate()).on_hover_text(&text);
}

/// The layer that stands for a stage: the first one with the most mult-adds. To choose a stage is to select it, in every
/// view; so there is one answer to which stage is meant, and it stays with the stage where that is moved.
fn main_layer(scene: Scene<'_>, stage: usize) -> Option<String> {
    let valid = scene.document.valid();
    let layers = valid.graph.layers().zip(&valid.cost.layers);
    let of_stage = layers.filter(|((_, node), _)| node.unit.is_some_and(|unit| unit.stage == stage));
    let main = of_stage.min_by_key(|(_, cost)| std::cmp::Reverse(cost.mult_adds));
    main.map(|((_, node), _)| node.path.clone())
}

/// The first stage with free channels.
fn free_stage(counsel: &Counsel) -> Option<usize> {
    counsel.staircases.iter().find(|stairs| stairs.free().is_some()).map(|stairs| stairs.stage)
}
