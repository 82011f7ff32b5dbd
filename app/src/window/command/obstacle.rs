//! Why a command does not apply now.

use shufflescope_engine::report::Format;

use super::Command;
use crate::export::Export;
use crate::window::document::is_another_design;
use crate::window::scene::Scene;

/// Why a command would do nothing or fail now; `None` where it applies.
#[must_use]
pub fn obstacle(command: &Command, scene: Scene<'_>) -> Option<String> {
    let unless = |applies: bool, reason: &str| (!applies).then(|| reason.to_owned());
    let document = scene.document;
    match command {
        Command::Undo => unless(document.undoes().is_some(), "Nothing to undo"),
        Command::Redo => unless(document.redoes().is_some(), "Nothing to redo"),
        Command::Unpin => unless(document.pinned.is_some(), "No design is pinned"),
        Command::BackToDesign => unless(document.fixed().is_some(), "The design is shown already"),
        Command::Edit(edit) if document.fixed().is_some() && !is_another_design(edit) => {
            Some(format!("`{}` is a graph and not a design", document.name()))
        }
        Command::Save | Command::SaveAs => not_saved(scene),
        Command::Select(None) => unless(document.selected.is_some(), "No layer is selected"),
        Command::ExportDialog(Export::Profile(Format::Trace)) => no_kernels(scene).map(str::to_owned),
        Command::ExportRun(_) => scene.camera_run().err().map(str::to_owned),
        Command::Refine => unless(scene.live.result().is_some(), "Nothing is measured yet"),
        Command::TakeApart => unless(scene.live.current().is_some(), "The present design is not measured yet"),
        Command::Calibrate => scene.bench_holder().map(|owner| owner.is_measuring().to_owned()),
        Command::StartCompare => match (scene.bench_holder(), scene.compare.paper()) {
            (Some(owner), _) => Some(owner.is_measuring().to_owned()),
            (None, Err(reason)) => Some(reason.to_owned()),
            (None, Ok(_)) => None,
        },
        Command::Cancel => {
            let is_busy = scene.live.phase().is_busy() || scene.live.is_held() || scene.bench_holder().is_some();
            let is_busy = is_busy || scene.teach.running().is_some();
            unless(is_busy, "Nothing is being measured")
        }
        Command::Dismiss | Command::DismissAll => unless(!scene.notices.is_empty(), "There are no messages"),
        Command::TextSize(change) => change.obstacle(scene.text_size).map(str::to_owned),
        Command::ForgetMissing => unless(scene.recent.any_missing(), "All recent files are there"),
        _ => None,
    }
}

fn not_saved(scene: Scene<'_>) -> Option<String> {
    let document = scene.document;
    if document.fixed().is_some() {
        return Some(format!("`{}` is a graph and not a design; Export writes it as a model", document.name()));
    }
    document.errors().first().map(|error| format!("The design is not valid: {error}"))
}

/// Why there are no kernel times.
#[must_use]
pub fn no_kernels(scene: Scene<'_>) -> Option<&'static str> {
    match scene.live.current() {
        Some(measured) if measured.breakdown.is_some() => None,
        _ if scene.live.phase().is_busy() => Some("A trace shows kernel times, which are being measured."),
        _ => Some("A trace shows kernel times: measure the design first."),
    }
}
