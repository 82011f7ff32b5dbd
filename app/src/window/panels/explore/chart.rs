//! Latency against mult-adds or parameters: what was found, the published networks, what is in hand, and the budget.

use eframe::egui;
use egui::{Context, Label, RichText, Ui, vec2};
use shufflescope_engine::measure::MedianRange;
use shufflescope_engine::search::Capacity;
use shufflescope_engine::units::{MultAdds, Nanos};

use super::ExploreView;
use crate::window::command::{Command, Commands};
use crate::window::explore::{BUDGETS, ExploreCommand, Row};
use crate::window::scene::Scene;
use crate::window::theme::Palette;
use crate::window::widgets::{Across, Axis, Dot, Scatter, legend};

/// What the shapes mean.
const SERIES: [&str; 4] =
    ["found", "published, with its accuracy", "in hand", "taught, with its accuracy on your pictures"];

/// Room for the table below, and the chart's height: at least, and at most in a usual window or as a share of a high one.
const TABLE: f32 = 176.0;
const LEAST: f32 = 150.0;
const MOST: f32 = 560.0;
const SHARE: f32 = 0.5;

/// Paints it.
pub fn show(ui: &mut Ui, scene: Scene<'_>, view: &mut ExploreView, commands: &mut Commands) {
    let muted = Palette::current(ui).muted;
    ui.horizontal(|ui| {
        legend(ui, &SERIES);
        let text = "hollow: predicted, not measured; ringed and joined: the front";
        ui.add(Label::new(RichText::new(text).small().color(muted)).truncate());
    });
    let own = in_hand(scene);
    let print = &scene.document.valid().fingerprint;
    let in_table = view.rows.iter().any(|row| row.print == *print && row.latency().is_some());
    let mut dots: Vec<Dot> =
        view.rows.iter().map(|row| Dot { is_marked: row.print == *print, ..dot(row, view.across) }).collect();
    let mut across = vec![Across {
        vertical: false,
        at: view.fields.budget,
        name: format!("budget {}", millis(view.fields.budget)),
        drag: Some("budget line"),
    }];
    match own.latency() {
        Some(_) if !in_table => {
            let label = Some("in hand".to_owned());
            let name = format!("in hand, {}", own.about());
            dots.push(Dot { name, label, series: 2, is_marked: true, ..dot(&own, view.across) });
        }
        None if !in_table => {
            let name = format!("in hand: {}, latency not known", own.name);
            across.push(Across { vertical: true, at: count(&own, view.across), name, drag: None });
        }
        _ => {}
    }
    let plot = Scatter {
        name: "explore",
        x: Axis { name: axis(view.across), is_log: true },
        y: Axis { name: "latency of a run (ms)", is_log: true },
        dots: &dots,
        across: &across,
        click: Some(
            "Click: take it in hand, and again: compare it with the one before. Shift-click: compare it with the present one",
        ),
    };
    let room = ui.available_height();
    let size = vec2(ui.available_width(), (room - TABLE).clamp(LEAST, (SHARE * room).max(MOST)));
    let touched = plot.show(ui, size);
    if let Some((_, at)) = touched.line {
        view.fields.budget = rounded(at).clamp(*BUDGETS.start(), *BUDGETS.end());
    }
    if let Some(index) = touched.dot {
        let row = view.rows.get(index).unwrap_or(&own);
        take(ui.ctx(), scene, row, commands);
    }
}

/// What a click on a point or row asks for.
pub(super) fn take(ctx: &Context, scene: Scene<'_>, row: &Row, commands: &mut Commands) {
    let compares = ctx.input(|input| input.modifiers.shift) || row.print == scene.document.valid().fingerprint;
    let model = Box::new(row.model.clone());
    let command = if compares { ExploreCommand::Compare(model) } else { ExploreCommand::Open(model) };
    commands.push(Command::Explore(command));
}

/// The network in hand, measured or predicted.
fn in_hand(scene: Scene<'_>) -> Row {
    let valid = scene.document.valid();
    let options = scene.document.valid_options();
    let measured = scene.live.current().map(|measurement| measurement.whole);
    Row {
        model: valid.model.clone(),
        name: valid.model.name().to_owned(),
        print: valid.fingerprint.clone(),
        mult_adds: MultAdds(valid.cost.total.mult_adds.0 / u64::from(options.batch.max(1))),
        params: valid.cost.total.params,
        predicted: scene.forecast.estimate().map(|estimate| estimate.predicted),
        measured: measured.map(|whole| MedianRange { median: whole.median, low: whole.low, high: whole.high }),
        accuracy: None,
        own: valid.model.design().and_then(|design| scene.teach.taught_to(design)).map(|of| of.accuracy.clone()),
        on_front: false,
    }
}

fn dot(row: &Row, across: Capacity) -> Dot {
    let published = row.accuracy.map(|accuracy| format!("{accuracy:.1} %"));
    let own = row.own.as_ref().map(|own| format!("{:.0} % on {}", 100.0 * own.share(), own.data().name));
    let series = match (&own, &published) {
        (Some(_), _) => 3,
        (None, Some(_)) => 1,
        (None, None) => 0,
    };
    Dot {
        x: count(row, across),
        y: row.latency().map_or(f64::NAN, |latency| latency.as_f64() / 1e6),
        name: row.about(),
        series,
        on_front: row.on_front,
        is_hollow: row.measured.is_none(),
        label: own.or(published),
        is_marked: false,
    }
}

fn count(row: &Row, across: Capacity) -> f64 {
    match across {
        Capacity::MultAdds => row.mult_adds.as_f64(),
        Capacity::Params => row.params.as_f64(),
    }
}

const fn axis(across: Capacity) -> &'static str {
    match across {
        Capacity::MultAdds => "mult-adds per image",
        Capacity::Params => "parameters",
    }
}

fn millis(value: f64) -> Nanos {
    Nanos((value * 1e6).round() as u64)
}

/// To three digits: what a line is dragged to is no finer.
fn rounded(value: f64) -> f64 {
    let unit = 10f64.powf(value.abs().max(1e-9).log10().floor() - 2.0);
    (value / unit).round() * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dragged_budget_has_three_digits() {
        for (at, expected) in [(1.234_56, 1.23), (0.045_678, 0.0457), (1234.5, 1230.0)] {
            assert!((rounded(at) - expected).abs() < 1e-9 * expected, "{at}: {}", rounded(at));
        }
    }
}
