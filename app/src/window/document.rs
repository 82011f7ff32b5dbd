//! What the window is about: the design being edited or the fixed network being looked at, the last valid one with
//! everything derived from it, the way back, and what is selected and pinned. Derived numbers change in the same frame as the edit, and only then.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::LazyLock;

use shufflescope_engine::cost::{CostTotals, ModelCost, model_cost};
use shufflescope_engine::design::{Batch, Design, DesignError, Edit, Field, Fingerprint, InputSize, limits};
use shufflescope_engine::graph::{Graph, Liveness, LoweringError};
use shufflescope_engine::guideline::{Finding, findings};
use shufflescope_engine::measure::{Measurement, Spread};
use shufflescope_engine::model::{Model, ModelError};
use shufflescope_engine::report::Profile;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::zoo;

use super::history::History;

/// Ends the name of a design that was a preset before it was edited.
const EDITED: &str = " (edited)";

/// A valid network and everything that follows from it without measuring.
#[derive(Debug)]
pub struct Analysis {
    /// The network.
    pub model: Model,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Its layers.
    pub graph: Graph,
    /// What they cost on paper.
    pub cost: ModelCost,
    /// Activation memory over the run.
    pub liveness: Liveness,
    /// What the guidelines say; with shares of the time where a current measurement is there.
    pub findings: Vec<Finding>,
}

impl Analysis {
    /// Derives everything.
    ///
    /// # Errors
    /// Every rule that the design or the batch breaks; why a fixed network does not allow this batch or its input.
    pub fn of(model: impl Into<Model>, batch: u32) -> Result<Self, ModelError> {
        let model = model.into();
        let graph = model.graph(Batch(batch))?;
        let cost = model_cost(&graph);
        let findings = findings(model.design(), &graph, &cost, None);
        let liveness = Liveness::of(&graph);
        Ok(Self { fingerprint: model.fingerprint(), model, graph, cost, liveness, findings })
    }
}

/// The design A that others are compared with.
#[derive(Clone, Debug)]
pub struct Pinned {
    /// Its name.
    pub name: String,
    /// The network.
    pub model: Model,
    /// Its cost.
    pub totals: CostTotals,
    /// Its latency, where it was current when it was pinned, and the images of one run.
    pub latency: Option<(Spread, u32)>,
    /// The saved profile that all this comes from, where it does not come from this session.
    pub file: Option<PathBuf>,
}

impl Pinned {
    /// What a profile says of a design of this name.
    #[must_use]
    pub fn of_profile(profile: &Profile, name: String, file: PathBuf) -> Self {
        Self {
            name,
            model: profile.design.clone(),
            totals: profile.cost.total.clone(),
            latency: profile.measurement.as_ref().map(|measurement| (measurement.whole, measurement.batch)),
            file: Some(file),
        }
    }

    /// The name of the saved profile's file.
    #[must_use]
    pub fn file_name(&self) -> Option<Cow<'_, str>> {
        self.file.as_ref().map(|file| file.file_name().unwrap_or(file.as_os_str()).to_string_lossy())
    }

    /// What it is, in a few words.
    #[must_use]
    pub fn about(&self) -> String {
        match (self.file_name(), self.latency) {
            (None, _) => self.name.clone(),
            (Some(file), Some(_)) => format!("{}; its latency comes from the file {file}", self.name),
            (Some(file), None) => format!("{}; the file {file} holds no latency", self.name),
        }
    }
}

/// The document; see the module.
#[derive(Debug)]
pub struct Document {
    draft: Design,
    /// A network without a design, shown in the draft's place.
    fixed: Option<Model>,
    errors: Vec<DesignError>,
    options: RunOptions,
    valid: Analysis,
    revision: u64,
    has_width: bool,
    history: History,
    saved: Design,
    /// The file that the design came from or went to.
    pub file: Option<PathBuf>,
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
        let valid = Analysis::of(&design, options.batch)?;
        Ok(Self {
            has_width: design.has_width(),
            saved: design.clone(),
            draft: design,
            fixed: None,
            errors: Vec::new(),
            options,
            valid,
            revision: 0,
            history: History::default(),
            file: None,
            pinned: None,
            selected: None,
            moved: None,
        })
    }

    /// The design as the fields show it, valid or not.
    #[must_use]
    pub const fn draft(&self) -> &Design {
        &self.draft
    }

    /// The network shown in place of the design: nothing of it but its input can be edited.
    #[must_use]
    pub const fn fixed(&self) -> Option<&Model> {
        self.fixed.as_ref()
    }

    /// What is open, as people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.fixed.as_ref().map_or(self.draft.name.as_str(), Model::name)
    }

    /// Size of the image read, as the fields show it.
    #[must_use]
    pub fn input(&self) -> InputSize {
        self.fixed.as_ref().map_or(self.draft.input, Model::input)
    }

    /// The newest valid design, also while a fixed network is shown in its place.
    #[must_use]
    pub fn valid_design(&self) -> Option<&Design> {
        self.valid.model.design().or_else(|| self.draft.check().is_ok().then_some(&self.draft))
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
        self.fixed.is_none() && self.draft != self.saved
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
        let mut edited = self.draft.apply(edit);
        if !matches!(edit, Edit::Rename(_)) {
            edited.name = name_after(&self.draft.name, &edited);
        }
        if edited == self.draft {
            return;
        }
        self.moved = moved_channels(edit, &self.draft, &edited);
        self.history.record(&self.draft, edit, now, held);
        self.set_draft(edited);
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
        if let Some(design) = self.history.undo(&self.draft) {
            self.moved = None;
            self.set_draft(design);
        }
    }

    /// Makes the edit that was taken back again.
    pub fn redo(&mut self) {
        if self.fixed.is_some() {
            return;
        }
        if let Some(design) = self.history.redo(&self.draft) {
            self.moved = None;
            self.set_draft(design);
        }
    }

    /// Shows a design, which is safe, in the file that takes it when it is saved where there is one; undo leads back to
    /// the one before.
    pub fn open(&mut self, design: Design, file: Option<PathBuf>, now: f64) {
        if design != self.draft {
            self.history.record(&self.draft, &Edit::Replace(Box::new(design.clone())), now, false);
        }
        self.moved = None;
        self.fixed = None;
        self.set_draft(design.clone());
        self.saved = design;
        self.file = file;
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

    /// Remembers that this design is safe in a file.
    pub fn saved(&mut self, design: Design, file: PathBuf) {
        self.saved = design;
        self.file = Some(file);
    }

    /// Adds a current measurement's shares of time to the findings, or takes them away.
    pub fn set_measured(&mut self, measured: Option<&Measurement>) {
        let Analysis { model, graph, cost, .. } = &self.valid;
        self.valid.findings = findings(model.design(), graph, cost, measured);
    }

    fn set_draft(&mut self, design: Design) {
        self.has_width = design.has_width();
        self.draft = design;
        self.derive();
    }

    fn derive(&mut self) {
        let model = self.fixed.clone().unwrap_or_else(|| Model::from(&self.draft));
        match Analysis::of(model, self.options.batch) {
            Ok(analysis) => {
                self.errors.clear();
                self.valid = analysis;
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

/// A preset keeps its name only while it is that preset; a name of one's own stays.
fn name_after(before: &str, edited: &Design) -> String {
    static PRESETS: LazyLock<Vec<(Fingerprint, &str)>> = LazyLock::new(|| {
        let preset = |preset: &'static zoo::Preset| (preset.design.fingerprint(), preset.design.name.as_str());
        zoo::presets().iter().map(preset).collect()
    });
    let base = without_width(before.strip_suffix(EDITED).unwrap_or(before));
    let of_a_preset = zoo::find(before).is_some()
        || before.ends_with(EDITED) && PRESETS.iter().any(|(_, name)| without_width(name) == base);
    if !of_a_preset || edited.name != before {
        return edited.name.clone();
    }
    let print = edited.fingerprint();
    // Two presets may be the same network; the one nearest to what it was before goes first.
    let same = PRESETS.iter().filter(|(preset, _)| *preset == print).map(|(_, name)| *name);
    match same.min_by_key(|name| (*name != before, without_width(name) != base, name.len())) {
        Some(name) => name.to_owned(),
        None => format!("{base}{EDITED}"),
    }
}

/// `shufflenet-v2-paper` of `shufflenet-v2-x1.0-paper`: the width is a setting of its own.
fn without_width(name: &str) -> String {
    let is_width = |part: &&str| part.strip_prefix('x').is_some_and(|width| width.parse::<f64>().is_ok());
    let parts: Vec<&str> = name.split('-').filter(|part| !is_width(part)).collect();
    parts.join("-")
}

/// Says which channels an edit moved that asked for something else.
fn moved_channels(edit: &Edit, before: &Design, after: &Design) -> Option<String> {
    let Edit::All(edits) = edit else { return None };
    if !edits.contains(&Edit::Fit) {
        return None;
    }
    let pairs = before.stages.iter().zip(&after.stages).map(|(before, after)| (before.channels, after.channels));
    let moved: Vec<String> =
        pairs.filter(|(before, after)| before != after).map(|(before, after)| format!("{before} to {after}")).collect();
    (!moved.is_empty()).then(|| format!("Channels moved so that they divide: {}.", moved.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shufflescope_engine::design::BlockEdit;

    fn named(from: &str, edit: Edit) -> String {
        name_after(from, &Design { name: from.into(), ..zoo::preset("shufflenet-v2-x1.0").unwrap().apply(&edit) })
    }

    #[test]
    fn a_preset_keeps_its_name_only_while_it_is_that_preset() {
        assert_eq!(named("shufflenet-v2-x1.0", Edit::Width(1.5)), "shufflenet-v2-x1.5");
        assert_eq!(named("shufflenet-v2-x1.0", Edit::Width(1.37)), "shufflenet-v2 (edited)");
        assert_eq!(named("shufflenet-v2 (edited)", Edit::Width(2.0)), "shufflenet-v2-x2.0");
        assert_eq!(named("shufflenet-v2-x1.0", Edit::Blocks(BlockEdit::Kernel(5))), "shufflenet-v2 (edited)");
    }

    #[test]
    fn a_name_of_ones_own_stays() {
        assert_eq!(named("mine", Edit::Width(1.5)), "mine");
        assert_eq!(named("mine (edited)", Edit::Width(1.5)), "mine (edited)");
    }
}
