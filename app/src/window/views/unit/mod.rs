//! One building block drawn as the paper's Figure 3 draws it, each box coloured by its share of the unit's time or cost.

mod drawing;

use std::collections::{BTreeSet, HashMap};

use eframe::egui;
use egui::{Label, RichText, Role, Sense, Ui, WidgetInfo};
use shufflescope_engine::design::Design;
use shufflescope_engine::graph::{Graph, UnitId};
use shufflescope_engine::measure::SPLIT_LABEL;
use shufflescope_engine::units::Nanos;

use self::drawing::{Drawing, Layout};
use super::choices::ViewChoices;
use super::known::Known;
use super::unit_plan::UnitPlan;
use crate::window::command::Commands;
use crate::window::format;
use crate::window::layer_times::TimeSource;
use crate::window::quantity::{Amounts, Quantity};
use crate::window::scene::Scene;
use crate::window::theme::Palette;
use crate::window::widgets::{choice, named};

/// Room beside the choice of the unit below which nothing is said of it there.
const LEAST_ABOUT: f32 = 60.0;

/// Which unit is drawn.
#[derive(Debug)]
pub struct UnitView {
    unit: UnitId,
    followed: Option<String>,
}

impl Default for UnitView {
    /// The first stage's repeated unit: the paper's Figure 3 c.
    fn default() -> Self {
        Self { unit: UnitId { stage: 0, repeat: 1 }, followed: None }
    }
}

/// What the boxes of a unit take and cost.
pub(super) struct Boxes {
    /// By box.
    pub amounts: Vec<Amounts>,
    /// By box: its layers as kernels of their own, where they were measured so.
    pub alone: Vec<Option<Nanos>>,
    /// All boxes.
    pub whole: Amounts,
    /// What they are coloured by.
    pub by: Quantity,
    /// Whether the times are only predicted.
    pub is_predicted: bool,
}

impl Boxes {
    fn of(plan: &UnitPlan, scene: Scene<'_>, known: &Known, by: Quantity) -> Self {
        let valid = scene.document.valid();
        let costs: HashMap<&str, _> = valid.cost.layers.iter().map(|layer| (layer.path.as_str(), layer)).collect();
        let apart = scene.live.current().and_then(|measured| measured.apart.as_ref());
        let alone: HashMap<&str, Nanos> =
            apart.into_iter().flat_map(|apart| &apart.layers).map(|of| (of.path.as_str(), of.median)).collect();
        let path = |id| valid.graph.node(id).path.as_str();
        let times = known.times.as_ref();
        let amounts: Vec<Amounts> = plan
            .steps
            .iter()
            .map(|step| Amounts::of(step.nodes.iter().filter_map(|&id| costs.get(path(id)).copied()), times))
            .collect();
        let alone = plan.steps.iter().map(|step| {
            let known = step.nodes.iter().filter_map(|&id| alone.get(path(id)).copied());
            known.reduce(|sum, alone| sum + alone)
        });
        let alone = alone.collect();
        let layers = plan.steps.iter().flat_map(|step| &step.nodes);
        let whole = Amounts::of(layers.filter_map(|&id| costs.get(path(id)).copied()), times);
        Self { amounts, alone, whole, by, is_predicted: times.is_some_and(|times| times.is_predicted()) }
    }
}

impl UnitView {
    /// The choice of the unit.
    pub fn tools(&mut self, ui: &mut Ui, scene: Scene<'_>, known: &Known, choices: &ViewChoices) {
        self.follow(scene);
        let units = units(&scene.document.valid().graph);
        if units.is_empty() {
            return;
        }
        let width = (ui.available_width() - ui.spacing().item_spacing.x).clamp(60.0, 170.0);
        let combo = egui::ComboBox::from_id_salt("unit").selected_text(name(self.unit)).width(width).truncate();
        let response = combo.show_ui(ui, |ui| {
            for unit in units.into_iter().filter(|unit| unit.repeat < 2) {
                ui.selectable_value(&mut self.unit, unit, name(unit));
            }
        });
        response.response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, "unit"));
        if ui.available_width() < LEAST_ABOUT {
            return;
        }
        let text = self.about(scene, known, choices.unit);
        let label = RichText::new(&text).small().color(Palette::current(ui).muted);
        ui.add(Label::new(label).truncate()).on_hover_text(text);
    }

    /// What the unit takes or costs, and what its boxes are coloured by.
    fn about(&self, scene: Scene<'_>, known: &Known, by: Quantity) -> String {
        let plan = UnitPlan::of(&scene.document.valid().graph, self.unit);
        let boxes = Boxes::of(&plan, scene, known, by);
        let (text, share) = (boxes.whole.text(by), boxes.whole.share(by, &known.strip.whole));
        let Some((text, share)) = text.zip(share) else { return "not measured yet".to_owned() };
        let share = format::share(share);
        let rule = match known.times.as_ref().filter(|_| by == Quantity::Time).map(|times| times.source) {
            None => return format!("{text}, {share} of the network's; boxes coloured by their share"),
            Some(TimeSource::Split) => SPLIT_LABEL,
            Some(TimeSource::Filed) => "a fused kernel's at its first layer",
            Some(TimeSource::Predicted) => "predicted, not measured; a fused kernel's at its first layer",
        };
        format!("{text}, {share} of the run; boxes coloured by their share, {rule}")
    }

    /// Goes to the unit of a newly selected layer, and stays inside the design.
    fn follow(&mut self, scene: Scene<'_>) {
        let valid = scene.document.valid();
        if self.followed != scene.document.selected {
            self.followed.clone_from(&scene.document.selected);
            let node = self.followed.as_deref().and_then(|path| valid.graph.find(path));
            if let Some(unit) = node.and_then(|id| valid.graph.node(id).unit) {
                self.unit = unit;
            }
        }
        let Some(design) = valid.model.design() else { return };
        let stage = self.unit.stage.min(design.stages.len().saturating_sub(1));
        let repeats = design.stages.get(stage).map_or(1, |row| row.repeats as usize);
        self.unit = UnitId { stage, repeat: self.unit.repeat.min(repeats.saturating_sub(1)) };
    }

    /// The drawing, as large as there is room for it.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        scene: Scene<'_>,
        known: &Known,
        choices: &mut ViewChoices,
        commands: &mut Commands,
    ) {
        self.follow(scene);
        let palette = Palette::current(ui);
        let graph = &scene.document.valid().graph;
        if units(graph).is_empty() {
            let text =
                "This network is a graph without stages, so it has no units to draw. Its layers are in the table.";
            ui.label(RichText::new(text).color(palette.muted));
            return;
        }
        ui.horizontal(|ui| {
            ui.label(RichText::new("coloured by").small().color(palette.muted));
            if let Some(by) = choice(ui, "unit coloured by", &Quantity::CHOICES, Some(choices.unit)) {
                choices.unit = by;
            }
        });
        let plan = UnitPlan::of(graph, self.unit);
        let boxes = Boxes::of(&plan, scene, known, choices.unit);
        egui::ScrollArea::both().id_salt("unit drawing").auto_shrink(false).show(ui, |ui| {
            let layout = Layout::within(ui.available_size(), &plan);
            let (rect, response) = ui.allocate_exact_size(layout.size, Sense::hover());
            named(response, Role::Figure, &format!("drawing of {}", name(self.unit)));
            let drawing = Drawing { plan: &plan, boxes: &boxes, layout, rect, palette };
            drawing.arrows(ui);
            for index in 0..plan.steps.len() {
                drawing.step(ui, index, scene, commands);
            }
        });
    }
}

/// The units of a graph, in their order; a network that is no design has none.
fn units(graph: &Graph) -> BTreeSet<UnitId> {
    graph.nodes().iter().filter_map(|node| node.unit).collect()
}

fn name(unit: UnitId) -> String {
    let stage = Design::stage_name(unit.stage);
    match unit.repeat {
        0 => format!("{stage}, first unit"),
        1 => format!("{stage}, repeated unit"),
        more => format!("{stage}, unit {}", more + 1),
    }
}
