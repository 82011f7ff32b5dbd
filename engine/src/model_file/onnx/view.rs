//! Values of a model while it is imported, and what reshapes and transpositions make of them.

use super::constant::Constant;
use crate::graph::{NodeId, Shape};

/// A value of the model.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Computed by a layer.
    Tensor(Tensor),
    /// Known before.
    Constant(Constant),
    /// Made by a node that is not supported.
    Unknown,
}

/// A layer's value as the model sees it at one place.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    /// The layer.
    pub node: NodeId,
    /// Length of every axis.
    pub dims: Vec<usize>,
    /// How the layer's value is looked at.
    pub view: View,
}

/// Ways to look at a value without computing: the three stations of a channel shuffle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// As it is; `dims` are `[n, c, h, w]`, or `[n, c]` where there is one pixel.
    Plain,
    /// `[n, groups, c / groups, h, w]`.
    Grouped(usize),
    /// `[n, c / groups, groups, h, w]`.
    Swapped(usize),
}

/// What a reshape means for the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reshaped {
    /// The same layer's value, looked at like this.
    View(Vec<usize>, View),
    /// A channel shuffle is complete.
    Shuffle(usize),
    /// `[n, c, h, w]` becomes `[n, c * h * w]`.
    Flatten,
}

impl Tensor {
    /// A layer's whole value.
    pub(super) fn whole(node: NodeId, shape: Shape) -> Self {
        Self { node, dims: <[usize; 4]>::from(shape).into(), view: View::Plain }
    }

    /// A layer's value of one pixel as `[n, c]`.
    pub(super) fn vector(node: NodeId, shape: Shape) -> Self {
        Self { node, dims: vec![shape.batch, shape.channels], view: View::Plain }
    }

    /// The lengths that a reshape to `target` gives: 0 keeps an axis, -1 is what is left.
    ///
    /// A model that was exported for a batch of `exported` has that number in its reshapes; the value's own batch takes
    /// its place.
    pub(super) fn lengths(&self, target: &[i64], exported: Option<usize>) -> Result<Vec<usize>, String> {
        let refuse = || format!("{:?} becomes {target:?}", self.dims);
        let elements: usize = self.dims.iter().product();
        let mut lengths = Vec::with_capacity(target.len());
        let mut open = None;
        for (axis, &length) in target.iter().enumerate() {
            lengths.push(match length {
                0 => *self.dims.get(axis).ok_or_else(refuse)?,
                -1 if open.is_none() => {
                    open = Some(axis);
                    1
                }
                length => usize::try_from(length).map_err(|_| refuse())?,
            });
        }
        let (batch, fixed) =
            (self.dims.first().copied(), target.first().and_then(|&length| usize::try_from(length).ok()));
        if let (Some(first), Some(batch)) = (lengths.first_mut(), batch)
            && target.len() > 1
            && fixed.is_some()
            && fixed == exported
        {
            *first = batch;
        }
        let known =
            lengths.iter().try_fold(1_usize, |product, &length| product.checked_mul(length)).ok_or_else(refuse)?;
        if let Some(open) = open.and_then(|axis| lengths.get_mut(axis)) {
            *open = elements.checked_div(known).ok_or_else(refuse)?;
        }
        let product = lengths.iter().try_fold(1_usize, |product, &length| product.checked_mul(length));
        if product == Some(elements) { Ok(lengths) } else { Err(refuse()) }
    }

    /// What a reshape to these lengths means; the layer's own shape is `shape`.
    pub(super) fn reshape(&self, lengths: &[usize], shape: Shape) -> Result<Reshaped, String> {
        let Shape { batch, channels, height, width } = shape;
        match (self.view, lengths) {
            (View::Plain, &[n, c, h, w]) if [n, c, h, w] == <[usize; 4]>::from(shape) => {
                Ok(Reshaped::View(lengths.into(), View::Plain))
            }
            (View::Plain, &[n, c]) if (n, c) == (batch, channels) && shape.pixels() == 1 => {
                Ok(Reshaped::View(lengths.into(), View::Plain))
            }
            (View::Plain, &[n, _]) if n == batch => Ok(Reshaped::Flatten),
            (View::Plain, &[n, groups, _, h, w]) if (n, h, w) == (batch, height, width) => {
                Ok(Reshaped::View(lengths.into(), View::Grouped(groups)))
            }
            (View::Swapped(groups), &[n, c, h, w]) if [n, c, h, w] == <[usize; 4]>::from(shape) => {
                Ok(Reshaped::Shuffle(groups))
            }
            _ => Err(format!("{:?} becomes {lengths:?}", self.dims)),
        }
    }

    /// The value with its axes in the order `perm`.
    pub(super) fn transpose(&self, perm: &[i64]) -> Result<Self, String> {
        match (self.view, self.dims.as_slice(), perm) {
            (View::Grouped(groups), &[n, g, c, h, w], [0, 2, 1, 3, 4]) => {
                Ok(Self { node: self.node, dims: vec![n, c, g, h, w], view: View::Swapped(groups) })
            }
            _ => Err(format!("axes of {:?} in the order {perm:?}", self.dims)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reshapes_are_views_shuffles_or_flattening() {
        let shape = Shape::new(2, 12, 4, 5);
        let map = Tensor::whole(NodeId(1), shape);
        let reshaped = |tensor: &Tensor, target: &[i64]| {
            let lengths = tensor.lengths(target, Some(1))?;
            tensor.reshape(&lengths, shape)
        };
        // The model was exported for a batch of 1 and says so in its reshapes.
        let grouped = reshaped(&map, &[1, 3, 4, 4, 5]);
        assert_eq!(grouped, Ok(Reshaped::View(vec![2, 3, 4, 4, 5], View::Grouped(3))));
        let grouped = Tensor { node: NodeId(1), dims: vec![2, 3, 4, 4, 5], view: View::Grouped(3) };
        let swapped = grouped.transpose(&[0, 2, 1, 3, 4]).unwrap();
        assert_eq!(reshaped(&swapped, &[0, -1, 4, 5]), Ok(Reshaped::Shuffle(3)));
        assert_eq!(reshaped(&map, &[0, -1]), Ok(Reshaped::Flatten));
        for target in [&[-1, -1][..], &[0, 0, 0, 0, 0], &[2, 7, -1], &[i64::MAX, i64::MAX], &[-2], &[0, 12, 5, 4], &[]]
        {
            assert!(reshaped(&map, target).is_err(), "{target:?}");
        }
        assert!(map.transpose(&[0, 2, 1, 3]).is_err());
    }
}
