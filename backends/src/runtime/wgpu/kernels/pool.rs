//! Maximum or mean under a window: a thread has one output.
//!
//! It reads more than it computes; neighbouring threads read neighbouring pixels, which caches serve several times over.

use super::epilogue::{self, Finish, Lists};
use super::size::{Map, Sliding};
use super::text::{Access, Operands, Setting, Source, Text};
use super::variant::{Limits, Variant};
use super::{Refusal, each};
use crate::runtime::plan::Pooling;

/// Sizes of a pooling layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pool {
    pub input: Map,
    pub output: Map,
    pub window: Sliding,
    pub pooling: Pooling,
    pub finish: Finish,
}

impl Pool {
    pub fn variants(&self, limits: &Limits) -> Vec<Variant> {
        each::variants(limits)
    }

    pub fn source(&self, variant: Variant, setting: Setting) -> Result<Source, Refusal> {
        let threads = each::threads(variant, "pooling")?;
        let Self { input, output, window, pooling, finish } = *self;
        let write = Access::SCALAR;
        let operands =
            Operands { read: Access::SCALAR, write, second: self.finish.access(write), weights: Access::NONE };
        let mut text = Text::new(setting, operands);
        epilogue::declare(&mut text, "finish", finish.activation, write);
        if pooling == Pooling::Max {
            declare_larger(&mut text, "f32", "u32");
        }
        let plane = output.plane();
        let grid = each::main(&mut text, threads, output.channels * plane);
        text.line(format!("let c = q / {plane}u;"));
        text.line(format!("let p = q % {plane}u;"));
        text.line(format!("let base = tab[c] + p / {}u * {}u;", output.pixels(), input.image));
        let Sliding { kernel, stride, padding, dilation } = window;
        let place = format!("i32(p % {}u / {}u)", output.pixels(), output.width);
        text.line(format!("let iy = {place} * {} - {};", stride[0], padding[0]));
        text.line(format!("let ix = i32(p % {}u) * {} - {};", output.width, stride[1], padding[1]));
        text.line(format!("var result = {};", if pooling == Pooling::Max { "lowest()" } else { "0.0" }));
        text.open(format!("for (var ky = 0; ky < {}; ky++)", kernel[0]));
        text.line(format!("let y = u32(iy + ky * {});", dilation[0]));
        text.line(format!("if (y >= {}u) {{ continue; }}", input.height));
        text.open(format!("for (var kx = 0; kx < {}; kx++)", kernel[1]));
        text.line(format!("let x = u32(ix + kx * {});", dilation[1]));
        text.line(format!("if (x >= {}u) {{ continue; }}", input.width));
        text.line(format!("let v = x1(base + y * {}u + x);", input.width));
        text.line(match pooling {
            Pooling::Max => "result = larger(result, v);",
            Pooling::Mean | Pooling::MeanCounted { .. } => "result += v;",
        });
        text.close();
        text.close();
        let value = match pooling {
            Pooling::Max => "result".to_owned(),
            Pooling::Mean => format!("result / {}.0", window.taps()),
            Pooling::MeanCounted { counted: [start, end] } => {
                for (axis, (name, length)) in [("y", input.height), ("x", input.width)].into_iter().enumerate() {
                    text.line(format!("var n{name} = 0.0;"));
                    text.open(format!("for (var k = 0; k < {}; k++)", kernel[axis]));
                    text.line(format!("let at = i{name} + k * {};", dilation[axis]));
                    let end = u64::from(length) + end[axis] as u64;
                    text.line(format!("if (at >= -{} && at < {end}) {{ n{name} += 1.0; }}", start[axis]));
                    text.close();
                }
                "result / (ny * nx)".to_owned()
            }
        };
        finish.put1(&mut text, Lists::new(input.channels, output.channels), "c", "p", &value);
        text.finish(&grid)
    }
}

/// Declares `larger(a, b)`, which is not a number where one of them is not, and `lowest()`, minus infinity.
///
/// The test for NaN is of bits, so that no compiler takes it that there is none. A text cannot spell infinity.
pub(super) fn declare_larger(text: &mut Text, kind: &str, bits: &str) {
    text.open(format!("fn larger(a: {kind}, b: {kind}) -> {kind}"));
    text.line("let larger = select(b, a, a > b);");
    for name in ["a", "b"] {
        let magnitude = format!("(bitcast<{bits}>({name}) & {bits}(0x7fffffffu))");
        text.line(format!("let nan_{name} = {magnitude} > {bits}(0x7f800000u);"));
    }
    text.line("return select(select(larger, a, nan_a), b, nan_b);");
    text.close();
    text.open(format!("fn lowest() -> {kind}"));
    text.line(format!("var low = {kind}(-3.4028234e38);"));
    text.line("low *= 2.0;");
    text.line("return low;");
    text.close();
}
