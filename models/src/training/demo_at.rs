//! The demo network at every width of a slider, with weights that work at all of them.

use super::slim::{at_width, cut};
use crate::classify::demo;
use crate::design::{Design, Edit};
use crate::weights::Weights;

/// Steps of the slider from nothing to the whole width.
const STEPS: u32 = 32;

/// The demo's design at a width.
#[must_use]
pub fn design(width: f64) -> Design {
    // Whatever the width, it is the same network to whom it is shown.
    Design { name: demo::design().name, ..at_width(&demo::design(), nearest(width)) }
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
    let mut widths = (STEPS / 4..=STEPS).rev().map(|step| f64::from(step) / f64::from(STEPS));
    widths.find(|width| at_width(&own, *width).fingerprint() == same)
}

/// The weights that work at every width, at this one.
#[must_use]
pub fn weights(width: f64) -> Option<Weights> {
    cut((&demo::design(), &demo::weights_of_every_width()), width).ok().map(|(_, weights)| weights)
}

/// What teaching `design` starts from where it goes on from the demo: the demo at the same width where the design is that,
/// else the whole of it, to be cut to fit.
#[must_use]
pub fn start(design: &Design) -> (Design, Weights) {
    let same = width_of(design).and_then(|width| Some((self::design(width), weights(width)?)));
    same.unwrap_or_else(|| (demo::design(), demo::weights()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::Batch;
    use crate::graph::lower;
    use crate::training::{demo_accuracy, demo_widths};

    #[test]
    fn every_width_of_the_slider_is_a_design_of_its_own_that_is_known_again_and_has_its_weights() {
        let mut seen = vec![];
        for step in STEPS / 4..=STEPS {
            let width = f64::from(step) / f64::from(STEPS);
            let of = design(width);
            assert_eq!(width_of(&of), Some(width));
            assert_eq!(width_of(&of.apply(&Edit::Classes(3))), Some(width), "whatever its classes");
            assert!(!seen.contains(&of.fingerprint()), "{width}");
            seen.push(of.fingerprint());
            weights(width).unwrap().check(&lower(&of, Batch(1)).unwrap()).unwrap();
        }
        let mut other = design(0.5);
        other.stages[0].channels += 2;
        assert_eq!(width_of(&other), None);
        // Where teaching starts.
        let half = start(&design(0.5).apply(&Edit::Classes(3)));
        assert_eq!(half, (design(0.5), weights(0.5).unwrap()));
        assert_eq!(start(&other), (demo::design(), demo::weights()));
        // Those whose accuracy is known stand on the slider.
        assert!(demo_widths().iter().all(|width| nearest(*width) == *width && demo_accuracy(*width).is_some()));
    }
}
