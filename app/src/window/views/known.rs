//! What the views are painted from beside the network itself: times by layer, the strip, A beside it. Made anew only
//! where something of it has changed.

use std::sync::Arc;

use crate::window::against::Against;
use crate::window::document::PinnedNetwork;
use crate::window::layer_times::LayerTimes;
use crate::window::scene::Scene;
use crate::window::strip::Strip;

/// See the module.
#[derive(Debug, Default)]
pub struct Known {
    made_of: Option<MadeOf>,
    /// Counts how often it was made.
    pub generation: u64,
    /// Measured times of the present network, or predicted ones until there are some.
    pub times: Option<LayerTimes>,
    /// The present network as a strip.
    pub strip: Strip,
    /// A and its strip.
    pub pinned: Option<(Arc<PinnedNetwork>, Strip)>,
    /// The layers beside A's.
    pub against: Option<Against>,
}

/// What it was made of: the document, the result, the prediction and A.
#[derive(Debug)]
struct MadeOf {
    counts: (u64, u64, Option<u64>),
    pinned: Option<Arc<PinnedNetwork>>,
}

impl Known {
    /// Looks at everything again that has changed.
    pub fn refresh(&mut self, scene: Scene<'_>) {
        let counts = (scene.document.revision(), scene.live.version(), scene.forecast.generation());
        let pinned = scene.document.pinned.as_ref().and_then(|pinned| pinned.network.as_ref());
        let is_same = |of: &MadeOf| match (&of.pinned, pinned) {
            (None, None) => true,
            (Some(of), Some(pinned)) => Arc::ptr_eq(of, pinned),
            _ => false,
        };
        if self.made_of.as_ref().is_some_and(|of| of.counts == counts && is_same(of)) {
            return;
        }
        let valid = scene.document.valid();
        let measured = scene.live.current().and_then(LayerTimes::measured);
        self.times = measured.or_else(|| scene.forecast.estimate().map(LayerTimes::predicted));
        self.strip = Strip::of(&valid.graph, &valid.cost, self.times.as_ref());
        self.pinned = pinned.map(|pinned| {
            let PinnedNetwork { analysis, times, .. } = &**pinned;
            (pinned.clone(), Strip::of(&analysis.graph, &analysis.cost, times.as_ref()))
        });
        self.against = pinned.map(|pinned| Against::of(pinned, &valid.graph));
        self.made_of = Some(MadeOf { counts, pinned: pinned.cloned() });
        self.generation += 1;
    }
}
