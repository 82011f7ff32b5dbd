//! Pictures of a person's own to take the ranges of values from, where a network computes in 8 bits.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use shufflescope_engine::classify::{Preprocessing, PreprocessingOptions, Preprocessor};
use shufflescope_engine::design::InputSize;
use shufflescope_engine::device::Precision;
use shufflescope_engine::weights::RangesFrom;

use super::output::complain;
use super::resolve::UsageError;
use crate::explain;
use crate::image_file::{ENDINGS, read_picture};

/// Pictures that are looked at, at most: ranges hardly widen beyond.
const MOST: usize = 64;
/// Files that are listed, at most.
const MOST_FILES: usize = 100_000;

#[derive(Debug, Default, clap::Args)]
pub(super) struct CalibrationArguments {
    /// Take the ranges of values for --precision int8 from pictures of this folder (and its folders), up to 64 of them
    /// [default: as stored with the weights, otherwise made-up pictures]
    #[arg(long, value_name = "FOLDER")]
    calibrate_with: Option<PathBuf>,
}

/// Inputs to take ranges from, and where they come from.
pub(super) struct Calibration {
    pub inputs: Vec<Vec<f32>>,
    pub from: RangesFrom,
}

impl CalibrationArguments {
    /// Whether a folder is named.
    pub(super) const fn is_asked(&self) -> bool {
        self.calibrate_with.is_some()
    }

    /// The inputs that the folder's pictures are, if one is named: prepared like this, `[3, height, width]` each.
    pub(super) fn inputs(
        &self,
        precision: Precision,
        (input, options): (InputSize, &PreprocessingOptions),
    ) -> anyhow::Result<Option<Calibration>> {
        let Some(folder) = &self.calibrate_with else { return Ok(None) };
        if precision != Precision::Int8 {
            return Err(UsageError("--calibrate-with: only --precision int8 has ranges to calibrate".into()).into());
        }
        let files = spread(listed(folder)?, MOST);
        let mut preprocessor = Preprocessor::new(Preprocessing::with(input, options)?);
        let mut inputs = Vec::with_capacity(files.len());
        for file in &files {
            match read_picture(file) {
                Ok(picture) => inputs.push(preprocessor.input(&picture)?.to_vec()),
                Err(error) => complain(&format!("note: --calibrate-with: {}", explain(&error.into()))),
            }
        }
        if inputs.is_empty() {
            bail!("--calibrate-with {}: {}", folder.display(), no_pictures(files.len()));
        }
        let from = RangesFrom::Pictures { count: inputs.len(), folder: folder.display().to_string() };
        Ok(Some(Calibration { inputs, from }))
    }
}

fn no_pictures(files: usize) -> String {
    match files {
        0 => format!("no file there ends in {}", ENDINGS.map(|known| format!(".{known}")).join(", ")),
        files => format!("none of {files} pictures can be read"),
    }
}

/// The picture files in a folder and in those directly in it, by name.
fn listed(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = |folder: &Path| -> std::io::Result<Vec<PathBuf>> {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder)?.take(MOST_FILES).filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort_unstable();
        Ok(paths)
    };
    let is_picture = |path: &PathBuf| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        ending.is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
    };
    let mut files = Vec::new();
    for path in entries(folder).with_context(|| format!("--calibrate-with {}", folder.display()))? {
        if path.is_dir() {
            files.extend(entries(&path).unwrap_or_default().into_iter().filter(is_picture));
        } else if is_picture(&path) {
            files.push(path);
        }
        if files.len() > MOST_FILES {
            break;
        }
    }
    Ok(files)
}

/// So many of a list, evenly from all of it.
fn spread<T>(list: Vec<T>, most: usize) -> Vec<T> {
    let count = list.len();
    let is_taken = |at: usize| count <= most || at * most / count != (at + 1) * most / count;
    list.into_iter().enumerate().filter(|(at, _)| is_taken(*at)).map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image_file::png;
    use shufflescope_engine::classify::Picture;

    #[test]
    fn a_long_list_is_looked_at_from_end_to_end() {
        assert_eq!(spread((0..3).collect(), 64), [0, 1, 2]);
        let taken = spread((0..1000).collect::<Vec<u32>>(), 64);
        assert_eq!(taken.len(), 64);
        assert!(
            taken[0] < 20 && taken[63] == 999 && taken.windows(2).all(|pair| (15..=16).contains(&(pair[1] - pair[0])))
        );
    }

    #[test]
    fn pictures_of_a_folder_and_its_classes_are_inputs_and_anything_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let arguments = CalibrationArguments { calibrate_with: Some(folder.path().to_owned()) };
        let usual = PreprocessingOptions::default();
        let inputs = |precision| arguments.inputs(precision, (InputSize::square(32), &usual));
        let said = inputs(Precision::Int8).err().unwrap().to_string();
        assert!(said.contains("no file there ends in .png"), "{said}");
        let picture = Picture::new(40, 50, vec![200; 40 * 50 * 3]).unwrap();
        fs::create_dir(folder.path().join("class")).unwrap();
        fs::write(folder.path().join("class/one.png"), png(&picture).unwrap()).unwrap();
        fs::write(folder.path().join("two.png"), png(&picture).unwrap()).unwrap();
        fs::write(folder.path().join("broken.png"), "nothing").unwrap();
        let made = inputs(Precision::Int8).unwrap().unwrap();
        assert_eq!((made.inputs.len(), made.inputs[0].len()), (2, 3 * 32 * 32));
        assert!(matches!(made.from, RangesFrom::Pictures { count: 2, .. }));
        assert!(inputs(Precision::F32).err().unwrap().to_string().contains("--precision int8"));
    }
}
