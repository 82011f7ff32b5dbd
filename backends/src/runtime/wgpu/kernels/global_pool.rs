//! The mean or the maximum over an image's pixels: threads share each channel's. Bound by reading the map once.

use super::Refusal;
use super::epilogue::{self, Finish, Lists};
use super::lanes::Lanes;
use super::pool::declare_larger;
use super::size::Map;
use super::text::{Access, Grid, Operands, Setting, Source, Text};
use super::variant::{Limits, Variant};

/// Sizes of a pooling of whole maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct GlobalPool {
    pub input: Map,
    /// Whether it is the maximum.
    pub largest: bool,
    pub finish: Finish,
}

impl GlobalPool {
    pub fn variants(&self, limits: &Limits) -> Vec<Variant> {
        Lanes::variants(self.input.pixels(), 64, limits)
    }

    pub fn source(&self, variant: Variant, setting: Setting) -> Result<Source, Refusal> {
        let lanes = Lanes::of(variant, "global pooling")?;
        let Self { input, largest, finish } = *self;
        let write = Access::SCALAR;
        let operands =
            Operands { read: Access::SCALAR, write, second: self.finish.access(write), weights: Access::NONE };
        let mut text = Text::new(setting, operands);
        epilogue::declare(&mut text, "finish", finish.activation, write);
        if largest {
            declare_larger(&mut text, "f32", "u32");
        }
        lanes.declare(&mut text, 1);
        let means = input.channels * input.batch;
        let grid = Grid::new(means.div_ceil(lanes.sums()), 1);
        text.main(lanes.threads, &grid);
        text.line(format!("let lane = local % {}u;", lanes.lanes));
        text.line(format!("let q = across * {}u + local / {}u;", lanes.sums(), lanes.lanes));
        text.line(format!("let c = q / {}u;", input.batch));
        text.line(format!("let n = q % {}u;", input.batch));
        text.line(if largest { "var s0 = lowest();" } else { "var s0 = 0.0;" });
        text.open(format!("if (q < {means}u)"));
        text.line(format!("let base = tab[c] + n * {}u;", input.image));
        text.open(format!("for (var i = lane; i < {}u; i += {}u)", input.pixels(), lanes.lanes));
        text.line(if largest { "s0 = larger(s0, x1(base + i));" } else { "s0 += x1(base + i);" });
        text.close();
        text.close();
        if largest {
            lanes.join(&mut text, 1, |a, b| format!("larger({a}, {b})"));
        } else {
            lanes.add(&mut text, 1);
        }
        text.open(format!("if (lane == 0u && q < {means}u)"));
        let value = if largest { lanes.whole(0) } else { format!("{} / {}.0", lanes.whole(0), input.pixels()) };
        finish.put1(&mut text, Lists::new(input.channels, input.channels), "c", "n", &value);
        text.close();
        text.finish(&grid)
    }
}
