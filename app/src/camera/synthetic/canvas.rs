//! A small painter: a wavy background, a sheet, filled outlines and a round pen.

use super::shape::Point;

/// Red, green, blue.
pub(super) type Colour = [u8; 3];

/// What a line is drawn with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pen {
    /// In pixels.
    pub(super) radius: f32,
    pub(super) ink: Colour,
}

/// `from` where `share` is 0, `to` where it is 1.
pub(super) fn mix(from: Colour, to: Colour, share: f32) -> Colour {
    std::array::from_fn(|channel| {
        let (from, to) = (f32::from(from[channel]), f32::from(to[channel]));
        (from + (to - from) * share + 0.5) as u8
    })
}

#[derive(Debug)]
pub(super) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<Colour>,
}

impl Canvas {
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![[0; 3]; width * height] }
    }

    pub(super) fn into_rgb(self) -> Vec<u8> {
        self.pixels.into_flattened()
    }

    /// Waves between two colours: `waves` turns per pixel, `phase` turns on.
    pub(super) fn background(&mut self, from: Colour, to: Colour, waves: Point, phase: f32) {
        // A turn there and back in 256 steps, looked up per pixel.
        let palette: [Colour; 256] = std::array::from_fn(|step| mix(from, to, 1.0 - (step as f32 / 128.0 - 1.0).abs()));
        for (y, row) in self.pixels.chunks_mut(self.width).enumerate() {
            let start = phase + y as f32 * waves.y;
            for (x, pixel) in row.iter_mut().enumerate() {
                *pixel = palette[(256.0 * (start + x as f32 * waves.x)) as usize % 256];
            }
        }
    }

    /// A square sheet that reaches `half` pixels to each side of its centre.
    pub(super) fn sheet(&mut self, centre: Point, half: f32, colour: Colour) {
        let columns = span(centre.x - half, centre.x + half, self.width);
        for y in span(centre.y - half, centre.y + half, self.height) {
            self.row(y).get_mut(columns.clone()).unwrap_or_default().fill(colour);
        }
    }

    /// The inside of a closed outline, by the even-odd rule.
    pub(super) fn fill(&mut self, outline: &[Point], colour: Colour) {
        let ends = outline.iter().skip(1).chain(outline.first());
        let sides: Vec<_> = outline.iter().zip(ends).collect();
        let mut crossings = Vec::new();
        for y in 0..self.height {
            let middle = y as f32 + 0.5;
            crossings.clear();
            crossings.extend(
                sides
                    .iter()
                    .filter(|(a, b)| (a.y <= middle) != (b.y <= middle))
                    .map(|(a, b)| a.x + (middle - a.y) / (b.y - a.y) * (b.x - a.x)),
            );
            crossings.sort_unstable_by(f32::total_cmp);
            for pair in crossings.as_chunks::<2>().0 {
                let columns = span(pair[0], pair[1], self.width);
                self.row(y).get_mut(columns).unwrap_or_default().fill(colour);
            }
        }
    }

    /// A line through these points, and back to the first where it is closed.
    pub(super) fn stroke(&mut self, points: &[Point], closed: bool, pen: Pen) {
        let ends = points.iter().skip(1).chain(points.first().filter(|_| closed));
        for (from, to) in points.iter().zip(ends) {
            let length = (to.x - from.x).hypot(to.y - from.y);
            let steps = (length / pen.radius).ceil().clamp(1.0, 4096.0);
            for step in 0..=steps as usize {
                let t = step as f32 / steps;
                self.dot(Point { x: from.x + t * (to.x - from.x), y: from.y + t * (to.y - from.y) }, pen);
            }
        }
    }

    /// A round dot with a soft edge of one pixel.
    fn dot(&mut self, centre: Point, pen: Pen) {
        let reach = pen.radius + 1.0;
        for y in span(centre.y - reach, centre.y + reach, self.height) {
            for x in span(centre.x - reach, centre.x + reach, self.width) {
                let distance = (x as f32 + 0.5 - centre.x).hypot(y as f32 + 0.5 - centre.y);
                let cover = (pen.radius + 0.5 - distance).clamp(0.0, 1.0);
                if cover > 0.0
                    && let Some(pixel) = self.row(y).get_mut(x)
                {
                    *pixel = mix(*pixel, pen.ink, cover);
                }
            }
        }
    }

    fn row(&mut self, y: usize) -> &mut [Colour] {
        self.pixels.get_mut(y * self.width..(y + 1) * self.width).unwrap_or_default()
    }
}

/// The pixels whose middle lies between `from` and `to`, within `0..bound`.
fn span(from: f32, to: f32, bound: usize) -> std::ops::Range<usize> {
    // A cast from a negative number gives zero.
    let (start, end) = ((from + 0.5).floor() as usize, (to + 0.5).floor() as usize);
    start.min(bound)..end.clamp(start.min(bound), bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filled_outline_covers_the_pixels_whose_middle_is_inside() {
        let mut canvas = Canvas::new(6, 4);
        let corner = |x, y| Point { x, y };
        canvas.fill(&[corner(1.0, 1.0), corner(4.0, 1.0), corner(4.0, 3.0), corner(1.0, 3.0)], [9; 3]);
        let rows: Vec<String> = (canvas.pixels.chunks(6))
            .map(|row| row.iter().map(|pixel| if *pixel == [9; 3] { '#' } else { '.' }).collect())
            .collect();
        assert_eq!(rows, ["......", ".###..", ".###..", "......"]);
    }

    #[test]
    fn painting_outside_is_harmless() {
        let mut canvas = Canvas::new(4, 4);
        let far = [Point { x: -50.0, y: -9.0 }, Point { x: 70.0, y: 2.0 }, Point { x: f32::NAN, y: 1e30 }];
        canvas.fill(&far, [1; 3]);
        canvas.stroke(&far, true, Pen { radius: 1.0, ink: [2; 3] });
        canvas.sheet(far[0], 3.0, [3; 3]);
        assert_eq!(canvas.into_rgb().len(), 48);
    }
}
