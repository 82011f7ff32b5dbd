//! What to draw for one unit: boxes as the paper's Figure 3 has them, each standing for one or more layers, and how they
//! are connected. Made from the graph, so it shows whatever the block settings lead to.

use shufflescope_engine::graph::{Activation, Graph, Node, NodeId, Op, UnitId};

/// Where a box stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The branch on the left.
    Left,
    /// Where both branches meet, or the only column.
    Center,
    /// The branch on the right.
    Right,
}

/// One box.
#[derive(Clone, Debug)]
pub struct Step {
    /// The main operation.
    pub title: String,
    /// What follows it: `BN, relu`.
    pub after: Vec<&'static str>,
    /// The layers, the main one first.
    pub nodes: Vec<NodeId>,
    /// Channels handed on, part by part.
    pub channels: Vec<usize>,
    /// Where it stands.
    pub column: Column,
    /// From 1 downwards.
    pub row: usize,
    /// Boxes read; `None` is the unit's input.
    pub inputs: Vec<Option<usize>>,
}

/// A unit's boxes.
#[derive(Clone, Debug)]
pub struct UnitPlan {
    /// In execution order.
    pub steps: Vec<Step>,
    /// Channels read.
    pub input: usize,
    /// Whether there are two branches side by side.
    pub has_branches: bool,
}

impl UnitPlan {
    /// The boxes of one unit; none where the graph has no such unit.
    pub fn of(graph: &Graph, unit: UnitId) -> Self {
        let mut steps: Vec<Step> = Vec::new();
        let mut owner: Vec<Option<usize>> = vec![None; graph.nodes().len()];
        let mut input = 0;
        for (id, node) in graph.layers().filter(|(_, node)| node.unit == Some(unit)) {
            let sources: Vec<Option<usize>> =
                node.inputs.iter().map(|source| owner.get(source.0).copied().flatten()).collect();
            if let Some(entry) = node.inputs.iter().find(|source| owner.get(source.0).copied().flatten().is_none()) {
                input = graph.node(*entry).output.channels;
            }
            let home = home(&steps, node, &sources);
            let index = home.unwrap_or(steps.len());
            match steps.get_mut(index) {
                Some(step) => step.join(id, node),
                None => steps.push(Step::new(id, node, &sources, &steps)),
            }
            if let Some(slot) = owner.get_mut(id.0) {
                *slot = Some(index);
            }
        }
        let has_branches = steps.iter().any(|step| step.column == Column::Left || step.title == SPLIT);
        if !has_branches {
            steps.iter_mut().for_each(|step| step.column = Column::Center);
        }
        Self { steps, input, has_branches }
    }

    /// Rows of boxes.
    pub fn rows(&self) -> usize {
        self.steps.iter().map(|step| step.row).max().unwrap_or(0)
    }
}

const SPLIT: &str = "channel split";
const SE: &str = "squeeze-and-excitation";

/// The box that a layer belongs to without being its main operation.
fn home(steps: &[Step], node: &Node, sources: &[Option<usize>]) -> Option<usize> {
    let before = sources.first().copied().flatten();
    match node.op {
        _ if is_se(node) => steps.iter().position(|step| step.title == SE && step.column == column(node)),
        Op::Slice { .. } => steps.iter().position(|step| step.title == SPLIT),
        Op::BatchNorm { .. } | Op::Activation(_) => before,
        _ => None,
    }
}

fn is_se(node: &Node) -> bool {
    node.path.contains(".se.")
}

fn column(node: &Node) -> Column {
    if node.path.contains(".branch1") {
        Column::Left
    } else if node.path.contains(".branch2") {
        Column::Right
    } else {
        Column::Center
    }
}

impl Step {
    fn new(id: NodeId, node: &Node, sources: &[Option<usize>], steps: &[Self]) -> Self {
        let mut inputs: Vec<Option<usize>> = Vec::new();
        for source in sources {
            if !inputs.contains(source) {
                inputs.push(*source);
            }
        }
        let row_of = |source: &Option<usize>| source.and_then(|index| steps.get(index)).map_or(0, |step| step.row);
        Self {
            title: match node.op {
                _ if is_se(node) => SE.into(),
                Op::Slice { .. } => SPLIT.into(),
                Op::ChannelShuffle { .. } => "channel shuffle".into(),
                _ => node.op.to_string(),
            },
            after: Vec::new(),
            nodes: vec![id],
            channels: vec![node.output.channels],
            column: column(node),
            row: 1 + inputs.iter().map(row_of).max().unwrap_or(0),
            inputs,
        }
    }

    /// `116`, or `58 | 58` behind a split.
    pub fn handed_on(&self) -> String {
        let parts: Vec<String> = self.channels.iter().map(usize::to_string).collect();
        parts.join(" | ")
    }

    fn join(&mut self, id: NodeId, node: &Node) {
        self.nodes.push(id);
        match node.op {
            _ if self.title == SE => self.channels = vec![node.output.channels],
            Op::Slice { .. } => self.channels.push(node.output.channels),
            Op::BatchNorm { .. } => self.after.push("BN"),
            Op::Activation(Activation::None) => {}
            Op::Activation(activation) => self.after.push(activation.name()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shufflescope_engine::design::Batch;
    use shufflescope_engine::{graph, zoo};

    fn plan(preset: &str, repeat: usize) -> UnitPlan {
        let graph = graph::lower(&zoo::preset(preset).unwrap(), Batch(1)).unwrap();
        UnitPlan::of(&graph, UnitId { stage: 0, repeat })
    }

    fn titles(plan: &UnitPlan) -> Vec<&str> {
        plan.steps.iter().map(|step| step.title.as_str()).collect()
    }

    #[test]
    fn a_basic_unit_is_drawn_as_in_figure_3_c() {
        let plan = plan("shufflenet-v2-x1.0", 1);
        assert_eq!(titles(&plan), ["channel split", "conv 1x1", "dw 3x3", "conv 1x1", "concat", "channel shuffle"]);
        assert_eq!(plan.steps[1].after, ["BN", "relu"]);
        assert_eq!(plan.steps[4].inputs, [Some(0), Some(3)]);
        assert_eq!((plan.input, plan.rows()), (116, 6));
    }

    #[test]
    fn a_down_sampling_unit_has_two_branches_as_in_figure_3_d() {
        let plan = plan("shufflenet-v2-x1.0", 0);
        let left = plan.steps.iter().filter(|step| step.column == Column::Left).count();
        let right = plan.steps.iter().filter(|step| step.column == Column::Right).count();
        assert_eq!((left, right, plan.input), (2, 3, 24));
    }

    #[test]
    fn every_layer_of_every_presets_units_is_in_exactly_one_box() {
        for preset in zoo::presets() {
            let graph = graph::lower(&preset.design, Batch(1)).unwrap();
            for (stage, row) in preset.design.stages.iter().enumerate() {
                for repeat in 0..row.repeats.min(2) as usize {
                    let unit = UnitId { stage, repeat };
                    let plan = UnitPlan::of(&graph, unit);
                    let mut drawn: Vec<_> = plan.steps.iter().flat_map(|step| step.nodes.clone()).collect();
                    drawn.sort();
                    let all = graph.layers().filter(|(_, node)| node.unit == Some(unit)).map(|(id, _)| id);
                    assert!(drawn.into_iter().eq(all), "{} {unit:?}", preset.design.name);
                }
            }
        }
    }
}
