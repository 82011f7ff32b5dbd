//! What a convolution in 8 bits computes, and what can follow while its words are still near.

use super::super::map::Map;
use super::super::unfit::{Unfit, ensure, ensure_equal, ensure_shape, ensure_whole, ensure_window, product};
use super::super::window::SLACK;
use super::panels::WordPanel;
use super::planes::Planes;
use super::quant::{Bounds, Lookup};
use super::sum::Sum;
use super::table::WordTable;
use crate::graph::Window;

/// Where a convolution's words go.
#[derive(Debug)]
pub enum ProductSink {
    /// To rows.
    Rows(Map),
    /// Nowhere: the mean over the map is stored.
    Mean {
        /// Rows of single words.
        output: Map,
        /// What the sum over the map is multiplied by.
        multiplier: f32,
        /// The bytes for zero: of the convolution's, of the mean's.
        zeros: [u8; 2],
    },
    /// Into a depthwise convolution.
    Depthwise(Box<Planes>),
    /// Into the usual max-pool, over 3x3 pixels and every other: the largest are stored.
    Largest(Map),
}

/// The window of the usual max-pool.
pub(super) fn pooled() -> Window {
    Window::square(3, 2)
}

impl ProductSink {
    /// What is stored.
    pub(super) fn output(&self) -> &Map {
        match self {
            Self::Rows(output) | Self::Mean { output, .. } | Self::Largest(output) => output,
            Self::Depthwise(planes) => planes.output(),
        }
    }
}

/// What a convolution computes.
#[derive(Debug)]
pub struct ProductSpec {
    /// The words that panels read, panel by panel; a word may be there more than once.
    pub input: Map,
    /// Words that it makes.
    pub out_words: usize,
    /// `[height, width]` of what it makes.
    pub out_size: [usize; 2],
    pub window: Window,
    pub panels: Vec<WordPanel>,
    /// Four weights a word, with [`SLACK`] words behind; none where only their number is known.
    pub weights: Option<Vec<u32>>,
    /// For each output channel, with those that fill up words, what its sum starts with and what it is multiplied by.
    pub bias: Vec<i32>,
    pub multipliers: Vec<f32>,
    /// A map of the output's shape that is added to the bytes.
    pub summand: Option<(Map, Sum)>,
    /// The bytes for zero of the input and of the output.
    pub zeros: [u8; 2],
    pub bounds: Bounds,
    /// What becomes of each byte in the end, where that is more than bounds.
    pub lookup: Option<Box<Lookup>>,
    pub sink: ProductSink,
}

impl ProductSpec {
    /// Whether its input's rows are multiplied as they are.
    pub(super) fn is_plain(&self) -> bool {
        self.window.is_plain() && self.out_size != [1, 1]
    }

    /// Words of packed weights.
    fn room(&self) -> Result<usize, Unfit> {
        let taps = product("the window", &self.window.kernel)?;
        let mut room = SLACK;
        for panel in &self.panels {
            let weights = product("the weights", &[panel.words, taps, 4 * panel.quads])?;
            ensure_equal("a panel's weights", panel.weights, room - SLACK)?;
            room = room.checked_add(weights).ok_or(Unfit::TooLarge("the weights"))?;
        }
        Ok(room)
    }

    /// Checks everything that the kernels take for granted; answers the words of packed weights.
    ///
    /// # Errors
    /// What contradicts what.
    pub(super) fn check(&self, table: &WordTable) -> Result<usize, Unfit> {
        let Self { input, out_words, out_size, window, panels, weights, bias, multipliers, .. } = self;
        ensure_whole("the input", input)?;
        let (batch, words, size) = (input.batch(), *out_words, *out_size);
        ensure_window(window, input.size, size)?;
        let output = self.sink.output();
        match &self.sink {
            ProductSink::Rows(_) => ensure_shape("the output", output, (batch, words, size))?,
            ProductSink::Mean { .. } => ensure_shape("the means", output, (batch, words, [1, 1]))?,
            ProductSink::Depthwise(planes) => {
                ensure_shape("the depthwise output", output, (batch, words, output.size))?;
                ensure_equal("the depthwise input", planes.input(), size)?;
            }
            ProductSink::Largest(_) => {
                ensure_shape("the pooled output", output, (batch, words, output.size))?;
                ensure_window(&pooled(), size, output.size)?;
            }
        }
        if let Some((summand, _)) = &self.summand {
            ensure_shape("what is added", summand, (batch, words, size))?;
        }
        let channels = product("the output", &[words, 4])?;
        ensure_equal("biases and multipliers", (bias.len(), multipliers.len()), (channels, channels))?;
        let mut next = 0;
        for panel in panels {
            let last = panel.inputs.checked_add(panel.words);
            ensure(last.is_some_and(|last| last <= input.channels && panel.words > 0), || format!("{panel:?} reads"))?;
            ensure(panel.outputs == next && 4 * panel.quads <= table.rows() && panel.quads > 0, || {
                format!("{panel:?}")
            })?;
            next += panel.quads;
        }
        ensure_equal("the panels' outputs", next, words)?;
        let room = self.room()?;
        ensure(weights.as_ref().is_none_or(|weights| weights.len() == room), || "weights".into())?;
        Ok(room)
    }
}
