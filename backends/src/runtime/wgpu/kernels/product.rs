//! The text of a tiled matrix product.
//!
//! A workgroup computes `rows` output channels of `columns` pixels. It brings `depth` input values at a time, weights and
//! pixels, into workgroup memory, where every thread of the tile reads them; so each weight is read once per tile of
//! pixels and each pixel once per tile of channels. Large products are then bound by arithmetic (a thread of 4 x 16
//! sums makes 64 multiply-adds of two vectors read), small ones by latency: there `split` threads share a sum, which
//! makes more of them than there are outputs.

use super::Refusal;
use super::epilogue::{self, Lists};
use super::inputs::Place;
use super::matmul::Matmul;
use super::text::{Access, COMPONENTS, Grid, Operands, Setting, Source, Text};
use super::variant::Tile;

/// A product and the tile it is cut into.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product<'a> {
    pub matmul: &'a Matmul,
    pub tile: Tile,
    pub place: Place,
}

/// The text of `matmul` by `tile`, which is sound and fitted.
pub(super) fn source(matmul: &Matmul, tile: Tile, setting: Setting) -> Result<Source, Refusal> {
    let across = if matmul.mean { matmul.output.pixels().div_ceil(4) } else { matmul.output.vectors() };
    let place = Place {
        output: matmul.output,
        per_image: matmul.mean,
        ragged: !across.is_multiple_of(tile.row_vectors()),
        weights: matmul.groups * (matmul.depth + 1) * matmul.row_vectors(),
    };
    Product { matmul, tile, place }.source(setting)
}

impl Product<'_> {
    fn source(&self, setting: Setting) -> Result<Source, Refusal> {
        let Self { matmul, tile, place } = self;
        let write = if matmul.mean { Access::SCALAR } else { Access::VECTOR };
        let operands = Operands {
            read: matmul.inputs.access(place),
            write,
            second: matmul.finish.access(write),
            weights: Access::BOTH,
        };
        let mut text = Text::new(setting, operands);
        epilogue::declare(&mut text, "finish", matmul.finish.activation, write);
        if matmul.mean {
            epilogue::declare(&mut text, "before_mean", matmul.before_mean, Access::VECTOR);
        }
        matmul.inputs.declare(&mut text, place);
        let (element, weights) =
            if self.reads_weight_vectors() { ("vec4<f32>", tile.rows / 4) } else { ("f32", tile.rows) };
        text.line(format!("var<workgroup> ws: array<{element}, {}>;", tile.depth * weights));
        text.line(format!("var<workgroup> xs: array<vec4<f32>, {}>;", tile.pixel_vectors()));
        if matmul.mean {
            text.line(format!("var<workgroup> sums: array<f32, {}>;", tile.rows * tile.row_vectors()));
        }
        let tiles_down = matmul.rows.div_ceil(tile.rows);
        let across = if matmul.mean { matmul.output.batch } else { self.vectors().div_ceil(tile.row_vectors()) };
        let grid = Grid { across: across.into(), down: u64::from(matmul.groups) * u64::from(tiles_down) };
        text.main(tile.threads(), &grid);
        let (wide, high) = (tile.threads_across(), tile.threads_down());
        text.line(format!("let tx = local % {wide}u;"));
        text.line(format!("let ty = local / {wide}u % {high}u;"));
        text.line(format!("let kz = local / {}u;", wide * high));
        text.line(format!("let lane = local % {}u;", tile.row_vectors()));
        text.line(format!("let group_index = down / {tiles_down}u;"));
        text.line(format!("let m0 = down % {tiles_down}u * {}u;", tile.rows));
        text.line(format!("let wb = group_index * {}u;", (matmul.depth + 1) * matmul.row_vectors()));
        if matmul.mean {
            self.means(&mut text);
        } else {
            text.line(format!("let p0 = across * {}u;", tile.row_vectors()));
            self.sums(&mut text, "k0 > 0u");
            if tile.split > 1 { self.write_split(&mut text) } else { self.write(&mut text) }
        }
        text.finish(&grid)
    }

    /// Vectors of columns: of all images, or of one.
    pub(super) fn vectors(&self) -> u32 {
        if self.matmul.mean { self.matmul.output.pixels().div_ceil(4) } else { self.matmul.output.vectors() }
    }

    pub(super) fn reads_weight_vectors(&self) -> bool {
        self.tile.row_step.is_multiple_of(4)
    }

    /// The rows and vectors of columns that a thread sums.
    fn own(&self) -> impl Iterator<Item = (u32, u32)> + use<> {
        let vectors = self.tile.vectors;
        (0..self.tile.row_step).flat_map(move |row| (0..vectors).map(move |vector| (row, vector)))
    }

    /// Declares the sums `a{row}_{vector}` of the tile at `m0` and `p0`. `again`: whether workgroup memory is still read
    /// when the loop over `k0` starts over.
    pub(super) fn sums(&self, text: &mut Text, again: &str) {
        let Self { matmul, tile, place } = self;
        for (row, vector) in self.own() {
            text.line(format!("var a{row}_{vector} = vec4<f32>();"));
        }
        matmul.inputs.prepare(text, place);
        if tile.ahead {
            // A chunk is fetched into registers while the one before is summed, and one round more sums the last.
            self.declare_fetched(text);
            let rounds = matmul.depth.next_multiple_of(tile.depth) + tile.depth;
            text.open(format!("for (var k0 = 0u; k0 < {rounds}u; k0 += {}u)", tile.depth));
            text.open(format!("if (k0 < {}u)", matmul.depth));
            self.fetch_ahead(text);
            text.close();
            text.open("if (k0 > 0u)");
            self.add_products(text);
            text.close();
            text.line("workgroupBarrier();");
            text.open(format!("if (k0 < {}u)", matmul.depth));
            self.store_fetched(text);
            text.close();
        } else {
            text.open(format!("for (var k0 = 0u; k0 < {}u; k0 += {}u)", matmul.depth, tile.depth));
            text.line(format!("if ({again}) {{ workgroupBarrier(); }}"));
            self.fetch(text);
        }
        text.line("workgroupBarrier();");
        if !tile.ahead {
            self.add_products(text);
        }
        text.close();
    }

    /// Adds the products of the chunk in workgroup memory to this thread's sums.
    fn add_products(&self, text: &mut Text) {
        let tile = self.tile;
        let start = if tile.split > 1 { "kz" } else { "0u" };
        text.open(format!("for (var kk = {start}; kk < {}u; kk += {}u)", tile.depth, tile.split));
        for vector in 0..tile.vectors {
            let place = format!("kk * {}u + tx + {}u", tile.row_vectors(), vector * tile.threads_across());
            text.line(format!("let x_{vector} = xs[{place}];"));
        }
        if self.reads_weight_vectors() {
            for at in 0..tile.row_step / 4 {
                let place = format!("kk * {}u + ty * {}u + {at}u", tile.rows / 4, tile.row_step / 4);
                text.line(format!("let w_{at} = ws[{place}];"));
            }
        }
        for row in 0..tile.row_step {
            let weight = if self.reads_weight_vectors() {
                format!("w_{}.{}", row / 4, COMPONENTS[row as usize % 4])
            } else {
                text.line(format!("let w_{row} = ws[kk * {}u + ty * {}u + {row}u];", tile.rows, tile.row_step));
                format!("w_{row}")
            };
            for vector in 0..tile.vectors {
                let sum = format!("a{row}_{vector}");
                text.line(format!("{sum} = fma(vec4<f32>({weight}), x_{vector}, {sum});"));
            }
        }
        text.close();
    }

    /// Opens the block of output channel `c = .. + m`, with its `bias`, where `m` is a row of the group.
    pub(super) fn open_row(&self, text: &mut Text, m: &str, and: Option<String>) {
        let Matmul { rows, depth, .. } = *self.matmul;
        text.open("");
        text.line(format!("let m = {m};"));
        let ragged = (!rows.is_multiple_of(self.tile.rows)).then(|| format!("m < {rows}u"));
        let guards: Vec<String> = ragged.into_iter().chain(and).collect();
        text.open(if guards.is_empty() { String::new() } else { format!("if ({})", guards.join(" && ")) });
        text.line(format!("let c = group_index * {rows}u + m;"));
        text.line(format!("let bias = w1(4u * (wb + {}u) + m);", depth * self.matmul.row_vectors()));
    }

    pub(super) fn close_row(text: &mut Text) {
        text.close();
        text.close();
    }

    pub(super) fn lists(&self) -> Lists {
        Lists::new(self.matmul.input_channels, self.matmul.groups * self.matmul.rows)
    }

    /// Whether vector `p` of the tile is one of the map.
    fn within_columns(&self, p: &str) -> Option<String> {
        self.place.ragged.then(|| format!("{p} < {}u", self.vectors()))
    }

    /// Writes each thread's own sums.
    fn write(&self, text: &mut Text) {
        let tile = self.tile;
        for row in 0..tile.row_step {
            self.open_row(text, &format!("m0 + ty * {}u + {row}u", tile.row_step), None);
            for vector in 0..tile.vectors {
                text.open("");
                text.line(format!("let p = p0 + tx + {}u;", vector * tile.threads_across()));
                let guard = self.within_columns("p").map_or_else(String::new, |guard| format!("if ({guard})"));
                text.open(guard);
                let value = format!("a{row}_{vector} + bias");
                self.matmul.finish.put4(text, self.lists(), "c", "p", &value);
                text.close();
                text.close();
            }
            Self::close_row(text);
        }
    }

    /// Puts the parts of split sums into workgroup memory.
    pub(super) fn share(&self, text: &mut Text) {
        let tile = self.tile;
        text.line("workgroupBarrier();");
        for (row, vector) in self.own() {
            let place = format!(
                "kz * {}u + (ty * {}u + {row}u) * {}u + tx + {}u",
                tile.rows * tile.row_vectors(),
                tile.row_step,
                tile.row_vectors(),
                vector * tile.threads_across()
            );
            text.line(format!("xs[{place}] = a{row}_{vector};"));
        }
        text.line("workgroupBarrier();");
    }

    /// The sum of the parts of place `o` of the tile.
    pub(super) fn whole(&self) -> String {
        let part = |z: u32| format!("xs[o + {}u]", z * self.tile.rows * self.tile.row_vectors());
        (0..self.tile.split).map(part).collect::<Vec<_>>().join(" + ")
    }

    /// Adds up what the threads of a split sum have, and writes it: all threads take part.
    fn write_split(&self, text: &mut Text) {
        let tile = self.tile;
        self.share(text);
        let all = tile.rows * tile.row_vectors();
        text.open(format!("for (var o = local; o < {all}u; o += {}u)", tile.threads()));
        text.line(format!("let p = p0 + o % {}u;", tile.row_vectors()));
        self.open_row(text, &format!("m0 + o / {}u", tile.row_vectors()), self.within_columns("p"));
        let value = format!("{} + bias", self.whole());
        self.matmul.finish.put4(text, self.lists(), "c", "p", &value);
        Self::close_row(text);
        text.close();
    }
}
