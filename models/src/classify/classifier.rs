//! A network with everything it takes to answer what is on a picture.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use candle_core::Tensor;
use thiserror::Error;

use super::ranking::{largest, softmax};
use super::{
    Labels, LabelsError, Picture, Preprocessing, PreprocessingOptions, Preprocessor, Ranked, ResizeError,
    ResizeSideError,
};
use crate::clock::Clock;
use crate::design::{Batch, InputSize};
use crate::device::{Device, DeviceError};
use crate::graph::{Graph, LoweringError, Shape};
use crate::model::{FitError, Model, ModelError, ModelFile, fitted_graph};
use crate::runtime::cpu::quantise;
use crate::runtime::{Executable, Precision, PrepareError, RunError, RunOptions, prepare};
use crate::units::Nanos;
use crate::weights::{Quantisation, RangesFrom, Weights, WeightsError, WeightsFile};

/// How a classifier is made, besides its network.
#[derive(Clone, Debug)]
pub struct ClassifierOptions {
    /// Where and with what it runs; the batch is always 1.
    pub run: RunOptions,
    /// What is done to pictures.
    pub preprocessing: PreprocessingOptions,
    /// Names of the classes; what is usual for their number where absent.
    pub labels: Option<Labels>,
    /// Where the device's backend remembers what it has tuned; nowhere where absent.
    pub memory_folder: Option<PathBuf>,
    /// Inputs to take the ranges of values from in 8 bits, prepared as pictures are; where there are none, they are as the
    /// weights say or come from made-up ones.
    pub calibration: Vec<Vec<f32>>,
}

impl ClassifierOptions {
    /// The usual preprocessing and labels.
    #[must_use]
    pub fn new(run: RunOptions) -> Self {
        Self {
            run,
            preprocessing: PreprocessingOptions::default(),
            labels: None,
            memory_folder: None,
            calibration: vec![],
        }
    }
}

/// Why there is no classifier, or no answer.
#[derive(Debug, Error)]
pub enum ClassifyError {
    /// The design breaks a rule.
    #[error(transparent)]
    Design(#[from] LoweringError),
    /// The network cannot be built, or its file is gone.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The weights are of another network.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// The weights cannot be read or used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The graph does not end in a list of classes, or does not start with a picture.
    #[error("`{name}` is no classifier: it makes {output} of {input}")]
    NotAClassifier {
        /// The network.
        name: String,
        /// What it reads.
        input: Shape,
        /// What it gives.
        output: Shape,
    },
    /// The labels are of other classes.
    #[error(transparent)]
    Labels(#[from] LabelsError),
    /// The resize asked for does not fit the input.
    #[error(transparent)]
    Resize(#[from] ResizeSideError),
    /// The device is missing or refuses.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The network cannot be made ready.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The picture cannot be resized.
    #[error(transparent)]
    Picture(#[from] ResizeError),
    /// The network fails.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The weights are those that measurements run with.
    #[error(
        "the weights `{}` are random ones that this program made up, so the answer would mean nothing: train them first",
        .path.display()
    )]
    Untrained {
        /// The file.
        path: PathBuf,
    },
    /// The network's output makes no sense.
    #[error("the network gives {output} for class {class}: the weights are damaged, or not trained to the end")]
    NotFinite {
        /// The first class concerned.
        class: usize,
        /// What its logit is.
        output: f32,
    },
}

/// Tells one classifier from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClassifierId(u64);

impl ClassifierId {
    pub(super) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// How long the parts of an answer took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StageTimes {
    /// Resize, crop and normalisation.
    pub resize: Nanos,
    /// The network, with the copies to and from its device.
    pub infer: Nanos,
}

/// What a classifier says about a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Classification {
    /// Who says so.
    pub classifier: ClassifierId,
    /// The network's output, one number per class; all of them finite.
    pub logits: Vec<f32>,
    /// Their softmax.
    pub probabilities: Vec<f32>,
    /// How long it took.
    pub times: StageTimes,
}

impl Classification {
    /// The `count` likeliest classes, likeliest first.
    #[must_use]
    pub fn top(&self, count: usize) -> Vec<Ranked> {
        // By logits: probabilities of confident networks round to equal numbers.
        let ranked = |index: usize| self.probabilities.get(index).map(|&probability| Ranked { index, probability });
        largest(&self.logits, count).into_iter().filter_map(ranked).collect()
    }
}

/// A network with trained weights, its preprocessing and its labels, ready for one picture after the other.
///
/// Whoever makes one answers for the weights being trained ones: what a network says with seeded weights means nothing.
pub struct Classifier {
    id: ClassifierId,
    executable: Box<dyn Executable + Send>,
    preprocessor: Preprocessor,
    labels: Labels,
    classes: usize,
}

impl Classifier {
    /// A classifier for the network with the file's weights. It is given as many classes as the file tells apart.
    ///
    /// # Errors
    /// Where the file does not fit the network, cannot be read or holds the random weights of an export, the labels are
    /// of other classes, or the device or the memory do not suffice.
    pub fn open(model: &Model, file: &mut WeightsFile, options: &ClassifierOptions) -> Result<Self, ClassifyError> {
        let graph = fitted_graph(file, model)?;
        // Before the weights are read: labels are the likelier mistake.
        Preparation::of(&graph, options)?;
        let weights = file.load(&graph)?;
        Self::trained(&graph, &weights, file.path(), options)
    }

    /// A classifier for a model file with the weights in it.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn of_file(file: &ModelFile, options: &ClassifierOptions) -> Result<Self, ClassifyError> {
        Self::trained(&file.graph(Batch(1))?, file.weights()?, file.path(), options)
    }

    fn trained(
        graph: &Graph,
        weights: &Weights,
        path: &Path,
        options: &ClassifierOptions,
    ) -> Result<Self, ClassifyError> {
        // What an export writes where no weights are given.
        let mut plain = Cow::Borrowed(weights);
        if RangesFrom::of(weights) == RangesFrom::Weights {
            Quantisation::none(graph).store(graph, plain.to_mut());
        }
        if *plain == Weights::seeded(graph, Weights::DEFAULT_SEED) {
            return Err(ClassifyError::Untrained { path: path.into() });
        }
        Self::new(graph, weights, options)
    }

    /// A classifier of a graph for one picture at a time, with trained weights.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn new(graph: &Graph, weights: &Weights, options: &ClassifierOptions) -> Result<Self, ClassifyError> {
        let Preparation { preprocessing, labels, classes } = Preparation::of(graph, options)?;
        let device = Device::open(&options.run.device)?;
        let device = match &options.memory_folder {
            Some(folder) => device.remembering(folder.clone()),
            None => device,
        };
        let run = RunOptions { batch: 1, ..options.run.clone() };
        let executable = if run.precision == Precision::Int8 && !options.calibration.is_empty() {
            let mut inputs = options.calibration.iter().cloned();
            let weights = quantise(graph, weights, run.threads, Some(&mut inputs)).map_err(PrepareError::from)?;
            prepare(graph, &weights, &device, &run)?
        } else {
            prepare(graph, weights, &device, &run)?
        };
        let preprocessor = Preprocessor::new(preprocessing);
        Ok(Self { id: ClassifierId::next(), executable, preprocessor, labels, classes })
    }

    /// Tells this classifier from every other.
    #[must_use]
    pub const fn id(&self) -> ClassifierId {
        self.id
    }

    /// How the classes are called.
    #[must_use]
    pub const fn labels(&self) -> &Labels {
        &self.labels
    }

    /// How many classes there are.
    #[must_use]
    pub const fn classes(&self) -> usize {
        self.classes
    }

    /// What is done to pictures.
    #[must_use]
    pub const fn preprocessing(&self) -> Preprocessing {
        self.preprocessor.preprocessing()
    }

    /// Says what is on the picture.
    ///
    /// # Errors
    /// Where the device fails, or the network gives anything but finite numbers.
    pub fn classify(&mut self, picture: &Picture, clock: &dyn Clock) -> Result<Classification, ClassifyError> {
        let start = clock.now();
        let InputSize { height, width } = self.preprocessor.preprocessing().input();
        let input = self.preprocessor.input(picture)?;
        let resized = clock.now();
        let shape = (1, 3, height as usize, width as usize);
        let input = Tensor::from_slice(input, shape, &candle_core::Device::Cpu).map_err(RunError::from)?;
        self.executable.set_input(&input)?;
        let logits = self.executable.infer(clock)?;
        let times = StageTimes { resize: resized.since(start), infer: clock.now().since(resized) };
        if let Some((class, &output)) = logits.iter().enumerate().find(|(_, logit)| !logit.is_finite()) {
            return Err(ClassifyError::NotFinite { class, output });
        }
        let probabilities = softmax(&logits);
        Ok(Classification { classifier: self.id, logits, probabilities, times })
    }
}

impl fmt::Debug for Classifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Classifier").field("id", &self.id).field("classes", &self.classes).finish_non_exhaustive()
    }
}

/// Everything about a classifier but its network.
struct Preparation {
    preprocessing: Preprocessing,
    labels: Labels,
    classes: usize,
}

impl Preparation {
    fn of(graph: &Graph, options: &ClassifierOptions) -> Result<Self, ClassifyError> {
        let (input, output) = (graph.input_shape(), graph.node(graph.output()).output);
        let is_classifier = (input.batch, input.channels) == (1, 3) && output.pixels() == 1;
        let size = |side: usize| u32::try_from(side).ok().filter(|_| is_classifier);
        let (Some(height), Some(width)) = (size(input.height), size(input.width)) else {
            return Err(ClassifyError::NotAClassifier { name: graph.name.clone(), input, output });
        };
        let input = InputSize { height, width };
        let preprocessing = Preprocessing::with(input, &options.preprocessing)?;
        let classes = output.channels;
        let labels = options.labels.clone().unwrap_or_else(|| Labels::usual(classes));
        labels.check(classes)?;
        Ok(Self { preprocessing, labels, classes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::MonotonicClock;
    use crate::design::{Design, Edit};
    use crate::device::DeviceId;
    use crate::graph::{GraphBuilder, Op, lower};
    use crate::model_file::onnx::{BatchNorm, write_onnx};
    use crate::runtime::Runtime;
    use crate::weights::save_safetensors;
    use crate::zoo;

    fn options() -> ClassifierOptions {
        ClassifierOptions::new(RunOptions::new(DeviceId::Cpu, 1, 8))
    }

    fn small(classes: u32) -> Design {
        let small = Edit::All(vec![Edit::Input(InputSize::square(32)), Edit::Classes(classes)]);
        zoo::preset("shufflenet-v2-x0.5").unwrap().apply(&small)
    }

    /// A file with made-up weights, which tests may use since they look at no prediction.
    fn saved_with(seed: u64, design: &Design) -> (tempfile::TempDir, WeightsFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        save_safetensors(&Weights::seeded(&lower(design, Batch(1)).unwrap(), seed), &path).unwrap();
        (folder, WeightsFile::open(&path).unwrap())
    }

    fn saved(design: &Design) -> (tempfile::TempDir, WeightsFile) {
        saved_with(3, design)
    }

    fn picture() -> Picture {
        Picture::new(50, 40, (0..50 * 40 * 3).map(|i| (i * 7 % 251) as u8).collect()).unwrap()
    }

    #[test]
    fn the_number_of_classes_is_the_files_and_unknown_classes_have_numbers() {
        let (_folder, mut file) = saved(&small(50));
        let mut classifier = Classifier::open(&small(1000).into(), &mut file, &options()).unwrap();
        assert_eq!((classifier.classes(), classifier.labels().are_numbers()), (50, true));
        let answer = classifier.classify(&picture(), &MonotonicClock::new()).unwrap();
        assert_eq!((answer.logits.len(), answer.probabilities.len()), (50, 50));
        let top = answer.top(5);
        assert_eq!(top.len(), 5);
        assert!(top.is_sorted_by(|a, b| a.probability >= b.probability));
        assert!(answer.probabilities.iter().all(|probability| *probability <= top[0].probability));
        assert!(answer.times.infer > Nanos::ZERO);
    }

    #[test]
    fn labels_of_other_classes_are_refused() {
        let (_folder, mut file) = saved(&small(50));
        let labels = Some(Labels::imagenet());
        let error =
            Classifier::open(&small(50).into(), &mut file, &ClassifierOptions { labels, ..options() }).unwrap_err();
        assert!(matches!(error, ClassifyError::Labels(LabelsError::Count { labels: 1000, classes: 50 })), "{error}");
    }

    #[test]
    fn weights_of_another_network_are_refused() {
        let (_folder, mut file) = saved(&small(50));
        let wider = zoo::preset("shufflenet-v2-x1.0").unwrap();
        let error = Classifier::open(&wider.into(), &mut file, &options()).unwrap_err();
        assert!(matches!(error, ClassifyError::Fit(FitError::Weights { .. })), "{error}");
    }

    #[test]
    fn the_random_weights_of_an_export_give_no_answer() {
        let (_folder, mut file) = saved_with(Weights::DEFAULT_SEED, &small(1000));
        let error = Classifier::open(&small(1000).into(), &mut file, &options()).unwrap_err();
        assert!(matches!(error, ClassifyError::Untrained { .. }), "{error}");
    }

    /// A model file with weights of this seed, as the exporter writes it.
    fn model_file(seed: u64) -> (tempfile::TempDir, ModelFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.onnx");
        let graph = lower(&small(10), Batch(1)).unwrap();
        write_onnx(&graph, &Weights::seeded(&graph, seed), BatchNorm::Keep, &path).unwrap();
        (folder, ModelFile::open(&path).unwrap())
    }

    #[test]
    fn a_model_file_answers_with_its_own_weights_as_its_network_does() {
        let (_folder, file) = model_file(3);
        let mut classifier = Classifier::of_file(&file, &options()).unwrap();
        let graph = lower(&small(10), Batch(1)).unwrap();
        let mut other = Classifier::new(&graph, &Weights::seeded(&graph, 3), &options()).unwrap();
        let clock = MonotonicClock::new();
        let answers = [&mut classifier, &mut other].map(|classifier| classifier.classify(&picture(), &clock).unwrap());
        let gap = answers[0].logits.iter().zip(&answers[1].logits).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(gap < 1e-5, "{gap}");
        let error = Classifier::of_file(&model_file(Weights::DEFAULT_SEED).1, &options()).unwrap_err();
        assert!(matches!(error, ClassifyError::Untrained { .. }), "{error}");
    }

    #[test]
    fn weights_that_give_no_numbers_give_no_answer() {
        let graph = lower(&small(10), Batch(1)).unwrap();
        let mut weights = Weights::seeded(&graph, 3);
        let mut bias = weights.get("fc.bias").unwrap().clone();
        bias.values[4] = f32::NAN;
        weights.insert("fc.bias", bias);
        let mut classifier = Classifier::new(&graph, &weights, &options()).unwrap();
        let error = classifier.classify(&picture(), &MonotonicClock::new()).unwrap_err();
        assert!(matches!(error, ClassifyError::NotFinite { class: 4, .. }), "{error}");
    }

    /// One weight at the very beginning: every activation and maximum behind it must let it through.
    #[test]
    fn a_weight_that_is_no_number_is_said_however_deep_it_lies() {
        let graph = lower(&small(10), Batch(1)).unwrap();
        let mut weights = Weights::seeded(&graph, 3);
        let mut first = weights.get("conv1.0.weight").unwrap().clone();
        first.values[0] = f32::NAN;
        weights.insert("conv1.0.weight", first);
        let run = RunOptions { runtime: Runtime::Tuned, ..options().run };
        let mut classifier = Classifier::new(&graph, &weights, &ClassifierOptions { run, ..options() }).unwrap();
        let error = classifier.classify(&picture(), &MonotonicClock::new()).unwrap_err();
        assert!(matches!(error, ClassifyError::NotFinite { output, .. } if output.is_nan()), "{error}");
    }

    #[test]
    fn a_graph_that_ends_in_a_map_is_no_classifier() {
        let mut builder = GraphBuilder::new("filter", Shape::new(1, 3, 32, 32));
        builder.push("shuffle", Op::ChannelShuffle { groups: 3 }, &[builder.input()]).unwrap();
        let graph = builder.finish();
        let error = Classifier::new(&graph, &Weights::default(), &options()).unwrap_err();
        assert!(error.to_string().contains("`filter` is no classifier"), "{error}");
    }
}
