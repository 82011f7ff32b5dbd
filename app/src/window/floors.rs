//! What earlier comparisons on this machine could not tell apart, shared with the command line: no verdict is finer.

use std::path::{Path, PathBuf};

use shufflescope_engine::measure::{NoiseFloor, NoiseFloors, NoiseKey};
use shufflescope_engine::runtime::RunOptions;

use super::kept::Write;

/// The file in the data folder.
const FILE: &str = "noise-floors.json";

/// See the module.
#[derive(Debug)]
pub struct Floors {
    path: Option<PathBuf>,
    floors: NoiseFloors,
}

impl Floors {
    /// Reads the file; without one, or with one that is of no use, nothing was seen yet.
    #[must_use]
    pub fn open(data_folder: Option<&Path>) -> Self {
        let path = data_folder.map(|folder| folder.join(FILE));
        let floors = path.as_deref().and_then(|path| NoiseFloors::read(path).ok()).unwrap_or_default();
        Self { path, floors }
    }

    /// The floor of this way of running.
    #[must_use]
    pub fn get(&self, machine: Option<&str>, options: &RunOptions) -> Option<NoiseFloor> {
        self.floors.get(&key(machine, options))
    }

    /// Notes what was just seen; the file that keeps it.
    pub fn note(&mut self, machine: Option<&str>, options: &RunOptions, floor: NoiseFloor) -> Option<Write> {
        self.floors.note(key(machine, options), floor);
        let bytes = serde_json::to_vec(&self.floors).ok()?;
        Some(Write { path: self.path.clone()?, bytes })
    }
}

fn key(machine: Option<&str>, options: &RunOptions) -> NoiseKey {
    NoiseKey::new(machine.unwrap_or("unknown"), options)
}
