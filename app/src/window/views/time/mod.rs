//! The time by kind of work, beside what the same kinds cost on paper (the paper's Figure 2 for this design), and when
//! in the run each kind has it.

mod lanes;
mod shares;
mod spans;

use eframe::egui;
use egui::{Align2, Rect, RichText, Role, Sense, TextStyle, Ui, WidgetInfo, pos2, vec2};
use shufflescope_engine::report::time_by_kind;

use self::lanes::Lanes;
use self::shares::{Breakup, KINDS, Shares};
use self::spans::spans;
use super::apart;
use super::known::Known;
use crate::window::command::{Command, Commands};
use crate::window::format;
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::{label, named};

/// Room for what is said below the lanes, before it was ever painted.
const BELOW: f32 = 112.0;

/// Paints the view; a click on a stretch of the run selects its layer.
pub fn show(ui: &mut Ui, scene: Scene<'_>, known: &Known, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let layers = &scene.document.valid().cost.layers;
    let current = scene.live.current();
    let breakdown = current.and_then(|measurement| measurement.breakdown.as_ref());
    let now = Breakup::of(layers, current);
    let pinned = known.pinned.as_ref().map(|(pinned, _)| pinned);
    let a = pinned.map(|pinned| Breakup::of(&pinned.analysis.cost.layers, pinned.measurement.as_ref()));
    let a_measured = pinned.and_then(|pinned| pinned.measurement.as_ref().map(|of| (pinned, of)));
    let a_spans = a_measured.map(|(pinned, of)| spans(&pinned.analysis.cost.layers, of)).unwrap_or_default();
    let now_spans = current.map(|measurement| spans(layers, measurement)).unwrap_or_default();
    egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.add_space(theme::GAP);
        for (name, of) in BARS {
            bar(ui, name, of(&now), "not measured yet", 26.0, palette);
            if let Some(a) = &a {
                bar(ui, &format!("A: {name}"), of(a), "A was not measured when it was pinned", 14.0, palette);
            }
        }
        ui.add_space(theme::GAP);
        let lanes = Lanes {
            now: &now,
            a: a.as_ref(),
            spans: &now_spans,
            a_spans: &a_spans,
            breakdown,
            a_whole: a_measured.and_then(|(_, of)| Some(of.breakdown.as_ref()?.marked_whole)),
            selected: scene.document.selected.as_deref(),
            missing: "The kernels are shown here in the order they run, once they are measured",
        };
        let kept = ui.scope_id().with("height below the lanes");
        let below = ui.data(|data| data.get_temp(kept)).unwrap_or(BELOW);
        lanes.show(ui, below, commands);
        let bottom = ui.min_rect().bottom();
        selected(ui, scene, known, palette, commands);
        if let Some(breakdown) = breakdown {
            let text = format!(
                "Shares of the time are of the marked whole by the {}'s clock, {}; {} of it is in no kernel.",
                breakdown.clock, breakdown.marked_whole, breakdown.unaccounted
            );
            ui.label(RichText::new(text).small().color(palette.muted));
        }
        if let Some(of) = current.and_then(|measurement| time_by_kind(layers, measurement)) {
            ui.label(RichText::new(of.rule()).small().color(palette.muted));
        }
        apart::line(ui, scene, commands);
        // The lanes have all the room that this leaves, in the same frame.
        let used = ui.min_rect().bottom() - bottom;
        if (used - below).abs() > 0.5 {
            ui.data_mut(|data| data.insert_temp(kept, used));
            ui.ctx().request_discard("another height is needed below the lanes");
        }
    });
}

type Pick = fn(&Breakup) -> Option<&Shares>;

/// The stacked bars.
const BARS: [(&str, Pick); 3] = [
    ("time", |of| of.time.as_ref()),
    ("mult-adds", |of| Some(&of.mult_adds)),
    ("memory access", |of| Some(&of.memory)),
];

/// What the selected layer takes, where one is.
fn selected(ui: &mut Ui, scene: Scene<'_>, known: &Known, palette: Palette, commands: &mut Commands) {
    let Some(path) = scene.document.selected.as_deref() else { return };
    let time = known.times.as_ref().map(|times| (times.of(path), times));
    let text = match time {
        None => format!("Selected: {path}. Its time is not known yet."),
        Some((time, times)) => {
            let share = format::share(time.share_of(times.whole));
            format!("Selected: {path}, {time}, {share} of the run; {}.", times.how())
        }
    };
    ui.horizontal(|ui| {
        ui.label(RichText::new(text).small().color(palette.strong));
        let clear = ui.small_button("×").on_hover_text("Select nothing");
        if named(clear, Role::Button, "select nothing").clicked() {
            commands.push(Command::Select(None));
        }
    });
}

/// One stacked bar.
fn bar(ui: &mut Ui, name: &str, shares: Option<&Shares>, absent: &str, height: f32, palette: Palette) {
    ui.horizontal(|ui| {
        label(ui, name, 104.0);
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
        ui.painter().rect_filled(rect, theme::ROUND, palette.sunken);
        let font = TextStyle::Small.resolve(ui.style());
        let Some(shares) = shares else {
            ui.painter().text(rect.center(), Align2::CENTER_CENTER, absent, font, palette.muted);
            return;
        };
        let mut x = rect.left();
        for kind in KINDS {
            let width = rect.width() * shares.get(kind) as f32;
            let piece = Rect::from_min_size(pos2(x, rect.top()), vec2(width, rect.height()));
            x += width;
            if width < 1.0 {
                continue;
            }
            let fill = palette.kind(kind);
            ui.painter().rect_filled(piece.shrink2(vec2(0.5, 0.0)), 2.0, fill);
            if width > 44.0 {
                let text = format::share(shares.get(kind));
                let center = Align2::CENTER_CENTER;
                ui.painter().text(piece.center(), center, text, font.clone(), palette.on(fill));
            }
        }
        let described: Vec<String> = KINDS
            .iter()
            .filter(|kind| shares.get(**kind) > 0.0)
            .map(|kind| format!("{} {}", kind.name(), format::share(shares.get(*kind))))
            .collect();
        let text = format!("{name}: {}", described.join(", "));
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &text));
        response.on_hover_text(text);
    });
}
