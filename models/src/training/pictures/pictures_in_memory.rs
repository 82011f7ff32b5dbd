//! Pictures and their classes.

use super::error::{Broken, DataError};
use super::split::{HoldOut, Split, split};
use crate::classify::{Picture, Preprocessing, Preprocessor};
use crate::design::InputSize;
use crate::training::DataName;

/// Most classes: as many as a person could show or name.
pub const MOST_CLASSES: usize = 1000;
/// Most pictures.
pub const MOST_PICTURES: usize = 200_000;
/// Most bytes of pixels in memory.
pub const MOST_BYTES: usize = 2 << 30;

/// How a picture was taken: it decides what may be held out beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Taken {
    /// On its own, as files are.
    #[default]
    Alone,
    /// As one of a camera's run: those before and after it in its class are almost the same picture.
    InARun,
}

/// A picture as the network sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Position of its class.
    pub class: usize,
    /// `[height, width, 3]` bytes of the network's input, in red, green and blue, rows from the top.
    pub pixels: Box<[u8]>,
    /// How it was taken.
    pub taken: Taken,
}

/// A data set for one size of input.
#[derive(Debug)]
pub struct Pictures {
    name: String,
    classes: Vec<String>,
    preprocessor: Preprocessor,
    samples: Vec<Sample>,
    broken: Vec<Broken>,
}

impl Pictures {
    /// No pictures yet. They are called `name` and cut as `preprocessing` says, which whoever classifies later must do too.
    #[must_use]
    pub fn new(name: impl Into<String>, preprocessing: Preprocessing) -> Self {
        let (name, preprocessor) = (name.into(), Preprocessor::new(preprocessing));
        Self { name, classes: vec![], preprocessor, samples: vec![], broken: vec![] }
    }

    /// Another class, behind the others; its position.
    ///
    /// # Errors
    /// Where there are too many.
    pub fn add_class(&mut self, name: impl Into<String>) -> Result<usize, DataError> {
        if self.classes.len() >= MOST_CLASSES {
            return Err(DataError::TooManyClasses { classes: self.classes.len() + 1 });
        }
        self.classes.push(name.into());
        Ok(self.classes.len() - 1)
    }

    /// Another picture, cut to what the network sees. Those of a camera's run come in the order in which they were taken.
    ///
    /// # Errors
    /// Where there is no such class, or too many pictures.
    pub fn add(&mut self, class: usize, picture: &Picture, taken: Taken) -> Result<(), DataError> {
        if class >= self.classes.len() {
            return Err(DataError::NoSuchClass { class });
        }
        let bytes = self.bytes_each();
        if self.samples.len() >= MOST_PICTURES || bytes.saturating_mul(self.samples.len() + 1) > MOST_BYTES {
            return Err(DataError::TooMany);
        }
        let pixels = self.preprocessor.crop(picture)?.into();
        self.samples.push(Sample { class, pixels, taken });
        Ok(())
    }

    /// Remembers a file that is left out.
    pub fn leave_out(&mut self, broken: Broken) {
        self.broken.push(broken);
    }

    /// The same pictures for a network of these classes; `to` says of each class so far which of them it is.
    #[must_use]
    pub fn with_classes(mut self, classes: Vec<String>, to: &[usize]) -> Self {
        for sample in &mut self.samples {
            sample.class = to.get(sample.class).copied().unwrap_or(sample.class);
        }
        self.classes = classes;
        self
    }

    /// What they are called and how many there are.
    #[must_use]
    pub fn data_name(&self) -> DataName {
        DataName { name: self.name.clone(), pictures: self.samples.len() as u64 }
    }

    /// Names of the classes, in the order of the network's outputs.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The pictures, in the order in which they were added.
    #[must_use]
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Files that were left out.
    #[must_use]
    pub fn broken(&self) -> &[Broken] {
        &self.broken
    }

    /// How pictures are cut and normalised.
    #[must_use]
    pub const fn preprocessing(&self) -> Preprocessing {
        self.preprocessor.preprocessing()
    }

    /// The input that they are cut to.
    #[must_use]
    pub const fn input(&self) -> InputSize {
        self.preprocessor.preprocessing().input()
    }

    /// Appends `[3, height, width]` normalised values of a picture's pixels, as the network reads them.
    pub fn normalise(&self, pixels: &[u8], values: &mut Vec<f32>) {
        self.preprocessor.normalise(pixels, values);
    }

    /// Whether there is enough to learn from: at least two classes, each of two pictures.
    ///
    /// # Errors
    /// What is missing, and in which class.
    pub fn check(&self) -> Result<(), DataError> {
        match self.classes.as_slice() {
            [] => return Err(DataError::Nothing),
            [class] => return Err(DataError::OneClass { class: class.clone() }),
            _ => {}
        }
        for (class, name) in self.classes.iter().enumerate() {
            let mut of_class = self.of_class(class).map(|(_, sample)| &sample.pixels);
            let Some(first) = of_class.next() else {
                let within = |broken: &&Broken| broken.path.parent().is_some_and(|folder| folder.ends_with(name));
                let broken = self.broken.iter().find(within).cloned().map(Box::new);
                return Err(DataError::EmptyClass { class: name.clone(), broken });
            };
            // A camera that looks at the same thing for long gives the same picture again: that is no second one.
            if !of_class.any(|pixels| pixels != first) {
                return Err(DataError::OnePicture { class: name.clone() });
            }
        }
        Ok(())
    }

    /// Which pictures are trained on and which are held out, some of every class; the same for the same seed.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn split(&self, hold_out: HoldOut) -> Result<Split, DataError> {
        self.check()?;
        Ok(split(self, hold_out))
    }

    /// The pictures of a class with their positions among all.
    pub(super) fn of_class(&self, class: usize) -> impl Iterator<Item = (usize, &Sample)> {
        self.samples.iter().enumerate().filter(move |(_, sample)| sample.class == class)
    }

    fn bytes_each(&self) -> usize {
        let InputSize { height, width } = self.input();
        3 * height as usize * width as usize
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Plain pictures of these levels of grey, a list for each class.
    pub(crate) fn greys(classes: &[&[u8]], taken: Taken) -> Pictures {
        let mut pictures = Pictures::new("greys", Preprocessing::new(InputSize::square(4)));
        for (class, levels) in classes.iter().enumerate() {
            pictures.add_class(format!("class {class}")).unwrap();
            for &level in *levels {
                pictures.add(class, &Picture::new(8, 6, vec![level; 3 * 48]).unwrap(), taken).unwrap();
            }
        }
        pictures
    }

    #[test]
    fn a_picture_is_kept_as_the_network_sees_it_and_normalised_as_for_classifying() {
        let pictures = greys(&[&[10, 20], &[30, 40]], Taken::Alone);
        assert_eq!(pictures.samples()[1].pixels, vec![20; 48].into());
        let (mut values, mut wanted) = (vec![], Preprocessor::new(pictures.preprocessing()));
        pictures.normalise(&pictures.samples()[3].pixels, &mut values);
        let whole = Picture::new(8, 6, vec![40; 3 * 48]).unwrap();
        assert_eq!(values, wanted.input(&whole).unwrap());
        assert_eq!(pictures.data_name(), DataName { name: "greys".into(), pictures: 4 });
    }

    #[test]
    fn what_is_missing_is_said_with_the_class_that_lacks_it() {
        let said = |classes: &[&[u8]]| greys(classes, Taken::Alone).check().unwrap_err().to_string();
        assert!(said(&[]).contains("no classes"));
        assert!(said(&[&[1, 2, 3]]).contains("only the class `class 0`"));
        assert!(said(&[&[1, 2], &[]]).contains("`class 1` has no pictures"));
        assert!(said(&[&[1, 2], &[9]]).contains("`class 1` has 1 picture"));
        assert!(
            said(&[&[1, 2], &[9, 9, 9]]).contains("`class 1` has 1 picture"),
            "the same picture again is none more"
        );
        let mut pictures = greys(&[&[1, 2], &[]], Taken::Alone);
        pictures.leave_out(Broken { path: "data/class 1/bad.png".into(), reason: "it ends too early".into() });
        let said = pictures.check().unwrap_err().to_string();
        assert!(said.contains("`data/class 1/bad.png`: it ends too early"), "{said}");
        assert!(matches!(
            pictures.add(2, &Picture::new(1, 1, vec![0; 3]).unwrap(), Taken::Alone),
            Err(DataError::NoSuchClass { class: 2 })
        ));
    }
}
