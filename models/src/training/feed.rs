//! Batches of the pictures that are trained on.

use std::sync::Arc;

use rayon::prelude::*;

use super::augment::augment;
use super::chance::Chance;
use super::loss::Targets;
use super::pictures::Pictures;
use super::request::Augmentation;

/// Floats that are laid out anew together: a few pixels of all pictures.
const PIXELS: usize = 64;

/// Makes batches: in every epoch all pictures in another order, each changed in another way. A batch is decided by the seed
/// and its number alone.
#[derive(Debug)]
pub(super) struct Feed {
    pictures: Arc<Pictures>,
    /// Positions of those that are trained on.
    training: Vec<usize>,
    augmentation: Augmentation,
    seed: u64,
    batch: usize,
    /// Number and order of the epoch that was asked for last.
    epoch: Option<(u64, Vec<usize>)>,
}

/// Pictures ready to be learnt from.
#[derive(Debug)]
pub(super) struct Batch {
    /// Normalised, `[channel, height, width, picture]`.
    pub pictures: Vec<f32>,
    /// Their classes.
    pub labels: Vec<usize>,
}

impl Batch {
    /// What a network of so many classes should say of them.
    pub fn targets(&self, classes: usize, smoothing: f32) -> Targets {
        Targets::of_labels(&self.labels, classes, smoothing)
    }
}

impl Feed {
    pub fn new(
        pictures: Arc<Pictures>,
        training: Vec<usize>,
        (batch, seed): (usize, u64),
        augmentation: Augmentation,
    ) -> Self {
        Self { pictures, training, augmentation, seed, batch, epoch: None }
    }

    /// Pictures that are trained on.
    pub fn count(&self) -> usize {
        self.training.len()
    }

    /// Batch `number`.
    pub fn batch(&mut self, number: usize) -> Batch {
        let first = number as u64 * self.batch as u64;
        let chosen: Vec<(u64, usize)> = (first..first + self.batch as u64).map(|at| (at, self.at(at))).collect();
        let (pictures, augmentation, seed) = (&self.pictures, &self.augmentation, self.seed);
        let values: Vec<Vec<f32>> = chosen
            .par_iter()
            .map(|&(at, index)| {
                let pixels = pictures.samples().get(index).map_or(&[][..], |sample| &sample.pixels);
                let (mut changed, mut values) = (vec![], vec![]);
                augment(pixels, pictures.input(), augmentation, &mut Chance::of(&[seed, 2, at]), &mut changed);
                pictures.normalise(&changed, &mut values);
                values
            })
            .collect();
        let label = |&(_, index): &(u64, usize)| pictures.samples().get(index).map_or(0, |sample| sample.class);
        Batch { pictures: innermost(&values), labels: chosen.iter().map(label).collect() }
    }

    /// Position of the picture that is shown as number `at`.
    fn at(&mut self, at: u64) -> usize {
        let count = self.training.len().max(1) as u64;
        let (epoch, place) = (at / count, (at % count) as usize);
        if self.epoch.as_ref().is_none_or(|(known, _)| *known != epoch) {
            self.epoch = Some((epoch, Chance::of(&[self.seed, 1, epoch]).order(self.training.len())));
        }
        let order = self.epoch.as_ref().and_then(|(_, order)| order.get(place)).copied().unwrap_or_default();
        self.training.get(order).copied().unwrap_or_default()
    }
}

/// Pictures' values, each `[channel, height, width]`, with the pictures innermost.
#[must_use]
pub fn innermost(pictures: &[Vec<f32>]) -> Vec<f32> {
    let (batch, each) = (pictures.len(), pictures.first().map_or(0, Vec::len));
    let mut values = vec![0.0; batch * each];
    if batch == 0 {
        return values;
    }
    values.par_chunks_mut(batch * PIXELS).enumerate().for_each(|(block, values)| {
        for (index, picture) in pictures.iter().enumerate() {
            let from = picture.iter().skip(block * PIXELS);
            values.iter_mut().skip(index).step_by(batch).zip(from).for_each(|(value, from)| *value = *from);
        }
    });
    values
}

#[cfg(test)]
mod tests {
    use super::super::pictures::Taken;
    use super::*;
    use crate::classify::{Picture, Preprocessing};
    use crate::design::InputSize;

    fn feed(batch: usize) -> Feed {
        let mut pictures = Pictures::new("greys", Preprocessing::new(InputSize::square(4)));
        for class in 0..2 {
            pictures.add_class(format!("{class}")).unwrap();
            for level in 0..5 {
                let picture = Picture::new(4, 4, vec![100 * class as u8 + level; 48]).unwrap();
                pictures.add(class, &picture, Taken::Alone).unwrap();
            }
        }
        Feed::new(Arc::new(pictures), vec![0, 1, 2, 3, 5, 6, 7, 8], (batch, 3), Augmentation::NONE)
    }

    #[test]
    fn an_epoch_shows_every_picture_once_and_the_next_one_in_another_order() {
        let mut feed = feed(4);
        let epoch = |feed: &mut Feed, first: usize| -> Vec<u32> {
            (first..first + 2).flat_map(|number| feed.batch(number).pictures[..4].to_vec()).map(f32::to_bits).collect()
        };
        let [first, second] = [epoch(&mut feed, 0), epoch(&mut feed, 2)];
        assert_ne!(first, second);
        let sorted = |mut of: Vec<u32>| {
            of.sort_unstable();
            of.dedup();
            of
        };
        assert_eq!(sorted(first.clone()).len(), 8);
        assert_eq!(sorted(first.clone()), sorted(second));
        assert_eq!(epoch(&mut feed, 0), first, "decided by its number");
    }

    #[test]
    fn pictures_are_innermost_with_their_labels() {
        let mut feed = feed(16);
        let batch = feed.batch(0);
        assert_eq!(batch.pictures.len(), 3 * 16 * 16);
        for (picture, label) in batch.labels.iter().enumerate() {
            // Class 1 is the lighter one, in every pixel.
            let lighter = batch.pictures.iter().skip(picture).step_by(16).all(|&value| value > -1.0);
            assert_eq!(lighter, *label == 1);
        }
        assert_eq!(innermost(&[vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0]]), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    }
}
