//! Normalisation over channels: a thread has a pixel of all channels, or one value and its neighbours.
//!
//! Neighbouring threads have neighbouring pixels, so that each channel is read in one piece.

use super::epilogue::{self, Finish, Lists};
use super::size::Map;
use super::text::{Access, Grid, Operands, Setting, Source, Text};
use super::variant::{Limits, Variant};
use super::{Parameters, Refusal, each};
use crate::graph::{Coefficient, LocalNorm};

/// Sizes of a normalisation over channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ChannelNorm {
    pub map: Map,
    pub norm: Norm,
    pub finish: Finish,
}

/// What values are normalised by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Norm {
    /// Mean and variance of all channels; this is added to the variance.
    Layer(Coefficient),
    /// The squares of neighbours.
    Local(LocalNorm),
}

impl ChannelNorm {
    pub fn variants(&self, limits: &Limits) -> Vec<Variant> {
        each::variants(limits)
    }

    pub fn source(&self, variant: Variant, setting: Setting) -> Result<Source, Refusal> {
        let threads = each::threads(variant, "normalisation")?;
        let write = Access::SCALAR;
        let weights = if matches!(self.norm, Norm::Layer(_)) { Access::SCALAR } else { Access::NONE };
        let operands = Operands { read: Access::SCALAR, write, second: self.finish.access(write), weights };
        let mut text = Text::new(setting, operands);
        epilogue::declare(&mut text, "finish", self.finish.activation, write);
        let grid = match self.norm {
            Norm::Layer(eps) => self.layer(&mut text, threads, eps),
            Norm::Local(norm) => self.local(&mut text, threads, &norm),
        };
        text.finish(&grid)
    }

    fn lists(&self) -> Lists {
        Lists::new(self.map.channels, self.map.channels)
    }

    /// Where pixel `p` of all images is, from the beginning of an input's plane.
    fn place(&self) -> String {
        let (pixels, image) = (self.map.pixels(), self.map.image);
        format!("p / {pixels}u * {image}u + p % {pixels}u")
    }

    fn layer(&self, text: &mut Text, threads: u32, eps: Coefficient) -> Grid {
        let channels = self.map.channels;
        let grid = each::main(text, threads, self.map.plane());
        text.line("let p = q;");
        text.line(format!("let place = {};", self.place()));
        let each = format!("for (var c = 0u; c < {channels}u; c++)");
        text.line("var sum = 0.0;");
        text.open(&each);
        text.line("sum += x1(tab[c] + place);");
        text.close();
        text.line(format!("let mean = sum / {channels}.0;"));
        text.line("var squares = 0.0;");
        text.open(&each);
        text.line("let off = x1(tab[c] + place) - mean;");
        text.line("squares = fma(off, off, squares);");
        text.close();
        text.line(format!("let scale = 1.0 / sqrt(squares / {channels}.0 + {:?});", eps.get()));
        text.open(&each);
        let value = "fma((x1(tab[c] + place) - mean) * scale, w1(2u * c), w1(2u * c + 1u))";
        self.finish.put1(text, self.lists(), "c", "p", value);
        text.close();
        grid
    }

    fn local(&self, text: &mut Text, threads: u32, norm: &LocalNorm) -> Grid {
        let Map { channels, .. } = self.map;
        let plane = self.map.plane();
        let grid = each::main(text, threads, channels * plane);
        text.line(format!("let c = q / {plane}u;"));
        text.line(format!("let p = q % {plane}u;"));
        text.line(format!("let place = {};", self.place()));
        let (before, behind) = (norm.size.saturating_sub(1) / 2, norm.size / 2);
        text.line("var squares = 0.0;");
        text.line(format!("let last = min(c + {behind}u, {}u);", channels - 1));
        text.open(format!("for (var i = c - min(c, {before}u); i <= last; i++)"));
        text.line("let near = x1(tab[i] + place);");
        text.line("squares = fma(near, near, squares);");
        text.close();
        let [alpha, offset, beta] = [norm.alpha, norm.offset, norm.beta].map(|of| format!("{:?}", of.get()));
        text.line(format!("let d = squares / {}.0 * {alpha} + {offset};", norm.size));
        let power = if norm.beta.get() == 0.75 {
            // The exponent that networks have.
            text.line("let root = sqrt(d);");
            "root * sqrt(root)".to_owned()
        } else {
            format!("pow(d, {beta})")
        };
        self.finish.put1(text, self.lists(), "c", "p", &format!("x1(tab[c] + place) / ({power})"));
        grid
    }

    /// Scale and shift of each channel in turn.
    pub fn pack(&self, parameters: &Parameters<'_>) -> Vec<f32> {
        let mut packed = Vec::with_capacity(2 * parameters.filters.len() + 3);
        for (channel, &scale) in parameters.filters.iter().enumerate() {
            packed.extend([scale, parameters.bias.get(channel).copied().unwrap_or(0.0)]);
        }
        packed.resize(packed.len().next_multiple_of(4), 0.0);
        packed
    }
}
