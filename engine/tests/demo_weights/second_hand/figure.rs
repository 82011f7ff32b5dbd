//! Outlines of the figures, from Bezier curves, semicircles and straight lines.

use std::f32::consts::{FRAC_PI_2, PI, TAU};

use super::{Dice, Polyline, Vector};

/// Outlines of a figure, larger or smaller than the unit square; the closed ones repeat their first point.
pub struct Figure {
    pub lines: Vec<Polyline>,
    /// Whether the first line bounds an area that can be cut out of paper.
    pub solid: bool,
}

pub fn figure(label: &str, dice: &mut Dice) -> Option<Figure> {
    let mut figure = match label {
        "circle" => ring(dice),
        "square" => Figure { lines: vec![polygon(4, PI / 4.0, &[1.0])], solid: true },
        "triangle" => Figure { lines: vec![triangle(dice)], solid: true },
        "star" => star(dice),
        "heart" => heart(dice),
        "arrow" => arrow(dice),
        "plus" => plus(dice),
        "moon" => moon(dice),
        "lightning" => lightning(dice),
        "spiral" => spiral(dice),
        "house" => house(dice),
        _ => return None,
    };
    let angle = match label {
        "circle" | "triangle" | "star" | "arrow" | "spiral" => dice.about(PI),
        "square" if dice.often(0.3) => dice.about(PI),
        "plus" => dice.about(0.4),
        _ => dice.about(0.6),
    };
    let (squeeze, lean, flip) = (dice.between(0.88, 1.12), dice.about(0.1), if dice.often(0.5) { -1.0 } else { 1.0 });
    let (sin, cos) = angle.sin_cos();
    for [x, y] in figure.lines.iter_mut().flatten() {
        let (a, b) = (*x * squeeze * flip + *y * lean, *y);
        (*x, *y) = (a * cos - b * sin, a * sin + b * cos);
    }
    Some(figure)
}

/// A closed polygon around the origin whose corners lie at these radii in turn.
fn polygon(corners: usize, start: f32, radii: &[f32]) -> Polyline {
    (0..=corners)
        .map(|corner| {
            let angle = start + TAU * (corner % corners) as f32 / corners as f32;
            let radius = radii[corner % corners % radii.len()];
            [radius * angle.cos(), radius * angle.sin()]
        })
        .collect()
}

/// A cubic Bezier curve as fifteen points; the last is left to the curve that follows.
fn bezier([a, b, c, d]: [Vector; 4]) -> impl Iterator<Item = Vector> {
    (0..15).map(move |step| {
        let t = step as f32 / 15.0;
        let s = 1.0 - t;
        [0, 1].map(|axis| {
            s * s * s * a[axis] + 3.0 * s * s * t * b[axis] + 3.0 * s * t * t * c[axis] + t * t * t * d[axis]
        })
    })
}

fn closed(mut line: Polyline) -> Polyline {
    line.extend(line.first().copied());
    line
}

fn ring(dice: &mut Dice) -> Figure {
    // Four Bezier quarters; a kappa off the ideal 0.552 makes them a little square or pointed.
    let kappa = dice.between(0.5, 0.62);
    let quarter = |turn: usize| {
        let (sin, cos) = (turn as f32 * FRAC_PI_2).sin_cos();
        let place = |x: f32, y: f32| [x * cos - y * sin, x * sin + y * cos];
        bezier([place(1.0, 0.0), place(1.0, kappa), place(kappa, 1.0), place(0.0, 1.0)])
    };
    Figure { lines: vec![closed((0..4).flat_map(quarter).collect())], solid: true }
}

fn triangle(dice: &mut Dice) -> Polyline {
    let apex = [dice.about(0.6), -dice.between(0.8, 1.3)];
    closed(vec![apex, [1.0, 0.75], [-1.0, 0.75]])
}

fn star(dice: &mut Dice) -> Figure {
    if dice.often(0.3) {
        let tips = polygon(5, -FRAC_PI_2, &[1.0]);
        return Figure { lines: vec![[0, 2, 4, 1, 3, 0].map(|tip| tips[tip]).to_vec()], solid: false };
    }
    Figure { lines: vec![polygon(10, -FRAC_PI_2, &[1.0, dice.between(0.38, 0.5)])], solid: true }
}

fn heart(dice: &mut Dice) -> Figure {
    let (notch, shoulder, waist) = (-dice.between(0.35, 0.6), dice.between(0.95, 1.15), dice.between(0.2, 0.5));
    let side = |s: f32| {
        [
            [[0.0, notch], [s * 0.25, -1.1], [s * shoulder, -1.05], [s, -0.35]],
            [[s, -0.35], [s, waist], [s * 0.25, 0.6], [0.0, 1.0]],
        ]
    };
    let right = side(1.0).into_iter().flat_map(bezier);
    let left = side(-1.0).map(|[a, b, c, d]| [d, c, b, a]).into_iter().rev().flat_map(bezier);
    Figure { lines: vec![closed(right.chain(left).collect())], solid: true }
}

fn arrow(dice: &mut Dice) -> Figure {
    let (back, wing) = (dice.between(0.4, 0.7), dice.between(0.35, 0.65));
    if dice.often(0.4) {
        let half = wing * dice.between(0.3, 0.5);
        let neck = 1.0 - back;
        let outline =
            [[1.0, 0.0], [neck, wing], [neck, half], [-1.0, half], [-1.0, -half], [neck, -half], [neck, -wing]];
        return Figure { lines: vec![closed(outline.to_vec())], solid: true };
    }
    let head = vec![[1.0 - back, -wing], [1.0, 0.0], [1.0 - back, wing]];
    Figure { lines: vec![vec![[-1.0, dice.about(0.1)], [1.0, 0.0]], head], solid: false }
}

fn plus(dice: &mut Dice) -> Figure {
    if dice.often(0.4) {
        let w = dice.between(0.22, 0.36);
        let outline = [
            [w, w],
            [w, 1.0],
            [-w, 1.0],
            [-w, w],
            [-1.0, w],
            [-1.0, -w],
            [-w, -w],
            [-w, -1.0],
            [w, -1.0],
            [w, -w],
            [1.0, -w],
            [1.0, w],
        ];
        return Figure { lines: vec![closed(outline.to_vec())], solid: true };
    }
    let (x, y) = (dice.about(0.12), dice.about(0.12));
    Figure { lines: vec![vec![[x, -1.0], [x, 1.0]], vec![[-1.0, y], [1.0, y]]], solid: false }
}

fn moon(dice: &mut Dice) -> Figure {
    let (belly, hollow) = (dice.between(-1.35, -1.1), dice.between(-0.6, -0.1));
    let outer = bezier([[0.45, -1.0], [belly, -1.05], [belly, 1.05], [0.45, 1.0]]);
    let inner = bezier([[0.45, 1.0], [hollow, 0.7], [hollow, -0.7], [0.45, -1.0]]);
    Figure { lines: vec![closed(outer.chain(inner).collect())], solid: true }
}

fn lightning(dice: &mut Dice) -> Figure {
    let (step, top) = (dice.between(0.35, 0.55), dice.between(0.1, 0.3));
    let outline =
        [[top, -1.0], [-step, 0.1], [-0.05, 0.1], [-0.25, 1.0], [step, -0.2], [0.08, -0.2], [top + 0.35, -1.0]];
    Figure { lines: vec![closed(outline.to_vec())], solid: true }
}

fn spiral(dice: &mut Dice) -> Figure {
    // Semicircles whose centres alternate, each wider than the one before.
    let (halves, first) = (4 + dice.up_to(4), dice.between(0.03, 0.12));
    let growth = (1.0 - first) / (halves - 1) as f32;
    let mut line = vec![];
    let mut centre = 0.0;
    for half in 0..halves {
        let radius = first + growth * half as f32;
        let side = if half % 2 == 0 { 1.0 } else { -1.0 };
        line.extend((0..14).map(|step| {
            let angle = PI * step as f32 / 14.0;
            [centre + side * radius * angle.cos(), side * radius * angle.sin()]
        }));
        centre += side * growth;
    }
    Figure { lines: vec![line], solid: false }
}

fn house(dice: &mut Dice) -> Figure {
    let (eaves, wall, roof) = (dice.between(-0.3, 0.05), dice.between(0.6, 0.85), dice.between(0.8, 1.05));
    let outline =
        [[-wall, 1.0], [-wall, eaves], [-roof, eaves], [0.0, -1.0], [roof, eaves], [wall, eaves], [wall, 1.0]];
    let mut lines = vec![closed(outline.to_vec())];
    if dice.often(0.7) {
        lines.push(vec![[-wall, eaves], [wall, eaves]]);
    }
    if dice.often(0.7) {
        let (x, half) = (dice.about(0.25), dice.between(0.12, 0.2));
        lines.push(vec![[x - half, 1.0], [x - half, 0.45], [x + half, 0.45], [x + half, 1.0]]);
    }
    Figure { lines, solid: true }
}
