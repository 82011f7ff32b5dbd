//! Pixels, and coverage of pixels: an anti-aliased rasteriser of strokes, polygons, ellipses and boxes.

use std::ops::{Add, Mul, Sub};

/// Red, green and blue from 0 to 1.
pub type Colour = [f32; 3];

/// A place or a step; the frame's coordinates run from -1 to 1, y downwards.
#[derive(Clone, Copy, Debug, Default)]
pub struct Point {
    pub x: f32,
    pub y: f32,
}

pub const fn point(x: f32, y: f32) -> Point {
    Point { x, y }
}

impl Point {
    pub fn length(self) -> f32 {
        self.x.hypot(self.y)
    }

    /// Turned by `angle`, clockwise as seen.
    pub fn turned(self, angle: f32) -> Self {
        let (sin, cos) = angle.sin_cos();
        point(self.x * cos - self.y * sin, self.x * sin + self.y * cos)
    }

    /// `radius` away from the origin in direction `angle`.
    pub fn polar(radius: f32, angle: f32) -> Self {
        point(radius * angle.cos(), radius * angle.sin())
    }
}

impl Add for Point {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        point(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Point {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        point(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f32> for Point {
    type Output = Self;
    fn mul(self, factor: f32) -> Self {
        point(self.x * factor, self.y * factor)
    }
}

/// A convex area with a soft edge, for things rather than strokes.
#[derive(Clone, Copy)]
pub struct Area {
    pub round: bool,
    pub centre: Point,
    pub half: Point,
    pub angle: f32,
}

/// A square picture of linear-ish colours.
#[derive(Clone)]
pub struct Canvas {
    pub side: usize,
    pub pixels: Vec<Colour>,
}

impl Canvas {
    /// Every pixel as `colour` says for its place.
    pub fn paint(side: usize, colour: impl Fn(Point) -> Colour) -> Self {
        let pixels = (0..side * side).map(|index| colour(place(side, index % side, index / side))).collect();
        Self { side, pixels }
    }

    /// Colours every pixel that `mask` covers.
    pub fn blend(&mut self, mask: &Mask, opacity: f32, colour: Colour) {
        for (pixel, &coverage) in self.pixels.iter_mut().zip(&mask.coverage) {
            if coverage > 0.0 {
                *pixel = mix(*pixel, colour, coverage * opacity);
            }
        }
    }

    /// Colours `area`; `shade` brightens towards its upper left and darkens towards its lower right.
    pub fn lay(&mut self, area: &Area, colour: Colour, shade: f32) {
        let side = self.side;
        let reach = area.half.length() + 2.0 / side as f32;
        let [rows, columns] = [area.centre.y, area.centre.x].map(|at| span(side, at - reach, at + reach));
        let softness = side as f32 / 2.0;
        for row in rows {
            for column in columns.clone() {
                let offset = (place(side, column, row) - area.centre).turned(-area.angle);
                let inside = if area.round {
                    let ratio = point(offset.x / area.half.x, offset.y / area.half.y).length();
                    (1.0 - ratio) * area.half.x.min(area.half.y)
                } else {
                    (area.half.x - offset.x.abs()).min(area.half.y - offset.y.abs())
                };
                let coverage = (inside * softness + 0.5).clamp(0.0, 1.0);
                if coverage > 0.0 {
                    let light = 1.0 - shade * (offset.x / area.half.x + offset.y / area.half.y);
                    let pixel = &mut self.pixels[row * side + column];
                    *pixel = mix(*pixel, colour.map(|value| value * light), coverage);
                }
            }
        }
    }
}

/// How much of each pixel is covered, from 0 to 1.
pub struct Mask {
    pub side: usize,
    pub coverage: Vec<f32>,
}

impl Mask {
    pub fn new(side: usize) -> Self {
        Self { side, coverage: vec![0.0; side * side] }
    }

    /// Covers a line through `marks`, each a place and the pen's radius there.
    pub fn stroke(&mut self, marks: &[(Point, f32)]) {
        for pair in marks.windows(2) {
            self.segment(pair[0], pair[1]);
        }
    }

    fn segment(&mut self, (from, start): (Point, f32), (to, end): (Point, f32)) {
        let side = self.side;
        let reach = start.max(end) + 2.0 / side as f32;
        let columns = span(side, from.x.min(to.x) - reach, from.x.max(to.x) + reach);
        let rows = span(side, from.y.min(to.y) - reach, from.y.max(to.y) + reach);
        let step = to - from;
        let squared = (step.x * step.x + step.y * step.y).max(1e-12);
        let per_pixel = side as f32 / 2.0;
        for row in rows {
            for column in columns.clone() {
                let offset = place(side, column, row) - from;
                let along = ((offset.x * step.x + offset.y * step.y) / squared).clamp(0.0, 1.0);
                let radius = (start + (end - start) * along) * per_pixel;
                let distance = (offset - step * along).length() * per_pixel;
                // A line thinner than a pixel covers it in part, however near its middle is.
                let coverage = (radius - distance + 0.5).clamp(0.0, (2.0 * radius).min(1.0));
                let pixel = &mut self.coverage[row * side + column];
                *pixel = pixel.max(coverage);
            }
        }
    }

    /// Covers the inside of a polygon (even-odd), four lines per pixel row.
    pub fn fill(&mut self, polygon: &[Point]) {
        const LINES: usize = 4;
        let side = self.side;
        let mut crossings = Vec::new();
        for line in 0..side * LINES {
            let y = ((line as f32 + 0.5) / LINES as f32) / side as f32 * 2.0 - 1.0;
            crossings.clear();
            for (index, &a) in polygon.iter().enumerate() {
                let b = polygon[(index + 1) % polygon.len()];
                if (a.y <= y) != (b.y <= y) {
                    let x = a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x);
                    crossings.push((x + 1.0) * side as f32 / 2.0);
                }
            }
            crossings.sort_unstable_by(f32::total_cmp);
            let row = &mut self.coverage[line / LINES * side..][..side];
            for pair in crossings.chunks_exact(2) {
                let (left, right) = (pair[0].clamp(0.0, side as f32), pair[1].clamp(0.0, side as f32));
                for (column, pixel) in row.iter_mut().enumerate().take(right.ceil() as usize).skip(left as usize) {
                    let covered = right.min(column as f32 + 1.0) - left.max(column as f32);
                    *pixel = (*pixel + covered.max(0.0) / LINES as f32).min(1.0);
                }
            }
        }
    }
}

pub fn mix(a: Colour, b: Colour, share: f32) -> Colour {
    std::array::from_fn(|channel| a[channel] + (b[channel] - a[channel]) * share)
}

pub fn luminance(colour: Colour) -> f32 {
    0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
}

/// The middle of a pixel in the frame's coordinates.
fn place(side: usize, column: usize, row: usize) -> Point {
    let scale = 2.0 / side as f32;
    point((column as f32 + 0.5) * scale - 1.0, (row as f32 + 0.5) * scale - 1.0)
}

/// The pixels from `low` to `high` along one axis.
fn span(side: usize, low: f32, high: f32) -> std::ops::Range<usize> {
    let pixel = |at: f32| ((at + 1.0) * side as f32 / 2.0).clamp(0.0, side as f32);
    pixel(low).floor() as usize..pixel(high).ceil() as usize
}
