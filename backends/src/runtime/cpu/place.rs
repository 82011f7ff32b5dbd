//! Where rows lie in the arena. Liveness is per row, not per tensor: after a concatenation half of the rows often live
//! on through the next slice while the other half dies.

use std::collections::HashMap;

use super::kernels::{REDZONE, row_room};
use crate::runtime::plan::{Free, RowRef};

/// A row that some kernel writes (or the input), before it has a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pixels: usize,
    /// The phase that writes it; the input is there before the first.
    born: usize,
    /// The last phase that reads it.
    dies: usize,
    /// How often it is read in that phase.
    last_reads: usize,
    place: usize,
}

/// All rows of a network.
#[derive(Debug, Default)]
pub(super) struct Rows {
    rows: Vec<Row>,
    free: Free,
    /// The rows that may be freed with each phase.
    ending: HashMap<usize, Vec<usize>>,
    /// Floats of the single-pixel rows, which lie densely behind all others and are never reused: they are few.
    pixels: usize,
}

const NOWHERE: usize = usize::MAX;

impl Rows {
    /// Rows of as many pixels as listed, without places.
    pub fn new(pixels: &[usize]) -> Self {
        let row = |&pixels: &usize| Row { pixels, born: 0, dies: 0, last_reads: 0, place: NOWHERE };
        Self { rows: pixels.iter().map(row).collect(), ..Self::default() }
    }

    /// Notes that `phase` reads the rows; phases come in order.
    pub fn read(&mut self, rows: &[RowRef], phase: usize) {
        for name in rows {
            let row = &mut self.rows[name.row];
            row.last_reads = if row.dies == phase { row.last_reads + 1 } else { 1 };
            row.dies = phase;
        }
    }

    /// Keeps the rows to the end of the run and through the next.
    pub fn pin(&mut self, rows: &[RowRef]) {
        for name in rows {
            self.rows[name.row].dies = usize::MAX;
        }
    }

    /// Gives rows their places, each beside all that live with it.
    pub fn place(&mut self, rows: &[RowRef], phase: usize) {
        for name in rows {
            let row = &mut self.rows[name.row];
            if row.place != NOWHERE {
                continue;
            }
            row.born = phase;
            if row.pixels == 1 {
                row.place = self.pixels;
                self.pixels += 1;
            } else {
                row.place = self.free.take(row_room(row.pixels).saturating_add(REDZONE));
                self.ending.entry(row.dies.max(phase)).or_default().push(name.row);
            }
        }
    }

    /// Gives `rows` the places of `sources` where those die in `phase`, read by nothing else.
    pub fn place_over(&mut self, rows: &[RowRef], sources: &[RowRef], phase: usize) {
        for (name, source) in rows.iter().zip(sources) {
            let from = self.rows[source.row];
            let dying = from.dies == phase && from.last_reads == 1 && from.pixels > 1 && source.pixel == 0;
            let row = &mut self.rows[name.row];
            if dying && row.pixels == from.pixels {
                (row.place, row.born) = (from.place, phase);
                self.ending.entry(row.dies.max(phase)).or_default().push(name.row);
                // The place has a new owner: the old one must not free it.
                self.rows[source.row].dies = usize::MAX;
            }
        }
    }

    /// Frees what `phase` read or wrote last.
    pub fn end_phase(&mut self, phase: usize) {
        for row in self.ending.remove(&phase).unwrap_or_default() {
            let row = &mut self.rows[row];
            if row.dies != usize::MAX {
                self.free.give(row.place, row_room(row.pixels).saturating_add(REDZONE));
                row.dies = usize::MAX;
            }
        }
    }

    /// Offset of a placed row in floats, once all are placed.
    pub fn offset(&self, name: RowRef) -> usize {
        let row = &self.rows[name.row];
        let start = if row.pixels == 1 { self.free.end } else { 0 };
        start + row.place + name.pixel
    }

    /// Floats in all; `usize::MAX` where that many or more.
    pub fn floats(&self) -> usize {
        self.free.end.saturating_add(self.pixels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(rows: std::ops::Range<usize>) -> Vec<RowRef> {
        rows.map(|row| RowRef { row, pixel: 0 }).collect()
    }

    #[test]
    #[cfg_attr(feature = "redzones", ignore = "places are further apart")]
    fn rows_that_die_are_used_again_and_those_that_live_are_not() {
        let mut rows = Rows::new(&[49, 49, 49, 49, 49, 49, 1]);
        let (a, b, c, d) = (names(0..2), names(2..4), names(4..6), names(6..7));
        rows.read(&a[..1], 1);
        rows.read(&a[1..], 2);
        rows.read(&b, 3);
        rows.place(&a, 0);
        rows.end_phase(0);
        rows.place(&b, 1);
        rows.end_phase(1);
        rows.place(&c, 2);
        rows.place(&d, 2);
        rows.end_phase(2);
        let places = [a[0], a[1], b[0], b[1], c[0], c[1], d[0]].map(|name| rows.offset(name));
        assert_eq!(places, [0, 64, 128, 192, 0, 256, 320]);
        assert_eq!(rows.floats(), 321);
    }

    #[test]
    #[cfg_attr(feature = "redzones", ignore = "places are further apart")]
    fn a_row_is_taken_over_only_from_a_source_that_dies_with_its_only_reader() {
        let mut rows = Rows::new(&[16; 7]);
        let (a, b, c) = (names(0..3), names(3..6), names(6..7));
        rows.read(&a, 1);
        rows.read(&a[1..2], 1);
        rows.read(&a[2..], 2);
        rows.read(&b, 3);
        rows.place(&a, 0);
        rows.end_phase(0);
        rows.place_over(&b, &a, 1);
        rows.place(&b, 1);
        rows.end_phase(1);
        rows.place(&c, 2);
        let places = [b[0], b[1], b[2], c[0]].map(|name| rows.offset(name));
        assert_eq!(places, [0, 48, 64, 16]);
    }
}
