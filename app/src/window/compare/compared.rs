//! What came of a comparison, as it is kept and exported.

use serde::{Deserialize, Serialize};
use shufflescope_engine::design::Fingerprint;
use shufflescope_engine::experiment::PairResult;
use shufflescope_engine::measure::LEAST_MARGIN;
use shufflescope_engine::report::{LayerChange, LayerDifference, LayerSide};
use shufflescope_engine::runtime::RunOptions;

use crate::export::ResultForm;

/// What is compared with what, in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    pub a: Fingerprint,
    pub b: Fingerprint,
    pub options: RunOptions,
}

/// What was measured, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    pub(super) key: Key,
    /// Totals, verdict and how it was measured.
    pub pair: PairResult,
    /// Layer by layer, with times where they were measured.
    pub layers: LayerDifference,
}

impl Compared {
    /// As a text for elsewhere; `about` says when and how it was measured.
    #[must_use]
    pub fn text(&self, form: ResultForm, about: &str) -> String {
        match form {
            ResultForm::Json => serde_json::to_string_pretty(self).unwrap_or_default() + "\n",
            ResultForm::Markdown => self.markdown(about),
        }
    }

    fn markdown(&self, about: &str) -> String {
        let Self { pair: PairResult { a, b, comparison, noise_floor, .. }, layers, .. } = self;
        let ratio = &comparison.ratio;
        let floor = noise_floor.map_or_else(|| "unknown".into(), |floor| format!("{:.1} %", 100.0 * floor.share));
        let mut text = format!(
            "# {} against {}\n\nVerdict on B beside A: **{}**. B takes {:.3} times as long as A (95 % interval {:.3} to \
             {:.3}, {}). Faster and slower have to clear {:.1} %, the same lies within {:.0} %; A differed from its own \
             copy by {floor}.\n\nMeasured: {about}.\n\n\
             | | network | mult-adds | params | memory access | latency | 95 % interval |\n\
             |---|---|---:|---:|---:|---:|---|\n",
            b.name,
            a.name,
            comparison.verdict,
            ratio.ratio,
            ratio.low,
            ratio.high,
            comparison.effort(),
            100.0 * comparison.margin,
            100.0 * LEAST_MARGIN
        );
        for (side, of) in [("A", a), ("B", b)] {
            let latency = of.latency;
            text += &format!(
                "| {side} | {} | {} | {} | {} | {} | {} to {} |\n",
                of.name, of.mult_adds, of.params, of.memory_access, latency.median, latency.low, latency.high
            );
        }
        text +=
            "\n| | layer of A | operation | time | layer of B | operation | time |\n|---|---|---|---:|---|---|---:|\n";
        for row in &layers.rows {
            let cells = |side: &Option<LayerSide>| match side {
                None => " | | ".to_owned(),
                Some(LayerSide { cost, time, .. }) => {
                    let time = time.map(|time| time.to_string()).unwrap_or_default();
                    format!("{} | {} {} | {time}", cost.path, cost.op, cost.output)
                }
            };
            let change = match row.change {
                LayerChange::Same => "same",
                LayerChange::Changed => "changed",
                LayerChange::OnlyInA => "only A",
                LayerChange::OnlyInB => "only B",
            };
            text += &format!("| {change} | {} | {} |\n", cells(&row.a), cells(&row.b));
        }
        text
    }
}
