//! Depthwise convolution: each output channel is one input channel under its window.
//!
//! It reads and writes each element about once and computes little, so memory traffic and the instructions that fetch are
//! its limit. A thread computes a patch of outputs: three input rows of a 3x3 window serve it several times over, and
//! where rows consist of whole vectors it reads and writes those.

use super::epilogue::{self, Finish, Lists};
use super::patch::{self, Patch};
use super::size::{Map, Sliding};
use super::text::{Access, Grid, Operands, Setting, Source, Text};
use super::variant::{Limits, Variant};
use super::{Parameters, Refusal};

/// Sizes of a depthwise convolution; output channel `o` reads input channel `o / multiplier`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Depthwise {
    pub input: Map,
    pub output: Map,
    pub window: Sliding,
    pub multiplier: u32,
    pub finish: Finish,
}

impl Depthwise {
    pub fn variants(&self, limits: &Limits) -> Vec<Variant> {
        let narrow = [(1, 1), (2, 1), (7, 1), (4, 1), (2, 2)];
        let wide = [(1, 4), (2, 4), (4, 4), (1, 1), (2, 1), (7, 1)];
        let shapes = if self.output.width.is_multiple_of(4) { &wide[..] } else { &narrow[..] };
        // Few outputs want many threads, many outputs little reading.
        let few = u64::from(self.output.plane()) * u64::from(self.output.channels) < 1 << 18;
        let mut variants: Vec<Variant> = Vec::new();
        for &(rows, columns) in shapes {
            let spelt = patch::spelt(&self.window);
            if (spelt && self.window.taps() * rows * columns > 256) || (!spelt && rows * columns > 4) {
                continue;
            }
            if rows <= self.output.height && columns <= self.output.width {
                variants.push(Variant::Patch { rows, columns, threads: 128.min(limits.invocations) });
            }
        }
        if !few && variants.len() > 2 {
            variants.swap(0, 2);
        }
        if limits.invocations >= 64 {
            variants.push(Variant::Patch { rows: 1, columns: 1, threads: 64 });
        }
        variants
    }

    pub fn source(&self, variant: Variant, setting: Setting) -> Result<Source, Refusal> {
        let Variant::Patch { rows, columns, threads } = variant else { return Err(variant.refused("depthwise")) };
        if !(1..=16).contains(&rows) || ![1, 2, 4].contains(&columns) || !threads.is_power_of_two() || threads > 1024 {
            return Err(variant.refused("depthwise"));
        }
        let Self { input, output, window, finish, .. } = *self;
        let patch = Patch { reader: "x", input, output, window, rows, columns };
        let write = if columns == 4 && output.width.is_multiple_of(4) { Access::VECTOR } else { Access::SCALAR };
        let read = if patch.reads_vectors() { Access::BOTH } else { Access::SCALAR };
        let weights = if patch::spelt(&window) { Access::VECTOR } else { Access::SCALAR };
        let operands = Operands { read, write, second: finish.access(write), weights };
        let mut text = Text::new(setting, operands);
        epilogue::declare(&mut text, "finish", finish.activation, write);

        let (down, across) = (output.height.div_ceil(rows), output.width.div_ceil(columns));
        let patches = output.batch * down * across;
        // Threads that share a channel; the others of the workgroup have channels of their own.
        let lanes = patches.next_power_of_two().min(threads);
        let channels = threads / lanes;
        let grid = Grid::new(patches.div_ceil(lanes), output.channels.div_ceil(channels));
        text.main(threads, &grid);
        text.line(format!("let q = across * {lanes}u + local % {lanes}u;"));
        text.line(format!("let c = down * {channels}u + local / {lanes}u;"));
        text.line(format!("if (q >= {patches}u || c >= {}u) {{ return; }}", output.channels));
        text.line(format!("let n = q / {}u;", down * across));
        text.line(format!("let place = q % {}u;", down * across));
        text.line(format!("let oy = i32(place / {across}u) * {rows};"));
        text.line(format!("let ox = i32(place % {across}u) * {columns};"));
        text.line(format!("let base = tab[c / {}u] + n * {}u;", self.multiplier, input.image));
        text.line(format!("let wb = c * {}u;", patch::vectors(&window)));
        patch.sums(&mut text);
        let lists = Lists::new(input.channels, output.channels);
        self.write(&mut text, lists, [rows, columns], write);
        text.finish(&grid)
    }

    /// Writes the sums of a patch of `rows` by `columns` outputs of channel `c` of image `n` from `oy` and `ox` on.
    pub fn write(&self, text: &mut Text, lists: Lists, [rows, columns]: [u32; 2], write: Access) {
        let Map { height, width, .. } = self.output;
        text.line(format!("let o = n * {}u + u32(oy) * {width}u + u32(ox);", self.output.pixels()));
        for row in 0..rows {
            let ragged = row > 0 && !height.is_multiple_of(rows);
            text.open(if ragged { format!("if (oy + {row} < {height})") } else { String::new() });
            if write.vector {
                let value = format!("vec4<f32>(a{row}_0, a{row}_1, a{row}_2, a{row}_3)");
                let place = format!("(o + {}u) / 4u", row * width);
                self.finish.put4(text, lists, "c", &place, &value);
            } else {
                for column in 0..columns {
                    let ragged = column > 0 && !width.is_multiple_of(columns);
                    text.open(if ragged { format!("if (ox + {column} < {width})") } else { String::new() });
                    let place = format!("o + {}u", row * width + column);
                    self.finish.put1(text, lists, "c", &place, &format!("a{row}_{column}"));
                    text.close();
                }
            }
            text.close();
        }
    }

    pub fn pack(&self, parameters: &Parameters<'_>) -> Vec<f32> {
        patch::pack(&self.window, self.output.channels, parameters.filters, parameters.bias)
    }
}
