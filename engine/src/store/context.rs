//! Under what circumstances a row was measured: the part of its key that is not the network.

use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use crate::runtime::RunOptions;

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What is written where the processor does not tell its name, and of what began before the machine was known.
pub(super) const UNKNOWN_MACHINE: &str = "unknown";

/// Machine, program version and way of running. A result is current only in an equal context.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RunContext {
    /// The processor's model.
    pub machine: String,
    /// Version of the program that measured.
    pub version: String,
    /// Device, runtime, precision, threads, batch, instruction set.
    pub options: RunOptions,
}

/// The columns that make a context, in the order that [`RunContext::read`] takes them.
pub(super) const COLUMNS: &str = "machine, device, version, runtime, precision, threads, instruction_set, batch";

/// Everything but the batch, as a condition on [`COLUMNS`] with the parameters 1 to 7.
pub(super) const ANY_BATCH: &str = "machine = ?1 AND device = ?2 AND version = ?3 AND runtime = ?4 AND precision = ?5 \
                                    AND threads = ?6 AND instruction_set = ?7";

impl RunContext {
    /// These options as this version of the program runs them on the machine named so.
    #[must_use]
    pub fn new(machine: Option<&str>, options: &RunOptions) -> Self {
        Self {
            machine: machine.unwrap_or(UNKNOWN_MACHINE).to_owned(),
            version: VERSION.to_owned(),
            options: options.clone(),
        }
    }

    /// The parameters of [`ANY_BATCH`].
    pub(super) fn without_batch(&self) -> [rusqlite::types::Value; 7] {
        let RunOptions { device, runtime, threads, batch: _, instruction_set, precision } = self.options;
        [
            self.machine.clone().into(),
            device.to_string().into(),
            self.version.clone().into(),
            runtime.name().to_owned().into(),
            precision.name().to_owned().into(),
            i64::try_from(threads).unwrap_or(i64::MAX).into(),
            instruction_set.map_or("", |isa| isa.name()).to_owned().into(),
        ]
    }

    /// The number of this context's row, where there is one.
    pub(super) fn find(&self, connection: &Connection) -> rusqlite::Result<Option<i64>> {
        let [machine, device, version, runtime, precision, threads, instruction_set] = self.without_batch();
        let sql = format!("SELECT id FROM contexts WHERE {ANY_BATCH} AND batch = ?8");
        let mut statement = connection.prepare(&sql)?;
        let batch = self.options.batch;
        let mut rows =
            statement.query(params![machine, device, version, runtime, precision, threads, instruction_set, batch])?;
        rows.next()?.map(|row| row.get(0)).transpose()
    }

    /// The number of this context's row, which is made where there is none.
    pub(super) fn put(&self, connection: &Connection) -> rusqlite::Result<i64> {
        if let Some(id) = self.find(connection)? {
            return Ok(id);
        }
        let [machine, device, version, runtime, precision, threads, instruction_set] = self.without_batch();
        let sql = format!("INSERT INTO contexts ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
        let batch = self.options.batch;
        connection
            .execute(&sql, params![machine, device, version, runtime, precision, threads, instruction_set, batch])?;
        Ok(connection.last_insert_rowid())
    }

    /// The context in a row's first columns; `None` where it names a device, runtime or precision that this
    /// version does not know.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Option<Self>> {
        let (device, runtime) = (row.get::<_, String>(1)?, row.get::<_, String>(3)?);
        let (threads, isa) = (row.get::<_, i64>(5)?, row.get::<_, String>(6)?);
        let precision = row.get::<_, String>(4)?.parse();
        let (Ok(device), Ok(runtime), Ok(precision), Ok(threads)) =
            (device.parse(), runtime.parse(), precision, usize::try_from(threads))
        else {
            return Ok(None);
        };
        let instruction_set = match isa.as_str() {
            "" => None,
            name => match name.parse() {
                Ok(isa) => Some(isa),
                Err(_) => return Ok(None),
            },
        };
        let options = RunOptions { device, runtime, threads, batch: row.get(7)?, instruction_set, precision };
        Ok(Some(Self { machine: row.get(0)?, version: row.get(2)?, options }))
    }
}
