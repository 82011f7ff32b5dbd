//! What light and a cheap camera do to a scene.

use std::f32::consts::PI;

use super::canvas::{Canvas, Colour, Point, point};
use super::random::Random;

/// Lights, blurs and disturbs `canvas`; 8-bit RGB, rows from the top.
pub fn photograph(mut canvas: Canvas, random: &mut Random) -> Vec<u8> {
    light(&mut canvas, random);
    let scale = canvas.side as f32 / 96.0;
    if random.chance(0.7) {
        let widest = if random.chance(0.2) { 1.7 } else { 0.9 };
        soften(&mut canvas, random.range(0.2, widest) * scale);
    }
    if random.chance(0.15) {
        shake(&mut canvas, Point::polar(random.range(1.0, 5.0) * scale, random.either(PI)));
    }
    if random.chance(0.2) {
        sharpen(&mut canvas, random.range(0.3, 1.2));
    }
    disturb(&mut canvas, random);
    if random.chance(0.35) {
        compress(&mut canvas, random.range(0.02, 0.12));
    }
    canvas.pixels.iter().flatten().map(|value| (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8).collect()
}

/// Exposure, colour cast, uneven light, a shadow's edge, vignetting, contrast.
fn light(canvas: &mut Canvas, random: &mut Random) {
    let exposure = random.range(0.65, 1.2);
    let warmth = if random.chance(0.5) { 0.06 } else { 0.22 };
    let cast: Colour = std::array::from_fn(|_| exposure * (1.0 + random.either(warmth)));
    let slope = Point::polar(random.range(0.0, 0.35), random.either(PI));
    let vignette = if random.chance(0.4) { random.range(0.0, 0.25) } else { 0.0 };
    let shadow = random.chance(0.25).then(|| {
        let (across, bent) = (Point::polar(1.0, random.either(PI)), random.either(0.4));
        (across, bent, random.either(0.8), random.range(0.02, 0.3), random.range(0.45, 0.85))
    });
    let (black, gamma) = (random.range(0.0, 0.14), random.range(0.75, 1.3));
    let curve: Vec<f32> = (0..=256).map(|step| black + (1.0 - black) * (step as f32 / 256.0).powf(gamma)).collect();
    let side = canvas.side;
    for (index, pixel) in canvas.pixels.iter_mut().enumerate() {
        let to_frame = |at: usize| (at as f32 + 0.5) / side as f32 * 2.0 - 1.0;
        let p = point(to_frame(index % side), to_frame(index / side));
        let mut gain = 1.0 + slope.x * p.x + slope.y * p.y - vignette * (p.x * p.x + p.y * p.y);
        if let Some((across, bent, at, softness, depth)) = shadow {
            let distance = p.x * across.x + p.y * across.y + bent * (p.x * across.y - p.y * across.x).powi(2) - at;
            gain *= 1.0 - (1.0 - depth) * (0.5 + distance / softness).clamp(0.0, 1.0);
        }
        for (value, cast) in pixel.iter_mut().zip(cast) {
            *value = curve[((*value * cast * gain).clamp(0.0, 1.0) * 256.0) as usize];
        }
    }
}

/// A Gaussian blur: optics out of focus.
fn soften(canvas: &mut Canvas, sigma: f32) {
    let reach = (2.5 * sigma).ceil() as usize;
    let weight = |offset: usize| (-0.5 * (offset as f32 / sigma).powi(2)).exp();
    let total: f32 = weight(0) + 2.0 * (1..=reach).map(weight).sum::<f32>();
    let weights: Vec<f32> = (0..=reach).map(|offset| weight(offset) / total).collect();
    let side = canvas.side;
    for stride in [1, side] {
        let source = canvas.pixels.clone();
        for (index, pixel) in canvas.pixels.iter_mut().enumerate() {
            let at = index / stride % side;
            let line = index - at * stride;
            let mut sum = source[index].map(|value| value * weights[0]);
            for (offset, weight) in weights.iter().enumerate().skip(1) {
                let before = source[line + at.saturating_sub(offset) * stride];
                let after = source[line + (at + offset).min(side - 1) * stride];
                for channel in 0..3 {
                    sum[channel] += weight * (before[channel] + after[channel]);
                }
            }
            *pixel = sum;
        }
    }
}

/// The mean along `path`, in pixels: the hand moved while the shutter was open.
fn shake(canvas: &mut Canvas, path: Point) {
    let side = canvas.side as i32;
    let source = canvas.pixels.clone();
    let steps = path.length().ceil().max(1.0) as i32;
    let offsets: Vec<(i32, i32)> = (0..=steps)
        .map(|step| path * (step as f32 / steps as f32 - 0.5))
        .map(|p| (p.x.round() as i32, p.y.round() as i32))
        .collect();
    for (index, pixel) in canvas.pixels.iter_mut().enumerate() {
        let (x, y) = (index as i32 % side, index as i32 / side);
        let mut sum = [0.0; 3];
        for (dx, dy) in &offsets {
            let there = (y + dy).clamp(0, side - 1) * side + (x + dx).clamp(0, side - 1);
            for channel in 0..3 {
                sum[channel] += source[there as usize][channel];
            }
        }
        *pixel = sum.map(|value| value / offsets.len() as f32);
    }
}

/// The halo that cameras add around edges.
fn sharpen(canvas: &mut Canvas, strength: f32) {
    let sharp = canvas.pixels.clone();
    soften(canvas, 0.8);
    for (pixel, sharp) in canvas.pixels.iter_mut().zip(sharp) {
        *pixel = std::array::from_fn(|channel| sharp[channel] + strength * (sharp[channel] - pixel[channel]));
    }
}

/// Sensor noise: grey and coloured, single pixels or clumps.
fn disturb(canvas: &mut Canvas, random: &mut Random) {
    let most = if random.chance(0.25) { 0.05 } else { 0.025 };
    let (grey, coloured) = (random.range(0.0, most), random.range(0.0, most));
    let clumped = random.chance(0.4);
    let mut last = [0.0; 3];
    for pixel in &mut canvas.pixels {
        let [common, chroma @ ..] = random.four();
        for ((value, last), chroma) in pixel.iter_mut().zip(&mut last).zip(chroma) {
            let fresh = grey * common + coloured * chroma;
            *last = if clumped { 0.6 * *last + 0.8 * fresh } else { fresh };
            *value += *last;
        }
    }
}

/// JPEG's kind of loss: 8x8 cosine coefficients rounded, the finer the coarser.
fn compress(canvas: &mut Canvas, step: f32) {
    const BLOCK: usize = 8;
    let basis: [[f32; BLOCK]; BLOCK] = std::array::from_fn(|frequency| {
        let scale = if frequency == 0 { (1.0 / BLOCK as f32).sqrt() } else { (2.0 / BLOCK as f32).sqrt() };
        std::array::from_fn(|at| scale * (PI * (at as f32 + 0.5) * frequency as f32 / BLOCK as f32).cos())
    });
    let side = canvas.side;
    for top in (0..side / BLOCK).map(|block| block * BLOCK) {
        for left in (0..side / BLOCK).map(|block| block * BLOCK) {
            for channel in 0..3 {
                let block: [[f32; BLOCK]; BLOCK] = std::array::from_fn(|y| {
                    std::array::from_fn(|x| canvas.pixels[(top + y) * side + left + x][channel])
                });
                let mut coefficients = product(&product(&basis, &block), &transposed(&basis));
                for (y, row) in coefficients.iter_mut().enumerate() {
                    for (x, value) in row.iter_mut().enumerate() {
                        let step = step * (1.0 + (x + y) as f32);
                        *value = (*value / step).round() * step;
                    }
                }
                let block = product(&product(&transposed(&basis), &coefficients), &basis);
                for (y, row) in block.iter().enumerate() {
                    for (x, value) in row.iter().enumerate() {
                        canvas.pixels[(top + y) * side + left + x][channel] = *value;
                    }
                }
            }
        }
    }
}

fn product<const N: usize>(a: &[[f32; N]; N], b: &[[f32; N]; N]) -> [[f32; N]; N] {
    let mut result = [[0.0; N]; N];
    for (row, a) in result.iter_mut().zip(a) {
        for (a, b) in a.iter().zip(b) {
            for (sum, b) in row.iter_mut().zip(b) {
                *sum += a * b;
            }
        }
    }
    result
}

fn transposed<const N: usize>(a: &[[f32; N]; N]) -> [[f32; N]; N] {
    std::array::from_fn(|row| std::array::from_fn(|column| a[column][row]))
}
