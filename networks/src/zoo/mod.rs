//! The paper's networks as designs or, where no table of stages expresses them, as graphs; one file per family, with
//! their published figures as data beside them.
//!
//! A stage of a design is a row of a table: units of one kind and one width, one behind the other, between a stem of
//! plain convolutions and one pooled classifier. What is a graph is no such table:
//!
//! - ResNet-18: its unit, two dense 3x3 convolutions, is no kind of unit that a design has; it would be a kind for one
//!   network.
//! - SE-ResNet-50: its stem's pooling rounds up and has no padding, and its layers have another library's names. The
//!   design `resnet-50` with squeeze-and-excitation computes as much.
//! - SENet-154: its bottlenecks have two inner widths and a 3x3 shortcut.
//! - DenseNet, also in ShuffleNet's skeleton, and CondenseNet: every unit is wider than the one before it, so that a stage
//!   has no width.
//! - IGCV2: its table is not public, and its unit, two grouped 1x1 convolutions behind a depthwise one, is no kind of
//!   unit that a design has.
//! - Xception (as published): its flows begin and end with units of other forms.
//! - NASNet, PNASNet: a cell reads the two cells before it.
//! - AlexNet, VGG, GoogLeNet, Inception: no units that repeat, or classifiers of several layers.
//!
//! Published figures are the paper's (or another named source's), never measured here, and are shown as such.

mod alexnet;
#[cfg(test)]
mod as_graphs;
mod condensenet;
mod densenet;
mod densenet_small;
mod googlenet;
mod igcv2;
mod igcv3;
mod inception_v3;
mod layers;
mod mobilenet_v1;
mod mobilenet_v2;
mod nas_cells;
mod nasnet;
mod network;
mod pnasnet;
mod resnet;
mod senet;
mod shufflenet_v1;
mod shufflenet_v2;
mod vgg;
mod xception;
mod xception_small;

use std::sync::LazyLock;

use serde::Serialize;

use crate::design::{Design, Family};

pub use network::Network;

/// A network of the zoo.
#[derive(Clone, Debug)]
pub struct Preset {
    /// The network; its name is the preset's name.
    pub design: Design,
    /// One line for people.
    pub about: &'static str,
    /// What the literature says about it.
    pub published: Option<Published>,
    /// What code that others trust counts for it; ours must agree exactly.
    pub reference: Option<Reference>,
}

/// Figures from the paper's Table 8 (or appendix), or from another paper's; speeds are of this paper's devices.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Published {
    /// Millions of mult-adds as printed.
    pub mega_mult_adds: f64,
    /// ImageNet top-1 error in percent, single centre crop.
    pub top1_error_percent: Option<f64>,
    /// Batches of 8 per second on a GTX 1080Ti.
    pub gpu_batches_per_second: Option<f64>,
    /// Images per second on one thread of a Snapdragon 810.
    pub arm_images_per_second: Option<f64>,
    /// Where the row is printed.
    pub source: &'static str,
}

/// Exact counts of a reference implementation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Reference {
    /// Learned parameters.
    pub params: Option<u64>,
    /// Millions of mult-adds, to three decimals.
    pub mega_mult_adds: f64,
    /// Whose count it is.
    pub source: &'static str,
}

/// Mult-adds (M), top-1 error (%), GPU batches/s, ARM images/s of one row of Table 8.
const fn table_8(mega_mult_adds: f64, error: f64, gpu: f64, arm: f64) -> Option<Published> {
    Some(Published {
        mega_mult_adds,
        top1_error_percent: Some(error),
        gpu_batches_per_second: Some(gpu),
        arm_images_per_second: Some(arm),
        source: "ShuffleNet V2 paper, Table 8",
    })
}

/// Mult-adds (M) and top-1 error (%) printed where no speeds are.
const fn printed(mega_mult_adds: f64, error: f64, source: &'static str) -> Option<Published> {
    Some(Published {
        mega_mult_adds,
        top1_error_percent: Some(error),
        gpu_batches_per_second: None,
        arm_images_per_second: None,
        source,
    })
}

/// Every preset, families together, narrow before wide.
pub fn presets() -> &'static [Preset] {
    static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
        let families = [
            shufflenet_v2::presets(),
            shufflenet_v1::presets(),
            mobilenet_v1::presets(),
            mobilenet_v2::presets(),
            igcv3::presets(),
            xception_small::presets(),
            resnet::presets(),
        ];
        families.concat()
    });
    &PRESETS
}

/// Every network that is a graph and not a design: first those of the paper's Table 8, then the classics that it cites.
pub fn networks() -> &'static [Network] {
    static NETWORKS: LazyLock<Vec<Network>> = LazyLock::new(|| {
        let families: [&[Network]; 13] = [
            &densenet_small::NETWORKS,
            &igcv2::NETWORKS,
            &condensenet::NETWORKS,
            &nasnet::NETWORKS,
            &pnasnet::NETWORKS,
            &alexnet::NETWORKS,
            &vgg::NETWORKS,
            &googlenet::NETWORKS,
            &inception_v3::NETWORKS,
            &resnet::NETWORKS,
            &senet::NETWORKS,
            &densenet::NETWORKS,
            &xception::NETWORKS,
        ];
        families.concat()
    });
    &NETWORKS
}

/// The fixed network of this name.
#[must_use]
pub fn network(name: &str) -> Option<&'static Network> {
    networks().iter().find(|network| network.name == name)
}

/// The preset of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Preset> {
    presets().iter().find(|preset| preset.design.name == name)
}

/// The design of this name.
#[must_use]
pub fn preset(name: &str) -> Option<Design> {
    find(name).map(|preset| preset.design.clone())
}

/// Names of presets and networks that a person who wrote `name` may have meant, best first.
#[must_use]
pub fn similar(name: &str) -> Vec<&'static str> {
    let wanted: Vec<&str> = name.split(['-', '_', ' ']).filter(|part| part.contains(char::is_alphanumeric)).collect();
    let score = |candidate: &str| wanted.iter().filter(|part| candidate.contains(&part.to_lowercase())).count();
    let presets = presets().iter().map(|preset| preset.design.name.as_str());
    let mut names: Vec<_> = presets.chain(networks().iter().map(|network| network.name)).collect();
    names.retain(|candidate| score(candidate) > 0);
    // The family counts more than a width that many families have.
    let family = |candidate: &str| wanted.first().is_some_and(|first| candidate.contains(&first.to_lowercase()));
    names.sort_by_key(|name| (std::cmp::Reverse((family(name), score(name))), name.len()));
    names.truncate(3);
    names
}

/// A preset's network at one of its family's widths.
///
/// The base designs are tables of this crate whose widths apply, which the tests check for every preset.
fn at_width(base: &Design, family: Family, name: String, width: f64) -> Design {
    let named = Design { name, family, width: Some(width), ..base.clone() };
    named.at_width(width).unwrap_or(named)
}

/// `x0.5`, `x0.75`: one decimal unless two are needed.
fn width_name(width: f64) -> String {
    let short = format!("x{width:.1}");
    if (width * 10.0).fract().abs() < 1e-9 { short } else { format!("x{width:.2}") }
}
