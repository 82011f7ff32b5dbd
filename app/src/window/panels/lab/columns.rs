//! The head of a table of networks: columns of fixed widths under small headings.

use eframe::egui;
use egui::{Align, Layout, RichText, Sense, Ui};
use egui_extras::{Column, Table, TableBuilder};

use crate::window::theme::{self, Palette};

/// A table without rows yet.
pub(super) fn headed<'a>(ui: &'a mut Ui, name: &str, headings: &[(&str, f32)], palette: Palette) -> Table<'a> {
    let mut builder = TableBuilder::new(ui)
        .id_salt(name)
        .sense(Sense::hover())
        .cell_layout(Layout::left_to_right(Align::Center))
        .auto_shrink(false);
    for &(_, width) in headings {
        builder = builder.column(Column::exact(width).clip(true));
    }
    builder.header(theme::ROW, |mut header| {
        for &(text, _) in headings {
            header.col(|ui| drop(ui.label(RichText::new(text).small().color(palette.muted))));
        }
    })
}
