//! Which weights teaching starts from: those of the design itself, or else those of a wider or deeper one, cut to fit.

use std::sync::Arc;

use shufflescope_engine::design::{Design, Edit};
use shufflescope_engine::model::Model;
use shufflescope_engine::training::{Passport, cut};
use shufflescope_engine::weights::{Weights, WeightsFile};

use super::job::TeachJob;
use crate::camera::{Fit, Question, Trained, WeightsChoice};

/// Weights to start from.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// What they are the weights of: the design, or one that they were cut from.
    pub design: Design,
    /// The weights.
    pub weights: Arc<Weights>,
    /// What they are, in a few words.
    pub words: String,
}

/// The design's own trained weights, or a wider or deeper network's; why there are none.
pub(super) fn origin(job: &TeachJob) -> Result<Origin, String> {
    let reason = match own(job) {
        Ok(own) => return Ok(own),
        Err(reason) => reason,
    };
    let others = job.others.iter().chain([&job.choice]).filter_map(|choice| of_another(choice, job));
    let demo = || of_another(&WeightsChoice::Only(Trained::Demo), job);
    let mut fitting = others.chain(std::iter::once_with(demo).flatten());
    fitting
        .find(|other| cut((&other.design, &other.weights), &with_classes(&job.design, other.design.classes)).is_ok())
        .ok_or(reason)
}

/// As [`origin`], with the weights of a wider network cut to fit.
pub(super) fn fitting(job: &TeachJob) -> Result<Origin, String> {
    let origin = origin(job)?;
    let wanted = with_classes(&job.design, origin.design.classes);
    if origin.design.fingerprint() == wanted.fingerprint() {
        return Ok(origin);
    }
    let (weights, report) = cut((&origin.design, &origin.weights), &wanted).map_err(|error| error.to_string())?;
    let words = format!("{}, cut to fit ({report})", origin.words);
    Ok(Origin { design: wanted, weights: Arc::new(weights), words })
}

fn with_classes(design: &Design, classes: u32) -> Design {
    design.apply(&Edit::Classes(classes))
}

/// The weights that the camera has for the design.
fn own(job: &TeachJob) -> Result<Origin, String> {
    let model = Model::from(&job.design);
    let question = Question {
        model: &model,
        choice: &job.choice,
        labels: None,
        preprocessing: job.preprocessing,
        folder: job.folder.as_deref(),
    };
    let (fit, opened) = question.fit(&question.offers());
    match (fit, opened) {
        (Fit::Predicts { weights: name, classes, .. }, Some(opened)) => {
            let weights = Arc::new(opened.weights().map_err(|error| error.to_string())?);
            let words = format!("the weights {name}");
            Ok(Origin { design: with_classes(&job.design, classes), weights, words })
        }
        (Fit::TimeOnly { reason, .. }, _) => Err(reason),
        (Fit::Predicts { weights, .. }, None) => Err(format!("The weights {weights} are gone.")),
    }
}

/// Weights of another design of which it is known.
fn of_another(choice: &WeightsChoice, job: &TeachJob) -> Option<Origin> {
    let WeightsChoice::Only(trained) = choice else { return None };
    if let Trained::File(path) = trained {
        let mut file = WeightsFile::open(path).ok()?;
        let passport = Passport::in_file(&file)?;
        let graph = shufflescope_engine::graph::lower(&passport.design, shufflescope_engine::design::Batch(1)).ok()?;
        let weights = Arc::new(file.load(&graph).ok()?);
        let words = format!("the weights taught on {}", passport.accuracy.data());
        return Some(Origin { design: passport.design, weights, words });
    }
    let design = trained.design()?;
    own(&TeachJob { design, choice: choice.clone(), ..job.clone() }).ok()
}
