//! The time of every kernel that was ever measured, by network: the material of predictions.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::{Transaction, params, params_from_iter};
use serde::{Deserialize, Serialize};

use super::context::ANY_BATCH;
use super::kept::{seconds, timestamp};
use super::{RunContext, Store, StoreError, Timestamp};
use crate::design::Fingerprint;
use crate::graph::Graph;
use crate::measure::{Measurement, Sorted};
use crate::runtime::{KernelPlan, KernelSpec};
use crate::units::Nanos;

/// Most networks kept; the oldest are forgotten.
const MOST: i64 = 20_000;

/// Most networks of one target that are read: the latest ones.
const READ: i64 = 2_000;

/// What was predicted of a network before it was measured: a median and its 90 % band.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// The median.
    pub predicted: Nanos,
    /// Lower end of the band.
    pub low: Nanos,
    /// Upper end of the band.
    pub high: Nanos,
}

/// One network and the time of each of its kernels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KernelRun {
    /// When it was finished.
    pub when: Timestamp,
    /// What people call the network.
    pub model: String,
    /// What ran.
    pub design: Fingerprint,
    /// The headline: what a run takes whose kernels are not timed one by one.
    pub whole: Nanos,
    /// What the canary took meanwhile, which tells the processor's clock; `None` on a GPU, whose clock it does not tell.
    pub canary: Option<Nanos>,
    /// Every kernel and its median, in launch order.
    pub kernels: Vec<(KernelSpec, Nanos)>,
    /// What was predicted before.
    pub estimate: Option<Estimate>,
}

impl KernelRun {
    /// The kernels of a measurement of `graph`, which `plan` cuts into kernels. `None` where the measurement has no times
    /// of kernels, where it ran as other kernels, or where it was disturbed from outside.
    #[must_use]
    pub fn of(
        measurement: &Measurement,
        (model, graph, plan): (&str, &Graph, &KernelPlan),
        estimate: Option<Estimate>,
        when: Timestamp,
    ) -> Option<Self> {
        let breakdown = measurement.breakdown.as_ref()?;
        if measurement.is_disturbed() || breakdown.kernels.len() != plan.kernels.len() {
            return None;
        }
        let kernels = plan.kernels.iter().zip(&breakdown.kernels).map(|(planned, timed)| {
            let paths = planned.layers.iter().map(|&layer| graph.node(layer).path.as_str());
            let is_this = paths.eq(timed.layers.iter().map(String::as_str));
            Some((planned.spec.clone().filter(|_| is_this)?, timed.median))
        });
        let readings = measurement.processes.iter().flat_map(|process| process.canary_ns.iter().copied());
        let canary = readings.collect::<Sorted>().median().filter(|_| !measurement.device.is_gpu());
        Some(Self {
            when,
            model: model.to_owned(),
            design: measurement.design.clone(),
            whole: measurement.whole.median,
            canary,
            kernels: kernels.collect::<Option<_>>()?,
            estimate,
        })
    }
}

impl Store {
    /// Remembers the kernels of a network in this context.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub fn note_kernels(&self, context: &RunContext, run: &KernelRun) -> Result<(), StoreError> {
        let mut specs = Vec::with_capacity(run.kernels.len());
        for (spec, time) in &run.kernels {
            let text = serde_json::to_string(spec).map_err(|source| StoreError::Unwritable {
                path: self.name(),
                name: run.model.clone(),
                source,
            })?;
            specs.push((text, nanos(*time)));
        }
        let estimate = run.estimate.map(|Estimate { predicted, low, high }| [predicted, low, high].map(nanos));
        self.write(|transaction| {
            let context = context.put(transaction)?;
            let [predicted, low, high] = estimate.map_or([None; 3], |times| times.map(Some));
            transaction.execute(
                "INSERT INTO kernel_runs \
                 (context, taken, model, design, whole_ns, predicted_ns, low_ns, high_ns, canary_ns) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    context,
                    seconds(run.when),
                    run.model,
                    run.design.to_string(),
                    nanos(run.whole),
                    predicted,
                    low,
                    high,
                    run.canary.map(nanos)
                ],
            )?;
            let number = transaction.last_insert_rowid();
            put_kernels(transaction, number, &specs)?;
            let oldest = "(SELECT id FROM kernel_runs WHERE id <= (SELECT max(id) FROM kernel_runs) - ?1)";
            transaction.execute(&format!("DELETE FROM kernel_times WHERE run IN {oldest}"), params![MOST])?;
            transaction.execute(&format!("DELETE FROM kernel_runs WHERE id IN {oldest}"), params![MOST]).map(drop)
        })
    }

    /// The networks whose kernels were measured in this context, whatever the batch; the newest last. A network with a
    /// kernel that this version cannot read is left out.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn kernel_runs(&self, context: &RunContext) -> Result<Vec<KernelRun>, StoreError> {
        let latest = format!(
            "SELECT kernel_runs.id FROM kernel_runs JOIN contexts ON contexts.id = context WHERE {ANY_BATCH} \
             ORDER BY kernel_runs.id DESC LIMIT {READ}"
        );
        let parameters = || params_from_iter(context.without_batch());
        self.read(|connection| {
            let mut runs = Vec::new();
            let mut statement = connection.prepare(&format!(
                "SELECT id, taken, model, design, whole_ns, predicted_ns, low_ns, high_ns, canary_ns FROM kernel_runs \
                 WHERE id IN ({latest}) ORDER BY id"
            ))?;
            let mut rows = statement.query(parameters())?;
            while let Some(row) = rows.next()? {
                let estimate = match (row.get(5)?, row.get(6)?, row.get(7)?) {
                    (Some(predicted), Some(low), Some(high)) => {
                        let [predicted, low, high] = [predicted, low, high].map(time);
                        Some(Estimate { predicted, low, high })
                    }
                    _ => None,
                };
                let run = KernelRun {
                    when: timestamp(row.get(1)?),
                    model: row.get(2)?,
                    design: Fingerprint::written(row.get(3)?),
                    whole: time(row.get(4)?),
                    canary: row.get::<_, Option<i64>>(8)?.map(time),
                    kernels: Vec::new(),
                    estimate,
                };
                runs.push((row.get::<_, i64>(0)?, run));
            }
            let mut statement = connection.prepare(&format!(
                "SELECT run, kernel_specs.id, kernel_specs.spec, median_ns FROM kernel_times \
                 JOIN kernel_specs ON kernel_specs.id = kernel_times.spec \
                 WHERE run IN ({latest}) ORDER BY run, place"
            ))?;
            let mut specs = HashMap::<i64, Option<KernelSpec>>::new();
            let mut rows = statement.query(parameters())?;
            let mut at = 0;
            let mut unreadable = Vec::new();
            while let Some(row) = rows.next()? {
                let number: i64 = row.get(0)?;
                while runs.get(at).is_some_and(|(of, _)| *of < number) {
                    at += 1;
                }
                let id: i64 = row.get(1)?;
                if let Entry::Vacant(unread) = specs.entry(id) {
                    unread.insert(serde_json::from_slice(row.get_ref(2)?.as_str()?.as_bytes()).ok());
                }
                let Some((of, run)) = runs.get_mut(at).filter(|(of, _)| *of == number) else { continue };
                match specs.get(&id).and_then(Option::as_ref) {
                    Some(spec) => run.kernels.push((spec.clone(), time(row.get(3)?))),
                    None => unreadable.push(*of),
                }
            }
            let is_whole = |(number, run): &(i64, KernelRun)| !run.kernels.is_empty() && !unreadable.contains(number);
            Ok(runs.into_iter().filter(is_whole).map(|(_, run)| run).collect())
        })
    }
}

fn put_kernels(transaction: &Transaction<'_>, run: i64, specs: &[(String, i64)]) -> rusqlite::Result<()> {
    let mut known = transaction.prepare("INSERT OR IGNORE INTO kernel_specs (spec) VALUES (?1)")?;
    let mut timed = transaction.prepare(
        "INSERT INTO kernel_times (run, place, spec, median_ns) \
         SELECT ?1, ?2, id, ?4 FROM kernel_specs WHERE spec = ?3",
    )?;
    for (place, (spec, median)) in (0_i64..).zip(specs) {
        known.execute(params![spec])?;
        timed.execute(params![run, place, spec, median])?;
    }
    Ok(())
}

fn nanos(time: Nanos) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

fn time(nanos: i64) -> Nanos {
    Nanos(u64::try_from(nanos).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::Batch;
    use crate::device::DeviceId;
    use crate::graph::lower;
    use crate::runtime::{RunOptions, plan_without_weights};
    use crate::zoo;

    fn options(threads: usize) -> RunOptions {
        RunOptions::new(DeviceId::Cpu, threads, 1)
    }

    fn run(name: &str) -> KernelRun {
        let design = zoo::preset(name).unwrap();
        let graph = lower(&design, Batch(1)).unwrap();
        let plan = plan_without_weights(&graph, &options(1)).unwrap();
        let kernels = plan.kernels.into_iter().filter_map(|kernel| kernel.spec);
        KernelRun {
            when: Timestamp(7),
            model: name.to_owned(),
            design: design.fingerprint(),
            whole: Nanos(1_234_567),
            canary: Some(Nanos(321)),
            kernels: kernels.zip(1..).map(|(spec, time)| (spec, Nanos(time))).collect(),
            estimate: Some(Estimate { predicted: Nanos(5), low: Nanos(4), high: Nanos(6) }),
        }
    }

    #[test]
    fn the_kernels_of_a_network_come_back_as_they_were_in_their_context_alone() {
        let store = Store::in_memory().unwrap();
        let here = RunContext::new(Some("a processor"), &options(1));
        // With gates of squeeze-and-excitation, whose activation no design may choose.
        let (first, second) = (run("shufflenet-v2-164-se"), KernelRun { estimate: None, ..run("mobilenet-v2-x1.0") });
        store.note_kernels(&here, &first).unwrap();
        store.note_kernels(&here, &second).unwrap();
        let other_batch = RunContext::new(Some("a processor"), &RunOptions { batch: 8, ..options(1) });
        assert_eq!(store.kernel_runs(&other_batch).unwrap(), [first, second], "the batch is in the spec");
        for elsewhere in
            [RunContext::new(Some("another"), &options(1)), RunContext::new(Some("a processor"), &options(2))]
        {
            assert_eq!(store.kernel_runs(&elsewhere).unwrap(), []);
        }
    }

    #[test]
    fn a_network_with_a_kernel_that_this_version_cannot_read_is_left_out() {
        let store = Store::in_memory().unwrap();
        let here = RunContext::new(Some("a processor"), &options(1));
        store.note_kernels(&here, &run("shufflenet-v2-x1.0")).unwrap();
        store.connection.execute("UPDATE kernel_specs SET spec = '{\"of\": \"tomorrow\"}' WHERE id = 3", []).unwrap();
        store.note_kernels(&here, &run("mobilenet-v2-x1.0")).unwrap();
        let models: Vec<String> = store.kernel_runs(&here).unwrap().into_iter().map(|run| run.model).collect();
        assert_eq!(models, ["mobilenet-v2-x1.0"]);
    }

    #[test]
    fn the_oldest_networks_are_forgotten_with_their_kernels() {
        let store = Store::in_memory().unwrap();
        let here = RunContext::new(Some("a processor"), &options(1));
        store.note_kernels(&here, &run("shufflenet-v2-x0.5")).unwrap();
        // As if as many as are kept had come since.
        store
            .connection
            .execute_batch(
                "INSERT INTO kernel_runs SELECT 20000, context, taken, model, design, whole_ns, \
            predicted_ns, low_ns, high_ns, canary_ns FROM kernel_runs WHERE id = 1",
            )
            .unwrap();
        store.note_kernels(&here, &run("shufflenet-v2-x1.0")).unwrap();
        let left = |table: &str, column: &str| -> i64 {
            let sql = format!("SELECT count(*) FROM {table} WHERE {column} = 1");
            store.connection.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        assert_eq!((left("kernel_runs", "id"), left("kernel_times", "run")), (0, 0));
    }
}
