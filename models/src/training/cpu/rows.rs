//! Rows of floats that begin at a cache line.

use std::ops::{Deref, DerefMut};

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// A channel of a batch, `[height, width, picture]`, or its gradient.
#[derive(Default)]
pub(super) struct Row {
    lines: Vec<Line>,
    length: usize,
}

impl Row {
    /// So many zeros.
    pub fn new(length: usize) -> Self {
        Self { lines: vec![Line([0.0; 16]); length.div_ceil(16)], length }
    }
}

impl Deref for Row {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: the lines are floats without gaps, as many as the length and up to fifteen more.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.length) }
    }
}

impl DerefMut for Row {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and they are borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.length) }
    }
}

/// Rows by number. A step takes those that it writes, reads others meanwhile, and puts them back.
#[derive(Default)]
pub(super) struct Rows(Vec<Row>);

impl Rows {
    /// Rows of these lengths.
    pub fn new(lengths: &[usize]) -> Self {
        Self(lengths.iter().map(|&length| Row::new(length)).collect())
    }

    /// A row, empty while it is taken.
    pub fn get(&self, number: usize) -> &[f32] {
        &self.0[number]
    }

    /// A row to be written.
    pub fn get_mut(&mut self, number: usize) -> &mut [f32] {
        &mut self.0[number]
    }

    /// These rows.
    pub fn all(&self, numbers: &[usize]) -> Vec<&[f32]> {
        numbers.iter().map(|&number| self.get(number)).collect()
    }

    /// Takes rows out; each number once.
    pub fn take(&mut self, numbers: &[usize]) -> Vec<Row> {
        numbers.iter().map(|&number| std::mem::take(&mut self.0[number])).collect()
    }

    /// Puts back what was taken with the same numbers.
    pub fn put(&mut self, numbers: &[usize], rows: Vec<Row>) {
        for (&number, row) in numbers.iter().zip(rows) {
            self.0[number] = row;
        }
    }
}
