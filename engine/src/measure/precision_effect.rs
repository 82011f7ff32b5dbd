//! What storing in fewer bits does to a network's answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use candle_core::Tensor;

use super::MeasureError;
use crate::clock::Clock;
use crate::cost::total_cost;
use crate::device::{Device, DeviceId, Precision};
use crate::graph::Graph;
use crate::runtime::{Executable, RunError, RunOptions, prepare};
use crate::units::MultAdds;
use crate::weights::{RangesFrom, Weights, seeded_input};

/// Most work that a network is run again with for this alone: ResNet-50 at 224 is below it, and what is above takes a
/// processor seconds.
const CHEAP: MultAdds = MultAdds(5_000_000_000);

/// How the logits differ from those in 32-bit floats, on the same weights and the same made-up inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PrecisionEffect {
    /// The greatest difference of a logit, relative to the greatest logit in 32 bits; `None` where a logit is not finite.
    pub relative_difference: Option<f64>,
    /// Images whose likeliest class is another one.
    pub top1_changed: usize,
    /// Images looked at: the batch, or several of them in 8 bits, whose ranges come from other images.
    pub images: usize,
    /// In 8 bits, where the ranges of values come from, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranges: Option<String>,
}

impl PrecisionEffect {
    /// The difference of `logits` from `reference`, both of so many images; `None` where they are not of the same network.
    #[must_use]
    pub fn between(logits: &[f32], reference: &[f32], images: usize) -> Option<Self> {
        let classes = reference.len().checked_div(images).filter(|&classes| classes > 0)?;
        if logits.len() != reference.len() || classes * images != reference.len() {
            return None;
        }
        let greatest = reference.iter().map(|value| f64::from(value.abs())).fold(0.0, f64::max);
        let differences =
            logits.iter().zip(reference).map(|(ours, theirs)| (f64::from(*ours) - f64::from(*theirs)).abs());
        let is_finite = logits.iter().chain(reference).all(|value| value.is_finite());
        let difference = differences.fold(0.0, f64::max);
        let rows = logits.chunks_exact(classes).zip(reference.chunks_exact(classes));
        Some(Self {
            relative_difference: is_finite.then(|| if greatest > 0.0 { difference / greatest } else { difference }),
            top1_changed: rows.filter(|(ours, theirs)| likeliest(ours) != likeliest(theirs)).count(),
            images,
            ranges: None,
        })
    }

    /// The difference, for people.
    #[must_use]
    pub fn difference(&self) -> String {
        match self.relative_difference {
            None => "not finite".into(),
            Some(difference) if difference >= 1e-3 => format!("± {:.2} %", 100.0 * difference),
            Some(difference) => format!("± {difference:.1e}"),
        }
    }

    /// Whether the likeliest class is another one, for people.
    #[must_use]
    pub fn top1(&self) -> String {
        match (self.top1_changed, self.images) {
            (0, 1) => "the likeliest class stays".into(),
            (_, 1) => "the likeliest class changes".into(),
            (0, images) => format!("the likeliest class stays on all {images} images"),
            (changed, images) => format!("the likeliest class changes on {changed} of {images} images"),
        }
    }
}

/// The first of the greatest logits that are numbers.
fn likeliest(logits: &[f32]) -> Option<usize> {
    let numbers = logits.iter().enumerate().filter(|(_, value)| !value.is_nan());
    numbers
        .fold(None, |best: Option<(usize, f32)>, (class, &value)| match best {
            Some((_, most)) if value <= most => best,
            _ => Some((class, value)),
        })
        .map(|(class, _)| class)
}

/// Runs the network once on the processor in 32 bits and says how the logits of the last run of `exe` differ; in 8 bits,
/// how those of several runs do, the last one of them on the input that a fresh network has.
///
/// `None` where that is no question (`options` say 32 bits), or it would cost more than a moment: above 5 thousand million
/// mult-adds, or where the processor lacks the memory.
///
/// # Errors
/// Where the logits cannot be brought from the device.
pub fn precision_effect(
    exe: &mut dyn Executable,
    (graph, weights): (&Graph, &Weights),
    options: &RunOptions,
    clock: &dyn Clock,
) -> Result<Option<PrecisionEffect>, MeasureError> {
    if !is_worth_it(graph, options) {
        return Ok(None);
    }
    let on_processor = RunOptions::new(DeviceId::Cpu, options.threads, options.batch);
    let Ok(mut reference) = prepare(graph, weights, &Device::cpu(), &on_processor) else { return Ok(None) };
    let shape = graph.input_shape();
    if options.precision != Precision::Int8 {
        let logits: Vec<f32> =
            exe.logits()?.flatten_all().and_then(|logits| logits.to_vec1()).map_err(RunError::from)?;
        return Ok(PrecisionEffect::between(&logits, &reference.infer(clock)?, shape.batch));
    }
    let (mut logits, mut expected, mut images) = (Vec::new(), Vec::new(), 0);
    for seed in seeds(shape.batch) {
        let input = Tensor::from_vec(seeded_input(shape, seed), &<[usize; 4]>::from(shape), &candle_core::Device::Cpu)
            .map_err(RunError::from)?;
        exe.set_input(&input)?;
        reference.set_input(&input)?;
        logits.extend(exe.infer(clock)?);
        expected.extend(reference.infer(clock)?);
        images += shape.batch;
    }
    let effect = PrecisionEffect::between(&logits, &expected, images);
    Ok(effect.map(|effect| PrecisionEffect { ranges: Some(RangesFrom::of(weights).to_string()), ..effect }))
}

/// The seeds of the inputs that are compared in 8 bits: none that ranges are taken from, last that of a fresh network.
fn seeds(batch: usize) -> impl Iterator<Item = u64> {
    const IMAGES: usize = 8;
    const FIRST: u64 = 1000;
    (FIRST..FIRST + IMAGES.div_ceil(batch.max(1)) as u64 - 1).chain([1])
}

/// Whether there is a difference to be looked for, and looking for it is cheap.
fn is_worth_it(graph: &Graph, options: &RunOptions) -> bool {
    options.precision != Precision::F32 && total_cost(graph).mult_adds <= CHEAP
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::MonotonicClock;
    use crate::design::Batch;
    use crate::graph::lower;
    use crate::runtime::Marks;
    use crate::zoo::{network, preset};

    #[test]
    fn the_difference_is_relative_to_the_greatest_logit_and_classes_are_compared_image_by_image() {
        let effect = PrecisionEffect::between(&[1.0, 2.0, 3.0, 2.5], &[1.0, 2.0, 2.0, -4.0], 2).unwrap();
        assert_eq!(
            effect,
            PrecisionEffect { relative_difference: Some(6.5 / 4.0), top1_changed: 0, images: 2, ranges: None }
        );
        let effect = PrecisionEffect::between(&[1.0, 2.0, 3.0, 3.5], &[1.0, 2.0, 3.5, 3.0], 2).unwrap();
        assert_eq!((effect.top1_changed, effect.difference()), (1, "± 14.29 %".into()));
        assert_eq!(effect.top1(), "the likeliest class changes on 1 of 2 images");
        let same = PrecisionEffect::between(&[1.0, 2.0], &[1.0, 2.0], 1).unwrap();
        assert_eq!((same.difference(), same.top1()), ("± 0.0e0".into(), "the likeliest class stays".into()));
    }

    #[test]
    fn logits_that_overflowed_have_no_difference_and_lists_of_other_lengths_are_no_answer() {
        let effect = PrecisionEffect::between(&[f32::INFINITY, f32::NAN], &[1.0, 2.0], 1).unwrap();
        assert_eq!((effect.relative_difference, effect.top1_changed), (None, 1));
        let json = serde_json::to_string(&effect).unwrap();
        assert_eq!(serde_json::from_str::<PrecisionEffect>(&json).unwrap(), effect);
        assert_eq!(PrecisionEffect::between(&[1.0], &[1.0, 2.0], 1), None);
        assert_eq!(PrecisionEffect::between(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0], 2), None);
        assert_eq!(PrecisionEffect::between(&[], &[], 0), None);
        assert_eq!(PrecisionEffect::between(&[], &[], 1), None);
    }

    #[test]
    fn a_network_beside_itself_in_32_bits_differs_by_nothing() {
        let design = preset("shufflenet-v2-x0.5").unwrap();
        let graph = lower(&design, Batch(2)).unwrap();
        let weights = Weights::seeded(&graph, 1);
        let on_processor = RunOptions::new(DeviceId::Cpu, 1, 2);
        let mut exe = prepare(&graph, &weights, &Device::cpu(), &on_processor).unwrap();
        let clock = MonotonicClock::new();
        exe.run(&clock, Marks::None).unwrap();
        let mut effect = |precision| {
            let options = RunOptions { precision, ..on_processor.clone() };
            precision_effect(&mut *exe, (&graph, &weights), &options, &clock).unwrap()
        };
        let none = PrecisionEffect { relative_difference: Some(0.0), top1_changed: 0, images: 2, ranges: None };
        assert_eq!(effect(Precision::F16), Some(none));
        assert_eq!(effect(Precision::F32), None, "there is no question");
    }

    #[test]
    fn in_8_bits_several_images_are_compared_and_the_network_is_left_as_it_was() {
        let mut design = preset("shufflenet-v2-x0.5").unwrap();
        design.input = crate::design::InputSize::square(64);
        for batch in [1, 3] {
            let graph = lower(&design, Batch(batch)).unwrap();
            let weights = Weights::seeded(&graph, 1);
            let options = RunOptions { precision: Precision::Int8, ..RunOptions::new(DeviceId::Cpu, 1, batch) };
            let mut exe = prepare(&graph, &weights, &Device::cpu(), &options).unwrap();
            let clock = MonotonicClock::new();
            let before = exe.infer(&clock).unwrap();
            let effect = precision_effect(&mut *exe, (&graph, &weights), &options, &clock).unwrap().unwrap();
            assert_eq!(effect.images, if batch == 1 { 8 } else { 9 });
            assert_eq!(effect.ranges.as_deref(), Some("made-up pictures"));
            let difference = effect.relative_difference.unwrap();
            assert!(difference > 0.0 && difference < 0.2, "{effect:?}");
            assert_eq!(exe.infer(&clock).unwrap(), before);
        }
    }

    #[test]
    fn it_is_looked_for_in_small_networks_and_small_batches_only() {
        let half = RunOptions { precision: Precision::F16, ..RunOptions::new(DeviceId::Gpu(0), 1, 1) };
        let is_worth_it = |name: &str, batch| {
            let model: crate::model::Model = network(name).map_or_else(|| preset(name).unwrap().into(), Into::into);
            super::is_worth_it(&model.graph(Batch(batch)).unwrap(), &half)
        };
        assert!(is_worth_it("shufflenet-v2-x1.0", 1) && is_worth_it("shufflenet-v2-x1.0", 16));
        assert!(is_worth_it("resnet-50", 1));
        assert!(!is_worth_it("resnet-50", 8) && !is_worth_it("shufflenet-v2-x1.0", 64));
    }
}
