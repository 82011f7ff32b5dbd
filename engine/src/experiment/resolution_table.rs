//! Appendix Table 1 a as a table: what networks take here at larger inputs, beside the paper's speeds.

use std::fmt::Write;

use serde::Serialize;

use super::markdown::written;
use super::resolutions::{CHOICE, ResolutionRow, SOURCE};
use super::table_8::Level;
use crate::design::InputSize;
use crate::measure::Measurement;
use crate::units::Nanos;

/// The table for one way of running. Its JSON form is a contract: unknown is `null`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResolutionTable {
    /// Where the published speeds are printed.
    pub source: &'static str,
    /// What the paper leaves open and how it is settled: ours, not the paper's.
    pub choice: &'static str,
    /// The rows, inputs in the order printed.
    pub rows: Vec<MeasuredResolution>,
}

/// One network at one input.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MeasuredResolution {
    /// The input.
    pub input: InputSize,
    /// The level of complexity at 224x224.
    pub level: Level,
    /// The family as printed.
    pub family: &'static str,
    /// The zoo's name for the network.
    pub network: &'static str,
    /// The median time of a run here; `None` where it was not measured.
    #[serde(rename = "latency_ns")]
    pub latency: Option<Nanos>,
    /// Lower end of its 95 % interval.
    #[serde(rename = "latency_low_ns")]
    pub low: Option<Nanos>,
    /// Upper end.
    #[serde(rename = "latency_high_ns")]
    pub high: Option<Nanos>,
    /// Images per second at the median.
    pub images_per_second: Option<f64>,
    /// Batches per second on a GTX 1080Ti.
    pub paper_gpu_batches_per_second: f64,
    /// Images in such a batch.
    pub paper_gpu_batch: u32,
    /// Images per second on one thread of a Snapdragon 810.
    pub paper_arm_images_per_second: f64,
    /// Why there is no measurement, where one was tried.
    pub failure: Option<String>,
}

impl ResolutionTable {
    /// The table of these rows; `outcome` gives the measurement of a row, nothing where there is none, or why it could not
    /// be made.
    #[must_use]
    pub fn new<'a>(
        rows: impl IntoIterator<Item = ResolutionRow>,
        mut outcome: impl FnMut(&ResolutionRow) -> Result<Option<&'a Measurement>, String>,
    ) -> Self {
        let row = |row: ResolutionRow| {
            let (measured, failure) = match outcome(&row) {
                Ok(measured) => (measured, None),
                Err(why) => (None, Some(why)),
            };
            let rate = |of: &Measurement| f64::from(of.batch) / of.whole.median.as_secs_f64().max(1e-9);
            MeasuredResolution {
                input: row.input,
                level: row.level,
                family: row.family,
                network: row.network,
                latency: measured.map(|of| of.whole.median),
                low: measured.map(|of| of.whole.low),
                high: measured.map(|of| of.whole.high),
                images_per_second: measured.map(rate),
                paper_gpu_batches_per_second: row.gpu_batches_per_second,
                paper_gpu_batch: row.gpu_batch,
                paper_arm_images_per_second: row.arm_images_per_second,
                failure,
            }
        };
        Self { source: SOURCE, choice: CHOICE, rows: rows.into_iter().map(row).collect() }
    }

    /// The row that a row is drawn beside: the first one at its input and level.
    #[must_use]
    pub fn first_of(&self, row: &MeasuredResolution) -> Option<&MeasuredResolution> {
        self.rows.iter().find(|first| first.input == row.input && first.level == row.level)
    }

    /// The table as Markdown, without a heading.
    #[must_use]
    pub fn markdown(&self) -> String {
        written(|to| self.write_markdown(to))
    }

    fn write_markdown(&self, to: &mut String) -> std::fmt::Result {
        writeln!(
            to,
            "| input | level | network | latency here | 95 % interval | here, images/s | paper GPU, batches/s | batch | \
             paper ARM, images/s |"
        )?;
        writeln!(to, "|---|---:|---|---:|---|---:|---:|---:|---:|")?;
        for row in &self.rows {
            let latency = match (row.latency, &row.failure) {
                (Some(latency), _) => latency.to_string(),
                (None, Some(_)) => "failed".into(),
                (None, None) => "not measured".into(),
            };
            let interval = row.low.zip(row.high).map(|(low, high)| format!("{low} to {high}")).unwrap_or_default();
            let rate = row.images_per_second.map(|rate| format!("{rate:.2}")).unwrap_or_default();
            writeln!(
                to,
                "| {} | {} | {} | {latency} | {interval} | {rate} | {} | {} | {} |",
                row.input,
                row.level,
                row.network,
                row.paper_gpu_batches_per_second,
                row.paper_gpu_batch,
                row.paper_arm_images_per_second
            )?;
        }
        writeln!(to, "\nPaper: {}. {}.", self.source, self.choice)?;
        for row in &self.rows {
            if let Some(why) = &row.failure {
                writeln!(to, "\n- {} at {}: {why}", row.network, row.input)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::resolutions;

    #[test]
    fn the_published_speeds_are_there_before_anything_was_measured() {
        let table = ResolutionTable::new(resolutions(), |_| Ok(None));
        assert_eq!(table.rows.len(), 48);
        assert!(table.rows.iter().all(|row| row.latency.is_none() && row.failure.is_none()));
        let text = table.markdown();
        assert!(text.contains("| 320x320 | 140 M | shufflenet-v2-x1.0-paper | not measured |  |  | 525 | 1 | 12.5 |"));
        let xception = table.rows.last().unwrap();
        let first = table.first_of(xception).unwrap();
        assert_eq!((first.network, first.input), ("shufflenet-v2-x2.0-paper", xception.input));
        let json = serde_json::to_value(&table).unwrap();
        assert_eq!(json["rows"][0]["paper_gpu_batch"], 8);
        assert!(json["rows"][0]["latency_ns"].is_null() && json["rows"][0]["images_per_second"].is_null());
    }

    #[test]
    fn a_failure_stands_in_its_row_and_below_the_table_with_its_reason() {
        let table = ResolutionTable::new(resolutions().into_iter().take(1), |_| Err("no memory".into()));
        let text = table.markdown();
        assert!(text.contains("| failed |") && text.contains("at 320x320: no memory"), "{text}");
    }
}
