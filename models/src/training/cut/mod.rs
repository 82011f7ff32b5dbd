//! Weights of a wider or deeper network made to fit a narrower or shallower one of its family.
//!
//! Units are kept in order from the first of each stage. Channels are kept by what they contribute; which of them may stand
//! for which is decided by the [`paths`] that they take: a channel that passes a split untouched must do so in the narrower
//! network too, and one that a group reads must be read by the same group.

mod depth;
mod importance;
mod paths;
mod select;

use std::fmt;

use thiserror::Error;

use crate::design::{Batch, Design};
use crate::graph::{Graph, LoweringError, Op, lower};
use crate::weights::{WeightTensor, Weights, WeightsError};

pub(super) use select::{Rule, Selection, select};

/// Why weights cannot be cut to fit.
#[derive(Debug, Error)]
pub enum CutError {
    /// One of the designs breaks rules.
    #[error(transparent)]
    Design(#[from] LoweringError),
    /// The weights are not those of their design.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A stage has more units than there are weights for.
    #[error("{stage} has {wanted} units and the weights have {found}: weights are cut, not made up; take fewer units")]
    Deeper {
        /// The stage.
        stage: String,
        /// Units wanted.
        wanted: u32,
        /// Units that the weights are of.
        found: u32,
    },
    /// A layer has more channels than there are weights for.
    #[error(
        "layer `{layer}` has {wanted} channels and the weights have {found}: weights are cut, not made up; take fewer"
    )]
    Wider {
        /// The layer in the design.
        layer: String,
        /// Channels wanted.
        wanted: usize,
        /// Channels that the weights are of.
        found: usize,
    },
    /// The designs are of other kinds.
    #[error("layer `{layer}` is {wanted} and the weights are of {found}: only width and depth may differ")]
    Other {
        /// The layer in the design.
        layer: String,
        /// What it computes.
        wanted: String,
        /// What the weights' network has in its place.
        found: String,
    },
}

/// What was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutReport {
    /// What the weights were of.
    pub from: String,
    /// What changed, a line for each part that did.
    pub parts: Vec<CutPart>,
    /// Channels that take another path than they did, because the wider network has too few of theirs.
    pub strays: usize,
    /// Whether the classifier is made up, because there are other classes.
    pub classifier_is_new: bool,
}

/// What was cut in one part of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutPart {
    /// `stem`, `stage2`, `head`.
    pub part: String,
    /// Channels kept, and of how many.
    pub channels: [u32; 2],
    /// Units kept, and of how many.
    pub units: [u32; 2],
}

impl CutReport {
    /// Whether the weights are as they were.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.parts.is_empty() && !self.classifier_is_new
    }
}

impl fmt::Display for CutReport {
    /// `from `x1.0`: stage2 keeps 48 of 116 channels and 3 of 4 units; the classifier is new`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said: Vec<String> = vec![];
        for CutPart { part, channels, units } in &self.parts {
            let of = |[kept, all]: [u32; 2], what: &str| {
                (kept != all).then(|| format!("{kept} of {all} {what}")).into_iter()
            };
            let kept: Vec<String> = of(*channels, "channels").chain(of(*units, "units")).collect();
            said.push(format!("{part} keeps {}", kept.join(" and ")));
        }
        if self.strays > 0 {
            let plural = if self.strays == 1 { " takes" } else { "s take" };
            said.push(format!("{} channel{plural} another way than before", self.strays));
        }
        if self.classifier_is_new {
            said.push("the classifier is new".into());
        }
        if said.is_empty() {
            said.push("all is kept".into());
        }
        write!(f, "from `{}`: {}", self.from, said.join("; "))
    }
}

/// The weights of `from` cut to fit `to`. Where `to` has another number of classes, its classifier is made up.
///
/// # Errors
/// Where the weights are not those of `from`, or `to` is wider, deeper or of another kind.
pub fn cut((from, weights): (&Design, &Weights), to: &Design) -> Result<(Weights, CutReport), CutError> {
    weights.check(&lower(from, Batch(1))?)?;
    let graph = lower(to, Batch(1))?;
    let (shallow, weights) = depth::shallower((from, weights), to)?;
    let wide = lower(&shallow, Batch(1))?;
    let selection = select((&wide, &weights), &graph, Rule::MostImportant)?;
    let mut cut = selection.apply(&weights, &graph);
    let classifier_is_new = from.classes != to.classes;
    if classifier_is_new {
        new_classifier(&graph, &mut cut);
    }
    let report =
        CutReport { from: from.name.clone(), parts: parts(from, to), strays: selection.strays, classifier_is_new };
    Ok((cut, report))
}

/// Makes the last layer up, so small that it says nothing yet.
fn new_classifier(graph: &Graph, weights: &mut Weights) {
    let made_up = super::parameters::Parameters::made_up(graph, 0).weights();
    if let Some((_, node)) = graph.layers().filter(|(_, node)| matches!(node.op, Op::Linear { .. })).last() {
        for name in ["weight", "bias"].map(|name| format!("{}.{name}", node.path)) {
            if let Some(tensor) = made_up.get(&name) {
                weights.insert(name, WeightTensor::clone(tensor));
            }
        }
    }
}

fn parts(from: &Design, to: &Design) -> Vec<CutPart> {
    let stem = |design: &Design| design.stem.convs.last().map_or(0, |conv| conv.channels);
    let part = |part: String, channels: [u32; 2], units: [u32; 2]| CutPart { part, channels, units };
    let mut parts = vec![part("stem".into(), [stem(to), stem(from)], [1; 2])];
    for (index, (to, from)) in to.stages.iter().zip(&from.stages).enumerate() {
        parts.push(part(Design::stage_name(index), [to.channels, from.channels], [to.repeats, from.repeats]));
    }
    parts.push(part("head".into(), [to.head.conv.unwrap_or(0), from.head.conv.unwrap_or(0)], [1; 2]));
    parts.retain(|part| part.channels[0] != part.channels[1] || part.units[0] != part.units[1]);
    parts
}

#[cfg(test)]
mod tests;
