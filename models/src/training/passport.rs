//! What a file of taught weights says of itself: its classes, the design that it is of, how pictures are cut, and how well
//! it does on which data.
//!
//! It stands in the metadata of a safetensors file, so that it travels with the weights and cannot be mixed up with those
//! of others. A file may say anything: what makes no sense is not believed.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Accuracy, Taught, Way};
use crate::classify::PreprocessingOptions;
use crate::design::{Design, Edit};
use crate::weights::{Notes, Weights, WeightsError, WeightsFile, save_with_notes, with_notes};

/// The key in the metadata.
const KEY: &str = "shufflescope.taught";

/// The form that this release writes.
const VERSION: u32 = 1;

/// Longest name of a class in characters, as for labels.
const LONGEST: usize = 200;

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Passport {
    /// What the classes are called, in the order of the outputs.
    pub classes: Vec<String>,
    /// The network that the accuracy is of.
    pub design: Design,
    /// What is done to pictures.
    pub preprocessing: PreprocessingOptions,
    /// On pictures that were held out.
    pub accuracy: Accuracy,
    /// How it was taught.
    pub way: Way,
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    #[serde(flatten)]
    passport: Passport,
}

impl Passport {
    /// Of what was taught on pictures cut like this.
    #[must_use]
    pub fn of(taught: &Taught, preprocessing: PreprocessingOptions) -> Self {
        let Taught { design, classes, accuracy, way, .. } = taught.clone();
        Self { classes, design, preprocessing, accuracy, way }
    }

    /// The one in a file; `None` where it has none, or one that makes no sense.
    #[must_use]
    pub fn in_file(file: &WeightsFile) -> Option<Self> {
        let written: Written = serde_json::from_slice(file.notes().get(KEY)?.as_bytes()).ok()?;
        Some(written.passport).filter(|passport| written.version == VERSION && passport.makes_sense())
    }

    fn makes_sense(&self) -> bool {
        let is_name = |name: &String| {
            let length = name.chars().count();
            name.trim() == name && (1..=LONGEST).contains(&length) && !name.chars().any(char::is_control)
        };
        self.design.check().is_ok()
            && self.classes.len() == self.design.classes as usize
            && self.classes.iter().all(is_name)
    }

    /// The accuracy of `design` on pictures cut like this, where it is the network that was measured; however many classes
    /// it has now, for weights bring theirs.
    #[must_use]
    pub fn accuracy_of(&self, design: &Design, preprocessing: &PreprocessingOptions) -> Option<&Accuracy> {
        let same = design.apply(&Edit::Classes(self.design.classes));
        let is_same = same.fingerprint() == self.design.fingerprint() && *preprocessing == self.preprocessing;
        is_same.then_some(&self.accuracy)
    }

    fn notes(self) -> Result<Notes, serde_json::Error> {
        let written = serde_json::to_string(&Written { version: VERSION, passport: self })?;
        Ok(Notes::from([(KEY.to_owned(), written)]))
    }
}

/// Writes what was taught with its passport; an existing file is replaced only once the new one is complete.
///
/// # Errors
/// Where the file cannot be written.
pub fn save_taught(taught: &Taught, preprocessing: PreprocessingOptions, path: &Path) -> Result<(), WeightsError> {
    let notes = Passport::of(taught, preprocessing)
        .notes()
        .map_err(|error| WeightsError::Write { path: path.into(), source: error.into() })?;
    save_with_notes(&taught.weights, &notes, path)
}

/// The bytes of a `.safetensors` file of weights with this passport.
///
/// # Errors
/// Where a tensor's values do not match its shape.
pub fn to_safetensors_with(weights: &Weights, passport: &Passport) -> Result<Vec<u8>, std::io::Error> {
    let notes = passport.clone().notes()?;
    with_notes(weights, &notes).map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::{Batch, InputSize};
    use crate::graph::lower;
    use crate::training::DataName;
    use crate::weights::save_safetensors;
    use crate::zoo;

    fn taught() -> Taught {
        let small = Edit::All(vec![Edit::Input(InputSize::square(32)), Edit::Classes(2)]);
        let design = zoo::preset("shufflenet-v2-x0.5").unwrap().apply(&small);
        let accuracy = Accuracy::new(9, 10, DataName { name: "desk".into(), pictures: 50 }).unwrap();
        Taught {
            weights: Weights::seeded(&lower(&design, Batch(1)).unwrap(), 3),
            design,
            classes: vec!["mug".into(), "Zimmerpflanze".into()],
            accuracy,
            way: Way::AtOnce,
            seconds: 1.0,
            epochs: 0,
        }
    }

    #[test]
    fn classes_and_accuracy_travel_with_the_weights_and_the_accuracy_belongs_to_its_network_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taught.safetensors");
        let (taught, usual) = (taught(), PreprocessingOptions::default());
        save_taught(&taught, usual, &path).unwrap();
        let mut file = WeightsFile::open(&path).unwrap();
        let passport = Passport::in_file(&file).unwrap();
        assert_eq!(passport, Passport::of(&taught, usual));
        assert_eq!(file.load(&lower(&taught.design, Batch(1)).unwrap()).unwrap(), taught.weights);

        let more_classes = taught.design.apply(&Edit::Classes(1000));
        assert_eq!(passport.accuracy_of(&more_classes, &usual), Some(&taught.accuracy));
        let larger = taught.design.apply(&Edit::Input(InputSize::square(64)));
        assert_eq!(passport.accuracy_of(&larger, &usual), None, "another input is another accuracy");
        let otherwise = PreprocessingOptions { resize: Some(40), ..usual };
        assert_eq!(passport.accuracy_of(&taught.design, &otherwise), None, "and so are other pictures");
    }

    #[test]
    fn a_file_without_a_passport_and_one_whose_passport_makes_no_sense_have_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let taught = taught();
        save_safetensors(&taught.weights, &path).unwrap();
        assert_eq!(Passport::in_file(&WeightsFile::open(&path).unwrap()), None);
        let passport = Passport::of(&taught, PreprocessingOptions::default());
        let one_class = Passport { classes: vec!["mug".into()], ..passport.clone() };
        let no_name = Passport { classes: vec!["mug".into(), "\u{7}".into()], ..passport.clone() };
        let mut broken = passport.design.clone();
        broken.stages.clear();
        for nonsense in [one_class, no_name, Passport { design: broken, ..passport.clone() }] {
            save_with_notes(&taught.weights, &nonsense.notes().unwrap(), &path).unwrap();
            assert_eq!(Passport::in_file(&WeightsFile::open(&path).unwrap()), None);
        }
        let mut notes = passport.notes().unwrap();
        notes.insert(KEY.into(), "{".into());
        save_with_notes(&taught.weights, &notes, &path).unwrap();
        assert_eq!(Passport::in_file(&WeightsFile::open(&path).unwrap()), None);
    }
}
