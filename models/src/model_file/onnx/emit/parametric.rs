//! Layers with parameters.

use super::bytes::check_bytes;
use super::view::{BATCH, CHANNELS, HEIGHT, View, WIDTH};
use super::{Emitter, Parameter, Placed};
use crate::graph::{Conv2d, Op, Window};
use crate::model_file::onnx::constant::Floats;
use crate::model_file::onnx::draft::{Refusal, ValueId, unsupported};

/// A layer's weight and bias.
type WeightAndBias<'a> = (&'a Floats, Option<&'a Floats>);

impl Emitter<'_> {
    pub(super) fn convolution(
        &mut self,
        value: ValueId,
        (weight, bias): WeightAndBias<'_>,
        (window, groups): (Window, usize),
    ) -> Result<Placed, Refusal> {
        let input = self.map(value)?;
        let &[out_channels, per_group, ..] = weight.dims.as_slice() else { return unsupported("without weights") };
        let conv = Conv2d { in_channels: per_group * groups, out_channels, window, groups, bias: bias.is_some() };
        let mut parameters = vec![Parameter::new("weight", weight, weight.dims.clone())];
        parameters.extend(bias.map(|bias| Parameter::new("bias", bias, vec![out_channels])));
        check_bytes(weight, 0)?;
        let id = self.layer(value, Op::Conv2d(conv), input, parameters)?;
        self.weights_of_bytes(id, weight);
        Ok(self.whole(id, value))
    }

    /// A matrix for the last axis: a dense layer where that is all a picture has, a pointwise convolution where there are
    /// pixels as well.
    pub(super) fn dense(
        &mut self,
        value: ValueId,
        (weight, bias): WeightAndBias<'_>,
        is_out_in: bool,
    ) -> Result<Placed, Refusal> {
        let mut input = self.flat(*self.draft.step(value).inputs.first().ok_or_else(super::nothing)?)?;
        let &[rows, columns] = weight.dims.as_slice() else { return unsupported("without a matrix") };
        let (out_features, in_features) = if is_out_in { (rows, columns) } else { (columns, rows) };
        check_bytes(weight, usize::from(!is_out_in))?;
        let last = input.view.axes.len().saturating_sub(1);
        let mut shape = self.shape(input.node);
        let mut order = None;
        if channels_last(&input.view, last, shape) {
            // `[n, h * w * c]`: as TensorFlow flattens. The matrix takes the values in their own order instead.
            order = Some((shape.channels, shape.pixels()));
            let (node, _) = self.push(input.by, None, Op::Flatten, &[input.node])?;
            shape = self.shape(node);
            let mut view = View::of_map(shape);
            view.axes.truncate(2);
            input = Placed { node, view, by: input.by };
        }
        let last = input.view.axes.len().saturating_sub(1);
        if !input.view.is_channels(last, shape) || in_features != shape.channels {
            return Err(self.moved(&input));
        }
        let has_pixels = shape.pixels() > 1;
        let op = if has_pixels {
            let window = Window::square(1, 1);
            Op::Conv2d(Conv2d {
                in_channels: in_features,
                out_channels: out_features,
                window,
                groups: 1,
                bias: bias.is_some(),
            })
        } else {
            Op::Linear { in_features, out_features, bias: bias.is_some() }
        };
        let dims = if has_pixels { vec![out_features, in_features, 1, 1] } else { vec![out_features, in_features] };
        let mut matrix = Parameter::new("weight", weight, dims);
        if !is_out_in || order.is_some() {
            matrix.values = Some(Box::new(move |values| {
                let by_output = if is_out_in { values.to_vec() } else { transposed(values, columns) };
                order.map_or(by_output.clone(), |order| channels_first(&by_output, order))
            }));
        }
        let mut parameters = vec![matrix];
        parameters.extend(bias.map(|bias| Parameter::new("bias", bias, vec![out_features])));
        let id = self.layer(value, op, input.node, parameters)?;
        self.weights_of_bytes(id, weight);
        let mut view = input.view;
        if let (Some(axis), true) = (view.axes.get_mut(last), out_features > 0) {
            let whole = super::view::Factor::whole(CHANNELS, out_features);
            *axis = if out_features > 1 { vec![whole] } else { vec![] };
        }
        Ok(Placed { node: id, view, by: value })
    }

    pub(super) fn batch_norm(&mut self, value: ValueId, vectors: &[Floats; 4], eps: f64) -> Result<Placed, Refusal> {
        let input = self.along(value, 1)?;
        let channels = self.shape(input.node).channels;
        let names = ["weight", "bias", "running_mean", "running_var"];
        let parameters = names.into_iter().zip(vectors).map(|(name, of)| Parameter::new(name, of, vec![channels]));
        let id = self.layer(value, Op::BatchNorm { channels, eps }, input.node, parameters.collect())?;
        Ok(Placed { node: id, view: input.view, by: value })
    }

    pub(super) fn layer_norm(
        &mut self,
        value: ValueId,
        axis: usize,
        (scale, shift): WeightAndBias<'_>,
        eps: f64,
    ) -> Result<Placed, Refusal> {
        let input = self.along(value, axis)?;
        let channels = self.shape(input.node).channels;
        let zeros = Floats::new(vec![channels], vec![0.0; channels]);
        let parameters = [("weight", scale), ("bias", shift.unwrap_or(&zeros))];
        let parameters = parameters.map(|(name, of)| Parameter::new(name, of, vec![channels]));
        let id = self.layer(value, Op::LayerNorm { channels, eps }, input.node, parameters.into())?;
        Ok(Placed { node: id, view: input.view, by: value })
    }

    pub(super) fn affine(
        &mut self,
        value: ValueId,
        axis: Option<usize>,
        (scale, shift): (Option<&Floats>, Option<&Floats>),
    ) -> Result<Placed, Refusal> {
        let input = match axis {
            Some(axis) => self.along(value, axis)?,
            // One value for all goes with any order of them.
            None => self.flat(*self.draft.step(value).inputs.first().ok_or_else(super::nothing)?)?,
        };
        let channels = self.shape(input.node).channels;
        let full = |floats: &Floats| match floats.single() {
            Some(one) => Floats::new(vec![channels], vec![one; channels]).named(&floats.name),
            None => floats.clone(),
        };
        let weight = scale.map_or_else(|| Floats::new(vec![channels], vec![1.0; channels]), full);
        let bias = shift.map(full);
        let mut parameters = vec![Parameter::new("weight", &weight, vec![channels])];
        parameters.extend(bias.as_ref().map(|bias| Parameter::new("bias", bias, vec![channels])));
        let id = self.layer(value, Op::Affine { channels, shift: shift.is_some() }, input.node, parameters)?;
        Ok(Placed { node: id, view: input.view, by: value })
    }

    pub(super) fn prelu(&mut self, value: ValueId, slopes: &Floats) -> Result<Placed, Refusal> {
        let rank = self.draft.dims(value).len();
        let long: Vec<usize> = (0..slopes.dims.len()).filter(|&axis| slopes.dims[axis] > 1).collect();
        let input = match long.as_slice() {
            [] => self.input(value)?,
            &[axis] => self.along(value, (axis + rank).saturating_sub(slopes.dims.len()))?,
            _ => return unsupported(format!("with slopes of shape {:?}; one for each channel is read", slopes.dims)),
        };
        let channels = slopes.values.len();
        let parameter = Parameter::new("weight", slopes, vec![channels]);
        let id = self.layer(value, Op::PRelu { channels }, input.node, vec![parameter])?;
        Ok(Placed { node: id, view: input.view, by: value })
    }

    /// The input of a step that has something for each channel along this axis.
    fn along(&mut self, value: ValueId, axis: usize) -> Result<Placed, Refusal> {
        let input = self.flat(*self.draft.step(value).inputs.first().ok_or_else(super::nothing)?)?;
        let shape = self.shape(input.node);
        if input.view.is_channels(axis, shape) {
            return Ok(input);
        }
        let untouched = input.view == View::of_map(shape);
        if untouched {
            unsupported(format!("with one value for each place along axis {axis}; one for each channel is read"))
        } else {
            Err(self.moved(&input))
        }
    }
}

/// Whether a view is `[n, h * w * c]` of a map with several of each.
fn channels_last(view: &View, last: usize, shape: crate::graph::Shape) -> bool {
    let whole = View::of_map(shape).transpose(&[BATCH, HEIGHT, WIDTH, CHANNELS]).and_then(|view| {
        let each = shape.pixels() * shape.channels;
        view.reshape(&[shape.batch, each])
    });
    last == 1 && shape.pixels() > 1 && shape.channels > 1 && whole.as_ref() == Some(view)
}

/// A row-major matrix of `columns` columns, by columns.
fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| values.iter().skip(column).step_by(columns.max(1)).copied()).collect()
}

/// Rows of `[pixels, channels]` as rows of `[channels, pixels]`.
fn channels_first(values: &[f32], (channels, pixels): (usize, usize)) -> Vec<f32> {
    values.chunks(channels * pixels).flat_map(|row| transposed(row, channels)).collect()
}
