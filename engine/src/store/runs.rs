//! Every finished run: the material of a design's history and of the variance between processes.

use std::collections::HashMap;

use rusqlite::{params, params_from_iter};

use super::context::ANY_BATCH;
use super::kept::seconds;
use super::{RunContext, Store, StoreError, Timestamp};
use crate::design::Fingerprint;
use crate::measure::{EarlierRuns, Measurement, Mode, Scatter, Sorted};
use crate::units::Nanos;

/// Most runs kept; the oldest are forgotten.
const MOST: i64 = 20_000;

/// What says something about how runs scatter today: days, networks, and runs of each.
const DAYS: u64 = 30;
const GROUPS: usize = 20;
const RUNS: usize = 60;

/// Runs whose canary tells what it usually takes.
const CANARIES: usize = 200;

/// A finished measurement in a row.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// When it was finished.
    pub when: Timestamp,
    /// Machine, program version, way of running.
    pub context: RunContext,
    /// What people call the network.
    pub model: String,
    /// What ran.
    pub design: Fingerprint,
    /// How carefully it was measured.
    pub mode: Mode,
    /// The headline.
    pub median: Nanos,
    /// Lower end of its interval.
    pub low: Nanos,
    /// Upper end of its interval.
    pub high: Nanos,
    /// The median of every process, in the order they ran; none of a run that was disturbed from outside, which tells
    /// nothing of how others scatter.
    pub process_medians: Vec<Nanos>,
    /// The median of the canary's readings; `None` of a run that was disturbed, or without readings.
    pub canary: Option<Nanos>,
}

impl RunRecord {
    /// The row of this measurement of the network called `model`.
    #[must_use]
    pub fn of(measurement: &Measurement, model: &str, context: RunContext, when: Timestamp) -> Self {
        let undisturbed = || measurement.processes.iter().filter(|_| !measurement.is_disturbed());
        // A run at another clock is not like the others; that it was one tells what the clock is, if it has changed for good.
        let comparable = || undisturbed().filter(|_| !measurement.is_off_the_usual_clock());
        let canary: Sorted = undisturbed().flat_map(|process| process.canary_ns.iter().copied()).collect();
        Self {
            when,
            context,
            model: model.to_owned(),
            design: measurement.design.clone(),
            mode: measurement.mode,
            median: measurement.whole.median,
            low: measurement.whole.low,
            high: measurement.whole.high,
            process_medians: comparable().filter_map(|process| Sorted::new(&process.whole_ns).median()).collect(),
            canary: canary.median(),
        }
    }
}

impl Store {
    /// Adds a finished run.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub fn note_run(&self, run: &RunRecord) -> Result<(), StoreError> {
        let medians = serde_json::to_string(&run.process_medians).map_err(|source| StoreError::Unwritable {
            path: self.name(),
            name: run.model.clone(),
            source,
        })?;
        let nanos = |time: Nanos| i64::try_from(time.0).unwrap_or(i64::MAX);
        let ([median, low, high], canary) = ([run.median, run.low, run.high].map(nanos), run.canary.map(nanos));
        self.write(|transaction| {
            let context = run.context.put(transaction)?;
            transaction.execute(
                "INSERT INTO runs \
                 (context, taken, model, design, mode, median_ns, low_ns, high_ns, process_medians_ns, canary_ns) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    context,
                    seconds(run.when),
                    run.model,
                    run.design.to_string(),
                    run.mode.name(),
                    median,
                    low,
                    high,
                    medians,
                    canary
                ],
            )?;
            let oldest = "DELETE FROM runs WHERE id <= (SELECT max(id) FROM runs) - ?1";
            transaction.execute(oldest, params![MOST]).map(drop)
        })
    }

    /// How runs of this network differ in this context, as far as runs of the last 30 days in the same mode tell: those of
    /// any network and batch by this version on this machine in this way of running, the last 60 runs of each of the 20
    /// that ran last; and what the canary usually takes there. `None` where nothing is known of either.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn scatter(
        &self,
        context: &RunContext,
        design: &Fingerprint,
        mode: Mode,
    ) -> Result<Option<Scatter>, StoreError> {
        let canary = self.usual_canary(context)?;
        let known = Scatter::of(&self.earlier_runs(context, design, mode)?);
        let nothing = Scatter { between_runs: 0.0, between_processes: 0.0, canary, degrees_of_freedom: 0.0 };
        Ok(known.map(|known| Scatter { canary, ..known }).or(canary.map(|_| nothing)))
    }

    /// What the canary usually takes in this context, over the last runs of any network and mode.
    fn usual_canary(&self, context: &RunContext) -> Result<Option<Nanos>, StoreError> {
        let since = seconds(Timestamp::now().days_before(DAYS));
        self.read(|connection| {
            let mut statement = connection.prepare(&format!(
                "SELECT canary_ns FROM runs JOIN contexts ON contexts.id = context \
                 WHERE {ANY_BATCH} AND taken >= ?8 AND canary_ns IS NOT NULL ORDER BY runs.id DESC LIMIT {CANARIES}"
            ))?;
            let parameters = context.without_batch().into_iter().chain([since.into()]);
            let readings = statement.query_map(params_from_iter(parameters), |row| row.get::<_, i64>(0))?;
            let readings: Vec<i64> = readings.collect::<rusqlite::Result<_>>()?;
            Ok(readings
                .into_iter()
                .filter_map(|reading| u64::try_from(reading).ok().map(Nanos))
                .collect::<Sorted>()
                .median())
        })
    }

    /// The runs that [`scatter`](Self::scatter) rests on: the network that ran last comes first.
    pub(super) fn earlier_runs(
        &self,
        context: &RunContext,
        design: &Fingerprint,
        mode: Mode,
    ) -> Result<Vec<EarlierRuns>, StoreError> {
        let since = seconds(Timestamp::now().days_before(DAYS));
        self.read(|connection| {
            let mut statement = connection.prepare(&format!(
                "SELECT design, batch, process_medians_ns FROM runs JOIN contexts ON contexts.id = context \
                 WHERE {ANY_BATCH} AND taken >= ?8 AND mode = ?9 ORDER BY runs.id DESC"
            ))?;
            let parameters = context.without_batch().into_iter().chain([since.into(), mode.name().to_owned().into()]);
            let mut rows = statement.query(params_from_iter(parameters))?;
            let asked = (design.to_string(), context.options.batch);
            let mut places = HashMap::<(String, u32), usize>::new();
            let mut earlier = Vec::<EarlierRuns>::new();
            while let Some(row) = rows.next()? {
                let medians: Vec<Nanos> =
                    serde_json::from_slice(row.get_ref(2)?.as_str()?.as_bytes()).unwrap_or_default();
                let of = (row.get(0)?, row.get(1)?);
                let same_model = of == asked;
                let place = *places.entry(of).or_insert_with(|| {
                    earlier.push(EarlierRuns { same_model, runs: Vec::new() });
                    earlier.len() - 1
                });
                let group = earlier.get_mut(place).filter(|group| group.runs.len() < RUNS && !medians.is_empty());
                group.into_iter().for_each(|group| group.runs.push(medians.clone()));
            }
            earlier.retain(|group| !group.runs.is_empty());
            earlier.truncate(GROUPS);
            earlier.iter_mut().for_each(|group| group.runs.reverse());
            Ok(earlier)
        })
    }
}
