//! Table 8 and Figure 1 on this machine: published errors and speeds beside our counts and measured latencies.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::markdown::written;
use super::table_8::{Level, PaperRow, ZooRowError};
use crate::cost::total_cost;
use crate::design::{Batch, InputSize};
use crate::device::{DeviceId, Precision};
use crate::measure::{Measurement, Mode, Spread};
use crate::pareto::{Better, pareto_front};
use crate::runtime::{Isa, RunOptions, Runtime};
use crate::units::{Elements, MultAdds, Params};

/// The table for one device and way of running. Its JSON form is a contract: unknown is `null`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ZooTable {
    /// Where the published figures are printed.
    pub source: String,
    /// Where it ran.
    pub device: DeviceId,
    /// The implementation that ran.
    pub runtime: Runtime,
    /// What feature maps and weights were stored in.
    #[serde(default)]
    pub precision: Precision,
    /// CPU threads used, as the runtime reports them.
    pub threads: usize,
    /// Instruction set of the kernels, where the runtime tells it.
    pub instruction_set: Option<Isa>,
    /// Images per run.
    pub batch: u32,
    /// How carefully it was measured; `None` before the first measurement.
    pub mode: Option<Mode>,
    /// The rows as printed.
    pub rows: Vec<ZooRow>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ZooRow {
    /// The level it is printed under.
    pub level: Level,
    /// The name as printed.
    pub name: String,
    /// The zoo's name.
    pub network: String,
    /// The input.
    pub input: InputSize,
    /// What the paper prints.
    pub published: PublishedRow,
    /// What our network costs, for one image; `None` where the zoo lacks it.
    pub cost: Option<ZooCost>,
    /// What it takes here; `None` where it was not measured.
    pub measured: Option<ZooSpeed>,
    /// Why there is no measurement, where one was tried.
    pub failure: Option<String>,
    /// On the front of published accuracy against measured speed.
    pub on_accuracy_front: bool,
    /// On the front of mult-adds against measured speed: nothing here computes more and is faster.
    pub on_mult_adds_front: bool,
}

/// Published figures of one row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedRow {
    /// Millions of mult-adds.
    pub mega_mult_adds: f64,
    /// ImageNet top-1 error in percent.
    pub top1_error_percent: f64,
    /// Batches of 8 per second on a GTX 1080Ti.
    pub gpu_batches_per_second: Option<f64>,
    /// Images per second on one thread of a Snapdragon 810.
    pub arm_images_per_second: Option<f64>,
}

/// What a network costs on paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZooCost {
    /// Multiply-accumulates.
    pub mult_adds: MultAdds,
    /// Learned parameters.
    pub params: Params,
    /// Elements read and written.
    pub memory_access: Elements,
}

/// How fast a network is here.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ZooSpeed {
    /// Time of a run of the whole batch.
    pub latency: Spread,
    /// Images per second at the median.
    pub images_per_second: f64,
}

/// What came of measuring a row.
#[derive(Clone, Debug)]
pub enum ZooOutcome<'a> {
    /// Not measured (yet).
    Pending,
    /// Measured.
    Measured(&'a Measurement),
    /// It did not work.
    Failed(String),
}

impl ZooTable {
    /// The table of these rows; `outcome` tells what came of measuring the zoo's network of that name and input. Pure:
    /// the same outcomes give an equal table.
    #[must_use]
    pub fn new<'a>(
        rows: impl IntoIterator<Item = PaperRow>,
        options: &RunOptions,
        mut outcome: impl FnMut(&PaperRow) -> ZooOutcome<'a>,
    ) -> Self {
        let mut table = Self {
            source: String::new(),
            device: options.device,
            runtime: options.runtime,
            precision: options.precision,
            threads: options.threads,
            instruction_set: options.instruction_set,
            batch: options.batch,
            mode: None,
            rows: Vec::new(),
        };
        for row in rows {
            let outcome = outcome(&row);
            if let (ZooOutcome::Measured(measurement), None) = (&outcome, table.mode) {
                table.threads = measurement.threads;
                table.instruction_set = measurement.instruction_set;
                table.mode = Some(measurement.mode);
            }
            table.source = row.level.source().into();
            table.rows.push(ZooRow::new(&row, outcome));
        }
        table.mark_fronts();
        table
    }

    /// Figure 1 (a, b): published top-1 accuracy in percent and measured images per second of every row that has both.
    pub fn accuracy_against_speed(&self) -> impl Iterator<Item = (&ZooRow, f64, f64)> {
        self.measured().map(|(row, speed)| (row, 100.0 - row.published.top1_error_percent, speed.images_per_second))
    }

    /// Figure 1 (c, d): our mult-adds and measured images per second of every row that has both.
    pub fn mult_adds_against_speed(&self) -> impl Iterator<Item = (&ZooRow, f64, f64)> {
        self.measured().filter_map(|(row, speed)| Some((row, row.cost?.mult_adds.as_f64(), speed.images_per_second)))
    }

    fn measured(&self) -> impl Iterator<Item = (&ZooRow, ZooSpeed)> {
        self.rows.iter().filter_map(|row| Some((row, row.measured?)))
    }

    fn mark_fronts(&mut self) {
        let points = |figure: fn(&ZooRow) -> Option<f64>| -> Vec<(f64, f64)> {
            let point = |row: &ZooRow| Some((figure(row)?, row.measured?.images_per_second));
            self.rows.iter().map(|row| point(row).unwrap_or((f64::NAN, f64::NAN))).collect()
        };
        let accuracy = points(|row| Some(-row.published.top1_error_percent));
        let mult_adds = points(|row| Some(row.cost?.mult_adds.as_f64()));
        for index in pareto_front(&accuracy, [Better::Higher; 2]) {
            self.rows[index].on_accuracy_front = true;
        }
        for index in pareto_front(&mult_adds, [Better::Higher; 2]) {
            self.rows[index].on_mult_adds_front = true;
        }
    }

    /// The table as Markdown, without a heading.
    #[must_use]
    pub fn markdown(&self) -> String {
        written(|to| self.write_markdown(to))
    }

    fn write_markdown(&self, to: &mut String) -> std::fmt::Result {
        let plain = |value: Option<f64>| value.map_or_else(|| "not printed".into(), |value| value.to_string());
        writeln!(
            to,
            "| level | network | mult-adds, paper (M) | mult-adds | memory access | top-1 error, paper (%) | \
             GPU, paper (batches/s) | ARM, paper (images/s) | latency here | images/s here | |"
        )?;
        writeln!(to, "|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---|")?;
        for row in &self.rows {
            let PublishedRow { mega_mult_adds, top1_error_percent, .. } = row.published;
            let cost = row.cost.map_or_else(
                || "not in the zoo | ".into(),
                |cost| format!("{} | {}", cost.mult_adds, cost.memory_access),
            );
            let measured = match (row.measured, &row.failure) {
                (Some(ZooSpeed { latency, images_per_second }), _) => {
                    format!("{} [{}, {}] | {images_per_second:.1}", latency.median, latency.low, latency.high)
                }
                (None, Some(_)) => "failed | ".into(),
                (None, None) => "not measured | ".into(),
            };
            let front = if row.on_accuracy_front { "front" } else { "" };
            writeln!(
                to,
                "| {} | {} | {mega_mult_adds} | {cost} | {top1_error_percent:.1} | {} | {} | {measured} | {front} |",
                row.level,
                row.name,
                plain(row.published.gpu_batches_per_second),
                plain(row.published.arm_images_per_second),
            )?;
        }
        writeln!(
            to,
            "\n*front*: no network here has both a lower published error and a higher measured speed. Published figures: \
             {} (GTX 1080Ti at batch 8, one thread of a Snapdragon 810). Here: device {}, runtime {}{}, {} thread{}, \
             batch {}, median with 95 % interval.",
            self.source,
            self.device,
            self.runtime,
            self.precision.remark(),
            self.threads,
            if self.threads == 1 { "" } else { "s" },
            self.batch
        )?;
        for row in &self.rows {
            if let Some(failure) = &row.failure {
                writeln!(to, "\n- {}: {failure}", row.name)?;
            }
        }
        Ok(())
    }
}

impl ZooRow {
    fn new(row: &PaperRow, outcome: ZooOutcome<'_>) -> Self {
        let graph = row.graph(Batch(1));
        let (measured, failure) = match (outcome, &graph) {
            (ZooOutcome::Measured(measurement), _) => (Some(ZooSpeed::of(measurement)), None),
            (ZooOutcome::Failed(why), _) => (None, Some(why)),
            (ZooOutcome::Pending, Err(error @ (ZooRowError::Lowering(_) | ZooRowError::Layer(_)))) => {
                (None, Some(error.to_string()))
            }
            (ZooOutcome::Pending, _) => (None, None),
        };
        let cost = graph.ok().map(|graph| {
            let total = total_cost(&graph);
            ZooCost { mult_adds: total.mult_adds, params: total.params, memory_access: total.memory_access }
        });
        Self {
            level: row.level,
            name: row.name.into(),
            network: row.network.into(),
            input: InputSize::square(row.side),
            published: PublishedRow {
                mega_mult_adds: row.mega_mult_adds,
                top1_error_percent: row.top1_error_percent,
                gpu_batches_per_second: row.speeds.map(|(gpu, _)| gpu),
                arm_images_per_second: row.speeds.map(|(_, arm)| arm),
            },
            cost,
            measured,
            failure,
            on_accuracy_front: false,
            on_mult_adds_front: false,
        }
    }
}

impl ZooSpeed {
    fn of(measurement: &Measurement) -> Self {
        let latency = measurement.whole;
        let images_per_second = f64::from(measurement.batch) / latency.median.as_secs_f64().max(1e-9);
        Self { latency, images_per_second }
    }
}

#[cfg(test)]
mod tests;
