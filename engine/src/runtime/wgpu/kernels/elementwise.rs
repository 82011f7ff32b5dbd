//! One element in, one out: batch norms that nothing folds, sums, gates, activations of their own, copies.
//!
//! Bound by memory traffic: threads read and write vectors, except where a flattened value lies in pieces.

use super::epilogue::{self, Lists};
use super::size::Map;
use super::text::{Access, Grid, Operands, Setting, Source, Text};
use super::variant::{Limits, Variant};
use super::{Parameters, Refusal, each};
use crate::runtime::plan::{Elementwise as Operation, Epilogue};

/// Sizes of an elementwise operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Elementwise {
    pub operation: Operation,
    pub map: Map,
    /// Elements between images of the input.
    pub image: u32,
    /// Elements between images of the second operand.
    pub second_image: u32,
    pub epilogue: Epilogue,
}

impl Elementwise {
    /// Whether there is a second operand, and it is a map like the first one.
    fn adds(&self) -> bool {
        self.operation == Operation::Add || self.epilogue.residual
    }

    /// Whether images follow one another without gaps wherever a whole map is read.
    fn by_vectors(&self) -> bool {
        let pixels = self.map.pixels();
        self.image == pixels && (!self.adds() || self.second_image == pixels)
    }

    pub fn variants(&self, limits: &Limits) -> Vec<Variant> {
        each::variants(limits)
    }

    pub fn source(&self, variant: Variant, setting: Setting) -> Result<Source, Refusal> {
        let threads = each::threads(variant, "elementwise")?;
        let whole = self.by_vectors();
        let access = if whole { Access::VECTOR } else { Access::SCALAR };
        let second = if self.operation == Operation::Gate {
            Access::SCALAR
        } else if self.adds() {
            access
        } else {
            Access::NONE
        };
        let weights = if self.operation == Operation::Affine { Access::SCALAR } else { Access::NONE };
        let mut text = Text::new(setting, Operands { read: access, write: access, second, weights });
        epilogue::declare(&mut text, "finish", self.epilogue.activation, access);
        let grid = if whole { self.vectors(&mut text, threads) } else { self.elements(&mut text, threads) };
        text.finish(&grid)
    }

    fn lists(&self) -> Lists {
        Lists::new(self.map.channels, self.map.channels)
    }

    /// What the operation makes of `v` in channel `c`, without a second map.
    fn value(&self, kind: &str, gate: &str) -> String {
        match self.operation {
            Operation::Affine => format!("fma(v, {kind}(w1(2u * c)), {kind}(w1(2u * c + 1u)))"),
            Operation::Gate => format!("v * {gate}"),
            Operation::Add | Operation::Identity => "v".to_owned(),
        }
    }

    fn vectors(&self, text: &mut Text, threads: u32) -> Grid {
        let Map { channels, .. } = self.map;
        let (vectors, pixels, second) = (self.map.vectors(), self.map.pixels(), self.lists().second);
        let grid = each::main(text, threads, channels * vectors);
        text.line(format!("let c = q / {vectors}u;"));
        text.line(format!("let p = q % {vectors}u;"));
        text.line("let v = x4((tab[c] >> 2u) + p);");
        if self.operation == Operation::Gate {
            text.line(format!("let gates = tab[{second}u + c];"));
            let image = self.second_image;
            if pixels.is_multiple_of(4) {
                text.line(format!("let gate = r1(gates + p / {}u * {image}u);", pixels / 4));
            } else {
                let last = self.map.plane() - 1;
                let of_pixel = |at: u32| format!("r1(gates + min(4u * p + {at}u, {last}u) / {pixels}u * {image}u)");
                text.line(format!("let gate = vec4<f32>({});", [0, 1, 2, 3].map(of_pixel).join(", ")));
            }
        }
        let value = self.value("vec4<f32>", "gate");
        let epilogue = Epilogue { residual: self.adds(), ..self.epilogue };
        epilogue::put4(text, epilogue, self.lists(), "c", "p", &value);
        grid
    }

    fn elements(&self, text: &mut Text, threads: u32) -> Grid {
        let Map { channels, .. } = self.map;
        let (plane, pixels, second) = (self.map.plane(), self.map.pixels(), self.lists().second);
        let grid = each::main(text, threads, channels * plane);
        text.line(format!("let c = q / {plane}u;"));
        text.line(format!("let p = q % {plane}u;"));
        text.line(format!("let n = p / {pixels}u;"));
        text.line(format!("let pixel = p % {pixels}u;"));
        text.line(format!("let v = x1(tab[c] + n * {}u + pixel);", self.image));
        let gate = format!("r1(tab[{second}u + c] + n * {}u)", self.second_image);
        let mut value = self.value("f32", &gate);
        if self.adds() {
            value += &format!(" + r1(tab[{second}u + c] + n * {}u + pixel)", self.second_image);
        }
        let epilogue = Epilogue { residual: false, ..self.epilogue };
        epilogue::put1(text, epilogue, self.lists(), "c", "p", &value);
        grid
    }

    /// Scale and shift of each channel in turn.
    pub fn pack(&self, parameters: &Parameters<'_>) -> Vec<f32> {
        if self.operation != Operation::Affine {
            return Vec::new();
        }
        let mut packed = Vec::with_capacity(2 * parameters.filters.len() + 3);
        for (channel, &scale) in parameters.filters.iter().enumerate() {
            packed.extend([scale, parameters.bias.get(channel).copied().unwrap_or(0.0)]);
        }
        packed.resize(packed.len().next_multiple_of(4), 0.0);
        packed
    }
}
