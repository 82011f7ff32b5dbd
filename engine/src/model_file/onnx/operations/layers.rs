//! Operations on layers' results.

use super::{Constant, Converter, Inputs, Made, Node, Refusal, Value};
use crate::graph::{Activation, Conv2d, Op, Shape, Window};
use crate::model_file::onnx::constant::position;
use crate::model_file::onnx::view::{Reshaped, Tensor, View};

/// Operations that may be layers or views of layers.
pub(super) const KNOWN: [&str; 28] = [
    "Conv",
    "BatchNormalization",
    "Relu",
    "Clip",
    "HardSwish",
    "Sigmoid",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "ReduceMean",
    "Gemm",
    "MatMul",
    "Add",
    "Mul",
    "Concat",
    "Split",
    "Slice",
    "Flatten",
    "Reshape",
    "Transpose",
    "Squeeze",
    "Unsqueeze",
    "Identity",
    "Dropout",
    "Shape",
    "Cast",
    "Gather",
    "Constant",
];

/// A parameter: its shape, values and name in the file.
type Parameter<'a> = (&'a [usize], &'a [f32], &'a str);

fn unsupported<T>(reason: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Unsupported(reason.into()))
}

/// A layer's result that nothing is in the middle of reshaping.
fn tensor(inputs: Inputs<'_>, index: usize) -> Result<&Tensor, Refusal> {
    match inputs.get(index) {
        Some(Some(Value::Tensor(tensor))) if tensor.view == View::Plain => Ok(tensor),
        Some(Some(Value::Tensor(_))) => unsupported("in the middle of a channel shuffle"),
        _ => unsupported("of something that is no layer's result"),
    }
}

fn parameter(inputs: Inputs<'_>, index: usize) -> Result<Parameter<'_>, Refusal> {
    match inputs.get(index) {
        Some(Some(Value::Constant(Constant::Floats { dims, values, name }))) => Ok((dims, values, name)),
        _ => unsupported(format!("its input {index} is no constant")),
    }
}

fn optional<'a>(inputs: Inputs<'a>, index: usize) -> Result<Option<Parameter<'a>>, Refusal> {
    if inputs.get(index).is_none_or(Option::is_none) { Ok(None) } else { parameter(inputs, index).map(Some) }
}

/// Whole numbers from an input or, in older opsets, from an attribute; `None` where there are none.
fn numbers(node: &Node, inputs: Inputs<'_>, index: usize, attribute: &str) -> Result<Option<Vec<i64>>, Refusal> {
    match inputs.get(index) {
        Some(Some(Value::Constant(Constant::Ints(ints)))) => Ok(Some(ints.few()?.to_vec())),
        Some(Some(_)) => unsupported(format!("its {attribute} are not known before it runs")),
        _ => Ok(node.get(attribute).map(|attribute| attribute.ints.clone())),
    }
}

impl Converter {
    pub(super) fn layer(&mut self, node: &Node, inputs: Inputs<'_>) -> Made {
        match node.op_type.as_str() {
            "Conv" => self.convolution(node, inputs),
            "BatchNormalization" => self.batch_norm(node, inputs),
            "Relu" => self.activation(node, inputs, Activation::Relu),
            "HardSwish" => self.activation(node, inputs, Activation::HardSwish),
            "Sigmoid" => self.activation(node, inputs, Activation::Sigmoid),
            "Clip" => self.clip(node, inputs),
            "MaxPool" | "AveragePool" => self.pool(node, inputs),
            "GlobalAveragePool" => self.plain(node, Op::GlobalAvgPool, &[tensor(inputs, 0)?.node]),
            "ReduceMean" => self.mean(node, inputs),
            "Gemm" | "MatMul" => self.linear(node, inputs),
            "Add" | "Mul" => self.pairwise(node, inputs),
            "Concat" => self.concat(node, inputs),
            "Split" => self.split(node, inputs),
            "Slice" => self.slice(node, inputs),
            "Flatten" if node.int_or("axis", 1) == 1 => self.reshape(node, inputs, &[0, -1]),
            "Reshape" => match numbers(node, inputs, 1, "shape")? {
                Some(target) => self.reshape(node, inputs, &target),
                None => unsupported("without a shape"),
            },
            "Squeeze" | "Unsqueeze" => self.axes_of_one(node, inputs),
            "Transpose" => match inputs.first() {
                Some(Some(Value::Tensor(tensor))) => Ok(vec![Value::Tensor(tensor.transpose(node.ints("perm"))?)]),
                _ => unsupported("of a constant"),
            },
            "Identity" | "Dropout" => Ok(vec![inputs.first().cloned().flatten().unwrap_or(Value::Unknown)]),
            "Shape" => super::shapes::evaluate(node, inputs),
            _ => unsupported("of a layer's result, with these attributes"),
        }
    }

    fn convolution(&mut self, node: &Node, inputs: Inputs<'_>) -> Made {
        let (input, (dims, values, name)) = (tensor(inputs, 0)?, parameter(inputs, 1)?);
        let &[out_channels, per_group, height, width] = dims else {
            return unsupported(format!("with weights of shape {dims:?}"));
        };
        let groups = usize::try_from(node.int_or("group", 1)).unwrap_or(0);
        let bias = optional(inputs, 2)?;
        if bias.is_some_and(|(shape, ..)| shape != [out_channels]) {
            return unsupported("with a bias of another length");
        }
        let Some(in_channels) = per_group.checked_mul(groups).filter(|&channels| channels > 0) else {
            return unsupported(format!("with {groups} groups"));
        };
        let window = window(node, input, [height, width])?;
        let conv = Conv2d { in_channels, out_channels, window, groups, bias: bias.is_some() };
        let (id, path) = self.push(node, Some(name), Op::Conv2d(conv), &[input.node])?;
        self.parameter((&path, "weight"), dims.into(), values.len(), || values.into())?;
        if let Some((shape, values, _)) = bias {
            self.parameter((&path, "bias"), shape.into(), values.len(), || values.into())?;
        }
        Ok(vec![self.whole(id)])
    }

    fn batch_norm(&mut self, node: &Node, inputs: Inputs<'_>) -> Made {
        let input = tensor(inputs, 0)?;
        if node.int_or("training_mode", 0) != 0 {
            return unsupported("in training mode; export the model in evaluation mode");
        }
        let channels = self.builder.shape(input.node).channels;
        let mut vectors = Vec::with_capacity(4);
        for index in 1..=4 {
            let (shape, values, _) = parameter(inputs, index)?;
            if shape != [channels] {
                return unsupported(format!("with vectors of shape {shape:?} for {channels} channels"));
            }
            vectors.push(values);
        }
        let (_, _, name) = parameter(inputs, 1)?;
        // 1e-5 as it was written, not as the nearest 32-bit float reads in 64 bits.
        let eps = node.float_or("epsilon", 1e-5).to_string().parse().unwrap_or(1e-5);
        let (id, path) = self.push(node, Some(name), Op::BatchNorm { channels, eps }, &[input.node])?;
        for (of, values) in ["weight", "bias", "running_mean", "running_var"].into_iter().zip(vectors) {
            self.parameter((&path, of), vec![channels], values.len(), || values.into())?;
        }
        Ok(vec![Value::Tensor(Tensor { node: id, ..input.clone() })])
    }

    fn activation(&mut self, node: &Node, inputs: Inputs<'_>, activation: Activation) -> Made {
        let input = tensor(inputs, 0)?;
        let (id, _) = self.push(node, None, Op::Activation(activation), &[input.node])?;
        Ok(vec![Value::Tensor(Tensor { node: id, ..input.clone() })])
    }

    fn clip(&mut self, node: &Node, inputs: Inputs<'_>) -> Made {
        let end = |index, attribute: &str, open: f32| -> Result<f32, Refusal> {
            Ok(match optional(inputs, index)? {
                Some((_, &[value], _)) => value,
                Some(_) => return unsupported("between lists"),
                None => node.float_or(attribute, open),
            })
        };
        match (end(1, "min", f32::NEG_INFINITY)?, end(2, "max", f32::INFINITY)?) {
            (0.0, 6.0) => self.activation(node, inputs, Activation::Relu6),
            (0.0, f32::INFINITY) => self.activation(node, inputs, Activation::Relu),
            (low, high) => unsupported(format!("between {low} and {high}")),
        }
    }

    fn pool(&mut self, node: &Node, inputs: Inputs<'_>) -> Made {
        let input = tensor(inputs, 0)?;
        let kernel = node.sizes("kernel_shape", [0, 0])?;
        let window = window(node, input, kernel)?;
        let shape = self.builder.shape(input.node);
        let rounds_up = node.int_or("ceil_mode", 0) != 0;
        let rounded = if rounds_up { window.rounding_up([shape.height, shape.width]) } else { window };
        if node.op_type == "MaxPool" {
            return self.plain(node, Op::MaxPool(rounded), &[input.node]);
        }
        if lengths(&rounded, shape) != lengths(&window, shape) {
            return unsupported("that rounds its output up");
        }
        if (window.padding, window.padding_end) != ([0; 2], [0; 2]) && node.int_or("count_include_pad", 0) == 0 {
            return unsupported("that does not count padding");
        }
        self.plain(node, Op::AvgPool(window), &[input.node])
    }

    fn mean(&mut self, node: &Node, inputs: Inputs<'_>) -> Made {
        let input = tensor(inputs, 0)?;
        let axes = numbers(node, inputs, 1, "axes")?.unwrap_or_default();
        let mut axes: Vec<_> = axes.iter().filter_map(|&axis| position(axis, input.dims.len())).collect();
        axes.sort_unstable();
        if axes != [2, 3] {
            return unsupported(format!("over the axes {axes:?}; over both pixel axes is read"));
        }
        let (id, _) = self.push(node, None, Op::GlobalAvgPool, &[input.node])?;
        Ok(vec![if node.int_or("keepdims", 1) == 0 { self.vector(id) } else { self.whole(id) }])
    }

    fn linear(&mut self, node: &Node, inputs: Inputs<'_>) -> Made {
        let (input, (dims, values, name)) = (tensor(inputs, 0)?, parameter(inputs, 1)?);
        let plain =
            node.int_or("transA", 0) == 0 && node.float_or("alpha", 1.0) == 1.0 && node.float_or("beta", 1.0) == 1.0;
        let (&[rows, columns], true, 2) = (dims, plain, input.dims.len()) else {
            return unsupported("other than [batch, in] times a constant matrix");
        };
        let is_out_in = node.op_type == "Gemm" && node.int_or("transB", 0) != 0;
        let (out_features, in_features) = if is_out_in { (rows, columns) } else { (columns, rows) };
        let bias = optional(inputs, 2)?;
        if bias.is_some_and(|(shape, ..)| shape != [out_features] && shape != [1, out_features]) {
            return unsupported("with a bias of another length");
        }
        let op = Op::Linear { in_features, out_features, bias: bias.is_some() };
        let (id, path) = self.push(node, Some(name), op, &[input.node])?;
        let weight = || if is_out_in { values.into() } else { transposed(values, columns) };
        self.parameter((&path, "weight"), vec![out_features, in_features], values.len(), weight)?;
        if let Some((_, values, _)) = bias {
            self.parameter((&path, "bias"), vec![out_features], values.len(), || values.into())?;
        }
        Ok(vec![self.vector(id)])
    }

    /// A sum of two results, or a result times one factor per channel.
    fn pairwise(&mut self, node: &Node, inputs: Inputs<'_>) -> Made {
        let (one, other) = (tensor(inputs, 0)?, tensor(inputs, 1)?);
        if node.op_type == "Add" {
            if one.dims != other.dims {
                return unsupported(format!("of {:?} and {:?}", one.dims, other.dims));
            }
            let (id, _) = self.push(node, None, Op::Add, &[one.node, other.node])?;
            return Ok(vec![Value::Tensor(Tensor { node: id, ..one.clone() })]);
        }
        let is_gate = |tensor: &Tensor| self.builder.shape(tensor.node).pixels() == 1 && tensor.dims.len() == 4;
        match (is_gate(one), is_gate(other)) {
            (_, true) => self.plain(node, Op::Scale, &[one.node, other.node]),
            (true, false) => self.plain(node, Op::Scale, &[other.node, one.node]),
            (false, false) => unsupported("other than by one factor per channel"),
        }
    }

    fn concat(&mut self, node: &Node, inputs: Inputs<'_>) -> Made {
        let mut parts = Vec::with_capacity(inputs.len());
        for index in 0..inputs.len() {
            parts.push(tensor(inputs, index)?.node);
        }
        let rank = tensor(inputs, 0)?.dims.len();
        if position(node.int_or("axis", 0), rank) != Some(1) || rank != 4 {
            return unsupported("along another axis than the channels");
        }
        self.plain(node, Op::Concat, &parts)
    }

    fn split(&mut self, node: &Node, inputs: Inputs<'_>) -> Made {
        let input = tensor(inputs, 0)?;
        let (total, parts) = (self.builder.shape(input.node).channels, node.output.len().max(1));
        let even = || vec![total.div_ceil(parts) as i64; parts];
        let sizes = numbers(node, inputs, 1, "split")?.unwrap_or_else(even);
        if position(node.int_or("axis", 0), input.dims.len()) != Some(1) || sizes.len() != parts {
            return unsupported("along another axis than the channels");
        }
        let mut start = 0;
        let mut made = Vec::with_capacity(parts);
        for size in sizes {
            let channels = usize::try_from(size).unwrap_or(0).min(total.saturating_sub(start));
            made.extend(self.channels(node, input, start, channels)?);
            start += channels;
        }
        Ok(made)
    }

    fn slice(&mut self, node: &Node, inputs: Inputs<'_>) -> Made {
        let input = tensor(inputs, 0)?;
        let list = |index, name| numbers(node, inputs, index, name);
        let (starts, ends, axes, steps) = (list(1, "starts")?, list(2, "ends")?, list(3, "axes")?, list(4, "steps")?);
        let (Some(&[start]), Some(&[end]), Some(&[axis])) = (starts.as_deref(), ends.as_deref(), axes.as_deref())
        else {
            return unsupported("of more than the channels");
        };
        let of_channels = position(axis, input.dims.len()) == Some(1) && steps.is_none_or(|steps| steps == [1]);
        if !of_channels {
            return unsupported("of more than the channels, or with a step");
        }
        let total = self.builder.shape(input.node).channels;
        let at = |index: i64| position(index, total).unwrap_or(if index < 0 { 0 } else { total });
        self.channels(node, input, at(start), at(end).saturating_sub(at(start)))
    }

    fn channels(&mut self, node: &Node, input: &Tensor, start: usize, channels: usize) -> Made {
        if input.dims.len() != 4 {
            return unsupported("of a vector");
        }
        self.plain(node, Op::Slice { start, channels }, &[input.node])
    }

    fn reshape(&mut self, node: &Node, inputs: Inputs<'_>, target: &[i64]) -> Made {
        let Some(Some(Value::Tensor(input))) = inputs.first() else {
            return unsupported("of a constant");
        };
        let lengths = input.lengths(target, self.exported_batch)?;
        let dims = lengths.clone();
        match input.reshape(&lengths, self.builder.shape(input.node))? {
            Reshaped::View(dims, view) => Ok(vec![Value::Tensor(Tensor { node: input.node, dims, view })]),
            Reshaped::Shuffle(groups) => self.plain(node, Op::ChannelShuffle { groups }, &[input.node]),
            Reshaped::Flatten => {
                let (id, _) = self.push(node, None, Op::Flatten, &[input.node])?;
                Ok(vec![Value::Tensor(Tensor { node: id, dims, view: View::Plain })])
            }
        }
    }

    /// `[n, c, 1, 1]` as `[n, c]`, or the other way.
    fn axes_of_one(&mut self, node: &Node, inputs: Inputs<'_>) -> Made {
        let input = tensor(inputs, 0)?;
        let mut axes = numbers(node, inputs, 1, "axes")?.unwrap_or_default();
        axes.iter_mut().for_each(|axis| *axis = if *axis < 0 { axis.saturating_add(4) } else { *axis });
        axes.sort_unstable();
        let one_pixel = self.builder.shape(input.node).pixels() == 1;
        match (axes == [2, 3] && one_pixel, node.op_type == "Squeeze", input.dims.len()) {
            (true, true, 4) => Ok(vec![self.vector(input.node)]),
            (true, false, 2) => Ok(vec![self.whole(input.node)]),
            _ => unsupported(format!("of the axes {axes:?} of {:?}", input.dims)),
        }
    }
}

/// The window of a convolution or pooling over `input`.
fn window(node: &Node, input: &Tensor, kernel: [usize; 2]) -> Result<Window, Refusal> {
    if input.dims.len() != 4 {
        return unsupported(format!("of {:?}", input.dims));
    }
    let automatic = node.get("auto_pad").map_or(&b"NOTSET"[..], |attribute| &attribute.s);
    if !matches!(automatic, b"NOTSET" | b"VALID" | b"") {
        return unsupported(format!("with the padding {}", String::from_utf8_lossy(automatic)));
    }
    let [top, left, bottom, right] = node.sizes("pads", [0; 4])?;
    let (kernel, stride) = (node.sizes("kernel_shape", kernel)?, node.sizes("strides", [1, 1])?);
    let dilation = node.sizes("dilations", [1, 1])?;
    let positive = [kernel, stride, dilation].iter().flatten().all(|&size| size > 0);
    if !positive {
        return unsupported("with a window, stride or dilation of 0");
    }
    Ok(Window { kernel, stride, padding: [top, left], padding_end: [bottom, right], dilation })
}

/// `[height, width]` of what a window makes of a map.
fn lengths(window: &Window, map: Shape) -> [Option<usize>; 2] {
    [window.output_length(0, map.height), window.output_length(1, map.width)]
}

/// A row-major matrix of `columns` columns, by columns.
fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| values.iter().skip(column).step_by(columns.max(1)).copied()).collect()
}
