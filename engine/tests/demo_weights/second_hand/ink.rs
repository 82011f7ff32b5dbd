//! Ink in stamps, and the pens that leave it: broad nib, pencil sketch, dashes, crayon.

use std::f32::consts::{PI, TAU};

use super::figure::Figure;
use super::{Dice, Paint, Polyline, SIDE, Vector, blend};

/// Ink is drawn this much finer than the picture.
const FINE: usize = 3;

/// Coverage by ink at `FINE` times the picture's resolution.
pub struct Ink(Vec<bool>);

impl Ink {
    pub fn new() -> Self {
        Self(vec![false; (SIDE * FINE).pow(2)])
    }

    /// Stamps a nib of this length and breadth, in pixels of the picture, held at `slant`.
    pub fn stamp(&mut self, [x, y]: Vector, [length, breadth]: [f32; 2], slant: f32) {
        let fine = FINE as f32;
        let (sin, cos) = slant.sin_cos();
        let reach = length.max(breadth) / 2.0 * fine + 1.0;
        let range = |at: f32| {
            ((at * fine - reach).max(0.0) as usize)..((at * fine + reach).clamp(0.0, (SIDE * FINE) as f32) as usize)
        };
        for row in range(y) {
            for column in range(x) {
                let (dx, dy) = (column as f32 + 0.5 - x * fine, row as f32 + 0.5 - y * fine);
                let (along, across) = (dx * cos + dy * sin, dy * cos - dx * sin);
                if (along / (length * fine)).powi(2) + (across / (breadth * fine)).powi(2) <= 0.25 {
                    self.0[row * SIDE * FINE + column] = true;
                }
            }
        }
    }

    /// Everything inside `outline`, by the winding of each fine pixel's middle.
    pub fn cut_out(&mut self, outline: &[Vector]) {
        for row in 0..SIDE * FINE {
            let y = (row as f32 + 0.5) / FINE as f32;
            for pair in outline.windows(2) {
                let ([ax, ay], [bx, by]) = (pair[0], pair[1]);
                if (ay <= y) != (by <= y) {
                    // Everything right of an edge turns over; twice is not at all.
                    let x = (ax + (y - ay) / (by - ay) * (bx - ax)) * FINE as f32;
                    let first = (x.max(0.0) as usize).min(SIDE * FINE);
                    self.0[row * SIDE * FINE + first..(row + 1) * SIDE * FINE].iter_mut().for_each(|ink| *ink = !*ink);
                }
            }
        }
    }

    /// The share of a pixel that is covered.
    fn at(&self, column: usize, row: usize) -> f32 {
        let lines = (0..FINE).map(|line| (row * FINE + line) * SIDE * FINE + column * FINE);
        lines.map(|start| self.0[start..start + FINE].iter().filter(|ink| **ink).count()).sum::<usize>() as f32
            / (FINE * FINE) as f32
    }

    pub fn print(&self, image: &mut [Paint], colour: Paint, opacity: f32, shift: usize) {
        for row in shift..SIDE {
            for column in shift..SIDE {
                let share = self.at(column - shift, row - shift) * opacity;
                blend(&mut image[row * SIDE + column], colour, share);
            }
        }
    }
}

/// Points about half a pixel apart.
pub fn along(line: &[Vector]) -> Vec<Vector> {
    let mut points = vec![];
    for pair in line.windows(2) {
        let ([ax, ay], [bx, by]) = (pair[0], pair[1]);
        let steps = ((bx - ax).hypot(by - ay) * 2.0).ceil().max(1.0);
        points.extend(
            (0..steps as usize).map(|step| step as f32 / steps).map(|t| [ax + (bx - ax) * t, ay + (by - ay) * t]),
        );
    }
    points.extend(line.last());
    points
}

/// Broad-edged pen: thick one way, thin the other.
pub fn nib(figure: &Figure, size: f32, ink: &mut Ink, dice: &mut Dice) {
    let length = dice.between(1.6, 5.5).min(size * 0.07).max(1.4);
    let (breadth, slant) = (length * dice.between(0.35, 0.8), dice.about(PI));
    let (sway, pace) = (dice.between(0.0, 0.015) * size, dice.between(0.02, 0.08));
    for line in &figure.lines {
        let phase = dice.roll() * TAU;
        for (index, [x, y]) in along(line).into_iter().enumerate() {
            let swing = phase + index as f32 * pace;
            ink.stamp([x + sway * swing.sin(), y + sway * (1.3 * swing).cos()], [length, breadth], slant);
        }
    }
}

/// Every edge two or three times, each a little off and a little too long.
pub fn sketch(figure: &Figure, size: f32, ink: &mut Ink, dice: &mut Dice) {
    let width = dice.between(1.0, 2.0);
    for line in &figure.lines {
        for piece in pieces(line) {
            for _ in 0..2 + dice.up_to(2) {
                let off = size * 0.018;
                let shift = [dice.about(off), dice.about(off)];
                let moved: Polyline = piece.iter().map(|[x, y]| [x + shift[0], y + shift[1]]).collect();
                let (first, second) = (moved[0], moved[1]);
                let before = [0, 1].map(|axis| first[axis] + (first[axis] - second[axis]).clamp(-9.0, 9.0) * 0.12);
                let whole: Polyline = std::iter::once(before).chain(moved).collect();
                along(&whole).into_iter().for_each(|p| ink.stamp(p, [width; 2], 0.0));
            }
        }
    }
}

/// The line cut at its corners, or every few points where it is a curve.
fn pieces(line: &[Vector]) -> Vec<&[Vector]> {
    let step = if line.len() > 14 { 9 } else { 1 };
    (0..line.len() - 1).step_by(step).map(|start| &line[start..(start + step + 1).min(line.len())]).collect()
}

/// Dashes or dots with small gaps.
pub fn dash(figure: &Figure, size: f32, ink: &mut Ink, dice: &mut Dice) {
    let width = dice.between(1.6, 3.6).min(size * 0.06).max(1.4);
    let (drawn, gap) = (width * dice.between(0.6, 4.0), width * dice.between(0.8, 1.4));
    for line in &figure.lines {
        for (index, p) in along(line).into_iter().enumerate() {
            if index as f32 * 0.5 % (drawn + gap) < drawn {
                ink.stamp(p, [width; 2], 0.0);
            }
        }
    }
}

/// Crumbs scattered along the line.
pub fn crayon(figure: &Figure, size: f32, ink: &mut Ink, dice: &mut Dice) {
    let width = dice.between(2.0, 5.0).min(size * 0.07).max(1.8);
    for line in &figure.lines {
        for [x, y] in along(line) {
            for _ in 0..5 {
                let p = [x + dice.about(width / 2.0), y + dice.about(width / 2.0)];
                ink.stamp(p, [dice.between(0.4, 1.0); 2], 0.0);
            }
        }
    }
}
