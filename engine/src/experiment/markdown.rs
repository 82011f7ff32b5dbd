//! An experiment as Markdown: one table per column, our rates beside the paper's, the verdict and its rule below.

use std::fmt::Write;

use super::{Cell, ExperimentResult, PaperFigure};
use crate::measure::RatioInterval;

/// The section of a report, from a second-level heading on.
#[must_use]
pub fn section(result: &ExperimentResult) -> String {
    written(|to| write(result, to))
}

/// What is written, as text.
pub(super) fn written(write: impl FnOnce(&mut String) -> std::fmt::Result) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text);
    text
}

fn write(result: &ExperimentResult, to: &mut String) -> std::fmt::Result {
    writeln!(to, "## {}\n", result.title)?;
    writeln!(to, "{}. {}.\n", result.set_up, result.source)?;
    writeln!(to, "**{} on this device.**\n", capital(result.verdict.name()))?;
    for (column, of_column) in result.by_column() {
        writeln!(to, "### {}: {}\n", capital(&column.heading), column.verdict)?;
        writeln!(
            to,
            "| | channels | mult-adds | memory access | ours, batches/s | ours, ratio | evidence | \
             paper GPU, batches/s | ratio | paper ARM, images/s | ratio |"
        )?;
        writeln!(to, "|---|---|---:|---:|---:|---:|---|---:|---:|---:|---:|")?;
        for cell in of_column {
            row(cell, to)?;
        }
        let floor = column.noise_floor.map_or_else(|| "unknown".into(), |floor| percent(floor.share));
        writeln!(
            to,
            "\n{} rounds; margin {}, noise floor {floor}; the rows' mult-adds differ by up to {}.\n",
            column.rounds,
            percent(column.margin),
            percent(column.mult_adds_differ)
        )?;
    }
    writeln!(to, "How the verdict is reached: {}\n", result.rule)?;
    writeln!(to, "Ours, not stated by the paper:\n")?;
    for choice in &result.choices {
        writeln!(to, "- {choice}")?;
    }
    let instructions = result.instruction_set.map_or_else(String::new, |isa| format!(", {isa}"));
    writeln!(
        to,
        "\nDevice {}, runtime {}{}, {} thread{}{instructions}, batch {}; rounds of {} blocks in changing order, ratios \
         with 95 % intervals from Student's t over sittings that had their networks prepared anew. The paper's rates are published figures of a GTX 1080Ti and \
         one thread of a Snapdragon 810, with their own channels; its batch is not stated.",
        result.device,
        result.runtime,
        result.precision.remark(),
        result.threads,
        if result.threads == 1 { "" } else { "s" },
        result.batch,
        result.method.block
    )
}

fn row(cell: &Cell, to: &mut String) -> std::fmt::Result {
    let ours = cell.ours.map_or_else(
        || "not measured".into(),
        |ours| format!("{} [{}, {}]", rate(ours.batches_per_second), rate(ours.low), rate(ours.high)),
    );
    writeln!(
        to,
        "| {} | {} | {} | {} | {ours} | {} | {} | {} | {} |",
        cell.label,
        cell.channels,
        cell.mult_adds,
        cell.memory_access,
        cell.ours_ratio.as_ref().map_or_else(String::new, interval),
        cell.evidence.map_or("", super::Evidence::name),
        paper(&cell.paper_gpu),
        paper(&cell.paper_arm)
    )
}

fn paper(figure: &PaperFigure) -> String {
    format!("{} | {:.2}", figure.rate, figure.ratio)
}

fn interval(ratio: &RatioInterval) -> String {
    format!("{:.3} [{:.3}, {:.3}]", ratio.ratio, ratio.low, ratio.high)
}

/// Four significant digits, as many as intervals of 1 % deserve.
fn rate(rate: f64) -> String {
    match rate {
        rate if rate < 9.9995 => format!("{rate:.3}"),
        rate if rate < 99.995 => format!("{rate:.2}"),
        rate if rate < 999.95 => format!("{rate:.1}"),
        rate => format!("{rate:.0}"),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
