//! Achieved arithmetic speed over arithmetic intensity (Williams et al. 2009), one point per measured kernel.

use std::fmt::Write;

use super::bars::figure;
use super::{colour, escaped, legend};
use crate::graph::OpKind;
use crate::report::{FEWER_MULTIPLICATIONS, Profile, RooflinePoint, decades, roofline_points};

const LEFT: f64 = 70.0;
const RIGHT: f64 = 880.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 280.0;

/// The chart; nothing where no kernel that computes was measured. Kernels without mult-adds have no place in it.
pub(super) fn chart(profile: &Profile) -> String {
    let points = points(profile);
    if points.is_empty() {
        return String::new();
    }
    let (x0, x1) = decades(points.iter().map(|point| point.intensity));
    let (y0, y1) = decades(points.iter().map(|point| point.rate.0));
    let x = |value: f64| LEFT + (RIGHT - LEFT) * (value.log10() - f64::from(x0)) / f64::from(x1 - x0);
    let y = |value: f64| BOTTOM - (BOTTOM - TOP) * (value.log10() - f64::from(y0)) / f64::from(y1 - y0);
    let mut svg = String::new();
    for decade in x0..=x1 {
        let (at, label) = (x(10_f64.powi(decade)), power_of_ten(decade));
        let _ = write!(
            svg,
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{BOTTOM}\" stroke=\"#d9dee4\"/>\
             <text class=\"soft\" x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
            BOTTOM + 16.0
        );
    }
    for decade in y0..=y1 {
        let (at, label) = (y(10_f64.powi(decade)), power_of_ten(decade));
        let _ = write!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#d9dee4\"/>\
             <text class=\"soft\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            LEFT - 8.0,
            at + 4.0
        );
    }
    for point in &points {
        let _ = writeln!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"{}\" fill-opacity=\"0.75\"{}><title>{}: {:.2} FLOP/B, {:.2} GFLOP/s{}</title></circle>",
            x(point.intensity),
            y(point.rate.0),
            colour(point.kind),
            if point.is_winograd { " stroke=\"#1b1f24\" stroke-width=\"1.5\"" } else { "" },
            escaped(&point.layer),
            point.intensity,
            point.rate.0,
            if point.is_winograd { format!("; {FEWER_MULTIPLICATIONS}") } else { String::new() },
        );
    }
    let _ = writeln!(
        svg,
        "<text class=\"soft\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">FLOP per byte of memory access</text>\
         <text class=\"soft\" transform=\"translate(14 {}) rotate(-90)\" text-anchor=\"middle\">GFLOP/s reached</text>",
        (LEFT + RIGHT) / 2.0,
        BOTTOM + 34.0,
        (TOP + BOTTOM) / 2.0,
    );
    let mut kinds: Vec<OpKind> = points.iter().map(|point| point.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let title = "Speed reached by each kernel over its arithmetic intensity";
    let ringed = match points.iter().any(|point| point.is_winograd) {
        true => format!(
            " Ringed kernels may be faster than the processor multiplies and adds. {FEWER_MULTIPLICATIONS}, by which the \
             speed counts."
        ),
        false => String::new(),
    };
    figure(title, 900, 320, &svg)
        + &legend(&kinds)
        + &format!(
            "<p class=\"soft\">Both axes are logarithmic. Kernels far to the left move more than they compute.{ringed}</p>\n"
        )
}

/// A point for every kernel of the profile's measurement.
fn points(profile: &Profile) -> Vec<RooflinePoint> {
    let breakdown = profile.measurement.as_ref().and_then(|measurement| measurement.breakdown.as_ref());
    breakdown.map_or_else(Vec::new, |breakdown| roofline_points(&profile.cost.layers, &breakdown.kernels))
}

fn power_of_ten(decade: i32) -> String {
    match decade {
        ..0 => format!("{:.*}", decade.unsigned_abs() as usize, 10_f64.powi(decade)),
        _ => format!("{:.0}", 10_f64.powi(decade)),
    }
}
