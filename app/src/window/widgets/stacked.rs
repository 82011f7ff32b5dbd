//! Shares of a whole, side by side in one bar.

use eframe::egui;
use egui::{Align2, Color32, Rect, Role, Sense, TextStyle, Ui, pos2, vec2};

use super::named;
use crate::window::format;
use crate::window::theme::Palette;

/// A share with its name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// What it is the share of.
    pub name: &'static str,
    /// From 0 to 1.
    pub share: f64,
}

/// Paints the parts in this width, each in the colour of its position, with its name where there is room for it. The bar is
/// called `name` and says every share; so does hovering.
pub fn stacked(ui: &mut Ui, name: &str, parts: &[Part], width: f32) {
    let palette = Palette::current(ui);
    let height = ui.text_style_height(&TextStyle::Small).ceil() + 6.0;
    let (whole, response) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    let text = words(name, parts);
    named(response, Role::Label, &text).on_hover_text(&text);
    let (painter, font) = (ui.painter(), TextStyle::Small.resolve(ui.style()));
    painter.rect_filled(whole, 2.0, palette.sunken);
    let mut start = 0.0;
    for (index, part) in parts.iter().enumerate() {
        let x = |share: f64| whole.left() + whole.width() * share.clamp(0.0, 1.0) as f32;
        let end = start + part.share.max(0.0);
        // A thin gap tells neighbours apart without their colours.
        let of = Rect::from_min_max(pos2(x(start), whole.top()), pos2(x(end) - 1.0, whole.bottom()));
        start = end;
        if of.width() <= 0.5 {
            continue;
        }
        let fill = palette.series(index);
        painter.rect_filled(of, 1.0, fill);
        let galley = painter.layout_no_wrap(part.name.to_owned(), font.clone(), palette.on(fill));
        if galley.size().x + 6.0 <= of.width() {
            painter.text(of.center(), Align2::CENTER_CENTER, part.name, font.clone(), palette.on(fill));
        }
    }
}

/// The colours and names of the parts, in a row that wraps.
pub fn stacked_legend(ui: &mut Ui, names: &[&str]) {
    let palette = Palette::current(ui);
    ui.horizontal_wrapped(|ui| {
        for (index, name) in names.iter().enumerate() {
            let (rect, _) = ui.allocate_exact_size(vec2(10.0, 12.0), Sense::hover());
            let color: Color32 = palette.series(index);
            ui.painter().rect_filled(Rect::from_center_size(rect.center(), vec2(9.0, 9.0)), 1.0, color);
            ui.label(egui::RichText::new(*name).small().color(palette.muted));
        }
    });
}

fn words(name: &str, parts: &[Part]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| format!("{} {}", part.name, format::share(part.share))).collect();
    format!("{name}: {}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_says_every_share() {
        let parts = [Part { name: "Conv", share: 0.87 }, Part { name: "Shuffle", share: 0.031 }];
        assert_eq!(words("V1, published ARM", &parts), "V1, published ARM: Conv 87 %, Shuffle 3.1 %");
    }
}
