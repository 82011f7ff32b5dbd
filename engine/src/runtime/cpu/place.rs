//! Where rows lie in the arena. Liveness is per row, not per tensor: after a concatenation half of the rows often live
//! on through the next slice while the other half dies.

use std::collections::{BTreeMap, HashMap};

use super::kernels::{REDZONE, row_room};

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

/// A name for a row, or for one pixel of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowRef {
    pub row: usize,
    pub pixel: usize,
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
    /// `count` new rows of `pixels`.
    pub fn add(&mut self, count: usize, pixels: usize) -> Vec<RowRef> {
        let first = self.rows.len();
        let row = Row { pixels, born: 0, dies: 0, last_reads: 0, place: NOWHERE };
        self.rows.resize(first + count, row);
        (first..first + count).map(|row| RowRef { row, pixel: 0 }).collect()
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

/// Free memory by offset; lowest first, so that what was used last and is still cached is used again.
#[derive(Debug, Default)]
struct Free {
    /// Length by offset, no two adjacent.
    holes: BTreeMap<usize, usize>,
    end: usize,
}

impl Free {
    fn take(&mut self, room: usize) -> usize {
        match self.holes.iter().find(|&(_, &length)| length >= room).map(|(&at, &length)| (at, length)) {
            Some((at, length)) => {
                self.holes.remove(&at);
                if length > room {
                    self.holes.insert(at + room, length - room);
                }
                at
            }
            None => {
                let at = match self.holes.last_key_value() {
                    Some((&at, &length)) if at.checked_add(length) == Some(self.end) => {
                        self.holes.remove(&at);
                        at
                    }
                    _ => self.end,
                };
                // Beyond what can be counted there is no offset: `floats` says so.
                self.end = at.saturating_add(room);
                at
            }
        }
    }

    fn give(&mut self, mut at: usize, mut length: usize) {
        if let Some((&before, &room)) = self.holes.range(..at).next_back()
            && before.checked_add(room) == Some(at)
        {
            self.holes.remove(&before);
            (at, length) = (before, room.saturating_add(length));
        }
        if let Some(room) = at.checked_add(length).and_then(|end| self.holes.remove(&end)) {
            length = length.saturating_add(room);
        }
        self.holes.insert(at, length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(feature = "redzones", ignore = "places are further apart")]
    fn rows_that_die_are_used_again_and_those_that_live_are_not() {
        let mut rows = Rows::default();
        let (a, b, c, d) = (rows.add(2, 49), rows.add(2, 49), rows.add(2, 49), rows.add(1, 1));
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
        let mut rows = Rows::default();
        let (a, b, c) = (rows.add(3, 16), rows.add(3, 16), rows.add(1, 16));
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
