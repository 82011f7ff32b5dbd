//! Which weights teaching starts from.

use shufflescope_engine::model::Model;
use shufflescope_engine::weights::Weights;

use super::job::TeachJob;
use crate::camera::{Fit, Question};

/// Trained weights of the design's layers, and what they are in a few words; why there are none.
pub(super) fn start(job: &TeachJob) -> Result<(Weights, String), String> {
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
        (Fit::Predicts { weights, .. }, Some(opened)) => {
            let loaded = opened.weights().map_err(|error| error.to_string())?;
            Ok((loaded, format!("the weights {weights}")))
        }
        (Fit::TimeOnly { reason, .. }, _) => Err(reason),
        (Fit::Predicts { weights, .. }, None) => Err(format!("The weights {weights} are gone.")),
    }
}
