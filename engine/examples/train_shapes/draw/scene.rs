//! What is behind and around a drawing: rooms, people, hands, sheets of paper.

use super::canvas::{Area, Canvas, Colour, Mask, Point, luminance, mix, point};
use super::random::{Noise, Random};

/// Any colour.
pub fn any_colour(random: &mut Random) -> Colour {
    let grey = random.unit();
    let strength = if random.chance(0.5) { random.range(0.0, 0.2) } else { random.range(0.2, 0.8) };
    std::array::from_fn(|_| (grey + strength * random.either(1.0)).clamp(0.02, 0.98))
}

/// Skin of any person.
pub fn skin(random: &mut Random) -> Colour {
    let tone = random.range(0.25, 0.95);
    mix([0.22, 0.13, 0.09], [1.0, 0.82, 0.72], tone)
}

/// A wall, perhaps with furniture, perhaps with somebody in front of it.
pub fn room(side: usize, random: &mut Random) -> Canvas {
    let mut canvas = surface(side, random);
    for _ in 0..if random.chance(0.25) { 0 } else { random.count(2, 14) } {
        let reach = random.range(0.05, 0.7);
        let area = Area {
            round: random.chance(0.25),
            centre: point(random.either(1.1), random.either(1.1)),
            half: point(reach, reach * random.range(0.15, 1.2)),
            angle: if random.chance(0.6) { random.either(0.1) } else { random.either(1.6) },
        };
        canvas.lay(&area, any_colour(random), random.either(0.3));
    }
    if random.chance(0.35) {
        person(&mut canvas, random);
    }
    canvas
}

/// A plain, graded, striped or mottled surface: wall, desk, cloth.
pub fn surface(side: usize, random: &mut Random) -> Canvas {
    let (a, b) = (any_colour(random), any_colour(random));
    let towards = Point::polar(0.5, random.either(3.2));
    let spread = if random.chance(0.5) { random.range(0.0, 0.25) } else { random.unit() };
    let field = Noise::new(random);
    let (rough, scale) = (random.range(0.0, 0.5), random.range(1.0, 12.0));
    let squash = if random.chance(0.3) { 0.12 } else { 1.0 }; // Long flecks: wood, brushed cloth.
    let turn = random.either(1.6);
    Canvas::paint(side, |p| {
        let fleck = p.turned(turn);
        let mottle = field.at(fleck.x * scale * squash + 50.0, fleck.y * scale + 50.0);
        mix(a, b, (spread * (0.5 + p.x * towards.x + p.y * towards.y) + rough * mottle).clamp(0.0, 1.0))
    })
}

/// Head, hair, shoulders, and a face as coarse as it looks at this size.
fn person(canvas: &mut Canvas, random: &mut Random) {
    let centre = point(random.either(0.6), random.range(-0.45, 0.2));
    let head = random.range(0.18, 0.42);
    let (tone, hair, cloth) = (skin(random), any_colour(random).map(|value| value * 0.6), any_colour(random));
    let mut oval = |dx: f32, dy: f32, width: f32, height: f32, colour, shade| {
        let (centre, half) = (centre + point(dx, dy) * head, point(width, height) * head);
        canvas.lay(&Area { round: true, centre, half, angle: 0.0 }, colour, shade);
    };
    oval(0.0, 2.9, 2.1, 1.7, cloth, 0.15);
    oval(0.0, 1.0, 0.45, 0.7, tone, 0.0);
    oval(0.0, -0.2, 0.95, 1.2, hair, 0.0);
    oval(0.0, 0.12, 0.78, 1.02, tone, random.range(0.05, 0.2));
    for side in [-1.0, 1.0] {
        oval(side * 0.32, -0.05, 0.13, 0.09, [0.1, 0.08, 0.08], 0.0);
    }
    oval(0.0, 0.55, 0.28, 0.08, mix(tone, [0.6, 0.15, 0.15], 0.5), 0.0);
}

/// Fingers that reach in from the edge, as far as `reach`.
pub fn fingers(canvas: &mut Canvas, reach: f32, random: &mut Random) {
    let tone = skin(random);
    let (edge, along) = (random.either(3.2), random.either(0.7));
    let radius = random.range(0.07, 0.15);
    for finger in 0..random.count(1, 4) {
        let length = random.range(0.5, 1.0) * reach + 0.3;
        let sideways = along + finger as f32 * radius * 2.15;
        let centre = point(1.3 - length / 2.0, sideways).turned(edge);
        let angle = edge + random.either(0.15);
        let half = point(length / 2.0 + 0.1, radius * random.range(0.85, 1.1));
        canvas.lay(&Area { round: true, centre, half: half * 1.15, angle }, tone.map(|value| value * 0.75), 0.0);
        canvas.lay(&Area { round: true, centre, half, angle }, tone, random.range(0.0, 0.15));
    }
}

/// How a sheet lies in the frame; paper coordinates are the frame's where it is held straight.
#[derive(Clone, Copy)]
pub struct View {
    angle: f32,
    tilt: Point,
}

impl View {
    pub fn new(random: &mut Random) -> Self {
        let tilt = if random.chance(0.6) { 0.22 } else { 0.05 };
        Self { angle: random.either(0.3), tilt: point(random.either(tilt), random.either(tilt)) }
    }

    /// From paper to frame.
    pub fn project(self, p: Point) -> Point {
        (p * (1.0 / (1.0 + p.x * self.tilt.x + p.y * self.tilt.y))).turned(self.angle)
    }

    /// From frame to paper.
    pub fn unproject(self, p: Point) -> Point {
        let p = p.turned(-self.angle);
        p * (1.0 / (1.0 - p.x * self.tilt.x - p.y * self.tilt.y))
    }
}

/// A sheet to draw on, or a board.
pub struct Paper {
    pub colour: Colour,
    /// Half the sheet's size in the frame's coordinates; more than 1.5 fills the frame.
    half: Point,
    centre: Point,
}

impl Paper {
    /// Paper that leaves room for a drawing of half size `size` around `centre`.
    pub fn around(centre: Point, size: f32, random: &mut Random) -> Self {
        let bright = random.range(0.72, 0.98);
        let tinted = |strength: f32, random: &mut Random| {
            std::array::from_fn(|_| (bright - strength * random.unit()).clamp(0.03, 1.0))
        };
        let colour = match random.count(0, 9) {
            0..=5 => tinted(0.06, random),
            6 => tinted(0.35, random),
            7 => [0.08, 0.16, 0.12].map(|value| value + random.range(0.0, 0.12)),
            8 => [random.range(0.02, 0.2); 3],
            _ => any_colour(random),
        };
        let fills = random.chance(0.45);
        let mut beyond = || if fills { 3.0 } else { size * random.range(1.15, 2.2) + 0.1 };
        let half = point(beyond(), beyond());
        Self { colour, half, centre }
    }

    /// Lays the sheet, with its texture and perhaps its ruling, over what is there.
    pub fn lay(&self, canvas: &mut Canvas, view: View, random: &mut Random) {
        let side = canvas.side;
        let softness = side as f32 / 2.0;
        let field = Noise::new(random);
        let mottle = if random.chance(0.5) { random.range(0.0, 0.02) } else { random.range(0.0, 0.09) };
        let scale = random.range(2.0, 30.0);
        let ruling = Ruling::new(self.colour, random);
        let shaded = random.range(0.55, 1.0);
        for index in 0..side * side {
            let to_frame = |at: usize| (at as f32 + 0.5) / softness - 1.0;
            let p = view.unproject(point(to_frame(index % side), to_frame(index / side)));
            let offset = p - self.centre;
            let inside = (self.half.x - offset.x.abs()).min(self.half.y - offset.y.abs()) * softness;
            let pixel = &mut canvas.pixels[index];
            if inside < 0.5 {
                // The sheet's shadow on what is behind it.
                let near = (1.0 + inside / (softness * 0.08)).clamp(0.0, 1.0);
                *pixel = pixel.map(|value| value * (1.0 - (1.0 - shaded) * near));
            }
            let coverage = (inside + 0.5).clamp(0.0, 1.0);
            if coverage > 0.0 {
                let light = 1.0 + mottle * field.at(p.x * scale + 90.0, p.y * scale + 90.0);
                let colour = ruling.over(self.colour.map(|value| value * light), p, 1.0 / softness);
                *pixel = mix(*pixel, colour, coverage);
            }
        }
    }
}

/// Printed lines or squares.
struct Ruling {
    colour: Colour,
    strength: f32,
    across: bool,
    down: bool,
    gap: f32,
    phase: f32,
}

impl Ruling {
    fn new(paper: Colour, random: &mut Random) -> Self {
        let ruled = random.chance(0.35);
        let target = if luminance(paper) > 0.5 { [0.25, 0.4, 0.75] } else { [0.8; 3] };
        Self {
            colour: mix(target, any_colour(random), 0.3),
            strength: if ruled { random.range(0.1, 0.55) } else { 0.0 },
            across: true,
            down: random.chance(0.5),
            gap: random.range(0.09, 0.3),
            phase: random.unit(),
        }
    }

    /// `colour` with the ruling at `p`; lines are about half a pixel wide.
    fn over(&self, colour: Colour, p: Point, pixel: f32) -> Colour {
        if self.strength <= 0.0 {
            return colour;
        }
        let line = |at: f32| {
            let cell = (at / self.gap + self.phase).rem_euclid(1.0);
            (1.0 - cell.min(1.0 - cell) * self.gap / pixel).max(0.0)
        };
        let across = if self.across { line(p.y) } else { 0.0 };
        let down = if self.down { line(p.x) } else { 0.0 };
        mix(colour, self.colour, self.strength * across.max(down))
    }
}

/// Lines of handwriting inside `low` to `high`.
pub fn writing(mask: &mut Mask, (low, high): (Point, Point), radius: f32, random: &mut Random, view: View) {
    let height = random.range(0.05, 0.12);
    let mut y = low.y + height;
    while y < high.y {
        let mut x = low.x;
        let end = low.x + (high.x - low.x) * random.range(0.5, 1.0);
        while x < end {
            let mut marks = Vec::new();
            for _ in 0..random.count(6, 22) {
                marks.push((view.project(point(x, y + height * random.either(0.5))), radius));
                x += height * random.range(0.05, 0.35);
            }
            mask.stroke(&marks);
            x += height * random.range(0.4, 0.9);
        }
        y += height * random.range(1.5, 2.4);
    }
}
