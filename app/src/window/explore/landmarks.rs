//! The published networks, beside which found designs stand: their published accuracy, and what they take here, measured
//! where the store has that and else predicted.

use shufflescope_engine::cost::total_cost;
use shufflescope_engine::design::Batch;
use shufflescope_engine::measure::MedianRange;
use shufflescope_engine::model::Model;
use shufflescope_engine::predict::Predictor;
use shufflescope_engine::runtime::{RunOptions, plan_without_weights};
use shufflescope_engine::store::{Store, StoreError};
use shufflescope_engine::training::Accuracy;
use shufflescope_engine::units::{MultAdds, Nanos, Params};
use shufflescope_engine::zoo;

use crate::teach::TaughtHere;
use crate::window::past_runs::PastRuns;

/// A published network.
#[derive(Clone, Debug)]
pub struct Landmark {
    /// The network.
    pub model: Model,
    /// Published top-1 accuracy in percent.
    pub accuracy: f64,
    /// Where that is printed.
    pub source: &'static str,
    /// Mult-adds of one image.
    pub mult_adds: MultAdds,
    /// Learned parameters.
    pub params: Params,
    /// What a run is predicted to take.
    pub predicted: Option<Nanos>,
    /// What a run took here.
    pub measured: Option<MedianRange>,
}

/// A design that was taught a person's own things.
#[derive(Clone, Debug)]
pub struct Own {
    /// The network.
    pub model: Model,
    /// On held-out pictures, with the data.
    pub accuracy: Accuracy,
    /// Mult-adds of one image.
    pub mult_adds: MultAdds,
    /// Learned parameters.
    pub params: Params,
    /// What a run is predicted to take.
    pub predicted: Option<Nanos>,
    /// What a run took here.
    pub measured: Option<MedianRange>,
}

/// The published networks on a target, and those that were taught.
#[derive(Clone, Debug)]
pub struct Landmarks {
    /// How they run.
    pub options: RunOptions,
    /// Each of them.
    pub networks: Vec<Landmark>,
    /// What was taught.
    pub own: Vec<Own>,
}

impl Landmarks {
    /// Looks all of them up in the store. Seconds at worst: for the store's thread.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn look_up(
        store: &Store,
        machine: Option<&str>,
        options: &RunOptions,
        predictor: Option<&Predictor>,
        taught: &[TaughtHere],
    ) -> Result<Self, StoreError> {
        // Of the two forms of one network, as code and as the paper have it, the first is enough.
        let is_second = |name: &str| name.strip_suffix("-paper").is_some_and(|first| zoo::find(first).is_some());
        let presets = zoo::presets().iter().filter(|preset| !is_second(&preset.design.name));
        let presets = presets.map(|preset| (Model::from(&preset.design), preset.published));
        let networks = zoo::networks().iter().map(|network| (Model::from(network), network.published));
        let mut all = Vec::new();
        for (model, published) in presets.chain(networks) {
            let Some((published, error)) = published.and_then(|known| Some((known, known.top1_error_percent?))) else {
                continue;
            };
            let Some(costs) = Costs::of(&model, options, predictor) else { continue };
            let measured = measured(store, &model, machine, options)?;
            let Costs { mult_adds, params, predicted } = costs;
            let accuracy = 100.0 - error;
            all.push(Landmark { model, accuracy, source: published.source, mult_adds, params, predicted, measured });
        }
        let mut own = Vec::new();
        for TaughtHere { design, accuracy, .. } in taught {
            let (model, accuracy) = (Model::from(design), accuracy.clone());
            let Some(Costs { mult_adds, params, predicted }) = Costs::of(&model, options, predictor) else { continue };
            let measured = measured(store, &model, machine, options)?;
            own.push(Own { model, accuracy, mult_adds, params, predicted, measured });
        }
        Ok(Self { options: options.clone(), networks: all, own })
    }
}

/// What the newest run of a network took that was made in this way.
fn measured(
    store: &Store,
    model: &Model,
    machine: Option<&str>,
    options: &RunOptions,
) -> Result<Option<MedianRange>, StoreError> {
    let rows = store.history(Some(&model.fingerprint()))?;
    let row = rows.iter().rev().find(|row| PastRuns::is_as_now(row, machine, options));
    Ok(row.map(|row| MedianRange { median: row.median, low: row.low, high: row.high }))
}

impl Landmark {
    /// The measured latency, or else the predicted one.
    #[must_use]
    pub fn latency(&self) -> Option<Nanos> {
        self.measured.map(|measured| measured.median).or(self.predicted)
    }
}

/// What a network costs on paper, per image, and is predicted to take, where anything is known.
struct Costs {
    mult_adds: MultAdds,
    params: Params,
    predicted: Option<Nanos>,
}

impl Costs {
    /// Those of a model; `None` where it cannot run at all.
    #[must_use]
    fn of(model: &Model, options: &RunOptions, predictor: Option<&Predictor>) -> Option<Self> {
        let graph = model.graph(Batch(options.batch)).ok()?;
        let total = total_cost(&graph);
        let predicted = predictor.and_then(|predictor| {
            let plan = plan_without_weights(&graph, options)?;
            Some(predictor.predict(&graph, &plan).predicted)
        });
        let mult_adds = MultAdds(total.mult_adds.0 / u64::from(options.batch.max(1)));
        Some(Self { mult_adds, params: total.params, predicted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shufflescope_engine::device::DeviceId;

    #[test]
    fn every_network_with_a_published_accuracy_is_there_though_nothing_is_known_of_the_target() {
        let (store, options) = (Store::in_memory().unwrap(), RunOptions::new(DeviceId::Cpu, 1, 1));
        let found = Landmarks::look_up(&store, Some("a machine"), &options, None, &[]).unwrap();
        let of = |name: &str| found.networks.iter().find(|landmark| landmark.model.name() == name).unwrap();
        let v2 = of("shufflenet-v2-x1.0");
        assert!((v2.accuracy - 69.4).abs() < 1e-9, "{v2:?}");
        assert_eq!((v2.params.0, v2.latency()), (2_278_604, None));
        assert!((of("resnet-50").accuracy - 76.0).abs() < 1e-9);
        let names: Vec<&str> = found.networks.iter().map(|landmark| landmark.model.name()).collect();
        assert!(!names.contains(&"resnet-18"), "no accuracy of it is printed there");
        assert!(!names.contains(&"shufflenet-v2-x1.0-paper"), "one of its two forms is enough");
    }
}
