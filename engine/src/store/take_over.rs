//! What version 0.1.0 kept in files of the data folder is taken over once; the files are left where they are.

use std::path::Path;

use rusqlite::{Connection, params};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::kept::seconds;
use super::{Kind, RunContext, Store, StoreError, Timestamp};
use crate::device::DeviceId;
use crate::files::read_regular;
use crate::runtime::{Isa, RunOptions, Runtime};
use crate::units::Bytes;

/// The version whose files these are. They do not say it themselves.
const VERSION: &str = "0.1.0";

/// Largest file read, and most files of one kind: what is beyond that is none of ours.
const MOST: Bytes = Bytes(64 << 20);
const MAX_FILES: usize = 2_000;

/// `lab/KIND/*.json`
#[derive(Deserialize)]
struct KeptFile {
    of: String,
    kept: OldKept,
}

#[derive(Deserialize)]
struct OldKept {
    machine: Option<String>,
    options: RunOptions,
    finished: Timestamp,
    result: Value,
}

/// `noise-floors.json`
#[derive(Deserialize)]
struct FloorsFile {
    seen: Vec<SeenFloors>,
}

#[derive(Deserialize)]
struct SeenFloors {
    machine: String,
    device: DeviceId,
    runtime: Runtime,
    threads: usize,
    #[serde(default)]
    instruction_set: Option<Isa>,
    floors: Vec<f64>,
}

/// A line of `sweep.jsonl`
#[derive(Deserialize)]
struct PointLine {
    key: String,
    result: Value,
}

impl Store {
    /// Takes the files of this folder over, all or none, unless that was done before. A file that cannot be read is left
    /// out: what it held is measured again.
    pub(super) fn take_over(&self, folder: &Path) -> Result<(), StoreError> {
        let is_done = |connection: &Connection| {
            connection.query_row("SELECT EXISTS (SELECT 1 FROM taken_over WHERE version = ?1)", [VERSION], |row| {
                row.get::<_, bool>(0)
            })
        };
        if self.read(is_done)? {
            return Ok(());
        }
        self.write(|transaction| {
            for kind in [Kind::Comparison, Kind::Experiment, Kind::Networks, Kind::Sweep] {
                let entries = std::fs::read_dir(folder.join("lab").join(kind.name())).into_iter().flatten();
                let files = entries.take(MAX_FILES).filter_map(|entry| Some(entry.ok()?.path()));
                let mut results: Vec<KeptFile> = files
                    .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
                    .filter_map(|path| json(&path))
                    .collect();
                results.sort_by_key(|result| result.kept.finished);
                for result in results {
                    take_kept(transaction, kind, result)?;
                }
            }
            if let Some(FloorsFile { seen }) = json(&folder.join("noise-floors.json")) {
                seen.into_iter().try_for_each(|seen| take_floors(transaction, seen))?;
            }
            let points = text(&folder.join("sweep.jsonl")).unwrap_or_default();
            for line in points.lines().filter_map(|line| serde_json::from_slice::<PointLine>(line.as_bytes()).ok()) {
                // The lines do not name the machine either, and so are nobody's.
                if let Some(options) = options_of(&line.key) {
                    put(transaction, Kind::Point, &line.key, &context(None, options), Timestamp(0), &line.result)?;
                }
            }
            let now = seconds(Timestamp::now());
            transaction.execute("INSERT INTO taken_over (version, taken) VALUES (?1, ?2)", params![VERSION, now])?;
            Ok(())
        })
    }
}

/// A sweep carried its finished points with it; each is a row of its own now.
fn take_kept(connection: &Connection, kind: Kind, file: KeptFile) -> rusqlite::Result<()> {
    let KeptFile { of, kept: OldKept { machine, options, finished, mut result } } = file;
    if let (Kind::Sweep, Some(sweep)) = (kind, result.as_object_mut())
        && let Some(Value::Object(points)) = sweep.remove("finished")
    {
        for (key, point) in &points {
            if let Some(options) = options_of(key) {
                put(connection, Kind::Point, key, &context(machine.as_deref(), options), finished, point)?;
            }
        }
    }
    put(connection, kind, &of, &context(machine.as_deref(), options), finished, &result)
}

fn take_floors(connection: &Connection, seen: SeenFloors) -> rusqlite::Result<()> {
    let SeenFloors { machine, device, runtime, threads, instruction_set, floors } = seen;
    let options = RunOptions { runtime, instruction_set, ..RunOptions::new(device, threads, 1) };
    let context = context(Some(&machine), options).put(connection)?;
    let mut statement = connection.prepare("INSERT INTO noise_floors (context, seen, share) VALUES (?1, 0, ?2)")?;
    floors.into_iter().filter(|share| share.is_finite()).try_for_each(|share| {
        statement.execute(params![context, share])?;
        Ok(())
    })
}

fn put(
    connection: &Connection,
    kind: Kind,
    name: &str,
    context: &RunContext,
    finished: Timestamp,
    result: &Value,
) -> rusqlite::Result<()> {
    let context = context.put(connection)?;
    connection.execute(
        "INSERT OR REPLACE INTO results (kind, name, context, finished, result) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![kind.name(), name, context, seconds(finished), result.to_string()],
    )?;
    Ok(())
}

fn context(machine: Option<&str>, options: RunOptions) -> RunContext {
    RunContext { version: VERSION.into(), ..RunContext::new(machine, &options) }
}

/// The options in a point's key: `DESIGN DEVICE RUNTIME[-ISA] tTHREADS bBATCH MODE-NUMBERS`.
fn options_of(key: &str) -> Option<RunOptions> {
    let mut words = key.split(' ').skip(1);
    let device = words.next()?.parse().ok()?;
    let (runtime, isa) = words.next().map(|word| word.split_once('-').unwrap_or((word, "")))?;
    let threads = words.next()?.strip_prefix('t')?.parse().ok()?;
    let batch = words.next()?.strip_prefix('b')?.parse().ok()?;
    let instruction_set = if isa.is_empty() { None } else { Some(isa.parse().ok()?) };
    Some(RunOptions { runtime: runtime.parse().ok()?, instruction_set, ..RunOptions::new(device, threads, batch) })
}

fn json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(text(path)?.as_bytes()).ok()
}

/// The file's text, unless it is too large.
fn text(path: &Path) -> Option<String> {
    String::from_utf8(read_regular(path, MOST).ok()?).ok()
}
