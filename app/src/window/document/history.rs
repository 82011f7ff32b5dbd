//! Undo and redo: states before and after, edits of one setting in one go counting as one.

use std::mem::discriminant;

use shufflescope_engine::design::{BlockEdit, ConvEdit, Design, Edit, StageEdit, StemEdit};

use super::identity::DocumentId;
use super::stages::StageId;

/// Steps kept; the oldest are forgotten.
const DEPTH: usize = 300;

/// Seconds within which edits of the same setting are one step.
const TOGETHER: f64 = 0.8;

/// What a step leads to: a design, and the document that it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The design, valid or not.
    pub design: Design,
    /// Its document.
    pub document: DocumentId,
    /// Its stages, in their order.
    pub stages: Vec<StageId>,
}

/// One step: the state on its other side, and what the step did.
#[derive(Debug)]
struct Step {
    state: State,
    what: String,
}

/// The steps that can be taken back and made again.
#[derive(Debug, Default)]
pub struct History {
    undo: Vec<Step>,
    redo: Vec<Step>,
    /// The last edit and when it was made, while another one of its kind would still belong to it.
    open: Option<(Edit, f64)>,
}

impl History {
    /// Remembers the state as it was before `edit`, made at `now` seconds; `held` says that the pointer is still down
    /// since the edit before.
    pub fn record(&mut self, before: &State, edit: &Edit, now: f64, held: bool) {
        let together =
            self.open.as_ref().is_some_and(|(last, at)| same_setting(last, edit) && (held || now - at < TOGETHER));
        self.open = Some((edit.clone(), now));
        self.redo.clear();
        match self.undo.last_mut() {
            Some(step) if together => step.what = edit.to_string(),
            _ => {
                self.undo.push(Step { state: before.clone(), what: edit.to_string() });
                if self.undo.len() > DEPTH {
                    self.undo.remove(0);
                }
            }
        }
    }

    /// The state before the last step, given the present one.
    pub fn undo(&mut self, present: &State) -> Option<State> {
        self.open = None;
        let step = self.undo.pop()?;
        self.redo.push(Step { state: present.clone(), what: step.what });
        Some(step.state)
    }

    /// The state after the step that was taken back last, given the present one.
    pub fn redo(&mut self, present: &State) -> Option<State> {
        self.open = None;
        let step = self.redo.pop()?;
        self.undo.push(Step { state: present.clone(), what: step.what });
        Some(step.state)
    }

    /// The documents that steps lead to.
    pub fn documents(&self) -> impl Iterator<Item = DocumentId> {
        self.undo.iter().chain(&self.redo).map(|step| step.state.document)
    }

    /// What undo would take back.
    #[must_use]
    pub fn undoes(&self) -> Option<&str> {
        self.undo.last().map(|step| step.what.as_str())
    }

    /// What redo would make again.
    #[must_use]
    pub fn redoes(&self) -> Option<&str> {
        self.redo.last().map(|step| step.what.as_str())
    }
}

/// Whether two edits change the same setting to perhaps different values. What is typed and dragged belongs together; every
/// switch, every choice and every stage that comes, goes or moves is a step of its own.
fn same_setting(a: &Edit, b: &Edit) -> bool {
    match (a, b) {
        (Edit::Stage { stage: a_stage, change: a }, Edit::Stage { stage: b_stage, change: b }) => {
            a_stage == b_stage && same_stage_setting(a, b)
        }
        (Edit::Stages(a), Edit::Stages(b)) => same_stage_setting(a, b),
        (Edit::Blocks(a), Edit::Blocks(b)) => same_block_setting(a, b),
        (
            Edit::Stem(StemEdit::Conv { conv: a, change: ConvEdit::Channels(_) }),
            Edit::Stem(StemEdit::Conv { conv: b, change: ConvEdit::Channels(_) }),
        ) => a == b,
        (Edit::All(a), Edit::All(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_setting(a, b)),
        (Edit::Head(Some(_)), Edit::Head(Some(_)))
        | (Edit::Rename(_), Edit::Rename(_))
        | (Edit::Width(_), Edit::Width(_))
        | (Edit::Input(_), Edit::Input(_))
        | (Edit::Classes(_), Edit::Classes(_))
        | (Edit::StemChannels(_), Edit::StemChannels(_))
        | (Edit::Fit, Edit::Fit) => true,
        _ => false,
    }
}

fn same_stage_setting(a: &StageEdit, b: &StageEdit) -> bool {
    match (a, b) {
        (StageEdit::Block(a), StageEdit::Block(b)) => same_block_setting(a, b),
        (StageEdit::Channels(_), StageEdit::Channels(_)) | (StageEdit::Repeats(_), StageEdit::Repeats(_)) => true,
        _ => false,
    }
}

/// Numbers that are dragged belong together; every switch and choice is a step of its own.
fn same_block_setting(a: &BlockEdit, b: &BlockEdit) -> bool {
    let dragged =
        matches!(a, BlockEdit::Split(_) | BlockEdit::Se(Some(_)) | BlockEdit::Expansion(_) | BlockEdit::Bottleneck(_));
    dragged && discriminant(a) == discriminant(b) && !matches!(b, BlockEdit::Se(None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shufflescope_engine::zoo;

    fn width(width: f64) -> Edit {
        Edit::Width(width)
    }

    fn first() -> State {
        let document = super::super::identity::Identities::default().without_file(None);
        State { design: zoo::preset("shufflenet-v2-x1.0").unwrap(), document, stages: Vec::new() }
    }

    fn with(state: &State, edit: &Edit) -> State {
        State { design: state.design.apply(edit), ..state.clone() }
    }

    #[test]
    fn a_drag_is_one_step_and_another_setting_is_another() {
        let first = first();
        let mut history = History::default();
        history.record(&first, &width(1.1), 0.0, true);
        history.record(&with(&first, &width(1.1)), &width(1.2), 5.0, true);
        let wide = with(&first, &width(1.2));
        history.record(&wide, &Edit::Classes(10), 5.1, false);
        let small = with(&wide, &Edit::Classes(10));
        assert_eq!(history.undo(&small), Some(wide.clone()));
        assert_eq!(history.undo(&wide), Some(first.clone()));
        assert_eq!(history.undo(&first), None);
        assert_eq!(history.redo(&first), Some(wide));
    }

    #[test]
    fn every_switch_and_every_change_of_the_stages_is_a_step_of_its_own() {
        let stride = |stride| Edit::Stage { stage: 0, change: StageEdit::Stride(stride) };
        for (one, other) in [
            (stride(1), stride(2)),
            (Edit::DuplicateStage(0), Edit::DuplicateStage(1)),
            (Edit::MoveStage { from: 0, to: 1 }, Edit::MoveStage { from: 1, to: 0 }),
            (Edit::RemoveStage(0), Edit::RemoveStage(0)),
            (Edit::HeadBias(false), Edit::HeadBias(true)),
            (Edit::Stem(StemEdit::MaxPool(true)), Edit::Stem(StemEdit::MaxPool(false))),
            (Edit::Head(None), Edit::Head(Some(10))),
        ] {
            let first = first();
            let mut history = History::default();
            history.record(&first, &one, 0.0, false);
            let between = with(&first, &one);
            history.record(&between, &other, 0.1, false);
            assert_eq!(history.undo(&with(&between, &other)), Some(between), "{one}, {other}");
        }
    }

    #[test]
    fn the_same_setting_later_is_a_step_of_its_own() {
        let first = first();
        let mut history = History::default();
        history.record(&first, &width(1.5), 0.0, false);
        history.record(&with(&first, &width(1.5)), &width(2.0), 3.0, false);
        assert_eq!(history.undo(&with(&first, &width(2.0))), Some(with(&first, &width(1.5))));
    }

    #[test]
    fn a_new_edit_forgets_what_was_taken_back() {
        let first = first();
        let mut history = History::default();
        history.record(&first, &width(1.5), 0.0, false);
        history.undo(&with(&first, &width(1.5)));
        assert!(history.redoes().is_some());
        history.record(&first, &Edit::Classes(10), 0.1, false);
        assert_eq!(history.redoes(), None);
    }
}
