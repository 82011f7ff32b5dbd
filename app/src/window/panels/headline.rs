//! The cards at the top: what the design costs on paper and on the device, each against the pinned A.

use eframe::egui;
use egui::{Color32, RichText, Ui};
use shufflescope_engine::measure::{Measurement, Spread, Warning};
use shufflescope_engine::predict::Prediction;
use shufflescope_engine::report::on_device as device_facts;
use shufflescope_engine::units::Nanos;

use super::forecast::about_estimate;
use crate::window::document::Pinned;
use crate::window::format;
use crate::window::live::{Freshness, Phase};
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};

/// What one card says.
struct Card {
    name: &'static str,
    value: String,
    /// The number is not the present design's.
    is_stale: bool,
    /// The number is predicted.
    is_estimate: bool,
    detail: String,
    detail_color: Option<Color32>,
    /// Relative to A.
    change: Option<f64>,
    /// Whether a larger number is the better one.
    more_is_better: bool,
    about: String,
}

/// Paints the cards.
pub fn show(ui: &mut Ui, scene: Scene<'_>) {
    let palette = Palette::current(ui);
    let mut cards = on_paper(scene);
    cards.extend(measured(scene, palette));
    cards.extend(scene.live.result().and_then(|(measurement, freshness)| on_device(measurement, freshness, palette)));
    let columns = if ui.available_width() < 690.0 { cards.len().div_ceil(2) } else { cards.len() };
    let gap = ui.spacing().item_spacing.x;
    let width = (ui.available_width() - gap * (columns as f32 - 1.0)) / columns as f32;
    for row in cards.chunks(columns) {
        ui.horizontal(|ui| {
            for card in row {
                paint(ui, card, scene.document.pinned.is_some(), width, palette);
            }
        });
    }
}

fn on_paper(scene: Scene<'_>) -> Vec<Card> {
    let total = &scene.document.valid().cost.total;
    let pinned = scene.document.pinned.as_ref().map(|pinned| &pinned.totals);
    let card = |name, value: String, detail: &str, now: u64, then: Option<u64>, about: String| Card {
        name,
        value,
        is_stale: false,
        is_estimate: false,
        detail: detail.into(),
        detail_color: None,
        change: then.map(|then| change(now as f64, then as f64)),
        more_is_better: false,
        about,
    };
    vec![
        card(
            "mult-adds",
            total.mult_adds.to_string(),
            "on paper",
            total.mult_adds.0,
            pinned.map(|total| total.mult_adds.0),
            format!(
                "{} multiply-accumulates of convolutions and linear layers, which the paper calls FLOPs",
                total.mult_adds.0
            ),
        ),
        card(
            "params",
            total.params.to_string(),
            "learned",
            total.params.0,
            pinned.map(|total| total.params.0),
            format!("{} learned parameters", total.params.0),
        ),
        card(
            "mem. access",
            total.memory_access.to_string(),
            &total.memory_access_bytes.to_string(),
            total.memory_access.0,
            pinned.map(|total| total.memory_access.0),
            format!(
                "{} elements read and written by all layers: memory access cost in the paper's sense",
                total.memory_access.0
            ),
        ),
        card(
            "peak memory",
            total.peak_activation_bytes.to_string(),
            &total.peak_activation_layer,
            total.peak_activation_bytes.0,
            pinned.map(|total| total.peak_activation_bytes.0),
            format!("Most activations alive at once, reached in {}", total.peak_activation_layer),
        ),
    ]
}

fn measured(scene: Scene<'_>, palette: Palette) -> [Card; 2] {
    let batch = scene.document.valid_options().batch;
    let result = scene.live.result();
    let is_stale = result.is_none_or(|(_, freshness)| !freshness.is_current());
    if let Some(estimate) = scene.forecast.estimate().filter(|_| is_stale) {
        return predicted(scene, estimate, palette);
    }
    let spread = result.map(|(measurement, _)| measurement.whole);
    let then = scene.document.pinned.as_ref().and_then(|Pinned { latency, .. }| *latency);
    let both = spread.zip(then).filter(|_| !is_stale);
    let (detail, detail_color) = state(scene, palette);
    let saved = scene.document.pinned.as_ref().and_then(saved_latency).unwrap_or_default();
    let latency = Card {
        name: "latency",
        value: spread.map_or_else(|| "\u{2013}".into(), |spread| spread.median.to_string()),
        is_stale,
        is_estimate: false,
        detail,
        detail_color,
        change: both.map(|(now, (then, _))| change(now.median.as_f64(), then.median.as_f64())),
        more_is_better: false,
        about: spread.map_or_else(|| "Not measured yet.".into(), about) + &saved,
    };
    let rate = Card {
        name: "rate",
        value: spread.map_or_else(
            || "\u{2013}".into(),
            |spread| format!("{} /s", format::three_digits(rate(spread.median, batch))),
        ),
        is_stale,
        is_estimate: false,
        detail: if batch == 1 { "images".into() } else { format!("images, by {batch}") },
        detail_color: None,
        change: both.map(|(now, (then, then_batch))| change(rate(now.median, batch), rate(then.median, then_batch))),
        more_is_better: true,
        about: "Images per second: the batch over the median latency".into(),
    };
    [latency, rate]
}

/// What the present network is predicted to take, until it is measured; never without saying so.
fn predicted(scene: Scene<'_>, estimate: &Prediction, palette: Palette) -> [Card; 2] {
    let batch = scene.document.valid_options().batch;
    let then = scene.document.pinned.as_ref().and_then(|Pinned { latency, .. }| *latency);
    let Prediction { predicted, low, high, .. } = estimate;
    let last = scene.live.result().map_or_else(String::new, |(last, _)| {
        format!(" Measured last was another network or another way of running: {} (stale).", last.whole.median)
    });
    let saved = scene.document.pinned.as_ref().and_then(saved_latency).unwrap_or_default();
    let (state, _) = state(scene, palette);
    let latency = Card {
        name: "latency, predicted",
        value: format!("\u{2248} {predicted}"),
        is_stale: false,
        is_estimate: true,
        detail: format!("{low} to {high}"),
        detail_color: Some(palette.accent),
        change: then.map(|(then, _)| change(predicted.as_f64(), then.median.as_f64())),
        more_is_better: false,
        about: format!("{}{last} Now: {state}.{saved}", about_estimate(estimate)),
    };
    let now = rate(*predicted, batch);
    let rate = Card {
        name: "rate, predicted",
        value: format!("\u{2248} {} /s", format::three_digits(now)),
        is_stale: false,
        is_estimate: true,
        detail: if batch == 1 { "images".into() } else { format!("images, by {batch}") },
        detail_color: Some(palette.accent),
        change: then.map(|(then, then_batch)| change(now, rate(then.median, then_batch))),
        more_is_better: true,
        about: "Images per second: the batch over the predicted latency".into(),
    };
    [latency, rate]
}

fn rate(median: Nanos, batch: u32) -> f64 {
    f64::from(batch) / median.as_secs_f64().max(1e-12)
}

/// What the device itself takes, where the host only feeds it, with a badge where that is too slow.
fn on_device(measurement: &Measurement, freshness: Freshness, palette: Palette) -> Option<Card> {
    let enqueue = measurement.enqueue?;
    let (detail, detail_color) = match measurement.launch_bound() {
        Some(_) => ("launch-bound".into(), Some(palette.warn)),
        None => (format!("enqueue {}", enqueue.median), None),
    };
    let facts = device_facts(measurement).into_iter();
    let facts: Vec<String> = facts.map(|fact| format!("{}: {}, {}.", fact.name, fact.value, fact.detail)).collect();
    let is_about_device = |warning: &&Warning| {
        matches!(warning, Warning::LaunchBound { .. } | Warning::HostLatency { .. } | Warning::CardThrottled { .. })
    };
    let why = measurement.warnings.iter().filter(is_about_device).map(|warning| format!("\n{warning}."));
    Some(Card {
        name: "device",
        value: measurement.device_time.map_or_else(|| "unknown".into(), |device| device.median.to_string()),
        is_stale: !freshness.is_current(),
        is_estimate: false,
        detail,
        detail_color,
        change: None,
        more_is_better: false,
        about: facts.join("\n") + &why.collect::<String>(),
    })
}

/// What the latency is worth, in a few words.
fn state(scene: Scene<'_>, palette: Palette) -> (String, Option<Color32>) {
    let phase = scene.live.phase();
    let busy = phase.is_busy();
    if let Phase::Queued(behind) = phase {
        return (format!("waiting for {behind}"), Some(palette.warn));
    }
    match scene.live.result() {
        None if busy => ("measuring".into(), Some(palette.accent)),
        None if matches!(phase, Phase::Failed(_)) => ("failed".into(), Some(palette.error)),
        None => ("not measured".into(), None),
        Some((_, Freshness::Stale)) if busy => ("stale, measuring".into(), Some(palette.accent)),
        Some((_, Freshness::Stale)) => ("stale".into(), Some(palette.warn)),
        Some((measurement, freshness)) => {
            let whole = &measurement.whole;
            let within = whole.half_width_within_run();
            let run = within.map(|within| format!("run ±{}", format::share(within)));
            let fresh = whole.is_repeatable().then(|| format!("±{}", format::share(whole.half_width())));
            let spread = [fresh, run].into_iter().flatten().collect::<Vec<String>>().join(", ");
            match freshness {
                Freshness::Partial => (format!("{spread}, measuring"), Some(palette.accent)),
                _ if within.is_some_and(|within| within > measurement.protocol.rough_half_width) => {
                    (format!("{spread}, rough"), Some(palette.warn))
                }
                _ => (spread, None),
            }
        }
    }
}

/// Where A's latency comes from, where it was not measured in this session.
fn saved_latency(pinned: &Pinned) -> Option<String> {
    let (spread, batch) = pinned.latency?;
    Some(format!(" A: {}, batch {batch}, from the file {}.", spread.median, pinned.file_name()?))
}

fn about(spread: Spread) -> String {
    let between = match spread.is_repeatable() {
        true => format!(": fresh runs have their median between {} and {} (95 %)", spread.low, spread.high),
        false => String::new(),
    };
    let p90 = spread.p90.map_or_else(String::new, |p90| format!(", 90 % within {p90}"));
    format!(
        "Median of {} runs: {}; {}{between}. Fastest {}{p90}.",
        spread.samples,
        spread.median,
        spread.certainty(),
        spread.min
    )
}

fn change(now: f64, then: f64) -> f64 {
    if then > 0.0 { now / then - 1.0 } else { 0.0 }
}

fn paint(ui: &mut Ui, card: &Card, compared: bool, width: f32, palette: Palette) {
    let frame = palette.card_frame();
    let inner = width - frame.total_margin().sum().x;
    let response = frame.show(ui, |ui| {
        ui.set_width(inner);
        ui.spacing_mut().item_spacing.y = 1.0;
        ui.vertical(|ui| {
            ui.label(RichText::new(card.name).color(palette.muted).small());
            let color = match card {
                Card { is_stale: true, .. } => palette.muted,
                Card { is_estimate: true, .. } => palette.accent,
                _ => palette.strong,
            };
            let value = RichText::new(&card.value).size(theme::HEADLINE).color(color);
            ui.add(egui::Label::new(value).truncate());
            let color = card.detail_color.unwrap_or(palette.muted);
            ui.add(egui::Label::new(RichText::new(&card.detail).small().color(color)).truncate());
            if compared {
                let (text, color) = match card.change {
                    Some(change) => {
                        let (text, color) = versus(change, card.more_is_better, palette);
                        (if card.is_estimate { format!("\u{2248} {text}") } else { text }, color)
                    }
                    None => ("\u{2013} vs A".to_owned(), palette.muted),
                };
                ui.add(egui::Label::new(RichText::new(text).small().color(color)).truncate());
            }
        });
    });
    let about = format!("{}: {}. {}", card.name, card.value, card.about);
    let response = response.response.on_hover_ui(|ui| {
        ui.set_max_width(320.0);
        ui.label(&card.about);
    });
    let label = if card.is_stale { format!("{about} (stale)") } else { about };
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Group, true, &label));
}

/// The change against A, in words, sign and colour.
fn versus(change: f64, more_is_better: bool, palette: Palette) -> (String, Color32) {
    let color = match change {
        c if c.abs() < 0.000_5 => palette.muted,
        c if (c > 0.0) == more_is_better => palette.good,
        _ => palette.warn,
    };
    (format!("{} vs A", format::change(change)), color)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shufflescope_engine::clock::TimerQuality;
    use shufflescope_engine::device::{Conditions, DeviceId};
    use shufflescope_engine::measure::{Circumstances, MeasureKey, ProcessSamples, Protocol, WarmUp};
    use shufflescope_engine::runtime::RunOptions;
    use shufflescope_engine::units::Nanos;
    use shufflescope_engine::zoo;

    /// Runs of 400 us for the host and 200 us for the device, enqueued in so long.
    fn card(device: DeviceId, enqueue: u64) -> Option<Card> {
        let warm_up = WarmUp { first_run: Nanos(20), runs: 3, time: Nanos(60), settled: true };
        let mut process = ProcessSamples::new(warm_up, TimerQuality { precision: Nanos(1), read_cost: Nanos(0) }, 1, 1);
        process.whole = vec![Nanos(400_000); 9];
        process.enqueue = vec![Nanos(enqueue); 9];
        process.device = vec![Nanos(200_000); 9];
        process.transfer = vec![Nanos(70_000); 5];
        let design = zoo::preset("shufflenet-v2-x0.5").unwrap().fingerprint();
        let key = MeasureKey { design, options: RunOptions::new(device, 1, 1), protocol: Protocol::live() };
        let circumstances = Circumstances { key, kernels: vec![], conditions: Conditions::default(), scatter: None };
        let measurement = Measurement::summarise(&circumstances, &[process]).unwrap();
        on_device(&measurement, Freshness::Final, Palette::of(egui::Theme::Dark))
    }

    #[test]
    fn a_gpus_own_time_has_a_card_with_a_badge_that_explains_itself_where_it_waits_for_the_host() {
        assert!(card(DeviceId::Cpu, 400_000).is_none(), "the processor feeds nobody");
        let calm = card(DeviceId::Cuda(0), 60_000).unwrap();
        assert_eq!((calm.value.as_str(), calm.detail.as_str()), ("200 µs", "enqueue 60.0 µs"));
        assert!(calm.detail_color.is_none() && calm.about.contains("transfer: 70.0 µs"), "{}", calm.about);
        assert!(calm.about.contains("the other 200 µs go into"), "where the rest goes: {}", calm.about);
        let bound = card(DeviceId::Cuda(0), 300_000).unwrap();
        assert_eq!(
            (bound.detail.as_str(), bound.detail_color),
            ("launch-bound", Some(Palette::of(egui::Theme::Dark).warn))
        );
        assert!(bound.about.contains("so the device waits for the host"), "{}", bound.about);
    }
}
