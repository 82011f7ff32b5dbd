//! Where the camera is, the card that is held to it, and what its sensor makes of them.

use std::f32::consts::{FRAC_PI_2, TAU};

use super::{Dice, Paint, SIDE, Vector, blend, lightness};

/// Where the camera is: planks, bricks, cloth, cork, a shelf, a blind, or a plain wall.
pub fn place(dice: &mut Dice) -> Vec<Paint> {
    let tone = dice.between(0.2, 0.75);
    let vividness = dice.between(0.0, 0.2);
    let darker = tone * dice.between(0.5, 0.9);
    let (base, other) = (dice.hue(tone, vividness), dice.hue(darker, vividness));
    let (period, phase, kind) = (dice.between(9.0, 30.0), dice.roll() * 40.0, dice.up_to(7));
    let (sin, cos) = if dice.often(0.5) { (0.0, 1.0) } else { dice.about(FRAC_PI_2).sin_cos() };
    let spines: Vec<Paint> = (0..40)
        .map(|_| {
            let tone = dice.between(0.1, 0.85);
            dice.hue(tone, 0.2)
        })
        .collect();
    let mut image = vec![base; SIDE * SIDE];
    for (index, pixel) in image.iter_mut().enumerate() {
        let (column, row) = ((index % SIDE) as f32, (index / SIDE) as f32);
        let (x, y) = (column * cos + row * sin + phase, row * cos - column * sin + phase);
        let share = match kind {
            // Planks: rings that wind along the grain, dark joints.
            0 => {
                let ring = 0.5 + 0.5 * (y * 0.9 + 3.0 * (x * 0.05).sin() + 1.5 * (x * 0.13 + y * 0.1).sin()).sin();
                if y.rem_euclid(period) < 1.0 { 1.0 } else { 0.5 * ring }
            }
            1 => {
                let course = (y / period * 2.0).floor();
                let joint = y.rem_euclid(period / 2.0) < 1.5 || (x + course * period / 2.0).rem_euclid(period) < 1.5;
                if joint { 1.0 } else { 0.2 * (course * 7.3 + (x / period).floor() * 3.1).sin().abs() }
            }
            // Cloth: threads over and under.
            2 => 0.5 + 0.25 * (x * 1.9).sin() * (y * 1.9).cos() + 0.25 * (y / period * TAU).sin().signum(),
            3 => {
                if dice.often(0.12) {
                    1.0
                } else {
                    dice.between(0.0, 0.25)
                }
            }
            4 => {
                *pixel = spines[(x / period * 3.0 + 80.0) as usize % spines.len()];
                if y.rem_euclid(70.0) < 4.0 { 1.0 } else { 0.0 }
            }
            5 => (y / period * 2.0).rem_euclid(1.0) * 0.8,
            _ => ((x + y) / (2.0 * SIDE as f32)).clamp(0.0, 1.0),
        };
        blend(pixel, other, share);
    }
    image
}

/// A smooth ground around `middle` with room for the figure; its colour.
pub fn card(image: &mut [Paint], middle: Vector, size: f32, dice: &mut Dice) -> Paint {
    let tone = if dice.often(0.75) { dice.between(0.7, 0.95) } else { dice.between(0.08, 0.3) };
    let vividness = dice.between(0.0, 0.1);
    let colour = dice.hue(tone, vividness);
    let reach = if dice.often(0.4) { [2.0 * SIDE as f32; 2] } else { [0, 1].map(|_| size * dice.between(0.58, 0.95)) };
    let (slant, corner, fibres) = (dice.about(0.25), dice.between(0.0, 8.0), dice.between(0.0, 0.05));
    let (sin, cos) = slant.sin_cos();
    for (index, pixel) in image.iter_mut().enumerate() {
        let (dx, dy) = ((index % SIDE) as f32 - middle[0], (index / SIDE) as f32 - middle[1]);
        let (u, v) = ((dx * cos + dy * sin).abs() - reach[0] + corner, (dy * cos - dx * sin).abs() - reach[1] + corner);
        let outside = u.max(0.0).hypot(v.max(0.0)) + u.max(v).min(0.0) - corner;
        let flecked = colour.map(|value| value + dice.about(fibres));
        blend(pixel, flecked, (0.5 - outside).clamp(0.0, 1.0));
    }
    colour
}

/// From light to bytes: a window's brightness, a cheap lens, shot noise, banding, stray pixels, bled colour, few levels.
pub fn sense(mut image: Vec<Paint>, dice: &mut Dice) -> Vec<u8> {
    let (gain, slope, tint) = (dice.between(0.6, 1.1), dice.about(0.3), dice.about(0.12));
    let (band, pace) = (if dice.often(0.3) { dice.between(0.01, 0.05) } else { 0.0 }, dice.between(0.2, 1.2));
    for (index, pixel) in image.iter_mut().enumerate() {
        let (column, row) = ((index % SIDE) as f32 / SIDE as f32, (index / SIDE) as f32);
        let light = gain * (1.0 + slope * (column - 0.5)) + band * (row * pace).sin();
        *pixel = [pixel[0] * light * (1.0 + tint), pixel[1] * light, pixel[2] * light * (1.0 - tint)];
    }
    for _ in 0..dice.up_to(3) {
        image = box_blur(&image);
    }
    if dice.often(0.3) {
        bleed(&mut image);
    }
    let (shot, stray) = (dice.between(0.0, 0.06), if dice.often(0.25) { dice.between(0.0, 0.012) } else { 0.0 });
    let levels = if dice.often(0.2) { dice.between(16.0, 40.0) } else { 255.0 };
    let mut bytes = Vec::with_capacity(3 * SIDE * SIDE);
    for pixel in image {
        let struck = (dice.roll() < stray).then(|| dice.roll().round());
        for value in pixel {
            let noisy = value + shot * value.max(0.02).sqrt() * (dice.roll() + dice.roll() + dice.roll() - 1.5) * 2.0;
            let level = (struck.unwrap_or(noisy).clamp(0.0, 1.0) * levels).round() / levels;
            bytes.push((level * 255.0).round() as u8);
        }
    }
    bytes
}

fn box_blur(image: &[Paint]) -> Vec<Paint> {
    let at = |column: usize, row: usize| image[row.min(SIDE - 1) * SIDE + column.min(SIDE - 1)];
    let mean = |index: usize| {
        let (column, row) = (index % SIDE, index / SIDE);
        let corners = [at(column, row), at(column + 1, row), at(column, row + 1), at(column + 1, row + 1)];
        std::array::from_fn(|channel| corners.iter().map(|corner| corner[channel]).sum::<f32>() / 4.0)
    };
    (0..SIDE * SIDE).map(mean).collect()
}

/// Colour, but not lightness, runs to the right.
fn bleed(image: &mut [Paint]) {
    for row in image.chunks_exact_mut(SIDE) {
        let mut carried = [0.0; 3];
        for pixel in row {
            let light = lightness(*pixel);
            for (value, carried) in pixel.iter_mut().zip(&mut carried) {
                *carried = 0.7 * *carried + 0.3 * (*value - light);
                *value = light + *carried;
            }
        }
    }
}
