//! What a change does to a design's latency, measured in turns with the design as it is.

use serde::Serialize;
use shufflescope_engine::design::{Batch, Design, Edit};
use shufflescope_engine::experiment::PairResult;
use shufflescope_engine::measure::{Difference, InterleaveRules};
use shufflescope_engine::model::Model;
use shufflescope_engine::runtime::RunOptions;

use super::measuring::Measuring;
use crate::worker::{Contest, TurnsJob};

/// The ratio of the changed design's latency to the design's own, with its 95 % interval.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Effect {
    pub ratio: f64,
    pub low: f64,
    pub high: f64,
    pub verdict: Difference,
}

pub(super) fn effect_of(
    measuring: &mut Measuring,
    what: &str,
    design: &Design,
    edit: &Edit,
    options: &RunOptions,
) -> anyhow::Result<Effect> {
    let (a, b) = (Model::from(design), Model::from(design.apply(edit)));
    let batch = Batch(options.batch);
    let graphs = [a.graph(batch)?, b.graph(batch)?];
    let rules = InterleaveRules::in_processes(1);
    let networks = Contest::Pair { a: Box::new(a), b: Box::new(b) };
    let rounds = measuring.take_turns(what, TurnsJob { networks, options: options.clone(), rules, processes: 1 })?;
    let floor = measuring.store.floor(options);
    let pair = PairResult::new([&graphs[0], &graphs[1]], options, &rules, &rounds, floor)?;
    measuring.store.note_floor(options, pair.noise_floor);
    let comparison = &pair.comparison;
    let ratio = &comparison.ratio;
    Ok(Effect { ratio: ratio.ratio, low: ratio.low, high: ratio.high, verdict: comparison.verdict })
}

pub(super) const fn word(verdict: Difference) -> &'static str {
    match verdict {
        Difference::Faster => "faster",
        Difference::Slower => "slower",
        Difference::Same => "the same",
        Difference::Undecided => "undecided",
    }
}
