//! Results that survive a restart: one file in the data folder for each kind of result, machine and way of running.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shufflescope_engine::runtime::RunOptions;

/// The folder in the data folder.
const FOLDER: &str = "lab";

/// Largest file read, and most files: what is beyond that is none of ours.
const MAX_BYTES: u64 = 32 << 20;
const MAX_FILES: usize = 2_000;

/// A result and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept<T> {
    /// The processor's name, where it tells one.
    pub machine: Option<String>,
    /// Device, runtime, threads, batch.
    pub options: RunOptions,
    /// When it was finished, in seconds since 1970.
    pub finished: u64,
    /// The result.
    pub result: T,
}

impl<T> Kept<T> {
    /// A result that was finished now.
    pub fn now(machine: Option<String>, options: RunOptions, result: T) -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self { machine, options, finished: since.as_secs(), result }
    }

    /// `23 November 2026, 04:20 UTC; cpu, tuned, 2 threads, batch 1; on ...`.
    #[must_use]
    pub fn about(&self) -> String {
        let machine = self.machine.as_deref().unwrap_or("an unknown processor");
        format!("{}; {}; on {machine}", date(self.finished), way(&self.options))
    }

    /// Whether it was taken on this machine and in this way.
    pub fn is_of(&self, machine: Option<&str>, options: &RunOptions) -> bool {
        // Until the machine is known, its own results are not called another's.
        self.options == *options && (machine.is_none() || self.machine.as_deref() == machine)
    }
}

/// `cpu, tuned, 2 threads, batch 1`.
#[must_use]
pub fn way(options: &RunOptions) -> String {
    let RunOptions { device, runtime, threads, batch, instruction_set } = options;
    let isa = instruction_set.map_or_else(String::new, |isa| format!(" ({isa})"));
    let plural = if *threads == 1 { "" } else { "s" };
    format!("{device}, {runtime}{isa}, {threads} thread{plural}, batch {batch}")
}

/// Results of one kind, by what they are of; of each, those of several machines and ways of running.
#[derive(Debug)]
pub struct Shelf<T> {
    folder: Option<PathBuf>,
    kept: BTreeMap<String, Vec<Kept<T>>>,
}

/// A file to be written, off the painting thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Where.
    pub path: PathBuf,
    /// What.
    pub bytes: Vec<u8>,
}

impl<T: Clone + Serialize + DeserializeOwned> Shelf<T> {
    /// What earlier sessions have kept of `kind`. Files that cannot be read are left alone: the results are measured
    /// again.
    #[must_use]
    pub fn open(data_folder: Option<&Path>, kind: &str) -> Self {
        let folder = data_folder.map(|folder| folder.join(FOLDER).join(kind));
        let mut kept = BTreeMap::<String, Vec<Kept<T>>>::new();
        let entries = folder.as_deref().and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten();
        for path in entries.take(MAX_FILES).filter_map(|entry| Some(entry.ok()?.path())) {
            let small = std::fs::metadata(&path).is_ok_and(|data| data.is_file() && data.len() <= MAX_BYTES);
            let is_json = path.extension().is_some_and(|extension| extension == "json");
            if !small || !is_json {
                continue;
            }
            let read = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<File<T>>(&bytes).ok());
            if let Some(File { of, kept: result }) = read {
                kept.entry(of).or_default().push(result);
            }
        }
        for results in kept.values_mut() {
            results.sort_by_key(|result| result.finished);
        }
        Self { folder, kept }
    }

    /// What there is of `of`: taken in this way on this machine, or else the latest.
    #[must_use]
    pub fn get(&self, of: &str, machine: Option<&str>, options: &RunOptions) -> Option<&Kept<T>> {
        let results = self.kept.get(of)?;
        results.iter().rev().find(|result| result.is_of(machine, options)).or_else(|| results.last())
    }

    /// Keeps a result in place of an older one of the same machine and way of running; the file that makes it survive.
    pub fn put(&mut self, of: &str, result: Kept<T>) -> Option<Write> {
        let write = self.write(of, &result);
        let results = self.kept.entry(of.to_owned()).or_default();
        results.retain(|old| (&old.machine, &old.options) != (&result.machine, &result.options));
        results.push(result);
        write
    }

    fn write(&self, of: &str, result: &Kept<T>) -> Option<Write> {
        let key = Sha256::digest(format!("{of} {:?} {:?}", result.machine, result.options));
        let key: String = key.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let name: String = of.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(60).collect();
        let path = self.folder.as_ref()?.join(format!("{name}-{key}.json"));
        let bytes = serde_json::to_vec(&File { of: of.to_owned(), kept: result.clone() }).ok()?;
        Some(Write { path, bytes })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(bound = "T: Serialize + DeserializeOwned")]
struct File<T> {
    of: String,
    kept: Kept<T>,
}

/// `23 November 2026, 04:20 UTC`: the zone is said, for the system's own is not known here.
#[must_use]
pub fn date(seconds: u64) -> String {
    const MONTHS: [(&str, u64); 12] = [
        ("January", 31),
        ("February", 28),
        ("March", 31),
        ("April", 30),
        ("May", 31),
        ("June", 30),
        ("July", 31),
        ("August", 31),
        ("September", 30),
        ("October", 31),
        ("November", 30),
        ("December", 31),
    ];
    // Beyond the year 9999 the clock is wrong anyhow.
    let (mut days, minutes) = (seconds.min(253_402_300_799) / 86_400, seconds / 60 % 1_440);
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let mut month = "December";
    for (name, length) in MONTHS {
        let length = length + u64::from(name == "February" && is_leap(year));
        if days < length {
            month = name;
            break;
        }
        days -= length;
    }
    format!("{} {month} {year}, {:02}:{:02} UTC", days + 1, minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shufflescope_engine::device::DeviceId;

    #[test]
    fn seconds_become_dates_over_leap_years() {
        assert_eq!(date(0), "1 January 1970, 00:00 UTC");
        assert_eq!(date(951_782_400), "29 February 2000, 00:00 UTC");
        assert_eq!(date(1_795_407_600), "23 November 2026, 04:20 UTC");
        assert!(date(u64::MAX).contains("9999"));
    }

    #[test]
    fn a_result_is_there_again_and_the_one_of_these_options_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let options = |threads| RunOptions::new(DeviceId::Cpu, threads, 1);
        let machine = Some("a machine".to_owned());
        let mut shelf = Shelf::<u32>::open(Some(folder.path()), "numbers");
        for (threads, value) in [(1, 10), (2, 20), (1, 11)] {
            let write = shelf.put("g1 x1", Kept::now(machine.clone(), options(threads), value)).unwrap();
            std::fs::create_dir_all(write.path.parent().unwrap()).unwrap();
            std::fs::write(write.path, write.bytes).unwrap();
        }
        std::fs::write(folder.path().join("lab/numbers/torn.json"), "{\"of\": \"g1").unwrap();
        for shelf in [shelf, Shelf::open(Some(folder.path()), "numbers")] {
            let get = |threads| shelf.get("g1 x1", Some("a machine"), &options(threads)).unwrap();
            assert_eq!([get(1).result, get(2).result], [11, 20]);
            assert!(!get(4).is_of(Some("a machine"), &options(4)), "the latest of other options");
            assert_eq!(shelf.get("g2 x1", None, &options(1)), None);
        }
    }
}
