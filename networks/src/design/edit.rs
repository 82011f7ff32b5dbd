//! Edits as values: what the panel sends, what undo remembers, what a guideline proposes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Activation, BlockEdit, Design, Family, InputSize, Stage, StemEdit};

/// One change to a design. Applying it never fails: a result that breaks a rule is a design whose
/// [`check`](Design::check) says so, and an edit that does not apply (a stage that is not there) changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Edit {
    /// Another name.
    Rename(String),
    /// Every stage's channels from the family's table at this width.
    Width(f64),
    /// Another input size.
    Input(InputSize),
    /// Another number of classes.
    Classes(u32),
    /// Channels of the stem's last convolution.
    StemChannels(u32),
    /// A change to the stem.
    Stem(StemEdit),
    /// Channels of the head's 1x1 convolution; none removes it.
    Head(Option<u32>),
    /// Non-linearity after the head's convolution.
    HeadActivation(Activation),
    /// Whether the classifier has a bias.
    HeadBias(bool),
    /// A change to one stage.
    Stage {
        /// Index into the stages.
        stage: usize,
        /// The change.
        change: StageEdit,
    },
    /// A change to every stage.
    Stages(StageEdit),
    /// A change to the units of every stage that has the setting.
    Blocks(BlockEdit),
    /// One more stage.
    AddStage {
        /// The place that it takes; behind the last one at most.
        at: usize,
        /// The stage.
        stage: Box<Stage>,
    },
    /// One stage less.
    RemoveStage(usize),
    /// A copy of a stage behind it, at stride 1, so that the map keeps its size.
    DuplicateStage(usize),
    /// A stage in another place.
    MoveStage {
        /// Its place.
        from: usize,
        /// The place that it has afterwards.
        to: usize,
    },
    /// Moves every stage's channels to the nearest number that groups, split and shuffle allow.
    Fit,
    /// Several changes, one after another.
    All(Vec<Edit>),
    /// Another design altogether.
    Replace(Box<Design>),
}

/// A change to one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StageEdit {
    /// Output channels.
    Channels(u32),
    /// Units.
    Repeats(u32),
    /// Stride of the first unit.
    Stride(u32),
    /// A setting of the stage's units.
    Block(BlockEdit),
}

impl Design {
    /// The design with the edit applied.
    #[must_use]
    pub fn apply(&self, edit: &Edit) -> Self {
        let mut design = self.clone();
        let stages = &mut design.stages;
        match edit {
            Edit::Rename(name) => design.name.clone_from(name),
            Edit::Width(width) => return self.at_width(*width).unwrap_or(design),
            Edit::Input(size) => design.input = *size,
            Edit::Classes(classes) => design.classes = *classes,
            Edit::StemChannels(channels) => {
                if let Some(conv) = design.stem.convs.last_mut() {
                    conv.channels = *channels;
                }
            }
            Edit::Stem(edit) => design.stem.apply(edit),
            Edit::Head(conv) => design.head.conv = *conv,
            Edit::HeadActivation(activation) => design.head.activation = *activation,
            Edit::HeadBias(on) => design.head.bias = *on,
            Edit::Stage { stage, change } => {
                if let Some(stage) = stages.get_mut(*stage) {
                    stage.apply(change);
                }
            }
            Edit::Stages(StageEdit::Block(edit)) => return self.apply(&Edit::Blocks(edit.clone())),
            Edit::Stages(change) => stages.iter_mut().for_each(|stage| stage.apply(change)),
            Edit::Blocks(edit) => {
                stages.iter_mut().for_each(|stage| stage.block.apply(edit));
                // ShuffleNet V1's published channels depend on its groups: where they are the table's, they stay so.
                let by_table = self.family == Family::ShufflenetV1 && self.follows_table();
                if let (true, BlockEdit::Groups(_), Some(width)) = (by_table, edit, self.width) {
                    return design.at_width(width).unwrap_or(design);
                }
            }
            Edit::AddStage { at, stage } => stages.insert((*at).min(stages.len()), (**stage).clone()),
            Edit::RemoveStage(stage) => {
                if *stage < stages.len() {
                    stages.remove(*stage);
                }
            }
            Edit::DuplicateStage(stage) => {
                if let Some(copy) = stages.get(*stage).map(|of| Stage { stride: 1, ..of.clone() }) {
                    stages.insert(stage + 1, copy);
                }
            }
            Edit::MoveStage { from, to } => {
                if *from < stages.len() && *to < stages.len() {
                    let stage = stages.remove(*from);
                    stages.insert(*to, stage);
                }
            }
            Edit::Fit => return design.fitted(),
            Edit::All(edits) => return edits.iter().fold(design, |design, edit| design.apply(edit)),
            Edit::Replace(other) => return (**other).clone(),
        }
        design
    }
}

impl Stage {
    fn apply(&mut self, change: &StageEdit) {
        match change {
            StageEdit::Channels(channels) => self.channels = *channels,
            StageEdit::Repeats(repeats) => self.repeats = *repeats,
            StageEdit::Stride(stride) => self.stride = *stride,
            StageEdit::Block(edit) => self.block.apply(edit),
        }
    }
}
