//! A network, trained weights that fit it, and how it runs, from the words on the command line.

use std::path::PathBuf;

use anyhow::{Context, bail};
use shufflescope_engine::classify::{Classifier, ClassifierOptions, ClassifyError, Labels, demo};
use shufflescope_engine::design::{Batch, Design, Edit, InputSize};
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::graph::lower;
use shufflescope_engine::model::{FitError, fitted, fitting};
use shufflescope_engine::runtime::{Precision, RunOptions, Runtime};
use shufflescope_engine::weights::{Weights, WeightsFile};

use super::output::complain;
use super::resolve::{self, UsageError};
use super::weights::{downloaded, unknown};
use crate::open_device::classifier_options;
use crate::weights_store::{Published, recognised};

/// What the embedded weights are called.
const DEMO: &str = "demo";

#[derive(Debug, clap::Args)]
pub(super) struct NetworkArguments {
    /// Trained weights: .safetensors or .pth, the name of downloaded ones (see `shufflescope weights list`), or `demo`:
    /// shapes drawn on paper [default without a design: the demo's]
    #[arg(long, value_name = "FILE|NAME")]
    pub(super) weights: Option<String>,
    /// The network: a preset's name or a TOML file [default: the preset that the weights fit]
    #[arg(long, value_name = "DESIGN")]
    pub(super) design: Option<String>,
    /// Names of the classes, one a line [default: ImageNet's for 1000 classes, otherwise numbers]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Input size in place of the design's: a side such as 224, or WIDTHxHEIGHT
    #[arg(long, value_name = "SIZE")]
    input: Option<InputSize>,
    /// Pixels of a picture's shorter side after the resize [default: as published with the weights, or 256/224 of the input]
    #[arg(long, value_name = "PIXELS")]
    resize: Option<u32>,
    /// cpu, gpu:N (see `shufflescope devices`), gpu:software, cuda:N or metal:N
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    device: DeviceId,
    /// tuned (our kernels: cpu, gpu:N, cuda:N) or candle (stock operations: cpu, cuda:N, metal:N) [default: tuned where it runs]
    #[arg(long, value_name = "NAME")]
    runtime: Option<Runtime>,
    /// f32, or f16: half the memory, on GPUs (gpu:N, cuda:N) that have it, or tf32: on NVIDIA's tensor cores (cuda:N)
    #[arg(long, value_name = "NAME", default_value_t)]
    precision: Precision,
    /// CPU threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = resolve::threads)]
    threads: Option<usize>,
}

impl NetworkArguments {
    fn asked(&self) -> anyhow::Result<Option<Design>> {
        self.input.map(resolve::input_size).transpose()?;
        let but = ", and only designs are run with trained weights: --design takes a preset's name or a TOML file, --weights \
                   what it was trained to";
        self.design.as_deref().map(|word| resolve::design(word, but)).transpose()
    }

    fn at_the_input_asked_for(&self, design: Design) -> Design {
        self.input.map_or_else(|| design.clone(), |size| design.apply(&Edit::Input(size)))
    }

    /// Where the network is to run.
    pub(super) const fn device(&self) -> DeviceId {
        self.device
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

    /// The design with made-up weights: good for its time, and for nothing else.
    pub(super) fn untrained(&self) -> anyhow::Result<Option<(Design, Classifier, ClassifierOptions)>> {
        let Some(design) = self.asked()? else { return Ok(None) };
        let design = self.at_the_input_asked_for(design);
        let graph = lower(&design, Batch(1))?;
        // Nobody is told a label, so none have to fit.
        let options = ClassifierOptions {
            resize: self.resize,
            labels: Some(Labels::numbers()),
            ..classifier_options(self.run_options()?)
        };
        let classifier = Classifier::new(&graph, &Weights::seeded(&graph, Weights::DEFAULT_SEED), &options)?;
        Ok(Some((design, classifier, options)))
    }
}

/// A network and trained weights that fit it.
pub(super) struct Network {
    pub(super) design: Design,
    /// The demo's weights are part of the program.
    file: Option<WeightsFile>,
    published: Option<&'static Published>,
}

impl Network {
    /// The weights asked for, with the design asked for or the one they fit. There is nothing to fall back on: what a
    /// network says without trained weights means nothing.
    pub(super) fn of(arguments: &NetworkArguments) -> anyhow::Result<Self> {
        let asked = arguments.asked()?;
        let word = match (&arguments.weights, &asked) {
            (Some(word), _) => word.as_str(),
            (None, Some(design)) => return Err(UsageError(no_weights(design)).into()),
            (None, None) => {
                complain("No --weights: the demo's, which know shapes drawn by hand and nothing else.");
                DEMO
            }
        };
        if word == DEMO {
            let design = asked.unwrap_or_else(demo::design);
            demo::weights().check(&lower(&design, Batch(1))?).context(
                "the demo's weights fit the demo's design: leave --design out, or give --weights of its own",
            )?;
            return Ok(Self { design: arguments.at_the_input_asked_for(design), file: None, published: None });
        }
        let (path, published) = weights_file(word)?;
        let file = WeightsFile::open(&path)?;
        let design = match asked {
            Some(design) => match fitted(&file, &design) {
                Err(error @ FitError::Weights { .. }) => bail!("{error}\n{}", what_fits(&file)),
                fitted => fitted?,
            },
            None => fitting_design(&file, published)?,
        };
        Ok(Self { design: arguments.at_the_input_asked_for(design), file: Some(file), published })
    }

    pub(super) fn classifier(
        mut self,
        arguments: &NetworkArguments,
    ) -> anyhow::Result<(Classifier, ClassifierOptions)> {
        let labels = arguments.labels.as_deref().map(Labels::read).transpose()?;
        // A published resize belongs to the published input.
        let published = self.published.map(|of| of.resize).filter(|_| self.design.input == InputSize::square(224));
        let mut options = ClassifierOptions {
            resize: arguments.resize.or(published),
            labels,
            ..classifier_options(arguments.run_options()?)
        };
        let Some(file) = &mut self.file else {
            let names = || Labels::of_names(demo::labels().map(str::to_owned));
            options.labels = Some(options.labels.unwrap_or_else(names));
            let classifier = Classifier::new(&lower(&self.design, Batch(1))?, &demo::weights(), &options)?;
            return Ok((classifier, options));
        };
        let classifier = Classifier::open(&self.design, file, &options);
        if let (Err(ClassifyError::Resize(error)), Some(side)) = (&classifier, arguments.resize) {
            return Err(UsageError(format!("--resize {side}: {error}")).into());
        }
        let classifier = classifier.with_context(|| match &arguments.labels {
            Some(path) => format!("{} and {}", file.path().display(), path.display()),
            None => format!("{}", file.path().display()),
        })?;
        Ok((classifier, options))
    }
}

/// The file that `word` means: itself, or downloaded weights of that name; and which published weights are in it, by its
/// bytes.
fn weights_file(word: &str) -> anyhow::Result<(PathBuf, Option<&'static Published>)> {
    let path = PathBuf::from(word);
    resolve::weights(&path)?;
    let looks_like_a_file =
        path.extension().is_some_and(|ending| ["pth", "pt", "safetensors"].iter().any(|of| ending == *of));
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

fn fitting_design(file: &WeightsFile, published: Option<&Published>) -> anyhow::Result<Design> {
    let published = published.map(|published| published.design);
    let mut designs = fitting(file);
    if let Some(index) = designs.iter().position(|design| Some(design.name.as_str()) == published) {
        return Ok(designs.swap_remove(index));
    }
    let others: Vec<String> = designs.iter().skip(1).map(|design| design.name.clone()).collect();
    let Some(first) = designs.into_iter().next() else {
        bail!("the weights `{}`: {}", file.path().display(), what_fits(file));
    };
    if !others.is_empty() {
        complain(&format!("note: taking {}; {} would fit as well, --design chooses", first.name, others.join(", ")));
    }
    Ok(first)
}

/// The presets that the weights fit, in a sentence.
fn what_fits(file: &WeightsFile) -> String {
    let names: Vec<String> = fitting(file).into_iter().map(|design| design.name).collect();
    if names.is_empty() {
        "they fit no network that is built in; --design takes the design file they were trained with".into()
    } else {
        format!("they fit {}", names.join(", "))
    }
}

/// Why nothing is classified without weights, and where there are some.
fn no_weights(design: &Design) -> String {
    let meaningless = "--weights is missing, and without trained weights the answer would mean nothing";
    match Published::for_design(&design.name) {
        Some(Published { name, .. }) => {
            format!("{meaningless}; `shufflescope weights fetch {name}` downloads some, --weights {name} uses them")
        }
        None => format!("{meaningless}; for this design none are published, so it takes your own"),
    }
}
