//! What each change to a design would bring on a target.

use std::collections::HashSet;

use serde::Serialize;

use super::knobs::knobs;
use crate::cost::{CostTotals, model_cost, total_cost};
use crate::design::{Batch, Design, Edit, Fingerprint};
use crate::graph::{LoweringError, lower};
use crate::guideline::{Change, Guideline, findings};
use crate::predict::{Prediction, Predictor, Ratio};
use crate::runtime::{RunOptions, plan_without_weights};

/// A change, and what it would bring. Its JSON form is a contract.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// What to call it.
    pub label: String,
    /// The change.
    pub edit: Edit,
    /// Latency with it over latency without.
    pub predicted_ratio: f64,
    /// Lower end of the ratio's 90 % band.
    pub low: f64,
    /// Upper end of the ratio's 90 % band.
    pub high: f64,
    /// Multiply-accumulates before and after.
    pub mult_adds: Change,
    /// Parameters before and after.
    pub params: Change,
    /// Memory access before and after, in elements.
    pub memory_access: Change,
    /// The guideline whose remedy this is.
    pub guideline: Option<Guideline>,
}

impl Advice {
    /// How much more of its mult-adds the design does in the same time, as a logarithm: what the advice is sorted by. A
    /// change that buys time for few mult-adds is as good as one that buys mult-adds for little time. What that does to a
    /// network's accuracy nobody knows.
    #[must_use]
    pub fn gain(&self) -> f64 {
        let of = |change: Change| (change.after.max(1) as f64 / change.before.max(1) as f64).ln();
        of(self.mult_adds) - self.predicted_ratio.max(1e-9).ln()
    }
}

/// What every knob of `design` and every remedy of a guideline would change on the target that `predictor` knows, the best
/// [gain](Advice::gain) first. Changes that break a rule are left out, or taken with the channels that fit; of several that
/// lead to the same network one is kept, the guideline's first.
///
/// # Errors
/// Where the design itself breaks a rule.
pub fn advise(design: &Design, predictor: &Predictor, options: &RunOptions) -> Result<Vec<Advice>, LoweringError> {
    let batch = Batch(options.batch);
    let look = |design: &Design| -> Result<Option<(CostTotals, Prediction)>, LoweringError> {
        let graph = lower(design, batch)?;
        let plan = plan_without_weights(&graph, options);
        Ok(plan.map(|plan| (total_cost(&graph), predictor.predict(&graph, &plan))))
    };
    let Some((cost, now)) = look(design)? else { return Ok(Vec::new()) };
    let graph = lower(design, batch)?;
    let remedies = findings(design, &graph, &model_cost(&graph), None).into_iter().filter_map(|finding| {
        let remedy = finding.remedy?;
        Some((Some(finding.guideline), remedy.label, remedy.edit))
    });
    let turned = knobs(design).into_iter().map(|edit| (None, edit.to_string(), edit));
    let mut seen = HashSet::<Fingerprint>::from([design.fingerprint()]);
    let mut all = Vec::new();
    for (guideline, label, edit) in remedies.chain(turned) {
        let Some((label, edit, changed)) = sound(design, label, edit) else { continue };
        if !seen.insert(changed.fingerprint()) {
            continue;
        }
        // What is within the rules may still be too large for this batch.
        let Ok(Some((then, prediction))) = look(&changed) else { continue };
        let Ratio { ratio, low, high } = prediction.over(&now);
        all.push(Advice {
            label,
            edit,
            predicted_ratio: ratio,
            low,
            high,
            mult_adds: Change { before: cost.mult_adds.0, after: then.mult_adds.0 },
            params: Change { before: cost.params.0, after: then.params.0 },
            memory_access: Change { before: cost.memory_access.0, after: then.memory_access.0 },
            guideline,
        });
    }
    all.sort_by(|a, b| b.gain().total_cmp(&a.gain()));
    Ok(all)
}

/// The design with the edit, which breaks no rule; perhaps with the channels that fit.
fn sound(design: &Design, label: String, edit: Edit) -> Option<(String, Edit, Design)> {
    let changed = design.apply(&edit);
    if changed.check().is_ok() {
        return Some((label, edit, changed));
    }
    let edit = Edit::All(vec![edit, Edit::Fit]);
    let changed = design.apply(&edit);
    changed.check().is_ok().then(|| (format!("{label}, channels that fit"), edit, changed))
}
