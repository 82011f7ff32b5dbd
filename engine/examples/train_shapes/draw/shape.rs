//! What each class looks like, as lines around the origin: ideal outlines with the liberties people take.

use std::f32::consts::{PI, TAU};

use super::canvas::{Point, point};
use super::random::Random;

/// The classes in the order of the network's outputs; `nothing` has no shape.
pub const CLASSES: [&str; 12] = [
    "nothing",
    "circle",
    "square",
    "triangle",
    "star",
    "heart",
    "arrow",
    "plus",
    "moon",
    "lightning",
    "spiral",
    "house",
];

/// A shape that reaches from -1 to 1 along its longer axis.
pub struct Shape {
    /// The lines, each drawn without lifting the pen.
    pub lines: Vec<Line>,
    /// What is inside, where it can be filled.
    pub inside: Option<Vec<Point>>,
    /// The thickest pen, as a share of the shape's half size, that leaves it recognisable.
    pub thickest: f32,
}

/// One movement of the pen.
pub struct Line {
    pub points: Vec<Point>,
    /// Whether it returns to its first point.
    pub closed: bool,
}

impl Shape {
    /// The shape of `class`, turned as people would draw it or hold it; `None` for `nothing`.
    pub fn of(class: usize, random: &mut Random) -> Option<Self> {
        let mut shape = match CLASSES[class] {
            "circle" => circle(random),
            "square" => square(random),
            "triangle" => triangle(random),
            "star" => star(random),
            "heart" => heart(random),
            "arrow" => arrow(random),
            "plus" => plus(random),
            "moon" => moon(random),
            "lightning" => lightning(random),
            "spiral" => spiral(random),
            "house" => house(random),
            _ => return None,
        };
        let angle = match CLASSES[class] {
            "circle" | "spiral" | "arrow" | "star" | "triangle" => random.either(PI),
            "square" if random.chance(0.4) => random.either(PI),
            // Turned by an eighth it would be a times sign.
            "plus" => random.either(0.45),
            _ if random.chance(0.1) => random.either(1.05),
            _ => random.either(0.61),
        };
        let stretch = random.range(0.88, 1.14);
        let mirrored = if random.chance(0.5) { -1.0 } else { 1.0 };
        shape.map(|p| point(p.x * stretch * mirrored, p.y).turned(angle));
        shape.normalise();
        Some(shape)
    }

    /// Moves every point.
    pub fn map(&mut self, f: impl Fn(Point) -> Point) {
        let points = self.lines.iter_mut().flat_map(|line| &mut line.points);
        points.chain(self.inside.iter_mut().flatten()).for_each(|p| *p = f(*p));
    }

    pub(super) fn normalise(&mut self) {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let bounds = |axis: fn(&Point) -> f32| {
            let values = || points().map(axis);
            (values().fold(f32::INFINITY, f32::min), values().fold(f32::NEG_INFINITY, f32::max))
        };
        let ((left, right), (top, bottom)) = (bounds(|p| p.x), bounds(|p| p.y));
        let centre = point((left + right) / 2.0, (top + bottom) / 2.0);
        let half = ((right - left).max(bottom - top) / 2.0).max(1e-3);
        self.map(|p| (p - centre) * (1.0 / half));
    }

    /// A closed outline that can be filled.
    pub(super) fn outline(points: Vec<Point>) -> Self {
        let line = Line { points: points.clone(), closed: true };
        Self { lines: vec![line], inside: Some(points), thickest: 0.16 }
    }

    /// Open lines.
    pub(super) fn strokes(lines: impl IntoIterator<Item = Vec<Point>>) -> Self {
        let lines = lines.into_iter().map(|points| Line { points, closed: false }).collect();
        Self { lines, inside: None, thickest: 0.16 }
    }
}

/// Every point off by up to `bound` along each axis.
pub(super) fn jitter(points: &mut [Point], bound: f32, random: &mut Random) {
    for p in points {
        *p = *p + point(random.either(bound), random.either(bound));
    }
}

/// `count + 1` points of a curve over 0 to 1.
pub(super) fn curve(count: usize, at: impl Fn(f32) -> Point) -> Vec<Point> {
    (0..=count).map(|index| at(index as f32 / count as f32)).collect()
}

fn circle(random: &mut Random) -> Shape {
    let start = random.either(PI);
    let (drift, flat, phase) = (random.either(0.06), random.range(0.0, 0.05), random.either(PI));
    let mut points = curve(48, |t| {
        let angle = start + TAU * t;
        Point::polar(1.0 + drift * (t - 0.5) + flat * (2.0 * angle + phase).cos(), angle)
    });
    points.pop();
    Shape::outline(points)
}

fn square(random: &mut Random) -> Shape {
    let mut corners = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)].map(|(x, y)| point(x, y)).to_vec();
    jitter(&mut corners, 0.09, random);
    let mut shape = Shape::outline(corners.clone());
    if random.chance(0.25) {
        // Four lines that do not quite meet.
        shape.lines = (0..4)
            .map(|side| {
                let (a, b) = (corners[side], corners[(side + 1) % 4]);
                let (before, after) = (random.either(0.06), random.either(0.06));
                Line { points: vec![a + (a - b) * before, b + (b - a) * after], closed: false }
            })
            .collect();
    }
    shape
}

fn triangle(random: &mut Random) -> Shape {
    let height = random.range(0.75, 1.15);
    let mut corners = vec![point(random.either(0.5), -height), point(1.0, 0.8), point(-1.0, 0.8)];
    jitter(&mut corners, 0.1, random);
    Shape::outline(corners)
}

fn star(random: &mut Random) -> Shape {
    let tips = if random.chance(0.85) { 5 } else { 6 };
    let tip = |index: usize| Point::polar(1.0, index as f32 / tips as f32 * TAU - PI / 2.0);
    if tips == 5 && random.chance(0.35) {
        // The pentagram, drawn in one go.
        let mut points: Vec<_> = (0..5).map(|index| tip(index * 2 % 5)).collect();
        jitter(&mut points, 0.1, random);
        let mut shape = Shape::outline(points);
        shape.inside = None;
        shape.thickest = 0.11;
        return shape;
    }
    let waist = random.range(0.36, 0.52);
    let mut points: Vec<_> = (0..2 * tips)
        .map(|index| {
            let radius = if index % 2 == 0 { 1.0 } else { waist };
            Point::polar(radius, index as f32 / tips as f32 * PI - PI / 2.0)
        })
        .collect();
    jitter(&mut points, 0.07, random);
    Shape { thickest: 0.12, ..Shape::outline(points) }
}

fn heart(random: &mut Random) -> Shape {
    let (notch, lean, point_at) = (random.range(0.75, 1.3), random.either(0.12), random.range(0.85, 1.25));
    let points = curve(48, |t| {
        let angle = TAU * t;
        let x = angle.sin().powi(3);
        let y =
            -(13.0 * angle.cos() - 5.0 * notch * (2.0 * angle).cos() - 2.0 * (3.0 * angle).cos() - (4.0 * angle).cos())
                / 16.0;
        let y = if y > 0.0 { y * point_at } else { y };
        point(x + lean * y, y)
    });
    Shape::outline(points[..48].to_vec())
}

fn arrow(random: &mut Random) -> Shape {
    let head = random.range(0.35, 0.75);
    let spread = random.range(0.4, 0.75);
    if random.chance(0.4) {
        let shaft = random.range(0.12, 0.3);
        let wing = random.range(shaft + 0.2, 0.85);
        let neck = 1.0 - head * 1.3;
        let mut points =
            [(-1.0, -shaft), (neck, -shaft), (neck, -wing), (1.0, 0.0), (neck, wing), (neck, shaft), (-1.0, shaft)]
                .map(|(x, y)| point(x, y))
                .to_vec();
        jitter(&mut points, 0.05, random);
        return Shape::outline(points);
    }
    let bend = if random.chance(0.35) { random.either(0.3) } else { random.either(0.08) };
    let shaft = curve(12, |t| point(-1.0 + 2.0 * t, bend * (4.0 * t * (1.0 - t) - 1.0)));
    let tip = point(1.0, -bend);
    let tilt = -2.0 * bend;
    let wing = |side: f32, random: &mut Random| {
        tip + Point::polar(head * random.range(0.85, 1.15), PI - tilt + side * (spread + random.either(0.12)))
    };
    let (upper, lower) = (wing(1.0, random), wing(-1.0, random));
    if random.chance(0.3) {
        // A closed head; the shaft stops at its base.
        let mut shape = Shape::strokes([shaft]);
        shape.lines.push(Line { points: vec![tip, upper, lower], closed: true });
        shape.inside = random.chance(0.7).then(|| vec![tip, upper, lower]);
        return shape;
    }
    if random.chance(0.6) {
        Shape::strokes([shaft, vec![upper, tip, lower]])
    } else {
        Shape::strokes([shaft, vec![tip, upper], vec![tip, lower]])
    }
}

fn plus(random: &mut Random) -> Shape {
    if random.chance(0.4) {
        let arm = random.range(0.2, 0.38);
        let quarter = [point(arm, -1.0), point(arm, -arm), point(1.0, -arm)];
        let mut points: Vec<_> = (0..4).flat_map(|turn| quarter.map(|p| p.turned(turn as f32 * PI / 2.0))).collect();
        jitter(&mut points, 0.04, random);
        return Shape { thickest: 0.1, ..Shape::outline(points) };
    }
    let mut ends = [(-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0)].map(|(x, y)| point(x, y));
    jitter(&mut ends, 0.12, random);
    Shape { thickest: 0.22, ..Shape::strokes([vec![ends[0], ends[1]], vec![ends[2], ends[3]]]) }
}

fn moon(random: &mut Random) -> Shape {
    // Two arcs between the same horns: the outer more than a half circle, the inner bent the same way.
    let horn = random.range(1.2, 2.0);
    let (sin, cos) = horn.sin_cos();
    let depth = random.range(0.25, 0.75);
    let outer = curve(30, |t| Point::polar(1.0, PI - horn + 2.0 * horn * t));
    let thickness_at = -1.0 + depth * (1.0 - cos.min(0.5));
    let bulge = -cos - thickness_at;
    let radius = (sin * sin + bulge * bulge) / (2.0 * bulge.max(0.12));
    let centre = thickness_at + radius;
    let sweep = (sin / radius).clamp(-1.0, 1.0).asin();
    let sweep = if centre < -cos { PI - sweep } else { sweep };
    let inner = curve(20, |t| point(centre, 0.0) + Point::polar(radius, PI + sweep - 2.0 * sweep * t));
    let mut points = outer;
    points.extend(&inner[1..20]);
    jitter(&mut points, 0.012, random);
    Shape { thickest: 0.1, ..Shape::outline(points) }
}

fn lightning(random: &mut Random) -> Shape {
    let waist = random.range(-0.1, 0.1);
    if random.chance(0.25) {
        let step = random.range(0.3, 0.5);
        let mut points =
            [(0.35, -1.0), (-step, waist + 0.12), (step, waist - 0.12), (-0.3, 1.0)].map(|(x, y)| point(x, y)).to_vec();
        jitter(&mut points, 0.07, random);
        return Shape { thickest: 0.13, ..Shape::strokes([points]) };
    }
    let top = random.range(0.25, 0.5);
    let mut points = [
        (-0.05, -1.0),
        (-0.05 + top * 1.3, -1.0),
        (0.15, waist - 0.2),
        (0.6, waist - 0.25),
        (-0.35, 1.0),
        (-0.05, waist + 0.12),
        (-0.5, waist + 0.15),
    ]
    .map(|(x, y)| point(x, y))
    .to_vec();
    jitter(&mut points, 0.06, random);
    Shape { thickest: 0.1, ..Shape::outline(points) }
}

fn spiral(random: &mut Random) -> Shape {
    let turns = random.range(1.8, 3.8);
    let (inner, growth) = (random.range(0.0, 0.12), random.range(0.85, 1.35));
    let points =
        curve((turns * 26.0) as usize, |t| Point::polar(inner + (1.0 - inner) * t.powf(growth), TAU * turns * t));
    Shape { thickest: 0.2 / turns, ..Shape::strokes([points]) }
}

fn house(random: &mut Random) -> Shape {
    let (eaves, wall) = (random.range(-0.25, 0.15), random.range(0.65, 0.9));
    let overhang = if random.chance(0.5) { wall + random.range(0.08, 0.25) } else { wall };
    let peak = point(random.either(0.12), -1.0);
    let mut body = vec![point(-wall, eaves), point(wall, eaves), point(wall, 1.0), point(-wall, 1.0)];
    let mut roof = vec![peak, point(overhang, eaves), point(-overhang, eaves)];
    jitter(&mut body, 0.05, random);
    jitter(&mut roof, 0.05, random);
    let outside = vec![roof[0], roof[1], body[1], body[2], body[3], body[0], roof[2]];
    let mut shape = if random.chance(0.25) {
        let pentagon = vec![roof[0], body[1], body[2], body[3], body[0]];
        Shape::outline(pentagon)
    } else {
        let mut shape = Shape::outline(outside);
        shape.lines = vec![Line { points: body.clone(), closed: true }, Line { points: roof, closed: true }];
        shape
    };
    shape.thickest = 0.1;
    if random.chance(0.6) {
        let (left, width, top) = (random.range(-0.35, 0.15), random.range(0.2, 0.4), random.range(0.3, 0.6));
        let door = [(left, 1.0), (left, top), (left + width, top), (left + width, 1.0)].map(|(x, y)| point(x, y));
        shape.lines.push(Line { points: door.to_vec(), closed: false });
    }
    if random.chance(0.35) {
        let (x, y, half) = (random.either(0.3), eaves + 0.35, random.range(0.1, 0.16));
        let window = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)];
        let window = window.map(|(dx, dy)| point(x + dx * half, y + dy * half)).to_vec();
        shape.lines.push(Line { points: window, closed: true });
    }
    if random.chance(0.3) {
        let (x, top) = (random.range(0.35, 0.5), random.range(-1.0, -0.75));
        let chimney = [(x, -0.5), (x, top), (x + 0.18, top), (x + 0.18, -0.25)].map(|(x, y)| point(x, y));
        shape.lines.push(Line { points: chimney.to_vec(), closed: false });
    }
    shape
}
