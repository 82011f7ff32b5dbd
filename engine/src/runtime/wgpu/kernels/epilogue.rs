//! What happens to a sum before it is written: an activation, a second operand.

use super::text::{Access, Text};
use crate::graph::Activation;
use crate::runtime::plan::Epilogue;

/// Declares `name(v)`, an activation over `f32` (`name1`) or over `vec4<f32>` (`name4`).
///
/// What is not a number stays one: comparisons with it are false, so that `select` keeps it, where `max`, `min` and `clamp`
/// may lose it.
pub(super) fn declare(text: &mut Text, name: &str, activation: Activation, access: Access) {
    for (wanted, suffix, kind) in [(access.scalar, "1", "f32"), (access.vector, "4", "vec4<f32>")] {
        if !wanted {
            continue;
        }
        text.open(format!("fn {name}{suffix}(v: {kind}) -> {kind}"));
        let value = |number: &str| format!("{kind}({number})");
        let clamped = |of: &str, high: &str| {
            let low = format!("select({of}, {zero}, {of} < {zero})", zero = value("0.0"));
            format!("select({low}, {high}, {of} > {high})", high = value(high))
        };
        match activation {
            Activation::None => text.line("return v;"),
            Activation::Relu => text.line(format!("return select(v, {zero}, v < {zero});", zero = value("0.0"))),
            Activation::Relu6 => text.line(format!("return {};", clamped("v", "6.0"))),
            Activation::HardSwish => {
                text.line(format!("let s = v + {};", value("3.0")));
                text.line(format!("return v * {} * {};", clamped("s", "6.0"), value("0.16666667")));
            }
            Activation::Sigmoid => {
                // No exponential above exp(80): some compilers take it that there are no infinities.
                text.line(format!("let s = select(-v, {high}, -v > {high});", high = value("80.0")));
                text.line(format!("return {one} / ({one} + exp(s));", one = value("1.0")));
            }
        }
        text.close();
    }
}

/// How the residual is read by a kernel that writes by `write`.
pub(super) fn residual(epilogue: Epilogue, write: Access) -> Access {
    if epilogue.residual { write } else { Access::NONE }
}

/// Writes `finish(value [+ residual])` of one element to `plane + place` of the output channel `channel` (names and
/// expressions of the text). `output` and `second` are where their lists start in the table.
pub(super) fn put1(text: &mut Text, epilogue: Epilogue, lists: Lists, channel: &str, place: &str, value: &str) {
    let residual =
        if epilogue.residual { format!(" + r1(tab[{}u + {channel}] + {place})", lists.second) } else { String::new() };
    text.line(format!("put1(tab[{}u + {channel}] + {place}, finish1({value}{residual}));", lists.output));
}

/// The same of four elements: `place` counts vectors.
pub(super) fn put4(text: &mut Text, epilogue: Epilogue, lists: Lists, channel: &str, place: &str, value: &str) {
    let residual = if epilogue.residual {
        format!(" + r4((tab[{}u + {channel}] >> 2u) + {place})", lists.second)
    } else {
        String::new()
    };
    text.line(format!("put4((tab[{}u + {channel}] >> 2u) + {place}, finish4({value}{residual}));", lists.output));
}

/// Where the lists of output planes and of second operands start in the table; the input's starts at 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lists {
    pub output: u32,
    pub second: u32,
}

impl Lists {
    pub fn new(input: u32, output: u32) -> Self {
        Self { output: input, second: input + output }
    }
}
