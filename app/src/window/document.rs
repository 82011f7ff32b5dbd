//! What the window is about: the design being edited or the fixed network being looked at, the last valid one with
//! everything derived from it, the way back, and what is selected and pinned. Derived numbers change in the same frame as the edit, and only then.

mod analysis;
mod edited_name;
mod history;
mod identity;
mod pinned;
mod stages;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use shufflescope_engine::design::{Design, DesignError, Edit, Field, InputSize, limits};
use shufflescope_engine::graph::LoweringError;
use shufflescope_engine::guideline::findings;
use shufflescope_engine::measure::Measurement;
use shufflescope_engine::model::{Model, ModelError};
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::zoo;

pub use self::analysis::Analysis;
use self::edited_name::{moved_channels, name_after};
use self::history::{History, State};
use self::identity::Identities;
pub use self::identity::{DocumentId, Save};
pub use self::pinned::{Pinned, PinnedNetwork};
pub use self::stages::StageId;
use self::stages::{StageIds, path_of};

/// The document; see the module.
#[derive(Debug)]
pub struct Document {
    /// The design as the fields show it, and the document it belongs to.
    present: State,
    identities: Identities,
    stage_ids: StageIds,
    /// A network without a design, shown in the draft's place.
    fixed: Option<Model>,
    errors: Vec<DesignError>,
    options: RunOptions,
    valid: Analysis,
    /// The stages of the last valid network; none of a fixed one.
    valid_stages: Vec<StageId>,
    revision: u64,
    has_width: bool,
    history: History,
    /// The pinned design.
    pub pinned: Option<Pinned>,
    /// Path of the selected layer.
    pub selected: Option<String>,
    /// What the last edit changed besides what was asked for.
    pub moved: Option<String>,
}

impl Document {
    /// A document with this design.
    ///
    /// # Errors
    /// Where the design (or the batch) is not valid.
    pub fn new(design: Design, options: RunOptions) -> Result<Self, ModelError> {
        Self::recovered(design, None, true, options)
    }

    /// A document as it was kept: with the file that it belongs to, and whether that holds it.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn recovered(
        design: Design,
        file: Option<PathBuf>,
        is_saved: bool,
        options: RunOptions,
    ) -> Result<Self, ModelError> {
        let valid = Analysis::of(&design, options.batch)?;
        let mut identities = Identities::default();
        let saved = is_saved.then(|| design.clone());
        let document = match file {
            Some(file) => identities.of_file(file, saved),
            None => identities.without_file(saved),
        };
        let mut stage_ids = StageIds::default();
        let stages = stage_ids.all_new(&design);
        Ok(Self {
            has_width: design.has_width(),
            valid_stages: stages.clone(),
            present: State { design, document, stages },
            identities,
            stage_ids,
            fixed: None,
            errors: Vec::new(),
            options,
            valid,
            revision: 0,
            history: History::default(),
            pinned: None,
            selected: None,
            moved: None,
        })
    }

    /// The design as the fields show it, valid or not.
    #[must_use]
    pub const fn draft(&self) -> &Design {
        &self.present.design
    }

    /// The document that the design belongs to.
    #[must_use]
    pub const fn id(&self) -> DocumentId {
        self.present.document
    }

    /// The file that the design came from or went to.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.identities.file(self.present.document)
    }

    /// The network shown in place of the design: nothing of it but its input can be edited.
    #[must_use]
    pub const fn fixed(&self) -> Option<&Model> {
        self.fixed.as_ref()
    }

    /// What is open, as people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.fixed.as_ref().map_or(self.present.design.name.as_str(), Model::name)
    }

    /// Size of the image read, as the fields show it.
    #[must_use]
    pub fn input(&self) -> InputSize {
        self.fixed.as_ref().map_or(self.present.design.input, Model::input)
    }

    /// The newest valid design, also while a fixed network is shown in its place.
    #[must_use]
    pub fn valid_design(&self) -> Option<&Design> {
        self.valid.model.design().or_else(|| self.draft().check().is_ok().then_some(&self.present.design))
    }

    /// The last valid network and what follows from it.
    #[must_use]
    pub const fn valid(&self) -> &Analysis {
        &self.valid
    }

    /// Device, runtime, threads and batch as the fields show them.
    #[must_use]
    pub const fn options(&self) -> &RunOptions {
        &self.options
    }

    /// What to run: the options with the batch of the last valid network.
    #[must_use]
    pub fn valid_options(&self) -> RunOptions {
        let batch = u32::try_from(self.valid.graph.input_shape().batch).unwrap_or(self.options.batch);
        RunOptions { batch, ..self.options.clone() }
    }

    /// Every rule that the draft breaks; empty where it is valid.
    #[must_use]
    pub fn errors(&self) -> &[DesignError] {
        &self.errors
    }

    /// The rule that this field breaks.
    #[must_use]
    pub fn error(&self, field: Field) -> Option<&str> {
        self.errors.iter().find(|error| error.field == field).map(|error| error.rule.as_str())
    }

    /// Counts the changes of the last valid network.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether the width setting applies.
    #[must_use]
    pub const fn has_width(&self) -> bool {
        self.has_width
    }

    /// The steps back and forth.
    #[must_use]
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// What [`undo`](Self::undo) would take back.
    #[must_use]
    pub fn undoes(&self) -> Option<&str> {
        if self.fixed.is_some() { Some("open another network") } else { self.history.undoes() }
    }

    /// What [`redo`](Self::redo) would make again.
    #[must_use]
    pub fn redoes(&self) -> Option<&str> {
        if self.fixed.is_some() { None } else { self.history.redoes() }
    }

    /// Whether the draft, where it is shown, differs from what was opened or saved.
    #[must_use]
    pub fn is_modified(&self) -> bool {
        self.fixed.is_none() && !self.is_saved(&self.present.design)
    }

    /// Whether the design would be lost to another one, also where a fixed network is shown in its place.
    #[must_use]
    pub fn has_unsaved_design(&self) -> bool {
        !self.is_saved(&self.present.design)
    }

    /// Why the design cannot be saved.
    #[must_use]
    pub fn unsavable(&self) -> Option<String> {
        let shown = self.errors.first().filter(|_| self.fixed.is_none()).map(ToString::to_string);
        shown.or_else(|| self.present.design.check().err()?.errors.first().map(ToString::to_string))
    }

    /// Whether the document's file holds this design, or there is no need of one.
    #[must_use]
    pub fn is_saved(&self, design: &Design) -> bool {
        self.identities.is_saved(self.present.document, design)
    }

    /// Applies an edit made at `now` seconds; `held` says that the pointer has been down since the edit before. A fixed
    /// network takes another input or makes way for another design; it has nothing else to edit.
    pub fn edit(&mut self, edit: &Edit, now: f64, held: bool) {
        if let Some(fixed) = self.fixed.take() {
            match edit {
                Edit::Replace(_) => self.derive(),
                Edit::Input(size) => {
                    self.fixed = Some(fixed.with_input(*size));
                    return self.derive();
                }
                _ => {
                    self.fixed = Some(fixed);
                    return;
                }
            }
        }
        let before = &self.present.design;
        let mut design = before.apply(edit);
        if !matches!(edit, Edit::Rename(_)) {
            design.name = name_after(&before.name, &design);
        }
        let is_another = is_another_design(edit);
        if design == *before && !(is_another && self.file().is_some()) {
            return;
        }
        self.moved = moved_channels(edit, before, &design);
        let document = if is_another {
            // A preset can be chosen again; anything else is nowhere yet.
            let preset = zoo::find(&design.name).filter(|preset| preset.design == design);
            self.identities.without_file(preset.map(|_| design.clone()))
        } else {
            self.present.document
        };
        let stages = self.stage_ids.after(&self.present.stages, edit, &design);
        self.go_on(State { design, document, stages }, edit, now, held);
    }

    /// Changes device, runtime, threads or batch.
    pub fn set_options(&mut self, options: RunOptions) {
        let batch_changed = options.batch != self.options.batch;
        self.options = options;
        if batch_changed {
            self.derive();
        }
    }

    /// Takes the last edit back: of a fixed network what does not fit it, or else the network itself.
    pub fn undo(&mut self) {
        if let Some(fixed) = self.fixed.take() {
            let fits = self.valid.model.design().is_none() && self.valid.model != fixed;
            self.fixed = fits.then(|| self.valid.model.clone());
            return self.derive();
        }
        if let Some(state) = self.history.undo(&self.present) {
            self.moved = None;
            self.show(state);
        }
    }

    /// Makes the edit that was taken back again.
    pub fn redo(&mut self) {
        if self.fixed.is_some() {
            return;
        }
        if let Some(state) = self.history.redo(&self.present) {
            self.moved = None;
            self.show(state);
        }
    }

    /// Shows a design, which is safe, in the file that takes it when it is saved where there is one; undo leads back to
    /// the one before.
    pub fn open(&mut self, design: Design, file: Option<PathBuf>, now: f64) {
        let document = match file {
            Some(file) => self.identities.of_file(file, Some(design.clone())),
            None => self.identities.without_file(Some(design.clone())),
        };
        self.moved = None;
        self.fixed = None;
        let edit = Edit::Replace(Box::new(design.clone()));
        let stages = self.stage_ids.after(&self.present.stages, &edit, &design);
        let state = State { design, document, stages };
        if state == self.present { self.derive() } else { self.go_on(state, &edit, now, false) }
    }

    /// Shows a network: a design to edit, anything else in place of the design, to which undo leads back.
    pub fn open_model(&mut self, model: Model, now: f64) {
        match model {
            Model::Design(design) => self.open(design, None, now),
            fixed => {
                self.moved = None;
                self.fixed = Some(fixed);
                self.derive();
            }
        }
    }

    /// Shows the design again that was there before a fixed network.
    pub fn back_to_design(&mut self) {
        if self.fixed.take().is_some() {
            self.derive();
        }
    }

    /// A save of this design of this document, to be [noted](Self::saved) once it is written.
    pub fn save(&mut self, document: DocumentId, path: PathBuf, design: Design) -> Save {
        self.identities.save(document, path, design)
    }

    /// Remembers that a design is safe in a file: whichever document is shown now, it is the one that was saved that has
    /// the file.
    pub fn saved(&mut self, save: &Save) {
        self.identities.written(save);
    }

    /// Adds a current measurement's shares of time to the findings, or takes them away.
    pub fn set_measured(&mut self, measured: Option<&Measurement>) {
        let Analysis { model, graph, cost, .. } = &self.valid;
        self.valid.findings = findings(model.design(), graph, cost, measured);
    }

    /// Takes a step that can be taken back.
    fn go_on(&mut self, state: State, edit: &Edit, now: f64, held: bool) {
        self.history.record(&self.present, edit, now, held);
        self.show(state);
        let reachable: Vec<_> = self.history.documents().chain([self.present.document]).collect();
        self.identities.keep_only(&reachable);
    }

    fn show(&mut self, state: State) {
        self.has_width = state.design.has_width();
        self.present = state;
        self.derive();
    }

    fn derive(&mut self) {
        let model = self.fixed.clone().unwrap_or_else(|| Model::from(&self.present.design));
        match Analysis::of(model, self.options.batch) {
            Ok(analysis) => {
                self.errors.clear();
                let stages = analysis.model.design().map(|_| self.present.stages.clone()).unwrap_or_default();
                self.selected = self.selected_layer().and_then(|layer| path_of(layer, &stages));
                (self.valid, self.valid_stages) = (analysis, stages);
                self.revision += 1;
                let graph = &self.valid.graph;
                self.selected.take_if(|path| graph.find(path).is_none());
            }
            Err(ModelError::Design(LoweringError::Design(broken))) => self.errors = broken.errors,
            Err(ModelError::Design(LoweringError::Layer(error))) => {
                let rule = error.to_string();
                self.errors = vec![DesignError { field: Field::Stages, value: "these stages".into(), rule }];
            }
            Err(ModelError::Batch { batch }) => {
                let rule = format!("must be from {} to {}", limits::BATCH.start(), limits::BATCH.end());
                self.errors = vec![DesignError { field: Field::Batch, value: batch.to_string(), rule }];
            }
            // A fixed network that is open has nothing else that can be wrong with it than its input.
            Err(error) => {
                let value = self.input().width.to_string();
                self.errors = vec![DesignError { field: Field::InputWidth, value, rule: error.to_string() }];
            }
        }
    }
}

/// Whether an edit leaves nothing of the design before.
#[must_use]
pub fn is_another_design(edit: &Edit) -> bool {
    match edit {
        Edit::Replace(_) => true,
        Edit::All(edits) => edits.iter().any(is_another_design),
        _ => false,
    }
}
