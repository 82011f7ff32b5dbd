//! What is costed, measured and reported: a [`Model`], which is a design, a fixed network of the zoo or a model file.
//!
//! All three give a graph for a batch, weights and a fingerprint; only a design can be edited. A model is plain data:
//! its JSON form travels in profiles and to the worker, and a file is opened when its graph is asked for.

mod error;
mod file;
mod fitting;
mod json;
mod kinds;

pub use error::ModelError;
pub use file::ModelFile;
pub use fitting::{Closest, FitError, classes_of, closest, fitted, fitted_graph, fitting, fitting_networks};
pub use kinds::{Model, NetworkChoice};
