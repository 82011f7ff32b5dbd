//! One set of weights for every width: the narrower network is the first channels of the wider one.
//!
//! The whole network is trained together with narrower ones in every step, which learn from what the whole one says
//! (Yu and Huang, "Universally Slimmable Networks and Improved Training Techniques", ICCV 2019: the sandwich rule with
//! distillation in place). They share all parameters but the statistics of their normalisations, which are kept for a grid of
//! widths; between two of them they are interpolated. Stem and head keep their channels, as in the paper's table.

use std::collections::BTreeMap;

use super::cpu::{Network, Statistics};
use super::cut::{CutError, Rule, Selection, select};
use super::learner::Averaged;
use super::loss::{Targets, cross_entropy};
use super::optimiser::Descent;
use super::parameters::{Layout, Parameters};
use super::request::{Optimiser, TrainError};
use crate::design::{Batch, Design, round_to};
use crate::graph::{Graph, lower};
use crate::weights::{WeightTensor, Weights, expected};

/// The narrowest width.
pub const NARROWEST: f64 = 0.25;

/// Widths for which statistics are kept: every sixteenth.
const STEP: f64 = 1.0 / 16.0;

/// How the names of kept statistics begin.
const PREFIX: &str = "slim.";

/// Share of a step's statistics in the running ones.
const FOLLOW: f32 = 0.03;

/// The widths for which statistics are kept, the narrowest first.
#[must_use]
pub fn grid() -> Vec<f64> {
    let steps = ((1.0 - NARROWEST) / STEP).round() as usize;
    (0..=steps).map(|step| NARROWEST + STEP * step as f64).collect()
}

/// The design with the channels of its stages at a share of what they are, as even numbers that its units allow.
#[must_use]
pub fn at_width(design: &Design, width: f64) -> Design {
    let width = if width.is_finite() { width.clamp(NARROWEST, 1.0) } else { 1.0 };
    if width >= 1.0 {
        return design.clone();
    }
    let mut narrow = Design { width: None, name: format!("{} {width}x", design.name), ..design.clone() };
    for index in 0..narrow.stages.len() {
        if let Some(stage) = narrow.stages.get_mut(index) {
            stage.channels = round_to(f64::from(stage.channels) * width, 2);
        }
        let nearest = narrow.nearest_channels(index);
        if let (Some(stage), Some(channels)) = (narrow.stages.get_mut(index), nearest) {
            stage.channels = channels;
        }
    }
    narrow
}

/// Whether these weights have statistics for narrower widths.
#[must_use]
pub fn is_slimmable(weights: &Weights) -> bool {
    weights.iter().any(|(name, _)| name.starts_with(PREFIX))
}

/// The network of a width, from 0.25 to 1, and its weights, of slimmable weights of `design`.
///
/// # Errors
/// Where the weights are not those of `design` with statistics for narrower widths.
pub fn cut((design, weights): (&Design, &Weights), width: f64) -> Result<(Design, Weights), CutError> {
    let wide = lower(design, Batch(1))?;
    weights.check(&wide)?;
    let narrow = at_width(design, width);
    let graph = lower(&narrow, Batch(1))?;
    let selection = first_channels(&wide, &graph)?;
    let mut cut = selection.apply(weights, &graph);
    if width >= 1.0 {
        return Ok((narrow, cut));
    }
    // The grid's neighbours, and how far between them the width is.
    let place = ((width.clamp(NARROWEST, 1.0) - NARROWEST) / STEP).max(0.0);
    let (below, share) = (place.floor(), (place - place.floor()) as f32);
    let kept = [below, below + 1.0]
        .map(|at| Kept::of((design, weights), &wide, NARROWEST + STEP * at))
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    for tensor in expected(&graph) {
        let (Some(places), Some(lower), Some(upper)) = (selection.places.get(&tensor.name), kept.first(), kept.get(1))
        else {
            continue;
        };
        if !is_statistic(&tensor.name) {
            continue;
        }
        let values = places.iter().enumerate().map(|(at, &channel)| {
            let own = cut.get(&tensor.name).and_then(|tensor| tensor.values.get(at)).copied().unwrap_or_default();
            let [a, b] = [lower, upper].map(|kept| kept.value(&tensor.name, channel));
            match (a, b) {
                (Some(a), Some(b)) => a + share * (b - a),
                (one, other) => one.or(other).unwrap_or(own),
            }
        });
        let values: Vec<f32> = values.collect();
        cut.insert(tensor.name, WeightTensor { shape: tensor.shape, values });
    }
    Ok((narrow, cut))
}

fn is_statistic(name: &str) -> bool {
    name.ends_with(".running_mean") || name.ends_with(".running_var")
}

/// Which of the wide network's parameters a narrow one has.
fn first_channels(wide: &Graph, narrow: &Graph) -> Result<Selection, CutError> {
    select((wide, &Weights::default()), narrow, Rule::First)
}

/// What the statistics of a width are called.
fn key(width: f64, name: &str) -> String {
    format!("{PREFIX}{:05}.{name}", (width * 10_000.0).round() as u32)
}

/// The statistics of one width of the grid, by the whole network's channels.
struct Kept(BTreeMap<String, BTreeMap<usize, f32>>);

impl Kept {
    fn of((design, weights): (&Design, &Weights), wide: &Graph, width: f64) -> Result<Self, CutError> {
        let graph = lower(&at_width(design, width), Batch(1))?;
        let selection = first_channels(wide, &graph)?;
        let mut kept = BTreeMap::new();
        for tensor in expected(&graph).into_iter().filter(|tensor| is_statistic(&tensor.name)) {
            // The whole width's are where they always are.
            let stored = if width >= 1.0 { weights.get(&tensor.name) } else { weights.get(&key(width, &tensor.name)) };
            if let (Some(stored), Some(places)) = (stored, selection.places.get(&tensor.name)) {
                kept.insert(tensor.name, places.iter().copied().zip(stored.values.iter().copied()).collect());
            }
        }
        Ok(Self(kept))
    }

    fn value(&self, name: &str, channel: usize) -> Option<f32> {
        self.0.get(name)?.get(&channel).copied()
    }
}

/// Weights that compute the same with their channels in the order of what they contribute: what training for all widths
/// starts from.
///
/// # Errors
/// Where the weights are not those of `design`.
pub fn sorted((design, weights): (&Design, &Weights)) -> Result<Weights, CutError> {
    let graph = lower(design, Batch(1))?;
    weights.check(&graph)?;
    Ok(select((&graph, weights), &graph, Rule::Sorted)?.apply(weights, &graph))
}

/// A width in training.
#[derive(Debug)]
struct Width {
    network: Network,
    /// Where its parameters are among the whole network's.
    places: Vec<usize>,
    running: Vec<Statistics>,
    layout: Layout,
    averaged: Averaged,
}

/// Learns all widths at once. Work runs on the rayon pool of the calling thread.
#[derive(Debug)]
pub struct SlimLearner {
    whole: Network,
    /// Of the whole network.
    pub parameters: Parameters,
    descent: Descent,
    /// Those of the grid but the whole.
    widths: Vec<Width>,
    averaged: Averaged,
    gradients: Vec<f32>,
}

impl SlimLearner {
    /// Goes on from weights of `design`, slimmable already or not.
    ///
    /// # Errors
    /// Where the weights are not those of `design`, or the memory does not suffice.
    pub fn new((design, weights): (&Design, &Weights), batch: usize, kind: Optimiser) -> Result<Self, TrainError> {
        let wide = lower(design, Batch(1))?;
        let parameters = Parameters::from_weights(&wide, weights)?;
        let mut widths = vec![];
        for width in grid().into_iter().filter(|width| *width < 1.0) {
            let (narrow, own) = cut((design, weights), width)?;
            let graph = lower(&narrow, Batch(1))?;
            let layout = Layout::of(&graph);
            let places = places(&first_channels(&wide, &graph)?, &layout, &parameters.layout);
            let network = Network::new(&graph, &layout, batch)?;
            let running = Parameters::from_weights(&graph, &own)?.running;
            widths.push(Width { network, places, running, layout, averaged: Averaged::default() });
        }
        let whole = Network::new(&wide, &parameters.layout, batch)?;
        let (descent, gradients) = (Descent::new(kind, &parameters.layout), vec![0.0; parameters.values.len()]);
        Ok(Self { whole, parameters, descent, widths, averaged: Averaged::default(), gradients })
    }

    /// How many widths there are beside the whole one, the narrowest first.
    #[must_use]
    pub fn narrower(&self) -> usize {
        self.widths.len()
    }

    /// A step of the whole network towards `targets`, and of these narrower ones towards what it says. Returns the losses, the
    /// whole network's first.
    pub fn step(
        &mut self,
        pictures: &[f32],
        targets: &Targets,
        chosen: &[usize],
        (rate, decay): (f32, f32),
    ) -> Vec<f32> {
        let logits = self.whole.forward(&self.parameters.values, pictures);
        let loss = cross_entropy(&logits, targets);
        self.whole.backward(&self.parameters.values, &loss.gradient, &mut self.gradients);
        self.parameters.follow(self.whole.statistics(), FOLLOW);
        let taught = Targets::of_logits(&logits, targets.batch);
        let mut losses = vec![loss.value];
        for &index in chosen {
            let Some(width) = self.widths.get_mut(index) else { continue };
            let values = width.values(&self.parameters.values);
            let logits = width.network.forward(&values, pictures);
            let loss = cross_entropy(&logits, &taught);
            let mut gradients = vec![0.0; values.len()];
            width.network.backward(&values, &loss.gradient, &mut gradients);
            for (&place, gradient) in width.places.iter().zip(&gradients) {
                if let Some(sum) = self.gradients.get_mut(place) {
                    *sum += gradient;
                }
            }
            for (running, batch) in width.running.iter_mut().zip(width.network.statistics()) {
                running.mean += FOLLOW * (batch.mean - running.mean);
                running.variance += FOLLOW * (batch.variance - running.variance);
            }
            losses.push(loss.value);
        }
        self.descent.step(&mut self.parameters.values, &self.gradients, rate, decay);
        losses
    }

    /// Adds a batch to the statistics of every width, with the parameters as they are.
    pub fn average(&mut self, pictures: &[f32]) {
        self.whole.forward(&self.parameters.values, pictures);
        self.averaged.add(self.whole.statistics());
        for width in &mut self.widths {
            let values = width.values(&self.parameters.values);
            width.network.forward(&values, pictures);
            width.averaged.add(width.network.statistics());
        }
    }

    /// The weights of all widths; what was averaged since the last time replaces the running statistics in them.
    pub fn weights(&mut self) -> Weights {
        if let Some(mean) = std::mem::take(&mut self.averaged).mean() {
            self.parameters.running = mean;
        }
        let mut weights = self.parameters.weights();
        for (width, size) in self.widths.iter_mut().zip(grid()) {
            if let Some(mean) = std::mem::take(&mut width.averaged).mean() {
                width.running = mean;
            }
            for (path, place) in width.layout.norms() {
                let running = width.running.get(place.clone()).unwrap_or_default();
                let mut insert = |name: &str, values: Vec<f32>| {
                    let name = key(size, &format!("{path}.{name}"));
                    weights.insert(name, WeightTensor { shape: vec![values.len()], values });
                };
                insert("running_mean", running.iter().map(|channel| channel.mean).collect());
                insert("running_var", running.iter().map(|channel| channel.variance).collect());
            }
        }
        weights
    }
}

impl Width {
    fn values(&self, whole: &[f32]) -> Vec<f32> {
        self.places.iter().map(|&place| whole.get(place).copied().unwrap_or_default()).collect()
    }
}

/// Where a narrow network's parameters are in the whole one's list.
fn places(selection: &Selection, narrow: &Layout, wide: &Layout) -> Vec<usize> {
    let mut places = Vec::with_capacity(narrow.parameters());
    for slot in narrow.slots() {
        let start = wide.find(&slot.name).map_or(0, |slot| slot.place.start);
        let of = selection.places.get(&slot.name).map_or(&[][..], Vec::as_slice);
        places.extend(of.iter().map(|place| start + place));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::demo;
    use crate::runtime::reference;
    use crate::weights::seeded_input;

    fn logits(design: &Design, weights: &Weights) -> Vec<f32> {
        let graph = lower(design, Batch(1)).unwrap();
        reference::run(&graph, weights, &seeded_input(graph.input_shape(), 2)).unwrap()
    }

    #[test]
    fn every_width_has_the_first_channels_of_the_next_and_shares_its_weights() {
        let (design, weights) = (demo::design(), demo::weights());
        let sorted = sorted((&design, &weights)).unwrap();
        let (whole, same) = (logits(&design, &weights), logits(&design, &sorted));
        assert!(whole.iter().zip(&same).all(|(a, b)| (a - b).abs() < 1e-2), "{whole:?} {same:?}");
        for width in [0.25, 0.3, 0.5, 0.77, 0.9375] {
            let (narrow, cut) = cut((&design, &sorted), width).unwrap();
            cut.check(&lower(&narrow, Batch(1)).unwrap()).unwrap();
            let channels = |design: &Design| design.stages.iter().map(|stage| stage.channels).collect::<Vec<_>>();
            for (of, all) in channels(&narrow).into_iter().zip(channels(&design)) {
                let wanted = f64::from(all) * width;
                assert!((f64::from(of) - wanted).abs() <= 1.0 && of % 2 == 0, "{width}: {of} of {all}");
            }
        }
        assert_eq!(cut((&design, &sorted), 1.0).unwrap(), (design, sorted));
    }

    #[test]
    fn a_step_lowers_every_width_s_loss_and_their_statistics_are_kept_and_used() {
        let (design, weights) = (demo::design(), demo::weights());
        let mut learner = SlimLearner::new((&design, &weights), 4, Optimiser::Sgd { momentum: 0.0 }).unwrap();
        let pictures: Vec<f32> = seeded_input(crate::graph::Shape::new(4, 3, 96, 96), 3);
        let targets = Targets::of_labels(&[1, 2, 3, 4], 12, 0.0);
        let before = learner.step(&pictures, &targets, &[0, 4], (2e-3, 0.0));
        let after = learner.step(&pictures, &targets, &[0, 4], (2e-3, 0.0));
        assert!(before.len() == 3 && after[0] < before[0] && after[1] < before[1], "{before:?} {after:?}");
        learner.average(&pictures);
        let slim = learner.weights();
        assert!(is_slimmable(&slim) && !is_slimmable(&weights));
        // On the grid a width has its own statistics; between two, something between theirs.
        let mean = |width: f64| {
            let (narrow, cut) = cut((&design, &slim), width).unwrap();
            cut.check(&lower(&narrow, Batch(1)).unwrap()).unwrap();
            cut.get("stage2.0.branch2.1.running_mean").unwrap().values[0]
        };
        let kept = |width: f64| slim.get(&key(width, "stage2.0.branch2.1.running_mean")).unwrap().values[0];
        assert!((mean(0.5) - kept(0.5)).abs() < 1e-6);
        let (low, high) = (kept(0.5).min(kept(0.5625)), kept(0.5).max(kept(0.5625)));
        assert!((low..=high).contains(&mean(0.53)), "{low} {} {high}", mean(0.53));
    }
}
