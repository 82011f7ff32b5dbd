//! A drawn scene in place of a camera: shapes on a sheet of paper that moves before a changing background.

mod canvas;
mod random;
mod shape;

use std::f32::consts::TAU;
use std::sync::Arc;

use shufflescope_engine::classify::{Picture, PictureError};

use self::canvas::{Canvas, Colour, Pen, mix};
use self::random::Random;
use self::shape::{Point, SHAPES, Shape};
use super::stop::Pace;
use super::{Captured, FrameSource, Next, Pixels, Resolution, SourceError, SourceOptions, Stop};

/// Frames for which one shape is shown: two seconds at the usual rate.
const FRAMES_PER_SHAPE: u64 = 60;

/// The scene: the same seed and size give the same frames.
#[derive(Debug)]
pub struct Scene {
    seed: u64,
    size: Resolution,
    pace: Pace,
    frame: u64,
}

impl Scene {
    /// A scene of the wanted size and rate.
    #[must_use]
    pub fn new(seed: u64, options: &SourceOptions) -> Self {
        let (size, pace) = (options.wanted_resolution(), Pace::new(options.wanted_interval()));
        Self { seed, size, pace, frame: 0 }
    }

    /// The names of all shapes that are drawn.
    pub fn shapes() -> impl Iterator<Item = &'static str> {
        SHAPES.iter().map(|shape| shape.name)
    }

    /// Frame `number` of the scene, and the name of the shape it shows.
    ///
    /// # Errors
    /// Where the size is none a picture can have.
    pub fn draw(&self, number: u64) -> Result<(Picture, &'static str), PictureError> {
        let act = number / FRAMES_PER_SHAPE;
        let shape = self.shape_of(act);
        let mut random = Random::new(self.seed, act);
        let time = number as f32 / FRAMES_PER_SHAPE as f32;
        let (width, height) = (self.size.width as f32, self.size.height as f32);
        let mut canvas = Canvas::new(self.size.width as usize, self.size.height as usize);

        let from = random.colour(0.15..0.85);
        let to = random.colour(0.15..0.85);
        let waves = Point { x: random.range(0.5..3.0) / width, y: random.range(0.5..3.0) / height };
        canvas.background(from, to, waves, 0.2 * time);

        let reach = width.min(height);
        let sway = |speed: f32, phase: f32| (TAU * (speed * time + phase)).sin();
        let centre = Point {
            x: 0.5 * width + 0.12 * reach * sway(0.31, random.unit()),
            y: 0.5 * height + 0.08 * reach * sway(0.23, random.unit()),
        };
        let paper = random.colour(0.82..0.98);
        canvas.sheet(centre, 0.4 * reach, paper);

        let size = reach * (0.25 + 0.04 * sway(0.4, random.unit()));
        let angle = 0.25 * sway(0.27, random.unit());
        let ink = random.colour(0.0..0.35);
        let filled = random.unit() < 0.5;
        let hand = Hand { centre, size, angle, phase: [random.unit(), random.unit()], redrawn: (number / 5) as f32 };
        let pen = Pen { radius: (0.02 * reach).max(0.8), ink };
        hand.draw(shape, filled.then(|| mix(random.colour(0.2..0.9), ink, 0.2)), pen, &mut canvas);

        Ok((Picture::new(self.size.width, self.size.height, canvas.into_rgb())?, shape.name))
    }

    /// The shape of an act: all of them in an order of their own, then again in another.
    fn shape_of(&self, act: u64) -> &'static Shape {
        let count = SHAPES.len() as u64;
        let mut order: Vec<&'static Shape> = SHAPES.iter().collect();
        let mut random = Random::new(!self.seed, act / count);
        for last in (1..order.len()).rev() {
            order.swap(last, random.below(last + 1));
        }
        order[(act % count) as usize]
    }
}

impl FrameSource for Scene {
    fn next(&mut self, stop: &Stop) -> Result<Next, SourceError> {
        if self.pace.wait(stop) {
            return Ok(Next::Stopped);
        }
        let unsupported = |reason: PictureError| SourceError::Unsupported {
            device: "the synthetic scene".into(),
            reason: reason.to_string(),
        };
        let (picture, name) = self.draw(self.frame).map_err(unsupported)?;
        self.frame += 1;
        Ok(Next::Frame(Captured { pixels: Pixels::Picture(Arc::new(picture)), shows: Some(name) }))
    }
}

/// Where and how a shape is drawn by a hand that is not quite steady.
struct Hand {
    centre: Point,
    size: f32,
    angle: f32,
    phase: [f32; 2],
    /// Changes a few times a second, as in a hand-drawn film.
    redrawn: f32,
}

impl Hand {
    fn draw(&self, shape: &Shape, fill: Option<Colour>, pen: Pen, canvas: &mut Canvas) {
        let lines: Vec<Vec<Point>> = (shape.lines)().into_iter().map(|line| self.place(&line)).collect();
        if let (Some(fill), true, Some(outline)) = (fill, shape.closed, lines.first()) {
            canvas.fill(outline, fill);
        }
        lines.iter().for_each(|line| canvas.stroke(line, shape.closed, pen));
    }

    /// Puts the points of a line where they belong, off by up to 3 % of the shape's size.
    fn place(&self, line: &[Point]) -> Vec<Point> {
        let (sin, cos) = self.angle.sin_cos();
        let count = line.len() as f32;
        let place = |(index, point): (usize, &Point)| {
            let along = index as f32 / count;
            let off = |phase: f32, turns: f32| 0.03 * (TAU * (turns * along + phase + 0.37 * self.redrawn)).sin();
            let (x, y) = (point.x + off(self.phase[0], 2.0), point.y + off(self.phase[1], 3.0));
            Point {
                x: self.centre.x + self.size * (cos * x - sin * y),
                y: self.centre.y + self.size * (sin * x + cos * y),
            }
        };
        line.iter().enumerate().map(place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene(seed: u64) -> Scene {
        let resolution = Some(Resolution { width: 96, height: 64 });
        Scene::new(seed, &SourceOptions { resolution, interval: None })
    }

    #[test]
    fn the_same_seed_draws_the_same_frames_and_another_seed_others() {
        for number in [0, 17, 61, 1_000_000] {
            let (picture, name) = scene(3).draw(number).unwrap();
            assert_eq!((picture.width(), picture.height()), (96, 64));
            assert_eq!((picture.clone(), name), scene(3).draw(number).unwrap());
            assert_ne!(picture, scene(4).draw(number).unwrap().0);
            assert_ne!(picture, scene(3).draw(number + 1).unwrap().0, "it moves");
        }
    }

    #[test]
    fn every_shape_is_shown_once_before_any_comes_again() {
        let scene = scene(0);
        let shown = |from: u64| -> Vec<&str> {
            let mut names: Vec<_> =
                (from..from + 11).map(|act| scene.draw(act * FRAMES_PER_SHAPE).unwrap().1).collect();
            names.sort_unstable();
            names
        };
        let mut all: Vec<_> = Scene::shapes().collect();
        all.sort_unstable();
        assert_eq!(all.len(), 11);
        assert_eq!((shown(0), shown(11)), (all.clone(), all));
    }

    #[test]
    fn the_shape_stands_out_from_the_sheet_it_is_drawn_on() {
        let scene = scene(1);
        for act in 0..22 {
            let (picture, name) = scene.draw(act * FRAMES_PER_SHAPE).unwrap();
            let luma = |pixel: &[u8]| pixel.iter().map(|&value| u32::from(value)).sum::<u32>() / 3;
            // The middle of the picture is always within the sheet.
            let middle = picture.rgb().chunks(96 * 3).skip(16).take(32).flat_map(|row| row[32 * 3..64 * 3].chunks(3));
            let (mut dark, mut light) = (0, 0);
            middle.for_each(|pixel| match luma(pixel) {
                0..=120 => dark += 1,
                190.. => light += 1,
                _ => {}
            });
            assert!(dark > 20 && light > 20, "{name}: {dark} dark, {light} light");
        }
    }

    #[test]
    fn the_smallest_and_an_odd_size_can_be_drawn() {
        for (width, height) in [(16, 16), (17, 301), (640, 16)] {
            let scene =
                Scene::new(0, &SourceOptions { resolution: Some(Resolution { width, height }), interval: None });
            for act in 0..11 {
                assert_eq!(scene.draw(act * FRAMES_PER_SHAPE).unwrap().0.width(), width);
            }
        }
    }
}
