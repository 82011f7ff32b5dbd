//! One element in, one out: batch norms that nothing folds, sums, gates, activations of their own, copies.
//!
//! Bound by memory traffic: threads read and write vectors, except where a flattened value lies in pieces.

use super::epilogue::{self, Finish, Lists};
use super::size::Map;
use super::text::{Access, Grid, Operands, Setting, Source, Text};
use super::variant::{Limits, Variant};
use super::{Parameters, Refusal, each};

/// Sizes of an elementwise operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Elementwise {
    pub arithmetic: Arithmetic,
    pub map: Map,
    pub finish: Finish,
}

/// What is made of a value before its epilogue; a sum is the identity with a residual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Arithmetic {
    Identity,
    /// Scale and shift of each channel.
    Affine,
    /// A factor for each channel and image, images `image` elements apart.
    Gate {
        image: u32,
    },
    /// A summand for each channel and image.
    Shift {
        image: u32,
    },
    /// A slope of each channel below zero.
    PRelu,
    /// Product with the second operand, which stands where a residual stands.
    Mul(Map),
}

impl Elementwise {
    pub fn variants(&self, limits: &Limits) -> Vec<Variant> {
        each::variants(limits)
    }

    pub fn source(&self, variant: Variant, setting: Setting) -> Result<Source, Refusal> {
        let threads = each::threads(variant, "elementwise")?;
        let whole = self.map.is_plane();
        let access = if whole { Access::VECTOR } else { Access::SCALAR };
        let second = match self.arithmetic {
            Arithmetic::Gate { .. } | Arithmetic::Shift { .. } => Access::SCALAR,
            Arithmetic::Mul(map) => Finish { residual: Some(map), ..self.finish }.access(access),
            _ => self.finish.access(access),
        };
        let weights = if self.weighs() { Access::SCALAR } else { Access::NONE };
        let mut text = Text::new(setting, Operands { read: access, write: access, second, weights });
        epilogue::declare(&mut text, "finish", self.finish.activation, access);
        let grid = if whole { self.vectors(&mut text, threads) } else { self.elements(&mut text, threads) };
        text.finish(&grid)
    }

    /// Whether there are weights for each channel.
    fn weighs(&self) -> bool {
        matches!(self.arithmetic, Arithmetic::Affine | Arithmetic::PRelu)
    }

    /// The distance of the images of a second operand that has one value for each channel.
    fn gates(&self) -> Option<u32> {
        match self.arithmetic {
            Arithmetic::Gate { image } | Arithmetic::Shift { image } => Some(image),
            _ => None,
        }
    }

    fn lists(&self) -> Lists {
        Lists::new(self.map.channels, self.map.channels)
    }

    /// What the arithmetic makes of `v` in channel `c`.
    fn value(&self, kind: &str, gate: &str) -> String {
        match self.arithmetic {
            Arithmetic::Affine => format!("fma(v, {kind}(w1(2u * c)), {kind}(w1(2u * c + 1u)))"),
            Arithmetic::Gate { .. } => format!("v * {gate}"),
            Arithmetic::Shift { .. } => format!("v + {gate}"),
            Arithmetic::PRelu => format!("select(v, v * {kind}(w1(2u * c)), v < {kind}(0.0))"),
            Arithmetic::Mul(_) => "v * factor".to_owned(),
            Arithmetic::Identity => "v".to_owned(),
        }
    }

    fn vectors(&self, text: &mut Text, threads: u32) -> Grid {
        let Map { channels, .. } = self.map;
        let (vectors, pixels, second) = (self.map.vectors(), self.map.pixels(), self.lists().second);
        let grid = each::main(text, threads, channels * vectors);
        text.line(format!("let c = q / {vectors}u;"));
        text.line(format!("let p = q % {vectors}u;"));
        text.line("let v = x4((tab[c] >> 2u) + p);");
        if let Arithmetic::Mul(map) = self.arithmetic {
            text.line(if map.is_plane() {
                format!("let factor = r4((tab[{second}u + c] >> 2u) + p);")
            } else {
                let last = map.batch - 1;
                let element =
                    |at: u32| format!("r1(tab[{second}u + c] + min(4u * p + {at}u, {last}u) * {}u)", map.image);
                format!("let factor = vec4<f32>({});", [0, 1, 2, 3].map(element).join(", "))
            });
        }
        if let Some(image) = self.gates() {
            text.line(format!("let gates = tab[{second}u + c];"));
            if pixels.is_multiple_of(4) {
                text.line(format!("let gate = r1(gates + p / {}u * {image}u);", pixels / 4));
            } else {
                let last = self.map.plane() - 1;
                let of_pixel = |at: u32| format!("r1(gates + min(4u * p + {at}u, {last}u) / {pixels}u * {image}u)");
                text.line(format!("let gate = vec4<f32>({});", [0, 1, 2, 3].map(of_pixel).join(", ")));
            }
        }
        let value = self.value("vec4<f32>", "gate");
        self.finish.put4(text, self.lists(), "c", "p", &value);
        grid
    }

    fn elements(&self, text: &mut Text, threads: u32) -> Grid {
        let Map { channels, .. } = self.map;
        let (plane, pixels, second) = (self.map.plane(), self.map.pixels(), self.lists().second);
        let grid = each::main(text, threads, channels * plane);
        text.line(format!("let c = q / {plane}u;"));
        text.line(format!("let p = q % {plane}u;"));
        text.line(format!("let n = p / {pixels}u;"));
        text.line(format!("let v = x1(tab[c] + n * {}u + p % {pixels}u);", self.map.image));
        if let Some(image) = self.gates() {
            text.line(format!("let gate = r1(tab[{second}u + c] + n * {image}u);"));
        }
        if let Arithmetic::Mul(map) = self.arithmetic {
            let place = format!("n * {}u + p % {pixels}u", map.image);
            text.line(format!("let factor = r1(tab[{second}u + c] + {place});"));
        }
        let value = self.value("f32", "gate");
        self.finish.put1(text, self.lists(), "c", "p", &value);
        grid
    }

    /// Scale (or slope) and shift of each channel in turn.
    pub fn pack(&self, parameters: &Parameters<'_>) -> Vec<f32> {
        if !self.weighs() {
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
