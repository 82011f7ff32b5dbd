//! Which trained weights fit the network in hand.

use std::path::Path;

use serde::{Deserialize, Serialize};
use shufflescope_engine::classify::{Classifier, ClassifierOptions, ClassifyError, Labels, demo};
use shufflescope_engine::design::{Batch, Design, Edit, InputSize};
use shufflescope_engine::graph::lower;
use shufflescope_engine::model::Model;
use shufflescope_engine::model::{fitted, fitting};
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::weights::{Role, WeightsFile, expected};

use super::{Trained, WeightsChoice};
use crate::open_device::classifier_options;
use crate::weights_store::recognised;

/// Weights that can be had, and what they are worth for the network in hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// The weights.
    pub trained: Trained,
    /// Whether they are on this machine.
    pub is_here: bool,
    /// Whether their tensors have the network's names and shapes.
    pub fits: bool,
}

/// Whether what the network says means anything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// It runs with trained weights.
    Predicts {
        /// The weights' name.
        weights: String,
        /// How many classes they tell apart.
        classes: u32,
        /// What should be known when reading the answers.
        doubts: Vec<String>,
    },
    /// It runs with made-up weights: its time is right and its answers mean nothing.
    TimeOnly {
        /// Why.
        reason: String,
        /// What does not fit, tensor by tensor.
        difference: Option<String>,
        /// Networks that the chosen weights fit.
        designs: Vec<Design>,
    },
}

/// Weights that fit, opened.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The demo's weights are part of the program.
    file: Option<WeightsFile>,
    /// With the weights' number of classes.
    design: Design,
    resize: Option<u32>,
    labels: Option<Labels>,
}

impl Opened {
    /// Loads the weights and makes the network ready.
    pub(super) fn classifier(mut self, run: &RunOptions) -> Result<(Classifier, ClassifierOptions), ClassifyError> {
        let options = ClassifierOptions { resize: self.resize, labels: self.labels, ..classifier_options(run.clone()) };
        let classifier = match &mut self.file {
            Some(file) => Classifier::open(&self.design, file, &options)?,
            None => Classifier::new(&lower(&self.design, Batch(1))?, &demo::weights(), &options)?,
        };
        Ok((classifier, options))
    }
}

/// What is to be looked at.
#[derive(Clone, Debug)]
pub(super) struct Question<'a> {
    pub(super) model: &'a Model,
    pub(super) choice: &'a WeightsChoice,
    /// Names for the classes of a person's own weights.
    pub(super) labels: Option<&'a Path>,
    /// Where downloads go.
    pub(super) folder: Option<&'a Path>,
}

impl Question<'_> {
    /// Everything that can be had, and whether it fits.
    pub(super) fn offers(&self) -> Vec<Offer> {
        let wanted = self.model.design().and_then(tensors);
        let offer = |trained: Trained| Offer {
            is_here: trained == Trained::Demo || trained.path(self.folder).is_some(),
            fits: wanted.is_some() && trained.design().as_ref().and_then(tensors) == wanted,
            trained,
        };
        Trained::known().map(offer).collect()
    }

    /// Whether the chosen weights fit, and the weights where they do.
    pub(super) fn fit(&self, offers: &[Offer]) -> (Fit, Option<Opened>) {
        let Some(design) = self.model.design() else {
            let reason = format!(
                "`{}` is a finished network and no design, so none of the weights here are its own.",
                self.model.name()
            );
            return (time_only(reason), None);
        };
        match self.choice {
            WeightsChoice::Only(trained) => self.fit_only(trained, design),
            WeightsChoice::Automatic => {
                let ready = offers.iter().filter(|offer| offer.fits && offer.is_here);
                let tried = ready.map(|offer| self.fit_only(&offer.trained, design));
                let mut found = (time_only(nothing_here(offers)), None);
                for fit in tried {
                    found = fit;
                    if found.1.is_some() {
                        break;
                    }
                }
                found
            }
        }
    }

    fn fit_only(&self, trained: &Trained, design: &Design) -> (Fit, Option<Opened>) {
        if *trained == Trained::Demo {
            return fit_demo(design);
        }
        let Some(path) = trained.path(self.folder) else {
            let reason = format!("The weights {} are not downloaded yet.", trained.name());
            return (time_only(reason), None);
        };
        let (of, unlike_its_name) = match (recognised(&path), trained) {
            (Ok(of), _) => (of, None),
            // A file of a person's own may be called as it likes, but is not taken for what it is called.
            (Err(error), Trained::File(_)) => (None, Some(format!("{error}."))),
            (Err(error), _) => return (time_only(format!("The weights cannot be used: {error}.")), None),
        };
        let file = match WeightsFile::open(&path) {
            Ok(file) => file,
            Err(error) => return (time_only(format!("The weights cannot be used: {error}")), None),
        };
        match fitted(&file, design) {
            Ok(fitted) => {
                let (labels, mut doubts) = self.labels(trained, fitted.classes);
                doubts.extend(doubt(trained, &fitted));
                doubts.extend(unlike_its_name);
                // A published resize belongs to the published input.
                let resize = of.map(|of| of.resize).filter(|_| fitted.input == InputSize::square(224));
                let fit = Fit::Predicts { weights: trained.name(), classes: fitted.classes, doubts };
                (fit, Some(Opened { file: Some(file), design: fitted, resize, labels }))
            }
            Err(error) => {
                let reason = format!("The weights {} do not fit this design.", trained.name());
                let said = error.to_string();
                let difference = said.split_once('\n').map_or(said.as_str(), |(_, tensors)| tensors).to_owned();
                (Fit::TimeOnly { reason, difference: Some(difference), designs: fitting(&file) }, None)
            }
        }
    }

    /// Names for the classes, and why there are none.
    fn labels(&self, trained: &Trained, classes: u32) -> (Option<Labels>, Vec<String>) {
        let Trained::File(_) = trained else { return (None, Vec::new()) };
        let Some(path) = self.labels else {
            let numbers = Labels::usual(classes as usize).are_numbers();
            let doubt = "The classes have numbers: the file does not name them. Open a list of labels.";
            return (None, if numbers { vec![doubt.into()] } else { Vec::new() });
        };
        let labels = Labels::read(path).and_then(|labels| labels.check(classes as usize).map(|()| labels));
        match labels {
            Ok(labels) => (Some(labels), Vec::new()),
            Err(error) => (Some(Labels::numbers()), vec![format!("The classes have numbers: {error}.")]),
        }
    }
}

/// Why nothing is used, and what could be.
fn nothing_here(offers: &[Offer]) -> String {
    let names: Vec<String> = offers.iter().filter(|offer| offer.fits).map(|offer| offer.trained.name()).collect();
    match names.as_slice() {
        [] => "No trained weights are known that fit this design.".into(),
        names => format!("No trained weights on this machine fit this design; {} would.", names.join(", ")),
    }
}

fn fit_demo(design: &Design) -> (Fit, Option<Opened>) {
    let trained_for = demo::design();
    let fitted = design.apply(&Edit::Classes(trained_for.classes));
    let misfit = lower(&fitted, Batch(1))
        .map_err(|error| error.to_string())
        .and_then(|graph| demo::weights().check(&graph).map_err(|error| error.to_string()));
    if let Err(difference) = misfit {
        let reason = "The demo's weights do not fit this design.".into();
        return (Fit::TimeOnly { reason, difference: Some(difference), designs: vec![trained_for] }, None);
    }
    let fit = Fit::Predicts {
        weights: Trained::Demo.name(),
        classes: fitted.classes,
        doubts: doubt(&Trained::Demo, &fitted).into_iter().collect(),
    };
    let labels = Some(Labels::of_names(demo::labels().map(str::to_owned)));
    (fit, Some(Opened { file: None, design: fitted, resize: None, labels }))
}

const fn time_only(reason: String) -> Fit {
    Fit::TimeOnly { reason, difference: None, designs: Vec::new() }
}

/// Shapes tell weights apart, but not all that a network does: a stride or an activation has no weights.
fn doubt(trained: &Trained, design: &Design) -> Option<String> {
    let same = Edit::All(vec![Edit::Input(design.input), Edit::Classes(design.classes)]);
    let trained_for = trained.design()?.apply(&same);
    let said = || {
        format!(
            "The weights have the right shapes, but were trained for {}: what differs in this design (a stride, an \
             activation, the shuffle) was never trained.",
            trained_for.name
        )
    };
    (trained_for.fingerprint() != design.fingerprint()).then(said)
}

/// Names and shapes of a design's tensors, those of the classes left out.
fn tensors(design: &Design) -> Option<Vec<(String, Vec<usize>)>> {
    let graph = lower(&design.apply(&Edit::Classes(1000)), Batch(1)).ok()?;
    let tensors = expected(&graph).into_iter().filter(|tensor| tensor.role != Role::RunningMean);
    Some(tensors.map(|tensor| (tensor.name, tensor.shape)).collect())
}

#[cfg(test)]
mod tests {
    use shufflescope_engine::weights::{Weights, save_safetensors};
    use shufflescope_engine::zoo;

    use super::*;
    use crate::weights_store::Published;

    fn design(name: &str) -> Design {
        zoo::preset(name).unwrap()
    }

    fn question<'a>(model: &'a Model, choice: &'a WeightsChoice, folder: &'a Path) -> Question<'a> {
        Question { model, choice, labels: None, folder: Some(folder) }
    }

    /// Seeded weights stand in for downloaded ones; nobody looks at what they say.
    fn save(design: &Design, path: &Path) {
        save_safetensors(&Weights::seeded(&lower(design, Batch(1)).unwrap(), 1), path).unwrap();
    }

    #[test]
    fn a_design_is_offered_the_weights_of_its_shapes_whatever_its_classes_and_input() {
        let folder = tempfile::tempdir().unwrap();
        let edits = Edit::All(vec![Edit::Classes(12), Edit::Input(InputSize::square(96))]);
        let model = Model::from(design("shufflenet-v2-x1.5").apply(&edits));
        let offers = question(&model, &WeightsChoice::Automatic, folder.path()).offers();
        let fitting: Vec<String> = offers.iter().filter(|offer| offer.fits).map(|offer| offer.trained.name()).collect();
        assert_eq!(fitting, ["shufflenet-v2-x1.5"]);
        assert!(offers.iter().all(|offer| offer.is_here == (offer.trained == Trained::Demo)));
    }

    #[test]
    fn what_is_there_and_fits_is_used_and_nothing_else_ever_answers() {
        let folder = tempfile::tempdir().unwrap();
        let half = design("shufflenet-v2-x0.5");
        let path = folder.path().join("mine.safetensors");
        save(&half, &path);
        let choice = WeightsChoice::Only(Trained::File(path));

        let model = Model::from(&half);
        let asked = question(&model, &choice, folder.path());
        let (fit, opened) = asked.fit(&asked.offers());
        assert!(
            matches!(fit, Fit::Predicts { classes: 1000, ref doubts, .. } if doubts.is_empty()) && opened.is_some()
        );

        let wider = Model::from(design("shufflenet-v2-x1.0"));
        let asked = question(&wider, &choice, folder.path());
        let (Fit::TimeOnly { difference: Some(difference), designs, .. }, None) = asked.fit(&asked.offers()) else {
            panic!("weights of another width were used");
        };
        assert!(difference.contains("the design has [58, "), "{difference}");
        assert_eq!(designs, [half]);

        let automatic = question(&wider, &WeightsChoice::Automatic, folder.path());
        assert!(matches!(automatic.fit(&automatic.offers()), (Fit::TimeOnly { .. }, None)));
    }

    #[test]
    fn weights_are_never_taken_for_what_their_file_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let half = design("shufflenet-v2-x0.5");
        let published = Published::find("shufflenet-v2-x0.5").unwrap();
        let path = folder.path().join(published.file);
        let written = folder.path().join("weights.safetensors");
        save(&half, &written);
        std::fs::rename(written, &path).unwrap();
        let model = Model::from(&half);
        let fit = |trained| {
            let choice = WeightsChoice::Only(trained);
            let asked = question(&model, &choice, folder.path());
            asked.fit(&asked.offers())
        };
        let (Fit::TimeOnly { reason, .. }, None) = fit(Trained::Published(published)) else {
            panic!("other weights were used for the published ones");
        };
        assert!(reason.contains("bytes, not") && reason.contains("weights fetch"), "{reason}");
        // The very same file as a person's own is read as whatever it is.
        let own = fit(Trained::File(path)).0;
        assert!(!matches!(own, Fit::Predicts { ref doubts, .. } if doubts.is_empty()), "{own:?}");
    }

    #[test]
    fn a_network_changed_where_no_shape_shows_it_is_doubted() {
        let trained = Trained::Published(Published::find("shufflenet-v2-x0.5").unwrap());
        let half = design("shufflenet-v2-x0.5");
        assert_eq!(doubt(&trained, &half.apply(&Edit::Input(InputSize::square(160)))), None);
        let mut changed = half;
        changed.stages[0].stride = 1;
        assert!(doubt(&trained, &changed).unwrap().contains("trained for shufflenet-v2-x0.5"));
    }

    #[test]
    fn labels_of_another_number_of_classes_become_numbers_and_it_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let three = design("shufflenet-v2-x0.5").apply(&Edit::Classes(3));
        let (weights, labels) = (folder.path().join("w.safetensors"), folder.path().join("labels.txt"));
        save(&three, &weights);
        std::fs::write(&labels, "circle\nsquare\n").unwrap();
        let (model, choice) = (Model::from(&three), WeightsChoice::Only(Trained::File(weights)));
        let with = |labels| {
            let asked = Question { model: &model, choice: &choice, labels, folder: None };
            match asked.fit(&[]).0 {
                Fit::Predicts { doubts, .. } => doubts.join(" "),
                other => panic!("{other:?}"),
            }
        };
        assert!(with(Some(&labels)).contains("2 labels"));
        assert!(with(None).contains("Open a list of labels"));
        std::fs::write(&labels, "circle\nsquare\nstar\n").unwrap();
        assert_eq!(with(Some(&labels)), "");
    }
}
