//! What can be taken out of the window: every form of a profile, and the network as a model.

use serde::{Deserialize, Serialize};
use shufflescope_engine::design::{Batch, Design, Edit};
use shufflescope_engine::device::Machine;
use shufflescope_engine::measure::Measurement;
use shufflescope_engine::model::Model;
use shufflescope_engine::model_file::onnx::{BatchNorm, to_onnx, to_onnx_in_bytes};
use shufflescope_engine::model_file::pytorch::to_pytorch;
use std::borrow::Cow;
use std::path::PathBuf;

use shufflescope_engine::graph::{Graph, lower};
use shufflescope_engine::report::{CameraRun, Format, Profile};
use shufflescope_engine::runtime::cpu::in_bytes;
use shufflescope_engine::training::{Passport, to_safetensors_with};
use shufflescope_engine::weights::{Weights, WeightsFile, to_safetensors};

/// A kind of file that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Export {
    /// What is known about the network.
    Profile(Format),
    /// The network with its weights.
    Onnx,
    /// The network in 8 bits.
    OnnxInt8,
    /// The weights alone.
    Safetensors,
    /// The network's source.
    Pytorch,
}

impl Export {
    /// The models, in the order they are offered.
    pub const MODELS: [Self; 4] = [Self::Onnx, Self::OnnxInt8, Self::Safetensors, Self::Pytorch];

    /// What the menu calls it.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Profile(format) => format.about(),
            Self::Onnx => "ONNX model",
            Self::OnnxInt8 => "ONNX model in 8 bits",
            Self::Safetensors => "weights (safetensors)",
            Self::Pytorch => "PyTorch source",
        }
    }

    /// How the names of such files end; the first one is offered.
    #[must_use]
    pub const fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Profile(format) => format.endings(),
            Self::Onnx => &[".onnx"],
            Self::OnnxInt8 => &[".int8.onnx", ".onnx"],
            Self::Safetensors => &[".safetensors"],
            Self::Pytorch => &[".py"],
        }
    }

    /// What it is good for.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Profile(Format::Json) => "Everything, to be opened here again or read by scripts",
            Self::Profile(Format::Html) => "One page with tables and charts, to read and print",
            Self::Profile(Format::Csv) => "One row per layer, for spreadsheets",
            Self::Profile(Format::Markdown) => "Tables for a README or a pull request",
            Self::Profile(Format::Latex) => "Tables for a paper",
            Self::Profile(Format::Trace) => "Kernels on a time line; open it at ui.perfetto.dev",
            Self::Profile(Format::ModelExplorer) => "Numbers over the nodes of Google's Model Explorer",
            Self::Onnx => "The network with its weights, for ONNX Runtime and graph viewers",
            Self::OnnxInt8 => "As int8 runs it here, for runtimes that know QuantizeLinear and DequantizeLinear",
            Self::Safetensors => "The weights alone, under torchvision's names",
            Self::Pytorch => "A module to train; its state_dict has torchvision's names",
        }
    }
}

/// How a result of a tab is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultForm {
    /// Tables to read.
    Markdown,
    /// Everything, for scripts.
    Json,
}

impl ResultForm {
    /// Both, in the order offered.
    pub const ALL: [Self; 2] = [Self::Markdown, Self::Json];

    /// What its button says.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Markdown => "Markdown",
            Self::Json => "JSON",
        }
    }

    /// How the names of such files end.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Markdown => ".md",
            Self::Json => ".json",
        }
    }
}

/// What exports are written from, as it was when a person asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Material {
    /// The network.
    pub model: Model,
    /// Images per run.
    pub batch: Batch,
    /// Its measurement, where there is one.
    pub measurement: Option<Measurement>,
    /// A recorded run behind a camera, where there is one.
    pub camera: Option<CameraRun>,
    /// The machine that it was measured on; this one where absent.
    pub machine: Option<Machine>,
    /// A file of weights that were taught, to be used where they fit.
    #[serde(default)]
    pub taught: Option<PathBuf>,
}

impl Material {
    /// The file's bytes.
    pub(super) fn render(&self, what: Export) -> Result<Vec<u8>, String> {
        fn told<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, String> {
            result.map_err(|error| error.to_string())
        }
        let taught = self.taught()?;
        if let Export::Profile(format) = what {
            let graph = told(self.model.graph(self.batch))?;
            let profile = Profile::of_graph(&self.model, &graph, self.measurement.clone());
            let accuracy = taught.and_then(|taught| {
                taught.passport.accuracy_of(&taught.design, &taught.passport.preprocessing).cloned()
            });
            let machine = self.machine.clone().unwrap_or_else(|| profile.machine.clone());
            let camera = self.camera.clone();
            return told(Profile { camera, machine, accuracy, ..profile }.to_bytes(format));
        }
        let graph = match &taught {
            Some(taught) => told(lower(&taught.design, self.batch))?,
            None => told(self.model.graph(self.batch))?,
        };
        let weights = |graph: &Graph| match &taught {
            Some(taught) => Ok(Cow::Borrowed(&taught.weights)),
            None => told(self.model.weights(graph, None)),
        };
        match (what, &taught) {
            (Export::Onnx, _) => told(to_onnx(&graph, &*weights(&graph)?, BatchNorm::Keep)),
            (Export::OnnxInt8, _) => {
                // Values have the same ranges in every batch.
                let graph = match &taught {
                    Some(taught) => told(lower(&taught.design, Batch(1)))?,
                    None => told(self.model.graph(Batch(1)))?,
                };
                let (weights, threads) =
                    (weights(&graph)?, std::thread::available_parallelism().map_or(1, usize::from));
                let bytes = told(in_bytes(&graph, &weights, threads))?;
                told(to_onnx_in_bytes(&graph, &weights, &bytes))
            }
            (Export::Safetensors, Some(taught)) => told(to_safetensors_with(&taught.weights, &taught.passport)),
            (Export::Safetensors, None) => told(to_safetensors(&*weights(&graph)?)),
            (Export::Pytorch, _) => told(to_pytorch(&graph)).map(String::into_bytes),
            (Export::Profile(_), _) => Err("a profile has no weights".into()),
        }
    }

    /// What was taught, where it fits the network: a design that was changed since has made-up weights again.
    fn taught(&self) -> Result<Option<Taught>, String> {
        let (Some(path), Some(design)) = (&self.taught, self.model.design()) else { return Ok(None) };
        let mut file = WeightsFile::open(path).map_err(|error| error.to_string())?;
        let Some(passport) = Passport::in_file(&file) else { return Ok(None) };
        let design = design.apply(&Edit::Classes(passport.design.classes));
        let graph = lower(&design, Batch(1)).map_err(|error| error.to_string())?;
        if file.compare(&graph).is_err() {
            return Ok(None);
        }
        let weights = file.load(&graph).map_err(|error| error.to_string())?;
        Ok(Some(Taught { design, weights, passport }))
    }
}

/// Taught weights that fit, the design with their classes, and what the file says of itself.
struct Taught {
    design: Design,
    weights: Weights,
    passport: Passport,
}
