//! Made-up pictures whose statistics are near those of photographs: flat leaves of all sizes over one another.
//!
//! Noise alone excites a trained network otherwise than pictures do: its first layers too much and its last ones too
//! little. Of "dead leaves" whose sizes are as often small as large, as things are that stand at any distance, edges,
//! contrasts and their scales are those of natural images (A. Lee, D. Mumford and J. Huang, "Occlusion Models for
//! Natural Images", IJCV 2001).

use crate::graph::Shape;
use crate::weights::seeded_input;

/// Leaves of a picture: enough to cover all but a twentieth of it, most of it several times.
const LEAVES: usize = 400;
/// The smallest leaf's side, as a share of the picture's, and the largest one's.
const SIDES: [f32; 2] = [1.0 / 24.0, 1.0];

/// Pictures `[batch, channels, height, width]` of values in -2 .. 2.
pub(super) fn leaves(shape: Shape, seed: u64) -> Vec<f32> {
    let Shape { batch, channels, height, width } = shape;
    // Place and size of each leaf, and a value for each channel: all numbers from -2 to 2.
    let drawn = seeded_input(Shape::new(batch, LEAVES, 1, 4 + channels), seed);
    let mut values = vec![0.0; length(shape)];
    let images = values.chunks_exact_mut((channels * height * width).max(1));
    for (image, leaves) in images.zip(drawn.chunks_exact(LEAVES * (4 + channels))) {
        for leaf in leaves.chunks_exact(4 + channels) {
            let unit = |index: usize| (leaf[index] + 2.0) / 4.0;
            // Density of sizes as one over their cube: areas of all sizes cover alike.
            let ratio = SIDES[0] / SIDES[1];
            let side = SIDES[0] / (1.0 - unit(0) * (1.0 - ratio * ratio)).max(ratio * ratio).sqrt();
            let longer = 0.5 + unit(1);
            let rows = span(unit(2), side * longer, height);
            let columns = span(unit(3), side / longer, width);
            for (plane, &value) in image.chunks_exact_mut((height * width).max(1)).zip(&leaf[4..]) {
                for row in plane.chunks_exact_mut(width.max(1)).skip(rows.start).take(rows.len()) {
                    row[columns.clone()].fill(value);
                }
            }
        }
    }
    values
}

/// The pixels of a side of so many that a leaf with this middle covers, at least one.
fn span(middle: f32, share: f32, side: usize) -> std::ops::Range<usize> {
    let (middle, half) = (middle * side as f32, share * side as f32 / 2.0);
    let start = ((middle - half).max(0.0) as usize).min(side.saturating_sub(1));
    start..((middle + half) as usize).max(start + 1).min(side)
}

/// How many values a shape has.
fn length(shape: Shape) -> usize {
    usize::try_from(shape.elements().0).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_of_their_seed_covered_and_have_neighbours_that_are_mostly_alike() {
        let shape = Shape::new(2, 3, 40, 60);
        let pictures = leaves(shape, 5);
        assert_eq!((pictures.len(), &pictures), (2 * 3 * 40 * 60, &leaves(shape, 5)));
        assert_ne!(pictures, leaves(shape, 6));
        assert!(pictures.iter().all(|value| (-2.0..=2.0).contains(value)));
        assert_ne!(pictures[..7200], pictures[7200..], "every image is another one");
        for plane in pictures.chunks_exact(40 * 60) {
            let bare = plane.iter().filter(|value| **value == 0.0).count();
            let alike = plane.windows(2).filter(|pair| pair[0] == pair[1]).count();
            assert!(bare < 240 && (1200..2390).contains(&alike), "{bare} {alike}");
            assert!(plane.iter().any(|value| *value > 1.0) && plane.iter().any(|value| *value < -1.0));
        }
        for odd in [Shape::new(1, 1, 1, 1), Shape::new(1, 5, 1, 3)] {
            assert_eq!(leaves(odd, 1).len(), length(odd));
        }
    }
}
