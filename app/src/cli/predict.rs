//! `shufflescope predict`: how long a network will take here, before it is measured.

use shufflescope_engine::design::InputSize;
use shufflescope_engine::predict::{Prediction, Predictor, Track};
use shufflescope_engine::runtime::{RunOptions, plan_without_weights};
use thiserror::Error;

use super::output::print;
use super::resolve;
use super::running::{Load, Running};
use super::site::On;
use super::table::{Align, Table};
use super::user_store::UserStore;

pub(super) const EXAMPLES: &str = "\
Examples:
  shufflescope calibrate --threads 1
  shufflescope predict shufflenet-v2-x1.0 --threads 1
  shufflescope predict my-design.toml --threads 1 --json | jq .predicted_ns

Nothing is measured. A prediction is made of the kernels that were measured before on this machine in the same way of
running; nine of ten measured medians lie within its band.";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A preset's or network's name (see `shufflescope designs`), a TOML file, or an ONNX model
    #[arg(value_name = "DESIGN")]
    model: String,
    #[command(flatten)]
    running: Running,
    #[command(flatten)]
    load: Load,
    #[command(flatten)]
    on: On,
    /// Input size in place of the model's own: a side such as 224, or WIDTHxHEIGHT
    #[arg(long, value_name = "SIZE")]
    input: Option<InputSize>,
    /// Print the prediction as JSON
    #[arg(long)]
    json: bool,
}

/// There is nothing to predict from.
#[derive(Debug, Error)]
#[error(
    "nothing is known yet of {options}: `shufflescope calibrate{remedy}` measures what predictions rest on, and so does \
     every `shufflescope profile`"
)]
pub(super) struct NothingKnown {
    options: RunOptions,
    remedy: String,
}

impl NothingKnown {
    pub(super) fn of(options: &RunOptions) -> Self {
        let RunOptions { device, runtime, threads, batch: _, instruction_set, precision } = options;
        let isa = instruction_set.map_or_else(String::new, |isa| format!(" --instruction-set {}", isa.name()));
        let remedy = format!(" --device {device} --runtime {runtime} --threads {threads} --precision {precision}{isa}");
        Self { options: options.clone(), remedy }
    }
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let model = resolve::model(&arguments.model, arguments.input)?;
    let graph = model.graph(arguments.load.batch)?;
    let site = arguments.on.site()?;
    let options = arguments.running.options_at(&site, arguments.load.threads, arguments.load.batch)?;
    let predictor = UserStore::open(&site).predictor(&options).ok_or_else(|| NothingKnown::of(&options))?;
    let plan = plan_without_weights(&graph, &options).ok_or_else(|| NothingKnown::of(&options))?;
    let prediction = predictor.predict(&graph, &plan);
    print(&if arguments.json {
        site.json(&prediction)?
    } else {
        let report = report(model.name(), &options, &prediction, &predictor);
        site.in_words().map(|place| format!("for {place}\n\n{report}")).unwrap_or(report)
    })
}

fn report(name: &str, options: &RunOptions, prediction: &Prediction, predictor: &Predictor) -> String {
    let Prediction { predicted, low, high, known_share, .. } = prediction;
    let mut text = format!(
        "{name}, predicted for {options}\n  latency         {predicted} (predicted, not measured)\n  90 % band       {low} to \
         {high}\n  known           {:.0} % of the time is in kernels that were measured\n  rests on        {} networks with \
         {} kernels\n",
        100.0 * known_share,
        predictor.networks(),
        predictor.kernels(),
    );
    let Track { estimates, held, median_error } = predictor.track();
    if *estimates > 0 {
        text += &format!(
            "  past estimates  {held} of {estimates} bands held, median error {:.1} %\n",
            100.0 * median_error
        );
    }
    let mut table = Table::new(&[("layers", Align::Left), ("predicted", Align::Right), ("source", Align::Left)]);
    for kernel in &prediction.kernels {
        let layers = match kernel.layers.as_slice() {
            [] => String::new(),
            [only] => only.clone(),
            [first, .., last] => format!("{first} .. {last}"),
        };
        table.row([layers, kernel.predicted.to_string(), kernel.source.to_string()]);
    }
    text + &format!("\n{table}")
}
