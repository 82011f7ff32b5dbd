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
    let place = Place::of(how, [height, width], chance);
    let colour = Colour::of(how, chance);
    let lines = pixels.as_chunks::<3>().0;
    to.reserve(pixels.len());
    for row in 0..height {
        for column in 0..width {
            let [y, x] = place.read(row, column);
            let (upper, left) = (y as usize, x as usize);
            let (lower, right) = ((upper + 1).min(height - 1), (left + 1).min(width - 1));
            let (down, across) = (y - upper as f32, x - left as f32);
            let at = |row: usize, column: usize| &lines[row * width + column];
            let corners = [at(upper, left), at(upper, right), at(lower, left), at(lower, right)];
            let mixed = std::array::from_fn(|channel| {
                let [a, b, c, d] = corners.map(|corner| f32::from(corner[channel]));
                let (above, below) = (a + (b - a) * across, c + (d - c) * across);
                above + (below - above) * down
            });
            to.extend(colour.of_pixel(mixed));
        }
    }
}

/// Where every pixel of the changed picture comes from: a turn, an enlargement or a reduction, a shift and perhaps a mirror.
struct Place {
    /// From steps down and across to steps in the picture, `[to][from]`.
    steps: [[f32; 2]; 2],
    /// Where the first pixel comes from.
    start: [f32; 2],
    last: [f32; 2],
}

impl Place {
    fn of(how: &Augmentation, size: [usize; 2], chance: &mut Chance) -> Self {
        let zoom = how.zoom.clamp(0.05, 1.0);
        // A little of what is beyond the picture's edge may be seen too: its last pixels, drawn out.
        let part = chance.range(zoom, 1.0 + 0.3 * (1.0 - zoom));
        let angle = chance.range(-how.turn, how.turn).to_radians();
        let room = 0.5 * (1.0 - part).abs();
        let shift = [chance.range(-room, room), chance.range(-room, room)];
        let mirror = if how.flip && chance.unit() < 0.5 { -1.0 } else { 1.0 };
        let (sine, cosine) = angle.sin_cos();
        let steps = [[part * cosine, part * sine * mirror], [-part * sine, part * cosine * mirror]];
        let last = size.map(|length| length.saturating_sub(1) as f32);
        let middle = last.map(|last| last / 2.0);
        let start = std::array::from_fn(|axis| {
            let moved = steps[axis][0] * middle[0] + steps[axis][1] * middle[1];
            middle[axis] - moved + shift[axis] * size[axis] as f32
        });
        Self { steps, start, last }
    }

    fn read(&self, row: usize, column: usize) -> [f32; 2] {
        let at = [row as f32, column as f32];
        std::array::from_fn(|axis| {
            let place = self.start[axis] + self.steps[axis][0] * at[0] + self.steps[axis][1] * at[1];
            place.clamp(0.0, self.last[axis])
        })
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
