//! Two networks compared in turns: what each costs and takes, and which is faster.

use serde::{Deserialize, Serialize};

use super::run::{against_first, twin_floor};
use crate::cost::total_cost;
use crate::device::{DeviceId, Precision};
use crate::graph::Graph;
use crate::measure::{Comparison, InterleaveRules, Interleaved, MeasureError, NoiseFloor, Spread, compare};
use crate::runtime::{Isa, RunOptions, Runtime};
use crate::units::{Elements, MultAdds, Params};

/// B beside A on one device. Its JSON form is a contract: unknown is `null`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairResult {
    /// The first network.
    pub a: Contender,
    /// The second network.
    pub b: Contender,
    /// B's time over A's (the geometric mean of its two copies), and what that means.
    pub comparison: Comparison,
    /// How different A looked from a second copy of itself, over all sittings; `None` where no round had both.
    pub noise_floor: Option<NoiseFloor>,
    /// Where it ran.
    pub device: DeviceId,
    /// The implementation that ran.
    pub runtime: Runtime,
    /// What feature maps and weights were stored in.
    #[serde(default)]
    pub precision: Precision,
    /// CPU threads used, as the runtime reports them.
    pub threads: usize,
    /// Instruction set of the kernels, where the runtime tells it.
    pub instruction_set: Option<Isa>,
    /// Images per run.
    pub batch: u32,
    /// How it was measured.
    pub method: InterleaveRules,
}

/// One of the two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contender {
    /// The network's name.
    pub name: String,
    /// Multiply-accumulates of one run.
    pub mult_adds: MultAdds,
    /// Learned parameters.
    pub params: Params,
    /// Elements read and written by one run.
    pub memory_access: Elements,
    /// Time of a run, over the rounds.
    pub latency: Spread,
}

impl PairResult {
    /// Summarises what [`measure_in_turns`](super::measure_in_turns) took of `[A, B]`, in one or more processes. Pure:
    /// the same samples give an equal result.
    ///
    /// # Errors
    /// [`MeasureError::NoSamples`] where a process has no complete round.
    pub fn new(
        [a, b]: [&Graph; 2],
        options: &RunOptions,
        method: &InterleaveRules,
        processes: &[Interleaved],
        stored_floor: Option<NoiseFloor>,
    ) -> Result<Self, MeasureError> {
        let noise_floor = twin_floor(processes, 2);
        let floor = [noise_floor, stored_floor].into_iter().flatten().reduce(NoiseFloor::max);
        let comparison = compare(&against_first(processes, 2, 1), floor)?;
        let first = processes.iter().find_map(|process| process.rows.first());
        Ok(Self {
            a: Contender::new(a, Interleaved::spread(processes, 0)?),
            b: Contender::new(b, Interleaved::spread(processes, 1)?),
            comparison,
            noise_floor,
            device: options.device,
            runtime: options.runtime,
            precision: options.precision,
            threads: first.map_or(options.threads, |row| row.threads),
            instruction_set: first.and_then(|row| row.instruction_set),
            batch: options.batch,
            method: method.on(options.device),
        })
    }
}

impl Contender {
    fn new(graph: &Graph, latency: Spread) -> Self {
        let total = total_cost(graph);
        Self {
            name: graph.name.clone(),
            mult_adds: total.mult_adds,
            params: total.params,
            memory_access: total.memory_access,
            latency,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::clock::Clock;
    use crate::design::Batch;
    use crate::graph::lower;
    use crate::measure::fake::{FakeCanary, FakeClock, FakeExecutable};
    use crate::measure::{Difference, interleave};
    use crate::zoo::preset;

    #[test]
    fn a_pair_has_costs_latencies_and_a_verdict_above_the_noise() {
        let clock = FakeClock::new();
        let network = |micros: u64| FakeExecutable::new(&clock, move |_| crate::units::Nanos(1_000 * micros));
        // The twin looks 2 % slower than A: nothing finer than that can be told.
        let (mut a, mut b, mut twin) = (network(5_000), network(5_075), network(5_100));
        let (mut samples, mut canary) = (Interleaved::new(clock.quality()), FakeCanary::steady(&clock));
        let rules = InterleaveRules::one_sitting();
        let mut rows: [&mut dyn crate::runtime::Executable; 3] = [&mut a, &mut b, &mut twin];
        interleave(&mut rows, &rules, &clock, &mut canary, &mut samples, &mut |_| ControlFlow::Continue(())).unwrap();

        let graphs = ["shufflenet-v2-x1.0", "shufflenet-v1-g3-x1.0"]
            .map(|name| lower(&preset(name).unwrap(), Batch(1)).unwrap());
        let options = RunOptions::new(DeviceId::Cpu, 1, 1);
        let result = |processes: &[Interleaved], floor| {
            PairResult::new([&graphs[0], &graphs[1]], &options, &rules, processes, floor)
        };
        let alone = result(&[samples.clone()], None).unwrap();
        assert_eq!(alone.comparison.verdict, Difference::Undecided, "another sitting could show anything");
        let pair = result(&[samples.clone(), samples.clone()], None).unwrap();
        // A and its twin take 5.05 ms in the geometric mean: B is 0.5 % slower than that.
        assert!((pair.comparison.ratio.ratio - 5.075 / (5.0_f64 * 5.1).sqrt()).abs() < 1e-6);
        assert_eq!(pair.comparison.verdict, Difference::Same);
        assert!((pair.comparison.margin - 0.02).abs() < 1e-6);
        assert!((pair.noise_floor.unwrap().share - 0.02).abs() < 1e-6);
        assert_eq!((pair.b.name.as_str(), pair.b.latency.median.0), ("shufflenet-v1-g3-x1.0", 5_075_000));
        assert_eq!(pair.a.params.0, 2_278_604);

        samples.rows.truncate(2);
        for round in &mut samples.rounds {
            round.blocks.retain(|block| block.row < 2);
        }
        let without_twin = result(&[samples.clone(), samples.clone()], None).unwrap();
        assert_eq!((without_twin.comparison.verdict, without_twin.noise_floor), (Difference::Slower, None));
        samples.rounds.clear();
        assert!(matches!(result(&[samples], None), Err(MeasureError::NoSamples)));
    }
}
