//! `shufflescope zoo`: Table 8, Figure 2 and appendix Table 1 a of the paper on this machine.

use std::collections::HashMap;
use std::fmt::Write;

use shufflescope_engine::design::{Batch, InputSize};
use shufflescope_engine::experiment::figure_2::{Category, TimeByCategory};
use shufflescope_engine::experiment::{
    FigureTable, Level, PaperRow, ResolutionRow, ResolutionTable, ZooOutcome, ZooTable, resolutions, table_8, zoo_graph,
};
use shufflescope_engine::measure::{Measurement, Mode};
use shufflescope_engine::model::Model;
use shufflescope_engine::runtime::RunOptions;

use super::measuring::Measuring;
use super::output::print;
use super::running::{Load, Running, patient};
use super::site::{On, Site};
use super::table::{Align, Table};
use crate::explain;
use crate::worker::Job;

pub(super) const EXAMPLES: &str = "\
Examples:
  shufflescope zoo --level 140
  shufflescope zoo --level large
  shufflescope zoo --threads 1 --markdown > table-8.md
  shufflescope zoo --figure-2
  shufflescope zoo --resolutions --level 40 --json

Published errors and speeds are the paper's, on its devices, and are shown as such; latencies are measured here.";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Networks of this complexity: 40, 140, 300 or 500 million mult-adds, or the `large` ones of Table 6 [default: all of Table 8]
    #[arg(long, value_name = "M")]
    level: Option<Level>,
    /// Figure 2 instead: where the time of ShuffleNet V1 and MobileNet V2 goes
    #[arg(long, conflicts_with_all = ["level", "resolutions"])]
    figure_2: bool,
    /// Appendix Table 1 a instead: larger inputs, 320x320 to 1080x720
    #[arg(long)]
    resolutions: bool,
    #[command(flatten)]
    running: Running,
    #[command(flatten)]
    load: Load,
    #[command(flatten)]
    on: On,
    /// live: seconds for each network; rigorous: 8 to 30 s for each, in several processes
    #[arg(long, value_name = "MODE", default_value_t)]
    mode: Mode,
    /// Print JSON
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print Markdown
    #[arg(long)]
    markdown: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let site = arguments.on.site()?;
    let options = arguments.running.options_at(&site, arguments.load.threads, arguments.load.batch)?;
    let measuring = Measuring::new("shufflescope zoo", &site);
    let mut bench = Bench { measuring, site, options, mode: arguments.mode, known: HashMap::new() };
    let text = if arguments.figure_2 {
        figure_2(&mut bench, arguments)?
    } else if arguments.resolutions {
        larger_inputs(&mut bench, arguments)?
    } else {
        whole_table(&mut bench, arguments)?
    };
    print(&text)
}

/// Measures each network at each input once.
struct Bench {
    measuring: Measuring,
    site: Site,
    options: RunOptions,
    mode: Mode,
    known: HashMap<(&'static str, InputSize), Result<Measurement, String>>,
}

impl Bench {
    fn measure(&mut self, network: &'static str, input: InputSize, place: &str) -> &Result<Measurement, String> {
        let Self { measuring, options, mode, known, .. } = self;
        known.entry((network, input)).or_insert_with(|| {
            let job = job(network, input, options, *mode)?;
            measuring.measure(&format!("{place} {network}"), job).map_err(|error| explain(&error))
        })
    }

    /// As [`measure`](Self::measure), with every layer measured apart too.
    fn measure_apart(&mut self, network: &'static str, input: InputSize, place: &str) -> Result<Measurement, String> {
        let mut measurement = self.measure(network, input, place).clone()?;
        let job = job(network, input, &self.options, self.mode)?;
        let what = format!("{place} {network}, apart");
        measurement.apart = Some(self.measuring.take_apart(&what, job).map_err(|error| explain(&error))?);
        Ok(measurement)
    }
}

fn job(network: &str, input: InputSize, options: &RunOptions, mode: Mode) -> Result<Job, String> {
    let design = model(network, input).ok_or_else(|| format!("the zoo has no network `{network}`"))?;
    let (options, protocol) = (options.clone(), patient(mode));
    Ok(Job { design, options, protocol, weights: None, scatter: None })
}

/// A network of the zoo at any input.
fn model(network: &str, input: InputSize) -> Option<Model> {
    Model::in_zoo(network).map(|model| model.with_input(input))
}

fn whole_table(bench: &mut Bench, arguments: &Arguments) -> anyhow::Result<String> {
    let rows: Vec<PaperRow> = table_8(arguments.level).collect();
    for (index, row) in rows.iter().enumerate() {
        let place = format!("{} of {}", index + 1, rows.len());
        let _ = bench.measure(row.network, InputSize::square(row.side), &place);
    }
    let table =
        ZooTable::new(rows, &bench.options, |row| match bench.known.get(&(row.network, InputSize::square(row.side))) {
            Some(Ok(measurement)) => ZooOutcome::Measured(measurement),
            Some(Err(why)) => ZooOutcome::Failed(why.clone()),
            None => ZooOutcome::Pending,
        });
    Ok(match (arguments.json, arguments.markdown) {
        (true, _) => bench.site.json(&table)?,
        (_, true) => bench.site.text(table.markdown()),
        _ => bench.site.text(plain(&table)),
    })
}

fn plain(of: &ZooTable) -> String {
    let mut table = Table::new(&[
        ("level", Align::Right),
        ("network", Align::Left),
        ("mult-adds", Align::Right),
        ("memory access", Align::Right),
        ("latency", Align::Right),
        ("images/s", Align::Right),
        ("", Align::Left),
        ("published: M", Align::Right),
        ("error", Align::Right),
        ("GPU", Align::Right),
        ("ARM", Align::Right),
    ]);
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".into());
    for row in &of.rows {
        table.row([
            row.level.to_string(),
            row.name.clone(),
            or_dash(row.cost.map(|cost| cost.mult_adds.to_string())),
            or_dash(row.cost.map(|cost| cost.memory_access.to_string())),
            or_dash(row.measured.map(|speed| speed.latency.median.to_string())),
            or_dash(row.measured.map(|speed| format!("{:.1}", speed.images_per_second))),
            if row.on_accuracy_front { "front" } else { "" }.into(),
            row.published.mega_mult_adds.to_string(),
            format!("{:.1} %", row.published.top1_error_percent),
            or_dash(row.published.gpu_batches_per_second.map(|rate| rate.to_string())),
            or_dash(row.published.arm_images_per_second.map(|rate| rate.to_string())),
        ]);
    }
    let mut text = format!(
        "{table}\nfront: no network here has both a lower published error and a higher measured speed.\n\
         Published: {}, GTX 1080Ti in batches of 8 per second, one thread of a Snapdragon 810 in images per second.\n",
        of.source
    );
    for row in of.rows.iter().filter(|row| row.failure.is_some()) {
        let _ = writeln!(text, "{}: {}", row.name, row.failure.as_deref().unwrap_or_default());
    }
    text
}

fn figure_2(bench: &mut Bench, arguments: &Arguments) -> anyhow::Result<String> {
    let (mut done, all) = (0, FigureTable::new(|_| Ok(None)).pies.len());
    let figure = FigureTable::new(|network| {
        done += 1;
        let input = InputSize::square(224);
        let measurement = bench.measure_apart(network, input, &format!("{done} of {all}"))?;
        let graph = zoo_graph(network, input, Batch(measurement.batch)).map_err(|error| error.to_string())?;
        let (breakdown, apart) = (measurement.breakdown.as_ref(), measurement.apart.as_ref());
        Ok(breakdown.and_then(|breakdown| TimeByCategory::of(&graph, breakdown, apart)))
    });
    match (arguments.json, arguments.markdown) {
        (true, _) => return bench.site.json(&figure),
        (_, true) => return Ok(bench.site.text(figure.markdown())),
        _ => {}
    }
    let mut heading = vec![("network", Align::Left), ("whose", Align::Left)];
    heading.extend(Category::ALL.map(|category| (category.name(), Align::Right)));
    heading.push(("of it depthwise", Align::Right));
    let mut table = Table::new(&heading);
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    for pie in &figure.pies {
        for (whose, shares, depthwise) in pie.lines() {
            let Some(shares) = shares else { continue };
            let mut row = vec![pie.network.to_owned(), whose.to_owned()];
            row.extend(Category::ALL.map(|category| percent(shares.get(category))));
            row.push(depthwise.map(percent).unwrap_or_default());
            table.row(row);
        }
    }
    let mut text = format!("{table}\nPaper: {}. {}\n", figure.source, figure.rule());
    for (network, why) in figure.pies.iter().filter_map(|pie| Some((pie.network, pie.failure.as_ref()?))) {
        let _ = writeln!(text, "{network}: {why}");
    }
    Ok(bench.site.text(text))
}

fn larger_inputs(bench: &mut Bench, arguments: &Arguments) -> anyhow::Result<String> {
    anyhow::ensure!(
        arguments.level != Some(Level::Large),
        "the paper prints no large networks at larger inputs: use --level 40, 140, 300 or 500"
    );
    let wanted: Vec<ResolutionRow> =
        resolutions().into_iter().filter(|row| arguments.level.is_none_or(|level| level == row.level)).collect();
    for (index, row) in wanted.iter().enumerate() {
        let place = format!("{} of {}, {}", index + 1, wanted.len(), row.input);
        let _ = bench.measure(row.network, row.input, &place);
    }
    let report = ResolutionTable::new(wanted, |row| {
        bench.known.get(&(row.network, row.input)).map(Result::as_ref).transpose().map_err(String::clone)
    });
    match (arguments.json, arguments.markdown) {
        (true, _) => return bench.site.json(&report),
        (_, true) => return Ok(bench.site.text(report.markdown())),
        _ => {}
    }
    let mut table = Table::new(&[
        ("input", Align::Left),
        ("level", Align::Right),
        ("network", Align::Left),
        ("here, images/s", Align::Right),
        ("paper GPU, batches/s", Align::Right),
        ("batch", Align::Right),
        ("paper ARM, images/s", Align::Right),
    ]);
    for row in &report.rows {
        let ours = row.images_per_second.map(|rate| format!("{rate:.2}"));
        table.row([
            row.input.to_string(),
            row.level.to_string(),
            row.network.into(),
            ours.or_else(|| row.failure.clone()).unwrap_or_default(),
            row.paper_gpu_batches_per_second.to_string(),
            row.paper_gpu_batch.to_string(),
            row.paper_arm_images_per_second.to_string(),
        ]);
    }
    Ok(bench.site.text(format!("{table}\nPaper: {}. {}.\n", report.source, report.choice)))
}
