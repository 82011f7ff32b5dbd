//! Measures proposals on a device: their kernels, and then all of them in turns.

use std::ops::ControlFlow;

use thiserror::Error;

use crate::clock::Clock;
use crate::design::{Batch, Design};
use crate::device::{CardProbe, ConditionsProbe, Device};
use crate::graph::{Graph, LoweringError, lower};
use crate::measure::{
    Canary, Circumstances, Instruments, InterleaveRules, Interleaved, KernelLabel, MeasureError, MeasureKey,
    Measurement, MedianRange, Protocol, Sorted, SteadyRule, WarmUpRules, Watch, interleave, sample,
};
use crate::runtime::{Executable, PrepareError, RunOptions, check_memory, plan_without_weights, prepare};
use crate::store::{Estimate, KernelRun, Timestamp};
use crate::units::Nanos;
use crate::weights::Weights;

/// How often the networks that take turns are prepared anew: where they lie in memory is part of what differs between runs.
/// With five the interval is 2.8 standard errors to each side.
const SITTINGS: usize = 5;

/// Rounds of a sitting: an order and its reverse.
const ROUNDS: usize = 2;

/// What a block lasts: many networks tell more than one that is known well.
const BLOCK: Nanos = Nanos::from_millis(8);

/// The clock wanders by no more than this, as a logarithm.
const FURTHEST_CLOCK: f64 = 0.12;

/// Why a search ended before its time.
#[derive(Debug, Error)]
pub enum SearchError {
    /// A design cannot be built.
    #[error(transparent)]
    Lower(#[from] LoweringError),
    /// A network cannot be made ready.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// Measuring failed or was cancelled.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// Nothing can be predicted.
    #[error(
        "none of {measured} networks could be learned from: either the machine was busy all the time, or the device cuts \
         networks into other kernels than are known beforehand"
    )]
    NothingLearned {
        /// Networks that were measured.
        measured: usize,
    },
}

impl SearchError {
    /// Whether somebody asked for the end.
    #[must_use]
    pub const fn is_cancelled(&self) -> bool {
        matches!(self, Self::Measure(MeasureError::Cancelled))
    }
}

/// A design to measure, and what was predicted of it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The design.
    pub design: &'a Design,
    /// What was predicted, where anything was.
    pub estimate: Option<Estimate>,
}

/// What was measured of a design.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Median, and where the median of all fresh runs lies.
    pub latency: MedianRange,
    /// What the canary took meanwhile, which tells the processor's clock; `None` on a GPU, whose clock it does not tell.
    pub canary: Option<Nanos>,
    /// What its kernels took; `None` where that says nothing: the machine was busy, or it ran as other kernels.
    pub kernels: Option<KernelRun>,
}

impl Verified {
    /// The latency as it would be at the processor's usual clock, which wanders by several percent over seconds: turns that
    /// are taken minutes apart are to be compared. It stays as it is where nothing tells the clock, or where the canary was so
    /// far off that something else was in its way.
    #[must_use]
    pub fn at_usual_clock(&self, usual: Option<Nanos>) -> MedianRange {
        let MedianRange { median, low, high } = self.latency;
        let canary = self.canary.zip(usual);
        let speed = canary.map_or(1.0, |(canary, usual)| usual.as_f64().max(1.0) / canary.as_f64().max(1.0));
        if speed.ln().abs() > FURTHEST_CLOCK {
            return self.latency;
        }
        let of = |time: Nanos| Nanos((time.as_f64() * speed).round() as u64);
        MedianRange { median: of(median), low: of(low), high: of(high) }
    }
}

/// Called between runs; may stop the measuring.
pub type Pulse<'a> = &'a mut dyn FnMut() -> ControlFlow<()>;

/// Where designs are measured: a device, or a machine that tests made up.
pub trait Bench {
    /// The kernels of one design, measured quickly; `None` where they say nothing.
    ///
    /// # Errors
    /// Where it cannot run, or `pulse` stops it.
    fn learn(&mut self, asked: Asked<'_>, pulse: Pulse<'_>) -> Result<Option<KernelRun>, SearchError>;

    /// All of the designs, measured in turns; `None` for one that cannot be made ready.
    ///
    /// # Errors
    /// Where measuring fails, or `pulse` stops it.
    fn verify(&mut self, asked: &[Asked<'_>], pulse: Pulse<'_>) -> Result<Vec<Option<Verified>>, SearchError>;

    /// About how long [`verify`](Self::verify) takes for each design whose runs take so long.
    fn expected(&self, run: Nanos) -> Nanos {
        let block = run.0.max(BLOCK.0).saturating_add(run.0);
        let warm_up = run.0.saturating_mul(3).max(warm_up().minimum_time.0);
        let preparing = Nanos::from_millis(20).0;
        let sitting = block.saturating_mul(ROUNDS as u64).saturating_add(warm_up).saturating_add(preparing);
        Nanos(sitting.saturating_mul(SITTINGS as u64 + 1).saturating_add(Nanos::from_millis(120).0))
    }
}

const fn warm_up() -> WarmUpRules {
    WarmUpRules {
        minimum_runs: 3,
        minimum_time: Nanos::from_millis(8),
        maximum_time: Nanos::from_millis(60),
        patience: Nanos::from_millis(400),
        steady: SteadyRule::Agreement { runs: 3, within: 0.10 },
    }
}

fn in_turns() -> InterleaveRules {
    InterleaveRules {
        sittings: SITTINGS,
        minimum_rounds: ROUNDS,
        maximum_rounds: ROUNDS,
        block: BLOCK,
        warm_up: warm_up(),
        ..InterleaveRules::one_sitting()
    }
}

/// A device of this machine, in this process.
pub struct DeviceBench<'a> {
    /// The device.
    pub device: &'a Device,
    /// How networks are run on it.
    pub options: &'a RunOptions,
    /// The host's clock.
    pub clock: &'a dyn Clock,
    /// Fixed work that tells changes of the processor's clock.
    pub canary: &'a mut dyn Canary,
    /// Counters of what gets in the way.
    pub watch: &'a mut dyn Watch,
}

impl std::fmt::Debug for DeviceBench<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceBench").field("options", self.options).finish_non_exhaustive()
    }
}

/// A network that is to be measured.
struct Network<'a> {
    asked: Asked<'a>,
    graph: Graph,
    weights: Weights,
}

type Prepared = Box<dyn Executable + Send>;

impl DeviceBench<'_> {
    fn network<'a>(&self, asked: Asked<'a>) -> Result<Network<'a>, SearchError> {
        let graph = lower(asked.design, Batch(self.options.batch))?;
        check_memory(&graph, self.options)?;
        let weights = Weights::seeded(&graph, Weights::DEFAULT_SEED);
        Ok(Network { asked, graph, weights })
    }

    fn prepared(&self, network: &Network<'_>) -> Result<Prepared, SearchError> {
        Ok(prepare(&network.graph, &network.weights, self.device, self.options)?)
    }

    fn kernels(
        &mut self,
        network: &Network<'_>,
        executable: &mut dyn Executable,
        probe: &mut ConditionsProbe,
        pulse: Pulse<'_>,
    ) -> Result<Option<KernelRun>, SearchError> {
        let protocol = Protocol::calibration().on(self.options.device);
        let instruments = Instruments { clock: self.clock, canary: self.canary, watch: self.watch };
        let samples = sample(executable, &protocol, instruments, &mut |_| pulse())?;
        let Network { asked, graph, .. } = network;
        let design = asked.design.fingerprint();
        let circumstances = Circumstances {
            key: MeasureKey { design, options: self.options.clone(), protocol },
            kernels: KernelLabel::of(executable.plan(), graph),
            conditions: probe.read(),
            scatter: None,
        };
        let measurement = Measurement::summarise(&circumstances, &[samples])?;
        let Some(plan) = plan_without_weights(graph, self.options) else { return Ok(None) };
        let of = (asked.design.name.as_str(), graph, &plan);
        Ok(KernelRun::of(&measurement, of, asked.estimate, Timestamp::now()))
    }

    fn probe(&self) -> ConditionsProbe {
        ConditionsProbe::start().with_card(CardProbe::of(self.device))
    }
}

impl Bench for DeviceBench<'_> {
    fn learn(&mut self, asked: Asked<'_>, pulse: Pulse<'_>) -> Result<Option<KernelRun>, SearchError> {
        let mut probe = self.probe();
        let network = self.network(asked)?;
        let mut executable = self.prepared(&network)?;
        self.kernels(&network, &mut *executable, &mut probe, pulse)
    }

    fn verify(&mut self, asked: &[Asked<'_>], pulse: Pulse<'_>) -> Result<Vec<Option<Verified>>, SearchError> {
        let mut probe = self.probe();
        let mut networks: Vec<(usize, Network<'_>)> = Vec::with_capacity(asked.len());
        let mut first: Vec<Prepared> = Vec::with_capacity(asked.len());
        for (place, asked) in asked.iter().enumerate() {
            stop_if(pulse())?;
            let prepared = self.network(*asked).and_then(|network| Ok((self.prepared(&network)?, network)));
            match prepared {
                Ok((executable, network)) => {
                    first.push(executable);
                    networks.push((place, network));
                }
                // One that is too large keeps none of the others from being measured.
                Err(SearchError::Prepare(PrepareError::TooLarge { .. } | PrepareError::Limit { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        let mut kernels = Vec::with_capacity(networks.len());
        for ((_, network), executable) in networks.iter().zip(&mut first) {
            kernels.push(self.kernels(network, &mut **executable, &mut probe, pulse)?);
        }
        let rules = in_turns().on(self.options.device);
        let mut samples = Interleaved::new(self.clock.quality());
        let mut before = first;
        for sitting in 0..SITTINGS {
            if sitting > 0 {
                let mut anew = Vec::with_capacity(networks.len());
                for (_, network) in &networks {
                    stop_if(pulse())?;
                    anew.push(self.prepared(network)?);
                }
                // Those of the sitting before go only now: otherwise these would lie where those lay.
                before = anew;
            }
            let mut rows: Vec<&mut dyn Executable> =
                before.iter_mut().map(|network| network.as_mut() as &mut dyn Executable).collect();
            samples.sit_down();
            interleave(&mut rows, &rules, self.clock, self.canary, &mut samples, &mut |_| pulse())?;
        }
        let canary = samples.canary.iter().copied().collect::<Sorted>().median();
        let canary = canary.filter(|_| !self.options.device.is_gpu());
        let mut verified: Vec<Option<Verified>> = asked.iter().map(|_| None).collect();
        for (row, ((place, _), kernels)) in networks.iter().zip(kernels).enumerate() {
            let latency = Interleaved::spread(std::slice::from_ref(&samples), row)?.into();
            verified[*place] = Some(Verified { latency, canary, kernels });
        }
        Ok(verified)
    }
}

fn stop_if(answer: ControlFlow<()>) -> Result<(), MeasureError> {
    match answer {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(MeasureError::Cancelled),
    }
}
