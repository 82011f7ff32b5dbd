//! Stages added, copied, removed and moved by buttons.

use eframe::egui;
use egui::{Role, Ui};
use shufflescope_engine::design::{Design, Edit, limits};

use super::part::{DesignView, Part};
use crate::window::command::Commands;
use crate::window::scene::Scene;
use crate::window::widgets::named;

const FULL: &str = "A design has at most 32 stages";

/// A button: what it says, what it is called, what it does, and why it does not.
struct Tool {
    text: &'static str,
    spoken: String,
    about: &'static str,
    refusal: Option<&'static str>,
    edit: Edit,
    /// What is edited afterwards.
    then: usize,
}

/// Paints the buttons: one more stage at the end; of the stage that is edited also a copy and other places.
pub fn show(ui: &mut Ui, scene: Scene<'_>, view: &mut DesignView, commands: &mut Commands) {
    let draft = scene.document.draft();
    let stages = draft.stages.len();
    let full = (stages >= *limits::STAGES.end()).then_some(FULL);
    let mut tools = vec![Tool {
        text: "add",
        spoken: "add stage".into(),
        about: "One more stage at the end: as the last one, twice as wide at half the resolution",
        refusal: full,
        edit: Edit::AddStage { at: stages, stage: Box::new(draft.next_stage()) },
        then: stages,
    }];
    if let Part::Stage(stage) = view.part() {
        tools.extend(of_stage(stage, stages, full));
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 3.0;
        ui.spacing_mut().button_padding.x = 6.0;
        for tool in tools {
            let response = ui.add_enabled(tool.refusal.is_none(), egui::Button::new(tool.text));
            let response = response.on_hover_text(tool.about).on_disabled_hover_text(tool.refusal.unwrap_or_default());
            if named(response, Role::Button, &tool.spoken).clicked() {
                commands.edit(tool.edit);
                view.choose(Part::Stage(tool.then));
            }
        }
    });
}

fn of_stage(stage: usize, stages: usize, full: Option<&'static str>) -> [Tool; 4] {
    let name = Design::stage_name(stage);
    let (before, behind) = (stage.saturating_sub(1), stage.saturating_add(1));
    [
        Tool {
            text: "copy",
            spoken: format!("duplicate {name}"),
            about: "A copy of the stage behind it, at stride 1",
            refusal: full,
            edit: Edit::DuplicateStage(stage),
            then: behind,
        },
        Tool {
            text: "remove",
            spoken: format!("remove {name}"),
            about: "Takes the stage out",
            refusal: (stages < 2).then_some("A design has at least one stage"),
            edit: Edit::RemoveStage(stage),
            then: stage.min(stages.saturating_sub(2)),
        },
        Tool {
            text: "up",
            spoken: format!("move {name} up"),
            about: "Puts the stage before the one above",
            refusal: (stage == 0).then_some("It is the first stage"),
            edit: Edit::MoveStage { from: stage, to: before },
            then: before,
        },
        Tool {
            text: "down",
            spoken: format!("move {name} down"),
            about: "Puts the stage behind the one below",
            refusal: (behind >= stages).then_some("It is the last stage"),
            edit: Edit::MoveStage { from: stage, to: behind },
            then: behind,
        },
    ]
}
