//! A linear layer over few images: threads share each output's sum.
//!
//! The weights are read once for all images and are all that counts: as many threads as possible read them, four at a
//! time and next to one another.

use super::epilogue::{self, Finish, Lists};
use super::lanes::Lanes;
use super::text::{Access, COMPONENTS, Grid, Operands, Setting, Source, Text};
use super::variant::{Limits, Variant};
use super::{Parameters, Refusal};

/// Up to this many images a thread keeps a sum for each; beyond, the layer is a tiled matrix product.
pub(super) const MOST_IMAGES: u32 = 4;

/// Sizes of a linear layer over at most [`MOST_IMAGES`] images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Linear {
    pub batch: u32,
    pub features: u32,
    pub outputs: u32,
    /// Elements between images of a feature.
    pub image: u32,
    pub finish: Finish,
}

impl Linear {
    fn vectors(&self) -> u32 {
        self.features.div_ceil(4)
    }

    pub fn variants(&self, limits: &Limits) -> Vec<Variant> {
        Lanes::variants(self.features.div_ceil(8), 32, limits)
    }

    pub fn source(&self, variant: Variant, setting: Setting) -> Result<Source, Refusal> {
        let lanes = Lanes::of(variant, "linear")?;
        let Self { batch, features, outputs, image, finish } = *self;
        let write = Access::SCALAR;
        let second = finish.access(write);
        let operands = Operands { read: Access::SCALAR, write, second, weights: Access::BOTH };
        let mut text = Text::new(setting, operands);
        epilogue::declare(&mut text, "finish", finish.activation, write);
        lanes.declare(&mut text, batch);
        let grid = Grid::new(outputs.div_ceil(lanes.sums()), 1);
        text.main(lanes.threads, &grid);
        text.line(format!("let lane = local % {}u;", lanes.lanes));
        text.line(format!("let m = across * {}u + local / {}u;", lanes.sums(), lanes.lanes));
        // Threads without an output share the last one's sums and write nothing.
        text.line(format!("let row = min(m, {}u) * {}u;", outputs - 1, self.vectors()));
        for n in 0..batch {
            text.line(format!("var s{n} = 0.0;"));
        }
        text.open(format!("for (var i = lane; i < {}u; i += {}u)", self.vectors(), lanes.lanes));
        text.line("let weights = w4(row + i);");
        let ragged = !features.is_multiple_of(4);
        for at in 0..4 {
            let feature = format!("4u * i + {at}u");
            let feature = if ragged { format!("min({feature}, {}u)", features - 1) } else { feature };
            text.line(format!("let f{at} = tab[{feature}];"));
        }
        for n in 0..batch {
            text.open("");
            let values = [0, 1, 2, 3].map(|at| format!("x1(f{at} + {}u)", n * image)).join(", ");
            text.line(format!("var v = vec4<f32>({values});"));
            if ragged {
                // A weight of zero behind the last feature does not undo a value that is not finite.
                for (at, component) in COMPONENTS.iter().enumerate().skip(1) {
                    text.line(format!("if (4u * i + {at}u >= {features}u) {{ v.{component} = 0.0; }}"));
                }
            }
            text.line(format!("s{n} += dot(weights, v);"));
            text.close();
        }
        text.close();
        lanes.add(&mut text, batch);
        text.open(format!("if (lane == 0u && m < {outputs}u)"));
        text.line(format!("let bias = w1({}u + m);", 4 * self.vectors() * outputs));
        let lists = Lists::new(features, outputs);
        for n in 0..batch {
            let value = format!("{} + bias", lanes.whole(n));
            finish.put1(&mut text, lists, "m", &format!("{n}u"), &value);
        }
        text.close();
        text.finish(&grid)
    }

    /// `[outputs][features, rounded up to a vector]`, then the bias.
    pub fn pack(&self, parameters: &Parameters<'_>) -> Vec<f32> {
        let (features, room) = (self.features as usize, 4 * self.vectors() as usize);
        let mut packed = Vec::with_capacity((room + 1) * self.outputs as usize + 3);
        for filter in parameters.filters.chunks_exact(features) {
            packed.extend_from_slice(filter);
            packed.resize(packed.len().next_multiple_of(4), 0.0);
        }
        packed.extend((0..self.outputs as usize).map(|m| parameters.bias.get(m).copied().unwrap_or(0.0)));
        packed.resize(packed.len().next_multiple_of(4), 0.0);
        packed
    }
}
