//! What holds for every network, wherever it came from.

use shufflescope_engine::cost::{ModelCost, model_cost};
use shufflescope_engine::design::Design;
use shufflescope_engine::graph::Graph;
use shufflescope_engine::guideline::findings;

/// Costs and judges a network: its layers add up and every number is one.
pub fn costed(design: Option<&Design>, graph: &Graph) -> ModelCost {
    let cost = model_cost(graph);
    let layers = || cost.layers.iter();
    assert_eq!(layers().count(), graph.layers().len());
    assert_eq!(layers().map(|layer| layer.mult_adds.0).sum::<u64>(), cost.total.mult_adds.0);
    assert_eq!(layers().map(|layer| layer.memory_access.0).sum::<u64>(), cost.total.memory_access.0);
    assert!(cost.total.arithmetic_intensity.is_none_or(f64::is_finite));
    for finding in findings(design, graph, &cost, None) {
        assert!(finding.layers.iter().all(|path| graph.find(path).is_some()), "{finding:?}");
        assert!(finding.evidence.rows.iter().all(|row| row.ratio.is_finite()), "{finding:?}");
        if let (Some(design), Some(remedy)) = (design, finding.remedy) {
            let better = design.apply(&remedy.edit);
            assert!(better.check().is_ok(), "{} makes {better:?}", remedy.label);
        }
    }
    cost
}
