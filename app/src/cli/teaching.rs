//! What `train` and `evaluate` share: a folder of pictures, weights to start from, and an accuracy as it is told.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use shufflescope_engine::classify::{Preprocessing, PreprocessingOptions};
use shufflescope_engine::design::{Batch, Design, Edit, InputSize};
use shufflescope_engine::graph::lower;
use shufflescope_engine::model::{fitted, fitting};
use shufflescope_engine::training::pictures::{FolderProgress, Pictures, from_folder};
use shufflescope_engine::training::{Accuracy, CutReport, Passport, cut, demo_at};
use shufflescope_engine::weights::{Weights, WeightsFile};

use super::output::complain;
use super::resolve::UsageError;
use super::trained::{DEMO, no_network, weights_file};
use crate::image_file::read_picture;

/// Broken pictures that are named one by one.
const NAMED: usize = 20;

/// The folder's pictures, cut as a network of this input sees them; broken ones are named on stderr and left out.
pub(super) fn read_pictures(
    folder: &Path,
    input: InputSize,
    options: &PreprocessingOptions,
) -> anyhow::Result<Pictures> {
    let preprocessing = Preprocessing::with(input, options).map_err(|error| match options.resize {
        Some(side) => anyhow::Error::from(UsageError(format!("--resize {side}: {error}"))),
        None => error.into(),
    })?;
    let bar = bar("reading pictures {bar:30} {pos} of {len}");
    let decode = |path: &Path| read_picture(path).map_err(|error| error.to_string());
    let pictures = from_folder(folder, preprocessing, decode, |FolderProgress { done, all }| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    let pictures = pictures?;
    for broken in pictures.broken().iter().take(NAMED) {
        complain(&format!("note: left out: {broken}"));
    }
    if let Some(more) = pictures.broken().len().checked_sub(NAMED).filter(|more| *more > 0) {
        complain(&format!("note: and {more} more"));
    }
    Ok(pictures)
}

/// A bar on stderr, where a person sees it.
pub(super) fn bar(template: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// Weights to start from, and the design that they are of.
pub(super) struct Source {
    pub(super) design: Design,
    pub(super) weights: Weights,
}

impl Source {
    /// The weights that `word` means: a file, the name of downloaded ones, or `demo`. They are of `design`, of the network that
    /// their file names, or of a built-in one that is cut to fit.
    pub(super) fn of(word: &str, design: &Design) -> anyhow::Result<Self> {
        if word == DEMO {
            let (design, weights) = demo_at::start(design);
            return Ok(Self { design, weights });
        }
        let (path, published) = weights_file(word)?;
        let mut file = WeightsFile::open(&path)?;
        let mut candidates: Vec<Design> = fitted(&file, design).into_iter().collect();
        candidates.extend(Passport::in_file(&file).and_then(|of| fitted(&file, &of.design).ok()));
        if candidates.is_empty() {
            candidates = fitting(&file);
            let name = published.map(|published| published.design);
            candidates.sort_by_key(|candidate| Some(candidate.name.as_str()) != name);
        }
        if candidates.is_empty() {
            bail!(no_network(&file));
        }
        let mut refusal = None;
        for candidate in candidates {
            let weights = file.load(&lower(&candidate, Batch(1))?)?;
            match cut((&candidate, &weights), &design.apply(&Edit::Classes(candidate.classes))) {
                Ok(_) => return Ok(Self { design: candidate, weights }),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        match refusal {
            Some(error) => Err(error).with_context(|| format!("the weights `{}`", path.display())),
            None => bail!(no_network(&file)),
        }
    }
}

/// What was cut, where something was.
pub(super) fn tell_cut(report: &CutReport) {
    if !report.is_whole() {
        complain(&format!("note: starting {report}"));
    }
}

/// An accuracy in JSON.
#[derive(Serialize)]
pub(super) struct AccuracyJson {
    held_out: u64,
    correct: u64,
    low: f64,
    high: f64,
    data: String,
    pictures: u64,
}

impl From<&Accuracy> for AccuracyJson {
    fn from(accuracy: &Accuracy) -> Self {
        Self {
            held_out: accuracy.held_out(),
            correct: accuracy.correct(),
            low: accuracy.low(),
            high: accuracy.high(),
            data: accuracy.data().name.clone(),
            pictures: accuracy.data().pictures,
        }
    }
}
