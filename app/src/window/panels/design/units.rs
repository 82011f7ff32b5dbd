//! Settings of the units, for all stages at once; only those that the design's kind of unit has.

use eframe::egui;
use egui::{RichText, Role, Ui, WidgetInfo};
use shufflescope_engine::design::{
    Activation, Block, BlockEdit, Design, DownSampling, Edit, Field, ShuffleV2, SqueezeExcitation, limits,
};

use crate::window::command::Commands;
use crate::window::scene::Scene;
use crate::window::theme::Palette;
use crate::window::widgets::{choice, number, problem, row, slider};

/// A setting over all stages.
enum Setting<T> {
    /// No unit has it.
    Absent,
    /// Every unit that has it agrees.
    Same(T),
    /// The stages differ; the first one's value.
    Mixed(T),
}

impl<T: PartialEq + Copy> Setting<T> {
    fn of(design: &Design, get: impl Fn(&Block) -> Option<T>) -> Self {
        let mut values = design.stages.iter().filter_map(|stage| get(&stage.block));
        match values.next() {
            None => Self::Absent,
            Some(first) if values.all(|value| value == first) => Self::Same(first),
            Some(first) => Self::Mixed(first),
        }
    }

    /// The value where there is one, and whether all stages share it.
    const fn value(&self) -> Option<(T, bool)> {
        match self {
            Self::Absent => None,
            Self::Same(value) => Some((*value, true)),
            Self::Mixed(value) => Some((*value, false)),
        }
    }
}

/// Paints the settings.
pub fn show(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let design = scene.document.draft();
    groups(ui, scene, commands);
    if let Some((kernel, same)) = Setting::of(design, |block| Some(block.kernel())).value() {
        let kernels = limits::KERNELS.map(|kernel| (kernel, ["3x3", "5x5", "7x7"][(kernel as usize / 2 - 1).min(2)]));
        let chosen = row(ui, "depthwise", |ui| choice(ui, "depthwise", &kernels, same.then_some(kernel)));
        if let Some(kernel) = chosen {
            commands.edit(Edit::Blocks(BlockEdit::Kernel(kernel)));
        }
        problem(ui, any(scene, Field::Kernel));
    }
    split(ui, scene, commands);
    inner_width(ui, scene, commands);
    activation(ui, design, commands);
    squeeze_excitation(ui, scene, commands);
    switches(ui, design, commands);
    down_sampling(ui, design, commands);
    if let Some(moved) = &scene.document.moved {
        let muted = Palette::current(ui).muted;
        ui.add(egui::Label::new(RichText::new(moved).small().color(muted)).wrap());
    }
}

/// A change after which channels may have to move.
fn and_fit(edit: BlockEdit) -> Edit {
    Edit::All(vec![Edit::Blocks(edit), Edit::Fit])
}

/// The first stage's error of this kind.
fn any(scene: Scene<'_>, field: fn(usize) -> Field) -> Option<&str> {
    let stages = scene.document.draft().stages.len();
    (0..stages).find_map(|index| scene.document.error(field(index)))
}

fn groups(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let Some((groups, same)) = Setting::of(scene.document.draft(), |block| Some(block.groups())).value() else {
        return;
    };
    let alternatives = [(1, "1"), (2, "2"), (3, "3"), (4, "4"), (8, "8")];
    if let Some(groups) = row(ui, "groups", |ui| choice(ui, "groups", &alternatives, same.then_some(groups))) {
        commands.edit(and_fit(BlockEdit::Groups(groups)));
    }
    problem(ui, any(scene, Field::Groups));
}

fn shuffle_v2(block: &Block) -> Option<&ShuffleV2> {
    match block {
        Block::ShuffleV2(block) => Some(block),
        _ => None,
    }
}

fn split(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let setting = Setting::of(scene.document.draft(), |block| shuffle_v2(block).map(|block| block.split));
    let Some((split, _)) = setting.value() else { return };
    row(ui, "split", |ui| {
        ui.scope(|ui| {
            if let Some(split) = slider(ui, "split ratio", split, limits::SPLIT, 0.125, 3) {
                commands.edit(and_fit(BlockEdit::Split(split.value)));
            }
        })
        .response
        .on_hover_text("Share of the channels that passes a unit untouched");
    });
    problem(ui, any(scene, Field::Split));
}

fn inner_width(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let design = scene.document.draft();
    let expansion = Setting::of(design, |block| match block {
        // The first stage of MobileNet V2 has no expansion of its own to speak of; the others' is what people change.
        Block::InvertedResidual(block) if block.expansion != 1 => Some(block.expansion),
        _ => None,
    });
    if let Some((expansion, _)) = expansion.value() {
        let wrong = any(scene, Field::Expansion);
        let edited = row(ui, "expansion", |ui| number(ui, "expansion", expansion, 60.0, 0.05, wrong.is_some()));
        if let Some(expansion) = edited {
            commands.edit(Edit::Blocks(BlockEdit::Expansion(expansion.value)));
        }
        problem(ui, wrong);
    }
    let bottleneck = Setting::of(design, |block| match block {
        Block::ShuffleV1(block) => Some(block.bottleneck),
        _ => None,
    });
    if let Some((bottleneck, _)) = bottleneck.value() {
        let wrong = any(scene, Field::Bottleneck);
        let edited = row(ui, "bottleneck", |ui| number(ui, "bottleneck", bottleneck, 60.0, 0.05, wrong.is_some()));
        if let Some(bottleneck) = edited {
            commands.edit(and_fit(BlockEdit::Bottleneck(bottleneck.value)));
        }
        problem(ui, wrong);
    }
}

fn activation(ui: &mut Ui, design: &Design, commands: &mut Commands) {
    let Some((activation, same)) = Setting::of(design, |block| Some(block.activation())).value() else { return };
    row(ui, "activation", |ui| {
        let combo = egui::ComboBox::from_id_salt("activation")
            .selected_text(if same { activation.name() } else { "differs by stage" })
            .width(ui.available_width());
        let response = combo.show_ui(ui, |ui| {
            for choice in Activation::CHOICES {
                let on = same && choice == activation;
                if ui.selectable_label(on, choice.name()).clicked() && !on {
                    commands.edit(Edit::Blocks(BlockEdit::Activation(choice)));
                }
            }
        });
        response.response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, "activation"));
    });
}

fn squeeze_excitation(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let setting = Setting::of(scene.document.draft(), |block| match block {
        Block::ShuffleV2(_) | Block::ShuffleV1(_) => Some(block.se()),
        _ => None,
    });
    let Some((se, _)) = setting.value() else { return };
    let wrong = any(scene, Field::SeReduction);
    row(ui, "SE", |ui| {
        let mut on = se.is_some();
        let response = ui.checkbox(&mut on, "").on_hover_text("Squeeze-and-excitation at the end of the right branch");
        response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, "squeeze-and-excitation"));
        if response.changed() {
            commands.edit(Edit::Blocks(BlockEdit::Se(on.then_some(SqueezeExcitation { reduction: 4 }))));
        }
        if let Some(se) = se {
            ui.label(RichText::new("reduction").color(Palette::current(ui).muted));
            if let Some(reduction) = number(ui, "SE reduction", se.reduction, 52.0, 0.1, wrong.is_some()) {
                let se = SqueezeExcitation { reduction: reduction.value };
                commands.edit(Edit::Blocks(BlockEdit::Se(Some(se))));
            }
        }
    });
    problem(ui, wrong);
}

fn switches(ui: &mut Ui, design: &Design, commands: &mut Commands) {
    let mut switch = |ui: &mut Ui, name: &str, hint: &str, setting: Setting<bool>, edit: fn(bool) -> Edit| {
        let Some((mut on, same)) = setting.value() else { return };
        let text = if same { name.to_owned() } else { format!("{name} (differs)") };
        if ui.checkbox(&mut on, text).on_hover_text(hint).changed() {
            commands.edit(edit(on));
        }
    };
    let residual = Setting::of(design, |block| match block {
        Block::ShuffleV2(block) => Some(block.residual),
        Block::InvertedResidual(block) => Some(block.residual),
        _ => None,
    });
    let shuffle = Setting::of(design, |block| match block {
        Block::ShuffleV2(block) => Some(block.shuffle),
        Block::ShuffleV1(block) => Some(block.shuffle),
        _ => None,
    });
    let first = Setting::of(design, |block| shuffle_v2(block).map(|block| block.depthwise_first));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 12.0;
        let hint = "Adds a branch's input to its output";
        switch(ui, "residual", hint, residual, |on| Edit::Blocks(BlockEdit::Residual(on)));
        let hint = "Mixes the channels of the two halves";
        switch(ui, "shuffle", hint, shuffle, |on| and_fit(BlockEdit::Shuffle(on)));
        let hint = "An extra depthwise convolution in front of the right branch: the paper's V2*";
        switch(ui, "dw first", hint, first, |on| Edit::Blocks(BlockEdit::DepthwiseFirst(on)));
    });
}

fn down_sampling(ui: &mut Ui, design: &Design, commands: &mut Commands) {
    let setting = Setting::of(design, |block| shuffle_v2(block).map(|block| block.down_sampling));
    let Some((down, same)) = setting.value() else { return };
    let alternatives = [(DownSampling::Torchvision, "torchvision"), (DownSampling::Paper, "paper")];
    if let Some(down) = row(ui, "stride 2 as", |ui| choice(ui, "down-sampling", &alternatives, same.then_some(down))) {
        commands.edit(and_fit(BlockEdit::DownSampling(down)));
    }
}
