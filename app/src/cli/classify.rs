//! `shufflescope classify`: what is on pictures.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Serialize;
use shufflescope_engine::classify::{Classification, Classifier, ClassifierOptions, Labels};
use shufflescope_engine::design::{Design, Edit, InputSize};
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::measure::MonotonicClock;
use shufflescope_engine::runtime::{RunOptions, Runtime};
use shufflescope_engine::units::Nanos;
use shufflescope_engine::weights::{FitError, WeightsFile, fitted, fitting};

use super::output::{complain, print};
use super::resolve::{self, UsageError};
use super::weights::{downloaded, unknown};
use crate::explain;
use crate::image_file::read_picture;
use crate::weights_store::Published;

pub(super) const EXAMPLES: &str = "\
Examples:
  shufflescope weights fetch shufflenet-v2-x1.0
  shufflescope classify --weights shufflenet-v2-x1.0 photo.jpg
  shufflescope classify --weights trained.pth --design my-design.toml --labels names.txt *.png
  shufflescope classify --weights trained.pth --json --logits photo.jpg | jq .top[0].label

JSON has one object per picture and line: image, design, top (label, index, probability), resize_ns, infer_ns; logits on
request.
The network gets what torchvision's would: the shorter side resized (antialiased) to 256/224 of the input, the centre cut
out, ImageNet's mean and deviation. A network of 1000 classes is taken for ImageNet's unless --labels are given; other
classes have numbers. PNG, JPEG, BMP and WebP are read, turned upright as their EXIF data say.";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Pictures
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Trained weights: .safetensors or .pth, or the name of downloaded ones (see `shufflescope weights list`)
    #[arg(long, value_name = "FILE|NAME")]
    weights: Option<String>,
    /// The network: a preset's name or a TOML file [default: the preset that the weights fit]
    #[arg(long, value_name = "DESIGN")]
    design: Option<String>,
    /// Names of the classes, one a line [default: ImageNet's for 1000 classes, otherwise numbers]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// How many classes to show
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    top: u32,
    /// Input size in place of the design's: a side such as 224, or WIDTHxHEIGHT
    #[arg(long, value_name = "SIZE")]
    input: Option<InputSize>,
    /// Pixels of a picture's shorter side after the resize [default: as published with the weights, or 256/224 of the input]
    #[arg(long, value_name = "PIXELS")]
    resize: Option<u32>,
    /// cpu, cuda:N or metal:N
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    device: DeviceId,
    /// tuned (our kernels, CPU only) or candle (stock operations) [default: tuned on the CPU]
    #[arg(long, value_name = "NAME")]
    runtime: Option<Runtime>,
    /// CPU threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = resolve::threads)]
    threads: Option<usize>,
    /// Print JSON, one object per picture and line
    #[arg(long)]
    json: bool,
    /// Add the network's raw outputs to the JSON
    #[arg(long, requires = "json")]
    logits: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let network = Network::of(arguments)?;
    let name = network.design.name.clone();
    let mut classifier = network.classifier(arguments)?;
    let clock = MonotonicClock::new();
    let mut failed = 0;
    for path in &arguments.images {
        let answer = read_picture(path)
            .map_err(anyhow::Error::from)
            .and_then(|picture| Ok(classifier.classify(&picture, &clock)?));
        match answer {
            Ok(answer) => {
                let answer = Answer::new(path, &name, &answer, classifier.labels(), arguments);
                print(&if arguments.json { serde_json::to_string(&answer)? + "\n" } else { answer.text() })?;
            }
            Err(error) => {
                complain(&format!("error: {}", explain(&error)));
                failed += 1;
            }
        }
    }
    match (failed, arguments.images.len()) {
        (0, _) => Ok(()),
        (failed, all) => bail!("{failed} of {all} pictures could not be classified"),
    }
}

/// A network and trained weights that fit it.
struct Network {
    design: Design,
    file: WeightsFile,
    published: Option<&'static Published>,
}

impl Network {
    /// The weights asked for, with the design asked for or the one they fit. There is nothing to fall back on: what a
    /// network says without trained weights means nothing.
    fn of(arguments: &Arguments) -> anyhow::Result<Self> {
        let asked = arguments.design.as_deref().map(|word| resolve::design(word, None)).transpose()?;
        let Some(word) = &arguments.weights else {
            return Err(UsageError(no_weights(asked.as_ref())).into());
        };
        let file = WeightsFile::open(&weights_file(word)?)?;
        let published = Published::of_file(file.path());
        let design = match asked {
            Some(design) => match fitted(&file, &design) {
                Err(error @ FitError::Weights { .. }) => bail!("{error}\n{}", what_fits(&file)),
                fitted => fitted?,
            },
            None => fitting_design(&file)?,
        };
        let design = arguments.input.map_or_else(|| design.clone(), |size| design.apply(&Edit::Input(size)));
        Ok(Self { design, file, published })
    }

    fn classifier(mut self, arguments: &Arguments) -> anyhow::Result<Classifier> {
        let labels = arguments.labels.as_deref().map(Labels::read).transpose()?;
        let threads = arguments.threads.unwrap_or_else(resolve::default_threads);
        // Candle's operations run on the process's pool, the tuned runtime on its own.
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("the threads cannot be started")?;
        let mut run = RunOptions::new(arguments.device, threads, 1);
        run.runtime = arguments.runtime.unwrap_or(run.runtime);
        if !run.runtime.runs_on(run.device) {
            bail!(
                "the {} runtime has no kernels for {}: use --runtime candle or --device cpu",
                run.runtime,
                run.device
            );
        }
        // A published resize belongs to the published input.
        let published = self.published.map(|of| of.resize).filter(|_| self.design.input == InputSize::square(224));
        let options = ClassifierOptions { run, resize: arguments.resize.or(published), labels };
        let classifier = Classifier::open(&self.design, &mut self.file, &options);
        classifier.with_context(|| match &arguments.labels {
            Some(path) => format!("{} and {}", self.file.path().display(), path.display()),
            None => format!("{}", self.file.path().display()),
        })
    }
}

/// The file that `word` means: itself, or downloaded weights of that name.
fn weights_file(word: &str) -> anyhow::Result<PathBuf> {
    let path = PathBuf::from(word);
    let looks_like_a_file =
        path.extension().is_some_and(|ending| ["pth", "pt", "safetensors"].iter().any(|of| ending == *of));
    if looks_like_a_file || path.is_file() || word.contains(['/', '\\']) {
        return Ok(path);
    }
    let published = Published::find(word).ok_or_else(|| unknown(word)).context("--weights")?;
    downloaded(published).with_context(|| {
        format!("the weights `{word}` are not there yet: `shufflescope weights fetch {word}` downloads them")
    })
}

fn fitting_design(file: &WeightsFile) -> anyhow::Result<Design> {
    let published = Published::of_file(file.path()).map(|published| published.design);
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
fn no_weights(design: Option<&Design>) -> String {
    let meaningless = "--weights is missing, and without trained weights the answer would mean nothing";
    let published = match design {
        Some(design) => Published::for_design(&design.name),
        None => Published::find("shufflenet-v2-x1.0"),
    };
    match published {
        Some(Published { name, .. }) => {
            format!("{meaningless}; `shufflescope weights fetch {name}` downloads some, --weights {name} uses them")
        }
        None => format!("{meaningless}; for this design none are published, so it takes your own"),
    }
}

/// What is printed about a picture.
#[derive(Serialize)]
struct Answer {
    image: String,
    design: String,
    top: Vec<Class>,
    resize_ns: Nanos,
    infer_ns: Nanos,
    #[serde(skip_serializing_if = "Option::is_none")]
    logits: Option<Vec<f32>>,
}

#[derive(Serialize)]
struct Class {
    label: String,
    index: usize,
    probability: f32,
}

impl Answer {
    fn new(path: &Path, design: &str, answer: &Classification, labels: &Labels, arguments: &Arguments) -> Self {
        let class = |index, probability| Class { label: labels.name(index).into_owned(), index, probability };
        let top = answer.top(arguments.top as usize).into_iter().map(|ranked| class(ranked.index, ranked.probability));
        Self {
            image: path.display().to_string(),
            design: design.to_owned(),
            top: top.collect(),
            resize_ns: answer.times.resize,
            infer_ns: answer.times.infer,
            logits: arguments.logits.then(|| answer.logits.clone()),
        }
    }

    fn text(&self) -> String {
        let mut text = format!("{}  (resize {}, network {})\n", self.image, self.resize_ns, self.infer_ns);
        for Class { label, probability, .. } in &self.top {
            text += &format!("  {:>5.1} %  {label}\n", 100.0 * probability);
        }
        text
    }
}
