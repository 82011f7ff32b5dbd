//! A network, trained weights that fit it, and how it runs, from the words on the command line.

use std::path::PathBuf;

use anyhow::{Context, bail};
use shufflescope_engine::classify::{Classifier, ClassifierOptions, ClassifyError, Labels, demo};
use shufflescope_engine::design::{Batch, Design, InputSize};
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::model::{FitError, Model, ModelFile, closest, fitted_graph, fitting, fitting_networks};
use shufflescope_engine::runtime::{Precision, RunOptions, Runtime};
use shufflescope_engine::training::Passport;
use shufflescope_engine::weights::{Weights, WeightsFile};

use super::calibration::{Calibration, CalibrationArguments};
use super::output::complain;
use super::preprocessing::PreprocessingArguments;
use super::resolve::{self, UsageError};
use super::site::Site;
use super::weights::{downloaded, unknown};
use crate::camera::{Generation, Trained, WeightsChoice, Wish};
use crate::open_device::classifier_options;
use crate::weights_store::{Published, recognised};

/// How files of weights usually end. A file that is there may be called as it likes; a name that ends otherwise and is
/// not there is taken for that of published weights.
const ENDINGS: [&str; 8] = ["pth", "pt", "tar", "ckpt", "bin", "safetensors", "pkl", "th"];

/// What the embedded weights are called.
pub(super) const DEMO: &str = "demo";

#[derive(Debug, clap::Args)]
pub(super) struct NetworkArguments {
    /// Trained weights: a file of safetensors or PyTorch whatever it is called, the name of downloaded ones (see
    /// `shufflescope weights list`), or `demo`: shapes drawn on paper [default: an ONNX model's own; without a design, the
    /// demo's]
    #[arg(long, value_name = "FILE|NAME")]
    pub(super) weights: Option<String>,
    /// Where in the file the weights are, where it has several: a key such as state_dict [default: an average such as
    /// state_dict_ema, else the likeliest]
    #[arg(long, value_name = "KEY", requires = "weights")]
    weights_key: Option<String>,
    /// The network: a built-in one's name, a TOML file or an ONNX model [default: the built-in one that the weights fit]
    #[arg(long, value_name = "DESIGN")]
    pub(super) design: Option<String>,
    /// The output of an ONNX model that has several [default: the classifier's]
    #[arg(long, value_name = "NAME", requires = "design")]
    output: Option<String>,
    /// Names of the classes, one a line [default: ImageNet's for 1000 classes, otherwise numbers]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Input size in place of the design's: a side such as 224, or WIDTHxHEIGHT
    #[arg(long, value_name = "SIZE")]
    input: Option<InputSize>,
    #[command(flatten)]
    preprocessing: PreprocessingArguments,
    /// cpu, gpu:N (see `shufflescope devices`), gpu:software, cuda:N or metal:N
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    device: DeviceId,
    /// tuned (our kernels: cpu, gpu:N, cuda:N) or candle (stock operations: cpu, cuda:N, metal:N) [default: tuned where it runs]
    #[arg(long, value_name = "NAME")]
    runtime: Option<Runtime>,
    /// f32, or int8: 8-bit integers, on cpu, or f16: half the memory, on GPUs (gpu:N, cuda:N) that have it, or tf32: on
    /// NVIDIA's tensor cores (cuda:N)
    #[arg(long, value_name = "NAME", default_value_t)]
    precision: Precision,
    #[command(flatten)]
    calibration: CalibrationArguments,
    /// CPU threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = resolve::threads)]
    threads: Option<usize>,
}

impl NetworkArguments {
    /// The network that is named.
    pub(super) fn asked(&self) -> anyhow::Result<Option<Model>> {
        if !self.design.as_deref().is_some_and(resolve::is_model_file) {
            self.input.map(resolve::input_size).transpose()?;
        }
        let Some(word) = &self.design else { return Ok(None) };
        Ok(Some(resolve::model_output(word, self.input, self.output.as_deref())?))
    }

    /// Where the network is to run.
    pub(super) const fn device(&self) -> DeviceId {
        self.device
    }

    /// The network asked for, by name, as a worker at another site is told; `None` where none is.
    pub(super) fn wish(&self, site: &Site) -> anyhow::Result<Option<(String, Wish)>> {
        if self.weights_key.is_some() {
            let problem = "--weights-key is not taken with --target: `shufflescope export` writes the weights to a file of their own";
            return Err(UsageError(problem.into()).into());
        }
        if self.calibration.is_asked() {
            let problem = "--calibrate-with is not taken with --target: `shufflescope export --precision int8` keeps with weights what it finds";
            return Err(UsageError(problem.into()).into());
        }
        let asked = self.asked()?;
        let (model, choice, resize) = match (&self.weights, asked) {
            (None, None) => return Ok(None),
            (None, Some(model)) if !model.has_weights() => {
                complain("note: without --weights only the network's time is told: what it would say means nothing");
                (model, WeightsChoice::Automatic, None)
            }
            (_, asked) => {
                let Network { model, source, published } = Network::of(self, asked)?;
                let resize = published.map(|of| of.resize).filter(|_| model.input() == InputSize::square(224));
                let choice = match source {
                    Source::Demo if self.labels.is_some() => {
                        let problem = "--labels: the demo's classes have their own names on a --target: leave it out";
                        return Err(UsageError(problem.into()).into());
                    }
                    Source::Demo => WeightsChoice::Only(Trained::Demo),
                    Source::File(file) => WeightsChoice::Only(Trained::File(file.path().to_owned())),
                    Source::Own(_) => WeightsChoice::Automatic,
                };
                (model, choice, resize)
            }
        };
        let mut run = RunOptions::new(self.device, self.threads.unwrap_or_else(|| site.threads()), 1);
        run.runtime = self.runtime.unwrap_or(run.runtime);
        run.precision = self.precision;
        site.can_run(&run)?;
        let (name, preprocessing) = (model.name().to_owned(), self.preprocessing.options(model.input(), resize));
        let (generation, labels, folder) = (Generation::default(), self.labels.clone(), None);
        Ok(Some((name, Wish { generation, model, run, choice, labels, preprocessing, folder, classifier: true })))
    }

    /// How it runs; starts the threads of this process.
    fn run_options(&self) -> anyhow::Result<RunOptions> {
        let threads = self.threads.unwrap_or_else(resolve::default_threads);
        // Candle's operations run on the process's pool, the tuned runtime on its own.
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("the threads cannot be started")?;
        let mut run = RunOptions::new(self.device, threads, 1);
        run.runtime = self.runtime.unwrap_or(run.runtime);
        run.precision = self.precision;
        resolve::can_run(&run)?;
        Ok(run)
    }

    /// The network with made-up weights: good for its time, and for nothing else.
    pub(super) fn untrained(&self, model: &Model) -> anyhow::Result<(Classifier, ClassifierOptions)> {
        let graph = model.graph(Batch(1))?;
        // Nobody is told a label, so none have to fit.
        let options = ClassifierOptions {
            preprocessing: self.preprocessing.options(model.input(), None),
            labels: Some(Labels::numbers()),
            ..classifier_options(self.run_options()?)
        };
        let classifier = Classifier::new(&graph, &Weights::seeded(&graph, Weights::DEFAULT_SEED), &options);
        Ok((self.told_by_option(classifier)?, options))
    }

    /// A resize that does not fit is a wrong command line.
    fn told_by_option(&self, made: Result<Classifier, ClassifyError>) -> anyhow::Result<Classifier> {
        match (made, self.preprocessing.resize()) {
            (Err(ClassifyError::Resize(error)), Some(side)) => {
                Err(UsageError(format!("--resize {side}: {error}")).into())
            }
            (made, _) => Ok(made?),
        }
    }
}

/// A network and trained weights that fit it.
pub(super) struct Network {
    pub(super) model: Model,
    source: Source,
    published: Option<&'static Published>,
}

/// Where trained weights are.
enum Source {
    /// In the program.
    Demo,
    /// In a file of weights.
    File(Box<WeightsFile>),
    /// In the network's own file.
    Own(Box<ModelFile>),
}

impl Network {
    /// The weights asked for, with the network [`asked`](NetworkArguments::asked) for or the one they fit. There is nothing to fall back on: what a
    /// network says without trained weights means nothing.
    pub(super) fn of(arguments: &NetworkArguments, asked: Option<Model>) -> anyhow::Result<Self> {
        let word = match (&arguments.weights, asked) {
            (Some(word), asked) => return Self::with_weights(arguments, word, asked),
            (None, Some(Model::File(file))) => {
                let (model, source) = (Model::File(file.clone()), Source::Own(Box::new(file)));
                return Ok(Self { model, source, published: None });
            }
            (None, Some(model)) => return Err(UsageError(no_weights(model.name())).into()),
            (None, None) => DEMO,
        };
        complain("No --weights: the demo's, which know shapes drawn by hand and nothing else.");
        Self::with_weights(arguments, word, None)
    }

    fn with_weights(arguments: &NetworkArguments, word: &str, asked: Option<Model>) -> anyhow::Result<Self> {
        let at_the_input = |design: Design| match arguments.input {
            Some(size) => Model::from(design).with_input(size),
            None => Model::from(design),
        };
        if word == DEMO {
            let model = asked.unwrap_or_else(|| at_the_input(demo::design()));
            demo::weights().check(&model.graph(Batch(1))?).context(
                "the demo's weights fit the demo's design: leave --design out, or give --weights of its own",
            )?;
            return Ok(Self { model, source: Source::Demo, published: None });
        }
        let (path, published) = weights_file(word)?;
        let mut file = WeightsFile::open(&path)?;
        if let Some(key) = &arguments.weights_key {
            file = file.only(key).map_err(|error| UsageError(format!("--weights-key: {error}")))?;
        }
        let passport = Passport::in_file(&file);
        let model = match asked {
            Some(model) => model,
            None => match passport.as_ref().map_or_else(
                || fitting_model(&file, published),
                |passport| Ok(Model::Design(passport.design.clone())),
            )? {
                Model::Design(design) => at_the_input(design),
                model => arguments.input.map_or_else(|| model.clone(), |size| model.clone().with_input(size)),
            },
        };
        match fitted_graph(&file, &model) {
            Err(error) => match error {
                FitError::Weights { fitting, all, .. } => bail!("{error}\n{}", what_fits_better(&file, fitting, all)),
                error => return Err(error.into()),
            },
            Ok(graph) => {
                if let Some(taken) = file.taken(&graph) {
                    let chooses = if taken.others.is_empty() { "" } else { ", --weights-key chooses" };
                    complain(&format!("note: {}: {taken}{chooses}", path.display()));
                }
            }
        }
        Ok(Self { model, source: Source::File(Box::new(file)), published })
    }

    pub(super) fn classifier(
        mut self,
        arguments: &NetworkArguments,
    ) -> anyhow::Result<(Classifier, ClassifierOptions)> {
        let labels = arguments.labels.as_deref().map(Labels::read).transpose()?;
        let input = self.model.input();
        // A published resize belongs to the published input.
        let published = self.published.map(|of| of.resize).filter(|_| input == InputSize::square(224));
        let mut options = ClassifierOptions {
            preprocessing: arguments.preprocessing.options(input, published),
            labels,
            ..classifier_options(arguments.run_options()?)
        };
        if let Source::File(file) = &self.source
            && let Some(passport) = Passport::in_file(file)
        {
            if options.labels.is_none() {
                options.labels = Some(Labels::of_names(passport.classes.clone()));
            }
            if options.preprocessing.is_usual() {
                options.preprocessing = passport.preprocessing;
            }
        }
        let made = arguments.calibration.inputs(arguments.precision, (input, &options.preprocessing))?;
        if let Some(Calibration { inputs, from }) = made {
            complain(&format!("note: ranges of values in 8 bits are from {from}"));
            options.calibration = inputs;
        }
        let (made, of) = match &mut self.source {
            Source::Demo => {
                let names = || Labels::of_names(demo::labels().map(str::to_owned));
                options.labels = Some(options.labels.unwrap_or_else(names));
                (Classifier::new(&self.model.graph(Batch(1))?, &demo::weights(), &options), PathBuf::from(DEMO))
            }
            Source::File(file) => (Classifier::open(&self.model, file, &options), file.path().to_owned()),
            Source::Own(file) => (Classifier::of_file(file, &options), file.path().to_owned()),
        };
        let of = of.display();
        let classifier = arguments.told_by_option(made).map_err(|error| match &arguments.labels {
            _ if error.is::<UsageError>() => error,
            Some(labels) => error.context(format!("{of} and {}", labels.display())),
            None => error.context(of.to_string()),
        })?;
        Ok((classifier, options))
    }
}

/// The file that `word` means: itself, or downloaded weights of that name; and which published weights are in it, by its
/// bytes.
pub(super) fn weights_file(word: &str) -> anyhow::Result<(PathBuf, Option<&'static Published>)> {
    let path = PathBuf::from(word);
    resolve::weights(&path)?;
    let looks_like_a_file =
        path.extension().is_some_and(|ending| ENDINGS.iter().any(|of| ending.eq_ignore_ascii_case(of)));
    if looks_like_a_file || path.is_file() || word.contains(['/', '\\']) {
        // A file of a person's own may be called as it likes, but is not taken for what it is called.
        let published = recognised(&path).unwrap_or_else(|error| {
            if path.is_file() {
                complain(&format!("note: {error}. It is used as a file of your own"));
            }
            None
        });
        return Ok((path, published));
    }
    let published = Published::find(word).ok_or_else(|| unknown(word)).context("--weights")?;
    let path = downloaded(published).with_context(|| {
        format!("the weights `{word}` are not there yet: `shufflescope weights fetch {word}` downloads them")
    })?;
    Ok((path.clone(), recognised(&path)?))
}

/// The built-in network that the weights fit: a design where there is one.
fn fitting_model(file: &WeightsFile, published: Option<&Published>) -> anyhow::Result<Model> {
    let published = published.map(|published| published.design);
    let mut models: Vec<Model> = fitting(file).into_iter().map(Model::Design).collect();
    if models.is_empty() {
        models = fitting_networks(file);
    }
    if let Some(index) = models.iter().position(|model| Some(model.name()) == published) {
        return Ok(models.swap_remove(index));
    }
    let others: Vec<String> = models.iter().skip(1).map(|model| model.name().to_owned()).collect();
    let Some(first) = models.into_iter().next() else { bail!(no_network(file)) };
    if !others.is_empty() {
        complain(&format!("note: taking {}; {} would fit as well, --design chooses", first.name(), others.join(", ")));
    }
    Ok(first)
}

/// That the weights fit nothing that is built in, and what is closest.
pub(super) fn no_network(file: &WeightsFile) -> String {
    let closest = match closest(file) {
        Some(of) => format!("; the closest is {}, of which {} of {} tensors fit", of.name, of.fitting, of.all),
        None => String::new(),
    };
    format!(
        "the weights `{}`: they fit no network that is built in{closest}; --design takes the design file or the ONNX model \
         that they were trained with",
        file.path().display()
    )
}

/// The built-in networks that the weights fit, or the closest, in a sentence; `fitting` of `all` tensors fit the network
/// in hand.
fn what_fits_better(file: &WeightsFile, of_design: usize, all: usize) -> String {
    let mut names: Vec<String> = fitting(file).into_iter().map(|design| design.name).collect();
    names.extend(fitting_networks(file).iter().map(|model| model.name().to_owned()));
    if !names.is_empty() {
        return format!("they fit {}", names.join(", "));
    }
    match closest(file) {
        Some(of) if of.fits_better_than(of_design, all) => {
            format!("of the built-in networks {} is the closest: {} of {} tensors fit", of.name, of.fitting, of.all)
        }
        _ => "no network that is built in is closer".into(),
    }
}

/// Why nothing is classified without weights, and where there are some.
fn no_weights(design: &str) -> String {
    let meaningless = "--weights is missing, and without trained weights the answer would mean nothing";
    match Published::for_design(design) {
        Some(Published { name, .. }) => {
            format!("{meaningless}; `shufflescope weights fetch {name}` downloads some, --weights {name} uses them")
        }
        None => format!("{meaningless}; for this network none are published, so it takes your own"),
    }
}
