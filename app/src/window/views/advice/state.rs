//! How the advice is looked at.

use eframe::egui;
use egui::{Label, RichText, Role, ScrollArea, Ui};
use shufflescope_engine::advise::{Advice, Counsel, Outlook};

use super::{changes, staircase};
use crate::window::command::{Command, Commands, keys_of};
use crate::window::forecast::Knowledge;
use crate::window::format;
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::{choice, named};

/// Rows of the list that are to be seen at once, however low the window is.
const LEAST_ROWS: f32 = 6.0;

/// Which changes are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// All of them.
    #[default]
    All,
    /// What makes the design faster.
    BuysTime,
    /// What brings mult-adds in the same time.
    CostsNothing,
    /// What guidelines propose.
    Guidelines,
}

impl Filter {
    const CHOICES: [(Self, &'static str); 4] = [
        (Self::All, "all"),
        (Self::BuysTime, "buys time"),
        (Self::CostsNothing, "costs nothing"),
        (Self::Guidelines, "guidelines"),
    ];

    /// The changes listed, the best first.
    pub fn of(self, counsel: &Counsel) -> Vec<&Advice> {
        let is_meant = |advice: &&Advice| match self {
            Self::All => true,
            Self::BuysTime => advice.outlook() == Outlook::Helps,
            Self::CostsNothing => advice.costs_nothing(),
            Self::Guidelines => advice.guideline.is_some(),
        };
        let mut listed: Vec<&Advice> = match self {
            Self::Guidelines => counsel.remedies.iter().collect(),
            _ => counsel.changes.iter().filter(is_meant).collect(),
        };
        if self == Self::BuysTime {
            listed.sort_by(|a, b| a.predicted_ratio.total_cmp(&b.predicted_ratio));
        }
        listed
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct AdviceView {
    filter: Filter,
}

impl AdviceView {
    /// Paints the view.
    pub fn show(&mut self, ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
        ui.add_space(theme::GAP);
        applied(ui, scene, commands);
        let Some(counsel) = scene.adviser.everything() else {
            return missing(ui, scene);
        };
        if let Some(chosen) = choice(ui, "list", &Filter::CHOICES, Some(self.filter)) {
            self.filter = chosen;
        }
        ScrollArea::vertical().id_salt("advice").auto_shrink(false).show(ui, |ui| {
            let stairs = staircase::height(ui.available_height());
            let height = (ui.available_height() - stairs - theme::SECTION_GAP).max(LEAST_ROWS * theme::ROW);
            ui.allocate_ui(egui::vec2(ui.available_width(), height), |ui| {
                ui.set_min_height(height);
                ui.set_max_height(height);
                changes::show(ui, scene, &self.filter.of(counsel), commands);
            });
            ui.add_space(theme::GAP);
            staircase::show(ui, scene, counsel, stairs, commands);
        });
    }
}

/// The change that led to the present design: predicted beside measured, and the way back.
fn applied(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let (valid, options) = (scene.document.valid(), scene.document.valid_options());
    let Some(applied) = scene.adviser.applications.that_led_to(&valid.fingerprint, &options) else { return };
    let palette = Palette::current(ui);
    ui.horizontal(|ui| {
        let predicted = format::ratio(applied.predicted.ratio, applied.predicted.low, applied.predicted.high);
        let measured = match applied.measured(scene.live.current()) {
            Some(ratio) => format!("measured {}", format::change(ratio - 1.0)),
            None if scene.live.phase().is_busy() => "being measured".into(),
            None => "not measured".into(),
        };
        if scene.document.undoes().is_some() {
            let keys = keys_of(ui.ctx(), &Command::Undo).unwrap_or_default();
            let undo = ui.button("Undo").on_hover_text(format!("Take this change back ({keys})"));
            if named(undo, Role::Button, "Undo this change").clicked() {
                commands.push(Command::Undo);
            }
        }
        let text = format!("{}: predicted {predicted}, {measured}", applied.label);
        ui.add(Label::new(RichText::new(text).color(palette.text)).truncate()).on_hover_text(
            "The design before and after the change, each measured alone, one after the other. Trying a change \
             measures both in turns, which tells smaller differences.",
        );
    });
}

/// Why there is no advice.
fn missing(ui: &mut Ui, scene: Scene<'_>) {
    let palette = Palette::current(ui);
    let options = scene.document.valid_options();
    let text = match (scene.document.valid().model.design(), scene.adviser.counsel()) {
        (None, _) => "This network is fixed: only designs can be changed".to_owned(),
        (_, Some(Err(reason))) => format!("Nothing can be advised: {reason}"),
        _ => match scene.forecast.learning.of(&options) {
            Knowledge::Nothing => format!(
                "Nothing is known yet of {options}, so nothing can be predicted: Calibrate measures what predictions rest \
                 on"
            ),
            Knowledge::Asked | Knowledge::Known(..) => "Working out what every change would bring".to_owned(),
        },
    };
    ui.add(Label::new(RichText::new(text).color(palette.muted)).wrap());
}
