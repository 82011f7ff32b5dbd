//! The tables of the page.

use std::fmt::Write;

use super::escaped;
use crate::measure::SPLIT_LABEL;
use crate::report::{LayerRow, Profile, StageRow, layer_rows, stage_rows};
use crate::units::Nanos;

/// The design in the manner of the paper's Table 5, with what each row costs.
pub(super) fn stages(profile: &Profile) -> String {
    let rows = stage_rows(profile);
    let sum: Nanos = rows.iter().filter_map(|row| row.time).sum();
    let measured = rows.iter().any(|row| row.time.is_some());
    let mut heading = vec![
        ("Layer", ""),
        ("made of", ""),
        ("output", "n"),
        ("channels", "n"),
        ("window", ""),
        ("stride", ""),
        ("repeat", "n"),
        ("mult-adds", "n"),
        ("params", "n"),
        ("memory access", "n"),
    ];
    if measured {
        heading.extend([("time", "n"), ("share", "n")]);
    }
    let body: String = rows.iter().map(|row| stage(row, measured.then_some(sum))).collect();
    let total = &profile.cost.total;
    let time = if measured { format!("<td class=\"n\">{sum}</td><td></td>") } else { String::new() };
    let title = if profile.design.design().is_some() { "Design" } else { "Parts" };
    format!(
        "<section>\n<h2>{title}</h2>\n<div class=\"wide\"><table>\n<thead><tr>{}</tr></thead>\n<tbody>\n{body}</tbody>\n\
         <tfoot><tr><td colspan=\"7\">sum</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>{time}</tr></tfoot>\n\
         </table></div>\n</section>\n",
        head(&heading),
        total.mult_adds,
        total.params,
        total.memory_access,
    )
}

fn stage(row: &StageRow, sum: Option<Nanos>) -> String {
    let mut text = format!(
        "<tr><td class=\"path\">{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td><td>{}</td>\
         <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>",
        escaped(&row.name),
        escaped(&row.what),
        row.map().replace('x', "×"),
        row.output.channels,
        row.window.replace('x', "×"),
        row.strides(),
        row.repeats,
        row.mult_adds,
        row.params,
        row.memory_access,
    );
    if let Some(sum) = sum {
        let time = row.time.unwrap_or_default();
        let _ = write!(text, "<td class=\"n\">{time}</td><td class=\"n\">{:.1} %</td>", 100.0 * time.share_of(sum));
    }
    text + "</tr>\n"
}

/// One row per layer.
pub(super) fn layers(profile: &Profile) -> String {
    let rows = layer_rows(profile);
    let measured = rows.iter().any(|row| row.kernel.is_some());
    let mut heading = vec![
        ("Layer", ""),
        ("op", ""),
        ("output", "n"),
        ("mult-adds", "n"),
        ("params", "n"),
        ("memory access", "n"),
        ("FLOP/B", "n"),
    ];
    let is_apart = rows.iter().any(|row| row.apart.is_some());
    if measured {
        heading.extend([("kernel", "n"), ("median", "n"), ("interval", "n")]);
    }
    if is_apart {
        heading.extend([("split", "n"), ("apart", "n")]);
    }
    let note = if is_apart {
        format!(
            "A kernel may compute several layers; its time stands in the row of the first one. Apart is a layer's time as a \
             kernel of its own, split its part of its kernel's time, {SPLIT_LABEL}."
        )
    } else if measured {
        "A kernel may compute several layers; its time stands in the row of the first one.".into()
    } else {
        "Counts for the whole batch; memory access in elements read and written once.".into()
    };
    format!(
        "<section>\n<h2>Layers</h2>\n<div class=\"wide\"><table>\n<caption>{note}</caption>\n<thead><tr>{}</tr></thead>\n<tbody>\n{}\
         </tbody>\n</table></div>\n</section>\n",
        head(&heading),
        rows.iter().map(|row| layer(row, measured, is_apart)).collect::<String>(),
    )
}

fn layer(row: &LayerRow<'_>, measured: bool, is_apart: bool) -> String {
    let cost = row.cost;
    let mut text = format!(
        "<tr><td class=\"path\">{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
         <td class=\"n\">{}</td><td class=\"n\">{}</td>",
        escaped(&cost.path),
        escaped(&cost.op),
        cost.output.to_string().replace('x', "×"),
        cost.mult_adds,
        cost.params,
        cost.memory_access,
        cost.arithmetic_intensity.map_or_else(|| "–".into(), |flop| format!("{flop:.1}")),
    );
    if measured {
        text += &match row.kernel {
            Some(kernel) if kernel.is_first => format!(
                "<td class=\"n\" title=\"{}\">{}</td><td class=\"n\">{}</td><td class=\"n\">{} – {}</td>",
                escaped(&kernel.time.label),
                kernel.index,
                kernel.time.median,
                kernel.time.low,
                kernel.time.high
            ),
            Some(kernel) => format!("<td class=\"n\">{}</td><td></td><td></td>", kernel.index),
            None => "<td></td><td></td><td></td>".into(),
        };
    }
    if is_apart {
        let cell = |time: Option<Nanos>| time.map(|time| time.to_string()).unwrap_or_default();
        let (share, alone) = (row.apart.map(|apart| apart.share), row.apart.and_then(|apart| apart.alone));
        let _ = write!(text, "<td class=\"n\">{}</td><td class=\"n\">{}</td>", cell(share), cell(alone));
    }
    text + "</tr>\n"
}

/// Names and values, one under the other; nothing where there are none.
pub(super) fn facts(heading: &str, facts: &[(&str, String)]) -> String {
    if facts.is_empty() {
        return String::new();
    }
    let row = |(name, value): &(&str, String)| {
        format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escaped(name), escaped(value))
    };
    let rows: String = facts.iter().map(row).collect();
    format!("<section>\n<h2>{heading}</h2>\n<table class=\"plain\">\n{rows}</table>\n</section>\n")
}

fn head(columns: &[(&str, &str)]) -> String {
    let cell = |(name, class): &(&str, &str)| format!("<th scope=\"col\" class=\"{class}\">{name}</th>");
    columns.iter().map(cell).collect()
}
