//! Every measured kernel under what the device can do at most: the roofline of Williams et al. (2009).

mod chart;

use eframe::egui;
use egui::{Align, Label, Layout, RichText, Role, Sense, Ui, vec2};
use shufflescope_engine::graph::OpKind;
use shufflescope_engine::measure::{Breakdown, Peaks};
use shufflescope_engine::report::{FEWER_MULTIPLICATIONS, RooflinePoint, roofline_points};
use shufflescope_engine::units::{FlopRate, Nanos};

use self::chart::{Chart, marker};
use super::known::Known;
use crate::window::command::{Command, Commands};
use crate::window::format;
use crate::window::live::Phase;
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::named;

/// Paints the view; a click on a kernel selects its first layer.
pub fn show(ui: &mut Ui, scene: Scene<'_>, known: &Known, commands: &mut Commands) {
    let options = scene.document.valid_options();
    let ceilings = scene.live.ceilings();
    let peaks = ceilings.get(options.device, options.threads);
    let failure = ceilings.failure(options.device, options.threads);
    if peaks.is_none() && failure.is_none() && !ceilings.is_waiting() && !ceilings.is_measuring() {
        commands.push(Command::MeasureCeilings);
    }
    // What an older design took says nothing about this one.
    let breakdown = scene.live.current().and_then(|measurement| measurement.breakdown.as_ref());
    let layers = &scene.document.valid().cost.layers;
    let points = breakdown.map(|breakdown| roofline_points(layers, &breakdown.kernels)).unwrap_or_default();
    let of_a = points_of_a(known);
    ui.add_space(theme::GAP);
    about_ceilings(ui, scene, peaks, failure, commands);
    if let Some(peaks) = peaks {
        explain_faster_kernels(ui, &points, peaks.compute);
    }
    legend(ui, &points, &of_a, breakdown);
    let height = (ui.available_height() - 8.0).max(96.0);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let missing = breakdown.is_none().then(|| what_is_missing(scene));
    named(response, Role::Image, &described(&points, &of_a, peaks, missing.as_deref()));
    let Some(chart) = Chart::around(ui, rect, points.iter().chain(&of_a), peaks) else {
        if let Some(missing) = missing {
            chart::say(ui, rect, &missing);
        }
        return;
    };
    chart.paint_axes(ui);
    if let Some(peaks) = peaks {
        chart.paint_ceilings(ui, peaks);
    }
    if let Some(missing) = missing {
        chart::say(ui, rect, &missing);
    }
    let is_selected = |point: &RooflinePoint| {
        let kernel = breakdown.and_then(|breakdown| breakdown.kernels.get(point.kernel));
        let selected = scene.document.selected.as_ref();
        kernel.zip(selected).is_some_and(|(kernel, selected)| kernel.layers.contains(selected))
    };
    for then in &of_a {
        let now = points.iter().find(|point| point.layer == then.layer);
        chart.paint_a(ui, then, now, scene.document.selected.as_deref() == Some(then.layer.as_str()));
    }
    // The selected kernel lies on top of its neighbours.
    let (above, below): (Vec<_>, Vec<_>) = points.iter().partition(|point| is_selected(point));
    for point in below.into_iter().chain(above) {
        let on = is_selected(point);
        if chart.paint_point(ui, point, on, || in_full(point, breakdown, peaks)).clicked() {
            commands.push(Command::Select((!on).then(|| point.layer.clone())));
        }
    }
}

/// A's kernels, where they were measured.
fn points_of_a(known: &Known) -> Vec<RooflinePoint> {
    let pinned = known.pinned.as_ref().map(|(pinned, _)| pinned);
    let breakdown = pinned.and_then(|pinned| Some((pinned, pinned.measurement.as_ref()?.breakdown.as_ref()?)));
    breakdown
        .map(|(pinned, breakdown)| roofline_points(&pinned.analysis.cost.layers, &breakdown.kernels))
        .unwrap_or_default()
}

/// The ceilings in words, how they were measured, and the button that measures them again.
fn about_ceilings(
    ui: &mut Ui,
    scene: Scene<'_>,
    peaks: Option<&Peaks>,
    failure: Option<&str>,
    commands: &mut Commands,
) {
    let palette = Palette::current(ui);
    let ceilings = scene.live.ceilings();
    ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
        let is_busy = ceilings.is_waiting() || ceilings.is_measuring();
        let again = ui.add_enabled(!is_busy, egui::Button::new("Measure again"));
        let again = again.on_hover_text("Measure what this device can do at most again; takes about a second");
        if named(again, Role::Button, "Measure ceilings again").clicked() {
            commands.push(Command::MeasureCeilings);
        }
        ui.with_layout(Layout::top_down(Align::Min), |ui| {
            let state = match (failure, peaks) {
                (Some(reason), _) => {
                    let text = format!("This device's ceilings cannot be measured: {reason}");
                    ui.add(Label::new(RichText::new(text).color(palette.error)).wrap());
                    return;
                }
                (None, Some(peaks)) => what_peaks_say(peaks),
                (None, None) if let Some(behind) = ceilings.behind() => {
                    format!("Waiting for {behind} to finish measuring on this device")
                }
                (None, None) if ceilings.is_measuring() => "Measuring what this device can do at most".to_owned(),
                (None, None) => {
                    "This device's ceilings are measured when the measurement in progress is done".to_owned()
                }
            };
            let label = ui.add(Label::new(RichText::new(state).color(palette.strong)).truncate());
            let Some(peaks) = peaks else { return };
            label.on_hover_ui(|ui| {
                ui.set_max_width(420.0);
                ui.label(what_peaks_say(peaks));
                ui.label(HOW);
                ui.label(streams(peaks));
            });
            ui.add(Label::new(RichText::new(how(peaks)).small().color(palette.muted)).wrap());
        });
    });
}

const HOW: &str = "Each ceiling is the best of several ways, each tried again and again for a fixed time. Data is moved by \
     a copy and by the triad a = b + s c; bytes read and written count. Kernels whose data stays in the caches may lie \
     above the slope of the memory.";

fn what_peaks_say(peaks: &Peaks) -> String {
    let cache = peaks.cache.map_or_else(String::new, |(cache, _)| format!(" · caches {cache}"));
    let launch = peaks.launch.map_or_else(String::new, |launch| format!(" · a launch {launch}"));
    format!("At most {}{cache} · memory {}{launch}", peaks.compute, peaks.memory)
}

fn how(peaks: &Peaks) -> String {
    let threads = if peaks.threads == 1 { "1 thread".to_owned() } else { format!("{} threads", peaks.threads) };
    format!("Measured on {} with {threads} in {}, the arithmetic by {}", peaks.device, peaks.took, peaks.compute_by)
}

/// What the streams went over.
fn streams(peaks: &Peaks) -> String {
    let cache = peaks.cache.map_or_else(String::new, |(_, bytes)| format!("; caches by {bytes} per thread"));
    format!("Memory by streams over {}{cache}.", peaks.memory_bytes)
}

/// A ceiling that kernels exceed is told and not bent: they compute with fewer multiplications, or what was tried for the
/// ceiling was slower, or the device was.
fn explain_faster_kernels(ui: &mut Ui, points: &[RooflinePoint], compute: FlopRate) {
    let palette = Palette::current(ui);
    let [winograd, others] = faster_kernels(points, compute);
    for (text, color) in [(winograd, palette.muted), (others, palette.warn)] {
        if let Some(text) = text {
            ui.label(RichText::new(text).small().color(color));
        }
    }
}

/// What is said of the kernels above the ceiling: of those that compute with fewer multiplications, and of the others.
fn faster_kernels(points: &[RooflinePoint], compute: FlopRate) -> [Option<String>; 2] {
    let faster = |is_winograd: bool| {
        let is_meant = |point: &&RooflinePoint| point.rate > compute && point.is_winograd == is_winograd;
        match points.iter().filter(is_meant).count() {
            0 => None,
            1 => Some("1 kernel was".to_owned()),
            many => Some(format!("{many} kernels were")),
        }
    };
    [
        faster(true).map(|kernels| format!("{kernels} faster than the fastest arithmetic. {FEWER_MULTIPLICATIONS}")),
        faster(false).map(|kernels| {
            format!("{kernels} faster than the fastest arithmetic found; measuring again may find more")
        }),
    ]
}

/// The marks of the kinds that are there, and what the chart leaves out.
fn legend(ui: &mut Ui, points: &[RooflinePoint], of_a: &[RooflinePoint], breakdown: Option<&Breakdown>) {
    let palette = Palette::current(ui);
    let mut kinds: Vec<OpKind> = points.iter().map(|point| point.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    ui.horizontal_wrapped(|ui| {
        for kind in kinds {
            let (rect, _) = ui.allocate_exact_size(vec2(12.0, 14.0), Sense::hover());
            marker(ui.painter(), rect.center(), 5.0, kind, palette.kind(kind), palette.outline);
            ui.label(RichText::new(kind.name()).small().color(palette.text));
            ui.add_space(theme::GAP);
        }
        if !of_a.is_empty() {
            ui.label(RichText::new("rings: A's kernels, joined to the same kernel now").small().color(palette.muted));
        }
        let Some(breakdown) = breakdown else { return };
        let is_in = |index: usize| points.iter().any(|point| point.kernel == index);
        let out = breakdown.kernels.iter().enumerate().filter(|(index, _)| !is_in(*index));
        let (count, time) = out.fold((0, Nanos::ZERO), |(count, time), (_, kernel)| (count + 1, time + kernel.median));
        if count > 0 {
            let share = format::share(time.share_of(breakdown.marked_whole));
            let kernels = if count == 1 { "1 kernel".to_owned() } else { format!("{count} kernels") };
            let text = format!("not shown: {kernels} without mult-adds, {share} of the time");
            ui.label(RichText::new(text).small().color(palette.muted));
        }
    });
}

/// Why there are no points.
fn what_is_missing(scene: Scene<'_>) -> String {
    let live = scene.live;
    match live.phase() {
        Phase::Failed(reason) => format!("Not measured: {reason}"),
        phase if phase.is_busy() => "Measuring the kernels".into(),
        _ if live.current().is_some() => "This measurement timed no kernels".into(),
        Phase::Stopped => "Not measured: the measurement was stopped; \u{201c}Measure\u{201d} below starts it".into(),
        _ => "Not measured yet: \u{201c}Measure\u{201d} below starts a measurement".into(),
    }
}

/// The chart for those who do not see it.
fn described(points: &[RooflinePoint], of_a: &[RooflinePoint], peaks: Option<&Peaks>, missing: Option<&str>) -> String {
    let mut kernels = missing.map_or_else(|| format!("{} kernels", points.len()), str::to_owned);
    if !of_a.is_empty() {
        kernels += &format!(", {} of A", of_a.len());
    }
    let under = peaks.map_or_else(|| "ceilings not known yet".into(), what_peaks_say);
    format!("roofline. {kernels}. {under}")
}

fn in_full(point: &RooflinePoint, breakdown: Option<&Breakdown>, peaks: Option<&Peaks>) -> String {
    let more = if point.layers > 1 { format!(" and {} more layers", point.layers - 1) } else { String::new() };
    let mut text = format!(
        "{}{more}\n{}, {} at {} FLOP/byte\n{}",
        point.layer,
        point.kind.name(),
        point.rate,
        format::three_digits(point.intensity),
        point.median,
    );
    if let Some(breakdown) = breakdown {
        text += &format!(", {} of the marked whole", format::share(point.median.share_of(breakdown.marked_whole)));
    }
    if let Some(peaks) = peaks {
        text += &format!("\n{} of the fastest arithmetic", format::share(point.rate.0 / peaks.compute.0));
        if point.is_winograd {
            text += &format!("\n{FEWER_MULTIPLICATIONS}");
        }
        let attainable = peaks.attainable(point.intensity);
        if attainable < peaks.compute {
            text += &format!("; from memory at most {attainable}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(rate: f64, is_winograd: bool) -> RooflinePoint {
        let (layer, kind, median) = (String::new(), OpKind::Convolution, Nanos(1));
        RooflinePoint { kernel: 0, layer, layers: 1, kind, intensity: 1.0, rate: FlopRate(rate), median, is_winograd }
    }

    #[test]
    fn only_kernels_above_the_ceiling_are_explained_and_winograds_are_no_warning() {
        let points =
            [point(90.0, false), point(90.0, true), point(120.0, true), point(130.0, true), point(101.0, false)];
        let [winograd, others] = faster_kernels(&points, FlopRate(100.0));
        let said = "2 kernels were faster than the fastest arithmetic. Winograd: fewer multiplications than mult-adds";
        assert_eq!(winograd.as_deref(), Some(said));
        assert!(others.is_some_and(|text| text.starts_with("1 kernel was faster")));
        assert_eq!(faster_kernels(&points, FlopRate(200.0)), [None, None]);
    }
}
