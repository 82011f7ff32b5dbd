//! How long a design took over dates and versions, on every machine that this store has seen.

use rusqlite::{Row, params};
use serde::{Serialize, Serializer};

use super::kept::timestamp;
use super::{Store, StoreError, Timestamp};
use crate::design::Fingerprint;
use crate::units::Nanos;

/// A finished run. Device, runtime and mode are words: rows of a program that knows more of them are shown as well. Its
/// JSON form is a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryRow {
    /// When it was finished; in JSON as RFC 3339, UTC.
    #[serde(serialize_with = "as_rfc3339")]
    pub when: Timestamp,
    /// Version of the program that measured.
    pub version: String,
    /// The processor's model.
    pub machine: String,
    /// `cpu`, `cuda:0`
    pub device: String,
    /// How it ran.
    pub options: HistoryOptions,
    /// What people called the network then.
    pub model: String,
    /// Its fingerprint.
    pub design: String,
    /// The headline.
    #[serde(rename = "median_ns")]
    pub median: Nanos,
    /// Lower end of its interval.
    #[serde(rename = "low_ns")]
    pub low: Nanos,
    /// Upper end of its interval.
    #[serde(rename = "high_ns")]
    pub high: Nanos,
}

/// How a row ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryOptions {
    /// `tuned`, `candle`
    pub runtime: String,
    /// CPU threads.
    pub threads: u64,
    /// Images per run.
    pub batch: u32,
    /// `f32`
    pub precision: String,
    /// The instruction set, where one was forced.
    pub instruction_set: Option<String>,
    /// `live`, `rigorous`
    pub mode: String,
}

impl HistoryRow {
    /// Whether both ran on the same machine and device in the same way, by whatever version: only then the one's time
    /// says something about the other's. How carefully they were measured does not matter.
    #[must_use]
    pub fn is_comparable_with(&self, other: &Self) -> bool {
        let way = |row: &Self| HistoryOptions { mode: String::new(), ..row.options.clone() };
        (&self.design, &self.machine, &self.device) == (&other.design, &other.machine, &other.device)
            && way(self) == way(other)
    }

    /// The median over that of the last comparable row of `earlier`.
    #[must_use]
    pub fn ratio_to_last(&self, earlier: &[Self]) -> Option<f64> {
        let before = earlier.iter().rev().find(|row| self.is_comparable_with(row))?;
        (before.median.0 > 0).then(|| self.median.as_f64() / before.median.as_f64())
    }

    /// `tuned, 2 threads, batch 1`
    #[must_use]
    pub fn way(&self) -> String {
        let HistoryOptions { runtime, threads, batch, instruction_set, .. } = &self.options;
        let isa = instruction_set.as_ref().map_or_else(String::new, |isa| format!(" ({isa})"));
        let plural = if *threads == 1 { "" } else { "s" };
        format!("{runtime}{isa}, {threads} thread{plural}, batch {batch}")
    }

    /// The precision behind the [`way`](Self::way), where it is not 32 bits.
    #[must_use]
    pub fn remark(&self) -> String {
        match self.options.precision.as_str() {
            "f32" => String::new(),
            precision => format!(", {precision}"),
        }
    }
}

impl Store {
    /// The runs of this design, or of all; the newest last.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn history(&self, design: Option<&Fingerprint>) -> Result<Vec<HistoryRow>, StoreError> {
        let design = design.map(ToString::to_string);
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT taken, version, machine, device, runtime, threads, batch, precision, instruction_set, mode, \
                 model, design, median_ns, low_ns, high_ns FROM runs JOIN contexts ON contexts.id = context \
                 WHERE ?1 IS NULL OR design = ?1 ORDER BY taken, runs.id",
            )?;
            statement.query_map(params![design], read)?.collect()
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<HistoryRow> {
    let time = |index| Ok::<_, rusqlite::Error>(Nanos(u64::try_from(row.get::<_, i64>(index)?).unwrap_or(0)));
    let instruction_set: String = row.get(8)?;
    Ok(HistoryRow {
        when: timestamp(row.get(0)?),
        version: row.get(1)?,
        machine: row.get(2)?,
        device: row.get(3)?,
        options: HistoryOptions {
            runtime: row.get(4)?,
            threads: u64::try_from(row.get::<_, i64>(5)?).unwrap_or(0),
            batch: row.get(6)?,
            precision: row.get(7)?,
            instruction_set: (!instruction_set.is_empty()).then_some(instruction_set),
            mode: row.get(9)?,
        },
        model: row.get(10)?,
        design: row.get(11)?,
        median: time(12)?,
        low: time(13)?,
        high: time(14)?,
    })
}

fn as_rfc3339<S: Serializer>(when: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&when.rfc3339())
}
