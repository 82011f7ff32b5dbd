//! The shape of a feature map.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Elements;

/// `[batch, channels, height, width]`; vectors (after pooling, logits) have height and width 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(from = "[usize; 4]", into = "[usize; 4]")]
pub struct Shape {
    /// Images processed together.
    pub batch: usize,
    /// Channels of the map.
    pub channels: usize,
    /// Rows of the map.
    pub height: usize,
    /// Columns of the map.
    pub width: usize,
}

impl Shape {
    /// `[batch, channels, height, width]`.
    #[must_use]
    pub const fn new(batch: usize, channels: usize, height: usize, width: usize) -> Self {
        Self { batch, channels, height, width }
    }

    /// Elements in the whole batch.
    #[must_use]
    pub fn elements(&self) -> Elements {
        Elements(
            [self.channels, self.height, self.width].iter().fold(self.batch as u64, |n, &d| n.saturating_mul(d as u64)),
        )
    }

    /// Pixels of one channel: `height * width`.
    #[must_use]
    pub const fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// The same map with another number of channels.
    #[must_use]
    pub const fn with_channels(self, channels: usize) -> Self {
        Self { channels, ..self }
    }
}

impl From<[usize; 4]> for Shape {
    fn from([batch, channels, height, width]: [usize; 4]) -> Self {
        Self { batch, channels, height, width }
    }
}

impl From<Shape> for [usize; 4] {
    fn from(shape: Shape) -> Self {
        [shape.batch, shape.channels, shape.height, shape.width]
    }
}

impl fmt::Display for Shape {
    /// `58x28x28`, with the batch in front only where it is not 1: `8x58x28x28`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { batch, channels, height, width } = *self;
        let mut text = if batch == 1 { String::new() } else { format!("{batch}x") };
        text += &if (height, width) == (1, 1) { format!("{channels}") } else { format!("{channels}x{height}x{width}") };
        f.pad(&text)
    }
}
