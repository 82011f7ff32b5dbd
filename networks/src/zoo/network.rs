//! Networks that no table of stages expresses: graphs, measured and compared like designs but not edited.

use std::fmt;

use super::{Published, Reference};
use crate::design::{Batch, InputSize, limits};
use crate::graph::{Graph, GraphBuilder, LowerError, Shape};

/// A network of the zoo that is a graph from the start.
#[derive(Clone)]
pub struct Network {
    /// Unique among networks and presets.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// The input that its publication uses.
    pub input: InputSize,
    /// What the literature says about it.
    pub published: Option<Published>,
    /// What code that others trust counts for it at [`input`](Self::input); ours must agree exactly.
    pub reference: Option<Reference>,
    /// Adds every layer behind the input.
    pub(super) build: fn(&mut GraphBuilder) -> Result<(), LowerError>,
}

impl Network {
    /// The network for one input size and batch.
    ///
    /// # Errors
    /// Where size or batch are outside [`limits`], or a layer does not fit an input of this size.
    pub fn graph(&self, input: InputSize, batch: Batch) -> Result<Graph, LowerError> {
        for (what, value, range) in [
            ("height", input.height, limits::INPUT),
            ("width", input.width, limits::INPUT),
            ("batch", batch.0, limits::BATCH),
        ] {
            if !range.contains(&value) {
                let reason = format!("its {what} is {value}, must be from {} to {}", range.start(), range.end());
                return Err(LowerError { path: "input".into(), reason });
            }
        }
        let shape = Shape::new(batch.0 as usize, 3, input.height as usize, input.width as usize);
        let mut builder = GraphBuilder::new(self.name, shape);
        (self.build)(&mut builder)?;
        Ok(builder.finish())
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("name", &self.name).field("input", &self.input).finish_non_exhaustive()
    }
}
