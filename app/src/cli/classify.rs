//! `shufflescope classify`: what is on pictures.

use std::path::{Path, PathBuf};

use anyhow::bail;
use serde::Serialize;
use shufflescope_engine::classify::{Classification, Labels};
use shufflescope_engine::clock::MonotonicClock;
use shufflescope_engine::units::Nanos;

use super::output::{complain, print};
use super::trained::{Network, NetworkArguments};
use crate::explain;
use crate::image_file::read_picture;

pub(super) const EXAMPLES: &str = "\
Examples:
  shufflescope weights fetch shufflenet-v2-x1.0
  shufflescope classify --weights shufflenet-v2-x1.0 photo.jpg
  shufflescope classify --weights trained.pth --design my-design.toml --labels names.txt *.png
  shufflescope classify --design model.onnx --labels names.txt --normalize none *.png
  shufflescope classify --design resnet-50 --weights checkpoint.pth.tar photo.jpg
  shufflescope classify --weights trained.pth --json --logits photo.jpg | jq .top[0].label

JSON has one object per picture and line: image, design, top (label, index, probability), resize_ns, infer_ns; logits on
request.
The network gets what torchvision's would: the shorter side resized (antialiased) to 256/224 of the input, the centre cut
out, ImageNet's mean and deviation. Networks that were trained otherwise are told so: --normalize none where they normalise
inside (with --scale 1 where they want values to 255), --crop-pct, --interpolation, --mean and --std as timm has them,
--channel-order bgr for Caffe's. A network of 1000 classes is taken for ImageNet's unless --labels are given; other
classes have numbers. PNG, JPEG, BMP and WebP are read, turned upright as their EXIF data say.";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Pictures
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    #[command(flatten)]
    network: NetworkArguments,
    /// How many classes to show
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    top: u32,
    /// Print JSON, one object per picture and line
    #[arg(long)]
    json: bool,
    /// Add the network's raw outputs to the JSON
    #[arg(long, requires = "json")]
    logits: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let network = Network::of(&arguments.network, arguments.network.asked()?)?;
    let name = network.model.name().to_owned();
    let (mut classifier, _) = network.classifier(&arguments.network)?;
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
