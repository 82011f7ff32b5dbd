//! The demo network at every width, where its weights are slimmable, and how well it does at some of them.
//!
//! The accuracies were measured beforehand on 2,000 held-out pictures and are in `assets/weights/shapes-widths.json`, which
//! a test holds against the weights.

use serde::Deserialize;

use super::slim::{at_width, cut, is_slimmable};
use super::{Accuracy, DataName};
use crate::classify::demo;
use crate::design::{Design, Edit};
use crate::weights::Weights;

/// Widths that stand on the slider, each a step of one in thirty-two.
const STEPS: u32 = 32;

/// What the pictures are called.
const DATA: &str = "drawn shapes";

const TABLE: &str = include_str!("../../../assets/weights/shapes-widths.json");

#[derive(Deserialize)]
struct Table {
    widths: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    width: f64,
    correct: u64,
    held_out: u64,
}

/// Whether the demo works at other widths than its own.
#[must_use]
pub fn has_widths() -> bool {
    is_slimmable(&demo::weights()) && !accuracies().is_empty()
}

/// What was measured, the narrowest first; empty where the weights have one width only.
#[must_use]
pub fn accuracies() -> Vec<(f64, Accuracy)> {
    let rows = serde_json::from_str::<Table>(TABLE).map(|table| table.widths).unwrap_or_default();
    let accuracy = |row: Row| {
        let data = DataName { name: DATA.into(), pictures: row.held_out };
        Some((row.width, Accuracy::new(row.correct, row.held_out, data).ok()?))
    };
    rows.into_iter().filter_map(accuracy).collect()
}

/// The demo's design at a width.
#[must_use]
pub fn design_at(width: f64) -> Design {
    let design = at_width(&demo::design(), nearest(width));
    // Whatever the width, it is the same network to whom it is shown.
    Design { name: demo::design().name, ..design }
}

/// The width on the slider that is nearest.
#[must_use]
pub fn nearest(width: f64) -> f64 {
    let steps = f64::from(STEPS);
    (width * steps).round().clamp(0.25 * steps, steps) / steps
}

/// The width of a design that is the demo's, however many classes it has; `None` where it is another one.
#[must_use]
pub fn width_of(design: &Design) -> Option<f64> {
    let own = demo::design();
    let same = design.apply(&Edit::Classes(own.classes)).fingerprint();
    let widths = (STEPS / 4..=STEPS).rev().map(|step| f64::from(step) / f64::from(STEPS));
    widths.into_iter().find(|width| at_width(&own, *width).fingerprint() == same)
}

/// The demo's weights at a width; `None` where they have one width only.
#[must_use]
pub fn weights_at(width: f64) -> Option<Weights> {
    let weights = demo::weights();
    if width >= 1.0 {
        return Some(weights);
    }
    is_slimmable(&weights).then(|| cut((&demo::design(), &weights), width).ok().map(|(_, weights)| weights)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::Batch;
    use crate::graph::lower;

    #[test]
    fn every_width_of_the_slider_is_a_design_of_its_own_that_is_known_again_and_has_its_weights() {
        let mut seen = vec![];
        for step in STEPS / 4..=STEPS {
            let width = f64::from(step) / f64::from(STEPS);
            let design = design_at(width);
            assert_eq!(width_of(&design), Some(width));
            assert_eq!(width_of(&design.apply(&Edit::Classes(3))), Some(width), "whatever its classes");
            assert!(!seen.contains(&design.fingerprint()), "{width}");
            seen.push(design.fingerprint());
            if has_widths() {
                weights_at(width).unwrap().check(&lower(&design, Batch(1)).unwrap()).unwrap();
            }
        }
        let mut other = design_at(0.5);
        other.stages[0].channels += 2;
        assert_eq!(width_of(&other), None);
    }

    #[test]
    fn the_table_has_the_marked_widths_where_the_weights_have_them() {
        let widths: Vec<f64> = accuracies().into_iter().map(|(width, _)| width).collect();
        if is_slimmable(&demo::weights()) {
            assert_eq!(widths, [0.25, 0.375, 0.5, 0.75, 1.0]);
            let shares: Vec<f64> = accuracies().iter().map(|(_, accuracy)| accuracy.share()).collect();
            assert!(shares.is_sorted(), "accuracy rises with width: {shares:?}");
        } else {
            assert!(widths.is_empty(), "a table without its weights");
        }
    }
}
