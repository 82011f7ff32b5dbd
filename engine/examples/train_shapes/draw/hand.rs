//! A hand that moves a pen: lines wobble, pressure varies, ends gape or overshoot, insides are filled or hatched.

use super::canvas::{Colour, Mask, Point, point};
use super::random::{Noise, Random};
use super::shape::{Line, Shape};

/// A pen and how it is held.
pub struct Pen {
    pub colour: Colour,
    pub opacity: f32,
    /// Half the width of the line in the frame's coordinates.
    pub radius: f32,
    /// How far pressure changes the radius, as a share.
    pub pressure: f32,
    /// How far lines stray, as a share of the drawing's half size.
    pub wobble: f32,
    /// How much of the line the paper's roughness swallows: 0 for ink, more for pencil and chalk.
    pub grain: f32,
}

/// Draws `shape`, whose half size in the frame is `size`, where `to_frame` puts it.
pub fn draw(
    shape: &Shape,
    size: f32,
    pen: &Pen,
    mask: &mut Mask,
    random: &mut Random,
    to_frame: impl Fn(Point) -> Point,
) {
    let radius = pen.radius.min(shape.thickest * size);
    let held = Pen { radius, ..*pen };
    let again = if random.chance(0.12) { 2 } else { 1 };
    for line in &shape.lines {
        let walk = walk(line, random);
        for _ in 0..again {
            let strayed = stray(&walk, pen.wobble, random);
            mask.stroke(&press(&strayed, &held, random, &to_frame));
        }
    }
}

/// Fills `inside`: solid, or with the strokes of an impatient hand.
pub fn fill(
    inside: &[Point],
    size: f32,
    pen: &Pen,
    mask: &mut Mask,
    random: &mut Random,
    to_frame: impl Fn(Point) -> Point,
) {
    let polygon: Vec<_> = inside.iter().map(|&p| to_frame(p)).collect();
    if random.chance(0.6) {
        return mask.fill(&polygon);
    }
    let mut hatching = Mask::new(mask.side);
    let (angle, gap) = (random.either(1.6), random.range(1.6, 3.2) * pen.radius / size);
    let mut at = -1.5;
    let mut there_and_back = Vec::new();
    while at < 1.5 {
        let ends = [point(-1.5, at), point(1.5, at + gap * random.range(0.3, 0.7))];
        let ends = if there_and_back.len() % 4 == 0 { ends } else { [ends[1], ends[0]] };
        there_and_back.extend(ends.map(|p| (to_frame(p.turned(angle)), pen.radius)));
        at += gap * random.range(0.7, 1.3);
    }
    hatching.stroke(&there_and_back);
    let mut allowed = Mask::new(mask.side);
    allowed.fill(&polygon);
    for ((pixel, hatch), allowed) in mask.coverage.iter_mut().zip(hatching.coverage).zip(allowed.coverage) {
        *pixel = pixel.max(hatch.min(allowed));
    }
}

/// The line as points a small step apart; a closed one starts anywhere and ends a little early or late.
fn walk(line: &Line, random: &mut Random) -> Vec<Point> {
    const STEP: f32 = 0.05;
    let mut corners = line.points.clone();
    if line.closed
        && let Some(last) = corners.len().checked_sub(1)
    {
        corners.rotate_left(random.count(0, last));
        corners.push(corners[0]);
    }
    let mut points = Vec::new();
    for pair in corners.windows(2) {
        let edge = pair[1] - pair[0];
        let steps = (edge.length() / STEP).ceil().max(1.0);
        points.extend((0..steps as usize).map(|step| pair[0] + edge * (step as f32 / steps)));
    }
    points.extend(corners.last());
    if line.closed {
        let slack = points.len() as f32;
        if random.chance(0.5) {
            points.truncate(points.len() - (random.range(0.0, 0.07) * slack) as usize);
        } else {
            points.extend_from_within(1..(random.range(0.01, 0.1) * slack) as usize + 1);
        }
    }
    for _ in 0..random.count(0, 3) {
        // Corners are cut.
        for index in 1..points.len().saturating_sub(1) {
            points[index] = points[index] * 0.5 + (points[index - 1] + points[index + 1]) * 0.25;
        }
    }
    points
}

/// The points displaced by a slow and a quick tremor.
fn stray(points: &[Point], wobble: f32, random: &mut Random) -> Vec<Point> {
    let fields = [Noise::new(random), Noise::new(random)];
    let (quick, strength) = (random.range(0.3, 0.6), random.range(0.0, 0.35));
    let displace = |(index, p): (usize, &Point)| {
        let at = index as f32;
        let [dx, dy] = fields.map(|field| field.at(at * 0.05, 0.5) + strength * field.at(at * quick, 9.5));
        *p + point(dx, dy) * wobble
    };
    points.iter().enumerate().map(displace).collect()
}

/// Places in the frame with the pen's radius there.
fn press(points: &[Point], pen: &Pen, random: &mut Random, to_frame: impl Fn(Point) -> Point) -> Vec<(Point, f32)> {
    let field = Noise::new(random);
    let tapered = random.chance(0.25);
    let last = points.len().max(2) as f32 - 1.0;
    let mark = |(index, &p): (usize, &Point)| {
        let at = index as f32;
        let taper = if tapered { (0.45 + 5.0 * (at / last).min(1.0 - at / last)).min(1.0) } else { 1.0 };
        (to_frame(p), pen.radius * taper * (1.0 + pen.pressure * field.at(at * 0.12, 0.5)))
    };
    points.iter().enumerate().map(mark).collect()
}

/// Lets the surface's roughness show through what has been drawn.
pub fn roughen(mask: &mut Mask, grain: f32, random: &mut Random) {
    if grain <= 0.0 {
        return;
    }
    let field = Noise::new(random);
    let side = mask.side;
    let fineness = 96.0 / side as f32;
    for (index, pixel) in mask.coverage.iter_mut().enumerate() {
        if *pixel > 0.0 {
            let (x, y) = ((index % side) as f32 * fineness, (index / side) as f32 * fineness);
            let rough = 0.5 + 0.5 * field.at(x * 0.9, y * 0.9);
            *pixel *= 1.0 - grain * rough;
        }
    }
}
