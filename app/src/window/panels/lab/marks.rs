//! What an experiment says, as a mark with its words beside it.

use eframe::egui;
use egui::{Color32, RichText, Role, Ui};
use shufflescope_engine::experiment::{Evidence, Verdict};

use crate::window::theme::Palette;
use crate::window::widgets::{Mark, mark, named};

/// Size of the marks.
const SIZE: f32 = 13.0;

/// The verdict of what `of` names.
pub(super) fn verdict(ui: &mut Ui, verdict: Verdict, of: &str, stale: bool) {
    let color = sign(ui, verdict, stale);
    let text = format!("{of}: {verdict}{}", if stale { " (stale)" } else { "" });
    named(ui.label(RichText::new(&text).strong().color(color)), Role::Label, &text);
}

/// The mark of a verdict alone, for where its word stands already. Returns its colour.
pub(super) fn sign(ui: &mut Ui, verdict: Verdict, stale: bool) -> Color32 {
    let palette = Palette::current(ui);
    let color = match verdict {
        _ if stale => palette.muted,
        Verdict::Holds => palette.good,
        Verdict::DoesNotHold => palette.warn,
        Verdict::Undecided => palette.muted,
    };
    match verdict {
        Verdict::Holds => mark(ui, Mark::Check, color, SIZE),
        Verdict::DoesNotHold => mark(ui, Mark::Warning, color, SIZE),
        Verdict::Undecided => letter(ui, "?", color),
    }
    color
}

/// What the row called `of` says.
pub(super) fn evidence(ui: &mut Ui, evidence: Evidence, of: &str, stale: bool) {
    let palette = Palette::current(ui);
    let color = match evidence {
        _ if stale => palette.muted,
        Evidence::For => palette.good,
        Evidence::Against => palette.warn,
        Evidence::None | Evidence::Open => palette.muted,
    };
    ui.horizontal(|ui| {
        match evidence {
            Evidence::For => mark(ui, Mark::Check, color, SIZE),
            Evidence::Against => mark(ui, Mark::Warning, color, SIZE),
            Evidence::None => letter(ui, "=", color),
            Evidence::Open => letter(ui, "?", color),
        }
        let text = format!("{of}: {}", evidence.name());
        named(ui.label(RichText::new(evidence.name()).color(color)), Role::Label, &text);
    });
}

fn letter(ui: &mut Ui, letter: &str, color: Color32) {
    ui.label(RichText::new(letter).strong().color(color));
}
