//! Which pictures are held out.

use std::collections::BTreeMap;

use super::pictures_in_memory::{Pictures, Sample, Taken};

/// How pictures are held out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HoldOut {
    /// Of each class, from 0 to 1; at least one picture is held out and one trained on.
    pub share: f64,
    /// Which of the pictures taken alone.
    pub seed: u64,
}

impl Default for HoldOut {
    fn default() -> Self {
        Self { share: 0.2, seed: 0 }
    }
}

/// Positions among a data set's pictures, in rising order; what is between the two in a camera's run is in neither.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// To learn from.
    pub training: Vec<usize>,
    /// To test on.
    pub held_out: Vec<usize>,
}

/// Of a camera's run so many of its pictures are between those trained on and those held out: one of twenty.
const GAP: usize = 20;

/// Every class is split on its own: its pictures taken alone by chance, those of a run by time.
///
/// Equal pictures stay together: what is trained on is never tested on by another name.
pub(super) fn split(pictures: &Pictures, hold_out: HoldOut) -> Split {
    let mut split = Split::default();
    for class in 0..pictures.classes().len() {
        let of = |taken: Taken| pictures.of_class(class).filter(move |(_, sample)| sample.taken == taken);
        let alone: Vec<(usize, &Sample)> = of(Taken::Alone).collect();
        let in_a_run: Vec<(usize, &Sample)> = of(Taken::InARun).collect();
        by_chance(&alone, hold_out, class as u64, &mut split);
        by_time(&in_a_run, hold_out, &mut split);
        keep_both_sides(pictures, class, &mut split);
    }
    split.training.sort_unstable();
    split.held_out.sort_unstable();
    split
}

fn wanted(count: usize, share: f64) -> usize {
    ((count as f64 * share).round() as usize).max(1).min(count.saturating_sub(1))
}

fn by_chance(samples: &[(usize, &Sample)], hold_out: HoldOut, class: u64, split: &mut Split) {
    // Equal pictures, in the order of the first of each.
    let mut groups: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
    for (index, sample) in samples {
        groups.entry(&sample.pixels).or_default().push(*index);
    }
    let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
    // By first appearance, so that the same files give the same split whatever is on them.
    groups.sort_unstable();
    let mut order: Vec<(u64, Vec<usize>)> = groups
        .into_iter()
        .enumerate()
        .map(|(position, group)| (mixed(hold_out.seed, class, position as u64), group))
        .collect();
    order.sort_unstable();
    let wanted = wanted(order.len(), hold_out.share);
    for (position, (_, group)) in order.into_iter().enumerate() {
        if position < wanted { split.held_out.extend(group) } else { split.training.extend(group) }
    }
}

/// The end of the run is held out, behind a gap.
fn by_time(samples: &[(usize, &Sample)], hold_out: HoldOut, split: &mut Split) {
    let count = samples.len();
    let held_out = wanted(count, hold_out.share);
    let gap = count.div_ceil(GAP).min(count.saturating_sub(held_out + 1));
    let (before, after) = samples.split_at(count - held_out);
    let (trained, _) = before.split_at(before.len() - gap);
    // A still scene gives the very same pixels again, however long one waits.
    let known: std::collections::BTreeSet<&[u8]> = trained.iter().map(|(_, sample)| &*sample.pixels).collect();
    split.training.extend(trained.iter().map(|(index, _)| *index));
    split.held_out.extend(after.iter().filter(|(_, sample)| !known.contains(&*sample.pixels)).map(|(index, _)| *index));
}

/// A class whose pictures all fell on one side gives the other one of them, with all that equal it.
fn keep_both_sides(pictures: &Pictures, class: usize, split: &mut Split) {
    let is_of = |index: &usize| pictures.samples().get(*index).is_some_and(|sample| sample.class == class);
    let pixels = |index: &usize| pictures.samples().get(*index).map(|sample| &*sample.pixels);
    let has = |of: &[usize]| of.iter().any(is_of);
    if !has(&split.held_out) {
        // The last picture that differs from the first: as far from what is trained on as there is.
        let first = split.training.iter().find(|index| is_of(index)).and_then(pixels);
        let all: Vec<usize> = pictures.of_class(class).map(|(index, _)| index).collect();
        if let Some(moved) = all.iter().rev().find(|index| pixels(index) != first).and_then(pixels) {
            let same: Vec<usize> = all.iter().copied().filter(|index| pixels(index) == Some(moved)).collect();
            split.training.retain(|index| !same.contains(index));
            split.held_out.extend(same);
        }
    } else if !has(&split.training) {
        let of_class: Vec<usize> = split.held_out.iter().copied().filter(|index| is_of(index)).collect();
        if let Some(moved) = of_class.iter().min().and_then(pixels) {
            let same: Vec<usize> = of_class.iter().copied().filter(|index| pixels(index) == Some(moved)).collect();
            split.held_out.retain(|index| !same.contains(index));
            split.training.extend(same);
        }
    }
}

/// A number that looks like chance (splitmix64).
fn mixed(seed: u64, class: u64, position: u64) -> u64 {
    let mut state = seed;
    for part in [class, position] {
        state = (state ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
    }
    state
}

#[cfg(test)]
mod tests {
    use super::super::pictures_in_memory::tests::greys;
    use super::*;

    fn levels(range: std::ops::Range<u8>) -> Vec<u8> {
        range.collect()
    }

    #[test]
    fn a_share_of_every_class_is_held_out_and_the_same_one_for_the_same_seed() {
        let (first, second) = (levels(0..50), levels(100..110));
        let pictures = greys(&[&first, &second], Taken::Alone);
        let hold_out = HoldOut::default();
        let split = pictures.split(hold_out).unwrap();
        let held_of =
            |range: std::ops::Range<usize>| split.held_out.iter().filter(|index| range.contains(index)).count();
        assert_eq!((held_of(0..50), held_of(50..60)), (10, 2));
        let mut all = [split.training.clone(), split.held_out.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..60).collect::<Vec<_>>(), "every picture is on one side");
        assert_eq!(pictures.split(hold_out).unwrap(), split);
        assert_ne!(pictures.split(HoldOut { seed: 7, ..hold_out }).unwrap(), split);
    }

    #[test]
    fn a_cameras_run_is_held_out_at_its_end_behind_a_gap() {
        let (first, second) = (levels(0..40), levels(100..105));
        let split = greys(&[&first, &second], Taken::InARun).split(HoldOut::default()).unwrap();
        assert_eq!(split.held_out, [(32..40).collect::<Vec<_>>(), vec![44]].concat());
        assert_eq!(split.training, [(0..30).collect::<Vec<_>>(), vec![40, 41, 42]].concat());
    }

    #[test]
    fn equal_pictures_are_never_on_both_sides() {
        let copies: Vec<u8> = (0..30).map(|index| index % 3).collect();
        for taken in [Taken::Alone, Taken::InARun] {
            let pictures = greys(&[&copies, &[7, 7, 8]], taken);
            let split = pictures.split(HoldOut { share: 0.3, seed: 3 }).unwrap();
            for held_out in &split.held_out {
                let pixels = &pictures.samples()[*held_out].pixels;
                assert!(split.training.iter().all(|index| pictures.samples()[*index].pixels != *pixels), "{taken:?}");
            }
            for class in 0..2 {
                let has = |of: &[usize]| of.iter().any(|index| pictures.samples()[*index].class == class);
                assert!(has(&split.training) && has(&split.held_out), "{taken:?}: class {class}");
            }
        }
    }

    #[test]
    fn the_smallest_classes_have_one_picture_on_each_side_whatever_the_share() {
        for share in [0.0, 0.2, 1.0] {
            for taken in [Taken::Alone, Taken::InARun] {
                let split = greys(&[&[1, 2], &[3, 4]], taken).split(HoldOut { share, seed: 1 }).unwrap();
                assert_eq!((split.training.len(), split.held_out.len()), (2, 2), "{share} {taken:?}");
            }
        }
    }
}
