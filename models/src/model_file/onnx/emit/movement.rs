//! Reshapes, turns and cuts, as views; a channel shuffle, a slice or a flattening where a view is one.

use super::view::{BATCH, CHANNELS, Factor, View};
use super::{Emitter, Placed, nothing};
use crate::graph::{NodeId, Op};
use crate::model_file::onnx::draft::{Refusal, ValueId, Work, unsupported};

impl Emitter<'_> {
    pub(super) fn movement(&mut self, value: ValueId) -> Result<Placed, Refusal> {
        let before = self.input(value)?;
        let step = self.draft.step(value);
        let dims = step.dims.as_deref().unwrap_or_default();
        let view = match &step.work {
            Work::Reshape => before.view.reshape(dims),
            Work::Transpose(order) => before.view.transpose(order),
            Work::Slice { axis, start, step } => {
                before.view.slice(*axis, (*start, *step, dims.get(*axis).copied().unwrap_or(0)))
            }
            Work::Pick { axis, places } => before.view.pick(*axis, places),
            _ => None,
        };
        match view {
            Some(view) => self.settled(Placed { node: before.node, view, by: value }),
            None => match &step.work {
                Work::Pick { .. } => unsupported("of places that are not evenly spaced"),
                _ => Err(self.moved(&Placed { by: value, ..before })),
            },
        }
    }

    /// Brings channels together as soon as they lie in one axis, so that a shuffle stands where the model has it.
    fn settled(&mut self, placed: Placed) -> Result<Placed, Refusal> {
        let Some((ops, view)) = super::channels::layers(&placed.view, self.shape(placed.node)) else {
            return Ok(placed);
        };
        let mut node = placed.node;
        for op in ops {
            let known = match op {
                Op::ChannelShuffle { groups } => Some((node, groups)),
                _ => None,
            };
            if let Some(&there) = known.and_then(|key| self.shuffled.get(&key)) {
                node = there;
                continue;
            }
            node = self.push(placed.by, None, op, &[node])?.0;
            if let Some(key) = known {
                self.shuffled.insert(key, node);
            }
        }
        Ok(Placed { node, view, by: placed.by })
    }

    /// A value, flattened where that is how it lies: `[n, c * h * w]`.
    pub(super) fn flat(&mut self, value: ValueId) -> Result<Placed, Refusal> {
        let placed = self.placed(value)?;
        let shape = self.shape(placed.node);
        if !is_flat(&placed.view, View::of_map(shape).axes.concat()) || shape.pixels() == 1 {
            return Ok(placed);
        }
        let (node, _) = self.push(placed.by, None, Op::Flatten, &[placed.node])?;
        let mut whole = View::of_map(self.shape(node));
        whole.axes.truncate(2);
        let flat = Placed { node, view: whole, by: placed.by };
        if let Some(known) = self.placed.get_mut(value.0) {
            *known = Some(flat.clone());
        }
        Ok(flat)
    }

    /// The layer that has a value with all its elements in their order.
    pub(super) fn in_order(&mut self, value: ValueId) -> Result<NodeId, Refusal> {
        let placed = self.flat(value)?;
        if placed.view.is_in_order(self.shape(placed.node)) { Ok(placed.node) } else { Err(self.moved(&placed)) }
    }

    /// A map of one channel as one of many.
    pub(super) fn repeat(&mut self, value: ValueId, axis: usize) -> Result<Placed, Refusal> {
        let input = self.flat(*self.draft.step(value).inputs.first().ok_or_else(nothing)?)?;
        let channels = self.draft.dims(value).get(axis).copied().unwrap_or(1);
        let is_pixels = input.view == View::of_map(self.shape(input.node)) && axis != CHANNELS;
        if self.shape(input.node).channels != 1 || is_pixels {
            return unsupported("of more than one channel");
        }
        let (node, _) = self.push(value, None, Op::Repeat { channels }, &[input.node])?;
        let mut view = input.view;
        if let Some(axis) = view.axes.get_mut(axis) {
            *axis = vec![Factor::whole(CHANNELS, channels)];
        }
        Ok(Placed { node, view, by: value })
    }

    pub(super) fn concat(&mut self, value: ValueId, axis: usize) -> Result<Placed, Refusal> {
        let mut parts = Vec::new();
        for &input in &self.draft.step(value).inputs {
            parts.push(self.flat(input)?);
        }
        let first = parts.first().cloned().ok_or_else(nothing)?;
        // Along the channels, whatever the other axes run over, or along a new axis beside them.
        let along_channels = parts.iter().all(|part| part.view.is_channels(axis, self.shape(part.node)));
        let others = |part: &Placed| {
            let mut axes = part.view.axes.clone();
            axes.get_mut(axis).map(Vec::clear);
            (axes, part.view.start)
        };
        let fits = |part: &Placed| others(part) == others(&first) && (along_channels || part.view == first.view);
        if !parts.iter().all(fits) {
            return unsupported("along another axis than the channels");
        }
        let channels = self.shape(first.node).channels;
        let home = (0..first.view.axes.len()).find(|&at| first.view.is_channels(at, self.shape(first.node)));
        let stacked = first.view.axes.get(axis).is_some_and(Vec::is_empty);
        let nodes: Vec<NodeId> = parts.iter().map(|part| part.node).collect();
        if along_channels {
            let (node, _) = self.push(value, None, Op::Concat, &nodes)?;
            let mut view = first.view;
            if let Some(axis) = view.axes.get_mut(axis) {
                *axis = vec![Factor::whole(CHANNELS, self.shape(node).channels)];
            }
            return Ok(Placed { node, view, by: value });
        }
        if !stacked || home.is_none() {
            return unsupported("along another axis than the channels");
        }
        // `[n, c, parts, h, w]`: the parts one after another, seen from the side.
        let (node, _) = self.push(value, None, Op::Concat, &nodes)?;
        let mut view = first.view;
        if let Some(axis) = view.axes.get_mut(axis) {
            *axis = vec![Factor { of: CHANNELS, stride: channels, extent: parts.len() }];
        }
        Ok(Placed { node, view, by: value })
    }
}

/// Whether a view is `[n, everything]` in the map's order, `whole` being all that the map has.
fn is_flat(view: &View, whole: Vec<Factor>) -> bool {
    let [batch, rest] = view.axes.as_slice() else { return false };
    let (of_batch, of_rest): (Vec<Factor>, Vec<Factor>) = whole.into_iter().partition(|factor| factor.of == BATCH);
    view.start == [0; 4] && *batch == of_batch && *rest == of_rest
}
