//! Totals side by side, and the verdict.

use eframe::egui;
use egui::{Color32, Grid, Label, RichText, Role, Ui};
use shufflescope_engine::measure::{Difference, LEAST_MARGIN, Spread};

use crate::window::compare::{Compared, OnPaper};
use crate::window::format;
use crate::window::scene::Scene;
use crate::window::theme::Palette;
use crate::window::widgets::{Mark, mark, named};

/// What the comparison shown is worth.
struct Shown<'a> {
    compared: &'a Compared,
    note: String,
    is_stale: bool,
    /// Rounds are still coming in.
    is_partial: bool,
}

/// Paints both, beside each other where there is room.
pub fn show(ui: &mut Ui, scene: Scene<'_>, paper: &OnPaper) {
    let shown = shown(scene);
    ui.horizontal_top(|ui| {
        let palette = Palette::current(ui);
        palette.card_frame().show(ui, |ui| table(ui, paper, shown.as_ref(), palette));
        palette.card_frame().show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.vertical(|ui| verdict(ui, shown.as_ref(), palette));
        });
    });
}

/// The comparison in progress, or the last one.
fn shown(scene: Scene<'_>) -> Option<Shown<'_>> {
    if scene.compare.is_running() {
        let compared = scene.compare.so_far()?;
        return Some(Shown { compared, note: "measuring: so far".into(), is_stale: false, is_partial: true });
    }
    let (kept, is_current) = scene.last_comparison()?;
    let (a, b) = (&kept.result.pair.a.name, &kept.result.pair.b.name);
    let stale = if is_current { String::new() } else { format!("stale: {a} against {b}. ") };
    Some(Shown {
        compared: &kept.result,
        note: format!("{stale}{}", kept.about()),
        is_stale: !is_current,
        is_partial: false,
    })
}

fn table(ui: &mut Ui, paper: &OnPaper, shown: Option<&Shown<'_>>, palette: Palette) {
    let [a, b] = &paper.totals;
    let change = |a: u64, b: u64| if a == 0 { "new".into() } else { format::change(b as f64 / a as f64 - 1.0) };
    let rows = [
        ("mult-adds", a.mult_adds.to_string(), b.mult_adds.to_string(), change(a.mult_adds.0, b.mult_adds.0)),
        ("params", a.params.to_string(), b.params.to_string(), change(a.params.0, b.params.0)),
        (
            "memory access",
            a.memory_access.to_string(),
            b.memory_access.to_string(),
            change(a.memory_access.0, b.memory_access.0),
        ),
    ];
    Grid::new("totals").num_columns(4).spacing([22.0, 5.0]).show(ui, |ui| {
        for text in ["", "A", "B", "B vs A"] {
            ui.label(RichText::new(text).small().color(palette.muted));
        }
        ui.end_row();
        let line = |ui: &mut Ui, name: &str, cells: [String; 3], color: Color32| {
            let label = ui.label(RichText::new(name).color(palette.muted));
            named(label, Role::Label, &format!("{name}: A {}, B {}, {}", cells[0], cells[1], cells[2]));
            for cell in cells {
                ui.label(RichText::new(cell).color(color));
            }
            ui.end_row();
        };
        for (name, a, b, change) in rows {
            line(ui, name, [a, b, change], palette.strong);
        }
        let measured = shown.filter(|shown| !shown.is_stale).map(|shown| &shown.compared.pair);
        let time = |spread: Spread| format!("{} ({} to {})", spread.median, spread.low, spread.high);
        let cells = match measured {
            Some(pair) => {
                [time(pair.a.latency), time(pair.b.latency), format::change(pair.comparison.ratio.ratio - 1.0)]
            }
            None => ["not measured", "not measured", ""].map(str::to_owned),
        };
        line(ui, "latency", cells, if measured.is_some() { palette.strong } else { palette.muted });
    });
}

fn verdict(ui: &mut Ui, shown: Option<&Shown<'_>>, palette: Palette) {
    let Some(Shown { compared, note, is_stale, is_partial }) = shown else {
        ui.add(
            Label::new(
                RichText::new(
                    "Not measured yet. Start measures both in turns, so that whatever the machine does meanwhile meets \
                     both, and says whether B is faster, slower or the same.",
                )
                .color(palette.muted),
            )
            .wrap(),
        );
        return;
    };
    let comparison = &compared.pair.comparison;
    let (sentence, color) = match comparison.verdict {
        Difference::Faster => ("B is faster than A", palette.good),
        Difference::Slower => ("B is slower than A", palette.warn),
        Difference::Same => ("B is as fast as A: no difference of 1 %", palette.strong),
        Difference::Undecided => ("undecided: measure again, or on a quieter machine", palette.muted),
    };
    let color = if *is_stale || *is_partial { palette.muted } else { color };
    let sentence = if *is_partial { format!("so far: {sentence}") } else { sentence.to_owned() };
    ui.horizontal(|ui| {
        match comparison.verdict {
            Difference::Faster => mark(ui, Mark::Up, color, 15.0),
            Difference::Slower => mark(ui, Mark::Down, color, 15.0),
            Difference::Same => drop(ui.label(RichText::new("=").size(18.0).color(color))),
            Difference::Undecided => drop(ui.label(RichText::new("?").size(18.0).color(color))),
        }
        let label = ui.add(Label::new(RichText::new(&sentence).size(17.0).color(color)).truncate());
        named(label, Role::Label, &format!("verdict: {sentence}{}", if *is_stale { " (stale)" } else { "" }));
    });
    let ratio = &comparison.ratio;
    let floor = compared.pair.noise_floor.map_or_else(|| "unknown".into(), |floor| format::share(floor.share));
    let lines = [
        format!("B takes {:.3} times as long as A (95 % interval {:.3} to {:.3}).", ratio.ratio, ratio.low, ratio.high),
        format!(
            "Faster and slower have to clear {} (margin), the same lies within {}. Noise floor {floor}: as far did A \
             differ from its own copy.",
            format::share(comparison.margin),
            format::share(LEAST_MARGIN)
        ),
        format!("{}. {note}", comparison.effort()),
    ];
    for line in lines {
        ui.add(Label::new(RichText::new(line).small().color(palette.muted)).wrap());
    }
}
