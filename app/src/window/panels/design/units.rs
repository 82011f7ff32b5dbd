//! Settings of the units of one stage or of all; only those that its kind of unit has. Where stages differ it says so.

use eframe::egui;
use egui::{Checkbox, RichText, Role, Ui, WidgetInfo};
use shufflescope_engine::design::{
    BlockEdit, BlockKind, DownSampling, Field, SqueezeExcitation, Stage, StrideAt, limits,
};

use super::cells::activation;
use super::mixed::Setting;
use super::part::Part;
use crate::window::command::Commands;
use crate::window::scene::Scene;
use crate::window::theme::Palette;
use crate::window::widgets::{MIXED, choice, label, named, problem, row, shared_number, slider};

/// Reduction of squeeze-and-excitation that is switched on.
const SE: SqueezeExcitation = SqueezeExcitation { reduction: 4 };

/// Paints the settings of this part's units.
pub fn show(ui: &mut Ui, scene: Scene<'_>, part: Part, commands: &mut Commands) {
    let stages = part.stages(scene.document.draft());
    let wrong = |field: fn(usize) -> Field| part.error(scene.document, field);
    if let Some(kind) = kind(ui, stages) {
        commands.edit(part.units_and_fit(BlockEdit::Kind(kind)));
    }
    if let Some(groups) = groups(ui, stages) {
        commands.edit(part.units_and_fit(BlockEdit::Groups(groups)));
    }
    problem(ui, wrong(Field::Groups).as_deref());
    if let Some(kernel) = kernel(ui, stages) {
        commands.edit(part.units(BlockEdit::Kernel(kernel)));
    }
    problem(ui, wrong(Field::Kernel).as_deref());
    if let Some(split) = split(ui, stages) {
        commands.edit(part.units_and_fit(BlockEdit::Split(split)));
    }
    problem(ui, wrong(Field::Split).as_deref());
    inner_width(ui, scene, part, commands);
    let now = Setting::of(stages, |stage| Some(stage.block.activation()));
    if let Some(chosen) = activation(ui, "activation", now.shared()) {
        commands.edit(part.units(BlockEdit::Activation(chosen)));
    }
    problem(ui, wrong(Field::BlockActivation).as_deref());
    let reduction = wrong(Field::SeReduction);
    if let Some(se) = squeeze_excitation(ui, stages, reduction.is_some()) {
        commands.edit(part.units(BlockEdit::Se(se)));
    }
    problem(ui, reduction.as_deref());
    switches(ui, stages, part, commands);
    strided(ui, stages, part, commands);
}

/// Says that the stages differ, beside a control that cannot.
fn say_mixed(ui: &mut Ui, same: bool) {
    if !same {
        ui.label(RichText::new(MIXED).small().color(Palette::current(ui).muted));
    }
}

fn kind(ui: &mut Ui, stages: &[Stage]) -> Option<BlockKind> {
    let now = Setting::of(stages, |stage| Some(stage.block.kind())).shared();
    row(ui, "block", |ui| {
        let combo = egui::ComboBox::from_id_salt("block kind")
            .selected_text(now.map_or(MIXED, BlockKind::name))
            .width(ui.available_width());
        let shown = combo.show_ui(ui, |ui| {
            let mut chosen = None;
            for kind in BlockKind::ALL {
                let on = now == Some(kind);
                if ui.selectable_label(on, kind.name()).on_hover_text(kind.about()).clicked() && !on {
                    chosen = Some(kind);
                }
            }
            chosen
        });
        named(shown.response, Role::ComboBox, "block kind");
        shown.inner.flatten()
    })
}

/// Numbers of groups that every kind of unit among the stages may have.
fn groups(ui: &mut Ui, stages: &[Stage]) -> Option<u32> {
    let (groups, same) = Setting::of(stages, |stage| Some(stage.block.groups())).value()?;
    let first = stages.first().map_or(&[][..], |stage| stage.block.kind().groups());
    let fits = |groups: &u32| stages.iter().all(|stage| stage.block.kind().groups().contains(groups));
    let numbers: Vec<(u32, String)> = first.iter().copied().filter(fits).map(|of| (of, of.to_string())).collect();
    let alternatives: Vec<(u32, &str)> = numbers.iter().map(|(of, text)| (*of, text.as_str())).collect();
    let chosen = row(ui, "groups", |ui| choice(ui, "groups", &alternatives, same.then_some(groups)));
    mixed_below(ui, same);
    chosen
}

/// As [`say_mixed`], where the row above is full.
fn mixed_below(ui: &mut Ui, same: bool) {
    if !same {
        row(ui, "", |ui| say_mixed(ui, false));
    }
}

fn kernel(ui: &mut Ui, stages: &[Stage]) -> Option<u32> {
    let (kernel, same) = Setting::of(stages, |stage| Some(stage.block.kernel())).value()?;
    let alternatives = [(3, "3x3"), (5, "5x5"), (7, "7x7")];
    let is_dense = stages.iter().all(|stage| stage.block.kind() == BlockKind::Bottleneck);
    let name = if is_dense { "window" } else { "depthwise" };
    row(ui, name, |ui| {
        let chosen = choice(ui, name, &alternatives, same.then_some(kernel));
        say_mixed(ui, same);
        chosen
    })
}

fn split(ui: &mut Ui, stages: &[Stage]) -> Option<f64> {
    let setting = Setting::of_units(stages, |setting| match setting {
        BlockEdit::Split(split) => Some(split),
        _ => None,
    });
    let (split, same) = setting.value()?;
    let mut chosen = None;
    row(ui, "split", |ui| {
        let painted = ui.scope(|ui| chosen = slider(ui, "split ratio", split, limits::SPLIT, 0.125, 3));
        painted.response.on_hover_text("Share of the channels that passes a unit untouched");
    });
    mixed_below(ui, same);
    chosen.map(|split| split.value)
}

fn inner_width(ui: &mut Ui, scene: Scene<'_>, part: Part, commands: &mut Commands) {
    let stages = part.stages(scene.document.draft());
    let expansion = Setting::of_units(stages, |setting| match setting {
        BlockEdit::Expansion(expansion) => Some(expansion),
        _ => None,
    });
    let bottleneck = Setting::of_units(stages, |setting| match setting {
        BlockEdit::Bottleneck(bottleneck) => Some(bottleneck),
        _ => None,
    });
    let mut field = |name: &str, setting: Setting<u32>, field: fn(usize) -> Field, edit: fn(u32) -> BlockEdit| {
        let Some(value) = setting.value() else { return };
        let wrong = part.error(scene.document, field);
        let entered = row(ui, name, |ui| shared_number(ui, name, value, 60.0, 0.05, wrong.is_some()));
        if let Some(entered) = entered {
            commands.edit(part.units_and_fit(edit(entered.value)));
        }
        problem(ui, wrong.as_deref());
    };
    field("expansion", expansion, Field::Expansion, BlockEdit::Expansion);
    field("bottleneck", bottleneck, Field::Bottleneck, BlockEdit::Bottleneck);
}

/// Whether there is any, and how much it reduces.
fn squeeze_excitation(ui: &mut Ui, stages: &[Stage], wrong: bool) -> Option<Option<SqueezeExcitation>> {
    let setting = Setting::of_units(stages, |setting| match setting {
        BlockEdit::Se(se) => Some(se),
        _ => None,
    });
    let (_, same) = setting.value()?;
    row(ui, "SE", |ui| {
        let some = Setting::of_units(stages, |setting| match setting {
            BlockEdit::Se(se) => Some(se.is_some()),
            _ => None,
        });
        let hint = "Squeeze-and-excitation at the end of the branch";
        let mut edit = switch(ui, ("squeeze-and-excitation", ""), hint, some).map(|on| on.then_some(SE));
        let reductions = Setting::of_units(stages, |setting| match setting {
            BlockEdit::Se(se) => se,
            _ => None,
        });
        if let Some((se, _)) = reductions.value() {
            label(ui, "reduction", 58.0);
            let value = (se.reduction, same);
            if let Some(reduction) = shared_number(ui, "SE reduction", value, 52.0, 0.1, wrong) {
                edit = Some(Some(SqueezeExcitation { reduction: reduction.value }));
            }
        }
        edit
    })
}

/// A box to tick, which shows where stages differ; answers what it was set to.
fn switch(ui: &mut Ui, (name, text): (&str, &str), hint: &str, setting: Setting<bool>) -> Option<bool> {
    let (value, same) = setting.value()?;
    // A click on a mixed one switches all of them on.
    let mut on = value && same;
    let response = ui.add(Checkbox::new(&mut on, text).indeterminate(!same)).on_hover_text(hint);
    response.widget_info(|| {
        let name = if same { name.to_owned() } else { format!("{name} ({MIXED})") };
        WidgetInfo::selected(Role::CheckBox, true, on, name)
    });
    if !text.is_empty() {
        say_mixed(ui, same);
    }
    response.changed().then_some(on)
}

fn switches(ui: &mut Ui, stages: &[Stage], part: Part, commands: &mut Commands) {
    let residual = Setting::of_units(stages, |setting| match setting {
        BlockEdit::Residual(on) => Some(on),
        _ => None,
    });
    let shuffle = Setting::of_units(stages, |setting| match setting {
        BlockEdit::Shuffle(on) => Some(on),
        _ => None,
    });
    let first = Setting::of_units(stages, |setting| match setting {
        BlockEdit::DepthwiseFirst(on) => Some(on),
        _ => None,
    });
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        let hint = "Adds a branch's input to its output";
        if let Some(on) = switch(ui, ("residual", "residual"), hint, residual) {
            commands.edit(part.units(BlockEdit::Residual(on)));
        }
        let hint = "Mixes the channels of the two halves, or of the groups";
        if let Some(on) = switch(ui, ("shuffle", "shuffle"), hint, shuffle) {
            commands.edit(part.units_and_fit(BlockEdit::Shuffle(on)));
        }
        let hint = "An extra depthwise convolution in front of the right branch: the paper's V2*";
        if let Some(on) = switch(ui, ("dw first", "dw first"), hint, first) {
            commands.edit(part.units(BlockEdit::DepthwiseFirst(on)));
        }
    });
}

/// What units of stride 2 look like.
fn strided(ui: &mut Ui, stages: &[Stage], part: Part, commands: &mut Commands) {
    let setting = Setting::of_units(stages, |setting| match setting {
        BlockEdit::DownSampling(down) => Some(down),
        _ => None,
    });
    if let Some((down, same)) = setting.value() {
        let alternatives = [(DownSampling::Torchvision, "torchvision"), (DownSampling::Paper, "paper")];
        let chosen = row(ui, "stride 2 as", |ui| choice(ui, "down-sampling", &alternatives, same.then_some(down)));
        mixed_below(ui, same);
        if let Some(down) = chosen {
            commands.edit(part.units_and_fit(BlockEdit::DownSampling(down)));
        }
    }
    let setting = Setting::of_units(stages, |setting| match setting {
        BlockEdit::StrideAt(at) => Some(at),
        _ => None,
    });
    if let Some((at, same)) = setting.value() {
        let alternatives = [(StrideAt::Middle, "middle"), (StrideAt::First, "first")];
        let chosen = row(ui, "stride at", |ui| choice(ui, "stride at", &alternatives, same.then_some(at)));
        mixed_below(ui, same);
        if let Some(at) = chosen {
            commands.edit(part.units(BlockEdit::StrideAt(at)));
        }
    }
}
