//! Activations that a file has in pieces: `x * sigmoid(x)`, `x * clip(x + 3, 0, 6) / 6`, GELU by `erf`, Mish by `tanh`
//! of softplus.
//!
//! The pieces come in any order and grouping. So what they compute together is compared, number by number, with the
//! activations that there are: they are one of them where they agree everywhere.

use std::collections::{BTreeMap, BTreeSet};

use crate::model_file::onnx::draft::{Draft, Function, ValueId, Work};

/// Most pieces of one activation.
const MOST: usize = 16;

/// Where functions are compared: around their bends, and well out on both sides.
const PLACES: [f64; 21] = [
    -10.0, -6.5, -4.0, -3.5, -3.0, -2.5, -2.0, -1.5, -1.0, -0.5, -0.1, 0.0, 0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 3.5, 6.5,
    10.0,
];

/// Puts the activations in the place of their last pieces.
pub(super) fn join(draft: &mut Draft<'_>) {
    // The last piece first: what stands in the middle of an activation may look like another one.
    for root in (1..draft.steps.len()).rev().map(ValueId) {
        let ends = match &draft.step(root).work {
            Work::Combine(_) | Work::With { .. } => true,
            Work::Function(function) => matches!(function, Function::Clip(..) | Function::Log),
            _ => false,
        };
        if let Some((function, of)) = ends.then(|| function_of(draft, root)).flatten() {
            draft.replace(root, Work::Function(function), vec![of]);
        }
    }
}

/// The function that the pieces up to `root` are, and of what.
fn function_of(draft: &Draft<'_>, root: ValueId) -> Option<(Function, ValueId)> {
    let dims = draft.dims(root);
    let mut pieces = Vec::new();
    let mut open = BTreeSet::from([root]);
    while pieces.len() < MOST {
        let last = open.pop_last()?;
        if draft.dims(last) != dims || dims.is_empty() {
            return None;
        }
        let step = draft.step(last);
        let is_piece = match &step.work {
            Work::Function(_) | Work::Combine(_) | Work::Same => true,
            Work::With { constant, .. } => constant.single().is_some(),
            _ => false,
        };
        if !is_piece {
            return None;
        }
        pieces.push(last);
        open.extend(&step.inputs);
        // Where everything comes from one value, it may be that value's function.
        if let (1, Some(&of), true) = (open.len(), open.first(), pieces.len() > 1)
            && let Some(function) = known(|x| value_at(draft, &pieces, of, x))
        {
            return (draft.dims(of) == dims).then_some((function, of));
        }
    }
    None
}

/// What the pieces, the last one first, make of `x` in the place of `of`.
fn value_at(draft: &Draft<'_>, pieces: &[ValueId], of: ValueId, x: f64) -> f64 {
    let mut values = BTreeMap::from([(of, x)]);
    let mut last = x;
    for &piece in pieces.iter().rev() {
        let step = draft.step(piece);
        let input =
            |index: usize| step.inputs.get(index).and_then(|input| values.get(input)).copied().unwrap_or(f64::NAN);
        last = match &step.work {
            Work::Function(function) => function.of(input(0)),
            Work::Combine(arithmetic) => arithmetic.apply(input(0), input(1)),
            Work::With { arithmetic, constant, is_first } => {
                let constant = f64::from(constant.single().unwrap_or(f32::NAN));
                if *is_first { arithmetic.apply(constant, input(0)) } else { arithmetic.apply(input(0), constant) }
            }
            _ => input(0),
        };
        values.insert(piece, last);
    }
    last
}

/// The activation that `function` is.
fn known(function: impl Fn(f64) -> f64) -> Option<Function> {
    let found = PLACES.map(&function);
    let [at_zero, at_tenth, at_one] = [0.0, 0.1, 1.0].map(&function);
    let [low, below] = [-10.0, -1.0].map(&function);
    // 1/6 is no 32-bit float, and a slope that is measured is not quite the one that was written.
    let slope = nearest((at_tenth - at_zero) / 0.1);
    let scale = nearest(-(1.0 / at_one - 1.0).ln());
    let candidates = [
        Function::HardSwish,
        Function::Swish(1.0),
        Function::Gelu,
        Function::GeluTanh,
        Function::Mish,
        Function::Softplus,
        Function::Sigmoid,
        Function::Tanh,
        Function::Relu,
        Function::Clip(0.0, 6.0),
        Function::HardSigmoid(slope, nearest(at_zero)),
        Function::Swish(scale),
        Function::Leaky(nearest(-below)),
        Function::Elu(nearest(-low / (1.0 - (-10.0_f64).exp()))),
    ];
    candidates.into_iter().find(|candidate| {
        PLACES.iter().zip(found).all(|(&x, found)| {
            let expected = candidate.of(x);
            (found - expected).abs() <= 2e-5 * (1.0 + expected.abs())
        })
    })
}

/// The coefficient that networks have near this one.
fn nearest(value: f64) -> f64 {
    let usual = [1.0 / 6.0, 0.2, 0.5, 1.0, 1.702, 0.01, 0.1, 0.25, 0.3].map(|usual: f32| f64::from(usual));
    usual.into_iter().find(|usual| (usual - value).abs() < 2e-6).unwrap_or_else(|| f64::from(value as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_known_by_what_they_compute_and_by_nothing_less() {
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        assert_eq!(known(|x| x * sigmoid(x)), Some(Function::Swish(1.0)));
        assert_eq!(known(|x| x * sigmoid(1.702 * x)), Some(Function::Swish(f64::from(1.702_f32))));
        assert_eq!(known(|x| (x + 3.0).clamp(0.0, 6.0) * (x * 0.166_666_67)), Some(Function::HardSwish));
        let sixth = f64::from(1.0_f32 / 6.0);
        assert_eq!(known(|x| (x + 3.0).clamp(0.0, 6.0) / 6.0), Some(Function::HardSigmoid(sixth, 0.5)));
        assert_eq!(known(|x: f64| x.max(0.1 * x)), Some(Function::Leaky(f64::from(0.1_f32))));
        assert_eq!(known(|x: f64| x * x.exp().ln_1p().tanh()), Some(Function::Mish));
        assert_eq!(
            known(|x| 0.5 * (x + x * Function::Erf.of(x / f64::from(std::f32::consts::SQRT_2)))),
            Some(Function::Gelu)
        );
        for other in
            [|x: f64| x * x, |x: f64| 2.0 * x, |x: f64| x + 0.5, |x: f64| x.ln(), |x: f64| 0.99 * Function::Gelu.of(x)]
        {
            assert_eq!(known(other), None);
        }
    }
}
