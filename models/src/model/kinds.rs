//! The three kinds of model and what they have in common.

use std::borrow::Cow;
use std::path::Path;

use super::{ModelError, ModelFile};
use crate::design::{Batch, Design, Edit, Fingerprint, InputSize, limits};
use crate::graph::{Graph, lower};
use crate::weights::{Weights, load};
use crate::zoo::{self, Network, Published};

/// A network in whatever form it is known.
#[derive(Clone, Debug, PartialEq)]
pub enum Model {
    /// Stages and units, to be edited.
    Design(Design),
    /// A network of the zoo that is a graph from the start.
    Network(NetworkChoice),
    /// A file of another program.
    File(ModelFile),
}

/// A fixed network of the zoo at an input size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkChoice {
    /// Its name among [`zoo::networks`].
    pub name: String,
    /// Size of the image read.
    pub input: InputSize,
}

impl NetworkChoice {
    /// The network of this name, where this program has it.
    #[must_use]
    pub fn network(&self) -> Option<&'static Network> {
        zoo::network(&self.name)
    }

    fn graph(&self, batch: Batch) -> Result<Graph, ModelError> {
        let Self { name, input } = self;
        let network = self.network().ok_or_else(|| ModelError::UnknownNetwork { name: name.clone() })?;
        if ![input.height, input.width].iter().all(|side| limits::INPUT.contains(side)) {
            return Err(ModelError::Input { name: name.clone(), input: *input });
        }
        let misfit = |source| ModelError::Layer { name: name.clone(), input: *input, source };
        network.graph(*input, batch).map_err(misfit)
    }
}

impl Model {
    /// The preset or fixed network of this name, at its own input.
    #[must_use]
    pub fn in_zoo(name: &str) -> Option<Self> {
        zoo::preset(name).map(Self::Design).or_else(|| zoo::network(name).map(Self::from))
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Design(design) => &design.name,
            Self::Network(choice) => &choice.name,
            Self::File(file) => file.name(),
        }
    }

    /// Size of the image read.
    #[must_use]
    pub const fn input(&self) -> InputSize {
        match self {
            Self::Design(design) => design.input,
            Self::Network(choice) => choice.input,
            Self::File(file) => file.input(),
        }
    }

    /// The design, where it is one: only then there is something to edit.
    #[must_use]
    pub const fn design(&self) -> Option<&Design> {
        match self {
            Self::Design(design) => Some(design),
            Self::Network(_) | Self::File(_) => None,
        }
    }

    /// What is published about this very model: a preset or network of the zoo that was not changed.
    #[must_use]
    pub fn published(&self) -> Option<Published> {
        match self {
            Self::Design(design) => zoo::find(&design.name).filter(|preset| preset.design == *design)?.published,
            Self::Network(choice) => choice.network().filter(|network| network.input == choice.input)?.published,
            Self::File(_) => None,
        }
    }

    /// A short name for everything that influences what runs; for a file that is its content.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        match self {
            Self::Design(design) => design.fingerprint(),
            Self::Network(NetworkChoice { name, input }) => {
                Fingerprint::of_bytes(format!("{:?}", ("network", name, input)).as_bytes())
            }
            Self::File(file) => {
                let mut text = format!("{:?}", ("file", file.content(), file.input()));
                text += file.output().unwrap_or_default();
                Fingerprint::of_bytes(text.as_bytes())
            }
        }
    }

    /// The graph for this many images.
    ///
    /// # Errors
    /// Every rule that a design breaks; a fixed network or file that does not allow this input or batch; a file that is
    /// gone or has changed.
    pub fn graph(&self, batch: Batch) -> Result<Graph, ModelError> {
        if self.design().is_none() && !limits::BATCH.contains(&batch.0) {
            return Err(ModelError::Batch { batch: batch.0 });
        }
        match self {
            Self::Design(design) => Ok(lower(design, batch)?),
            Self::Network(choice) => choice.graph(batch),
            Self::File(file) => file.graph(batch),
        }
    }

    /// Whether [`weights`](Self::weights) are its own where no file is named; otherwise they are made up.
    #[must_use]
    pub const fn has_weights(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// Weights for `graph`, which is this model's: of the file named, otherwise its own, otherwise seeded ones.
    ///
    /// # Errors
    /// Where a file cannot be read or does not fit the graph.
    pub fn weights(&self, graph: &Graph, file: Option<&Path>) -> Result<Cow<'_, Weights>, ModelError> {
        match (file, self) {
            (Some(path), _) => Ok(Cow::Owned(load(path, graph)?)),
            (None, Self::File(own)) => Ok(Cow::Borrowed(own.weights()?)),
            (None, Self::Design(_) | Self::Network(_)) => Ok(Cow::Owned(Weights::seeded(graph, Weights::DEFAULT_SEED))),
        }
    }

    /// The model at another input size; whether it fits is told by [`graph`](Self::graph).
    #[must_use]
    pub fn with_input(self, input: InputSize) -> Self {
        match self {
            Self::Design(design) => Self::Design(design.apply(&Edit::Input(input))),
            Self::Network(choice) => Self::Network(NetworkChoice { input, ..choice }),
            Self::File(file) => Self::File(ModelFile { input, ..file }),
        }
    }
}

impl From<Design> for Model {
    fn from(design: Design) -> Self {
        Self::Design(design)
    }
}

impl From<&Design> for Model {
    fn from(design: &Design) -> Self {
        Self::Design(design.clone())
    }
}

impl From<&Self> for Model {
    fn from(model: &Self) -> Self {
        model.clone()
    }
}

impl From<ModelFile> for Model {
    fn from(file: ModelFile) -> Self {
        Self::File(file)
    }
}

/// The network at the input of its publication.
impl From<&Network> for Model {
    fn from(network: &Network) -> Self {
        Self::Network(NetworkChoice { name: network.name.into(), input: network.input })
    }
}
