//! Changes to pictures that leave what is on them what it is.

use super::chance::Chance;
use super::request::Augmentation;
use crate::design::InputSize;

/// Appends a changed copy of `pixels`, `[height, width, 3]` bytes.
pub(super) fn augment(pixels: &[u8], size: InputSize, how: &Augmentation, chance: &mut Chance, to: &mut Vec<u8>) {
    let [height, width] = [size.height as usize, size.width as usize];
    if *how == Augmentation::NONE || pixels.len() != 3 * height * width {
        to.extend_from_slice(pixels);
        return;
    }
    let zoom = how.zoom.clamp(0.05, 1.0);
    // Areas, not sides, are what is even.
    let part = chance.range(zoom * zoom, 1.0).sqrt();
    let (down, across) = (chance.unit(), chance.unit());
    let flip = how.flip && chance.unit() < 0.5;
    let colour = Colour::of(how, chance);
    let rows: Vec<Between> = (0..height).map(|row| Between::of(row, height, part, down)).collect();
    let mut columns: Vec<Between> = (0..width).map(|column| Between::of(column, width, part, across)).collect();
    if flip {
        columns.reverse();
    }
    let lines = pixels.as_chunks::<3>().0;
    to.reserve(pixels.len());
    for row in &rows {
        let [upper, lower] = [row.first, row.second].map(|row| &lines[row * width..][..width]);
        for column in &columns {
            let mix = |channel: usize| {
                let line = |line: &[[u8; 3]]| {
                    let [left, right] = [column.first, column.second].map(|at| f32::from(line[at][channel]));
                    left + (right - left) * column.share
                };
                let [upper, lower] = [line(upper), line(lower)];
                upper + (lower - upper) * row.share
            };
            to.extend(colour.of_pixel([mix(0), mix(1), mix(2)]));
        }
    }
}

/// Two neighbouring pixels, and the second one's share.
struct Between {
    first: usize,
    second: usize,
    share: f32,
}

impl Between {
    /// Where pixel `at` of `length` comes from when `part` of them, from `offset` of what is left, is enlarged.
    fn of(at: usize, length: usize, part: f32, offset: f32) -> Self {
        let last = length.saturating_sub(1) as f32;
        let start = (1.0 - part) * length as f32 * offset;
        let place = (start + (at as f32 + 0.5) * part - 0.5).clamp(0.0, last);
        let first = place as usize;
        Self { first, second: (first + 1).min(length.saturating_sub(1)), share: place - first as f32 }
    }
}

/// A change of all colours: a matrix and a shift.
struct Colour {
    matrix: [[f32; 3]; 3],
    shift: f32,
}

impl Colour {
    fn of(how: &Augmentation, chance: &mut Chance) -> Self {
        let brightness = chance.range(-how.light, how.light);
        let contrast = 1.0 + chance.range(-how.light, how.light);
        let angle = chance.range(-how.hue, how.hue).to_radians();
        // A turn about the axis of greys, which stay what they are.
        let (sine, cosine) = angle.sin_cos();
        let (third, root) = ((1.0 - cosine) / 3.0, sine / 3.0_f32.sqrt());
        let turn = |row: usize, column: usize| match (row + 3 - column) % 3 {
            0 => cosine + third,
            1 => third + root,
            _ => third - root,
        };
        let matrix = std::array::from_fn(|row| std::array::from_fn(|column| contrast * turn(row, column)));
        Self { matrix, shift: 127.5 * (1.0 - contrast) + 127.5 * brightness }
    }

    fn of_pixel(&self, [red, green, blue]: [f32; 3]) -> [u8; 3] {
        self.matrix.map(|[r, g, b]| (r * red + g * green + b * blue + self.shift + 0.5).clamp(0.0, 255.0) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: InputSize = InputSize { height: 5, width: 7 };

    fn picture() -> Vec<u8> {
        (0..5 * 7 * 3).map(|index| (index * 2) as u8).collect()
    }

    fn changed(how: &Augmentation, seed: u64) -> Vec<u8> {
        let mut to = vec![];
        augment(&picture(), SIZE, how, &mut Chance::of(&[seed]), &mut to);
        to
    }

    #[test]
    fn nothing_asked_for_is_nothing_changed_and_a_flip_is_a_mirror() {
        assert_eq!(changed(&Augmentation::NONE, 1), picture());
        let flip = Augmentation { flip: true, ..Augmentation::NONE };
        let mirrored: Vec<u8> =
            picture().chunks(21).flat_map(|row| row.chunks(3).rev().flatten().copied().collect::<Vec<_>>()).collect();
        let seen: Vec<Vec<u8>> = (0..20).map(|seed| changed(&flip, seed)).collect();
        assert!(seen.contains(&picture()) && seen.contains(&mirrored));
        assert!(seen.iter().all(|one| *one == picture() || *one == mirrored));
    }

    #[test]
    fn changes_are_small_and_the_seeds() {
        let how = Augmentation { flip: false, ..Augmentation::default() };
        assert_eq!(changed(&how, 4), changed(&how, 4));
        assert_ne!(changed(&how, 4), changed(&how, 5));
        for seed in 0..50 {
            let one = changed(&how, seed);
            let off: f32 = one.iter().zip(picture()).map(|(a, b)| (f32::from(*a) - f32::from(b)).abs()).sum();
            assert!(one.len() == picture().len() && off / (one.len() as f32) < 60.0, "{seed}: {off}");
        }
    }

    #[test]
    fn greys_stay_grey_when_the_hue_turns() {
        let how = Augmentation { hue: 30.0, ..Augmentation::NONE };
        let mut to = vec![];
        augment(&[90; 5 * 7 * 3], SIZE, &how, &mut Chance::of(&[2]), &mut to);
        assert!(to.iter().all(|&value| value == 90), "{to:?}");
    }
}
