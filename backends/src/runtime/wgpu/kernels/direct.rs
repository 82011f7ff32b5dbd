//! Convolution without workgroup memory: a thread has one pixel and several output channels.
//!
//! For stems, and for groups of few channels, where a tile of a matrix product would be mostly padding. Every input value
//! that a thread fetches serves all its channels; neighbouring threads fetch neighbouring values and the same weights.

use super::Refusal;
use super::epilogue::{self, Lists};
use super::inputs;
use super::matmul::Matmul;
use super::size::{Map, Sliding};
use super::text::{Access, COMPONENTS, Grid, Operands, Setting, Source, Text};

/// Up to this many taps have a line each.
const MOST_SPELT: u32 = 12;

/// The text of `matmul`, a convolution of `input` under `window`, by `vectors` of output channels a thread.
pub(super) fn source(
    matmul: &Matmul,
    input: &Map,
    window: &Sliding,
    vectors: u32,
    threads: u32,
    setting: Setting,
) -> Result<Source, Refusal> {
    let second = matmul.finish.access(Access::SCALAR);
    let operands = Operands { read: Access::SCALAR, write: Access::SCALAR, second, weights: Access::VECTOR };
    let mut text = Text::new(setting, operands);
    epilogue::declare(&mut text, "finish", matmul.finish.activation, Access::SCALAR);
    inputs::at(&mut text, input);
    let (output, all) = (matmul.output, matmul.row_vectors());
    let parts = all.div_ceil(vectors);
    let grid =
        Grid { across: output.plane().div_ceil(threads).into(), down: u64::from(matmul.groups) * u64::from(parts) };
    text.main(threads, &grid);
    text.line(format!("let q = across * {threads}u + local;"));
    text.line(format!("if (q >= {}u) {{ return; }}", output.plane()));
    text.line(format!("let image = q / {}u * {}u;", output.pixels(), input.image));
    let [down, wide] = window.stride;
    let [top, left] = window.padding;
    text.line(format!("let iy = i32(q % {}u / {}u) * {down} - {top};", output.pixels(), output.width));
    text.line(format!("let ix = i32(q % {}u) * {wide} - {left};", output.width));
    text.line(format!("let group_index = down / {parts}u;"));
    text.line(format!("let v0 = down % {parts}u * {vectors}u;"));
    text.line(format!("let wb = group_index * {}u;", (matmul.depth + 1) * all));
    text.line(format!("let channel = group_index * {}u;", matmul.channels_of_group()));
    sums(&mut text, matmul, window, vectors);
    let lists = Lists::new(matmul.input_channels, matmul.groups * matmul.rows);
    for vector in 0..vectors {
        for (at, component) in COMPONENTS.iter().enumerate() {
            text.open("");
            text.line(format!("let m = 4u * (v0 + {vector}u) + {at}u;"));
            let ragged = !matmul.rows.is_multiple_of(4 * vectors);
            text.open(if ragged { format!("if (m < {}u)", matmul.rows) } else { String::new() });
            text.line(format!("let c = group_index * {}u + m;", matmul.rows));
            matmul.finish.put1(&mut text, lists, "c", "q", &format!("a{vector}.{component}"));
            text.close();
            text.close();
        }
    }
    text.finish(&grid)
}

/// Declares the sums `a{vector}`, bias included, of output channels from vector `v0` of the group on, for the window that
/// starts at (`iy`, `ix`) of the image at element `image` of each plane. `wb` is where the group's weights start, `channel`
/// its first input channel.
pub(super) fn sums(text: &mut Text, matmul: &Matmul, window: &Sliding, vectors: u32) {
    let all = matmul.row_vectors();
    let ragged = !all.is_multiple_of(vectors);
    for vector in 0..vectors {
        // Vectors beyond the last one are summed with its weights, and not written.
        let place = format!("v0 + {vector}u");
        let place = if ragged { format!("min({place}, {}u)", all - 1) } else { place };
        text.line(format!("let m{vector} = wb + {place};"));
        text.line(format!("var a{vector} = w4(m{vector} + {}u);", matmul.depth * all));
    }
    let taps = window.taps();
    text.open(format!("for (var i = 0u; i < {}u; i++)", matmul.channels_of_group()));
    text.line("let base = tab[channel + i] + image;");
    let [rows, columns] = window.kernel;
    // Small windows are spelt out, of larger ones a row.
    let (spelt_rows, spelt_columns) =
        if taps <= MOST_SPELT { (rows, columns) } else { (1, if columns <= MOST_SPELT { columns } else { 1 }) };
    let [high, wide] = window.dilation;
    text.open(format!("for (var ky = 0u; ky < {rows}u; ky += {spelt_rows}u)"));
    text.open(format!("for (var kx = 0u; kx < {columns}u; kx += {spelt_columns}u)"));
    text.line(format!("let y = iy + i32(ky) * {high};"));
    text.line(format!("let x = ix + i32(kx) * {wide};"));
    text.line(format!("let tap = (i * {taps}u + ky * {columns}u + kx) * {all}u;"));
    for (down, across) in (0..spelt_rows).flat_map(|down| (0..spelt_columns).map(move |across| (down, across))) {
        text.open("");
        text.line(format!("let v = vec4<f32>(at(base, y + {}, x + {}));", down * high, across * wide));
        for vector in 0..vectors {
            let place = format!("m{vector} + tap + {}u", (down * columns + across) * all);
            text.line(format!("a{vector} = fma(w4({place}), v, a{vector});"));
        }
        text.close();
    }
    text.close();
    text.close();
    text.close();
}
