//! The kernels that were measured on a target.
//!
//! A processor's clock wanders by several percent over seconds; the canary that ran beside a network tells by how much,
//! and all times are brought to the [usual clock](usual_clock). All kernels of one network also share its moment: the
//! process, the neighbours, the place in memory. That common part is estimated from the kernels that other networks have
//! too, and taken out, so that a slow moment is not taken for slow kernels.

use std::collections::HashMap;

use super::kind::Kind;
use crate::design::Fingerprint;
use crate::measure::Sorted;
use crate::runtime::KernelSpec;
use crate::store::KernelRun;
use crate::units::Nanos;

/// Rounds between kernels and moments; they settle at once, for most kernels are shared by many.
const ROUNDS: usize = 6;

/// Share of a network's time in kernels of others that makes half of its moment believed.
const BELIEVED: f64 = 0.2;

/// A moment is never believed to be further off than this.
const FURTHEST: f64 = 0.15;

/// How far measurements of one kernel scatter where no kernel was measured twice.
const UNKNOWN_SCATTER: f64 = 0.03;

/// A kernel, and the logarithms of its times in nanoseconds.
#[derive(Debug)]
pub(super) struct Kernel {
    pub spec: KernelSpec,
    /// Index among the kinds.
    pub kind: usize,
    /// Of each network that has it: which, and the mean of its logarithms there.
    pub seen: Vec<(usize, f64)>,
    /// The mean over networks, each at the usual speed.
    pub mean: f64,
}

/// A network.
#[derive(Debug)]
pub(super) struct Network {
    pub design: Fingerprint,
    /// Nanoseconds: the whole, and the sum of its kernels.
    pub whole: f64,
    pub sum: f64,
    /// Launches.
    pub launches: usize,
    /// Each kernel with how often it is launched.
    pub kernels: Vec<(usize, usize)>,
    /// By how much everything took longer than usual, as a logarithm.
    pub moment: f64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Observed {
    pub kernels: Vec<Kernel>,
    pub by_spec: HashMap<KernelSpec, usize>,
    pub kinds: HashMap<Kind, usize>,
    pub networks: Vec<Network>,
    /// What the canary usually takes; `None` where it told nothing.
    pub usual_clock: Option<Nanos>,
    /// Variance of one measurement of a kernel about its mean, as a logarithm.
    pub scatter: f64,
}

impl Observed {
    pub fn of(runs: &[KernelRun]) -> Self {
        let mut this = Self {
            kernels: Vec::new(),
            by_spec: HashMap::new(),
            kinds: HashMap::new(),
            networks: Vec::new(),
            usual_clock: usual_clock(runs),
            scatter: UNKNOWN_SCATTER * UNKNOWN_SCATTER,
        };
        runs.iter().filter(|run| run.whole.0 > 0).for_each(|run| this.add(run));
        this.take_moments_out();
        this
    }

    fn add(&mut self, run: &KernelRun) {
        let number = self.networks.len();
        let mut own: Vec<(usize, usize, f64)> = Vec::new();
        let mut place = HashMap::<usize, usize>::new();
        let speed = speed(run, self.usual_clock);
        let at_usual_clock = |time: Nanos| time.as_f64().max(1.0) * speed;
        for (spec, time) in &run.kernels {
            let kernel = self.kernel(spec);
            let log = at_usual_clock(*time).ln();
            match place.get(&kernel).and_then(|&at| own.get_mut(at)) {
                Some((_, count, sum)) => (*count, *sum) = (*count + 1, *sum + log),
                None => {
                    place.insert(kernel, own.len());
                    own.push((kernel, 1, log));
                }
            }
        }
        for &(kernel, count, sum) in &own {
            if let Some(kernel) = self.kernels.get_mut(kernel) {
                kernel.seen.push((number, sum / count as f64));
            }
        }
        self.networks.push(Network {
            design: run.design.clone(),
            whole: at_usual_clock(run.whole),
            sum: run.kernels.iter().map(|(_, time)| at_usual_clock(*time)).sum(),
            launches: run.kernels.len(),
            kernels: own.iter().map(|&(kernel, count, _)| (kernel, count)).collect(),
            moment: 0.0,
        });
    }

    fn kernel(&mut self, spec: &KernelSpec) -> usize {
        if let Some(&known) = self.by_spec.get(spec) {
            return known;
        }
        let next = self.kinds.len();
        let kind = *self.kinds.entry(Kind::of(spec)).or_insert(next);
        self.by_spec.insert(spec.clone(), self.kernels.len());
        self.kernels.push(Kernel { spec: spec.clone(), kind, seen: Vec::new(), mean: 0.0 });
        self.kernels.len() - 1
    }

    fn take_moments_out(&mut self) {
        for _ in 0..ROUNDS {
            self.average();
            let moments: Vec<f64> = (0..self.networks.len()).map(|network| self.moment(network)).collect();
            let mean = moments.iter().sum::<f64>() / moments.len().max(1) as f64;
            for (network, moment) in self.networks.iter_mut().zip(moments) {
                network.moment = (moment - mean).clamp(-FURTHEST, FURTHEST);
            }
        }
        self.average();
        self.look_at_scatter();
    }

    /// Takes out what these networks were off by as a whole, which is a better guess of their moments.
    pub fn take_out(&mut self, moments: &[(usize, f64)]) {
        let mean = moments.iter().map(|(_, moment)| moment).sum::<f64>() / moments.len().max(1) as f64;
        for &(network, moment) in moments {
            if let Some(network) = self.networks.get_mut(network) {
                network.moment = (moment - mean).clamp(-FURTHEST, FURTHEST);
            }
        }
        self.average();
        self.look_at_scatter();
    }

    fn look_at_scatter(&mut self) {
        let (mut squares, mut freedom) = (0.0, 0.0);
        for kernel in self.kernels.iter().filter(|kernel| kernel.seen.len() > 1) {
            let off = |&(network, log): &(usize, f64)| (log - self.networks[network].moment - kernel.mean).powi(2);
            squares += kernel.seen.iter().map(off).sum::<f64>();
            freedom += (kernel.seen.len() - 1) as f64;
        }
        // Every moment was fitted too.
        let freedom = freedom - self.networks.len() as f64;
        if freedom >= 8.0 {
            self.scatter = (squares / freedom).clamp(1e-8, 0.25);
        }
    }

    fn average(&mut self) {
        let networks = &self.networks;
        for kernel in &mut self.kernels {
            let usual = |&(network, log): &(usize, f64)| log - networks[network].moment;
            kernel.mean = kernel.seen.iter().map(usual).sum::<f64>() / kernel.seen.len().max(1) as f64;
        }
    }

    /// By how much the kernels that a network shares took longer in it than in the others.
    fn moment(&self, number: usize) -> f64 {
        let network = &self.networks[number];
        let (mut share, mut sum) = (0.0, 0.0);
        for &(kernel, count) in &network.kernels {
            let kernel = &self.kernels[kernel];
            let (Some(others), Some(own)) = (self.mean_without(kernel, |of| of == number), own(kernel, number)) else {
                continue;
            };
            let weight = count as f64 * own.exp() / network.sum.max(1.0);
            share += weight;
            sum += weight * (own - others.0);
        }
        if share > 0.0 { sum / share * share / (share + BELIEVED) } else { 0.0 }
    }

    /// The mean of a kernel over the networks that are not left out, and how many those are.
    pub fn mean_without(&self, kernel: &Kernel, is_left_out: impl Fn(usize) -> bool) -> Option<(f64, usize)> {
        let (mut sum, mut count) = (0.0, 0);
        for &(network, log) in kernel.seen.iter().filter(|(network, _)| !is_left_out(*network)) {
            sum += log - self.networks[network].moment;
            count += 1;
        }
        (count > 0).then(|| (sum / count as f64, count))
    }
}

/// What the canary usually takes beside these networks.
pub(super) fn usual_clock(runs: &[KernelRun]) -> Option<Nanos> {
    runs.iter().filter_map(|run| run.canary).collect::<Sorted>().median().filter(|usual| usual.0 > 0)
}

/// The processor's speed beside this network, relative to the usual one; 1 where nothing told it.
pub(super) fn speed(run: &KernelRun, usual: Option<Nanos>) -> f64 {
    match (usual, run.canary.filter(|canary| canary.0 > 0)) {
        (Some(usual), Some(canary)) => usual.as_f64() / canary.as_f64(),
        _ => 1.0,
    }
}

fn own(kernel: &Kernel, network: usize) -> Option<f64> {
    kernel.seen.iter().rev().find(|(of, _)| *of == network).map(|&(_, log)| log)
}
