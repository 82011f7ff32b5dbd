//! Opening the store, whatever became of it since the last time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, ffi};

use super::lock::Turn;
use super::schema::{self, NEWEST};
use super::set_aside::{Damaged, set_aside};
use super::{StoreError, Timestamp};

/// The file in the data folder.
const FILE: &str = "store.sqlite";

/// How long one process waits for the writing of another.
const PATIENCE: Duration = Duration::from_secs(5);

/// See the [module](super). One connection: a thread that wants another opens the store again.
#[derive(Debug)]
pub struct Store {
    pub(super) connection: Connection,
    path: PathBuf,
}

/// A store, and what had to be done to have one.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// The one before it could not be read.
    pub damaged: Option<Damaged>,
}

impl Store {
    /// Opens the store of this data folder; makes folder and store where they are missing, brings an older schema up to
    /// date, takes over what version 0.1.0 has left in the folder, and sets a damaged store aside.
    ///
    /// # Errors
    /// Where the folder cannot be written, a newer program has made the store, or another process does not come to an
    /// end with opening it.
    pub fn open(folder: &Path) -> Result<Opened, StoreError> {
        let io = |source| StoreError::Io { path: folder.display().to_string(), source };
        std::fs::create_dir_all(folder).map_err(io)?;
        let _turn = Turn::wait(folder)?;
        let path = folder.join(FILE);
        let (store, damaged) = match Self::open_file(&path) {
            Ok(store) => (store, None),
            Err(error @ StoreError::Database { .. }) if error.is_damage() => {
                let reason = match error {
                    StoreError::Database { source, .. } => source.to_string(),
                    error => error.to_string(),
                };
                let kept_as = set_aside(&path, Timestamp::now())?;
                (Self::open_file(&path)?, Some(Damaged { path, kept_as, reason }))
            }
            Err(error) => return Err(error),
        };
        store.take_over(folder)?;
        Ok(Opened { store, damaged })
    }

    /// A store that ends with the program, for where there can be no other.
    ///
    /// # Errors
    /// Where there is no memory.
    pub fn in_memory() -> Result<Self, StoreError> {
        let path = PathBuf::from("the store in memory");
        let error = |source| StoreError::Database { path: path.display().to_string(), source };
        let connection = Connection::open_in_memory().map_err(error)?;
        schema::migrate(&connection).map_err(error)?;
        Ok(Self { connection, path })
    }

    fn open_file(path: &Path) -> Result<Self, StoreError> {
        let error = |source| StoreError::Database { path: path.display().to_string(), source };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(error)?;
        connection.busy_timeout(PATIENCE).map_err(error)?;
        // Closing would tidy up: what turns out to be damaged, or newer, is to stay as it is, with its log.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(error)?;
        // Before anything else: a newer program's store is left exactly as it is.
        let found = schema::version(&connection).map_err(error)?;
        if found > NEWEST {
            return Err(StoreError::Newer { path: path.display().to_string(), found, known: NEWEST });
        }
        prepare(&connection).map_err(error)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(error)?;
        Ok(Self { connection, path: path.to_owned() })
    }

    /// The file, for messages.
    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Reads; what goes wrong is told with the file's name.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        read(&self.connection).map_err(|source| StoreError::Database { path: self.name(), source })
    }

    /// Writes everything or nothing. The turn to write is taken at once, so that waiting for another process is all that
    /// can be needed.
    pub(super) fn write<T>(
        &self,
        write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.read(|connection| {
            let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
            let written = write(&transaction)?;
            transaction.commit()?;
            Ok(written)
        })
    }
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(found)));
    }
    // Where the file system has no shared memory the answer is another mode, which does as well, only slower.
    connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0))?;
    // With a write-ahead log a dying process loses nothing, and a dying machine at most the last rows.
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    schema::migrate(connection)
}
