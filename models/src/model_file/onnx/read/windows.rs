//! What slides over a map: convolutions, poolings, and padding.

use super::{Made, Nodes, unsupported};
use crate::graph::{Op, Window};
use crate::model_file::onnx::axes;
use crate::model_file::onnx::constant::Constant;
use crate::model_file::onnx::draft::{Pool, Refusal, Work};

impl Nodes<'_, '_> {
    pub(super) fn window(&mut self) -> Made {
        match self.node.op_type.as_str() {
            "Conv" => self.convolution(),
            "Pad" => self.pad(),
            _ => self.pool(),
        }
    }

    fn convolution(&mut self) -> Made {
        let input = self.value(0)?;
        let [batch, channels, height, width] = self.map(input)?;
        let weight = self.floats(1)?.clone();
        let &[out_channels, per_group, rows, columns] = weight.dims.as_slice() else {
            return unsupported(format!("with weights of shape {:?}", weight.dims));
        };
        let groups = usize::try_from(self.node.int_or("group", 1)).unwrap_or(0);
        if groups == 0 || per_group.checked_mul(groups) != Some(channels) || out_channels % groups != 0 {
            return unsupported(format!(
                "of {channels} channels in {groups} groups, with weights of shape {:?}",
                weight.dims
            ));
        }
        let bias = self.optional_floats(2)?.cloned();
        if bias.as_ref().is_some_and(|bias| bias.values.len() != out_channels) {
            return unsupported("with a bias of another length");
        }
        let window = self.geometry([height, width], [rows, columns])?;
        if window.kernel != [rows, columns] {
            return unsupported(format!("with weights of shape {:?} for a window of {:?}", weight.dims, window.kernel));
        }
        let [height, width] = lengths(&window, [height, width])?;
        let dims = vec![batch, out_channels, height, width];
        self.push(Work::Convolution { weight, bias, window, groups }, vec![input], dims)
    }

    fn pool(&mut self) -> Made {
        let input = self.value(0)?;
        let [batch, channels, height, width] = self.map(input)?;
        let window = self.geometry([height, width], [0, 0])?;
        let (is_max, rounds_up) = (self.node.op_type == "MaxPool", self.node.int_or("ceil_mode", 0) != 0);
        let counts_padding = self.node.int_or("count_include_pad", 0) != 0;
        let pool = Pool { is_max, window, rounds_up, counts_padding, zeros: [[0; 2]; 2] };
        let [height, width] = pooled(&pool, [height, width])?;
        self.push(Work::Pool(pool), vec![input], vec![batch, channels, height, width])
    }

    /// The window over a map of this size.
    fn geometry(&self, map: [usize; 2], kernel: [usize; 2]) -> Result<Window, Refusal> {
        let node = self.node;
        let kernel = node.sizes("kernel_shape", kernel)?;
        let (stride, dilation) = (node.sizes("strides", [1, 1])?, node.sizes("dilations", [1, 1])?);
        if ![kernel, stride, dilation].iter().flatten().all(|&size| size > 0) {
            return unsupported("with a window, stride or dilation of 0");
        }
        let bare = Window { kernel, stride, padding: [0; 2], padding_end: [0; 2], dilation };
        let automatic = node.get("auto_pad").map_or(&b"NOTSET"[..], |attribute| &attribute.s);
        match automatic {
            b"NOTSET" | b"" => {
                let [top, left, bottom, right] = node.sizes("pads", [0; 4])?;
                Ok(Window { padding: [top, left], padding_end: [bottom, right], ..bare })
            }
            b"VALID" => Ok(bare),
            // As many places as steps fit into the map; what is odd goes behind it, or before it.
            b"SAME_UPPER" | b"SAME_LOWER" => {
                let total = [0, 1].map(|axis| {
                    let reach = dilation[axis] * (kernel[axis] - 1) + 1;
                    let last = (map[axis].div_ceil(stride[axis]).saturating_sub(1)) * stride[axis];
                    (last + reach).saturating_sub(map[axis])
                });
                let (less, more) = (total.map(|pixels| pixels / 2), total.map(|pixels| pixels.div_ceil(2)));
                let (padding, padding_end) = if automatic == b"SAME_UPPER" { (less, more) } else { (more, less) };
                Ok(Window { padding, padding_end, ..bare })
            }
            other => unsupported(format!("with the padding {}", String::from_utf8_lossy(other))),
        }
    }

    fn pad(&mut self) -> Made {
        let input = self.value(0)?;
        let dims = self.dims(input);
        let mode = self.node.get("mode").map_or(&b"constant"[..], |attribute| &attribute.s);
        let attribute = |name| self.node.get(name).map(|attribute| attribute.ints.clone());
        let pads = self.list(1)?.or_else(|| attribute("pads")).or_else(|| attribute("paddings"));
        let Some(pads) = pads else { return unsupported("without a width") };
        let axes = match self.list(3)? {
            Some(axes) => axes.into_iter().map(|axis| axes::axis(axis, dims.len())).collect::<Result<Vec<_>, _>>()?,
            None => (0..dims.len()).collect(),
        };
        let value = match self.inputs.get(2) {
            Some(Some(super::Value::Constant(Constant::Ints(ints)))) => {
                ints.values.first().map_or(0.0, |&one| one as f32)
            }
            Some(Some(_)) => self.floats(2)?.single().unwrap_or(f32::NAN),
            _ => self.node.float_or("value", 0.0),
        };
        if pads.len() != 2 * axes.len() {
            return unsupported(format!("with {} widths for {} axes", pads.len(), axes.len()));
        }
        let (mut before, mut behind, mut padded) = (vec![0; dims.len()], vec![0; dims.len()], dims.clone());
        for (index, &axis) in axes.iter().enumerate() {
            let width = |at: usize| usize::try_from(pads[at]).ok().filter(|&width| width <= 1 << 16);
            let (Some(first), Some(last)) = (width(index), width(index + axes.len())) else {
                return unsupported(format!("by {pads:?}; widths up to 65536 are read"));
            };
            (before[axis], behind[axis]) = (first, last);
            padded[axis] = padded[axis].saturating_add(first).saturating_add(last);
        }
        if padded == dims {
            return Ok(vec![super::Value::Made(input)]);
        }
        if mode != b"constant" {
            return unsupported(format!("with the mode {}", String::from_utf8_lossy(mode)));
        }
        self.push(Work::Pad { before, behind, value }, vec![input], padded)
    }
}

/// `[height, width]` of what a window makes of a map.
fn lengths(window: &Window, map: [usize; 2]) -> Result<[usize; 2], Refusal> {
    match [0, 1].map(|axis| window.output_length(axis, map[axis])) {
        [Some(height), Some(width)] => Ok([height, width]),
        _ => unsupported(format!("a {window} window does not fit its input of {}x{} pixels", map[0], map[1])),
    }
}

/// `[height, width]` of what a pooling makes of a map.
pub(super) fn pooled(pool: &Pool, map: [usize; 2]) -> Result<[usize; 2], Refusal> {
    let rounded = if pool.rounds_up { pool.window.rounding_up(map) } else { pool.window };
    if pool.is_max {
        return lengths(&rounded, map);
    }
    match Op::average_pool(pool.window, map, pool.rounds_up, pool.counts_padding) {
        Op::AvgPool(window) | Op::AvgPoolCounted { window, .. } => lengths(&window, map),
        _ => unsupported("of no window"),
    }
}
