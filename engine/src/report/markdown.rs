//! Tables for a README, a pull request or an issue: exact counts, times in microseconds to the nanosecond.

use std::io::Write;

use super::{
    CameraRun, ExportError, Exporter, Fact, Format, LayerRow, Origin, Profile, environment, headline, layer_rows,
    method, stage_rows, time_by_kind, what_fusing_saves,
};
use crate::measure::{Measurement, SPLIT_LABEL};
use crate::units::Nanos;

/// GitHub's Markdown.
#[derive(Clone, Copy, Debug)]
pub struct Markdown;

impl Exporter for Markdown {
    fn format(&self) -> Format {
        Format::Markdown
    }

    fn write(&self, profile: &Profile, to: &mut dyn Write) -> Result<(), ExportError> {
        writeln!(to, "# {} at {}\n", cell(profile.design.name()), profile.design.input())?;
        table(to, &["", "value", "", "origin"], "lrll", headline(profile).iter().map(fact))?;

        writeln!(to, "\n## Stages\n")?;
        let columns = ["layer", "of", "output", "channels", "window", "stride", "repeat", "mult-adds", "params", "µs"];
        let rows = stage_rows(profile).into_iter().map(|row| {
            let (map, strides) = (row.map(), row.strides());
            [
                row.name,
                row.what,
                map,
                row.output.channels.to_string(),
                row.window,
                strides,
                row.repeats.to_string(),
                row.mult_adds.0.to_string(),
                row.params.0.to_string(),
                row.time.map(microseconds).unwrap_or_default(),
            ]
        });
        table(to, &columns, "lllrllrrrr", rows)?;

        if let Some(measurement) = &profile.measurement {
            kinds(to, profile, measurement)?;
        }

        writeln!(to, "\n## Layers\n")?;
        let columns =
            ["layer", "op", "output", "mult-adds", "params", "memory access (elements)", "FLOP/B", "kernel", "µs"];
        let rows = layer_rows(profile);
        if rows.iter().any(|row| row.apart.is_some()) {
            let [a, b, c, d, e, f, g, h, i] = columns;
            let columns = [a, b, c, d, e, f, g, h, i, "split: µs", "apart: µs"];
            table(to, &columns, "lllrrrrrrrr", rows.iter().map(layer_apart))?;
            let text = "apart is a layer's time as a kernel of its own, split its part of its kernel's time";
            writeln!(
                to,
                "\nA kernel's time stands in the row of the first layer that it computes; {text}, {SPLIT_LABEL}."
            )?;
        } else {
            table(to, &columns, "lllrrrrrr", rows.iter().map(layer))?;
            if profile.measurement.is_some() {
                writeln!(to, "\nA kernel's time stands in the row of the first layer that it computes.")?;
            }
        }

        if !profile.findings.is_empty() {
            writeln!(to, "\n## Guidelines\n")?;
            for finding in &profile.findings {
                let (guideline, evidence) = (finding.guideline, &finding.evidence);
                write!(to, "- **{guideline} {}**: {}", guideline.title(), cell(&evidence.summary))?;
                match &finding.remedy {
                    Some(remedy) => writeln!(to, " Try: {}.", cell(&remedy.label))?,
                    None => writeln!(to)?,
                }
            }
        }
        if let Some(run) = &profile.camera {
            writeln!(to, "\n## Behind a camera\n")?;
            camera_run(to, run)?;
        }
        facts(to, "Environment", environment(profile))?;
        facts(to, "Method", method(profile))?;
        let warnings = profile.measurement.iter().flat_map(|measurement| &measurement.warnings);
        for (index, warning) in warnings.enumerate() {
            let heading = if index == 0 { "\n## Warnings\n\n" } else { "" };
            writeln!(to, "{heading}- {}", cell(&warning.to_string()))?;
        }
        Ok(())
    }
}

/// What a network takes behind a camera, without a heading.
pub(super) fn camera_run(to: &mut dyn Write, run: &CameraRun) -> std::io::Result<()> {
    writeln!(to, "{}.\n", cell(&run.summary()))?;
    let rows = run.stages().into_iter();
    let rows = rows.map(|(name, times)| [name.to_owned(), microseconds(times.p50), microseconds(times.p90)]);
    table(to, &["stage", "p50, µs", "p90, µs"], "lrr", rows)
}

fn fact(fact: &Fact) -> [String; 4] {
    let origin = if fact.origin == Origin::Unknown { "" } else { fact.origin.name() };
    [fact.name.into(), fact.value.clone(), fact.detail.clone(), origin.into()]
}

fn layer(row: &LayerRow<'_>) -> [String; 9] {
    let cost = row.cost;
    let first = row.kernel.filter(|kernel| kernel.is_first);
    [
        cost.path.clone(),
        cost.op.clone(),
        cost.output.to_string(),
        cost.mult_adds.0.to_string(),
        cost.params.0.to_string(),
        cost.memory_access.0.to_string(),
        cost.arithmetic_intensity.map(|flop| format!("{flop:.2}")).unwrap_or_default(),
        row.kernel.map(|kernel| kernel.index.to_string()).unwrap_or_default(),
        first.map(|kernel| microseconds(kernel.time.median)).unwrap_or_default(),
    ]
}

fn layer_apart(row: &LayerRow<'_>) -> [String; 11] {
    let [a, b, c, d, e, f, g, h, i] = layer(row);
    let share = row.apart.map(|apart| microseconds(apart.share)).unwrap_or_default();
    let alone = row.apart.and_then(|apart| apart.alone).map(microseconds).unwrap_or_default();
    [a, b, c, d, e, f, g, h, i, share, alone]
}

/// The time by kind of work; nothing where no kernel was timed.
fn kinds(to: &mut dyn Write, profile: &Profile, measurement: &Measurement) -> std::io::Result<()> {
    let Some(of) = time_by_kind(&profile.cost.layers, measurement) else { return Ok(()) };
    writeln!(to, "\n## Time by kind of work\n")?;
    let sum: Nanos = of.times.values().copied().sum();
    let row = |(kind, time): (crate::graph::OpKind, Nanos)| {
        [kind.name().to_owned(), microseconds(time), format!("{:.1} %", 100.0 * time.share_of(sum))]
    };
    table(to, &["kind", "µs", "share"], "lrr", of.sorted().into_iter().map(row))?;
    writeln!(to, "\n{}", of.rule())?;
    what_fusing_saves(measurement).map_or(Ok(()), |text| writeln!(to, "\n{text}"))
}

/// A table; `align` has one letter per column, `l` or `r`.
fn table<const N: usize>(
    to: &mut dyn Write,
    columns: &[&str; N],
    align: &str,
    rows: impl Iterator<Item = [String; N]>,
) -> std::io::Result<()> {
    writeln!(to, "| {} |", columns.join(" | "))?;
    let rules: Vec<&str> = align.chars().map(|side| if side == 'r' { "---:" } else { "---" }).collect();
    writeln!(to, "| {} |", rules.join(" | "))?;
    for row in rows {
        writeln!(to, "| {} |", row.map(|text| cell(&text)).join(" | "))?;
    }
    Ok(())
}

fn facts(to: &mut dyn Write, heading: &str, facts: Vec<(&str, String)>) -> std::io::Result<()> {
    if facts.is_empty() {
        return Ok(());
    }
    writeln!(to, "\n## {heading}\n")?;
    facts.iter().try_for_each(|(name, value)| writeln!(to, "- {name}: {}", cell(value)))
}

/// Text that means itself in Markdown and stays in its cell.
#[must_use]
pub fn cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '|' | '*' | '_' | '`' | '<' | '\\' => cell.extend(['\\', character]),
            '\n' | '\r' => cell.push(' '),
            _ => cell.push(character),
        }
    }
    cell
}

/// Microseconds to the nanosecond, written without going through a float.
fn microseconds(time: Nanos) -> String {
    format!("{}.{:03}", time.0 / 1000, time.0 % 1000)
}
