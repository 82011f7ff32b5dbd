//! Reads a file of weights for one network.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use super::content::{Container, TELLING, container};
use super::element::Element;
use super::error::Mismatch;
use super::pairing::{best, complete, matching, named, pair};
use super::quantisation::{self, is_scale};
use super::quantised::{kept, readable};
use super::stored::{Fault, Group, Kind, QUANTISED, StoredTensor, shown};
use super::views::{View, clean, is_counter, views};
use super::{
    ExpectedTensor, Notes, Quantisation, Role, ScaleError, WeightTensor, Weights, WeightsError, expected, pth,
    safetensors,
};
use crate::files::open_regular;
use crate::graph::{Graph, Op};

/// Reads the parameters of `graph` from `path`, whatever it is called: by layer path as torchvision names them, 16- and
/// 64-bit floats converted to 32 bits, what wrappers put in front of names taken off, counters (`num_batches_tracked`) left
/// out. A PyTorch file of any version holds them itself or under any key; where it holds several, averages come first.
///
/// # Errors
/// As [`WeightsFile::open`] and [`WeightsFile::load`].
pub fn load(path: &Path, graph: &Graph) -> Result<Weights, WeightsError> {
    WeightsFile::open(path)?.load(graph)
}

/// A file of weights of which so far only the tensors' names and shapes have been read: enough to say what it fits.
#[derive(Debug)]
pub struct WeightsFile {
    path: PathBuf,
    /// `safetensors` or `PyTorch`.
    format: &'static str,
    file: File,
    length: u64,
    groups: Vec<Group>,
    /// The ways to read them, those to be preferred first.
    views: Vec<View>,
    notes: Notes,
}

/// Which of a file's tensors are taken, where that does not go without saying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The keys or prefixes that lead to them: `state_dict_ema`, `state_dict.module`; empty for those that are the file.
    pub key: String,
    /// Whether they are a moving average of the weights in training.
    pub is_averaged: bool,
    /// Keys of others that would fit as well.
    pub others: Vec<String>,
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key.as_str() {
            "" => write!(f, "the tensors outside of any key are taken")?,
            key => write!(f, "the tensors under `{key}` are taken")?,
        }
        if self.is_averaged {
            write!(f, ", a moving average of the training")?;
        }
        let others: Vec<String> = self.others.iter().map(|key| format!("`{key}`")).collect();
        if others.is_empty() { Ok(()) } else { write!(f, "; {} would fit as well", others.join(", ")) }
    }
}

impl WeightsFile {
    /// Lists what `path` holds, as [`load`] would read it.
    ///
    /// # Errors
    /// Where the file cannot be read, is damaged, or is something else than weights: what it is then, and what to do.
    /// Whatever it holds, no more memory is used than its length calls for.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let read = |source| WeightsError::Read { path: path.into(), source };
        let (mut file, length) = open(path).map_err(read)?;
        let mut start = Vec::new();
        (&mut file).take(TELLING).read_to_end(&mut start).map_err(read)?;
        file.rewind().map_err(read)?;
        let is_safetensors = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("safetensors"));
        let container = container(&start, length, is_safetensors).map_err(|fault| failure(path, "", fault))?;
        let (format, listed) = match container {
            Container::Safetensors => ("safetensors", safetensors::list(&mut file, length)),
            Container::Archive => ("PyTorch", pth::list_archive(&mut file, length).map(unannotated)),
            Container::Stream => ("PyTorch", pth::list_stream(&mut file, length).map(unannotated)),
        };
        let plain = listed.and_then(|(groups, notes)| Ok((without_quantised(readable(groups))?, notes)));
        let (mut groups, notes) = plain.map_err(|fault| failure(path, format, fault))?;
        clean(&mut groups);
        let views = views(&groups);
        Ok(Self { path: path.into(), format, file, length, groups, views, notes })
    }

    /// What the file says of itself beside its tensors, by key: safetensors' metadata. Nobody has checked it.
    #[must_use]
    pub const fn notes(&self) -> &Notes {
        &self.notes
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same file with nothing but what is under `key`: one of [`Taken::key`] or [`Taken::others`], or the start of
    /// one.
    ///
    /// # Errors
    /// Where nothing is there: every key that there is.
    pub fn only(self, key: &str) -> Result<Self, WeightsError> {
        let within = |view: &View| {
            view.key == key || view.key.strip_prefix(key).is_some_and(|rest| rest.starts_with('.') && !key.is_empty())
        };
        // Keys of the file where it has some, else what its names begin with.
        let known = |is_told: fn(&View) -> bool| -> Vec<String> {
            let told = self.views.iter().filter(|view| is_told(view) && !view.key.is_empty());
            told.map(|view| view.key.clone()).collect()
        };
        let mut keys = known(|view| view.cut == 0);
        if keys.is_empty() {
            keys = known(|_| true);
        }
        let views: Vec<View> = self.views.into_iter().filter(within).collect();
        if views.is_empty() {
            keys.dedup();
            keys.truncate(20);
            return Err(WeightsError::NoKey { path: self.path, key: shown(key), keys });
        }
        Ok(Self { views, ..self })
    }

    /// Length of every axis of the tensor that is called so where the file is read for `graph`.
    #[must_use]
    pub fn shape(&self, graph: &Graph, name: &str) -> Option<&[usize]> {
        let view = best(&self.views, &self.groups, &expected(graph))?;
        named(view, &self.groups).find(|(of, _)| *of == name).map(|(_, tensor)| tensor.shape.as_slice())
    }

    /// How many tensors fit `graph` by name and shape, of how many that either has.
    #[must_use]
    pub fn matching(&self, graph: &Graph) -> (usize, usize) {
        let expected = expected(graph);
        let Some(view) = best(&self.views, &self.groups, &expected) else { return (0, expected.len()) };
        let of_file = named(view, &self.groups).filter(|(name, _)| !is_counter(name) && !is_scale(name)).count();
        (matching(view, &self.groups, &expected), expected.len().max(of_file))
    }

    /// Which tensors [`load`](Self::load) takes for `graph`, where the file has them under a key or behind a prefix.
    #[must_use]
    pub fn taken(&self, graph: &Graph) -> Option<Taken> {
        let expected = expected(graph);
        let mut fitting = complete(&self.views, &self.groups, &expected);
        let View { key, is_averaged, .. } = fitting.next()?;
        let mut others: Vec<String> = fitting.map(|view| view.key.clone()).filter(|other| other != key).collect();
        others.dedup();
        let says_nothing = key.is_empty() && others.is_empty();
        (!says_nothing).then(|| Taken { key: key.clone(), is_averaged: *is_averaged, others })
    }

    /// Whether the file has exactly what `graph` needs.
    ///
    /// # Errors
    /// Every tensor that is missing, extra, of another shape or not floating-point.
    pub fn compare(&self, graph: &Graph) -> Result<(), Mismatch> {
        self.pair(graph).map(drop)
    }

    /// Reads the parameters of `graph`.
    ///
    /// # Errors
    /// [`WeightsError::Mismatch`] lists every tensor that is missing, extra, of another shape or not floating-point;
    /// otherwise the file cannot be read or is damaged, as the checksums of an archive show. No more
    /// memory is used than the network's own size calls for.
    pub fn load(&mut self, graph: &Graph) -> Result<Weights, WeightsError> {
        let pairs = self.pair(graph).map_err(|mismatch| WeightsError::Mismatch {
            path: self.path.clone(),
            design: graph.name.clone(),
            mismatch: Box::new(mismatch),
        })?;
        let mut weights = Weights::default();
        // Many tensors can lie in one entry of an archive.
        let mut checked = HashSet::new();
        for (expected, stored) in pairs {
            let parts = stored.scales.iter().flat_map(|parts| parts.iter());
            for checksum in parts.chain([&stored]).filter_map(|part| part.checksum.as_ref()) {
                if checked.insert(checksum.begin) {
                    checksum.check(&mut self.file).map_err(|fault| failure(&self.path, self.format, fault))?;
                }
            }
            let values =
                stored.read(&mut self.file, self.length).map_err(|fault| failure(&self.path, self.format, fault))?;
            let values = match (&stored.kind, expected.role) {
                // A normalisation that changes nothing.
                (Kind::Given(_), Role::RunningVar) => less_eps(values, graph, &expected.name),
                _ => values,
            };
            weights.insert(expected.name, WeightTensor { shape: expected.shape, values });
        }
        self.load_scales(graph, &mut weights)?;
        Ok(weights)
    }

    /// Adds what the file says of how bytes stand for numbers.
    fn load_scales(&mut self, graph: &Graph, weights: &mut Weights) -> Result<(), WeightsError> {
        let Some(view) = best(&self.views, &self.groups, &expected(graph)) else { return Ok(()) };
        let found: HashMap<&str, &StoredTensor> =
            named(view, &self.groups).filter(|(name, _)| is_scale(name)).collect();
        if found.is_empty() {
            return Ok(());
        }
        let is_pytorchs = named(view, &self.groups).any(|(_, tensor)| tensor.scales.is_some());
        let wrong = |name: &str, reason: &str| {
            let layer = name.rsplit_once('.').map_or("", |(layer, _)| layer);
            let source = ScaleError { layer: shown(layer), reason: reason.into() };
            WeightsError::Scale { path: self.path.clone(), source }
        };
        let known: HashMap<String, usize> = quantisation::names(graph).collect();
        for (name, stored) in found {
            let Some(&most) = known.get(name) else {
                return Err(wrong(name, "the network has no such layer with such a scale"));
            };
            if !matches!(stored.kind, Kind::Float(_) | Kind::Integer(_) | Kind::Given(_)) {
                return Err(wrong(name, "its scale or zero point is no number"));
            }
            let count = stored.shape.iter().try_fold(1_usize, |count, &length| count.checked_mul(length));
            if count.is_none_or(|count| count > most) {
                return Err(wrong(name, &format!("{:?} scales where there are {most} at most", stored.shape)));
            }
            if let Some(checksum) = &stored.checksum {
                checksum.check(&mut self.file).map_err(|fault| failure(&self.path, self.format, fault))?;
            }
            let values =
                stored.read(&mut self.file, self.length).map_err(|fault| failure(&self.path, self.format, fault))?;
            weights.insert(name, WeightTensor { shape: vec![values.len()], values });
        }
        let known = Quantisation::of(graph, weights)
            .map_err(|source| WeightsError::Scale { path: self.path.clone(), source })?;
        if is_pytorchs {
            kept(graph, known).store(graph, weights);
        }
        Ok(())
    }

    fn pair(&self, graph: &Graph) -> Result<Vec<(ExpectedTensor, StoredTensor)>, Mismatch> {
        let expected = expected(graph);
        match best(&self.views, &self.groups, &expected) {
            Some(view) => pair(view, &self.groups, expected),
            // No group has no view.
            None => Err(Mismatch::default()),
        }
    }
}

/// Variances that are one with what their normalisation adds to them.
fn less_eps(values: Vec<f32>, graph: &Graph, name: &str) -> Vec<f32> {
    let path = name.strip_suffix(".running_var");
    let eps = graph.nodes().iter().find_map(|node| match node.op {
        Op::BatchNorm { eps, .. } if Some(node.path.as_str()) == path => Some(eps),
        _ => None,
    });
    values.into_iter().map(|value| (f64::from(value) - eps.unwrap_or_default()) as f32).collect()
}

/// A file of a kind that says nothing of itself.
fn unannotated(groups: Vec<Group>) -> (Vec<Group>, Notes) {
    (groups, Notes::new())
}

/// The groups whose weights are numbers, or bytes with their scales.
fn without_quantised(groups: Vec<Group>) -> Result<Vec<Group>, Fault> {
    let is_unknown = |group: &Group| {
        group.tensors.iter().any(|tensor| {
            let is_weight = tensor.name.ends_with("weight") && tensor.shape.len() > 1;
            match &tensor.kind {
                Kind::Quantised(_) => tensor.scales.is_none(),
                Kind::Integer(Element::I8 | Element::U8) => is_weight,
                Kind::Other(kind) => kind == QUANTISED || is_weight && EIGHT_BITS.contains(&kind.as_str()),
                Kind::Float(_) | Kind::Integer(_) | Kind::Given(_) => false,
            }
        })
    };
    let found_any = !groups.is_empty();
    let plain: Vec<Group> = groups.into_iter().filter(|group| !is_unknown(group)).collect();
    if found_any && plain.is_empty() {
        return Err(Fault::foreign(
            "its weights are quantised, integers of eight bits or fewer with scales in a form that is not known here; save \
             the network's weights as they were before it was converted",
        ));
    }
    Ok(plain)
}

/// What safetensors calls integers of eight bits, and PyTorch those without a scale.
const EIGHT_BITS: [&str; 4] = ["I8", "U8", "QInt8", "QUInt8"];

fn failure(path: &Path, format: &'static str, fault: Fault) -> WeightsError {
    match fault {
        Fault::Io(source) => WeightsError::Read { path: path.into(), source },
        Fault::Malformed(reason) => WeightsError::Malformed { path: path.into(), format, reason },
        Fault::Foreign(what) => WeightsError::NotWeights { path: path.into(), what },
    }
}

/// Opens a regular file; a pipe would block and a folder has no length.
fn open(path: &Path) -> io::Result<(File, u64)> {
    open_regular(path).map(|(file, length)| (file, length.0))
}

#[cfg(test)]
mod tests;
