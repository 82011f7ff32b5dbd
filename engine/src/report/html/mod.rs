//! A page to read, send and print: everything in one file, no script, nothing fetched from anywhere.

mod bars;
mod roofline;
mod tables;

use std::fmt::Write as _;
use std::io::Write;

use super::{ExportError, Exporter, Fact, Format, FrameTimes, Profile, environment, headline, method};
use crate::graph::OpKind;
use crate::guideline::Finding;

/// A self-contained HTML 5 document.
#[derive(Clone, Copy, Debug)]
pub struct Html;

impl Exporter for Html {
    fn format(&self) -> Format {
        Format::Html
    }

    fn write(&self, profile: &Profile, to: &mut dyn Write) -> Result<(), ExportError> {
        Ok(to.write_all(document(profile).as_bytes())?)
    }
}

fn document(profile: &Profile) -> String {
    let title = escaped(&format!("{} at {}", profile.design.name(), profile.design.input()));
    let measured = match &profile.measurement {
        Some(measurement) => escaped(&format!(
            "measured with {} on {}{}, {} mode",
            measurement.runtime,
            measurement.device,
            measurement.precision.remark(),
            measurement.mode
        )),
        None => "costed on paper, not measured".into(),
    };
    let sections = [
        warnings(profile),
        tables::stages(profile),
        bars::by_kind(profile),
        bars::by_kernel(profile),
        roofline::chart(profile),
        guidelines(&profile.findings),
        tables::layers(profile),
        tables::facts("Behind a camera", &behind_a_camera(profile)),
        tables::facts("Environment", &environment(profile)),
        tables::facts("Method", &method(profile)),
    ];
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"generator\" content=\"ShuffleScope {version}\">\n<title>{title}</title>\n\
         <style>\n{style}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n\
         <p class=\"soft\">{classes} classes; {measured}</p>\n</header>\n<dl class=\"facts\">\n{facts}</dl>\n{sections}</body>\n</html>\n",
        version = escaped(&profile.machine.version),
        style = include_str!("style.css"),
        classes = classes(profile),
        facts = headline(profile).iter().map(card).collect::<String>(),
        sections = sections.concat(),
    )
}

/// What the network tells apart: the design's classes, or the channels of the last layer's result.
fn classes(profile: &Profile) -> u64 {
    match profile.design.design() {
        Some(design) => design.classes.into(),
        None => profile.cost.layers.last().map_or(0, |layer| layer.output.channels as u64),
    }
}

fn card(fact: &Fact) -> String {
    format!(
        "<div class=\"fact {origin}\"><dt>{}<span class=\"tag\">{origin}</span></dt>\
         <dd><span class=\"value\">{}</span><small>{}</small></dd></div>\n",
        escaped(fact.name),
        escaped(&fact.value),
        escaped(&fact.detail),
        origin = fact.origin.name(),
    )
}

fn warnings(profile: &Profile) -> String {
    let warnings = profile.measurement.iter().flat_map(|measurement| &measurement.warnings);
    let text: String =
        warnings.map(|warning| format!("<p class=\"warning\">{}</p>\n", escaped(&warning.to_string()))).collect();
    if text.is_empty() { text } else { format!("<section>\n<h2>Warnings</h2>\n{text}</section>\n") }
}

/// What the network takes there, where a run was recorded.
fn behind_a_camera(profile: &Profile) -> Vec<(&'static str, String)> {
    let Some(run) = &profile.camera else { return Vec::new() };
    let times = |(name, times): (&'static str, FrameTimes)| (name, format!("{}, {} at p90", times.p50, times.p90));
    std::iter::once(("frames", run.summary())).chain(run.stages().into_iter().map(times)).collect()
}

fn guidelines(findings: &[Finding]) -> String {
    let mut text = String::from("<section>\n<h2>Guidelines of the ShuffleNet V2 paper</h2>\n");
    if findings.is_empty() {
        text += "<p>The network follows all four.</p>\n";
    }
    for finding in findings {
        let (guideline, evidence) = (finding.guideline, &finding.evidence);
        let _ = write!(
            text,
            "<h3>{guideline}: {}</h3>\n<p>{}</p>\n<p class=\"soft\">{}</p>\n",
            escaped(guideline.title()),
            escaped(&evidence.summary),
            escaped(guideline.statement()),
        );
        if let Some(share) = evidence.time_in_words() {
            let _ = writeln!(text, "<p>These layers take {share}.</p>");
        }
        if let Some(remedy) = &finding.remedy {
            let _ = writeln!(
                text,
                "<p>Try: <b>{}</b> (mult-adds {:+.0} %, parameters {:+.0} %, memory access {:+.0} %).</p>",
                escaped(&remedy.label),
                100.0 * remedy.mult_adds.relative(),
                100.0 * remedy.params.relative(),
                100.0 * remedy.memory_access.relative(),
            );
        }
    }
    text + "</section>\n"
}

/// Text that means itself in HTML, in elements and in attributes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            _ => escaped.push(character),
        }
    }
    escaped
}

/// The colour of a kind of work: Okabe and Ito's palette, which colour-blind readers tell apart.
const fn colour(kind: OpKind) -> &'static str {
    match kind {
        OpKind::Convolution => "#0072b2",
        OpKind::Pointwise => "#56b4e9",
        OpKind::Depthwise => "#e69f00",
        OpKind::Linear => "#009e73",
        OpKind::Normalisation => "#cc79a7",
        OpKind::ElementWise => "#d55e00",
        OpKind::Pooling => "#c9b400",
        OpKind::Data | OpKind::Input => "#8a929c",
    }
}

/// Colour patches with their names.
fn legend(kinds: &[OpKind]) -> String {
    let entry = |kind: &OpKind| format!("<span><i style=\"background:{}\"></i>{}</span>", colour(*kind), kind.name());
    format!("<p class=\"legend\">{}</p>\n", kinds.iter().map(entry).collect::<String>())
}
