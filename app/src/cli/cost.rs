//! `shufflescope cost`: what a network costs on paper.

use shufflescope_engine::cost::ModelCost;
use shufflescope_engine::design::{Batch, InputSize};
use shufflescope_engine::guideline::Finding;
use shufflescope_engine::model::Model;
use shufflescope_engine::report::Profile;

use super::output::print;
use super::resolve;
use super::table::{Align, Table};

pub(super) const EXAMPLES: &str = "\
Examples:
  shufflescope cost shufflenet-v2-x1.0
  shufflescope cost my-design.toml --input 160 --json
  shufflescope cost model.onnx";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A preset's or network's name (see `shufflescope designs`), a TOML file, or an ONNX model
    #[arg(value_name = "MODEL")]
    model: String,
    /// Images per run
    #[arg(long, value_name = "N", default_value = "1", value_parser = resolve::batch)]
    batch: Batch,
    /// Input size in place of the model's own: a side such as 224, or WIDTHxHEIGHT
    #[arg(long, value_name = "SIZE")]
    input: Option<InputSize>,
    /// Print the profile as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let model = resolve::model(&arguments.model, arguments.input)?;
    let profile = Profile::new(&model, arguments.batch, None)?;
    if arguments.json {
        return print(&profile.to_json()?);
    }
    let mut text = headline(&model, &profile.cost);
    text += &format!("\n{}", layers(&profile.cost));
    text += &findings(&profile.findings);
    print(&text)
}

/// The totals, and what is published about a network of the zoo that has not been changed.
pub(super) fn headline(model: &Model, cost: &ModelCost) -> String {
    let total = &cost.total;
    let intensity = total.arithmetic_intensity.map_or_else(|| "-".into(), |flop| format!("{flop:.1} FLOP/B"));
    let mut text = format!(
        "{} at {}\n  mult-adds       {} (FLOPs = 2 x mult-adds: {})\n  params          {}\n  memory access   {} elements, {}\n  \
         intensity       {intensity}\n  peak memory     {} of activations, at {}\n",
        model.name(),
        model.input(),
        total.mult_adds,
        shufflescope_engine::units::MultAdds(total.mult_adds.0.saturating_mul(2)),
        total.params,
        total.memory_access,
        total.memory_access_bytes,
        total.peak_activation_bytes,
        total.peak_activation_layer,
    );
    let error = model.published().and_then(|of| Some((of.top1_error_percent?, of.source)));
    text += &match error {
        Some((percent, source)) => format!("  top-1 error     {percent:.1} % (published: {source})\n"),
        None => "  accuracy        unknown\n".into(),
    };
    text
}

fn layers(cost: &ModelCost) -> Table {
    let mut table = Table::new(&[
        ("layer", Align::Left),
        ("op", Align::Left),
        ("output", Align::Left),
        ("mult-adds", Align::Right),
        ("params", Align::Right),
        ("memory access", Align::Right),
        ("FLOP/B", Align::Right),
    ]);
    for layer in &cost.layers {
        table.row([
            layer.path.clone(),
            layer.op.clone(),
            layer.output.to_string(),
            layer.mult_adds.to_string(),
            layer.params.to_string(),
            layer.memory_access.to_string(),
            layer.arithmetic_intensity.map_or_else(|| "-".into(), |flop| format!("{flop:.1}")),
        ]);
    }
    table
}

/// What the guidelines find, a paragraph each.
pub(super) fn findings(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        text += &format!("\n{} {}: {}\n", finding.guideline, finding.guideline.title(), finding.evidence.summary);
        if let Some(share) = finding.evidence.time_in_words() {
            text += &format!("   {share}.\n");
        }
        if let Some(remedy) = &finding.remedy {
            text += &format!(
                "   Try: {} (mult-adds {:+.0} %, params {:+.0} %, memory access {:+.0} %).\n",
                remedy.label,
                100.0 * remedy.mult_adds.relative(),
                100.0 * remedy.params.relative(),
                100.0 * remedy.memory_access.relative(),
            );
        }
    }
    text
}
