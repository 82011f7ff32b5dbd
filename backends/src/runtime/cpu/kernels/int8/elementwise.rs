//! Steps that work byte by byte: activations, sums and products of maps, gates.

use super::super::arena::Arena;
use super::super::map::{Map, Split};
use super::super::unfit::{Unfit, ensure, ensure_shape, ensure_whole};
use super::bytewise::{Binary, BinaryArgs};
use super::quant::{Bounds, Lookup};
use super::table::WordTable;

/// What is made of each byte.
#[derive(Debug)]
pub enum How {
    /// It is looked up: in one list, or in one for each channel, with those that fill up words.
    Lookup(Vec<Lookup>),
    /// It is limited: by the least and the greatest byte of each channel of a word, one for all words or one for each.
    Limit(Vec<[u32; 2]>),
    /// The sum of what two maps stand for, in steps of the output: each times its part of `of`.
    Add {
        /// The other map: as large, or one word for each of the first's.
        other: Map,
        /// The maps' scales, in steps of the output.
        of: [f32; 2],
        /// The bytes for zero: of both and of the output.
        zeros: [u8; 3],
    },
    /// The product of what two maps stand for.
    Multiply {
        /// The other map: as large, or one word for each of the first's.
        other: Map,
        /// The product of both scales, in steps of the output.
        multiplier: f32,
        /// The bytes for zero: of both and of the output.
        zeros: [u8; 3],
    },
}

/// A step that works byte by byte, ready to run.
#[derive(Debug)]
pub struct Elementwise {
    table: &'static WordTable,
    input: Map,
    output: Map,
    how: How,
    bounds: Bounds,
    /// What becomes of each byte in the end, where that is more than bounds.
    lookup: Option<Box<Lookup>>,
    split: Split,
}

impl Elementwise {
    /// # Errors
    /// Where the maps' shapes or the lists' lengths do not fit.
    pub fn new(
        table: &'static WordTable,
        (input, output): (Map, Map),
        mut how: How,
        (bounds, lookup): (Bounds, Option<Box<Lookup>>),
        threads: usize,
    ) -> Result<Self, Unfit> {
        ensure_whole("the input", &input)?;
        ensure_shape("the output", &output, (input.batch(), input.channels, input.size))?;
        match &how {
            How::Lookup(lookups) => {
                let fits = lookups.len() == 1 || lookups.len() == 4 * input.channels;
                ensure(fits, || format!("{} lists for {} words", lookups.len(), input.channels))?;
                if let Some(ends) = limits(lookups) {
                    how = How::Limit(ends);
                }
            }
            How::Limit(ends) => {
                let fits = ends.len() == 1 || ends.len() == input.channels;
                ensure(fits, || format!("{} ends for {} words", ends.len(), input.channels))?;
            }
            How::Add { other, .. } | How::Multiply { other, .. } => {
                let size = if other.pixels() == 1 { [1, 1] } else { input.size };
                ensure_shape("the other input", other, (input.batch(), input.channels, size))?;
            }
        }
        let split = Split::new(input.rows.len(), 16.0 * input.pixels() as f64, threads);
        Ok(Self { table, input, output, how, bounds, lookup, split })
    }

    pub(super) fn reads(&self) -> impl Iterator<Item = &Map> {
        let other = match &self.how {
            How::Lookup(_) | How::Limit(_) => None,
            How::Add { other, .. } | How::Multiply { other, .. } => Some(other),
        };
        std::iter::once(&self.input).chain(other)
    }

    pub(super) fn output(&self) -> &Map {
        &self.output
    }

    pub(super) fn items(&self) -> usize {
        self.split.items()
    }

    /// # Safety
    /// All rows lie in the arena; inputs are complete; nobody else touches the output rows of `item` now.
    pub(super) unsafe fn run(&self, item: usize, arena: &Arena) {
        let base = arena.base().cast::<u32>();
        for row in self.split.range(item) {
            // SAFETY: the rows lie in the arena; nobody writes to the inputs' now, and to the output's nobody else.
            let words = |map: &Map| unsafe {
                std::slice::from_raw_parts(base.add(map.rows[row] as usize).cast_const(), map.pixels())
            };
            // SAFETY: as above; the output's row is none of the inputs'.
            let to = unsafe {
                std::slice::from_raw_parts_mut(base.add(self.output.rows[row] as usize), self.output.pixels())
            };
            let (a, bounds) = (words(&self.input), self.bounds);
            let word = row % self.input.channels;
            // SAFETY: whoever has a table has a CPU for it.
            unsafe {
                match &self.how {
                    How::Lookup(lookups) => {
                        let lookup = |lane: usize| lookups.get(4 * word + lane).unwrap_or(&lookups[0]);
                        (self.table.look_up)(a, std::array::from_fn(lookup), to);
                    }
                    How::Limit(ends) => (self.table.limit)(a, *ends.get(word).unwrap_or(&ends[0]), to),
                    How::Add { other, of, zeros } => {
                        let how = Binary::Add { of: *of };
                        (self.table.binary)(&BinaryArgs { a, b: words(other), how, zeros: *zeros, bounds }, to);
                    }
                    How::Multiply { other, multiplier, zeros } => {
                        let how = Binary::Multiply { multiplier: *multiplier };
                        (self.table.binary)(&BinaryArgs { a, b: words(other), how, zeros: *zeros, bounds }, to);
                    }
                }
                if let Some(lookup) = &self.lookup {
                    (self.table.look_up_in_place)(to, lookup);
                }
            }
        }
    }
}

/// The ends that lists are, one list or one for each channel, if they are no more than that.
fn limits(lookups: &[Lookup]) -> Option<Vec<[u32; 2]>> {
    let bounds: Vec<Bounds> = lookups.iter().map(Lookup::as_bounds).collect::<Option<_>>()?;
    let word = |bounds: [Bounds; 4]| [bounds.map(|of| of.low), bounds.map(|of| of.high)].map(u32::from_le_bytes);
    Some(match bounds.as_slice() {
        &[all] => vec![word([all; 4])],
        each => each.as_chunks::<4>().0.iter().map(|&four| word(four)).collect(),
    })
}
