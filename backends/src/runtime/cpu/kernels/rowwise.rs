//! Steps that work value by value: normalisation that could not be folded, activations, sums, products, gates.

use super::arena::Arena;
use super::elementwise::RowArgs;
use super::epilogue::Epilogue;
use super::map::{Map, Split};
use super::table::Table;
use super::unfit::{Unfit, ensure_equal, ensure_shape, ensure_whole};

/// What a row is multiplied by.
#[derive(Debug)]
pub enum Factor {
    /// `x * scale + shift`, one pair per channel.
    Affine {
        /// Per channel.
        scale: Vec<f32>,
        /// Per channel.
        shift: Vec<f32>,
    },
    /// A `[n, c, 1, 1]` map: the gate of squeeze-and-excitation.
    Gate(Map),
    /// No factor: what is added, a `[n, c, 1, 1]` map.
    Shift(Map),
    /// Only below zero: one slope per channel.
    Slopes(Vec<f32>),
    /// One.
    One,
}

/// What is done with a second map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combine {
    /// It is added.
    Add,
    /// It is a factor.
    Multiply,
}

/// `y = epilogue(x * factor + other)`, or `* other`.
#[derive(Debug)]
pub struct Rowwise {
    table: &'static Table,
    input: Map,
    other: Option<(Map, Combine)>,
    factor: Factor,
    epilogue: Epilogue,
    output: Map,
    split: Split,
}

impl Rowwise {
    /// # Errors
    /// Where the maps' shapes or the factors' lengths do not fit.
    pub fn new(
        table: &'static Table,
        (input, other, output): (Map, Option<(Map, Combine)>, Map),
        factor: Factor,
        epilogue: Epilogue,
        threads: usize,
    ) -> Result<Self, Unfit> {
        ensure_whole("the input", &input)?;
        let shape = |size| (input.batch(), input.channels, size);
        ensure_shape("the output", &output, shape(input.size))?;
        if let Some((other, _)) = &other {
            ensure_shape("the other input", other, shape(input.size))?;
        }
        match &factor {
            Factor::Affine { scale, shift } => {
                ensure_equal("scales and shifts", (scale.len(), shift.len()), (input.channels, input.channels))?;
            }
            Factor::Gate(gate) => ensure_shape("the gate", gate, shape([1, 1]))?,
            Factor::Shift(map) => ensure_shape("the shift", map, shape([1, 1]))?,
            Factor::Slopes(slopes) => ensure_equal("slopes", slopes.len(), input.channels)?,
            Factor::One => {}
        }
        let split = Split::new(input.rows.len(), 4.0 * input.pixels() as f64, threads);
        Ok(Self { table, input, other, factor, epilogue, output, split })
    }

    pub(super) fn reads(&self) -> impl Iterator<Item = &Map> {
        let small = if let Factor::Gate(map) | Factor::Shift(map) = &self.factor { Some(map) } else { None };
        std::iter::once(&self.input).chain(self.other.iter().map(|(map, _)| map)).chain(small)
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
        for row in self.split.range(item) {
            // SAFETY: rows lie in the arena; an output row is an input row or overlaps none.
            unsafe {
                let base = arena.base();
                let channel = row % self.input.channels;
                let (scale, shift, slope) = match &self.factor {
                    Factor::Affine { scale, shift } => (scale[channel], shift[channel], 1.0),
                    Factor::Gate(gate) => (*base.add(gate.rows[row] as usize), 0.0, 1.0),
                    Factor::Shift(map) => (1.0, *base.add(map.rows[row] as usize), 1.0),
                    Factor::Slopes(slopes) => (1.0, 0.0, slopes[channel]),
                    Factor::One => (1.0, 0.0, 1.0),
                };
                (self.table.row)(&RowArgs {
                    x: base.add(self.input.rows[row] as usize),
                    other: match &self.other {
                        Some((other, _)) => base.add(other.rows[row] as usize),
                        None => std::ptr::null(),
                    },
                    multiplies: matches!(self.other, Some((_, Combine::Multiply))),
                    scale,
                    shift,
                    slope,
                    epilogue: self.epilogue,
                    finish: self.table.finish,
                    y: base.add(self.output.rows[row] as usize),
                    pixels: self.input.pixels(),
                });
            }
        }
    }
}
