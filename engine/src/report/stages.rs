//! The network as a table in the manner of the paper's Table 5: one row per stage, and per layer group around them.

use std::collections::HashMap;

use super::{LayerRow, Profile, layer_rows};
use crate::design::{Batch, Design, Stage};
use crate::graph::{Node, Op, OpKind, Shape, lower};
use crate::units::{Elements, MultAdds, Nanos, Params};

/// A stage, or a group of layers in stem or head, and what it costs.
#[derive(Clone, Debug, PartialEq)]
pub struct StageRow {
    /// `conv1`, `stage2`, `fc`.
    pub name: String,
    /// What it is made of: `ShuffleNet V2 unit`, `conv 3x3 /2`.
    pub what: String,
    /// Shape of its last layer's result.
    pub output: Shape,
    /// Window of its convolution or pooling: `3x3`; empty where it has none.
    pub window: String,
    /// Stride of the first unit; `None` where there is no window.
    pub stride: Option<usize>,
    /// How many units.
    pub repeats: u32,
    /// Multiply-accumulates.
    pub mult_adds: MultAdds,
    /// Learned parameters.
    pub params: Params,
    /// Elements read and written.
    pub memory_access: Elements,
    /// Sum of its kernels' medians. A kernel over two rows counts where it begins, or is split among them where the layers
    /// were measured apart. `None` where nothing was measured.
    pub time: Option<Nanos>,
}

/// The rows in execution order; their sums are the totals of [`ModelCost`](crate::cost::ModelCost).
///
/// A model that is no design has one row per part of it that the layers' paths name: `layer1` of `layer1.0.conv1`.
#[must_use]
pub fn stage_rows(profile: &Profile) -> Vec<StageRow> {
    match profile.design.design() {
        Some(design) => of_design(profile, design),
        None => of_paths(profile),
    }
}

fn of_design(profile: &Profile, design: &Design) -> Vec<StageRow> {
    let batch = profile.cost.layers.first().map_or(1, |layer| layer.output.batch);
    let graph = u32::try_from(batch).ok().and_then(|batch| lower(design, Batch(batch)).ok());
    let nodes: HashMap<&str, &Node> =
        graph.iter().flat_map(|graph| graph.nodes().iter().map(|node| (node.path.as_str(), node))).collect();
    let mut rows: Vec<StageRow> = Vec::new();
    for layer in layer_rows(profile) {
        let node = nodes.get(layer.cost.path.as_str()).copied();
        let stage = node.and_then(|node| node.unit).and_then(|unit| Some((unit.stage, design.stages.get(unit.stage)?)));
        let name = match stage {
            Some((index, _)) => Design::stage_name(index),
            None => layer_group(&layer.cost.path).to_owned(),
        };
        if rows.last().is_none_or(|row| row.name != name) {
            let row = match stage {
                Some((_, stage)) => of_stage(name, stage),
                None => of_layer(name, layer.cost.op.clone(), node),
            };
            rows.push(row);
        }
        if let Some(row) = rows.last_mut() {
            row.add(&layer);
        }
    }
    rows
}

/// Rows by the layers' paths alone: what a profile holds of a network whose file may be gone.
fn of_paths(profile: &Profile) -> Vec<StageRow> {
    let layers = layer_rows(profile);
    let parts = layers.chunk_by(|a, b| part(&a.cost.path) == part(&b.cost.path));
    let row = |layers: &[LayerRow<'_>]| {
        let name = layers.first().map_or("", |layer| part(&layer.cost.path));
        let mut row = empty(name.to_owned());
        let weighty: Vec<&str> =
            layers.iter().filter(|layer| layer.cost.mult_adds.0 > 0).map(|layer| layer.cost.op.as_str()).collect();
        if let [only] = weighty.as_slice() {
            (row.window, row.stride) = window_of(only);
        }
        row.what = match (weighty.as_slice(), layers) {
            ([only], _) => (*only).to_owned(),
            ([], [first, ..]) => first.cost.op.clone(),
            (many, _) => format!("{} convolutions and linear layers", many.len()),
        };
        layers.iter().for_each(|layer| row.add(layer));
        row
    };
    parts.map(row).collect()
}

/// Window and stride of a layer by what its table says: `11x11` and 4 of `conv 11x11 /4`.
fn window_of(op: &str) -> (String, Option<usize>) {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_window = |word: &&str| word.split_once('x').is_some_and(|(height, width)| digits(height) && digits(width));
    let Some(window) = op.split(' ').find(is_window) else { return (String::new(), None) };
    let stride = op.split(' ').find_map(|word| word.strip_prefix('/')?.split('x').next()?.parse().ok());
    (window.into(), Some(stride.unwrap_or(1)))
}

/// The part of a network that a layer belongs to: its path up to the first numbered module, `layer1` of
/// `layer1.0.conv1` and `features.3` of `features.3.conv.0`; the outermost module where the number is the layer's own.
#[must_use]
pub fn part(path: &str) -> &str {
    let is_numbered = |module: &str| module.contains(|character: char| character.is_ascii_digit());
    let mut end = 0;
    for module in path.split('.') {
        end += module.len();
        if is_numbered(module) && end < path.len() {
            return path.get(..end).unwrap_or(path);
        }
        end += 1;
    }
    path.split('.').next().unwrap_or(path)
}

/// The module that a layer outside the units belongs to: `conv1` of `conv1.0`, `features.18` of `features.18.1`.
#[must_use]
pub fn layer_group(path: &str) -> &str {
    match path.rsplit_once('.') {
        Some((module, index)) if index.bytes().all(|byte| byte.is_ascii_digit()) => module,
        _ => path,
    }
}

fn of_stage(name: String, stage: &Stage) -> StageRow {
    let kernel = stage.block.kernel();
    StageRow {
        what: stage.block.kind().name().into(),
        window: format!("{kernel}x{kernel}"),
        stride: Some(stage.stride as usize),
        repeats: stage.repeats,
        ..empty(name)
    }
}

fn of_layer(name: String, op: String, node: Option<&Node>) -> StageRow {
    let window = match node.map(|node| node.op) {
        Some(Op::Conv2d(conv)) => Some(conv.window),
        Some(Op::MaxPool(window) | Op::AvgPool(window) | Op::AvgPoolCounted { window, .. }) => Some(window),
        _ => None,
    };
    let size = window.map(|window| format!("{}x{}", window.kernel[0], window.kernel[1]));
    let what = match node.map(|node| node.op.kind()) {
        Some(OpKind::Convolution | OpKind::Pointwise | OpKind::Depthwise) => "convolution".into(),
        _ => op,
    };
    StageRow { what, window: size.unwrap_or_default(), stride: window.map(|window| window.stride[0]), ..empty(name) }
}

fn empty(name: String) -> StageRow {
    StageRow {
        name,
        what: String::new(),
        output: Shape::new(1, 0, 0, 0),
        window: String::new(),
        stride: None,
        repeats: 1,
        mult_adds: MultAdds::ZERO,
        params: Params::ZERO,
        memory_access: Elements::ZERO,
        time: None,
    }
}

impl StageRow {
    fn add(&mut self, layer: &LayerRow<'_>) {
        self.output = layer.cost.output;
        self.mult_adds += layer.cost.mult_adds;
        self.params += layer.cost.params;
        self.memory_access += layer.cost.memory_access;
        if let Some(kernel) = layer.kernel {
            let whole = if kernel.is_first { kernel.time.median } else { Nanos::ZERO };
            let time = layer.apart.map_or(whole, |apart| apart.share);
            self.time = Some(self.time.unwrap_or_default() + time);
        }
    }

    /// Stride as the table prints it: `2`, or `2, then 1` where units of stride 1 follow.
    #[must_use]
    pub fn strides(&self) -> String {
        match self.stride {
            None => String::new(),
            Some(stride) if stride > 1 && self.repeats > 1 => format!("{stride}, then 1"),
            Some(stride) => stride.to_string(),
        }
    }

    /// Size of the map written: `28x28`.
    #[must_use]
    pub fn map(&self) -> String {
        format!("{}x{}", self.output.height, self.output.width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_belongs_to_the_part_that_its_path_names_first() {
        for (path, expected) in [
            ("layer1.0.conv1", "layer1"),
            ("stage2.0.branch1.0", "stage2"),
            ("features.3.conv.0.0", "features.3"),
            ("features.denseblock1.denselayer2.norm1", "features.denseblock1"),
            ("features.0", "features"),
            ("conv1.0", "conv1"),
            ("conv1", "conv1"),
            ("fc", "fc"),
            ("", ""),
            ("ä.1", "ä"),
        ] {
            assert_eq!(part(path), expected, "{path}");
        }
    }

    #[test]
    fn a_window_reads_back_from_what_a_layer_is_called() {
        assert_eq!(window_of("conv 11x11 /4"), ("11x11".into(), Some(4)));
        assert_eq!(window_of("dw 3x3"), ("3x3".into(), Some(1)));
        assert_eq!(window_of("conv 1x7 /2x1 g3"), ("1x7".into(), Some(2)));
        assert_eq!(window_of("linear"), (String::new(), None));
    }
}
