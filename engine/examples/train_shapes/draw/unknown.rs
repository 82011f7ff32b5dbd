//! Things that the demo network was never shown: what it is taught with in tests of teaching.

use std::f32::consts::{PI, TAU};

use super::canvas::{Point, point};
use super::random::Random;
use super::shape::{Line, Shape, curve, jitter};

/// What they are.
#[allow(dead_code, reason = "the trainer does not draw them")]
pub const UNKNOWN: [&str; 5] = ["fish", "cup", "tree", "letter A", "key"];

impl Shape {
    /// One of [`UNKNOWN`], held as people hold a drawing.
    #[allow(dead_code, reason = "the trainer does not draw them")]
    pub fn unknown(index: usize, random: &mut Random) -> Self {
        let mut shape = match UNKNOWN[index] {
            "fish" => fish(random),
            "cup" => cup(random),
            "tree" => tree(random),
            "letter A" => letter_a(random),
            _ => key(random),
        };
        let (angle, stretch) = (random.either(0.5), random.range(0.88, 1.14));
        let mirrored = if random.chance(0.5) { -1.0 } else { 1.0 };
        shape.map(|p| point(p.x * stretch * mirrored, p.y).turned(angle));
        shape.normalise();
        Shape { thickest: 0.11, ..shape }
    }
}

/// An ellipse that opens into a tail.
fn fish(random: &mut Random) -> Shape {
    let (opening, height, fork) = (random.range(0.3, 0.5), random.range(0.4, 0.55), random.range(0.75, 0.9));
    let body = curve(30, |t| {
        let angle = opening + (TAU - 2.0 * opening) * t;
        point(0.75 * angle.cos() - 0.2, height * angle.sin())
    });
    let tail = [(1.0, -0.45), (fork, 0.0), (1.0, 0.45)].map(|(x, y)| point(x, y));
    let mut points = [body, tail.to_vec()].concat();
    jitter(&mut points, 0.02, random);
    let mut shape = Shape::outline(points);
    if random.chance(0.6) {
        let eye = circle(point(-0.6, -0.1), random.range(0.05, 0.09));
        shape.lines.push(eye);
    }
    shape
}

/// A vessel with a handle.
fn cup(random: &mut Random) -> Shape {
    let (narrow, reach) = (random.range(0.0, 0.2), random.range(0.35, 0.55));
    let mut body =
        [(-0.7, -0.7), (0.4, -0.7), (0.4 - narrow, 0.8), (narrow - 0.7, 0.8)].map(|(x, y)| point(x, y)).to_vec();
    jitter(&mut body, 0.05, random);
    let handle = curve(14, |t| {
        let angle = PI * (t - 0.5);
        point(0.38 - narrow / 2.0 + reach * angle.cos(), 0.02 + 0.4 * angle.sin())
    });
    let mut shape = Shape::outline(body);
    shape.lines.push(Line { points: handle, closed: false });
    shape
}

/// A round crown on a trunk.
fn tree(random: &mut Random) -> Shape {
    let (radius, half) = (random.range(0.5, 0.68), random.range(0.07, 0.16));
    let waves = random.count(0, 8) as f32;
    let mut crown = curve(48, |t| {
        let bulge = 1.0 + if waves > 3.0 { 0.09 * (waves * TAU * t).cos() } else { 0.0 };
        point(0.0, -0.4) + Point::polar(radius * bulge, TAU * t)
    });
    crown.pop();
    let top = radius - 0.42;
    let mut shape = Shape::outline(crown);
    for side in [-half, half] {
        let mut trunk = vec![point(side, top), point(side, 1.0)];
        jitter(&mut trunk, 0.03, random);
        shape.lines.push(Line { points: trunk, closed: false });
    }
    shape
}

/// Two legs and a bar.
fn letter_a(random: &mut Random) -> Shape {
    let (spread, bar) = (random.range(0.5, 0.8), random.range(0.05, 0.4));
    let mut legs = vec![point(-spread, 1.0), point(0.0, -1.0), point(spread, 1.0)];
    jitter(&mut legs, 0.07, random);
    let at = spread * (bar + 1.0) / 2.0;
    let mut across = vec![point(-at, bar), point(at, bar)];
    jitter(&mut across, 0.05, random);
    Shape::strokes([legs, across])
}

/// A ring, a shaft and teeth.
fn key(random: &mut Random) -> Shape {
    let radius = random.range(0.28, 0.42);
    let mut shape = Shape::strokes([vec![point(radius - 0.6, 0.0), point(1.0, random.either(0.04))]]);
    shape.lines.push(circle(point(-0.6, 0.0), radius));
    for x in [random.range(0.55, 0.7), random.range(0.85, 0.97)] {
        let tooth = vec![point(x, 0.0), point(x + random.either(0.03), random.range(0.2, 0.38))];
        shape.lines.push(Line { points: tooth, closed: false });
    }
    shape
}

fn circle(centre: Point, radius: f32) -> Line {
    let mut points = curve(24, |t| centre + Point::polar(radius, TAU * t));
    points.pop();
    Line { points, closed: true }
}
