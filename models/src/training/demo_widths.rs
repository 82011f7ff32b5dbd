//! How well the demo's weights do at every width, measured beforehand: `engine/tests/demo_weights.rs` measures again.

use super::{Accuracy, DataName};

/// Drawings of the hand that the weights were trained on, with seeds that were not.
const PICTURES: u64 = 2000;

/// Width, and how many of the drawings are told right.
const MEASURED: [(f64, u64); 5] = [(0.25, 1842), (0.375, 1873), (0.5, 1917), (0.75, 1948), (1.0, 1957)];

/// Widths at which the demo's accuracy was measured, the narrowest first.
#[must_use]
pub fn demo_widths() -> [f64; 5] {
    MEASURED.map(|(width, _)| width)
}

/// The demo's accuracy at a width, where it was measured there.
#[must_use]
pub fn demo_accuracy(width: f64) -> Option<Accuracy> {
    let (_, right) = MEASURED.into_iter().find(|(of, _)| (of - width).abs() < 1e-9)?;
    let data = DataName { name: "drawn shapes".into(), pictures: PICTURES };
    Accuracy::new(right, PICTURES, data).ok()
}
