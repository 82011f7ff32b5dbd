//! How different a network looks from itself: what no comparison on this machine may be finer than.
//!
//! Measured by interleaving a network with a second copy of itself, prepared anew and so elsewhere in memory. Whatever
//! difference is left over all sittings is the machine's and the method's: what only scatters from sitting to sitting is
//! in the interval of every ratio already. The file keeps the last five for each device and way of running, and the
//! largest of them counts.

use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Comparison;
use crate::device::DeviceId;
use crate::runtime::{Isa, RunOptions, Runtime};

/// Observations kept for each way of running.
const KEPT: usize = 5;

/// Ways of running kept in one file, the latest.
const WAYS: usize = 256;

/// Largest file read.
const MAX_BYTES: u64 = 1 << 20;

/// The share by which a network differed from itself: 0.012 is 1.2 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NoiseFloor {
    /// The share.
    pub share: f64,
}

impl NoiseFloor {
    /// What comparing a network with its twin shows: how far the ratio lies from 1.
    #[must_use]
    pub fn of(twins: &Comparison) -> Self {
        Self { share: twins.ratio.distance() }
    }

    /// The larger of both.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self { share: self.share.max(other.share) }
    }
}

/// What a noise floor is valid for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NoiseKey {
    /// The machine, such as its processor's model; what another machine saw says nothing here.
    pub machine: String,
    /// The device.
    pub device: DeviceId,
    /// The implementation.
    pub runtime: Runtime,
    /// CPU threads.
    pub threads: usize,
    /// The instruction set, where one was forced.
    #[serde(default)]
    pub instruction_set: Option<Isa>,
}

impl NoiseKey {
    /// The key of these options on the machine named so; the batch does not matter.
    #[must_use]
    pub fn new(machine: impl Into<String>, options: &RunOptions) -> Self {
        let RunOptions { device, runtime, threads, batch: _, instruction_set } = *options;
        Self { machine: machine.into(), device, runtime, threads, instruction_set }
    }
}

/// Noise floors seen, by way of running.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NoiseFloors {
    /// The latest at the end.
    seen: Vec<Seen>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Seen {
    #[serde(flatten)]
    key: NoiseKey,
    /// The latest at the end.
    floors: Vec<NoiseFloor>,
}

/// A file of noise floors that cannot be used.
#[derive(Debug, Error)]
pub enum NoiseFileError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// Not such a file.
    #[error(
        "{path}: not a file of noise floors ({source}); remove it, floors are measured again with every comparison"
    )]
    Syntax {
        /// The file.
        path: String,
        /// Where and why.
        source: serde_json::Error,
    },
}

impl NoiseFloors {
    /// The floor for this way of running: the largest of the last five seen.
    #[must_use]
    pub fn get(&self, key: &NoiseKey) -> Option<NoiseFloor> {
        let seen = self.seen.iter().find(|seen| seen.key == *key)?;
        seen.floors.iter().copied().reduce(NoiseFloor::max)
    }

    /// Adds what was just seen; of fewer than 30 rounds it would say little. A floor that is no number is left out.
    pub fn note(&mut self, key: NoiseKey, floor: NoiseFloor) {
        if !floor.share.is_finite() {
            return;
        }
        let mut floors = match self.seen.iter().position(|seen| seen.key == key) {
            Some(at) => self.seen.remove(at).floors,
            None => Vec::new(),
        };
        floors.push(floor);
        floors.drain(..floors.len().saturating_sub(KEPT));
        self.seen.push(Seen { key, floors });
        self.seen.drain(..self.seen.len().saturating_sub(WAYS));
    }

    /// Reads a file; one that is not there yet has seen nothing.
    ///
    /// # Errors
    /// Where the file cannot be read or holds something else.
    pub fn read(path: &Path) -> Result<Self, NoiseFileError> {
        let name = || path.display().to_string();
        let io = |source| NoiseFileError::Io { path: name(), source };
        let mut text = String::new();
        match std::fs::File::open(path) {
            Ok(file) => file.take(MAX_BYTES).read_to_string(&mut text).map_err(io)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(io(error)),
        };
        serde_json::from_str(&text).map_err(|source| NoiseFileError::Syntax { path: name(), source })
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), NoiseFileError> {
        let name = || path.display().to_string();
        let text =
            serde_json::to_string_pretty(self).map_err(|source| NoiseFileError::Syntax { path: name(), source })?;
        crate::files::write_atomically(path, (text + "\n").as_bytes())
            .map_err(|source| NoiseFileError::Io { path: name(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(threads: usize) -> NoiseKey {
        NoiseKey::new("a processor", &RunOptions::new(DeviceId::Cpu, threads, 1))
    }

    fn floor(share: f64) -> NoiseFloor {
        NoiseFloor { share }
    }

    #[test]
    fn the_largest_of_the_last_five_counts() {
        let mut floors = NoiseFloors::default();
        assert_eq!(floors.get(&key(1)), None);
        for share in [0.09, 0.004, 0.012, 0.003, 0.002, 0.005] {
            floors.note(key(1), floor(share));
        }
        assert_eq!(floors.get(&key(1)), Some(floor(0.012)));
        assert_eq!(floors.get(&key(2)), None);
        floors.note(key(1), floor(f64::INFINITY));
        assert_eq!(floors.get(&key(1)), Some(floor(0.012)));
    }

    #[test]
    fn the_batch_does_not_matter_and_the_machine_does() {
        let options = RunOptions::new(DeviceId::Cpu, 1, 8);
        assert_eq!(NoiseKey::new("a processor", &options), key(1));
        assert_ne!(NoiseKey::new("another", &options), key(1));
    }

    #[test]
    fn a_file_reads_back_and_a_missing_one_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("noise.json");
        assert_eq!(NoiseFloors::read(&path).unwrap(), NoiseFloors::default());
        let mut floors = NoiseFloors::default();
        floors.note(key(1), floor(0.004));
        floors.note(key(2), floor(0.02));
        floors.write(&path).unwrap();
        assert_eq!(NoiseFloors::read(&path).unwrap(), floors);
        std::fs::write(&path, "[1, 2").unwrap();
        let error = NoiseFloors::read(&path).unwrap_err().to_string();
        assert!(error.contains("noise.json") && error.contains("remove it"), "{error}");
    }

    #[test]
    fn however_many_ways_of_running_the_file_stays_small() {
        let mut floors = NoiseFloors::default();
        for threads in 0..2 * WAYS {
            floors.note(key(threads), floor(0.004));
        }
        assert_eq!((floors.seen.len(), floors.get(&key(0))), (WAYS, None));
        assert!(floors.get(&key(2 * WAYS - 1)).is_some());
    }
}
