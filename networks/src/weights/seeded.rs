//! Made-up parameters and inputs that any language can reproduce bit for bit
//! (`engine/tests/fixtures/make_torchvision_logits.py` does in numpy).
//!
//! Value `i` (from 0) of the tensor called `name` is `low + (high - low) * u`, computed in 64 bits and rounded to 32,
//! where `u` is the top 24 bits of `splitmix64` output `i`, divided by 2^24, and the generator starts at
//! `seed ^ fnv1a_64(name)`. Each value depends only on its name, index and seed, so tensors can be made in any order.
//!
//! Ranges keep activations of the designs in the zoo between about 0.1 and 10 in every layer, with or without batch
//! normalisation, and logits at several units, so that an absolute difference of 1e-4 between two runtimes means
//! something and no value is denormal (denormals are slow and would be measured). Sums without a norm behind them, as
//! in Xception, grow to thousands:
//!
//! | parameter | low, high |
//! |---|---|
//! | convolution's weight | +-sqrt(6 / fan_in): He et al. 2015, fan_in = in / groups * height * width |
//! | linear weight | +-2 sqrt(6 / fan_in) |
//! | bias of either | +-0.1 |
//! | batch normalisation's weight, bias, mean, variance | 0.5, 1; +-0.5; +-0.5; 0.5, 1.5 |
//! | weight and bias of other normalisations and of affine steps | 0.5, 1; +-0.5 |
//! | slopes below zero | 0, 0.5 |
//! | the network's input (name `input`) | +-2, about the range of a normalised photo |

use super::{ExpectedTensor, Role, WeightTensor};
use crate::graph::Shape;

/// A made-up network input, `[batch, channels, height, width]`, in -2 .. 2.
#[must_use]
pub fn seeded_input(shape: Shape, seed: u64) -> Vec<f32> {
    uniform("input", usize::try_from(shape.elements().0).unwrap_or(usize::MAX), (-2.0, 2.0), seed)
}

/// The parameter `expected`, made up.
pub(super) fn tensor(expected: &ExpectedTensor, seed: u64) -> WeightTensor {
    let fan_in = expected.shape.iter().skip(1).product::<usize>() as f64;
    let (low, high) = match expected.role {
        Role::ConvWeight => symmetric((6.0 / fan_in).sqrt()),
        Role::LinearWeight => symmetric(2.0 * (6.0 / fan_in).sqrt()),
        Role::Bias => symmetric(0.1),
        Role::BatchNormWeight | Role::NormWeight => (0.5, 1.0),
        Role::BatchNormBias | Role::NormBias | Role::RunningMean => symmetric(0.5),
        Role::Slope => (0.0, 0.5),
        Role::RunningVar => (0.5, 1.5),
    };
    let values = uniform(&expected.name, expected.shape.iter().product(), (low, high), seed);
    WeightTensor { shape: expected.shape.clone(), values }
}

fn symmetric(bound: f64) -> (f64, f64) {
    (-bound, bound)
}

fn uniform(name: &str, count: usize, (low, high): (f64, f64), seed: u64) -> Vec<f32> {
    let start = seed ^ fnv1a_64(name.as_bytes());
    let value = |index| {
        let unit = (splitmix64(start, index) >> 40) as f64 / f64::from(1_u32 << 24);
        (low + (high - low) * unit) as f32
    };
    (0..count as u64).map(value).collect()
}

/// Output `index` (from 0) of Steele, Lea and Flood's generator started at `start`.
fn splitmix64(start: u64, index: u64) -> u64 {
    let mut z = start.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn fnv1a_64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_splitmix64_over_fnv1a() {
        // Published vectors: splitmix64.c of prng.di.unimi.it started at 1234567; FNV-1a of "foobar" from the FNV page.
        assert_eq!(splitmix64(1_234_567, 0), 6_457_827_717_110_365_317);
        assert_eq!(splitmix64(1_234_567, 1), 3_203_168_211_198_807_973);
        assert_eq!(fnv1a_64(b"foobar"), 0x8594_4171_F739_67E8);
    }

    #[test]
    fn a_seed_gives_the_same_values_again_and_another_seed_others() {
        let shape = Shape::new(1, 3, 4, 5);
        assert_eq!(seeded_input(shape, 7), seeded_input(shape, 7));
        assert_ne!(seeded_input(shape, 7), seeded_input(shape, 8));
    }

    #[test]
    fn values_fill_their_range_and_stay_in_it() {
        let expected = |role, shape: &[usize]| ExpectedTensor { name: "a.b".into(), shape: shape.into(), role };
        for (role, shape, low, high) in [
            (Role::ConvWeight, &[64, 6, 3, 3][..], -1.0 / 3.0, 1.0 / 3.0),
            (Role::LinearWeight, &[40, 96], -0.5, 0.5),
            (Role::Bias, &[2000], -0.1, 0.1),
            (Role::BatchNormWeight, &[2000], 0.5, 1.0),
            (Role::RunningVar, &[2000], 0.5, 1.5),
        ] {
            let values = tensor(&expected(role, shape), 1).values;
            let least = values.iter().copied().fold(f32::INFINITY, f32::min);
            let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let margin = 0.01 * (high - low);
            assert!((low..low + margin).contains(&least) && (high - margin..=high).contains(&most), "{role:?}");
        }
    }
}
