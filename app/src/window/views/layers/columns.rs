//! Which columns the table shows, how wide they are, and the menu to choose them.

use eframe::egui;
use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{PopupCloseBehavior, Role, Ui};

use crate::window::views::choices::ViewChoices;
use crate::window::views::rows::Column;
use crate::window::widgets::named;

/// Below this width the columns up to the latency still fit without scrolling.
const TIGHT: f32 = 640.0;

/// Between columns, and beside the last one.
const GAP: f32 = 6.0;
const SCROLL_BAR: f32 = 14.0;

/// How much room a column takes.
struct Room {
    /// Where the table is tight.
    least: f32,
    usual: f32,
    /// Share of the room that is left over, and the most of it.
    share: f32,
    most: f32,
}

const fn room(column: Column) -> Room {
    let (least, usual, share, most) = match column {
        Column::Layer => (138.0, 154.0, 0.2, 240.0),
        Column::Op => (86.0, 106.0, 0.1, 120.0),
        Column::Latency => (142.0, 168.0, 0.7, 1_700.0),
        Column::Output => (78.0, 78.0, 0.0, 0.0),
        Column::MultAdds | Column::Apart => (66.0, 66.0, 0.0, 0.0),
        Column::Params | Column::Spread | Column::Rate => (58.0, 58.0, 0.0, 0.0),
        Column::Intensity => (64.0, 64.0, 0.0, 0.0),
        Column::MemoryAccess => (76.0, 76.0, 0.0, 0.0),
        Column::LatencyAgainstA => (78.0, 78.0, 0.0, 0.0),
        Column::MultAddsAgainstA => (92.0, 92.0, 0.0, 0.0),
        Column::MemoryAccessAgainstA => (104.0, 104.0, 0.0, 0.0),
    };
    Room { least, usual, share, most }
}

/// The columns shown.
pub fn shown(choices: &ViewChoices, is_pinned: bool) -> Vec<Column> {
    Column::ALL.into_iter().filter(|column| choices.shows(*column, is_pinned)).collect()
}

/// Their widths in a table of this width.
pub fn widths(columns: &[Column], wide: f32) -> Vec<f32> {
    let is_tight = wide < TIGHT;
    let usual: f32 = columns.iter().map(|column| room(*column).usual + GAP).sum();
    let spare = (wide - usual - SCROLL_BAR).max(0.0);
    let width = |column: &Column| {
        let Room { least, usual, share, most } = room(*column);
        if is_tight { least } else { usual + (spare * share).min(most).round() }
    };
    columns.iter().map(width).collect()
}

/// The menu of columns; stays open while they are chosen.
pub fn menu(ui: &mut Ui, choices: &mut ViewChoices, is_pinned: bool) {
    let config = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    let button = egui::Button::new("Columns").small();
    let (response, _) = MenuButton::from_button(button).config(config).ui(ui, |ui| {
        for column in Column::ALL.into_iter().filter(|column| *column != Column::Layer) {
            let mut is_on = choices.columns.contains(&column);
            let is_of_use = is_pinned || !column.is_against_a();
            let check = ui.add_enabled(is_of_use, egui::Checkbox::new(&mut is_on, column.name()));
            let check = check.on_hover_text(column.about()).on_disabled_hover_text("Pin a design as A first");
            if named_check(check, column, is_on).changed() {
                choices.toggle(column);
            }
        }
        ui.separator();
        let usual = ui.button("As usual").on_hover_text("The columns shown at the first start");
        if named(usual, Role::Button, "usual columns").clicked() {
            choices.columns = ViewChoices::default().columns;
        }
    });
    named(response.on_hover_text("Choose the columns of the table"), Role::Button, "Columns");
}

fn named_check(response: egui::Response, column: Column, is_on: bool) -> egui::Response {
    let enabled = response.enabled();
    response.widget_info(|| {
        egui::WidgetInfo::selected(Role::CheckBox, enabled, is_on, format!("column {}", column.name()))
    });
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_take_what_room_there_is_and_less_where_there_is_little() {
        let columns = shown(&ViewChoices::default(), false);
        let [tight, usual, wide] = [480.0, 830.0, 3200.0].map(|wide| widths(&columns, wide));
        assert!(tight.iter().zip(&usual).all(|(tight, usual)| tight <= usual));
        assert!(usual.iter().zip(&wide).all(|(usual, wide)| usual <= wide));
        let all: f32 = usual.iter().map(|width| width + GAP).sum();
        assert!(all <= 830.0, "the usual columns fit at the usual width: {all}");
        assert_eq!(shown(&ViewChoices::default(), true).len(), columns.len() + 2);
    }
}
