//! Found designs and published networks as a table that can be sorted, opened from and compared from.

use eframe::egui;
use egui::{Align, Label, Layout, RichText, Role, ScrollArea, Sense, Ui, WidgetInfo};
use egui_extras::{Column as Width, TableBuilder};

use super::ExploreView;
use super::chart::take;
use crate::window::command::{Command, Commands};
use crate::window::explore::{Column, ExploreCommand, Order, Row};
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::{Mark, mark, named};

/// Widths of the columns, and of the one with the buttons; where there is room they grow up to this factor.
const WIDTHS: [f32; 7] = [168.0, 70.0, 66.0, 76.0, 190.0, 210.0, 80.0];
const MOST_GROWTH: f32 = 1.8;

/// Paints it.
pub fn show(ui: &mut Ui, scene: Scene<'_>, view: &mut ExploreView, commands: &mut Commands) {
    ScrollArea::horizontal().id_salt("explore rows").auto_shrink(false).show(ui, |ui| {
        let mut order = view.order;
        table(ui, scene, view, &mut order, commands);
        if order != view.order {
            view.order = order;
            ui.ctx().request_repaint();
        }
    });
}

fn table(ui: &mut Ui, scene: Scene<'_>, view: &ExploreView, order: &mut Order, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let in_hand = &scene.document.valid().fingerprint;
    let whole: f32 = WIDTHS.iter().map(|width| width + ui.spacing().item_spacing.x).sum();
    let growth = (ui.available_width() / whole).clamp(1.0, MOST_GROWTH);
    let mut builder = TableBuilder::new(ui)
        .id_salt("explore table")
        .sense(Sense::click())
        .cell_layout(Layout::left_to_right(Align::Center))
        // In a low window too the last row ends above the status bar.
        .min_scrolled_height(0.0)
        .auto_shrink(false);
    for width in WIDTHS {
        builder = builder.column(Width::exact((width * growth).floor()).clip(true));
    }
    let table = builder.header(theme::ROW, |mut header| {
        for column in Column::ALL {
            header.col(|ui| {
                if heading(ui, column, view.order, palette) {
                    *order = view.order.clicked(column);
                }
            });
        }
        header.col(|_| {});
    });
    let rows: Vec<&Row> = view.listed().collect();
    table.body(|body| {
        body.rows(theme::ROW, rows.len(), |mut line| {
            let Some(&row) = rows.get(line.index()) else { return };
            let is_in_hand = row.print == *in_hand;
            line.set_selected(is_in_hand);
            for cell in row.cells() {
                line.col(|ui| drop(ui.add(Label::new(RichText::new(cell).color(palette.text)).truncate())));
            }
            let mut compares = false;
            line.col(|ui| {
                let button = ui.small_button("compare").on_hover_text("Measure it and the present one in turns");
                compares = named(button, Role::Button, &format!("compare {}", row.name)).clicked();
            });
            let response = line.response();
            response.widget_info(|| WidgetInfo::selected(Role::Row, true, is_in_hand, row.about()));
            if compares {
                commands.push(Command::Explore(ExploreCommand::Compare(Box::new(row.model.clone()))));
            } else if response.clicked() {
                take(&response.ctx, scene, row, commands);
            }
        });
    });
}

fn heading(ui: &mut Ui, column: Column, order: Order, palette: Palette) -> bool {
    let on = order.by == column;
    let color = if on { palette.strong } else { palette.muted };
    let button = egui::Button::new(RichText::new(column.name()).small().color(color)).frame(false).truncate();
    let response = ui.add(button);
    if on {
        mark(ui, if order.descending { Mark::Down } else { Mark::Up }, color, 8.0);
    }
    named(response, Role::ColumnHeader, &format!("sort by {}", column.name())).clicked()
}
