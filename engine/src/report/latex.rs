//! Tables for a paper: the design as in the ShuffleNet V2 paper's Table 5, its headline and, where it was measured, the time
//! by kind of work. Needs `booktabs`.

use std::io::Write;

use super::{
    ExportError, Exporter, Format, Origin, Profile, StageRow, headline, stage_rows, time_by_kind, what_fusing_saves,
};
use crate::units::Nanos;

/// The `table` environments to `\input` into a document.
#[derive(Clone, Copy, Debug)]
pub struct Latex;

impl Exporter for Latex {
    fn format(&self) -> Format {
        Format::Latex
    }

    fn write(&self, profile: &Profile, to: &mut dyn Write) -> Result<(), ExportError> {
        let name = escaped(profile.design.name());
        writeln!(to, "% Made by ShuffleScope {}. Needs \\usepackage{{booktabs}}.", profile.machine.version)?;
        stages(to, profile, &name)?;
        totals(to, profile, &name)?;
        Ok(kinds(to, profile, &name)?)
    }
}

fn stages(to: &mut dyn Write, profile: &Profile, name: &str) -> std::io::Result<()> {
    let rows = stage_rows(profile);
    let measured = rows.iter().any(|row| row.time.is_some());
    let (column, heading) = if measured { ("r", " & Time (ms)") } else { ("", "") };
    writeln!(to, "\\begin{{table}}\n  \\centering")?;
    let input = profile.design.input();
    writeln!(to, "  \\caption{{{name} at ${}\\times{}$.}}", input.width, input.height)?;
    writeln!(to, "  \\begin{{tabular}}{{llllrrrr{column}}}\n    \\toprule")?;
    writeln!(
        to,
        "    Layer & Output size & Window & Stride & Repeat & Channels & Mult-adds (M) & Params (k){heading} \\\\\n    \\midrule"
    )?;
    for row in &rows {
        writeln!(to, "    {} \\\\", stage(row, measured))?;
    }
    let total = &profile.cost.total;
    let sum = profile.measurement.as_ref().and_then(|measurement| Some(measurement.breakdown.as_ref()?.sum));
    let time =
        if measured { format!(" & {}", sum.map(|sum| millis(sum.0)).unwrap_or_default()) } else { String::new() };
    writeln!(
        to,
        "    \\midrule\n    Sum & & & & & & {} & {}{time} \\\\",
        millions(total.mult_adds.0),
        thousands(total.params.0)
    )?;
    writeln!(to, "    \\bottomrule\n  \\end{{tabular}}\n\\end{{table}}")
}

fn stage(row: &StageRow, measured: bool) -> String {
    let mut cells = vec![
        escaped(&row.name),
        times(&row.map()),
        times(&row.window),
        row.strides(),
        row.repeats.to_string(),
        row.output.channels.to_string(),
        millions(row.mult_adds.0),
        thousands(row.params.0),
    ];
    if measured {
        cells.push(row.time.map(|time| millis(time.0)).unwrap_or_default());
    }
    cells.join(" & ")
}

fn totals(to: &mut dyn Write, profile: &Profile, name: &str) -> std::io::Result<()> {
    writeln!(to, "\n\\begin{{table}}\n  \\centering\n  \\caption{{{name}: totals and where they come from.}}")?;
    writeln!(to, "  \\begin{{tabular}}{{lrl}}\n    \\toprule\n    & Value & Origin \\\\\n    \\midrule")?;
    for fact in headline(profile) {
        let origin = match fact.origin {
            Origin::Published => escaped(&format!("published: {}", fact.detail)),
            Origin::Unknown => String::new(),
            origin => origin.name().into(),
        };
        writeln!(to, "    {} & {} & {origin} \\\\", escaped(fact.name), escaped(&fact.value))?;
    }
    writeln!(to, "    \\bottomrule\n  \\end{{tabular}}\n\\end{{table}}")
}

/// The time by kind of work; nothing where no kernel was timed.
fn kinds(to: &mut dyn Write, profile: &Profile, name: &str) -> std::io::Result<()> {
    let Some(measurement) = &profile.measurement else { return Ok(()) };
    let Some(of) = time_by_kind(&profile.cost.layers, measurement) else { return Ok(()) };
    let saved = what_fusing_saves(measurement).map(|text| format!(" {text}")).unwrap_or_default();
    let rule = escaped(&format!("{}{saved}", of.rule()));
    writeln!(to, "\n\\begin{{table}}\n  \\centering\n  \\caption{{{name}: time by kind of work. {rule}}}")?;
    writeln!(to, "  \\begin{{tabular}}{{lrr}}\n    \\toprule\n    Kind & Time (ms) & Share (\\%) \\\\\n    \\midrule")?;
    let sum: Nanos = of.times.values().copied().sum();
    for (kind, time) in of.sorted() {
        let share = 100.0 * time.share_of(sum);
        writeln!(to, "    {} & {} & {share:.1} \\\\", escaped(kind.name()), millis(time.0))?;
    }
    writeln!(to, "    \\bottomrule\n  \\end{{tabular}}\n\\end{{table}}")
}

fn times(size: &str) -> String {
    if size.is_empty() { String::new() } else { format!("${}$", size.replace('x', "\\times ")) }
}

fn millions(count: u64) -> String {
    format!("{:.2}", count as f64 / 1e6)
}

fn thousands(count: u64) -> String {
    format!("{:.1}", count as f64 / 1e3)
}

fn millis(nanos: u64) -> String {
    format!("{:.3}", nanos as f64 / 1e6)
}

/// Text that means itself in LaTeX.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => escaped += "\\textbackslash{}",
            '~' => escaped += "\\textasciitilde{}",
            '^' => escaped += "\\textasciicircum{}",
            'µ' => escaped += "\\textmu{}",
            '±' => escaped += "\\textpm{}",
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', character]),
            _ => escaped.push(character),
        }
    }
    escaped
}
