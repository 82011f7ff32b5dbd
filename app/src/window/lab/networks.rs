//! Networks of the zoo measured one by one: the material of Table 8, Figure 2 and appendix Table 1 a.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shufflescope_engine::design::{Batch, InputSize};
use shufflescope_engine::experiment::figure_2::{PIES, TimeByCategory};
use shufflescope_engine::experiment::{
    FigureTable, Level, ResolutionRow, ResolutionTable, ZooOutcome, ZooTable, resolutions, table_8, zoo_graph,
};
use shufflescope_engine::measure::Measurement;
use shufflescope_engine::model::Model;
use shufflescope_engine::runtime::RunOptions;

use super::square;
use crate::window::bench::{Care, Outcome, Step, Task, Work};
use crate::worker::Job;

/// A network of the zoo and the image it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// The zoo's name.
    pub network: &'static str,
    /// The image.
    pub size: InputSize,
}

/// What came of measuring a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Measured {
    /// It was measured; without the raw samples and kernels.
    Latency {
        /// The summary.
        measurement: Box<Measurement>,
        /// Where its time went, for the networks of Figure 2.
        shares: Option<TimeByCategory>,
    },
    /// It could not be: cause and remedy.
    Failed(String),
}

/// Every network measured in one way, by name and input.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Networks {
    measured: BTreeMap<String, Measured>,
}

/// The networks of Table 8, or of Table 6 where the large ones are meant, each once; those that the zoo has.
#[must_use]
pub fn zoo_networks(level: Option<Level>) -> Vec<Input> {
    let rows = table_8(level).filter(|row| Model::in_zoo(row.network).is_some());
    let inputs = rows.map(|row| Input { network: row.network, size: square(row.side) });
    each_once(inputs)
}

/// The networks of Figure 2.
#[must_use]
pub fn figure_2_networks() -> Vec<Input> {
    each_once(PIES.iter().map(|pie| Input { network: pie.network, size: square(224) }))
}

/// The networks of appendix Table 1 a.
#[must_use]
pub fn resolution_networks(level: Option<Level>) -> Vec<Input> {
    each_once(resolution_rows(level).map(|row| Input { network: row.network, size: row.input }))
}

fn resolution_rows(level: Option<Level>) -> impl Iterator<Item = ResolutionRow> {
    resolutions().into_iter().filter(move |row| level.is_none_or(|level| level == row.level))
}

fn each_once(inputs: impl Iterator<Item = Input>) -> Vec<Input> {
    let mut once = Vec::new();
    for input in inputs {
        if !once.contains(&input) {
            once.push(input);
        }
    }
    once
}

impl Input {
    /// What has to be measured; `None` where the zoo lacks the network.
    pub(super) fn step(&self, care: &Care, options: &RunOptions) -> Option<Step> {
        let Self { network, size } = *self;
        let design = Model::in_zoo(network)?.with_input(size);
        let job = Job {
            design,
            options: options.clone(),
            protocol: care.protocol.on(options.device),
            weights: None,
            scatter: None,
        };
        let (task, name) = (Task::Network(network, size), format!("{network} at {size}"));
        // Figure 2 shows where the time goes, also inside fused kernels.
        let work = if figure_2_networks().contains(self) { Work::TakeApart } else { Work::Measure };
        Some(Step { task, name, work: work(Box::new(job)) })
    }

    fn key(&self) -> String {
        format!("{} {}", self.network, self.size)
    }
}

impl Networks {
    /// What came of measuring a network, where it was tried.
    #[must_use]
    pub fn get(&self, input: Input) -> Option<&Measured> {
        self.measured.get(&input.key())
    }

    /// Those of `inputs` that were not measured yet.
    #[must_use]
    pub fn missing(&self, inputs: &[Input]) -> Vec<Input> {
        let is_known = |input: &&Input| matches!(self.get(**input), Some(Measured::Latency { .. }));
        inputs.iter().filter(|input| !is_known(input)).copied().collect()
    }

    /// Table 8 with what was measured.
    #[must_use]
    pub fn table(&self, level: Option<Level>, options: &RunOptions) -> ZooTable {
        ZooTable::new(table_8(level), options, |row| {
            match self.get(Input { network: row.network, size: square(row.side) }) {
                Some(Measured::Latency { measurement, .. }) => ZooOutcome::Measured(measurement),
                Some(Measured::Failed(why)) => ZooOutcome::Failed(why.clone()),
                None => ZooOutcome::Pending,
            }
        })
    }

    /// Figure 2 with what was measured.
    #[must_use]
    pub fn figure_2(&self) -> FigureTable {
        FigureTable::new(|network| match self.get(Input { network, size: square(224) }) {
            Some(Measured::Latency { shares, .. }) => Ok(*shares),
            Some(Measured::Failed(why)) => Err(why.clone()),
            None => Ok(None),
        })
    }

    /// Appendix Table 1 a with what was measured.
    #[must_use]
    pub fn resolutions(&self, level: Option<Level>) -> ResolutionTable {
        ResolutionTable::new(resolution_rows(level), |row| {
            match self.get(Input { network: row.network, size: row.input }) {
                Some(Measured::Latency { measurement, .. }) => Ok(Some(&**measurement)),
                Some(Measured::Failed(why)) => Err(why.clone()),
                None => Ok(None),
            }
        })
    }

    pub(super) fn take(&mut self, network: &'static str, size: InputSize, outcome: Outcome) {
        let measured = match outcome {
            Outcome::Measured(mut measurement) => {
                let shares = PIES.iter().any(|pie| pie.network == network).then(|| {
                    let graph = zoo_graph(network, size, Batch(measurement.batch)).ok()?;
                    TimeByCategory::of(&graph, measurement.breakdown.as_ref()?, measurement.apart.as_ref())
                });
                (measurement.breakdown, measurement.apart) = (None, None);
                measurement.processes.clear();
                Measured::Latency { measurement, shares: shares.flatten() }
            }
            Outcome::Failed(why) => Measured::Failed(why),
            Outcome::SoFar(_) | Outcome::Turns(_) | Outcome::Searching(_) | Outcome::Searched => return,
        };
        self.measured.insert(Input { network, size }.key(), measured);
    }
}
