//! What is computed byte by byte, over slices: plain loops that the compiler turns into each instruction set's vectors.

use super::quant::{Bounds, Lookup, Quant, nearest, requantized};

/// Words that a loop works on at once: enough to fill vectors, few enough to stay in registers.
const AT_ONCE: usize = 16;

/// `f` for every pixel and lane of `from` and what is beside it: `(lane, byte, other byte)` to a byte.
#[inline(always)]
fn each<const N: usize>(from: [&[u32]; N], to: &mut [u32], f: impl Fn(usize, [u32; N]) -> u8) {
    let mut at = 0;
    while at < to.len() {
        let count = AT_ONCE.min(to.len() - at);
        let mut words = [[0_u32; AT_ONCE]; N];
        for (words, from) in words.iter_mut().zip(from) {
            words[..count].copy_from_slice(&from[at..at + count]);
        }
        let mut made = [0_u32; AT_ONCE];
        for lane in 0..4 {
            for (pixel, made) in made.iter_mut().enumerate() {
                let bytes: [u32; N] = std::array::from_fn(|of| words[of][pixel] >> (8 * lane) & 255);
                *made |= u32::from(f(lane, bytes)) << (8 * lane);
            }
        }
        to[at..at + count].copy_from_slice(&made[..count]);
        at += count;
    }
}

/// Two maps, or a map and one word, as one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Binary {
    /// `a * of[0] + b * of[1]`
    Add { of: [f32; 2] },
    /// `a * b * multiplier`
    Multiply { multiplier: f32 },
}

/// What [`binary`] works on.
#[derive(Clone, Copy, Debug)]
pub(super) struct BinaryArgs<'a> {
    pub a: &'a [u32],
    /// As many words, or one for all.
    pub b: &'a [u32],
    pub how: Binary,
    /// The bytes for zero: of `a`, of `b`, of what is made.
    pub zeros: [u8; 3],
    pub bounds: Bounds,
}

/// Combines two maps into `to`.
#[inline(always)]
pub(super) fn binary(args: &BinaryArgs<'_>, to: &mut [u32]) {
    let BinaryArgs { a, b, how, zeros: [zero_a, zero_b, zero], bounds } = *args;
    let (zero_a, zero_b) = (i32::from(zero_a), i32::from(zero_b));
    let add = |[m_a, m_b]: [f32; 2], a: u32, b: u32| {
        let sum = (a as i32 - zero_a) as f32 * m_a + (b as i32 - zero_b) as f32 * m_b;
        bounds.of((nearest(sum) + i32::from(zero)).clamp(0, 255) as u8)
    };
    let multiply = |multiplier: f32, a: u32, b: u32| {
        bounds.of(requantized((a as i32 - zero_a) * (b as i32 - zero_b), multiplier, zero))
    };
    match (b, how) {
        (&[b], Binary::Add { of }) => each([a], to, |lane, [a]| add(of, a, b >> (8 * lane) & 255)),
        (&[b], Binary::Multiply { multiplier }) => {
            each([a], to, |lane, [a]| multiply(multiplier, a, b >> (8 * lane) & 255));
        }
        (b, Binary::Add { of }) => each([a, b], to, |_, [a, b]| add(of, a, b)),
        (b, Binary::Multiply { multiplier }) => each([a, b], to, |_, [a, b]| multiply(multiplier, a, b)),
    }
}

/// Looks every byte up, in one list for each of the four channels.
#[inline(always)]
pub(super) fn look_up(from: &[u32], lookups: [&Lookup; 4], to: &mut [u32]) {
    for (word, to) in from.iter().zip(to) {
        let bytes = word.to_le_bytes();
        *to = u32::from_le_bytes(std::array::from_fn(|lane| lookups[lane].0[usize::from(bytes[lane])]));
    }
}

/// Looks every byte up where it is.
#[inline(always)]
pub(super) fn look_up_in_place(words: &mut [u32], lookup: &Lookup) {
    for word in words {
        *word = u32::from_le_bytes(word.to_le_bytes().map(|byte| lookup.0[usize::from(byte)]));
    }
}

/// Up to four rows of floats as bytes of one row of words; those left out hold zero's byte.
#[inline(always)]
pub(super) fn quantize(rows: &[&[f32]], quant: Quant, to: &mut [u32]) {
    let (inverse, zero) = (quant.inverse(), i32::from(quant.zero));
    let missing = (rows.len()..4).fold(0, |word, lane| word | u32::from(quant.zero) << (8 * lane));
    to.fill(missing);
    for (lane, row) in rows.iter().enumerate() {
        for (to, &value) in to.iter_mut().zip(*row) {
            let byte = (nearest(value * inverse) + zero).clamp(0, 255) as u32;
            *to |= byte << (8 * lane);
        }
    }
}

/// Puts byte `from_lane` of words beside what is in `to` already, as byte `lane`.
#[inline(always)]
pub(super) fn bring(from: &[u32], from_lane: u8, lane: usize, to: &mut [u32]) {
    for (to, word) in to.iter_mut().zip(from) {
        *to |= (word >> (8 * u32::from(from_lane)) & 255) << (8 * lane);
    }
}
