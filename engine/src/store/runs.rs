//! Every finished run: the material of a design's history and of the variance between processes.

use std::collections::{HashMap, VecDeque};

use rusqlite::{params, params_from_iter};

use super::context::ANY_BATCH;
use super::kept::seconds;
use super::{RunContext, Store, StoreError, Timestamp};
use crate::design::Fingerprint;
use crate::measure::{Measurement, Mode, Sorted};
use crate::units::Nanos;

/// Most runs kept; the oldest are forgotten.
const MOST: i64 = 20_000;

/// What says something about how processes scatter today: days, groups, and processes in each.
const DAYS: u64 = 30;
const GROUPS: usize = 20;
const MEDIANS: usize = 60;

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
    /// The median of every process, in the order they ran.
    pub process_medians: Vec<Nanos>,
}

/// What one network and batch showed; number 0 ran last.
struct Group {
    number: usize,
    medians: VecDeque<Nanos>,
}

impl RunRecord {
    /// The row of this measurement of the network called `model`.
    #[must_use]
    pub fn of(measurement: &Measurement, model: &str, context: RunContext, when: Timestamp) -> Self {
        let processes = measurement.processes.iter();
        Self {
            when,
            context,
            model: model.to_owned(),
            design: measurement.design.clone(),
            mode: measurement.mode,
            median: measurement.whole.median,
            low: measurement.whole.low,
            high: measurement.whole.high,
            process_medians: processes.filter_map(|process| Sorted::new(&process.whole_ns).median()).collect(),
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
        let [median, low, high] = [run.median, run.low, run.high].map(|time| i64::try_from(time.0).unwrap_or(i64::MAX));
        self.write(|transaction| {
            let context = run.context.put(transaction)?;
            transaction.execute(
                "INSERT INTO runs \
                 (context, taken, model, design, mode, median_ns, low_ns, high_ns, process_medians_ns) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    context,
                    seconds(run.when),
                    run.model,
                    run.design.to_string(),
                    run.mode.name(),
                    median,
                    low,
                    high,
                    medians
                ],
            )?;
            let oldest = "DELETE FROM runs WHERE id <= (SELECT max(id) FROM runs) - ?1";
            transaction.execute(oldest, params![MOST]).map(drop)
        })
    }

    /// How processes scatter in this context: for each network and batch that ran in it within 30 days, the medians of
    /// its processes, oldest first, at most the last 60; the 20 that ran last, the latest first. The batch of `context`
    /// does not matter, and what has a single median says nothing and is left out.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn process_medians(&self, context: &RunContext) -> Result<Vec<Vec<Nanos>>, StoreError> {
        let since = seconds(Timestamp::now().days_before(DAYS));
        self.read(|connection| {
            let mut statement = connection.prepare(&format!(
                "SELECT design, batch, process_medians_ns FROM runs JOIN contexts ON contexts.id = context \
                 WHERE {ANY_BATCH} AND taken >= ?8 ORDER BY runs.id DESC"
            ))?;
            let parameters = context.without_batch().into_iter().chain([since.into()]);
            let mut rows = statement.query(params_from_iter(parameters))?;
            let mut groups = HashMap::<(String, u32), Group>::new();
            while let Some(row) = rows.next()? {
                let medians: Vec<Nanos> = serde_json::from_str(row.get_ref(2)?.as_str()?).unwrap_or_default();
                let (number, of) = (groups.len(), (row.get(0)?, row.get(1)?));
                let group = groups.entry(of).or_insert_with(|| Group { number, medians: VecDeque::new() });
                let room = MEDIANS.saturating_sub(group.medians.len());
                medians.into_iter().rev().take(room).for_each(|median| group.medians.push_front(median));
            }
            let mut groups: Vec<Group> = groups.into_values().filter(|group| group.medians.len() > 1).collect();
            groups.sort_unstable_by_key(|group| group.number);
            Ok(groups.into_iter().take(GROUPS).map(|group| group.medians.into()).collect())
        })
    }
}
