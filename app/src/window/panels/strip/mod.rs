//! The network strip above the views: a bar per unit in a frame per stage, A's under it.

mod plot;

use eframe::egui;
use egui::{Align, Align2, Layout, Rect, RichText, Role, ScrollArea, Sense, TextStyle, Ui, WidgetInfo, vec2};

use self::plot::Plot;
use crate::window::command::Commands;
use crate::window::quantity::Quantity;
use crate::window::scene::Scene;
use crate::window::strip::{Strip, aligned};
use crate::window::theme::{self, Palette};
use crate::window::views::Views;

/// Width of the choice on the left.
const CHOICE: f32 = 92.0;

/// Height of the stages' names.
const NAMES: f32 = 14.0;

/// Height of the bars: a share of the room, within limits.
const SHARE: f32 = 0.09;
const LEAST: f32 = 32.0;
const MOST: f32 = 150.0;

/// Height of A's bars relative to those above them.
const OF_A: f32 = 0.6;

/// Paints the strip.
pub fn show(ui: &mut Ui, scene: Scene<'_>, views: &mut Views, commands: &mut Commands) {
    let by = views.choices.strip;
    let bars = (ui.available_height() * SHARE).clamp(LEAST, MOST).round();
    let known = &views.known;
    let a = known.pinned.as_ref().map(|(_, strip)| strip);
    let of_a = if a.is_some() { (bars * OF_A).round() + 2.0 } else { 0.0 };
    let size = vec2(ui.available_width(), NAMES + bars + of_a);
    let mut chosen = None;
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Min), |ui| {
        ui.set_min_size(size);
        ui.allocate_ui_with_layout(vec2(CHOICE, size.y), Layout::top_down(Align::Min), |ui| {
            ui.set_width(CHOICE);
            chosen = choice(ui, by);
        });
        let names = |strip: &Strip| strip.sections.iter().map(|section| section.name.clone()).collect::<Vec<String>>();
        let (now, then) = (names(&known.strip), a.map(names).unwrap_or_default());
        let plot = Plot {
            by,
            strip: &known.strip,
            a,
            pairs: aligned(&now, &then),
            selected: scene.document.selected.as_deref(),
            layers: &scene.document.valid().cost.layers,
            names: NAMES,
            bars,
            palette: Palette::current(ui),
        };
        ScrollArea::horizontal().id_salt("network strip").auto_shrink(false).show(ui, |ui| {
            let size = vec2(plot.width(ui.available_width()), size.y);
            let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
            let said = plot.said();
            response.widget_info(|| {
                let said = said.map(|said| format!(", {said}")).unwrap_or_default();
                WidgetInfo::labeled(Role::Figure, true, format!("network strip by {}{said}", by.name()))
            });
            plot.show(ui, rect, commands);
            if let Some(said) = said {
                say(ui, rect, said, plot.palette);
            }
        });
    });
    if let Some(chosen) = chosen {
        views.choices.strip = chosen;
    }
    ui.add_space(theme::GAP);
}

/// Says something below the stages' names, on the right.
fn say(ui: &Ui, rect: Rect, text: &str, palette: Palette) {
    let font = TextStyle::Small.resolve(ui.style());
    let galley = ui.painter().layout_no_wrap(text.to_owned(), font, palette.accent);
    let at = Align2::RIGHT_TOP.anchor_size(rect.right_top() + vec2(-6.0, NAMES + 2.0), galley.size());
    ui.painter().rect_filled(at.expand2(vec2(3.0, 0.0)), 2.0, palette.card);
    ui.painter().galley(at.min, galley, palette.accent);
}

/// What the heights are; small, so that it is no higher than the strip.
fn choice(ui: &mut Ui, by: Quantity) -> Option<Quantity> {
    let mut chosen = None;
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.spacing_mut().button_padding = vec2(5.0, 0.0);
    ui.spacing_mut().interact_size.y = 15.0;
    for (quantity, text) in Quantity::CHOICES {
        let on = by == quantity;
        let button = egui::Button::selectable(on, RichText::new(text).small()).min_size(vec2(0.0, 15.0));
        let response = ui.add(button).on_hover_text(format!("Height of the bars: the share of {text}"));
        response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, on, format!("strip by {text}")));
        if response.clicked() && !on {
            chosen = Some(quantity);
        }
    }
    chosen
}
