//! A sweep: its points as a scatter with the front, where a click opens a point's design, and what was left out.

use eframe::egui;
use egui::{Label, RichText, Ui, vec2};
use shufflescope_engine::design::Edit;
use shufflescope_engine::sweep::PointResult;
use shufflescope_engine::sweep::view::{Figure, scatter};

use super::{LabView, conditions, exports};
use crate::export::ResultForm;
use crate::window::command::{Command, Commands};
use crate::window::format;
use crate::window::scene::Scene;
use crate::window::tab::Tab;
use crate::window::theme::Palette;
use crate::window::widgets::{Axis, Dot, Scatter, legend};

/// Paints it.
pub fn show(ui: &mut Ui, scene: Scene<'_>, _view: &LabView, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let muted = |ui: &mut Ui, text: String| {
        ui.add(Label::new(RichText::new(text).small().color(palette.muted)).wrap());
    };
    let Some((kept, is_current)) = scene.lab.sweep(scene.machine(), &scene.document.valid_options()) else {
        return muted(ui, "Not measured yet. Write the axes on the left and press Start.".into());
    };
    let (points, all) = kept.result.latest();
    ui.horizontal(|ui| {
        let text = format!("{}: {} of {all} points finished", kept.result.base, points.len());
        ui.label(RichText::new(text).color(palette.strong));
        exports(ui, "sweep", commands, |form| match form {
            ResultForm::Markdown => markdown(&points, &kept.about()),
            ResultForm::Json => serde_json::to_string_pretty(&points).unwrap_or_default() + "\n",
        });
    });
    conditions(ui, scene, &kept.about(), is_current);
    let mut series: Vec<(usize, u32)> = points.iter().map(series_of).collect();
    series.sort_unstable();
    series.dedup();
    let dots: Vec<Dot> = scatter(&points, Figure::MultAdds, Figure::Speed)
        .into_iter()
        .zip(&points)
        .map(|(at, point)| Dot {
            x: at.x,
            y: at.y,
            name: format!(
                "{}, {} thread(s), batch {}: {} mult-adds, {} ±{}, {} images/s",
                point.design.name,
                point.threads_of_asked(),
                point.at.batch,
                point.mult_adds,
                point.latency.median,
                format::share(point.latency.half_width()),
                format::three_digits(point.images_per_second)
            ),
            series: series.iter().position(|of| *of == series_of(point)).unwrap_or_default(),
            on_front: at.on_front,
            ..Dot::default()
        })
        .collect();
    let names: Vec<String> =
        series.iter().map(|(threads, batch)| format!("{threads} thread(s), batch {batch}")).collect();
    legend(ui, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let plot = Scatter {
        name: "sweep",
        x: Axis { name: "mult-adds per image", is_log: true },
        y: Axis { name: Figure::Speed.name(), is_log: true },
        dots: &dots,
        across: &[],
        click: Some("Click to open this design; undo leads back"),
    };
    let size = vec2(ui.available_width(), (ui.available_height() - 70.0).clamp(180.0, 560.0));
    if let Some(point) = plot.show(ui, size).dot.and_then(|index| points.get(index)) {
        commands.edit(Edit::Replace(Box::new(point.design.clone())));
        commands.push(Command::ShowTab(Tab::Design));
    }
    muted(ui, "Ringed and joined: no other point computes more and is faster. Accuracies are unknown.".into());
    for skipped in kept.result.skipped.iter().take(3) {
        muted(ui, format!("Left out: {}", skipped.reason));
    }
    if let Some(more) = kept.result.skipped.len().checked_sub(4) {
        muted(ui, format!("and {} more combinations that cannot be.", more + 1));
    }
}

/// Threads asked for and batch: only widths and groups make another design.
const fn series_of(point: &PointResult) -> (usize, u32) {
    (point.at.threads, point.at.batch)
}

fn markdown(points: &[PointResult], about: &str) -> String {
    let mut text =
        "| design | threads | batch | mult-adds | params | memory access | latency | 95 % interval | images/s |\n\
                    |---|---:|---:|---:|---:|---:|---:|---|---:|\n"
            .to_owned();
    for point in points {
        let latency = point.latency;
        text += &format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} to {} | {:.1} |\n",
            point.design.name,
            point.threads_of_asked(),
            point.at.batch,
            point.mult_adds,
            point.params,
            point.memory_access,
            latency.median,
            latency.low,
            latency.high,
            point.images_per_second
        );
    }
    text + &format!("\nMeasured: {about}.\n")
}
