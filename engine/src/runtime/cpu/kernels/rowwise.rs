//! Steps that work value by value: batch normalisation that could not be folded, activations, sums, gates.

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
    /// One.
    One,
}

/// `y = epilogue(x * factor + other)`
#[derive(Debug)]
pub struct Rowwise {
    table: &'static Table,
    input: Map,
    other: Option<Map>,
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
        (input, other, output): (Map, Option<Map>, Map),
        factor: Factor,
        epilogue: Epilogue,
        threads: usize,
    ) -> Result<Self, Unfit> {
        ensure_whole("the input", &input)?;
        let shape = |size| (input.batch(), input.channels, size);
        ensure_shape("the output", &output, shape(input.size))?;
        if let Some(other) = &other {
            ensure_shape("the other input", other, shape(input.size))?;
        }
        match &factor {
            Factor::Affine { scale, shift } => {
                ensure_equal("scales and shifts", (scale.len(), shift.len()), (input.channels, input.channels))?;
            }
            Factor::Gate(gate) => ensure_shape("the gate", gate, shape([1, 1]))?,
            Factor::One => {}
        }
        let split = Split::new(input.rows.len(), 4.0 * input.pixels() as f64, threads);
        Ok(Self { table, input, other, factor, epilogue, output, split })
    }

    pub(super) fn reads(&self) -> impl Iterator<Item = &Map> {
        let gate = if let Factor::Gate(gate) = &self.factor { Some(gate) } else { None };
        std::iter::once(&self.input).chain(&self.other).chain(gate)
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
                let (scale, shift) = match &self.factor {
                    Factor::Affine { scale, shift } => {
                        (scale[row % self.input.channels], shift[row % self.input.channels])
                    }
                    Factor::Gate(gate) => (*base.add(gate.rows[row] as usize), 0.0),
                    Factor::One => (1.0, 0.0),
                };
                (self.table.row)(&RowArgs {
                    x: base.add(self.input.rows[row] as usize),
                    other: match &self.other {
                        Some(other) => base.add(other.rows[row] as usize),
                        None => std::ptr::null(),
                    },
                    scale,
                    shift,
                    epilogue: self.epilogue,
                    y: base.add(self.output.rows[row] as usize),
                    pixels: self.input.pixels(),
                });
            }
        }
    }
}
