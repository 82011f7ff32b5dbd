//! A convolution and the maximum over windows of it, in one launch: the map between them is never written.
//!
//! The stem's map is the largest of a network, and writing and reading it again is most of what stem and pooling cost. A
//! workgroup computes the part of it that its pooled outputs need in workgroup memory; what neighbours share is computed
//! twice (289 for 256 pixels at 8x8 outputs of a 3x3 window with stride 2).

use super::epilogue::{self, Finish, Lists};
use super::inputs::{self, Inputs};
use super::matmul::Matmul;
use super::pool;
use super::size::{Map, Sliding};
use super::text::{Access, COMPONENTS, Grid, Operands, Setting, Source, Text};
use super::variant::{Limits, Variant};
use super::{Refusal, direct};
use crate::graph::Activation;

/// Sizes of a convolution with one group and the max-pooling behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ConvPool {
    pub conv: Matmul,
    /// The convolution's activation.
    pub inner: Activation,
    pub pool: Sliding,
    /// The pooled map.
    pub output: Map,
    pub finish: Finish,
}

/// A part of the pooled map, and what of the convolution's it needs.
struct Area {
    rows: u32,
    columns: u32,
    vectors: u32,
    /// Rows and columns of the convolution's map.
    needed: [u32; 2],
}

impl ConvPool {
    fn area(&self, rows: u32, columns: u32, channels: u32) -> Area {
        let needed = [rows, columns];
        let needed = [0, 1].map(|axis| {
            (needed[axis] - 1) * self.pool.stride[axis] + (self.pool.kernel[axis] - 1) * self.pool.dilation[axis] + 1
        });
        Area { rows, columns, vectors: channels / 4, needed }
    }

    pub fn variants(&self, limits: &Limits) -> Vec<Variant> {
        let shapes = [(8, 8, 8), (8, 8, 4), (4, 8, 8), (8, 8, 12), (4, 4, 8), (4, 16, 4), (2, 4, 4), (1, 1, 4)];
        let most = 4 * self.conv.row_vectors();
        let fits = |&(rows, columns, channels): &(u32, u32, u32)| {
            let area = self.area(rows, columns, channels);
            let bytes =
                [area.needed[0], area.needed[1], area.vectors, 16].iter().map(|&n| u64::from(n)).product::<u64>();
            channels <= most && bytes <= limits.workgroup_bytes.into()
        };
        let threads = 128.min(limits.invocations);
        let fitting = shapes.into_iter().filter(fits).take(6);
        fitting.map(|(rows, columns, channels)| Variant::Area { rows, columns, channels, threads }).collect()
    }

    pub fn source(&self, variant: Variant, setting: Setting) -> Result<Source, Refusal> {
        let refused = || variant.refused("convolution with max-pooling");
        let Variant::Area { rows, columns, channels, threads } = variant else { return Err(refused()) };
        let small = (1..=32).contains(&rows) && (1..=32).contains(&columns) && (1..=1024).contains(&threads);
        if !small || !channels.is_multiple_of(4) || !(4..=64).contains(&channels) {
            return Err(refused());
        }
        let Inputs::Window { input, window } = self.conv.inputs else { return Err(refused()) };
        let area = self.area(rows, columns, channels);
        let write = Access::SCALAR;
        let operands =
            Operands { read: Access::SCALAR, write, second: self.finish.access(write), weights: Access::VECTOR };
        let mut text = Text::new(setting, operands);
        epilogue::declare(&mut text, "inner", self.inner, Access::VECTOR);
        epilogue::declare(&mut text, "finish", self.finish.activation, write);
        inputs::at(&mut text, &input);
        pool::declare_larger(&mut text, "vec4<f32>", "vec4<u32>");
        let [high, wide] = area.needed;
        text.line(format!("var<workgroup> part: array<vec4<f32>, {}>;", area.vectors * high * wide));

        let (across, down) = (self.output.width.div_ceil(columns), self.output.height.div_ceil(rows));
        let parts = self.conv.row_vectors().div_ceil(area.vectors);
        let tiles = u64::from(across) * u64::from(down) * u64::from(self.output.batch);
        let grid = Grid { across: tiles, down: parts.into() };
        text.main(threads, &grid);
        text.line(format!("let n = across / {}u;", across * down));
        text.line(format!("let y0 = i32(across / {across}u % {down}u) * {rows};"));
        text.line(format!("let x0 = i32(across % {across}u) * {columns};"));
        text.line(format!("let image = n * {}u;", input.image));
        text.line(format!("let v0 = down * {}u;", area.vectors));
        text.line("let wb = 0u;");
        text.line("let channel = 0u;");
        self.convolve(&mut text, &area, &window, threads);
        text.line("workgroupBarrier();");
        self.pool(&mut text, &area, threads);
        text.finish(&grid)
    }

    /// Fills workgroup memory with the convolution's results.
    fn convolve(&self, text: &mut Text, area: &Area, window: &Sliding, threads: u32) {
        let [high, wide] = area.needed;
        let Map { height, width, .. } = self.conv.output;
        text.open(format!("for (var p = local; p < {}u; p += {threads}u)", high * wide));
        text.line(format!("let cy = y0 * {} - {} + i32(p / {wide}u);", self.pool.stride[0], self.pool.padding[0]));
        text.line(format!("let cx = x0 * {} - {} + i32(p % {wide}u);", self.pool.stride[1], self.pool.padding[1]));
        text.open(format!("if (u32(cy) < {height}u && u32(cx) < {width}u)"));
        text.line(format!("let iy = cy * {} - {};", window.stride[0], window.padding[0]));
        text.line(format!("let ix = cx * {} - {};", window.stride[1], window.padding[1]));
        direct::sums(text, &self.conv, window, area.vectors);
        for vector in 0..area.vectors {
            text.line(format!("part[p + {}u] = inner4(a{vector});", vector * high * wide));
        }
        text.close();
        text.close();
    }

    /// Writes the maxima; what lies outside the convolution's map takes no part.
    fn pool(&self, text: &mut Text, area: &Area, threads: u32) {
        let [high, wide] = area.needed;
        let Sliding { kernel, stride, padding, dilation } = self.pool;
        let outputs = area.rows * area.columns;
        text.open(format!("for (var o = local; o < {}u; o += {threads}u)", outputs * area.vectors));
        text.line(format!("let v = o / {outputs}u;"));
        text.line(format!("let py = i32(o % {outputs}u / {}u);", area.columns));
        text.line(format!("let px = i32(o % {}u);", area.columns));
        text.line("let oy = y0 + py;");
        text.line("let ox = x0 + px;");
        text.open(format!("if (oy < {} && ox < {})", self.output.height, self.output.width));
        text.line("var best = lowest();");
        text.open(format!("for (var ky = 0; ky < {}; ky++)", kernel[0]));
        text.open(format!("for (var kx = 0; kx < {}; kx++)", kernel[1]));
        text.line(format!("let cy = u32(oy * {} - {} + ky * {});", stride[0], padding[0], dilation[0]));
        text.line(format!("let cx = u32(ox * {} - {} + kx * {});", stride[1], padding[1], dilation[1]));
        text.open(format!("if (cy < {}u && cx < {}u)", self.conv.output.height, self.conv.output.width));
        text.line(format!("let row = py * {} + ky * {};", stride[0], dilation[0]));
        text.line(format!("let column = px * {} + kx * {};", stride[1], dilation[1]));
        text.line(format!("best = larger(best, part[v * {}u + u32(row * {wide} + column)]);", high * wide));
        text.close();
        text.close();
        text.close();
        let lists = Lists::new(self.conv.input_channels, self.conv.rows);
        let Map { width, .. } = self.output;
        text.line(format!("let place = n * {}u + u32(oy) * {width}u + u32(ox);", self.output.pixels()));
        for (at, component) in COMPONENTS.iter().enumerate() {
            text.open("");
            text.line(format!("let c = 4u * (v0 + v) + {at}u;"));
            text.open(format!("if (c < {}u)", self.conv.rows));
            self.finish.put1(text, lists, "c", "place", &format!("best.{component}"));
            text.close();
            text.close();
        }
        text.close();
        text.close();
    }
}
