//! Bars: what each kind of work takes, and every kernel (or layer) of a run.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{colour, escaped, legend};
use crate::graph::OpKind;
use crate::report::{Profile, layer_rows, time_by_kind, what_fusing_saves};
use crate::units::{MultAdds, Nanos};

/// One bar: what it stands for, how long it is, and the text that says so.
struct Bar {
    name: String,
    kind: OpKind,
    value: u64,
    text: String,
}

/// Horizontal bars by kind of work: time where measured, and always memory access and mult-adds.
pub(super) fn by_kind(profile: &Profile) -> String {
    let mut charts = String::new();
    let measured = profile.measurement.as_ref();
    if let Some((measurement, of)) = measured.and_then(|of| Some((of, time_by_kind(&profile.cost.layers, of)?))) {
        let of_kind: Vec<_> = of.sorted().into_iter().map(|(kind, time)| (kind, time.0)).collect();
        charts += &horizontal("Time by kind of work", &of_kind, |value| Nanos(value).to_string());
        let saved = what_fusing_saves(measurement).map(|text| format!(" {text}")).unwrap_or_default();
        let text = escaped(&format!("Sums of kernel medians. {}{saved}", of.rule()));
        let _ = writeln!(charts, "<p class=\"soft\">{text}</p>");
    }
    let memory = sums(profile.cost.layers.iter().map(|layer| (layer.kind, layer.memory_access_bytes.0)));
    charts += &horizontal("Memory access by kind of work", &memory, |value| crate::units::Bytes(value).to_string());
    let mult_adds = sums(profile.cost.layers.iter().map(|layer| (layer.kind, layer.mult_adds.0)));
    charts += &horizontal("Mult-adds by kind of work", &mult_adds, |value| MultAdds(value).to_string());
    format!("<section>\n<h2>Where the cost lies</h2>\n{charts}</section>\n")
}

/// Vertical bars in execution order: kernels where measured, otherwise each layer's memory access.
pub(super) fn by_kernel(profile: &Profile) -> String {
    let kernels = kernels(profile);
    let (title, bars) = if kernels.is_empty() {
        let layer = |layer: &crate::cost::LayerCost| Bar {
            name: layer.path.clone(),
            kind: layer.kind,
            value: layer.memory_access_bytes.0,
            text: layer.memory_access_bytes.to_string(),
        };
        ("Memory access of each layer, in execution order", profile.cost.layers.iter().map(layer).collect())
    } else {
        ("Time of each kernel, in launch order", kernels)
    };
    vertical(title, &bars)
}

/// The kernels of the breakdown as bars; empty where nothing was measured.
fn kernels(profile: &Profile) -> Vec<Bar> {
    let mut heaviest: BTreeMap<usize, (MultAdds, u64, OpKind)> = BTreeMap::new();
    let mut bars: BTreeMap<usize, Bar> = BTreeMap::new();
    for row in layer_rows(profile) {
        let Some(kernel) = row.kernel else { continue };
        let this = (row.cost.mult_adds, row.cost.memory_access.0, row.cost.kind);
        let most = heaviest.entry(kernel.index).or_insert(this);
        *most = (*most).max(this);
        let kind = most.2;
        let bar = bars.entry(kernel.index).or_insert_with(|| Bar {
            name: format!("{} ({})", kernel.time.label, row.cost.path),
            kind,
            value: kernel.time.median.0,
            text: kernel.time.median.to_string(),
        });
        bar.kind = kind;
    }
    bars.into_values().collect()
}

/// Sums by kind, the largest first, without those that are nothing.
fn sums(values: impl Iterator<Item = (OpKind, u64)>) -> Vec<(OpKind, u64)> {
    let mut sums: BTreeMap<OpKind, u64> = BTreeMap::new();
    for (kind, value) in values {
        let sum = sums.entry(kind).or_default();
        *sum = sum.saturating_add(value);
    }
    let mut sums: Vec<_> = sums.into_iter().filter(|&(_, sum)| sum > 0).collect();
    sums.sort_by_key(|&(_, sum)| std::cmp::Reverse(sum));
    sums
}

fn horizontal(title: &str, sums: &[(OpKind, u64)], shown: impl Fn(u64) -> String) -> String {
    let whole: u64 = sums.iter().fold(0, |whole, &(_, sum)| whole.saturating_add(sum));
    let most = sums.first().map_or(1, |&(_, sum)| sum).max(1);
    let mut svg = String::new();
    for (index, &(kind, sum)) in sums.iter().enumerate() {
        let y = 22 * index;
        let width = 560.0 * sum as f64 / most as f64;
        let _ = writeln!(
            svg,
            "<text x=\"112\" y=\"{}\" text-anchor=\"end\">{}</text><rect x=\"120\" y=\"{}\" width=\"{width:.1}\" height=\"16\" \
             rx=\"2\" fill=\"{}\"/><text x=\"{:.1}\" y=\"{}\">{} ({:.1} %)</text>",
            y + 15,
            kind.name(),
            y + 3,
            colour(kind),
            128.0 + width,
            y + 15,
            escaped(&shown(sum)),
            100.0 * sum as f64 / whole.max(1) as f64,
        );
    }
    figure(title, 900, 22 * sums.len() + 4, &svg)
}

fn vertical(title: &str, bars: &[Bar]) -> String {
    const HEIGHT: f64 = 200.0;
    const WIDTH: f64 = 830.0;
    let most = bars.iter().max_by_key(|bar| bar.value);
    let top = most.map_or(1, |bar| bar.value).max(1) as f64;
    let step = WIDTH / bars.len().max(1) as f64;
    let mut svg = format!(
        "<line x1=\"60\" x2=\"892\" y1=\"210\" y2=\"210\" stroke=\"#5b6572\"/>\
         <line x1=\"60\" x2=\"892\" y1=\"10\" y2=\"10\" stroke=\"#d9dee4\"/>\
         <text class=\"soft\" x=\"54\" y=\"14\" text-anchor=\"end\">{}</text>\
         <text class=\"soft\" x=\"54\" y=\"213\" text-anchor=\"end\">0</text>\n",
        escaped(most.map_or("", |bar| &bar.text)),
    );
    for (index, bar) in bars.iter().enumerate() {
        let height = HEIGHT * bar.value as f64 / top;
        let _ = writeln!(
            svg,
            "<rect x=\"{:.2}\" y=\"{:.2}\" width=\"{:.2}\" height=\"{height:.2}\" fill=\"{}\"><title>{}: {}</title></rect>",
            61.0 + step * index as f64,
            210.0 - height,
            (step * 0.86).max(0.4),
            colour(bar.kind),
            escaped(&bar.name),
            escaped(&bar.text),
        );
    }
    let mut kinds: Vec<OpKind> = bars.iter().filter(|bar| bar.value > 0).map(|bar| bar.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    figure(title, 900, 216, &svg) + &legend(&kinds)
}

/// A chart with its title, which is also what a screen reader says.
pub(super) fn figure(title: &str, width: usize, height: usize, content: &str) -> String {
    format!(
        "<figure><figcaption>{title}</figcaption>\n<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\">\n\
         {content}</svg></figure>\n"
    )
}
