//! What a convolution computes, as Winograd's way and the matrix product are told it.

use super::epilogue::Epilogue;
use super::map::Map;
use super::planes::Planes;
use super::unfit::{Unfit, ensure, ensure_equal, ensure_shape, ensure_whole, ensure_window, product, sum};
use super::window::SLACK;
use crate::graph::Window;
use crate::runtime::parameters::Filters;

/// Where the sums go.
#[derive(Debug)]
pub enum Sink {
    /// To the output's rows.
    Rows(Map),
    /// Through a depthwise convolution: `channels[o]` is its channel for output channel `o`.
    Depthwise {
        /// The depthwise convolution.
        planes: Box<Planes>,
        /// Its channel for each output channel.
        channels: Vec<usize>,
    },
    /// To their mean over all pixels.
    Mean(Map),
}

/// What a convolution computes, before weights are packed.
#[derive(Debug)]
pub struct Spec {
    pub input: Map,
    pub out_channels: usize,
    pub out_size: [usize; 2],
    pub groups: usize,
    pub window: Window,
    /// `[out_channels][in_channels / groups][taps]`
    pub weights: Filters,
    pub bias: Vec<f32>,
    /// A map of the output's shape that is added before the activation.
    pub residual: Option<Map>,
    pub epilogue: Epilogue,
    pub sink: Sink,
}

impl Spec {
    /// Checks everything that the kernels take for granted about maps, rows and lengths.
    ///
    /// # Errors
    /// What contradicts what.
    pub(super) fn check(&self) -> Result<(), Unfit> {
        let Self { input, out_channels, out_size, groups, window, weights, bias, residual, sink, .. } = self;
        let (channels, batch) = (*out_channels, input.batch());
        ensure_whole("the input", input)?;
        let divide = |channels: usize| channels > 0 && channels.checked_rem(*groups) == Some(0);
        ensure(divide(input.channels) && divide(channels), || {
            format!("{} to {channels} channels do not divide into {groups} groups", input.channels)
        })?;
        ensure_window(window, input.size, *out_size)?;
        product("the output", &[batch, channels, out_size[0], out_size[1], 2])?;
        sum("the output", &[out_size[0] * out_size[1], 2 * SLACK])?;
        let taps = product("the window", &window.kernel)?;
        let size = product("the weights", &[channels, input.channels / groups, taps])?;
        ensure_equal("weights and biases", (weights.len(), bias.len()), (size, channels))?;
        if let Some(residual) = residual {
            ensure_shape("the residual", residual, (batch, channels, *out_size))?;
        }
        match sink {
            Sink::Rows(output) => ensure_shape("the output", output, (batch, channels, *out_size)),
            Sink::Mean(output) => ensure_shape("the means", output, (batch, channels, [1, 1])),
            Sink::Depthwise { planes, channels: order } => {
                ensure_equal("the planes", planes.input(), *out_size)?;
                ensure_shape("the depthwise output", planes.output(), (batch, channels, planes.output().size))?;
                // Each once: two panels must not write to the same row.
                let mut sorted = order.clone();
                sorted.sort_unstable();
                ensure(sorted.into_iter().eq(0..channels), || format!("{order:?} are not all channels, each once"))
            }
        }
    }
}
