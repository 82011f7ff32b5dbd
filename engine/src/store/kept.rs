//! Results that survive a restart: of each name and context the last one.

use rusqlite::params;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::context::COLUMNS;
use super::context::UNKNOWN_MACHINE;
use super::{RunContext, Store, StoreError, Timestamp, VERSION};
use crate::runtime::RunOptions;

/// So many results that were written last are kept.
const MOST: i64 = 50_000;

/// What a result is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Two networks in turns.
    Comparison,
    /// One of the paper's experiments.
    Experiment,
    /// Networks of the zoo.
    Networks,
    /// A sweep: which points it has.
    Sweep,
    /// One point of a sweep, by what ran, how, and by which protocol.
    Point,
    /// What a device can do at most.
    Peaks,
    /// A search for designs.
    Exploration,
}

impl Kind {
    /// The name in the store; those of 0.1.0 are the names of its folders.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Comparison => "compare",
            Self::Experiment => "experiments",
            Self::Networks => "networks",
            Self::Sweep => "sweeps",
            Self::Point => "points",
            Self::Peaks => "peaks",
            Self::Exploration => "explorations",
        }
    }
}

/// A result and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept<T> {
    /// Machine, program version, way of running.
    #[serde(flatten)]
    pub context: RunContext,
    /// When it was finished, in seconds since 1970.
    pub finished: Timestamp,
    /// The result.
    pub result: T,
}

impl<T> Kept<T> {
    /// A result that was finished now.
    pub fn now(context: RunContext, result: T) -> Self {
        Self { context, finished: Timestamp::now(), result }
    }

    /// `23 November 2026, 04:20 UTC; cpu, tuned, 2 threads, batch 1; on ...; version 0.2.0`.
    #[must_use]
    pub fn about(&self) -> String {
        let Self { context: RunContext { machine, version, options, .. }, finished, .. } = self;
        format!("{finished}; {options}; on {machine}; version {version}")
    }

    /// Whether this version of the program took it in this way on this machine.
    #[must_use]
    pub fn is_of(&self, machine: Option<&str>, options: &RunOptions) -> bool {
        let RunContext { machine: of, version, options: with } = &self.context;
        // Until the machine is known, its own results are not called another's; nor is what began before it was.
        let is_here = machine.is_none_or(|machine| machine == of || of == UNKNOWN_MACHINE);
        is_here && version == VERSION && with == options
    }
}

impl Store {
    /// Keeps a result in place of an older one of the same name and context.
    ///
    /// # Errors
    /// Where it has no JSON form, or the store takes nothing more.
    pub fn keep<T: Serialize>(&self, kind: Kind, name: &str, kept: &Kept<T>) -> Result<(), StoreError> {
        let result = serde_json::to_string(&kept.result).map_err(|source| StoreError::Unwritable {
            path: self.name(),
            name: name.to_owned(),
            source,
        })?;
        self.write(|transaction| {
            let context = kept.context.put(transaction)?;
            let finished = seconds(kept.finished);
            transaction.execute(
                "INSERT OR REPLACE INTO results (kind, name, context, finished, result) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![kind.name(), name, context, finished, result],
            )?;
            let oldest = "DELETE FROM results WHERE id <= (SELECT max(id) FROM results) - ?1";
            transaction.execute(oldest, params![MOST]).map(drop)
        })
    }

    /// What there is of this name, of every context, the latest last. Results that this version cannot read any more
    /// are left out: they are measured again.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn kept<T: DeserializeOwned>(&self, kind: Kind, name: &str) -> Result<Vec<Kept<T>>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare(&format!(
                "SELECT {COLUMNS}, finished, result FROM results JOIN contexts ON contexts.id = context \
                 WHERE kind = ?1 AND name = ?2 ORDER BY finished, results.id"
            ))?;
            let mut rows = statement.query(params![kind.name(), name])?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                let (context, finished) = (RunContext::read(row)?, timestamp(row.get(8)?));
                let result = serde_json::from_slice(row.get_ref(9)?.as_str()?.as_bytes());
                if let (Some(context), Ok(result)) = (context, result) {
                    all.push(Kept { context, finished, result });
                }
            }
            Ok(all)
        })
    }

    /// Forgets the result of this name and context.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub fn forget(&self, kind: Kind, name: &str, context: &RunContext) -> Result<(), StoreError> {
        self.write(|transaction| {
            let Some(context) = context.find(transaction)? else { return Ok(()) };
            let of = params![kind.name(), name, context];
            transaction.execute("DELETE FROM results WHERE kind = ?1 AND name = ?2 AND context = ?3", of).map(drop)
        })
    }
}

/// As the database keeps it.
pub(super) fn seconds(timestamp: Timestamp) -> i64 {
    i64::try_from(timestamp.0).unwrap_or(i64::MAX)
}

/// As [`seconds`] wrote it.
pub(super) fn timestamp(seconds: i64) -> Timestamp {
    Timestamp(u64::try_from(seconds).unwrap_or(0))
}
