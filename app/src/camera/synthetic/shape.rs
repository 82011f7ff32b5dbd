//! The shapes, as lines from -1 to 1 with `y` downwards.

use std::f32::consts::{PI, TAU};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: f32,
    pub(super) y: f32,
}

#[derive(Debug)]
pub(super) struct Shape {
    pub(super) name: &'static str,
    /// Whether its lines return to where they began; the first is then the outline that can be filled.
    pub(super) closed: bool,
    pub(super) lines: fn() -> Vec<Vec<Point>>,
}

const fn closed(name: &'static str, lines: fn() -> Vec<Vec<Point>>) -> Shape {
    Shape { name, closed: true, lines }
}

const fn open(name: &'static str, lines: fn() -> Vec<Vec<Point>>) -> Shape {
    Shape { name, closed: false, lines }
}

pub(super) static SHAPES: [Shape; 11] = [
    closed("circle", || vec![(0..48).map(|index| polar(0.95, TAU * index as f32 / 48.0)).collect()]),
    closed("square", || vec![straight(&[(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8), (-0.8, -0.8)])]),
    closed("triangle", || vec![straight(&[(0.0, -0.9), (0.95, 0.75), (-0.95, 0.75), (0.0, -0.9)])]),
    closed("star", || vec![star()]),
    closed("heart", || vec![(0..48).map(|index| heart(TAU * index as f32 / 48.0)).collect()]),
    open("arrow", || vec![straight(&[(-1.0, 0.0), (1.0, 0.0)]), straight(&[(0.4, -0.5), (1.0, 0.0), (0.4, 0.5)])]),
    open("plus", || vec![straight(&[(-0.9, 0.0), (0.9, 0.0)]), straight(&[(0.0, -0.9), (0.0, 0.9)])]),
    closed("moon", || vec![moon()]),
    closed("lightning", || {
        let corners = [(0.0, -1.0), (0.5, -1.0), (0.2, -0.2), (0.6, -0.25), (-0.35, 1.0), (-0.05, 0.1), (-0.5, 0.15)];
        vec![straight(&[&corners[..], &corners[..1]].concat())]
    }),
    open("spiral", || {
        let turns = 2.75;
        vec![(0..=90).map(|index| polar(index as f32 / 90.0, turns * TAU * index as f32 / 90.0)).collect()]
    }),
    closed("house", || {
        let outside =
            [(0.0, -1.0), (0.95, -0.1), (0.75, -0.1), (0.75, 0.9), (-0.75, 0.9), (-0.75, -0.1), (-0.95, -0.1)];
        let door = [(-0.15, 0.9), (-0.15, 0.35), (0.2, 0.35), (0.2, 0.9), (-0.15, 0.9)];
        vec![
            straight(&[&outside[..], &outside[..1]].concat()),
            straight(&[(-0.75, -0.1), (0.75, -0.1)]),
            straight(&door),
        ]
    }),
];

fn polar(radius: f32, angle: f32) -> Point {
    Point { x: radius * angle.cos(), y: radius * angle.sin() }
}

/// Straight lines through these corners, in steps short enough to look drawn by hand.
fn straight(corners: &[(f32, f32)]) -> Vec<Point> {
    let steps = |((x0, y0), (x1, y1)): ((f32, f32), (f32, f32))| {
        (0..=8).map(move |step| step as f32 / 8.0).map(move |t| Point { x: x0 + t * (x1 - x0), y: y0 + t * (y1 - y0) })
    };
    corners.windows(2).flat_map(|pair| steps((pair[0], pair[1]))).collect()
}

fn star() -> Vec<Point> {
    let corner = |index: u32| {
        let Point { x, y } =
            polar(if index.is_multiple_of(2) { 1.0 } else { 0.42 }, PI * index as f32 / 5.0 - PI / 2.0);
        (x, y)
    };
    straight(&(0..=10).map(corner).collect::<Vec<_>>())
}

/// The usual heart curve, scaled to reach from -1 to 1.
fn heart(angle: f32) -> Point {
    let y = 13.0 * angle.cos() - 5.0 * (2.0 * angle).cos() - 2.0 * (3.0 * angle).cos() - (4.0 * angle).cos();
    Point { x: angle.sin().powi(3), y: -y / 15.0 }
}

/// Two arcs between the same horns, open to the right.
fn moon() -> Vec<Point> {
    let horn = 0.9_f32;
    let outer = (0..=36).map(|step| polar(1.0, horn + (TAU - 2.0 * horn) * step as f32 / 36.0));
    // The inner arc's circle passes through both horns, with its centre to the right.
    let centre = 0.75_f32;
    let radius = (horn.cos() - centre).hypot(horn.sin());
    let angle = horn.sin().atan2(horn.cos() - centre);
    let inner = (1..36).map(|step| polar(radius, -angle - (TAU - 2.0 * angle) * step as f32 / 36.0));
    outer.chain(inner.map(|point| Point { x: point.x + centre, ..point })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_fills_its_square_and_stays_within_it() {
        for shape in &SHAPES {
            let points: Vec<_> = (shape.lines)().into_iter().flatten().collect();
            let reach = points.iter().map(|point| point.x.abs().max(point.y.abs())).fold(0.0, f32::max);
            assert!((0.75..=1.15).contains(&reach), "{}: {reach}", shape.name);
        }
    }

    #[test]
    fn the_moon_is_a_crescent() {
        let points = moon();
        let leftmost = points.iter().map(|point| point.x).fold(0.0, f32::min);
        let inner = points[37..].iter().map(|point| point.x).fold(1.0, f32::min);
        assert!(leftmost < -0.99 && (-0.4..0.3).contains(&inner), "{leftmost} {inner}");
    }
}
