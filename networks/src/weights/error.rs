//! What can be wrong with weights, told so that a person can act on it.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

use super::ScaleError;

/// Weights that cannot be read, written or used.
#[derive(Debug, Error)]
pub enum WeightsError {
    /// The file cannot be opened or read.
    #[error("cannot read the weights `{}`: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the weights `{}`: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is something else.
    #[error("`{}` holds no weights that can be used: {what}", .path.display())]
    NotWeights {
        /// The file.
        path: PathBuf,
        /// What it is, and what to do.
        what: String,
    },
    /// The file has nothing under the key asked for.
    #[error("`{}` has no tensors under `{key}`; {}", .path.display(), listed(.keys))]
    NoKey {
        /// The file.
        path: PathBuf,
        /// The key asked for.
        key: String,
        /// Keys that it has.
        keys: Vec<String>,
    },
    /// The file is damaged, or not what its name says.
    #[error("`{}` is not a usable {format} file: {reason}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// `safetensors` or `PyTorch`.
        format: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is fine but holds another network.
    #[error("the weights `{}` do not fit `{design}`:{mismatch}", .path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// The design's name.
        design: String,
        /// Everything that does not fit.
        mismatch: Box<Mismatch>,
    },
    /// The file says how bytes stand for a layer's numbers, and it cannot be so.
    #[error("the weights `{}`: {source}", .path.display())]
    Scale {
        /// The file.
        path: PathBuf,
        /// The layer, and what is wrong.
        source: ScaleError,
    },
    /// Weights in memory that lack something the network needs.
    #[error("the weights do not fit `{design}`:{mismatch}")]
    Incomplete {
        /// The design's name.
        design: String,
        /// Everything that does not fit.
        mismatch: Box<Mismatch>,
    },
}

/// One tensor that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The tensor's name.
    pub name: String,
    /// What the network needs; empty for a tensor that it does not know.
    pub expected: String,
    /// What there is; empty for a missing tensor.
    pub found: String,
}

impl Misfit {
    pub(super) fn missing(name: String, expected: &[usize]) -> Self {
        Self { name, expected: shape(expected), found: String::new() }
    }

    pub(super) fn misshaped(name: String, expected: &[usize], found: &[usize]) -> Self {
        Self { name, expected: shape(expected), found: shape(found) }
    }
}

/// Every tensor that does not fit, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// Needed but not there.
    pub missing: Vec<Misfit>,
    /// There but unknown to the network.
    pub extra: Vec<Misfit>,
    /// There with another shape.
    pub misshaped: Vec<Misfit>,
    /// There, but not as floating-point numbers.
    pub not_float: Vec<Misfit>,
}

impl Mismatch {
    /// Whether everything fits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tensors that do not fit.
    #[must_use]
    pub fn len(&self) -> usize {
        [&self.missing, &self.extra, &self.misshaped, &self.not_float].iter().map(|list| list.len()).sum()
    }

    /// The difference in a few lines, where the whole of it would fill a screen: the first `count` tensors, those with
    /// another shape before those that only one side has.
    #[must_use]
    pub fn first(&self, count: usize) -> String {
        // What either side lacks is told in turns: names that differ in a part are seen side by side.
        let most = self.missing.len().max(self.extra.len());
        let one_side = (0..most).flat_map(|at| [self.missing.get(at), self.extra.get(at)]).flatten();
        let misfits = self.misshaped.iter().chain(&self.not_float).chain(one_side);
        let line = |misfit: &Misfit| {
            let Misfit { name, expected, found } = misfit;
            match (expected.is_empty(), found.is_empty()) {
                (false, false) => format!("\n  {name}: the design has {expected}, the file {found}"),
                (false, true) => format!("\n  {name}: the design has {expected}, the file nothing"),
                (true, _) => format!("\n  {name}: the design has nothing, the file {found}"),
            }
        };
        let mut text: String = misfits.take(count).map(line).collect();
        match self.len().saturating_sub(count) {
            0 => {}
            more => text += &format!("\n  and {more} more"),
        }
        text
    }
}

fn listed(keys: &[String]) -> String {
    let names: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    if names.is_empty() { "it has no keys".into() } else { format!("there are {}", names.join(", ")) }
}

/// Tensors of each kind that a message names; the rest are counted.
const NAMED: usize = 20;

impl fmt::Display for Mismatch {
    /// One tensor per line, grouped, with the network's side before the file's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = |title: &str, misfits: &[Misfit], line: fn(&Misfit) -> String| {
            if misfits.is_empty() {
                return Ok(());
            }
            write!(f, "\n  {} {title}:", misfits.len())?;
            for misfit in misfits.iter().take(NAMED) {
                write!(f, "\n    {}", line(misfit))?;
            }
            match misfits.len().saturating_sub(NAMED) {
                0 => Ok(()),
                more => write!(f, "\n    and {more} more"),
            }
        };
        let both = |misfit: &Misfit| format!("{}: expected {}, found {}", misfit.name, misfit.expected, misfit.found);
        list("missing", &self.missing, |misfit| format!("{}: expected {}", misfit.name, misfit.expected))?;
        list("of another shape", &self.misshaped, both)?;
        list("not floating-point", &self.not_float, both)?;
        list("unknown to the network", &self.extra, |misfit| format!("{}: found {}", misfit.name, misfit.found))
    }
}

/// `[58, 24, 1, 1]`
pub(super) fn shape(shape: &[usize]) -> String {
    format!("{shape:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_lines_show_other_shapes_before_what_one_side_lacks() {
        let mismatch = Mismatch {
            missing: vec![Misfit::missing("a.weight".into(), &[3])],
            misshaped: vec![Misfit::misshaped("fc.weight".into(), &[9, 4], &[7, 4])],
            extra: vec![Misfit { name: "b.weight".into(), expected: String::new(), found: "[5]".into() }],
            ..Mismatch::default()
        };
        assert_eq!(mismatch.len(), 3);
        let shapes = "\n  fc.weight: the design has [9, 4], the file [7, 4]";
        assert_eq!(mismatch.first(1), format!("{shapes}\n  and 2 more"));
        let missing = "\n  a.weight: the design has [3], the file nothing";
        let extra = "\n  b.weight: the design has nothing, the file [5]";
        assert_eq!(mismatch.first(3), [shapes, missing, extra].concat());
    }

    #[test]
    fn a_mismatch_names_every_kind_and_counts_what_it_does_not_name() {
        let missing = (0..23).map(|i| Misfit::missing(format!("layer{i}.weight"), &[i, 2])).collect();
        let misshaped = vec![Misfit::misshaped("fc.weight".into(), &[1000, 64], &[10, 64])];
        let text = Mismatch { missing, misshaped, ..Mismatch::default() }.to_string();
        assert!(text.starts_with("\n  23 missing:\n    layer0.weight: expected [0, 2]\n"), "{text}");
        assert!(text.contains("layer19.weight") && !text.contains("layer20.weight"), "{text}");
        assert!(text.contains("\n    and 3 more\n"), "{text}");
        assert!(text.ends_with("1 of another shape:\n    fc.weight: expected [1000, 64], found [10, 64]"), "{text}");
        assert!(!text.contains("floating"), "{text}");
    }
}
