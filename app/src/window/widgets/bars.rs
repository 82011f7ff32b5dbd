//! Rates as bars under one another: what was measured here, with its interval, and what the paper publishes.

use eframe::egui;
use egui::{Align2, Color32, FontId, Rect, Role, Sense, Stroke, StrokeKind, TextStyle, Ui, pos2, vec2};

use super::named;
use crate::window::format;
use crate::window::theme::Palette;

/// Whose rate a bar shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Measured on this machine.
    Here,
    /// The paper's, on its graphics card.
    PublishedGpu,
    /// The paper's, on its phone's processor.
    PublishedArm,
}

/// One bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Whose rate it is.
    pub whose: Whose,
    /// The rate over the first row's, or why there is none.
    pub ratio: Result<f64, &'static str>,
    /// The ends of the ratio's interval.
    pub interval: Option<[f64; 2]>,
}

/// The bars of one row of a table.
#[derive(Clone, Copy, Debug)]
pub struct Bars<'a> {
    /// The row's name.
    pub of: &'a str,
    /// The bars.
    pub bars: [Bar; 3],
    /// The ratio at the bars' end.
    pub full: f64,
    /// Whether what was measured is of something else than now.
    pub is_stale: bool,
}

/// Room for the value behind a bar.
const VALUE: f32 = 40.0;

/// Gap between bars.
const GAP: f32 = 1.0;

impl Whose {
    /// Who, in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::PublishedGpu => "published GPU",
            Self::PublishedArm => "published ARM",
        }
    }
}

impl Bar {
    /// A rate measured here, over the first row's.
    #[must_use]
    pub const fn here(ratio: Result<f64, &'static str>, interval: Option<[f64; 2]>) -> Self {
        Self { whose: Whose::Here, ratio, interval }
    }

    /// A published rate over the published one of the first row.
    #[must_use]
    pub fn published(whose: Whose, ratio: Option<f64>) -> Self {
        Self { whose, ratio: ratio.ok_or("not printed"), interval: None }
    }

    /// The largest ratio that it shows.
    fn reach(&self) -> f64 {
        self.interval.map_or(0.0, |[_, high]| high).max(self.ratio.unwrap_or(0.0))
    }

    /// What it says, in words.
    fn words(&self, of: &str) -> String {
        let whose = self.whose.name();
        match (self.ratio, self.interval) {
            (Err(why), _) => format!("{of}, {whose}: {why}"),
            (Ok(ratio), Some([low, high])) => {
                format!("{of}, {whose}: {ratio:.3} times the first row's rate ({low:.3} to {high:.3})")
            }
            (Ok(ratio), None) => format!("{of}, {whose}: {ratio:.3} times the first row's rate"),
        }
    }
}

impl Bars<'_> {
    /// The ratio at which the longest of these bars ends; never less than 1, which is the first row.
    #[must_use]
    pub fn full<'a>(bars: impl IntoIterator<Item = &'a [Bar; 3]>) -> f64 {
        bars.into_iter().flatten().map(Bar::reach).filter(|reach| reach.is_finite()).fold(1.0, f64::max)
    }

    /// The height that they take.
    #[must_use]
    pub fn height(ui: &Ui) -> f32 {
        3.0 * ui.text_style_height(&TextStyle::Small).ceil() + 2.0 * GAP + 4.0
    }

    /// Paints them in this width. Each is named after its row and says its value; hovering says it too.
    pub fn show(&self, ui: &mut Ui, width: f32) {
        let palette = Palette::current(ui);
        let font = TextStyle::Small.resolve(ui.style());
        let names = [Whose::Here, Whose::PublishedGpu, Whose::PublishedArm].map(|whose| {
            let galley = ui.painter().layout_no_wrap(whose.name().to_owned(), font.clone(), palette.muted);
            galley.size().x
        });
        let names = names.into_iter().fold(0.0, f32::max) + 6.0;
        let height = ui.text_style_height(&TextStyle::Small).ceil();
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = GAP;
            for bar in &self.bars {
                let (whole, response) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
                let text = bar.words(self.of);
                named(response, Role::Label, &text).on_hover_text(&text);
                let trough = Rect::from_min_max(
                    pos2(whole.left() + names, whole.top() + 1.0),
                    pos2(whole.right() - VALUE, whole.bottom() - 1.0),
                );
                self.paint(ui, bar, whole, trough, &font, palette);
            }
        });
    }

    fn paint(&self, ui: &Ui, bar: &Bar, whole: Rect, trough: Rect, font: &FontId, palette: Palette) {
        let painter = ui.painter();
        let middle = |x: f32| pos2(x, whole.center().y);
        let write = |at, align, text: String, color: Color32| painter.text(at, align, text, font.clone(), color);
        write(middle(whole.left()), Align2::LEFT_CENTER, bar.whose.name().into(), palette.muted);
        painter.rect_filled(trough, 2.0, palette.sunken);
        let x = |ratio: f64| trough.left() + trough.width() * (ratio / self.full.max(1e-9)).clamp(0.0, 1.0) as f32;
        let one = Stroke::new(1.0, palette.outline);
        match bar.ratio {
            Err(why) => {
                write(middle(trough.left() + 4.0), Align2::LEFT_CENTER, why.into(), palette.muted);
            }
            Ok(ratio) => {
                let color = match bar.whose {
                    Whose::Here if !self.is_stale => palette.accent,
                    _ => palette.muted,
                };
                let of = Rect::from_min_max(trough.min, pos2(x(ratio), trough.bottom()));
                match bar.whose {
                    // Faint enough for the interval to be seen on it.
                    Whose::Here => painter.rect_filled(of, 2.0, color.gamma_multiply(0.55)),
                    Whose::PublishedGpu => painter.rect_filled(of, 2.0, color.gamma_multiply(0.4)),
                    Whose::PublishedArm => painter.rect_stroke(of, 2.0, Stroke::new(1.2, color), StrokeKind::Inside),
                };
                let value = middle(trough.right() + 6.0);
                let strong = if bar.whose == Whose::Here && !self.is_stale { palette.strong } else { palette.text };
                write(value, Align2::LEFT_CENTER, format::three_digits(ratio), strong);
            }
        }
        painter.vline(x(1.0), trough.y_range(), one);
        if let Some([low, high]) = bar.interval {
            let stroke = Stroke::new(1.5, palette.strong);
            let (low, high) = (x(low), x(high));
            painter.hline(low..=high, trough.center().y, stroke);
            for end in [low, high] {
                painter.vline(end, trough.shrink2(vec2(0.0, trough.height() * 0.22)).y_range(), stroke);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_says_its_value_its_interval_and_whose_it_is() {
        let here = Bar::here(Ok(0.876), Some([0.861, 0.89]));
        assert_eq!(here.words("1:2"), "1:2, here: 0.876 times the first row's rate (0.861 to 0.890)");
        let gpu = Bar::published(Whose::PublishedGpu, Some(0.5));
        assert_eq!(gpu.words("1:2"), "1:2, published GPU: 0.500 times the first row's rate");
        assert_eq!(Bar::here(Err("not measured yet"), None).words("1:2"), "1:2, here: not measured yet");
        let arm = Bar::published(Whose::PublishedArm, None);
        assert_eq!(arm.words("CondenseNet"), "CondenseNet, published ARM: not printed");
    }

    #[test]
    fn the_longest_bar_or_interval_fills_the_room_and_the_first_row_always_fits() {
        let none = Bar::here(Err("not measured yet"), None);
        let published = |ratio| Bar::published(Whose::PublishedGpu, Some(ratio));
        assert_eq!(Bars::full(&[[none, published(0.4), published(0.2)]]), 1.0);
        let wide = Bar::here(Ok(1.2), Some([1.1, 1.4]));
        assert_eq!(Bars::full(&[[none, published(0.4), published(1.3)], [wide, published(0.1), none]]), 1.4);
        assert_eq!(Bars::full(&[[Bar::here(Ok(f64::INFINITY), None), none, none]]), 1.0);
    }
}
