//! The tables, as the steps that lead to them: a store of any earlier version is brought to the present one.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// Every step, the oldest first; the number of steps taken is the schema's version. A step that was released is never
/// changed.
const MIGRATIONS: [&str; 3] = [CONTEXTS_RESULTS_FLOORS_AND_RUNS, KERNEL_TIMES, KERNEL_CANARY];

/// Times are seconds since 1970 or nanoseconds, as the names say. An empty instruction set is the widest there is.
const CONTEXTS_RESULTS_FLOORS_AND_RUNS: &str = "
CREATE TABLE contexts (
    id INTEGER PRIMARY KEY,
    machine TEXT NOT NULL,
    device TEXT NOT NULL,
    version TEXT NOT NULL,
    runtime TEXT NOT NULL,
    precision TEXT NOT NULL,
    threads INTEGER NOT NULL,
    instruction_set TEXT NOT NULL,
    batch INTEGER NOT NULL,
    UNIQUE (machine, device, version, runtime, precision, threads, instruction_set, batch)
) STRICT;

CREATE TABLE results (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    context INTEGER NOT NULL REFERENCES contexts (id),
    finished INTEGER NOT NULL,
    result TEXT NOT NULL,
    UNIQUE (kind, name, context)
) STRICT;

CREATE TABLE noise_floors (
    id INTEGER PRIMARY KEY,
    context INTEGER NOT NULL REFERENCES contexts (id),
    seen INTEGER NOT NULL,
    share REAL NOT NULL
) STRICT;
CREATE INDEX noise_floors_by_context ON noise_floors (context);

CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    context INTEGER NOT NULL REFERENCES contexts (id),
    taken INTEGER NOT NULL,
    model TEXT NOT NULL,
    design TEXT NOT NULL,
    mode TEXT NOT NULL,
    median_ns INTEGER NOT NULL,
    low_ns INTEGER NOT NULL,
    high_ns INTEGER NOT NULL,
    process_medians_ns TEXT NOT NULL,
    canary_ns INTEGER
) STRICT;
CREATE INDEX runs_by_context ON runs (context);
CREATE INDEX runs_by_design ON runs (design);

CREATE TABLE taken_over (
    version TEXT PRIMARY KEY,
    taken INTEGER NOT NULL
) STRICT;
";

/// Networks whose kernels were timed, with what was predicted of each before it was measured.
const KERNEL_TIMES: &str = "
CREATE TABLE kernel_specs (
    id INTEGER PRIMARY KEY,
    spec TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE kernel_runs (
    id INTEGER PRIMARY KEY,
    context INTEGER NOT NULL REFERENCES contexts (id),
    taken INTEGER NOT NULL,
    model TEXT NOT NULL,
    design TEXT NOT NULL,
    whole_ns INTEGER NOT NULL,
    predicted_ns INTEGER,
    low_ns INTEGER,
    high_ns INTEGER
) STRICT;
CREATE INDEX kernel_runs_by_context ON kernel_runs (context);

CREATE TABLE kernel_times (
    run INTEGER NOT NULL REFERENCES kernel_runs (id),
    place INTEGER NOT NULL,
    spec INTEGER NOT NULL REFERENCES kernel_specs (id),
    median_ns INTEGER NOT NULL,
    PRIMARY KEY (run, place)
) STRICT, WITHOUT ROWID;
";

/// The canary beside them, which tells the clock that they ran at.
const KERNEL_CANARY: &str = "ALTER TABLE kernel_runs ADD COLUMN canary_ns INTEGER;";

/// The newest schema known here.
pub(super) const NEWEST: i64 = MIGRATIONS.len() as i64;

/// The schema of a store; 0 of an empty one.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Takes the steps that are missing, all or none.
pub(super) fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    if version(connection)? == NEWEST {
        return Ok(());
    }
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let taken = usize::try_from(version(&transaction)?).unwrap_or(0);
    for step in MIGRATIONS.iter().skip(taken) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", NEWEST)?;
    transaction.commit()
}
