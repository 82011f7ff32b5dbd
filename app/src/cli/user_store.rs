//! The user's store as commands use it: where it cannot be used they say so once and go on without.

use std::sync::Arc;

use shufflescope_engine::measure::{Measurement, NoiseFloor, Peaks, Scatter};
use shufflescope_engine::predict::Predictor;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::store::{Kept, KernelRun, Kind, Opened, RunContext, RunRecord, Store, StoreError, Timestamp};
use shufflescope_engine::sweep::PointResult;

use super::output::complain;
use super::site::Site;
use crate::kernel_times::{PEAKS, kept_peaks, kernel_run, way};
use crate::worker::Job;

/// See the module.
pub(super) struct UserStore {
    store: Option<Store>,
    machine: Option<String>,
    predictors: Vec<(RunContext, Option<Arc<Predictor>>)>,
}

impl UserStore {
    /// Opens the store of the data folder, for what is measured at this site.
    pub(super) fn open(site: &Site) -> Self {
        let folder = crate::data_folder();
        let opened = folder.as_deref().map(Store::open).transpose();
        let opened = opened.unwrap_or_else(|error| {
            complain(&format!("warning: nothing is remembered of this: {error}"));
            None
        });
        let store = opened.map(|Opened { store, damaged }| {
            if let Some(damaged) = damaged {
                complain(&format!("warning: {damaged}"));
            }
            store
        });
        Self { store, machine: site.name_in_store(), predictors: Vec::new() }
    }

    /// These options on the site's machine by this program.
    pub(super) fn context(&self, options: &RunOptions) -> RunContext {
        RunContext::new(self.machine.as_deref(), options)
    }

    /// What earlier comparisons in this way could not tell apart.
    pub(super) fn floor(&mut self, options: &RunOptions) -> Option<NoiseFloor> {
        let context = self.context(options);
        self.attempt(|store| store.floor(&context)).flatten()
    }

    /// Remembers what was just seen.
    pub(super) fn note_floor(&mut self, options: &RunOptions, floor: Option<NoiseFloor>) {
        let context = self.context(options);
        if let Some(floor) = floor {
            self.attempt(|store| store.note_floor(&context, floor));
        }
    }

    /// How runs of a network differ in this way of running, as far as earlier runs tell.
    pub(super) fn scatter(&mut self, job: &Job) -> Option<Scatter> {
        let (context, design) = (self.context(&job.options), job.design.fingerprint());
        self.attempt(|store| store.scatter(&context, &design, job.protocol.mode)).flatten()
    }

    /// Remembers a finished measurement of the network called `model`.
    pub(super) fn note_run(&mut self, model: &str, measurement: &Measurement) {
        let context = self.context(&measurement.key().options);
        let run = RunRecord::of(measurement, model, context, Timestamp::now());
        self.attempt(|store| store.note_run(&run));
    }

    /// Remembers the kernels of a finished measurement, with what was predicted of it before; nothing where it ran as other
    /// kernels than those that are planned without its device.
    pub(super) fn note_kernels(&mut self, job: &Job, measurement: &Measurement) {
        let predictor = self.predictor(&job.options);
        if let Some(run) = kernel_run(&job.design, &job.options, measurement, predictor.as_deref()) {
            let context = self.context(&measurement.key().options);
            self.attempt(|store| store.note_kernels(&context, &run));
        }
    }

    /// Remembers the kernels of a network that was measured in this way of running.
    pub(super) fn note_kernel_run(&mut self, options: &RunOptions, run: &KernelRun) {
        let context = self.context(options);
        self.attempt(|store| store.note_kernels(&context, run));
    }

    /// What was known of this way of running when it was first asked for; `None` where nothing was.
    pub(super) fn predictor(&mut self, options: &RunOptions) -> Option<Arc<Predictor>> {
        let context = self.context(&way(options));
        if let Some((_, known)) = self.predictors.iter().find(|(of, _)| *of == context) {
            return known.clone();
        }
        let known = self.learn(options);
        self.predictors.push((context, known.clone()));
        known
    }

    /// What is known of this way of running by now.
    pub(super) fn learn(&mut self, options: &RunOptions) -> Option<Arc<Predictor>> {
        let context = self.context(&way(options));
        let runs = self.kernel_runs(options);
        let peaks = self.peaks(options);
        let known = Predictor::new(&runs, peaks.as_ref()).map(Arc::new);
        if let Some((_, older)) = self.predictors.iter_mut().find(|(of, _)| *of == context) {
            older.clone_from(&known);
        }
        known
    }

    /// The networks whose kernels were measured in this way of running.
    pub(super) fn kernel_runs(&mut self, options: &RunOptions) -> Vec<KernelRun> {
        let context = self.context(options);
        self.attempt(|store| store.kernel_runs(&context)).unwrap_or_default()
    }

    /// What the device can do at most, where it was measured.
    pub(super) fn peaks(&mut self, options: &RunOptions) -> Option<Peaks> {
        let context = self.context(&way(options));
        self.attempt(|store| kept_peaks(store, &context)).flatten()
    }

    /// Remembers what the device can do at most.
    pub(super) fn keep_peaks(&mut self, options: &RunOptions, peaks: Peaks) {
        let context = self.context(&way(options));
        self.attempt(|store| store.keep(Kind::Peaks, PEAKS, &Kept::now(context, peaks)));
    }

    /// Whether anything is remembered.
    pub(super) const fn is_there(&self) -> bool {
        self.store.is_some()
    }

    /// The point of a sweep that was finished in this context.
    pub(super) fn point(&mut self, key: &str, context: &RunContext) -> Option<PointResult> {
        let kept = self.attempt(|store| store.kept(Kind::Point, key))?;
        kept.into_iter().rev().find(|kept| kept.context == *context).map(|kept| kept.result)
    }

    /// Remembers a finished point of a sweep.
    pub(super) fn keep_point(&mut self, key: &str, context: RunContext, point: PointResult) {
        let kept = Kept::now(context, point);
        self.attempt(|store| store.keep(Kind::Point, key, &kept));
    }

    /// After the first failure nobody tries again: one message is enough.
    fn attempt<T>(&mut self, what: impl FnOnce(&Store) -> Result<T, StoreError>) -> Option<T> {
        match what(self.store.as_ref()?) {
            Ok(value) => Some(value),
            Err(error) => {
                complain(&format!("warning: nothing more is remembered of this: {error}"));
                self.store = None;
                None
            }
        }
    }
}
