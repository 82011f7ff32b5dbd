//! Deals a map's rows out into the phases of a window, with one instruction set's kernels.

use super::table::Table;
use super::window::Phases;

impl Phases {
    /// Deals out the rows that output rows `first .. first + outputs` read, with `outside` around the map.
    pub fn deal(&self, table: &Table, map: &[f32], first: usize, outputs: usize, outside: f32, to: &mut [f32]) {
        let [height, width] = self.input;
        let stride = self.window.stride[1];
        let top = first * self.window.stride[0];
        let rows = self.rows(outputs);
        for phase in 0..self.phases {
            // Place j holds column j * stride + phase - padding.
            let left = (self.window.padding[1].saturating_sub(phase)).div_ceil(stride).min(self.pitch);
            let from =
                left.saturating_mul(stride).saturating_add(phase).saturating_sub(self.window.padding[1]).min(width);
            let inside = (width - from).div_ceil(stride).min(self.pitch - left);
            for (row, to) in to.chunks_exact_mut(self.row()).take(rows).enumerate() {
                let to = &mut to[phase * self.pitch..][..self.pitch];
                match (top + row).checked_sub(self.window.padding[0]).filter(|&y| y < height) {
                    None => to.fill(outside),
                    Some(y) => {
                        to[..left].fill(outside);
                        to[left + inside..].fill(outside);
                        let map = &map[y * width + from..(y + 1) * width];
                        deal_row(table, map, stride, &mut to[left..left + inside]);
                    }
                }
            }
        }
    }
}

/// `to[j] = from[j * stride]`
fn deal_row(table: &Table, from: &[f32], stride: usize, to: &mut [f32]) {
    match stride {
        1 => to.copy_from_slice(&from[..to.len()]),
        2 => {
            let pairs = to.len().min(from.len() / 2);
            // SAFETY: `from` holds that many pairs, `to` at least as many values, and they are different slices.
            unsafe { (table.firsts)(from.as_ptr(), to.as_mut_ptr(), pairs) }
            if let Some(last) = to.get_mut(pairs) {
                *last = from[2 * pairs];
            }
        }
        _ => to.iter_mut().zip(from.iter().step_by(stride)).for_each(|(to, &from)| *to = from),
    }
}
