//! Which part of the design is edited: every stage, one stage, the stem or the head.

use shufflescope_engine::design::{BlockEdit, Design, Edit, Field, Stage, StageEdit};

use crate::window::document::{Document, StageId};

/// A part of a design.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// What comes before the stages.
    Stem,
    /// Every stage at once.
    #[default]
    AllStages,
    /// This stage.
    Stage(usize),
    /// What comes after the stages.
    Head,
}

impl Part {
    /// Its name.
    pub fn name(self) -> String {
        match self {
            Self::Stem => "stem".into(),
            Self::AllStages => "all stages".into(),
            Self::Stage(stage) => Design::stage_name(stage),
            Self::Head => "head".into(),
        }
    }

    /// The stages that it is made of.
    pub fn stages(self, design: &Design) -> &[Stage] {
        match self {
            Self::Stem | Self::Head => &[],
            Self::AllStages => &design.stages,
            Self::Stage(stage) => design.stages.get(stage..=stage).unwrap_or_default(),
        }
    }

    /// A change to its stages.
    pub fn edit(self, change: StageEdit) -> Edit {
        match (self, change) {
            (Self::Stage(stage), change) => Edit::Stage { stage, change },
            (_, StageEdit::Block(change)) => Edit::Blocks(change),
            (_, change) => Edit::Stages(change),
        }
    }

    /// A change to a setting of its units.
    pub fn units(self, change: BlockEdit) -> Edit {
        self.edit(StageEdit::Block(change))
    }

    /// As [`units`](Self::units), after which channels may have to move.
    pub fn units_and_fit(self, change: BlockEdit) -> Edit {
        Edit::All(vec![self.units(change), Edit::Fit])
    }

    /// The first rule that this field of its stages breaks; of all stages it says which one's.
    pub fn error(self, document: &Document, field: fn(usize) -> Field) -> Option<String> {
        let rule = |stage| document.error(field(stage));
        match self {
            Self::Stem | Self::Head => None,
            Self::Stage(stage) => rule(stage).map(Into::into),
            Self::AllStages => (0..document.draft().stages.len())
                .find_map(|stage| Some(format!("{}: {}", Design::stage_name(stage), rule(stage)?))),
        }
    }
}

/// What the panel remembers.
#[derive(Debug, Default)]
pub struct DesignView {
    part: Part,
    /// The stage that can be chosen beside all of them.
    stage: usize,
    /// The stage that is being dragged.
    pub(super) dragged: Option<usize>,
    /// The layer that was selected when it was last looked at: the same one where its stage has moved.
    selected: Option<(Option<StageId>, String)>,
}

impl DesignView {
    /// What is edited.
    pub(super) const fn part(&self) -> Part {
        self.part
    }

    /// The stage in hand.
    pub(super) const fn stage(&self) -> usize {
        self.stage
    }

    /// Edits this part from now on.
    pub(super) const fn choose(&mut self, part: Part) {
        self.part = part;
        if let Part::Stage(stage) = part {
            self.stage = stage;
        }
    }

    /// Keeps to stages that are there, and takes the stage in hand whose layer was selected in a view. What is edited stays
    /// what a person chose, but for one stage after another.
    pub(super) fn follow(&mut self, document: &Document) {
        let selected = document.selected_layer();
        if self.selected.as_ref().map(|(stage, path)| (*stage, path.as_str())) != selected {
            self.selected = selected.map(|(stage, path)| (stage, path.to_owned()));
            if let Some(stage) = document.selected_stage() {
                self.stage = stage;
                if matches!(self.part, Part::Stage(_)) {
                    self.part = Part::Stage(stage);
                }
            }
        }
        let last = document.draft().stages.len().saturating_sub(1);
        self.stage = self.stage.min(last);
        if let Part::Stage(stage) = &mut self.part {
            *stage = (*stage).min(last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shufflescope_engine::device::DeviceId;
    use shufflescope_engine::runtime::RunOptions;
    use shufflescope_engine::zoo;

    fn document() -> Document {
        let design = zoo::preset("shufflenet-v2-x0.5").unwrap();
        Document::new(design, RunOptions::new(DeviceId::Cpu, 1, 1)).unwrap()
    }

    #[test]
    fn a_layer_selected_in_a_view_takes_its_stage_in_hand_but_does_not_narrow_what_is_edited() {
        let (mut view, mut document) = (DesignView::default(), document());
        document.selected = Some("stage4.1.branch2.0".into());
        view.follow(&document);
        assert_eq!((view.part(), view.stage()), (Part::AllStages, 2));
        view.choose(Part::Stage(0));
        view.follow(&document);
        assert_eq!((view.part(), view.stage()), (Part::Stage(0), 0), "only a new selection is followed");
        document.selected = Some("stage3.0.branch1.0".into());
        view.follow(&document);
        assert_eq!((view.part(), view.stage()), (Part::Stage(1), 1));
    }

    #[test]
    fn a_selected_layer_whose_stage_was_moved_by_another_one_is_no_new_selection() {
        let (mut view, mut document) = (DesignView::default(), document());
        document.selected = Some("stage2.1.branch2.0".into());
        view.follow(&document);
        view.choose(Part::Stage(0));
        document.edit(&Edit::MoveStage { from: 1, to: 0 }, 0.0, false);
        assert_eq!(document.selected.as_deref(), Some("stage3.1.branch2.0"));
        view.follow(&document);
        assert_eq!(view.part(), Part::Stage(0), "what is edited stays the stage that was moved");
    }

    #[test]
    fn a_stage_that_is_gone_makes_way_for_the_last_one() {
        let (mut view, mut document) = (DesignView::default(), document());
        view.choose(Part::Stage(2));
        document.edit(&Edit::RemoveStage(2), 0.0, false);
        view.follow(&document);
        assert_eq!((view.part(), view.stage()), (Part::Stage(1), 1));
    }

    #[test]
    fn an_error_among_all_stages_says_whose_it_is() {
        let mut document = document();
        document.edit(&Edit::Stage { stage: 1, change: StageEdit::Repeats(0) }, 0.0, false);
        let all = Part::AllStages.error(&document, Field::Repeats).unwrap();
        assert!(all.starts_with("stage3: must be from 1"), "{all}");
        assert_eq!(Part::Stage(0).error(&document, Field::Repeats), None);
        assert!(Part::Stage(1).error(&document, Field::Repeats).unwrap().starts_with("must be"));
    }
}
