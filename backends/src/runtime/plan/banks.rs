//! Where the values between kernels lie on a GPU: in a few buffers, the *banks*.
//!
//! A value is a list of planes, one per channel, each with the pixels of all images; where a plane lies follows from who
//! reads it last. What one kernel reads as a list lies in one bank, and what it writes in another wherever that can be: a
//! shader may read one buffer and write another, but not both of one that it sees under two names.

use std::collections::HashMap;

use super::classes::Classes;
use super::free::Free;
use super::partition::Planned;
use super::values::{RowRef, Values};
use crate::graph::{Graph, NodeId};

/// Planes begin at multiples of so many values.
const ALIGNMENT: usize = 4;

/// The buffers, and where each plane lies in them.
#[derive(Debug)]
pub(in crate::runtime) struct Banks {
    /// Values that each bank holds.
    pub sizes: Vec<usize>,
    names: Vec<Vec<RowRef>>,
    planes: Vec<Plane>,
    /// Pixels of one image in each plane.
    pixels: Vec<usize>,
}

/// A list of planes in one bank, as a kernel reads or writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::runtime) struct Operand {
    pub bank: usize,
    /// Where each channel's first pixel of the first image lies, in values.
    pub offsets: Vec<u32>,
    /// Values from one image to the next; `None` where that differs from channel to channel, which only happens when maps
    /// of different sizes are flattened and concatenated.
    pub image_stride: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Plane {
    bank: usize,
    offset: usize,
}

impl Banks {
    /// Places what the kernels of `graph` read and write, which run one after another.
    ///
    /// # Errors
    /// The values that a bank would have to hold, where offsets of 32 bits cannot reach them all.
    pub fn place(graph: &Graph, kernels: &[Planned]) -> Result<Self, usize> {
        let Values { pixels, names } = Values::per_channel(graph);
        let (banks, bank_of) = banks(graph, kernels, (&names, pixels.len()));
        let mut dies = vec![0; pixels.len()];
        for (index, kernel) in kernels.iter().enumerate() {
            let read = kernel.reads.iter().flat_map(|value| &names[value.0]);
            read.for_each(|name| dies[name.row] = index);
        }
        // The input is there before the first run and for all of them; the result stays to be read.
        let ends = [NodeId(0), graph.output()];
        ends.iter().flat_map(|value| &names[value.0]).for_each(|name| dies[name.row] = usize::MAX);

        let room = |row: usize| pixels[row].checked_next_multiple_of(ALIGNMENT).unwrap_or(usize::MAX);
        let mut free: Vec<Free> = (0..banks).map(|_| Free::default()).collect();
        let mut planes = vec![Plane::default(); pixels.len()];
        let mut ending: Vec<Vec<usize>> = vec![Vec::new(); kernels.len()];
        let first = std::iter::once((0, NodeId(0)));
        let written = first.chain(kernels.iter().enumerate().map(|(index, kernel)| (index, kernel.value)));
        for (index, value) in written {
            for name in &names[value.0] {
                let bank = bank_of[name.row];
                planes[name.row] = Plane { bank, offset: free[bank].take(room(name.row)) };
                let dies = dies[name.row].max(index);
                if let Some(ending) = ending.get_mut(dies) {
                    ending.push(name.row);
                }
            }
            if value == NodeId(0) {
                continue;
            }
            for row in ending.get_mut(index).map(std::mem::take).unwrap_or_default() {
                free[planes[row].bank].give(planes[row].offset, room(row));
            }
        }
        let sizes: Vec<usize> = free.iter().map(|free| free.end).collect();
        if let Some(&size) = sizes.iter().find(|&&size| u32::try_from(size).is_err()) {
            return Err(size);
        }
        let batch = graph.input_shape().batch.max(1);
        let pixels = pixels.iter().map(|pixels| pixels / batch).collect();
        Ok(Self { sizes, names, planes, pixels })
    }

    /// Where a value lies.
    pub fn operand(&self, value: NodeId) -> Operand {
        let names = &self.names[value.0];
        let first = names.first().map_or(0, |name| name.row);
        let offset = |name: &RowRef| (self.planes[name.row].offset + name.pixel) as u32;
        let alike = names.iter().all(|name| self.pixels[name.row] == self.pixels[first]);
        Operand {
            bank: self.planes[first].bank,
            offsets: names.iter().map(offset).collect(),
            image_stride: alike.then(|| self.pixels[first]),
        }
    }
}

/// How many banks there are, and the bank of every row.
fn banks(graph: &Graph, kernels: &[Planned], (names, rows): (&[Vec<RowRef>], usize)) -> (usize, Vec<usize>) {
    // Rows that some kernel reads as one list, or writes as one, are of one class.
    let mut classes = Classes::new(rows);
    let listed = kernels.iter().flat_map(|kernel| kernel.reads.iter().chain([&kernel.value]));
    for value in listed.chain([&NodeId(0), &graph.output()]) {
        let names = &names[value.0];
        for pair in names.windows(2) {
            classes.unite(pair[0].row, pair[1].row);
        }
    }
    let class = |classes: &mut Classes, value: NodeId| names[value.0].first().map(|name| classes.of(name.row));
    let mut apart = HashMap::<usize, Vec<usize>>::new();
    for kernel in kernels {
        let Some(written) = class(&mut classes, kernel.value) else { continue };
        for read in kernel.reads.iter().filter_map(|&read| class(&mut classes, read)).collect::<Vec<_>>() {
            apart.entry(written).or_default().push(read);
            apart.entry(read).or_default().push(written);
        }
    }
    // Each class in the first bank in which nothing is that it must be apart from.
    let mut bank_of_class = HashMap::<usize, usize>::new();
    for row in 0..rows {
        let class = classes.of(row);
        if bank_of_class.contains_key(&class) {
            continue;
        }
        let neighbours = apart.get(&class).map(Vec::as_slice).unwrap_or_default();
        let taken: Vec<usize> = neighbours.iter().filter_map(|class| bank_of_class.get(class).copied()).collect();
        let bank = (0..).find(|bank| !taken.contains(bank)).unwrap_or_default();
        bank_of_class.insert(class, bank);
    }
    let bank_of: Vec<usize> = (0..rows).map(|row| bank_of_class[&classes.of(row)]).collect();
    (bank_of.iter().max().map_or(0, |most| most + 1), bank_of)
}
