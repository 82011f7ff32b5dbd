//! Random designs of the three families, and which of them tells most if it is measured next.

use super::{Prediction, Predictor};
use crate::design::{Activation, Batch, Block, Design, DownSampling, Edit, InputSize, SqueezeExcitation, StageEdit};
use crate::graph::lower;
use crate::measure::SplitMix64;
use crate::runtime::{RunOptions, plan_without_weights};
use crate::zoo;

/// Draws until a design breaks no rule; every second one does.
const TRIES: usize = 64;

/// Designs that the least known one is chosen from, and draws of one that is new.
const CHOICES: usize = 6;
const DRAWS: usize = 16;

/// Input sides, the usual one as often as all others.
const SIDES: [u32; 8] = [224, 128, 224, 160, 224, 192, 224, 256];

/// An endless row of designs; the same for the same seed.
#[derive(Debug)]
pub struct Draw {
    random: SplitMix64,
    input: Option<InputSize>,
}

impl Draw {
    /// Designs by this seed, all of one input size where one is given.
    #[must_use]
    pub const fn new(seed: u64, input: Option<InputSize>) -> Self {
        Self { random: SplitMix64(seed), input }
    }

    /// The designs that a target is calibrated with of which `known` networks are known: others than what was measured before.
    #[must_use]
    pub const fn after(known: usize, input: Option<InputSize>) -> Self {
        Self::new(0x5EED ^ ((known as u64) << 16), input)
    }

    /// The next ones to choose the [`most_wanted`] from, of those that are new: one, and every second time a few.
    pub fn choices(&mut self, number: usize, mut is_new: impl FnMut(&Design) -> bool) -> Vec<Design> {
        let count = if number.is_multiple_of(2) { 1 } else { CHOICES };
        // There are endlessly many: a few draws that are known are only passed over.
        let drawn = (0..DRAWS * count).map(|_| self.design());
        drawn.filter(|design| is_new(design)).take(count).collect()
    }

    /// The next one; each of ShuffleNet V2, ShuffleNet V1 and MobileNet V2 is as likely.
    pub fn design(&mut self) -> Design {
        let family = self.random.below(3);
        let mut drawn = self.draw(family);
        for _ in 0..TRIES {
            if drawn.check().is_ok() {
                break;
            }
            drawn = self.draw(family);
        }
        if drawn.check().is_err() {
            drawn = self.base(family);
        }
        let mut name = drawn.name.clone();
        name.push_str(&format!("-drawn-{:08x}", self.random.next() >> 32));
        drawn.apply(&Edit::Rename(name))
    }

    fn draw(&mut self, family: usize) -> Design {
        let mut design = self.base(family);
        let width = self.between(0.4, 2.0);
        for index in 0..design.stages.len() {
            let stage = &design.stages[index];
            let step = if family == 2 { 8 } else { 2 };
            let channels = f64::from(stage.channels) * width * self.between(0.8, 1.25);
            let channels = crate::design::round_to(channels, step);
            let repeats = self.between(f64::from(stage.repeats) * 0.5, f64::from(stage.repeats) * 1.5).round();
            let repeats = (repeats as u32).max(1);
            let changes = [StageEdit::Channels(channels), StageEdit::Repeats(repeats)];
            for change in changes {
                design = design.apply(&Edit::Stage { stage: index, change });
            }
            self.change_block(&mut design, index);
        }
        if self.chance(0.3) {
            let channels = [12, 16, 20, 32, 40][self.random.below(5)];
            design = design.apply(&Edit::StemChannels(channels));
        }
        if let Some(head) = design.head.conv
            && self.chance(0.6)
        {
            let head = crate::design::round_to(f64::from(head) * self.between(0.5, 1.8), 16);
            design = design.apply(&Edit::Head(Some(head)));
        }
        let side = SIDES[self.random.below(SIDES.len())];
        design = design.apply(&Edit::Input(self.input.unwrap_or_else(|| InputSize::square(side))));
        design.apply(&Edit::Fit)
    }

    fn change_block(&mut self, design: &mut Design, index: usize) {
        let kernel = match self.random.below(20) {
            0 => 7,
            1..=5 => 5,
            _ => 3,
        };
        let hard_swish = self.chance(0.1);
        let se = self.chance(0.12).then_some(SqueezeExcitation { reduction: 4 });
        let (rare, paper) = (self.chance(0.08), self.chance(0.15));
        let split = [0.25, 0.375, 0.625, 0.75][self.random.below(4)];
        let expansion = [3, 4, 6][self.random.below(3)];
        let Some(stage) = design.stages.get_mut(index) else { return };
        match &mut stage.block {
            Block::ShuffleV2(block) => {
                (block.kernel, block.se, block.residual) = (kernel, se, rare);
                if hard_swish {
                    block.activation = Activation::HardSwish;
                }
                if rare {
                    block.split = split;
                }
                if paper {
                    block.down_sampling = DownSampling::Paper;
                }
            }
            Block::ShuffleV1(block) => (block.kernel, block.se) = (kernel, se),
            Block::Bottleneck(block) => (block.kernel, block.se) = (kernel, se),
            Block::InterleavedGroup(block) => block.kernel = kernel,
            Block::Xception(block) => block.kernel = kernel,
            Block::InvertedResidual(block) => {
                block.kernel = kernel;
                if block.expansion > 1 {
                    block.expansion = expansion;
                }
            }
            Block::DepthwiseSeparable(block) => block.kernel = kernel,
        }
    }

    fn base(&mut self, family: usize) -> Design {
        let name = match family {
            0 => "shufflenet-v2-x1.0",
            1 => [
                "shufflenet-v1-g1-x1.0",
                "shufflenet-v1-g2-x1.0",
                "shufflenet-v1-g3-x1.0",
                "shufflenet-v1-g4-x1.0",
                "shufflenet-v1-g8-x1.0",
            ][self.random.below(5)],
            _ => "mobilenet-v2-x1.0",
        };
        zoo::preset(name).unwrap_or_else(|| zoo::presets()[0].design.clone())
    }

    fn chance(&mut self, share: f64) -> bool {
        self.random.unit() < share
    }

    /// Between two numbers, every ratio as likely.
    fn between(&mut self, low: f64, high: f64) -> f64 {
        low * (high / low).powf(self.random.unit())
    }
}

/// Which of `designs` is the least known: whose kernels, weighted with their share of its time, are the least sure. Those
/// that cannot be run so are passed over; where nothing is known of any, it is the first.
#[must_use]
pub fn most_wanted(designs: &[Design], predictor: Option<&Predictor>, options: &RunOptions) -> Option<usize> {
    let unknown = |design: &Design| {
        let graph = lower(design, Batch(options.batch)).ok()?;
        let plan = plan_without_weights(&graph, options)?;
        let prediction = predictor.map(|predictor| predictor.predict(&graph, &plan));
        Some(prediction.as_ref().map_or(0.0, Prediction::unknown))
    };
    let known: Vec<(usize, f64)> =
        designs.iter().enumerate().filter_map(|(index, design)| Some((index, unknown(design)?))).collect();
    known.into_iter().rev().max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(index, _)| index)
}
