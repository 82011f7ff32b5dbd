//! How near the vectors' activations are to the formulas in 64 bits, on every instruction set of this machine.

use super::super::epilogue::FinishArgs;
use super::*;
use crate::graph::Activation;
use crate::runtime::cpu::compile::epilogue;
use crate::runtime::reference::activate;

/// `values` through an activation.
fn finished(isa: Isa, activation: Activation, values: &[f32]) -> Vec<f32> {
    let mut values = values.to_vec();
    let rows = [0];
    let args = FinishArgs {
        base: values.as_mut_ptr(),
        rows: rows.as_ptr(),
        count: 1,
        pixels: values.len(),
        epilogue: epilogue(activation),
    };
    // SAFETY: the table is one that this machine runs, and the row has as many values.
    unsafe { (Table::of(isa).finish)(&args) };
    values
}

/// Values of every size and both signs, and densely where functions bend.
fn sweep() -> Vec<f32> {
    let mut values = Vec::new();
    for exponent in -30..7 {
        for step in 0..600_i16 {
            let value = (1.0 + f32::from(step) / 600.0) * 2.0_f32.powi(exponent);
            values.extend([value, -value]);
        }
    }
    values.extend((-40_000..=40_000).map(|step: i32| step as f32 / 2_999.0));
    values
}

#[test]
fn activations_are_near_their_formulas_on_every_instruction_set() {
    let values = sweep();
    assert_ne!(values.len() % 16, 0, "the last vector is partial");
    for isa in Isa::all_available() {
        for activation in Activation::EXAMPLES {
            // Where the argument of an exponential is itself rounded, far from zero that counts.
            let (near, far) = match activation {
                Activation::Swish { .. } | Activation::Gelu | Activation::GeluTanh => (3e-6, 3e-5),
                _ => (1e-6, 1e-6),
            };
            // Its two terms cancel out where it leaves the ground; and what is below the least normal number is zero.
            let beside = if matches!(activation, Activation::HardSigmoid { .. }) { 1e-7 } else { 1e-35 };
            for (&value, found) in values.iter().zip(finished(isa, activation, &values)) {
                let expected = activate(activation, value.into());
                let bound = if expected.abs() > 1e-3 { near } else { far };
                let off = (f64::from(found) - expected).abs();
                assert!(
                    off <= bound * expected.abs() + beside,
                    "{isa}, {activation} of {value}: {found}, not {expected}"
                );
            }
        }
    }
}

#[test]
fn what_is_not_finite_or_very_large_goes_through_activations_as_the_formulas_say() {
    let values = [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, 1e37, -1e37, 1e-40, -1e-40, 88.0];
    for isa in Isa::all_available() {
        for activation in Activation::EXAMPLES {
            for (value, found) in values.into_iter().zip(finished(isa, activation, &values)) {
                let expected = activate(activation, value.into()) as f32;
                let same = expected == found || (expected.is_nan() && found.is_nan());
                assert!(
                    same || (expected - found).abs() <= 1e-6 * expected.abs() + 1e-36,
                    "{isa}, {activation} of {value}: {found}, not {expected}"
                );
            }
        }
    }
}
