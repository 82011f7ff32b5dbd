//! Which trained weights fit the network in hand.

use std::path::Path;

use serde::{Deserialize, Serialize};
use shufflescope_engine::classify::{
    Classifier, ClassifierOptions, ClassifyError, CropMode, Labels, PreprocessingOptions, demo,
};
use shufflescope_engine::design::{Batch, Design, Edit, InputSize};
use shufflescope_engine::graph::lower;
use shufflescope_engine::model::{Model, ModelFile, fitted_graph, fitting};
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::training::{Accuracy, Passport, demo_accuracy, demo_at};
use shufflescope_engine::weights::{Role, Weights, WeightsFile, expected};

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
        /// What was measured of just this network on held-out pictures, where it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        accuracy: Option<Box<Accuracy>>,
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
    source: Source,
    preprocessing: PreprocessingOptions,
    labels: Option<Labels>,
}

/// Where the weights are.
#[derive(Debug)]
enum Source {
    /// In the program, for this design.
    Demo(Box<Design>, Box<Weights>),
    /// In a file of weights that fits this network.
    File(Box<WeightsFile>, Box<Model>),
    /// In the network's own file.
    Own(Box<ModelFile>),
}

impl Opened {
    /// Loads the weights and makes the network ready.
    pub(super) fn classifier(mut self, run: &RunOptions) -> Result<(Classifier, ClassifierOptions), ClassifyError> {
        let options = ClassifierOptions {
            preprocessing: self.preprocessing,
            labels: self.labels,
            ..classifier_options(run.clone())
        };
        let classifier = match &mut self.source {
            Source::File(file, model) => Classifier::open(model, file, &options)?,
            Source::Demo(design, weights) => Classifier::new(&lower(design, Batch(1))?, weights, &options)?,
            Source::Own(file) => Classifier::of_file(file, &options)?,
        };
        Ok((classifier, options))
    }

    /// The weights alone, for as many classes as they have.
    pub(crate) fn weights(mut self) -> Result<Weights, ClassifyError> {
        Ok(match &mut self.source {
            Source::File(file, model) => {
                let graph = fitted_graph(file, model)?;
                file.load(&graph)?
            }
            Source::Demo(_, weights) => std::mem::take(weights),
            Source::Own(file) => file.weights()?.clone(),
        })
    }
}

/// What is to be looked at.
#[derive(Clone, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) model: &'a Model,
    pub(crate) choice: &'a WeightsChoice,
    /// Names for the classes of a person's own weights.
    pub(crate) labels: Option<&'a Path>,
    /// What is done to pictures.
    pub(crate) preprocessing: PreprocessingOptions,
    /// Where downloads go.
    pub(crate) folder: Option<&'a Path>,
}

impl Question<'_> {
    /// Everything that can be had, and whether it fits.
    pub(crate) fn offers(&self) -> Vec<Offer> {
        let wanted = self.model.design().and_then(tensors);
        let offer = |trained: Trained| Offer {
            is_here: trained == Trained::Demo || trained.path(self.folder).is_some(),
            fits: (wanted.is_some() && trained.design().as_ref().and_then(tensors) == wanted)
                || (trained == Trained::Demo && self.demo_width().is_some()),
            trained,
        };
        Trained::known().map(offer).collect()
    }

    /// Whether the chosen weights fit, and the weights where they do.
    pub(crate) fn fit(&self, offers: &[Offer]) -> (Fit, Option<Opened>) {
        match (self.choice, self.model) {
            (WeightsChoice::Only(trained), _) => self.fit_only(trained),
            (WeightsChoice::Automatic, Model::File(file)) => self.fit_own(file),
            (WeightsChoice::Automatic, _) => {
                let ready = offers.iter().filter(|offer| offer.fits && offer.is_here);
                let tried = ready.map(|offer| self.fit_only(&offer.trained));
                let mut found = (time_only(nothing_here(self.kind(), offers)), None);
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

    /// What the model is called in sentences.
    const fn kind(&self) -> &'static str {
        if self.model.design().is_some() { "design" } else { "network" }
    }

    /// A model file has its own weights.
    fn fit_own(&self, file: &ModelFile) -> (Fit, Option<Opened>) {
        let graph = match file.graph(Batch(1)) {
            Ok(graph) => graph,
            Err(error) => return (time_only(format!("The network does not run on single pictures: {error}.")), None),
        };
        match file.weights() {
            Ok(weights) if *weights == Weights::seeded(&graph, Weights::DEFAULT_SEED) => {
                return (time_only("The weights in the file are random ones that this program made up.".into()), None);
            }
            Ok(_) => {}
            Err(error) => return (time_only(format!("The weights in the file cannot be used: {error}.")), None),
        }
        let classes = u32::try_from(graph.node(graph.output()).output.channels).unwrap_or(u32::MAX);
        let (labels, doubts) = self.labels_of_own(classes);
        let fit = Fit::Predicts { weights: "the file's own".into(), classes, doubts, accuracy: None };
        (fit, Some(Opened { source: Source::Own(Box::new(file.clone())), preprocessing: self.preprocessing, labels }))
    }

    fn fit_only(&self, trained: &Trained) -> (Fit, Option<Opened>) {
        if *trained == Trained::Demo {
            return self.fit_demo();
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
        match fitted_graph(&file, self.model) {
            Ok(graph) => {
                let classes = u32::try_from(graph.node(graph.output()).output.channels).unwrap_or(u32::MAX);
                let passport = Passport::in_file(&file).filter(|passport| passport.classes.len() == classes as usize);
                let (labels, mut doubts) = match &passport {
                    Some(passport) if self.labels.is_none() => {
                        (Some(Labels::of_names(passport.classes.iter().cloned())), Vec::new())
                    }
                    _ => self.labels(trained, classes),
                };
                let accuracy = self.accuracy(passport.as_ref(), &mut doubts);
                doubts.extend(
                    file.taken(&graph).filter(|taken| !taken.others.is_empty()).map(|of| format!("In the file {of}.")),
                );
                doubts.extend(self.model.design().and_then(|design| doubt(&trained.design()?, design)));
                doubts.extend(unlike_its_name);
                // A published resize belongs to the published input.
                let resize = of.map(|of| of.resize).filter(|_| self.model.input() == InputSize::square(224));
                let resize =
                    self.preprocessing.resize.or(resize.filter(|_| self.preprocessing.crop == CropMode::Center));
                let preprocessing = PreprocessingOptions { resize, ..self.preprocessing };
                let weights = passport.map_or_else(|| trained.name(), |of| format!("taught on {}", of.accuracy.data()));
                let fit = Fit::Predicts { weights, classes, doubts, accuracy };
                let source = Source::File(Box::new(file), Box::new(self.model.clone()));
                (fit, Some(Opened { source, preprocessing, labels }))
            }
            Err(error) => {
                let reason = format!("The weights {} do not fit this {}.", trained.name(), self.kind());
                let said = error.to_string();
                let difference = said.split_once('\n').map_or(said.as_str(), |(_, tensors)| tensors).to_owned();
                let taught = Passport::in_file(&file).map(|passport| passport.design);
                let designs = taught.into_iter().chain(fitting(&file)).collect();
                (Fit::TimeOnly { reason, difference: Some(difference), designs }, None)
            }
        }
    }

    /// What the file says of this very network's accuracy; why that does not hold for it, where so.
    fn accuracy(&self, passport: Option<&Passport>, doubts: &mut Vec<String>) -> Option<Box<Accuracy>> {
        let (passport, design) = (passport?, self.model.design()?);
        let accuracy = passport.accuracy_of(design, &self.preprocessing);
        if accuracy.is_none() {
            let what = if passport.preprocessing == self.preprocessing {
                "this design differs from it where weights do not show (its input, a stride, an activation)"
            } else {
                "pictures are cut otherwise now"
            };
            doubts.push(format!(
                "The accuracy of these weights was measured on another network, for {what}: here it is unknown. Teach \
                 again to measure it."
            ));
        }
        accuracy.cloned().map(Box::new)
    }

    /// The width at which the design is the demo's, and the demo's weights there.
    fn demo_width(&self) -> Option<(f64, Weights)> {
        let width = demo_at::width_of(self.model.design()?)?;
        Some((width, demo_at::weights(width)?))
    }

    fn fit_demo(&self) -> (Fit, Option<Opened>) {
        let (width, weights) = self.demo_width().unwrap_or_else(|| (1.0, demo::weights()));
        let trained_for = demo_at::design(width);
        let classes = trained_for.classes;
        let fitted = match self.model.design() {
            Some(design) => lower(&design.apply(&Edit::Classes(classes)), Batch(1)).map_err(|error| error.to_string()),
            None => self.model.graph(Batch(1)).map_err(|error| error.to_string()),
        };
        let misfit = fitted.and_then(|graph| weights.check(&graph).map_err(|error| error.to_string()));
        let design = match (misfit, self.model.design()) {
            (Ok(()), Some(design)) => design.apply(&Edit::Classes(classes)),
            (misfit, _) => {
                let reason = format!("The demo's weights do not fit this {}.", self.kind());
                return (Fit::TimeOnly { reason, difference: misfit.err(), designs: vec![trained_for] }, None);
            }
        };
        let is_known = design.fingerprint() == trained_for.fingerprint();
        let known = demo_accuracy(width).filter(|_| is_known);
        let fit = Fit::Predicts {
            weights: Trained::Demo.name(),
            classes,
            doubts: doubt(&trained_for, &design).into_iter().collect(),
            accuracy: known.map(Box::new),
        };
        let labels = Some(Labels::of_names(demo::labels().map(str::to_owned)));
        let source = Source::Demo(Box::new(design), Box::new(weights));
        (fit, Some(Opened { source, preprocessing: self.preprocessing, labels }))
    }

    /// Names for the classes, and why there are none.
    fn labels(&self, trained: &Trained, classes: u32) -> (Option<Labels>, Vec<String>) {
        if let Trained::File(_) = trained { self.labels_of_own(classes) } else { (None, Vec::new()) }
    }

    /// Names for the classes of what nobody else knows.
    fn labels_of_own(&self, classes: u32) -> (Option<Labels>, Vec<String>) {
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
fn nothing_here(kind: &str, offers: &[Offer]) -> String {
    let names: Vec<String> = offers.iter().filter(|offer| offer.fits).map(|offer| offer.trained.name()).collect();
    match names.as_slice() {
        [] => format!("No trained weights are known that fit this {kind}."),
        names => format!("No trained weights on this machine fit this {kind}; {} would.", names.join(", ")),
    }
}

const fn time_only(reason: String) -> Fit {
    Fit::TimeOnly { reason, difference: None, designs: Vec::new() }
}

/// Shapes tell weights apart, but not all that a network does: a stride or an activation has no weights.
fn doubt(trained_for: &Design, design: &Design) -> Option<String> {
    let same = Edit::All(vec![Edit::Input(design.input), Edit::Classes(design.classes)]);
    let trained_for = trained_for.apply(&same);
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
    use shufflescope_engine::device::DeviceId;
    use shufflescope_engine::model_file::onnx::{BatchNorm, write_onnx};
    use shufflescope_engine::weights::save_safetensors;
    use shufflescope_engine::zoo;

    use super::*;
    use crate::weights_store::Published;

    fn design(name: &str) -> Design {
        zoo::preset(name).unwrap()
    }

    fn question<'a>(model: &'a Model, choice: &'a WeightsChoice, folder: &'a Path) -> Question<'a> {
        Question { model, choice, labels: None, preprocessing: PreprocessingOptions::default(), folder: Some(folder) }
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
        let half = design("shufflenet-v2-x0.5");
        let trained = half.clone();
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
            let preprocessing = PreprocessingOptions::default();
            let asked = Question { model: &model, choice: &choice, labels, preprocessing, folder: None };
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

    /// A model file of these weights.
    fn model_file(folder: &Path, seed: u64) -> Model {
        let path = folder.join(format!("m{seed}.onnx"));
        let edits = Edit::All(vec![Edit::Classes(12), Edit::Input(InputSize::square(64))]);
        let graph = lower(&design("shufflenet-v2-x0.5").apply(&edits), Batch(1)).unwrap();
        write_onnx(&graph, &Weights::seeded(&graph, seed), BatchNorm::Keep, &path).unwrap();
        ModelFile::open(&path).unwrap().into()
    }

    #[test]
    fn a_model_file_answers_with_its_own_weights_or_those_of_a_file_and_never_with_random_ones() {
        let folder = tempfile::tempdir().unwrap();
        let model = model_file(folder.path(), 5);
        let asked = question(&model, &WeightsChoice::Automatic, folder.path());
        let (Fit::Predicts { weights, classes: 12, doubts, accuracy: None }, Some(opened)) = asked.fit(&asked.offers())
        else {
            panic!("its own weights are not used");
        };
        assert!(weights.contains("own") && doubts[0].contains("Open a list of labels"), "{weights}: {doubts:?}");
        let run = RunOptions::new(DeviceId::Cpu, 1, 1);
        assert_eq!(opened.classifier(&run).unwrap().0.classes(), 12);

        let checkpoint = folder.path().join("checkpoint.ckpt");
        save(&design("shufflenet-v2-x0.5").apply(&Edit::Classes(12)), &folder.path().join("w.safetensors"));
        std::fs::rename(folder.path().join("w.safetensors"), &checkpoint).unwrap();
        let choice = WeightsChoice::Only(Trained::File(checkpoint));
        let asked = question(&model, &choice, folder.path());
        assert!(matches!(asked.fit(&[]), (Fit::Predicts { classes: 12, .. }, Some(_))));

        let random = model_file(folder.path(), Weights::DEFAULT_SEED);
        let asked = question(&random, &WeightsChoice::Automatic, folder.path());
        let (Fit::TimeOnly { reason, .. }, None) = asked.fit(&asked.offers()) else {
            panic!("random weights are used")
        };
        assert!(reason.contains("random"), "{reason}");
    }

    #[test]
    fn a_built_in_network_takes_a_file_and_the_preprocessing_that_was_chosen() {
        let folder = tempfile::tempdir().unwrap();
        let model = Model::in_zoo("resnet-18").unwrap();
        let path = folder.path().join("resnet.safetensors");
        save_safetensors(&Weights::seeded(&model.graph(Batch(1)).unwrap(), 1), &path).unwrap();
        let asked = question(&model, &WeightsChoice::Automatic, folder.path());
        assert!(matches!(asked.fit(&asked.offers()), (Fit::TimeOnly { .. }, None)));
        let choice = WeightsChoice::Only(Trained::File(path));
        let preprocessing = PreprocessingOptions { crop: CropMode::Squash, ..PreprocessingOptions::default() };
        let asked = Question { preprocessing, ..question(&model, &choice, folder.path()) };
        let (Fit::Predicts { classes: 1000, .. }, Some(opened)) = asked.fit(&[]) else { panic!("it does not fit") };
        let (classifier, _) = opened.classifier(&RunOptions::new(DeviceId::Cpu, 1, 1)).unwrap();
        assert_eq!(classifier.preprocessing().options().crop, CropMode::Squash);
    }
}
