//! A second hand, which shares nothing with the one that the demo network was trained on: other outlines (Bezier curves,
//! semicircles), other pens (broad nib, sketched, dashed, crayon, paper cut-outs), other places (planks, bricks, cloth,
//! cork, shelves, blinds), another sensor (shot noise, banding, stray pixels, colour bleeding).

mod figure;
mod ink;
mod place;

use std::f32::consts::TAU;

use figure::{Figure, figure};
use ink::{Ink, along, crayon, dash, nib, sketch};
use place::{card, place, sense};

/// Pixels of a side.
const SIDE: usize = 96;

type Vector = [f32; 2];
type Paint = [f32; 3];
type Polyline = Vec<Vector>;

/// Marsaglia's xorshift with a multiplier.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40) as f32 / 16_777_216.0
    }

    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + self.roll() * (high - low)
    }

    fn about(&mut self, spread: f32) -> f32 {
        self.between(-spread, spread)
    }

    fn up_to(&mut self, count: usize) -> usize {
        ((self.roll() * count as f32) as usize).min(count - 1)
    }

    fn often(&mut self, share: f32) -> bool {
        self.roll() < share
    }

    /// A colour of any hue with this lightness.
    fn hue(&mut self, lightness: f32, vividness: f32) -> Paint {
        let angle = self.roll() * TAU;
        [0.0, 1.0, 2.0].map(|third| (lightness + vividness * (angle + third * TAU / 3.0).cos()).clamp(0.0, 1.0))
    }
}

/// The picture of label `label` (in the order of the demo's labels) and number `number`: 8-bit RGB, rows from the top.
pub fn picture(label: &str, number: u64) -> Vec<u8> {
    let mut dice = Dice(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    for _ in 0..8 {
        dice.roll();
    }
    let mut image = place(&mut dice);
    match figure(label, &mut dice) {
        Some(figure) => show(&mut image, figure, label, &mut dice),
        None => show_nothing(&mut image, &mut dice),
    }
    sense(image, &mut dice)
}

fn blend(pixel: &mut Paint, colour: Paint, share: f32) {
    pixel.iter_mut().zip(colour).for_each(|(value, colour)| *value += (colour - *value) * share);
}

fn lightness(paint: Paint) -> f32 {
    paint.iter().sum::<f32>() / 3.0
}

/// Puts the figure on a card, on the wall, or on a board.
fn show(image: &mut [Paint], mut figure: Figure, label: &str, dice: &mut Dice) {
    let extent = |axis: usize| {
        let values = || figure.lines.iter().flatten().map(|p| p[axis]);
        (values().fold(f32::MAX, f32::min), values().fold(f32::MIN, f32::max))
    };
    let ((left, right), (top, bottom)) = (extent(0), extent(1));
    let size = dice.between(0.35, 0.93) * SIDE as f32;
    let scale = size / (right - left).max(bottom - top);
    let slack = (SIDE as f32 - size) * 0.4;
    let middle = [SIDE as f32 / 2.0 + dice.about(slack), SIDE as f32 / 2.0 + dice.about(slack)];
    for [x, y] in figure.lines.iter_mut().flatten() {
        *x = middle[0] + (*x - (left + right) / 2.0) * scale;
        *y = middle[1] + (*y - (top + bottom) / 2.0) * scale;
    }
    let ground = card(image, middle, size, dice);
    let bright = lightness(ground) > 0.5;
    let colour = loop {
        let tone = if bright { dice.between(0.02, 0.45) } else { dice.between(0.65, 0.98) };
        let vividness = dice.between(0.0, 0.35);
        let colour = dice.hue(tone, vividness);
        if (lightness(colour) - lightness(ground)).abs() > 0.28 {
            break colour;
        }
    };
    let mut ink = Ink::new();
    // A pale square of paper on a wall would be a sheet and not a drawing.
    let may_be_cut_out = figure.solid && (bright || label != "square");
    match dice.up_to(5) {
        0 if may_be_cut_out => {
            ink.cut_out(&figure.lines[0]);
            ink.print(image, [0.0; 3], 0.25, 1);
        }
        1 => sketch(&figure, size, &mut ink, dice),
        2 => dash(&figure, size, &mut ink, dice),
        3 => crayon(&figure, size, &mut ink, dice),
        _ => nib(&figure, size, &mut ink, dice),
    }
    ink.print(image, colour, dice.between(0.8, 1.0), 0);
}

/// What is in view when nothing is shown: the place itself, an empty card, print, a bar code, a ruled line, a hand.
fn show_nothing(image: &mut [Paint], dice: &mut Dice) {
    let middle = [SIDE as f32 * dice.between(0.4, 0.6), SIDE as f32 * dice.between(0.4, 0.6)];
    let size = SIDE as f32 * dice.between(0.4, 0.9);
    let kind = dice.up_to(7);
    if kind < 2 {
        return;
    }
    let ground = if kind == 6 { [0.5; 3] } else { card(image, middle, size, dice) };
    let tone = if lightness(ground) > 0.5 { 0.15 } else { 0.85 };
    let mut ink = Ink::new();
    match kind {
        3 => {
            // Columns of print.
            let (height, width) = (dice.between(2.0, 4.0), dice.between(0.8, 1.3));
            let mut y = middle[1] - size * 0.4;
            while y < middle[1] + size * 0.4 {
                let mut x = middle[0] - size * 0.4;
                while x < middle[0] + size * 0.4 {
                    if dice.often(0.82) {
                        ink.stamp([x, y + dice.about(0.4)], [width, height * dice.between(0.5, 1.0)], dice.about(0.3));
                    }
                    x += width * 1.7;
                }
                y += height * 2.0;
            }
        }
        4 => {
            let mut x = middle[0] - size * 0.35;
            while x < middle[0] + size * 0.35 {
                let width = dice.between(0.7, 2.5);
                along(&[[x, middle[1] - size * 0.2], [x, middle[1] + size * 0.2]])
                    .into_iter()
                    .for_each(|p| ink.stamp(p, [width; 2], 0.0));
                x += width + dice.between(0.8, 3.0);
            }
        }
        5 => {
            let (a, b) = (
                [dice.between(5.0, 90.0), dice.between(5.0, 90.0)],
                [dice.between(5.0, 90.0), dice.between(5.0, 90.0)],
            );
            let width = dice.between(1.2, 3.5);
            along(&[a, b]).into_iter().for_each(|p| ink.stamp(p, [width; 2], 0.0));
        }
        6 => return hand(image, dice),
        _ => {}
    }
    ink.print(image, [tone; 3], 0.9, 0);
}

/// A palm at the lower edge with four fingers up.
fn hand(image: &mut [Paint], dice: &mut Dice) {
    let depth = dice.between(0.3, 0.95);
    let skin = [depth, depth * 0.75 + 0.02, depth * 0.62 + 0.02];
    let (x, width) = (dice.between(25.0, 70.0), dice.between(6.0, 12.0));
    let mut ink = Ink::new();
    for finger in 0..4 {
        let from = [x + (finger as f32 - 1.5) * width * 1.05, 90.0];
        let lift = dice.between(35.0, 60.0) - if finger == 0 || finger == 3 { 10.0 } else { 0.0 };
        let to = [from[0] + (finger as f32 - 1.5) * dice.between(0.0, 6.0), 90.0 - lift];
        along(&[from, to]).into_iter().step_by(2).for_each(|p| ink.stamp(p, [width; 2], 0.0));
    }
    ink.stamp([x, 96.0], [width * 5.0, width * 4.5], 0.0);
    ink.print(image, skin, 1.0, 0);
}
