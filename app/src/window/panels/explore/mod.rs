//! The *Explore* tab: what to search for on the left; what was found beside the published networks on the right, as
//! points and as a table.

mod chart;
mod form;
mod rows;

use eframe::egui;
use egui::{Label, Margin, Panel, RichText, Role, ScrollArea, Ui};
use shufflescope_engine::design::Design;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::search::{Capacity, Phase};

use super::progress;
use crate::window::bench::Owner;
use crate::window::command::{Command, Commands};
use crate::window::explore::{ExploreCommand, Fields, Order, Row, Shown, csv, markdown, rows as rows_of, words};
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::{choice, named};

/// How the tab is looked at, and what is typed into it.
#[derive(Debug)]
pub struct ExploreView {
    fields: Fields,
    /// The count on the horizontal axis.
    across: Capacity,
    order: Order,
    with_published: bool,
    /// What the chart and the table show, and what it was made of.
    rows: Vec<Row>,
    made_of: Option<(u64, RunOptions, Order, bool)>,
}

impl Default for ExploreView {
    fn default() -> Self {
        Self {
            fields: Fields::default(),
            across: Capacity::MultAdds,
            order: Order::default(),
            with_published: true,
            rows: Vec::new(),
            made_of: None,
        }
    }
}

/// Paints the tab.
pub fn show(ui: &mut Ui, scene: Scene<'_>, view: &mut ExploreView, commands: &mut Commands) {
    let palette = Palette::current(ui);
    view.refresh(scene);
    let side = palette.panel_frame(Margin { left: 12, right: 6, top: 10, bottom: 8 });
    Panel::left("explore form").frame(side).resizable(false).exact_size(236.0).show(ui, |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| form::show(ui, scene, &mut view.fields, commands));
    });
    let frame = egui::Frame::new().fill(palette.background).inner_margin(Margin::symmetric(12, 10));
    egui::CentralPanel::no_frame().frame(frame).show(ui, |ui| {
        standing(ui, scene, commands);
        ui.horizontal(|ui| tools(ui, scene, view, commands));
        chart::show(ui, scene, view, commands);
        rows::show(ui, scene, view, commands);
    });
}

impl ExploreView {
    /// Makes the rows anew where something changed.
    fn refresh(&mut self, scene: Scene<'_>) {
        let options = scene.document.valid_options();
        let of = (scene.explore.version(), options.clone(), self.order, self.with_published);
        if self.made_of.as_ref() == Some(&of) {
            return;
        }
        let shown = scene.explore.shown(scene.machine(), &options);
        let batch = match shown {
            Some(Shown::Kept(kept, _)) => kept.context.options.batch,
            _ => options.batch,
        };
        let landmarks = scene.explore.landmarks(&options).filter(|_| self.with_published);
        let published = landmarks.map(|landmarks| landmarks.networks.as_slice()).unwrap_or_default();
        let own = scene.explore.landmarks(&options).map(|landmarks| landmarks.own.as_slice()).unwrap_or_default();
        self.rows = rows_of(shown.map(Shown::exploration), batch, published, own, self.order);
        self.made_of = Some(of);
    }

    /// The rows of the table.
    fn listed(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.is_listed())
    }

    /// The designs on the front, as they stand in the table.
    fn front(&self) -> impl Iterator<Item = &Design> {
        self.rows.iter().filter(|row| row.on_front).filter_map(|row| row.model.design())
    }
}

/// What is searched for or was found, how far the search is, and what is wrong with it.
fn standing(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let options = scene.document.valid_options();
    let shown = scene.explore.shown(scene.machine(), &options);
    let (text, color) = match shown {
        None => ("Not searched yet. Choose a latency on the left and press Start.".to_owned(), palette.muted),
        Some(Shown::SoFar(exploration)) => {
            let at = scene.explore.phase().map_or("", doing);
            (format!("so far: {}; {at}", exploration.summary()), palette.strong)
        }
        Some(Shown::Kept(kept, is_current)) => {
            let stopped = if kept.result.is_partial { ", stopped early" } else { "" };
            let (stale, color) = if is_current { ("", palette.strong) } else { ("stale: ", palette.warn) };
            (format!("{stale}{}{stopped}", kept.result.summary()), color)
        }
    };
    let label = ui.add(Label::new(RichText::new(&text).color(color)).truncate());
    let label = named(label, Role::Label, &text);
    if let Some(Shown::Kept(kept, is_current)) = shown {
        let now = if is_current { String::new() } else { format!(". Now it would run on {options}") };
        label.on_hover_text(format!("{text}\nFound {}{now}.", kept.about()));
    }
    if let Some(reason) = scene.explore.failure() {
        let label = Label::new(RichText::new(reason).small().color(palette.error)).truncate();
        ui.add(label).on_hover_text(reason);
    }
    ui.horizontal(|ui| progress::show(ui, scene, Owner::Explore, commands));
}

const fn doing(phase: Phase) -> &'static str {
    match phase {
        Phase::Learning => "too little is known of this target: its kernels are being measured first",
        Phase::Looking => "looking at designs",
        Phase::Measuring => "measuring in turns",
    }
}

/// How the result is looked at, and the ways to take it elsewhere.
fn tools(ui: &mut Ui, scene: Scene<'_>, view: &mut ExploreView, commands: &mut Commands) {
    let counts = Capacity::ALL.map(|count| (count, words(count)));
    view.across = choice(ui, "against", &counts, Some(view.across)).unwrap_or(view.across);
    ui.checkbox(&mut view.with_published, "published networks").on_hover_text(
        "Networks of the zoo with their published accuracy; what they take here is measured or predicted",
    );
    ui.separator();
    let copied = |ui: &Ui, text: String| ui.ctx().copy_text(text);
    let markdown_button = ui.button("Copy").on_hover_text("Copy the table as Markdown");
    if named(markdown_button, Role::Button, "Copy as Markdown").clicked() {
        copied(ui, markdown(view.listed(), &about(scene)));
    }
    let csv_button = ui.button("CSV").on_hover_text("Copy the table as comma-separated values");
    if named(csv_button, Role::Button, "Copy as CSV").clicked() {
        copied(ui, csv(view.listed()));
    }
    let hint = "Save every design on the front to a file of its own in a folder; what is there stays";
    let save = ui.add_enabled(view.front().next().is_some(), egui::Button::new("Save designs")).on_hover_text(hint);
    if named(save, Role::Button, "Save designs to a folder").clicked() {
        commands.push(Command::Explore(ExploreCommand::Save(view.front().cloned().collect())));
    }
    ui.add_space(theme::GAP);
}

/// What the table rests on, for whom it is copied to.
fn about(scene: Scene<'_>) -> String {
    let options = scene.document.valid_options();
    let how = match scene.explore.shown(scene.machine(), &options) {
        Some(Shown::Kept(kept, _)) => format!("{}. Found {}.", kept.result.summary(), kept.about()),
        Some(Shown::SoFar(exploration)) => format!("So far: {}. On {options}.", exploration.summary()),
        None => format!("Published networks on {options}."),
    };
    format!(
        "{how} Accuracies are published ones; those of found designs are unknown, unless they were taught: then they are \
         measured on held-out pictures of the data named."
    )
}
