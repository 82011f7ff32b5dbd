//! Which stage is which: a stage stays the same one when others come, go or change places, and when that is taken back.

use shufflescope_engine::design::{Design, Edit};
use shufflescope_engine::graph::Graph;

use super::Document;

/// A stage, wherever it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageId(u64);

/// Tells stages apart.
#[derive(Debug, Default)]
pub struct StageIds {
    last: u64,
}

impl StageIds {
    /// Stages that were never seen before.
    pub fn all_new(&mut self, design: &Design) -> Vec<StageId> {
        design.stages.iter().map(|_| self.one()).collect()
    }

    /// Who is who in `design`, which `edit` has made of one with the stages `before`. In another design altogether the
    /// stages of the same number stand for each other.
    pub fn after(&mut self, before: &[StageId], edit: &Edit, design: &Design) -> Vec<StageId> {
        let mut stages = before.to_vec();
        self.rearrange(&mut stages, edit);
        stages.truncate(design.stages.len());
        while stages.len() < design.stages.len() {
            stages.push(self.one());
        }
        stages
    }

    /// As [`Design::apply`] does it with the stages themselves.
    fn rearrange(&mut self, stages: &mut Vec<StageId>, edit: &Edit) {
        match edit {
            Edit::AddStage { at, .. } => stages.insert((*at).min(stages.len()), self.one()),
            Edit::RemoveStage(stage) if *stage < stages.len() => {
                stages.remove(*stage);
            }
            Edit::DuplicateStage(stage) if *stage < stages.len() => stages.insert(stage + 1, self.one()),
            Edit::MoveStage { from, to } if *from < stages.len() && *to < stages.len() => {
                let stage = stages.remove(*from);
                stages.insert(*to, stage);
            }
            Edit::All(edits) => edits.iter().for_each(|edit| self.rearrange(stages, edit)),
            _ => {}
        }
    }

    const fn one(&mut self) -> StageId {
        self.last += 1;
        StageId(self.last)
    }
}

/// A layer by the stage that it is in and what its path says behind that; of layers outside the stages the whole path.
#[must_use]
fn layer_of<'a>(path: &'a str, graph: &Graph, stages: &[StageId]) -> (Option<StageId>, &'a str) {
    let unit = graph.find(path).and_then(|id| graph.node(id).unit);
    let of =
        unit.and_then(|unit| Some((*stages.get(unit.stage)?, path.strip_prefix(&*Design::stage_name(unit.stage))?)));
    of.map_or((None, path), |(stage, rest)| (Some(stage), rest))
}

/// The path that a layer has where its network's stages are these; `None` where its stage is not among them.
#[must_use]
pub fn path_of((stage, rest): (Option<StageId>, &str), stages: &[StageId]) -> Option<String> {
    let Some(stage) = stage else { return Some(rest.to_owned()) };
    let at = stages.iter().position(|other| *other == stage)?;
    Some(format!("{}{rest}", Design::stage_name(at)))
}

impl Document {
    /// The selected layer by its stage, wherever that stands, and its path within it; of layers outside the stages the whole
    /// path.
    #[must_use]
    pub fn selected_layer(&self) -> Option<(Option<StageId>, &str)> {
        self.selected.as_deref().map(|path| layer_of(path, &self.valid.graph, &self.valid_stages))
    }

    /// The stage of the last valid network in which the selected layer is.
    #[must_use]
    pub fn selected_stage(&self) -> Option<usize> {
        let (stage, _) = self.selected_layer()?;
        self.valid_stages.iter().position(|other| Some(*other) == stage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shufflescope_engine::design::{Batch, StageEdit};
    use shufflescope_engine::graph::lower;
    use shufflescope_engine::zoo;

    /// The stages' channels tell them apart.
    fn channels(design: &Design) -> Vec<u32> {
        design.stages.iter().map(|stage| stage.channels).collect()
    }

    #[test]
    fn stages_are_the_same_ones_wherever_an_edit_puts_them() {
        let design = zoo::preset("shufflenet-v2-x1.0").unwrap();
        let mut ids = StageIds::default();
        let before = ids.all_new(&design);
        let new = Box::new(design.next_stage());
        let edits = [
            Edit::MoveStage { from: 0, to: 2 },
            Edit::MoveStage { from: 2, to: 1 },
            Edit::MoveStage { from: 2, to: 3 },
            Edit::RemoveStage(1),
            Edit::RemoveStage(9),
            Edit::AddStage { at: 1, stage: new.clone() },
            Edit::AddStage { at: 9, stage: new },
            Edit::All(vec![Edit::RemoveStage(0), Edit::MoveStage { from: 0, to: 1 }]),
            Edit::Stage { stage: 1, change: StageEdit::Repeats(2) },
        ];
        for edit in edits {
            let design_after = design.apply(&edit);
            let after = ids.after(&before, &edit, &design_after);
            assert_eq!(after.len(), design_after.stages.len(), "{edit}");
            for (id, channels_after) in after.iter().zip(channels(&design_after)) {
                let was = before.iter().position(|other| other == id);
                let expected = channels(&design).iter().position(|before| *before == channels_after);
                assert_eq!(was, expected, "{edit}");
            }
        }
        let copy = Edit::DuplicateStage(1);
        let after = ids.after(&before, &copy, &design.apply(&copy));
        assert_eq!([after[0], after[1], after[3]], before[..], "the copy is the new one");
        let other = zoo::preset("shufflenet-v2-x0.5").unwrap();
        assert_eq!(ids.after(&before, &Edit::Replace(Box::new(other.clone())), &other), before);
    }

    #[test]
    fn a_layers_path_follows_its_stage_and_is_gone_with_it() {
        let design = zoo::preset("shufflenet-v2-x1.0").unwrap();
        let graph = lower(&design, Batch(1)).unwrap();
        let mut ids = StageIds::default();
        let before = ids.all_new(&design);
        let layer = layer_of("stage3.1.branch2.0", &graph, &before);
        assert_eq!(layer, (Some(before[1]), ".1.branch2.0"));
        assert_eq!(path_of(layer, &[before[1], before[0]]).as_deref(), Some("stage2.1.branch2.0"));
        assert_eq!(path_of(layer, &[before[0], before[2]]), None);
        let stem = layer_of("conv1.0", &graph, &before);
        assert_eq!((stem, path_of(stem, &[]).as_deref()), ((None, "conv1.0"), Some("conv1.0")));
    }
}
