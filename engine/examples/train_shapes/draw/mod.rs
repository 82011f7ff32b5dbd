//! Draws pictures of hand-drawn shapes held to a camera, and of nothing: what the demo network is trained on.
//!
//! A picture is a function of its class, its size and its seed. `shape` knows outlines, `hand` pens, `scene` what is
//! around the drawing, `camera` what happens on the way to the sensor.

mod camera;
mod canvas;
mod hand;
mod random;
mod scene;
mod shape;
mod unknown;

use canvas::{Canvas, Colour, Mask, Point, luminance, point};
use hand::Pen;
use random::Random;
use scene::{Paper, View};

pub use shape::CLASSES;
use shape::Shape;
#[allow(unused_imports, reason = "the trainer does not draw them")]
pub use unknown::UNKNOWN;

/// A picture of `class`, an index into [`CLASSES`]: `side` by `side` pixels, 8-bit RGB, rows from the top.
pub fn picture(class: usize, side: usize, seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let canvas = match Shape::of(class, &mut random) {
        Some(shape) => drawing(&shape, side, &mut random),
        None => nothing(side, &mut random),
    };
    camera::photograph(canvas, &mut random)
}

/// A picture of one of [`UNKNOWN`], which no network here was trained on.
#[allow(dead_code, reason = "the trainer does not draw them")]
pub fn unknown_picture(index: usize, side: usize, seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let shape = Shape::unknown(index, &mut random);
    let canvas = drawing(&shape, side, &mut random);
    camera::photograph(canvas, &mut random)
}

/// A sheet or a board with a shape on it.
fn drawing(shape: &Shape, side: usize, random: &mut Random) -> Canvas {
    let size = random.range(0.35, 0.95);
    let room = (1.0 - size).max(0.0) * 0.75 + 0.02;
    let centre = point(random.either(room), random.either(room));
    let view = View::new(random);
    let paper = Paper::around(centre, size, random);
    let mut canvas = scene::room(side, random);
    paper.lay(&mut canvas, view, random);
    let pen = pen(paper.colour, size, random);

    let to_frame = |p: Point| view.project(centre + p * size);
    let mut mask = Mask::new(side);
    let filled = shape.inside.as_ref().filter(|_| random.chance(0.3));
    if let Some(inside) = filled {
        hand::fill(inside, size, &pen, &mut mask, random, to_frame);
        if random.chance(0.3) {
            // Coloured in with something else than the outline.
            hand::roughen(&mut mask, pen.grain, random);
            let colour = ink(paper.colour, random);
            canvas.blend(&mask, pen.opacity * random.range(0.5, 1.0), colour);
            mask = Mask::new(side);
        }
    }
    hand::draw(shape, size, &pen, &mut mask, random, to_frame);
    hand::roughen(&mut mask, pen.grain, random);
    canvas.blend(&mask, pen.opacity, pen.colour);
    if random.chance(0.06) {
        notes(&mut canvas, &paper, view, random);
    }
    if random.chance(0.3) {
        scene::fingers(&mut canvas, random.range(0.0, 0.15), random);
    }
    canvas
}

/// A pen that shows on `paper`, for a drawing of this half size.
fn pen(paper: Colour, size: f32, random: &mut Random) -> Pen {
    let (thin, thick) = random.pick(&[(0.014, 0.026), (0.026, 0.06), (0.026, 0.06), (0.05, 0.09)]);
    let rough = random.chance(0.25);
    Pen {
        colour: ink(paper, random),
        opacity: if rough { random.range(0.65, 1.0) } else { random.range(0.85, 1.0) },
        radius: random.range(thin, thick) * random.range(size, 1.0),
        pressure: random.range(0.0, 0.4),
        wobble: random.range(0.005, 0.05),
        grain: if rough { random.range(0.2, 0.65) } else { 0.0 },
    }
}

/// A colour that stands out from `paper`.
fn ink(paper: Colour, random: &mut Random) -> Colour {
    let dark = luminance(paper) > 0.45;
    if random.chance(0.45) {
        let grey = if dark { random.range(0.02, 0.3) } else { random.range(0.75, 1.0) };
        return [grey; 3].map(|value: f32| (value + random.either(0.05)).clamp(0.0, 1.0));
    }
    loop {
        let colour: Colour = std::array::from_fn(|_| random.unit());
        let apart = (luminance(colour) - luminance(paper)).abs();
        if apart > 0.3 && (luminance(colour) < luminance(paper)) == dark {
            return colour;
        }
    }
}

/// A few words beside the drawing, at the sheet's edge.
fn notes(canvas: &mut Canvas, paper: &Paper, view: View, random: &mut Random) {
    let mut mask = Mask::new(canvas.side);
    let y = random.pick(&[-0.98, 0.88]);
    let left = random.range(-0.9, 0.3);
    let corner = (point(left, y), point(left + 0.6, y + 0.1));
    scene::writing(&mut mask, corner, random.range(0.01, 0.02), random, view);
    canvas.blend(&mask, 0.9, ink(paper.colour, random));
}

/// What a camera sees when nobody shows it a drawing.
fn nothing(side: usize, random: &mut Random) -> Canvas {
    let kind = random.unit();
    if kind < 0.3 {
        let mut canvas = scene::room(side, random);
        if random.chance(0.2) {
            scene::fingers(&mut canvas, random.range(0.2, 1.2), random);
        }
        return canvas;
    }
    if kind < 0.4 {
        return scene::surface(side, random);
    }
    let centre = point(random.either(0.25), random.either(0.25));
    let view = View::new(random);
    let paper = Paper::around(centre, random.range(0.45, 0.95), random);
    let mut canvas = scene::room(side, random);
    paper.lay(&mut canvas, view, random);
    let colour = ink(paper.colour, random);
    let radius = random.range(0.01, 0.04);
    let mut mask = Mask::new(side);
    if kind < 0.52 {
        let spread = random.range(0.3, 0.9);
        let corner = point(spread, random.range(0.2, 0.9));
        scene::writing(&mut mask, (centre - corner, centre + corner), radius.min(0.022), random, view);
    } else if kind < 0.72 {
        strokes(&mut mask, centre, radius, random, view);
    }
    canvas.blend(&mask, random.range(0.7, 1.0), colour);
    let held = if random.chance(0.2) { 0.9 } else { 0.2 };
    if random.chance(0.45) {
        scene::fingers(&mut canvas, held, random);
    }
    canvas
}

/// Marks that are no shape: a few lines or dots, or a scribble.
fn strokes(mask: &mut Mask, centre: Point, radius: f32, random: &mut Random, view: View) {
    let near = |random: &mut Random| centre + point(random.either(0.6), random.either(0.6));
    match random.count(0, 3) {
        0 => {
            // One line, hardly bent.
            let (from, to) = (near(random), near(random));
            let middle = (from + to) * 0.5 + point(random.either(0.06), random.either(0.06));
            mask.stroke(&[from, middle, to].map(|p| (view.project(p), radius)));
        }
        1 => {
            // Lines side by side.
            let (from, to) = (near(random), near(random));
            let gap = (to - from).turned(1.57) * random.range(0.12, 0.4);
            for line in 0..random.count(2, 4) {
                let step = gap * (line as f32 - 1.0);
                mask.stroke(&[from + step, to + step].map(|p| (view.project(p), radius)));
            }
        }
        2 => {
            for _ in 0..random.count(1, 6) {
                let dot = view.project(near(random));
                mask.stroke(&[(dot, radius), (dot + point(0.01, 0.0), radius)]);
            }
        }
        _ => {
            let spread = random.range(0.25, 0.6);
            let marks: Vec<_> = (0..random.count(14, 40))
                .map(|_| centre + point(random.either(spread), random.either(spread)))
                .map(|p| (view.project(p), radius.min(0.025)))
                .collect();
            mask.stroke(&marks);
        }
    }
}
