//! The state of a training in a file, so that it can go on after a stop of any kind.
//!
//! A safetensors file: parameters, running statistics and the optimiser's memory as tensors; everything else as JSON in its
//! header. It is written whole or not at all.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};

use super::cpu::Statistics;
use super::learner::Learner;
use super::request::{Point, TrainError};
use crate::files::{read_regular, write_atomically};
use crate::units::Bytes;

/// The header's entry that makes a file a checkpoint.
const ENTRY: &str = "shufflescope-training";

/// Of what format writes.
const VERSION: u32 = 1;

/// A checkpoint is at most four floats for each parameter.
const MOST: Bytes = Bytes(8 << 30);

/// Everything but the numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    version: u32,
    /// What training this is of: hash of design, pictures, split, seed and recipe.
    pub training: String,
    /// Steps done.
    pub step: usize,
    /// How long they took.
    pub seconds: f64,
    /// Share of the budget used up.
    pub done: f64,
    /// The curves so far.
    pub history: Vec<Point>,
}

impl State {
    pub fn new(training: String) -> Self {
        Self { version: VERSION, training, ..Self::default() }
    }
}

/// Writes the state.
pub(super) fn save(path: &Path, learner: &Learner, state: &State) -> Result<(), TrainError> {
    let failed = |source| TrainError::Checkpoint { path: path.into(), source };
    let parameters = &learner.parameters;
    let running = |of: fn(&Statistics) -> f32| parameters.running.iter().map(of).collect::<Vec<_>>();
    let lists = [
        ("values", parameters.values.clone()),
        ("mean", running(|channel| channel.mean)),
        ("variance", running(|channel| channel.variance)),
        ("first", learner.descent.first.clone()),
        ("second", learner.descent.second.clone()),
    ];
    let bytes = lists.map(|(name, list)| {
        let bytes: Vec<u8> = list.iter().flat_map(|value| value.to_le_bytes()).collect();
        (name, list.len(), bytes)
    });
    let json = serde_json::to_string(state).map_err(|error| failed(io::Error::other(error)))?;
    let mut views = Vec::with_capacity(bytes.len());
    for (name, length, bytes) in &bytes {
        let view =
            TensorView::new(Dtype::F32, vec![*length], bytes).map_err(|error| failed(io::Error::other(error)))?;
        views.push((*name, view));
    }
    let header = HashMap::from([(ENTRY.to_owned(), json)]);
    let file = safetensors::serialize(views, Some(header)).map_err(|error| failed(io::Error::other(error)))?;
    write_atomically(path, &file).map_err(failed)
}

/// Puts what the file holds into the learner; `None` where there is no file.
pub(super) fn load(path: &Path, learner: &mut Learner, training: &str) -> Result<Option<State>, TrainError> {
    let other = |reason: String| TrainError::OtherCheckpoint { path: path.into(), reason };
    let file = match read_regular(path, MOST) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(other(format!("cannot be read ({error})"))),
        Ok(file) => file,
    };
    let damaged = |error: safetensors::SafeTensorError| other(format!("is no checkpoint ({error})"));
    let (_, header) = SafeTensors::read_metadata(&file).map_err(damaged)?;
    let entry = header.metadata().as_ref().and_then(|entries| entries.get(ENTRY));
    let json = entry.ok_or_else(|| other("is no checkpoint of a training".into()))?;
    let state: State =
        serde_json::from_slice(json.as_bytes()).map_err(|error| other(format!("is no checkpoint ({error})")))?;
    if state.version != VERSION {
        return Err(other("is a checkpoint of another version of this program".into()));
    }
    if state.training != training {
        return Err(other(
            "is the checkpoint of a training with another design, other pictures, seed or settings".into(),
        ));
    }
    let tensors = SafeTensors::deserialize(&file).map_err(damaged)?;
    let list = |name: &str, length: usize| {
        let view = tensors.tensor(name).map_err(damaged)?;
        let values: Vec<f32> = view.data().as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        if view.dtype() == Dtype::F32 && values.len() == length {
            Ok(values)
        } else {
            Err(other(format!("is damaged: `{name}` has {} values, not {length}", values.len())))
        }
    };
    let [parameters, channels] = [learner.parameters.values.len(), learner.parameters.running.len()];
    let values = list("values", parameters)?;
    let (means, variances) = (list("mean", channels)?, list("variance", channels)?);
    let first = list("first", parameters)?;
    let second = list("second", learner.descent.second.len())?;
    learner.parameters.values = values;
    let pairs = means.into_iter().zip(variances);
    learner.parameters.running = pairs.map(|(mean, variance)| Statistics { mean, variance }).collect();
    (learner.descent.first, learner.descent.second, learner.descent.steps) = (first, second, state.step);
    Ok(Some(state))
}
