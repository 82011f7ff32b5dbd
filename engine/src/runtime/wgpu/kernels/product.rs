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
use crate::runtime::plan::Epilogue;

/// A product and the tile it is cut into.
#[derive(Clone, Copy, Debug)]
struct Product<'a> {
    matmul: &'a Matmul,
    tile: Tile,
    place: Place,
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
            second: epilogue::residual(matmul.epilogue, write),
            weights: Access::BOTH,
        };
        let mut text = Text::new(setting, operands);
        epilogue::declare(&mut text, "finish", matmul.epilogue.activation, write);
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
    fn vectors(&self) -> u32 {
        if self.matmul.mean { self.matmul.output.pixels().div_ceil(4) } else { self.matmul.output.vectors() }
    }

    fn reads_weight_vectors(&self) -> bool {
        self.tile.row_step.is_multiple_of(4)
    }

    /// The rows and vectors of columns that a thread sums.
    fn own(&self) -> impl Iterator<Item = (u32, u32)> + use<> {
        let vectors = self.tile.vectors;
        (0..self.tile.row_step).flat_map(move |row| (0..vectors).map(move |vector| (row, vector)))
    }

    /// Declares the sums `a{row}_{vector}` of the tile at `m0` and `p0`. `again`: whether workgroup memory is still read
    /// when the loop over `k0` starts over.
    fn sums(&self, text: &mut Text, again: &str) {
        let Self { matmul, tile, place } = self;
        for (row, vector) in self.own() {
            text.line(format!("var a{row}_{vector} = vec4<f32>();"));
        }
        matmul.inputs.prepare(text, place);
        text.open(format!("for (var k0 = 0u; k0 < {}u; k0 += {}u)", matmul.depth, tile.depth));
        text.line(format!("if ({again}) {{ workgroupBarrier(); }}"));
        self.fetch_weights(text);
        self.fetch_pixels(text);
        text.line("workgroupBarrier();");
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
        text.close();
    }

    /// Whether the last chunk of input values has fewer than the others.
    fn ragged_depth(&self) -> bool {
        !self.matmul.depth.is_multiple_of(self.tile.depth)
    }

    fn fetch_weights(&self, text: &mut Text) {
        let Self { matmul, tile, .. } = self;
        let vectors = tile.rows / 4;
        text.open(format!("for (var i = local; i < {}u; i += {}u)", tile.depth * vectors, tile.threads()));
        text.line(format!("let k = k0 + i / {vectors}u;"));
        let row = format!("m0 / 4u + i % {vectors}u");
        // Rows beyond the last one have its weights: they are not written.
        let ragged = !matmul.rows.is_multiple_of(tile.rows);
        let last = matmul.row_vectors() - 1;
        text.line(format!("let m = {};", if ragged { format!("min({row}, {last}u)") } else { row }));
        text.line("var v = vec4<f32>();");
        let value = format!("w4(wb + k * {}u + m)", matmul.row_vectors());
        self.within_depth(text, &value);
        if self.reads_weight_vectors() {
            text.line("ws[i] = v;");
        } else {
            for (at, component) in COMPONENTS.iter().enumerate() {
                text.line(format!("ws[4u * i + {at}u] = v.{component};"));
            }
        }
        text.close();
    }

    fn fetch_pixels(&self, text: &mut Text) {
        let Self { matmul, tile, place } = self;
        let vectors = tile.row_vectors();
        let (first, step) = (format!("local / {vectors}u"), tile.threads() / vectors);
        text.open(format!("for (var kk = {first}; kk < {}u; kk += {step}u)", tile.depth));
        text.line("let k = k0 + kk;");
        text.line("var v = vec4<f32>();");
        let first =
            if matmul.groups > 1 { format!("group_index * {}u + ", matmul.channels_of_group()) } else { String::new() };
        let ragged = self.ragged_depth();
        text.open(if ragged { format!("if (k < {}u)", matmul.depth) } else { String::new() });
        let value = matmul.inputs.fetch(text, place, &first);
        text.line(format!("v = {value};"));
        text.close();
        text.line(format!("xs[kk * {vectors}u + lane] = v;"));
        text.close();
    }

    fn within_depth(&self, text: &mut Text, value: &str) {
        let guard = if self.ragged_depth() { format!("if (k < {}u) ", self.matmul.depth) } else { String::new() };
        text.line(format!("{guard}{{ v = {value}; }}"));
    }

    /// Opens the block of output channel `c = .. + m`, with its `bias`, where `m` is a row of the group.
    fn open_row(&self, text: &mut Text, m: &str, and: Option<String>) {
        let Matmul { rows, depth, .. } = *self.matmul;
        text.open("");
        text.line(format!("let m = {m};"));
        let ragged = (!rows.is_multiple_of(self.tile.rows)).then(|| format!("m < {rows}u"));
        let guards: Vec<String> = ragged.into_iter().chain(and).collect();
        text.open(if guards.is_empty() { String::new() } else { format!("if ({})", guards.join(" && ")) });
        text.line(format!("let c = group_index * {rows}u + m;"));
        text.line(format!("let bias = w1(4u * (wb + {}u) + m);", depth * self.matmul.row_vectors()));
    }

    fn close_row(text: &mut Text) {
        text.close();
        text.close();
    }

    fn lists(&self) -> Lists {
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
                epilogue::put4(text, self.matmul.epilogue, self.lists(), "c", "p", &value);
                text.close();
                text.close();
            }
            Self::close_row(text);
        }
    }

    /// Puts the parts of split sums into workgroup memory.
    fn share(&self, text: &mut Text) {
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
    fn whole(&self) -> String {
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
        epilogue::put4(text, self.matmul.epilogue, self.lists(), "c", "p", &value);
        Self::close_row(text);
        text.close();
    }

    /// The mean over an image's pixels, tile after tile; a workgroup has one image.
    fn means(&self, text: &mut Text) {
        let tile = self.tile;
        let all = tile.rows * tile.row_vectors();
        // Sums over pixels that a thread keeps: one a row, or one for each place of the tile that it adds up.
        let kept = if tile.split > 1 { all.div_ceil(tile.threads()) } else { tile.row_step };
        text.line("let n = across;");
        for at in 0..kept {
            text.line(format!("var s{at} = 0.0;"));
        }
        text.open(format!("for (var p0 = 0u; p0 < {}u; p0 += {}u)", self.vectors(), tile.row_vectors()));
        self.sums(text, "p0 + k0 > 0u");
        if tile.split > 1 {
            self.share(text);
        }
        for at in 0..kept {
            if tile.split > 1 {
                text.open("");
                text.line(format!("let o = local + {}u;", at * tile.threads()));
                text.open(format!("if (o < {all}u)"));
                text.line(format!("let p = p0 + o % {}u;", tile.row_vectors()));
                self.open_row(text, &format!("m0 + o / {}u", tile.row_vectors()), None);
                self.add_pixels(text, at, &self.whole());
                Self::close_row(text);
                text.close();
                text.close();
            } else {
                self.open_row(text, &format!("m0 + ty * {}u + {at}u", tile.row_step), None);
                for vector in 0..tile.vectors {
                    text.open("");
                    text.line(format!("let p = p0 + tx + {}u;", vector * tile.threads_across()));
                    self.add_pixels(text, at, &format!("a{at}_{vector}"));
                    text.close();
                }
                Self::close_row(text);
            }
        }
        text.close();
        self.write_means(text, kept, all);
    }

    /// Adds vector `p` of pixels to a thread's sum, without what lies behind the image.
    fn add_pixels(&self, text: &mut Text, at: u32, value: &str) {
        let pixels = self.matmul.output.pixels();
        text.line(format!("let v = before_mean4({value} + bias);"));
        let counts = "vec4<u32>(4u * p) + vec4<u32>(0u, 1u, 2u, 3u)";
        let kept = format!("select(vec4<f32>(), v, {counts} < vec4<u32>({pixels}u))");
        text.line(format!("s{at} += dot({kept}, vec4<f32>(1.0));"));
    }

    fn write_means(&self, text: &mut Text, kept: u32, all: u32) {
        let tile = self.tile;
        let width = if tile.split > 1 { tile.row_vectors() } else { tile.threads_across() };
        for at in 0..kept {
            if tile.split > 1 {
                let place = format!("local + {}u", at * tile.threads());
                text.line(format!("if ({place} < {all}u) {{ sums[{place}] = s{at}; }}"));
            } else {
                text.line(format!("sums[(ty * {}u + {at}u) * {width}u + tx] = s{at};", tile.row_step));
            }
        }
        text.line("workgroupBarrier();");
        text.open(format!("for (var row = local; row < {}u; row += {}u)", tile.rows, tile.threads()));
        text.line("let m = m0 + row;");
        text.open(format!("if (m < {}u)", self.matmul.rows));
        text.line("var sum = 0.0;");
        text.line(format!("for (var i = 0u; i < {width}u; i++) {{ sum += sums[row * {width}u + i]; }}"));
        let value = format!("sum / {}.0", self.matmul.output.pixels());
        let epilogue = Epilogue { residual: false, ..self.matmul.epilogue };
        epilogue::put1(text, epilogue, self.lists(), "m", "n", &value);
        text.close();
        text.close();
    }
}
