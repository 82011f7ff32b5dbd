//! Everything known of a target, ready to be asked in the frame of an edit.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::additive::Additive;
use super::band::{Band, Miss};
use super::between::Between;
use super::family::{Family, Known, NUGGET};
use super::kind::{Kind, Parts, Tiles, sizes};
use super::observed::Observed;
use super::prediction::{KernelPrediction, Part, Prediction, Source, variance};
use super::track::Track;
use crate::design::Fingerprint;
use crate::graph::Graph;
use crate::measure::Peaks;
use crate::runtime::{KernelPlan, KernelSpec};
use crate::store::KernelRun;
use crate::units::Nanos;

/// Networks that are predicted from the others: the latest ones.
const JUDGED: usize = 400;

/// Standard deviation of kernels of a kind that was never measured, where nothing better can be said.
const UNSEEN: f64 = 0.35;

/// Standard deviation between kinds that differ in windows and activations alone.
const OTHER_KIND: f64 = 0.05;

/// Answers that are kept; past that all are forgotten, for a design has a few dozen kernels.
const ANSWERS: usize = 20_000;

/// What is known of one target. Answers are remembered, so that asking again costs next to nothing.
#[derive(Debug)]
pub struct Predictor {
    observed: Observed,
    families: Vec<Family>,
    members: Vec<Vec<usize>>,
    /// Kernels whose kinds differ in windows and activations alone.
    alike: HashMap<Kind, (Vec<usize>, Option<Family>)>,
    roofline: Additive,
    /// Variance of a kind's mean about the roofline.
    unseen: f64,
    peaks: Option<Peaks>,
    between: Between,
    band: Band,
    track: Track,
    answers: Mutex<HashMap<KernelSpec, Answer>>,
}

#[derive(Clone, Copy, Debug)]
struct Answer {
    known: Known,
    source: Source,
    kind: usize,
}

/// A network composed of its kernels.
#[derive(Debug)]
struct Composed {
    whole: f64,
    parts: Vec<Part>,
    variance: f64,
}

impl Predictor {
    /// What these networks say of the target that they were measured on, and what it can do at most, where that is known.
    /// `None` where there is no network.
    #[must_use]
    pub fn new(runs: &[KernelRun], peaks: Option<&Peaks>) -> Option<Self> {
        let observed = Observed::of(runs);
        if observed.networks.is_empty() {
            return None;
        }
        let (first, misses) = Self::of(observed, Track::of(runs), peaks);
        // What all kernels of a network were off by is a moment that few shared kernels had not told.
        let moments = misses.into_iter().map(|(network, miss)| (network, first.band.believed(&miss)));
        let moments: Vec<(usize, f64)> = moments.collect();
        let Self { mut observed, track, .. } = first;
        observed.take_out(&moments);
        Some(Self::of(observed, track, peaks).0)
    }

    /// Also what every network is off by, with its number.
    fn of(observed: Observed, track: Track, peaks: Option<&Peaks>) -> (Self, Vec<(usize, Miss)>) {
        let all: Vec<(Parts, f64)> =
            observed.kernels.iter().map(|kernel| (sizes(&kernel.spec, Tiles::NONE).1, kernel.mean.exp())).collect();
        let roofline = Additive::fit(&all, None);
        let mut members = vec![Vec::new(); observed.kinds.len()];
        for (index, kernel) in observed.kernels.iter().enumerate() {
            members[kernel.kind].push(index);
        }
        let mut alike = HashMap::<Kind, (Vec<usize>, Option<Family>)>::new();
        for (kind, &index) in &observed.kinds {
            alike.entry(kind.coarse()).or_default().0.extend(&members[index]);
        }
        for (members, family) in alike.values_mut() {
            members.sort_unstable();
            *family = Some(Family::of(&observed, members, &roofline));
        }
        let mut priors = vec![roofline; members.len()];
        for (kind, &index) in &observed.kinds {
            if let Some((_, Some(family))) = alike.get(&kind.coarse()) {
                priors[index] = *family.model();
            }
        }
        let families: Vec<Family> =
            members.iter().zip(&priors).map(|(members, prior)| Family::of(&observed, members, prior)).collect();
        let mut this = Self {
            unseen: unseen(&observed, &members, &roofline),
            between: Between::of(&observed.networks),
            band: Band::of(&[]),
            track,
            peaks: peaks.cloned(),
            answers: Mutex::default(),
            observed,
            families,
            members,
            alike,
            roofline,
        };
        let misses = this.misses();
        this.band = Band::of(&misses.iter().map(|(_, miss)| *miss).collect::<Vec<_>>());
        (this, misses)
    }

    /// What `graph` will take as the kernels of `plan`.
    #[must_use]
    pub fn predict(&self, graph: &Graph, plan: &KernelPlan) -> Prediction {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() > ANSWERS {
            answers.clear();
        }
        let specs = plan.kernels.iter().filter_map(|kernel| kernel.spec.as_ref());
        let composed = self.compose(specs.map(|spec| (spec, 1)), |spec| match answers.get(spec) {
            Some(answer) => *answer,
            None => {
                let answer = self.answer(spec, None);
                answers.insert(spec.clone(), answer);
                answer
            }
        });
        let kernels = plan.kernels.iter().map(|kernel| {
            let answer = kernel.spec.as_ref().and_then(|spec| answers.get(spec));
            KernelPrediction {
                layers: kernel.layers.iter().map(|&layer| graph.node(layer).path.clone()).collect(),
                // A kernel without a spec does nothing.
                predicted: answer.map_or(Nanos::ZERO, |answer| nanos(answer.known.log.exp())),
                source: answer.map_or(Source::Measured, |answer| answer.source),
            }
        });
        let Band { common, reach, .. } = self.band;
        let composed_to = composed.whole.ln();
        let center = composed_to + self.band.shift(composed_to);
        let half = reach * (composed.variance + common * common).sqrt();
        let known = composed.parts.iter().filter(|part| part.source == Source::Measured).map(|part| part.share).sum();
        Prediction {
            predicted: nanos(center.exp()),
            low: nanos((center - half).exp()),
            high: nanos((center + half).exp()),
            known_share: f64::min(known, 1.0),
            kernels: kernels.collect(),
            parts: composed.parts,
            common,
            reach,
        }
    }

    /// Networks that it rests on.
    #[must_use]
    pub fn networks(&self) -> usize {
        self.observed.networks.len()
    }

    /// Whether this network was measured.
    #[must_use]
    pub fn has_seen(&self, design: &Fingerprint) -> bool {
        self.observed.networks.iter().any(|network| network.design == *design)
    }

    /// What the canary usually takes beside measurements on this target: predictions are of a processor at that clock.
    /// `None` where it tells nothing.
    #[must_use]
    pub const fn usual_clock(&self) -> Option<Nanos> {
        self.observed.usual_clock
    }

    /// Kernels that were measured.
    #[must_use]
    pub fn kernels(&self) -> usize {
        self.observed.kernels.len()
    }

    /// How good the estimates were that were made before a network was measured.
    #[must_use]
    pub const fn track(&self) -> &Track {
        &self.track
    }

    /// Every kernel that was measured: its spec, its usual time, and in how many networks.
    pub(super) fn measured(&self) -> impl Iterator<Item = (&KernelSpec, Nanos, usize)> {
        self.observed.kernels.iter().map(|kernel| (&kernel.spec, nanos(kernel.mean.exp()), kernel.seen.len()))
    }

    fn compose<'a>(
        &self,
        specs: impl Iterator<Item = (&'a KernelSpec, usize)>,
        mut answer: impl FnMut(&KernelSpec) -> Answer,
    ) -> Composed {
        let mut parts: Vec<Part> = Vec::new();
        let mut place = HashMap::<&KernelSpec, usize>::new();
        let (mut sum, mut launches) = (0.0, 0);
        for (spec, count) in specs {
            let at = *place.entry(spec).or_insert_with(|| {
                let Answer { known, source, kind } = answer(spec);
                let sd = known.variance.sqrt();
                // The time, until the sum is known.
                parts.push(Part { spec: spec.clone(), source, kind, share: 0.0, sd });
                parts.len() - 1
            });
            let time = answer(spec).known.log.exp() * count as f64;
            parts[at].share += time;
            sum += time;
            launches += count;
        }
        let whole = self.between.whole(sum, launches);
        parts.iter_mut().for_each(|part| part.share /= sum.max(1e-9));
        let variance = variance(parts.iter().map(|part| (part, part.share)));
        Composed { whole, parts, variance }
    }

    /// What a kernel takes; `without` leaves networks out.
    fn answer(&self, spec: &KernelSpec, without: Option<&dyn Fn(usize) -> bool>) -> Answer {
        let own = self.observed.by_spec.get(spec).copied();
        let is_left_out = |index: usize| {
            let is_gone = |without: &dyn Fn(usize) -> bool| {
                self.observed.kernels[index].seen.iter().all(|(network, _)| without(*network))
            };
            Some(index) == own || without.is_some_and(is_gone)
        };
        let of = Kind::of(spec);
        let kind = self.observed.kinds.get(&of).copied();
        let near = kind
            .filter(|&kind| self.members[kind].iter().any(|&member| !is_left_out(member)))
            .map(|kind| (kind, self.families[kind].near(spec, &is_left_out)))
            .or_else(|| {
                let (members, family) = self.alike.get(&of.coarse())?;
                let is_of_use = members.iter().any(|&member| !is_left_out(member));
                let Known { log, variance } = family.as_ref().filter(|_| is_of_use)?.near(spec, &is_left_out);
                Some((self.families.len(), Known { log, variance: variance + OTHER_KIND * OTHER_KIND }))
            });
        let measured = own.and_then(|own| {
            let kernel = &self.observed.kernels[own];
            self.observed.mean_without(kernel, |network| without.is_some_and(|without| without(network)))
        });
        match (measured, near) {
            (Some((log, count)), near) => {
                let variance = self.observed.scatter / count as f64 + NUGGET;
                let kind = kind.unwrap_or(self.families.len());
                let known = near.map_or(Known { log, variance }, |(_, near)| {
                    let believed = near.variance / (near.variance + variance);
                    Known { log: near.log + believed * (log - near.log), variance: believed * variance }
                });
                Answer { known, source: Source::Measured, kind }
            }
            (None, Some((kind, known))) => Answer { known, source: Source::Interpolated, kind },
            (None, None) => {
                let known = Known { log: self.on_the_roofline(spec).ln(), variance: self.unseen };
                Answer { known, source: Source::Roofline, kind: self.families.len() }
            }
        }
    }

    /// Nanoseconds of a kernel of whose kind none was measured: never faster than the device was seen to be.
    fn on_the_roofline(&self, spec: &KernelSpec) -> f64 {
        let parts = sizes(spec, Tiles::NONE).1;
        let time = self.roofline.time(&parts);
        let Some(peaks) = &self.peaks else { return time };
        let [_, dense, depthwise, maps, weights] = parts;
        let arithmetic = 2e3 * (dense + depthwise) / peaks.compute.0.max(1e-9);
        let bandwidth = peaks.cache.map_or(peaks.memory.0, |(cache, _)| cache.0.max(peaks.memory.0));
        time.max(arithmetic).max(1e3 * (maps + weights) / bandwidth.max(1e-9))
    }

    /// Every network predicted from those of other designs, with its number.
    fn misses(&self) -> Vec<(usize, Miss)> {
        let networks = &self.observed.networks;
        let first = networks.len().saturating_sub(JUDGED);
        let mut misses = Vec::with_capacity(networks.len() - first);
        for (number, network) in networks.iter().enumerate().skip(first) {
            let is_left_out = |other: usize| networks[other].design == network.design;
            if networks.iter().all(|other| other.design == network.design) {
                continue;
            }
            let specs = network.kernels.iter().map(|&(kernel, count)| (&self.observed.kernels[kernel].spec, count));
            let mut answers = HashMap::<KernelSpec, Answer>::new();
            let composed = self.compose(specs, |spec| match answers.get(spec) {
                Some(answer) => *answer,
                None => {
                    let answer = self.answer(spec, Some(&is_left_out));
                    answers.insert(spec.clone(), answer);
                    answer
                }
            });
            let off = (network.whole.max(1.0) / composed.whole).ln();
            misses.push((number, Miss { off, composed: composed.whole.ln(), variance: composed.variance }));
        }
        misses
    }
}

/// How far the kinds that were measured are from the roofline.
fn unseen(observed: &Observed, members: &[Vec<usize>], roofline: &Additive) -> f64 {
    let off = |members: &Vec<usize>| {
        let offs = members.iter().map(|&member| {
            let kernel = &observed.kernels[member];
            kernel.mean - roofline.time(&sizes(&kernel.spec, Tiles::NONE).1).ln()
        });
        (offs.sum::<f64>() / members.len().max(1) as f64).powi(2)
    };
    let count = members.len() as f64;
    let square: f64 = members.iter().map(off).sum();
    (square + 4.0 * UNSEEN * UNSEEN) / (count + 4.0)
}

fn nanos(time: f64) -> Nanos {
    Nanos(time.round().clamp(0.0, 1e18) as u64)
}
