//! Layers in training, where Candle trains: on the devices that it is built for, and in tests.

use candle_core::{Error, Tensor};
use candle_nn::ModuleT;

use super::layer::{Layer, pad_with};
use crate::graph::Window;

impl Layer {
    /// As [`of`](Self::of) in training: normalisations use the batch's own statistics, and every step has a gradient, which
    /// those of Candle's pooling have not where windows overlap.
    pub fn learn(&self, inputs: &[&Tensor]) -> Result<Tensor, Error> {
        match (self, inputs) {
            (Self::BatchNorm(norm), [map]) => norm.forward_t(map, true),
            (Self::MaxPool(window), [map]) => most_of_taps(map, window),
            (Self::AvgPool(window), [map]) => mean_of_taps(map, window),
            _ => self.of(inputs),
        }
    }
}

/// The largest of what a window's taps read, tap by tap.
fn most_of_taps(map: &Tensor, window: &Window) -> Result<Tensor, Error> {
    of_taps(map, window, f32::NEG_INFINITY, |most, tap| most.maximum(&tap))
}

/// The mean of what a window's taps read, tap by tap.
fn mean_of_taps(map: &Tensor, window: &Window) -> Result<Tensor, Error> {
    of_taps(map, window, 0.0, |sum, tap| sum + tap)? / window.taps() as f64
}

/// What a window's taps read, joined; each tap is a map of the result's size.
fn of_taps(
    map: &Tensor,
    window: &Window,
    border: f32,
    join: impl Fn(Tensor, Tensor) -> Result<Tensor, Error>,
) -> Result<Tensor, Error> {
    let (_, _, height, width) = map.dims4()?;
    let padded = pad_with(map, window, border)?;
    let places = |axis: usize, length: usize, tap: usize| -> Result<Tensor, Error> {
        let count = window.output_length(axis, length).unwrap_or(0) as u32;
        let first = (tap * window.dilation[axis]) as u32;
        let places: Vec<u32> = (0..count).map(|place| first + place * window.stride[axis] as u32).collect();
        Tensor::new(places, map.device())
    };
    let mut joined = None;
    for tap in 0..window.taps() {
        let (row, column) = (tap / window.kernel[1].max(1), tap % window.kernel[1].max(1));
        let part = padded.index_select(&places(0, height, row)?, 2)?.index_select(&places(1, width, column)?, 3)?;
        joined = Some(match joined {
            None => part,
            Some(joined) => join(joined, part)?,
        });
    }
    joined.ok_or_else(|| Error::Msg("a window without taps".into()))
}
