//! The designs that are looked at: what starting designs become when their knobs are turned, each within bounds.
//!
//! Input, classes, strides, activations, squeeze-and-excitation, residuals and shuffles stay as they are: what they are
//! for, neither mult-adds nor parameters tell.

use std::ops::RangeInclusive;

use crate::design::{
    Block, BlockEdit, BlockKind, Bottleneck, Design, Edit, Family, InputSize, InterleavedGroup, InvertedResidual,
    ShuffleV1, StageEdit, Xception, limits, round_to,
};
use crate::measure::SplitMix64;
use crate::zoo;

/// Channels go so many times below the fewest and above the most of the starting designs.
const REACH: f64 = 2.5;

/// Units go from so many times fewer than the fewest up to so many times the most of the starting designs.
const REPEATS: u32 = 2;

/// A stage is wider than the one before it by at most so many times more than in any starting design: else a search for
/// mult-adds alone ends with one enormous last stage, which is no network of the family any more.
const STEEPER: f64 = 2.0;

/// Tries until a changed design breaks no rule.
const TRIES: usize = 12;

/// Sizes of a change of channels, as logarithms: to find what is good, and to fill a budget to the brim.
const SPREADS: [f64; 3] = [0.03, 0.1, 0.3];

/// Multiples that channels are rounded to: whole tiles of a target are among them.
const STEPS: [u32; 5] = [2, 4, 8, 16, 32];

/// Characters of a starting design's name that found designs carry on.
const LONGEST_NAME: usize = 120;

const SPLITS: [f64; 3] = [0.25, 0.5, 0.75];
const EXPANSIONS: RangeInclusive<u32> = 2..=8;
const BOTTLENECKS: RangeInclusive<u32> = 2..=6;

/// Which knobs are turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Knobs {
    /// Windows, splits, groups, expansions and bottlenecks of units.
    pub blocks: bool,
    /// Channels of stem and head.
    pub ends: bool,
}

impl Knobs {
    /// All of them.
    pub const ALL: Self = Self { blocks: true, ends: true };
    /// Channels and repeats of stages alone.
    pub const STAGES: Self = Self { blocks: false, ends: false };
}

/// The designs that a search within a family starts from: its published widths, all with the input that is given or else
/// that of the 1.0x one. Empty for a family that has none.
#[must_use]
pub fn starts(family: Family, input: Option<InputSize>) -> Vec<Design> {
    let plain = |name: &str| !["-paper", "-se", "-star"].iter().any(|form| name.ends_with(form));
    let of_family = zoo::presets().iter().map(|preset| &preset.design).filter(|design| design.family == family);
    let designs: Vec<&Design> = of_family.filter(|design| plain(&design.name)).collect();
    let usual = designs.iter().find(|design| design.width == Some(1.0)).map(|design| design.input);
    let sized = |design: &Design| match input.or(usual) {
        Some(size) => design.apply(&Edit::Input(size)),
        None => design.clone(),
    };
    designs.into_iter().map(sized).collect()
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Space {
    starts: Vec<Design>,
    name: String,
    channels: Vec<RangeInclusive<u32>>,
    repeats: Vec<RangeInclusive<u32>>,
    stem: RangeInclusive<u32>,
    head: RangeInclusive<u32>,
    /// Whether no stage is narrower than the one before it, as in all starting designs.
    is_widening: bool,
    /// How many times the channels of the stage before it a stage has at most.
    steepest: f64,
    /// Whether the starting designs differ in groups, so that groups are a knob.
    has_groups: bool,
    pub knobs: Knobs,
}

impl Space {
    /// Around these designs; those that have other stages than the first one are left out. `None` without a sound design.
    pub fn around(designs: Vec<Design>) -> Option<Self> {
        let kinds = |design: &Design| design.stages.iter().map(|stage| stage.block.kind()).collect::<Vec<BlockKind>>();
        let first = designs.iter().find(|design| design.check().is_ok()).map(kinds)?;
        let alike = |design: &Design| design.check().is_ok() && kinds(design) == first;
        let starts: Vec<Design> = designs.into_iter().filter(alike).collect();
        let base = starts.first()?;
        let name = match starts.len() {
            1 => base.name.chars().take(LONGEST_NAME).collect(),
            // What the names have in common: `shufflenet-v2`.
            _ => base.name.split('-').take(2).collect::<Vec<&str>>().join("-"),
        };
        let around = |of: &dyn Fn(&Design) -> Option<u32>| {
            let numbers = || starts.iter().filter_map(of).map(f64::from);
            let (low, high) = (numbers().fold(f64::INFINITY, f64::min), numbers().fold(0.0, f64::max));
            let most = *limits::CHANNELS.end();
            ((low / REACH) as u32).clamp(2, most)..=((high * REACH) as u32).clamp(2, most)
        };
        let stages = 0..base.stages.len();
        let channels = |stage: usize| around(&|design| design.stages.get(stage).map(|stage| stage.channels));
        let repeats = |stage: usize| {
            let repeats = || starts.iter().filter_map(|design| design.stages.get(stage)).map(|stage| stage.repeats);
            let (fewest, most) = (repeats().min().unwrap_or(1), repeats().max().unwrap_or(1));
            fewest.div_ceil(REPEATS)..=(most * REPEATS).min(*limits::REPEATS.end())
        };
        let widening = |design: &Design| design.stages.windows(2).all(|pair| pair[0].channels <= pair[1].channels);
        let steepest = starts.iter().map(steepness).fold(1.0, f64::max);
        let groups = |design: &Design| design.stages.first().map(|stage| stage.block.groups());
        Some(Self {
            channels: stages.clone().map(channels).collect(),
            repeats: stages.map(repeats).collect(),
            stem: around(&|design| design.stem.convs.last().map(|conv| conv.channels)),
            head: around(&|design| design.head.conv),
            is_widening: starts.iter().all(widening),
            steepest: STEEPER * steepest,
            has_groups: starts.iter().any(|design| groups(design) != groups(base)),
            knobs: Knobs::ALL,
            name,
            starts,
        })
    }

    /// Where the search starts.
    pub fn starts(&self) -> &[Design] {
        &self.starts
    }

    /// What found designs are called after.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A starting design, much wider or narrower, deeper or flatter.
    pub fn scattered(&self, random: &mut SplitMix64) -> Option<Design> {
        (0..TRIES).find_map(|_| {
            let start = self.starts.get(random.below(self.starts.len()))?;
            let scale = (2.2 * random.unit() - 1.1).exp();
            let mut widest = 0;
            let edits = (0..start.stages.len()).flat_map(|stage| {
                let of = &start.stages[stage];
                let wanted = f64::from(of.channels) * scale * (0.3 * normal(random)).exp();
                let repeats = f64::from(of.repeats) * (0.4 * normal(random)).exp();
                let channels = within(round_to(wanted, 2), &self.channels[stage]);
                widest = widest.max(channels);
                let channels = StageEdit::Channels(if self.is_widening { widest } else { channels });
                let repeats = StageEdit::Repeats(within(round_to(repeats, 1), &self.repeats[stage]));
                [channels, repeats].map(|change| Edit::Stage { stage, change })
            });
            let edits = edits.chain([Edit::Fit]).collect();
            Some(start.apply(&Edit::All(edits))).filter(|design| self.holds(design))
        })
    }

    /// A design with one to four knobs turned.
    pub fn varied(&self, design: &Design, random: &mut SplitMix64) -> Option<Design> {
        (0..TRIES).find_map(|_| {
            let mut edits = vec![self.edit(design, random)];
            while edits.len() < 4 && random.unit() < 0.5 {
                edits.push(self.edit(design, random));
            }
            edits.push(Edit::Fit);
            let varied = design.apply(&Edit::All(edits));
            Some(varied).filter(|varied| varied != design && self.holds(varied))
        })
    }

    /// A design that has each stage, stem and head of one of two.
    pub fn mixed(&self, [a, b]: [&Design; 2], random: &mut SplitMix64) -> Option<Design> {
        (0..TRIES).find_map(|_| {
            let mut mixed = a.clone();
            for (stage, other) in mixed.stages.iter_mut().zip(&b.stages) {
                if random.unit() < 0.5 {
                    stage.clone_from(other);
                }
            }
            if random.unit() < 0.5 {
                (mixed.stem, mixed.head) = (b.stem.clone(), b.head.clone());
            }
            let mixed = mixed.apply(&Edit::Fit);
            Some(mixed).filter(|mixed| mixed != a && mixed != b && self.holds(mixed))
        })
    }

    fn edit(&self, design: &Design, random: &mut SplitMix64) -> Edit {
        let stage = random.below(design.stages.len().max(1));
        let turned = match random.below(12) {
            0 | 1 => self.repeats(design, stage, random),
            2 | 3 if self.knobs.blocks => self.block(design, stage, random),
            4 if self.knobs.ends => self.end(design, random),
            5 => {
                let scale = (SPREADS[random.below(2)] * normal(random)).exp();
                let scaled = |(stage, of): (usize, &crate::design::Stage)| {
                    let channels = round_to(f64::from(of.channels) * scale, 2);
                    Edit::Stage { stage, change: StageEdit::Channels(within(channels, &self.channels[stage])) }
                };
                Some(Edit::All(design.stages.iter().enumerate().map(scaled).collect()))
            }
            _ => None,
        };
        turned.unwrap_or_else(|| {
            let Some(range) = self.channels.get(stage) else { return Edit::Fit };
            let now = design.stages.get(stage).map_or(*range.start(), |stage| stage.channels);
            Edit::Stage { stage, change: StageEdit::Channels(near(now, range, random)) }
        })
    }

    fn repeats(&self, design: &Design, stage: usize, random: &mut SplitMix64) -> Option<Edit> {
        let now = design.stages.get(stage)?.repeats;
        let by = 1 + random.below(2) as u32;
        let repeats = if random.unit() < 0.5 { now.saturating_sub(by) } else { now.saturating_add(by) };
        let repeats = within(repeats, self.repeats.get(stage)?);
        Some(Edit::Stage { stage, change: StageEdit::Repeats(repeats) })
    }

    fn block(&self, design: &Design, stage: usize, random: &mut SplitMix64) -> Option<Edit> {
        let step = |now: u32, range: RangeInclusive<u32>, random: &mut SplitMix64| {
            within(if random.unit() < 0.5 { now.saturating_sub(1) } else { now.saturating_add(1) }, &range)
        };
        let kernel = BlockEdit::Kernel(limits::KERNELS[random.below(limits::KERNELS.len())]);
        let other = random.unit() < 0.6;
        let change = match &design.stages.get(stage)?.block {
            Block::ShuffleV2(_) if other => BlockEdit::Split(SPLITS[random.below(SPLITS.len())]),
            Block::ShuffleV1(_) if other && self.has_groups && random.unit() < 0.5 => {
                BlockEdit::Groups(limits::GROUPS[random.below(limits::GROUPS.len())])
            }
            Block::ShuffleV1(ShuffleV1 { bottleneck, .. })
            | Block::Bottleneck(Bottleneck { bottleneck, .. })
            | Block::Xception(Xception { bottleneck, .. })
                if other =>
            {
                BlockEdit::Bottleneck(step(*bottleneck, BOTTLENECKS, random))
            }
            Block::InvertedResidual(InvertedResidual { expansion, .. })
            | Block::InterleavedGroup(InterleavedGroup { expansion, .. })
                if other && *expansion > 1 =>
            {
                BlockEdit::Expansion(step(*expansion, EXPANSIONS, random))
            }
            _ => kernel,
        };
        Some(Edit::Stage { stage, change: StageEdit::Block(change) })
    }

    fn end(&self, design: &Design, random: &mut SplitMix64) -> Option<Edit> {
        match design.head.conv {
            Some(head) if random.unit() < 0.6 => Some(Edit::Head(Some(near(head, &self.head, random)))),
            _ => Some(Edit::StemChannels(near(design.stem.convs.last()?.channels, &self.stem, random))),
        }
    }

    fn holds(&self, design: &Design) -> bool {
        let stages = design.stages.iter().zip(self.channels.iter().zip(&self.repeats));
        let holds_stages = stages.clone().count() == design.stages.len()
            && stages.into_iter().all(|(stage, (channels, repeats))| {
                channels.contains(&stage.channels) && repeats.contains(&stage.repeats)
            });
        let widens = || design.stages.windows(2).all(|pair| pair[0].channels <= pair[1].channels);
        let is_like_the_starts = steepness(design) <= self.steepest && (!self.is_widening || widens());
        holds_stages && is_like_the_starts && design.check().is_ok()
    }
}

/// How many times the channels of the stage before it a stage has at most.
fn steepness(design: &Design) -> f64 {
    let steps = design.stages.windows(2).map(|pair| f64::from(pair[1].channels) / f64::from(pair[0].channels.max(1)));
    steps.fold(0.0, f64::max)
}

/// Other channels than now, mostly near them.
fn near(now: u32, range: &RangeInclusive<u32>, random: &mut SplitMix64) -> u32 {
    let wanted = f64::from(now) * (SPREADS[random.below(SPREADS.len())] * normal(random)).exp();
    let step = STEPS[random.below(STEPS.len())];
    let rounded = round_to(wanted, step);
    let other = match rounded == now {
        true if random.unit() < 0.5 => now.saturating_sub(step),
        true => now.saturating_add(step),
        false => rounded,
    };
    within(other, range)
}

fn within(number: u32, range: &RangeInclusive<u32>) -> u32 {
    number.clamp(*range.start(), *range.end())
}

/// Nearly normal, with a standard deviation of one.
fn normal(random: &mut SplitMix64) -> f64 {
    2.0 * (random.unit() + random.unit() + random.unit() - 1.5)
}
