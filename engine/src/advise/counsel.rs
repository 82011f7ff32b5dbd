//! Everything that could be changed about a design, and what it would bring on a target.

use std::collections::HashSet;

use super::advice::Advice;
use super::knobs::knobs;
use super::look::{Look, Target};
use super::staircase::{FreeChannels, Staircase};
use crate::cost::model_cost;
use crate::design::{Batch, Design, Edit, Fingerprint};
use crate::graph::{LoweringError, lower};
use crate::guideline::{Change, Guideline, findings};
use crate::predict::{Predictor, Ratio};
use crate::runtime::RunOptions;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counsel {
    /// What every knob, every remedy of a guideline and every stage's free channels would change, the best
    /// [gain](Advice::gain) first. Changes that break a rule are left out, or taken with the channels that fit; of several
    /// that lead to the same network one is kept, the guideline's first.
    pub changes: Vec<Advice>,
    /// What each guideline proposes, in the order of the findings, also where it leads to the same network as another.
    pub remedies: Vec<Advice>,
    /// The latency over the channels of every stage.
    pub staircases: Vec<Staircase>,
}

impl Counsel {
    /// On `design`, for the target that `predictor` knows; about a hundred and some plans. Nothing where the device plans
    /// nothing beforehand.
    ///
    /// # Errors
    /// Where the design itself breaks a rule.
    pub fn of(design: &Design, predictor: &Predictor, options: &RunOptions) -> Result<Self, LoweringError> {
        let target = Target { predictor, options };
        let Some(now) = target.look(design)? else { return Ok(Self::default()) };
        let base = Base { design, now, target };
        let remedies = base.remedies()?;
        let of_stage = |stage| Staircase::beside(design, stage, &base.now, target);
        let staircases: Vec<Staircase> = (0..design.stages.len()).filter_map(of_stage).collect();
        let free = staircases.iter().filter_map(Staircase::free).filter_map(|free| base.free(free));
        let turned = knobs(design).into_iter().filter_map(|edit| base.advice(None, edit.to_string(), edit));
        let mut seen = HashSet::<Fingerprint>::from([design.fingerprint()]);
        let all = remedies.iter().cloned().chain(free).chain(turned);
        let mut changes: Vec<Advice> =
            all.filter(|(leads_to, _)| seen.insert(leads_to.clone())).map(|(_, advice)| advice).collect();
        changes.sort_by(|a, b| b.gain().total_cmp(&a.gain()));
        let remedies = remedies.into_iter().map(|(_, advice)| advice).collect();
        Ok(Self { changes, remedies, staircases })
    }

    /// What is said of this edit.
    #[must_use]
    pub fn on(&self, edit: &Edit) -> Option<&Advice> {
        self.remedies.iter().chain(&self.changes).find(|advice| advice.edit == *edit)
    }
}

/// What each guideline's remedy would change on the target that `predictor` knows: a few plans.
///
/// # Errors
/// Where the design itself breaks a rule.
pub fn remedies(design: &Design, predictor: &Predictor, options: &RunOptions) -> Result<Vec<Advice>, LoweringError> {
    let target = Target { predictor, options };
    let Some(now) = target.look(design)? else { return Ok(Vec::new()) };
    let remedies = Base { design, now, target }.remedies()?;
    Ok(remedies.into_iter().map(|(_, advice)| advice).collect())
}

/// The design that changes are held against.
struct Base<'a> {
    design: &'a Design,
    now: Look,
    target: Target<'a>,
}

impl Base<'_> {
    fn remedies(&self) -> Result<Vec<(Fingerprint, Advice)>, LoweringError> {
        let graph = lower(self.design, Batch(self.target.options.batch))?;
        let found = findings(self.design, &graph, &model_cost(&graph), None);
        let remedy = |(guideline, label, edit): (Guideline, String, Edit)| self.advice(Some(guideline), label, edit);
        let proposed = found.into_iter().filter_map(|finding| {
            let remedy = finding.remedy?;
            Some((finding.guideline, remedy.label, remedy.edit))
        });
        Ok(proposed.filter_map(remedy).collect())
    }

    fn free(&self, free: FreeChannels) -> Option<(Fingerprint, Advice)> {
        let edit = free.edit();
        let (leads_to, advice) = self.advice(None, edit.to_string(), edit)?;
        Some((leads_to, Advice { free_channels: Some(free), ..advice }))
    }

    /// What an edit would bring, and the network that it leads to; perhaps with the channels that fit. `None` where it
    /// leads to none.
    fn advice(&self, guideline: Option<Guideline>, label: String, edit: Edit) -> Option<(Fingerprint, Advice)> {
        let (label, edit, changed) = sound(self.design, label, edit)?;
        // What is within the rules may still be too large for this batch.
        let then = self.target.look(&changed).ok().flatten()?;
        let Ratio { ratio, low, high } = then.prediction.over(&self.now.prediction);
        let (before, after) = (&self.now.cost, &then.cost);
        let advice = Advice {
            label,
            edit,
            predicted_ratio: ratio,
            low,
            high,
            mult_adds: Change { before: before.mult_adds.0, after: after.mult_adds.0 },
            params: Change { before: before.params.0, after: after.params.0 },
            memory_access: Change { before: before.memory_access.0, after: after.memory_access.0 },
            guideline,
            free_channels: None,
        };
        Some((changed.fingerprint(), advice))
    }
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
