//! Deals a map's rows out into the phases of a window, with one instruction set's kernels.

use super::table::Table;
use super::window::{Phases, Places};

impl Phases {
    /// Deals out the rows that output rows `first .. first + outputs` read, with `outside` around the map. What is behind
    /// the last place that a tap of an output pixel reads keeps whatever was there.
    pub fn deal(&self, table: &Table, map: &[f32], first: usize, outputs: usize, outside: f32, to: &mut [f32]) {
        let [height, width] = self.input;
        let top = first * self.window.stride[0];
        let rows = self.rows(outputs);
        for (row, to) in to.chunks_exact_mut(self.row()).take(rows).enumerate() {
            let Some(y) = (top + row).checked_sub(self.window.padding[0]).filter(|&y| y < height) else {
                to.fill(outside);
                continue;
            };
            let map = &map[y * width..(y + 1) * width];
            for (phase, to) in self.places.iter().zip(to.chunks_exact_mut(self.pitch)) {
                phase.surround(&mut to[..self.read], outside);
            }
            match (&*self.places, self.window.stride[1]) {
                ([first, second], 2) => {
                    let (to_first, to_second) = to.split_at_mut(self.pitch);
                    let (to_first, to_second) = (first.inside(to_first), second.inside(to_second));
                    // The phase that holds the map's first column takes the even ones.
                    let (evens, odds) = if first.from == 0 { (to_first, to_second) } else { (to_second, to_first) };
                    let count = (2 * evens.len()).min(2 * odds.len() + 1).min(width);
                    // SAFETY: the map's row has so many columns, `evens` and `odds` have room for half of them each,
                    // and all three are different slices.
                    unsafe { (table.split)(map.as_ptr(), evens.as_mut_ptr(), odds.as_mut_ptr(), count) }
                }
                (_, stride) => {
                    for (phase, to) in self.places.iter().zip(to.chunks_exact_mut(self.pitch)) {
                        deal_row(&map[phase.from..], stride, phase.inside(to));
                    }
                }
            }
        }
    }
}

impl Places {
    /// Writes `outside` around the map's columns.
    fn surround(&self, to: &mut [f32], outside: f32) {
        let (left, rest) = to.split_at_mut(self.left);
        // One or two values each: less than a call would take.
        left.iter_mut().for_each(|value| *value = outside);
        rest[self.inside..].iter_mut().for_each(|value| *value = outside);
    }

    fn inside<'a>(&self, to: &'a mut [f32]) -> &'a mut [f32] {
        &mut to[self.left..self.left + self.inside]
    }
}

/// `to[j] = from[j * stride]`
fn deal_row(from: &[f32], stride: usize, to: &mut [f32]) {
    if stride == 1 {
        to.copy_from_slice(&from[..to.len()]);
    } else {
        to.iter_mut().zip(from.iter().step_by(stride)).for_each(|(to, &from)| *to = from);
    }
}
