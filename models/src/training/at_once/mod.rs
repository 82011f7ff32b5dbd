//! A new last layer for trained features, in closed form: an answer in about the time that the network takes to look at
//! the pictures once.
//!
//! Everything before the classifier stays as it is. Its output on the pictures (the globally averaged feature maps) is the
//! input of a ridge regression onto the classes, whose strength and temperature are chosen by leaving one picture out at
//! a time. The accuracy is measured with the whole new network, on pictures that none of this has seen.

mod cholesky;
mod features;
mod head;
mod ridge;
mod temperature;

use std::ops::ControlFlow;
use std::time::Instant;

pub use self::features::feature_count;

use super::evaluate::told_right;
use super::pictures::{Pictures, Split};
use super::{Accuracy, Taught, TeachError, Way};
use crate::design::{Batch, Design, Edit};
use crate::graph::lower;
use crate::runtime::RunOptions;
use crate::weights::Weights;

/// Share of the time that looking at the pictures takes; the rest is solving and testing.
const LOOKING: f64 = 0.75;

/// What is taught.
#[derive(Clone, Copy, Debug)]
pub struct AtOnceRequest<'a> {
    /// The network.
    pub design: &'a Design,
    /// Trained weights of its layers; those of the classifier are not looked at and may be missing.
    pub weights: &'a Weights,
    /// The pictures, cut for the design's input.
    pub pictures: &'a Pictures,
    /// Which of them are held out.
    pub split: &'a Split,
    /// Processor and threads that look at the pictures.
    pub run: &'a RunOptions,
}

/// Teaches the design the pictures' classes. `tell` hears how far it is, from 0 to 1, and can end it.
///
/// # Errors
/// Where the design breaks a rule, a class lacks pictures, the weights do not fit, the network gives no finite features,
/// or `tell` ends it.
pub fn teach_at_once(
    request: AtOnceRequest<'_>,
    tell: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<Taught, TeachError> {
    let started = Instant::now();
    let AtOnceRequest { design, weights, pictures, split, run } = request;
    pictures.check()?;
    let features = features::of(design, weights, pictures, &split.training, run, &mut |share| tell(LOOKING * share))?;
    let labels: Vec<usize> =
        split.training.iter().filter_map(|index| pictures.samples().get(*index)).map(|sample| sample.class).collect();
    let solved = ridge::solve(&features, &labels, pictures.classes().len(), design.head.bias)?;
    let classes = pictures.classes().len() as u32;
    let design = design.apply(&Edit::Classes(classes));
    let graph = lower(&design, Batch(1))?;
    let weights = head::put_on(&graph, weights, &solved)?;
    let correct = told_right(&graph, &weights, pictures, &split.held_out, run, &mut |share| {
        tell(LOOKING + (1.0 - LOOKING) * share)
    })?;
    let accuracy = Accuracy::new(correct, split.held_out.len() as u64, pictures.data_name())?;
    let classes = pictures.classes().to_vec();
    let seconds = started.elapsed().as_secs_f64();
    Ok(Taught { design, weights, classes, accuracy, way: Way::AtOnce, seconds, epochs: 0 })
}

#[cfg(test)]
mod tests;
