//! Everything that can be wrong with a design, found at once; each error names the field and the rule.

use std::fmt;

use thiserror::Error;

use super::{
    Activation, Block, Bottleneck, Design, InterleavedGroup, InvertedResidual, ShuffleV1, Unit, Xception, limits,
};

/// A setting of a design; displays as its path in the TOML file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the field of the same name")]
pub enum Field {
    Name,
    Width,
    Classes,
    InputHeight,
    InputWidth,
    StemConvs,
    StemChannels(usize),
    StemKernel(usize),
    StemStride(usize),
    StemActivation,
    Stages,
    Channels(usize),
    Repeats(usize),
    Stride(usize),
    Kernel(usize),
    Groups(usize),
    Split(usize),
    BlockActivation(usize),
    SeReduction(usize),
    Expansion(usize),
    Bottleneck(usize),
    HeadConv,
    HeadActivation,
    Batch,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = |index: &usize, name: &str| format!("stages[{index}].{name}");
        f.pad(&match self {
            Self::Name => "name".into(),
            Self::Width => "width".into(),
            Self::Classes => "classes".into(),
            Self::InputHeight => "input.height".into(),
            Self::InputWidth => "input.width".into(),
            Self::StemConvs => "stem.convs".into(),
            Self::StemChannels(index) => format!("stem.convs[{index}].channels"),
            Self::StemKernel(index) => format!("stem.convs[{index}].kernel"),
            Self::StemStride(index) => format!("stem.convs[{index}].stride"),
            Self::StemActivation => "stem.activation".into(),
            Self::Stages => "stages".into(),
            Self::Channels(index) => stage(index, "channels"),
            Self::Repeats(index) => stage(index, "repeats"),
            Self::Stride(index) => stage(index, "stride"),
            Self::Kernel(index) => stage(index, "block.kernel"),
            Self::Groups(index) => stage(index, "block.groups"),
            Self::Split(index) => stage(index, "block.split"),
            Self::BlockActivation(index) => stage(index, "block.activation"),
            Self::SeReduction(index) => stage(index, "block.se.reduction"),
            Self::Expansion(index) => stage(index, "block.expansion"),
            Self::Bottleneck(index) => stage(index, "block.bottleneck"),
            Self::HeadConv => "head.conv".into(),
            Self::HeadActivation => "head.activation".into(),
            Self::Batch => "batch".into(),
        })
    }
}

/// One broken rule.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{field}` = {value}: {rule}")]
pub struct DesignError {
    /// The setting.
    pub field: Field,
    /// Its value, as shown to people.
    pub value: String,
    /// The rule it breaks and what would satisfy it.
    pub rule: String,
}

/// Every broken rule of a design, at least one.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("design `{name}` is not valid:{}", list(.errors))]
pub struct DesignErrors {
    /// The design's name.
    pub name: String,
    /// What is wrong, in the order of the file.
    pub errors: Vec<DesignError>,
}

fn list(errors: &[DesignError]) -> String {
    errors.iter().map(|error| format!("\n  {error}")).collect()
}

/// Collects broken rules.
struct Checker {
    errors: Vec<DesignError>,
}

impl Checker {
    fn fail(&mut self, field: Field, value: impl fmt::Display, rule: impl Into<String>) {
        self.errors.push(DesignError { field, value: value.to_string(), rule: rule.into() });
    }

    fn within<T: PartialOrd + fmt::Display + Copy>(
        &mut self,
        field: Field,
        value: T,
        range: &std::ops::RangeInclusive<T>,
    ) -> bool {
        let fits = range.contains(&value);
        if !fits {
            self.fail(field, value, format!("must be from {} to {}", range.start(), range.end()));
        }
        fits
    }

    fn one_of(&mut self, field: Field, value: u32, choices: &[u32]) -> bool {
        let fits = choices.contains(&value);
        if !fits {
            let choices: Vec<_> = choices.iter().map(u32::to_string).collect();
            self.fail(field, value, format!("must be one of {}", choices.join(", ")));
        }
        fits
    }

    fn activation(&mut self, field: Field, value: Activation) {
        if !Activation::CHOICES.contains(&value) {
            self.fail(field, value.name(), "must be one of relu, relu6, hard-swish, none");
        }
    }
}

impl Design {
    /// Finds everything that is wrong with the design.
    ///
    /// # Errors
    /// All broken rules, each with its field.
    pub fn check(&self) -> Result<(), DesignErrors> {
        let mut checker = Checker { errors: vec![] };
        if self.name.trim().is_empty() || self.name.chars().any(char::is_control) || self.name.chars().count() > 200 {
            checker.fail(
                Field::Name,
                format!("{:?}", self.name.chars().take(40).collect::<String>()),
                "must be 1 to 200 printable characters",
            );
        }
        if let Some(width) = self.width {
            checker.within(Field::Width, width, &self.family.widths());
        }
        checker.within(Field::Classes, self.classes, &limits::CLASSES);
        checker.within(Field::InputHeight, self.input.height, &limits::INPUT);
        checker.within(Field::InputWidth, self.input.width, &limits::INPUT);
        self.check_stem(&mut checker);
        if !limits::STAGES.contains(&self.stages.len()) {
            checker.fail(
                Field::Stages,
                format!("{} stages", self.stages.len()),
                format!("must be from {} to {} stages", limits::STAGES.start(), limits::STAGES.end()),
            );
        }
        for index in 0..self.stages.len().min(*limits::STAGES.end()) {
            self.check_stage(index, &mut checker);
        }
        if let Some(channels) = self.head.conv {
            checker.within(Field::HeadConv, channels, &limits::CHANNELS);
        }
        checker.activation(Field::HeadActivation, self.head.activation);
        if checker.errors.is_empty() {
            Ok(())
        } else {
            Err(DesignErrors { name: self.name.clone(), errors: checker.errors })
        }
    }

    /// As [`check`](Self::check), for a run with this batch.
    ///
    /// # Errors
    /// All broken rules, each with its field.
    pub fn check_with(&self, batch: super::Batch) -> Result<(), DesignErrors> {
        let mut errors = self.check().err().map_or_else(Vec::new, |found| found.errors);
        let mut checker = Checker { errors: vec![] };
        checker.within(Field::Batch, batch.0, &limits::BATCH);
        errors.append(&mut checker.errors);
        if errors.is_empty() { Ok(()) } else { Err(DesignErrors { name: self.name.clone(), errors }) }
    }

    fn check_stem(&self, checker: &mut Checker) {
        let convs = &self.stem.convs;
        if !limits::STEM_CONVS.contains(&convs.len()) {
            checker.fail(
                Field::StemConvs,
                format!("{} convolutions", convs.len()),
                format!("must be from {} to {} convolutions", limits::STEM_CONVS.start(), limits::STEM_CONVS.end()),
            );
        }
        for (index, conv) in convs.iter().take(*limits::STEM_CONVS.end()).enumerate() {
            checker.within(Field::StemChannels(index), conv.channels, &limits::CHANNELS);
            checker.one_of(Field::StemKernel(index), conv.kernel, &limits::STEM_KERNELS);
            checker.within(Field::StemStride(index), conv.stride, &(1..=2));
        }
        checker.activation(Field::StemActivation, self.stem.activation);
    }

    fn check_stage(&self, index: usize, checker: &mut Checker) {
        let stage = &self.stages[index];
        let mut sound = checker.within(Field::Channels(index), stage.channels, &limits::CHANNELS);
        checker.within(Field::Repeats(index), stage.repeats, &limits::REPEATS);
        sound &= checker.within(Field::Stride(index), stage.stride, &(1..=2));
        sound &= check_block(&stage.block, index, checker);
        let input = self.channels_into(index);
        if !sound || !limits::CHANNELS.contains(&input) {
            return; // The channel arithmetic below would only repeat what has been said.
        }
        let first = Unit { input, output: stage.channels, stride: stage.stride };
        let later = Unit { input: stage.channels, output: stage.channels, stride: 1 };
        let result = stage
            .block
            .check_unit(first, index == 0)
            .and_then(|()| if stage.repeats > 1 { stage.block.check_unit(later, false) } else { Ok(()) });
        if let Err(rule) = result {
            let nearest = match self.nearest_channels(index) {
                Some(channels) => format!("{rule}; the nearest number that fits is {channels}"),
                None => rule,
            };
            checker.fail(Field::Channels(index), stage.channels, nearest);
        }
    }

    /// Whether stage `index` could have `channels`, everything else as it is.
    fn channels_fit(&self, index: usize, channels: u32) -> bool {
        let (Some(stage), true) = (self.stages.get(index), limits::CHANNELS.contains(&channels)) else {
            return false;
        };
        let first = Unit { input: self.channels_into(index), output: channels, stride: stage.stride };
        let later = Unit { input: channels, output: channels, stride: 1 };
        stage.block.check_unit(first, index == 0).is_ok()
            && (stage.repeats <= 1 || stage.block.check_unit(later, false).is_ok())
            && self.stages.get(index + 1).is_none_or(|next| channels.is_multiple_of(next.block.groups_read().max(1)))
    }

    /// The number of channels nearest to the present one that stage `index` could have, given the stages before it.
    #[must_use]
    pub fn nearest_channels(&self, index: usize) -> Option<u32> {
        let wanted = self.stages.get(index)?.channels;
        (0..=1024)
            .flat_map(|distance| [wanted.saturating_add(distance), wanted.saturating_sub(distance)])
            .find(|&channels| self.channels_fit(index, channels))
    }
}

fn check_block(block: &Block, index: usize, checker: &mut Checker) -> bool {
    let mut sound = checker.one_of(Field::Kernel(index), block.kernel(), &limits::KERNELS);
    sound &= checker.one_of(Field::Groups(index), block.groups(), block.kind().groups());
    checker.activation(Field::BlockActivation(index), block.activation());
    if let Some(se) = block.se() {
        sound &= checker.within(Field::SeReduction(index), se.reduction, &limits::SE_REDUCTION);
    }
    match block {
        Block::ShuffleV2(block) => sound &= checker.within(Field::Split(index), block.split, &limits::SPLIT),
        Block::ShuffleV1(ShuffleV1 { bottleneck, .. })
        | Block::Bottleneck(Bottleneck { bottleneck, .. })
        | Block::Xception(Xception { bottleneck, .. }) => {
            sound &= checker.within(Field::Bottleneck(index), *bottleneck, &limits::EXPANSION);
        }
        Block::InvertedResidual(InvertedResidual { expansion, .. })
        | Block::InterleavedGroup(InterleavedGroup { expansion, .. }) => {
            sound &= checker.within(Field::Expansion(index), *expansion, &limits::EXPANSION);
        }
        Block::DepthwiseSeparable(_) => {}
    }
    sound
}
