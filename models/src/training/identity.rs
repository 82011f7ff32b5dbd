//! What decides which checkpoint a training can go on from.

use super::request::{Recipe, TrainRequest};
use crate::design::{Design, Fingerprint};

/// Of each picture every so manieth byte is looked at.
const BYTES: usize = 101;

/// A hash of the design, pictures, split, seed and recipe; the budget may change.
pub(super) fn of(request: &TrainRequest, recipe: &Recipe, design: &Design) -> String {
    let mut bytes = format!("{}{recipe:?}{}{:?}", design.fingerprint(), request.seed, request.split).into_bytes();
    for class in request.pictures.classes() {
        bytes.extend(class.as_bytes());
        bytes.push(0);
    }
    for sample in request.pictures.samples() {
        bytes.extend(sample.class.to_le_bytes());
        bytes.extend(sample.pixels.iter().step_by(BYTES));
    }
    Fingerprint::of_bytes(&bytes).to_string()
}
