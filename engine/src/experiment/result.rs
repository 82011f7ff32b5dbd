//! An experiment's result: our rates beside the paper's, and what holds on this device.

use serde::{Deserialize, Serialize};

use super::run::{against_first, twin_floor};
use super::verdict::{Evidence, Verdict};
use super::{Column, Experiment, Row, Scale, Widths, columns};
use crate::cost::total_cost;
use crate::design::{Batch, InputSize};
use crate::device::{DeviceId, Precision};
use crate::graph::LowerError;
use crate::measure::{Comparison, InterleaveRules, Interleaved, NoiseFloor, RatioInterval, Spread, compare};
use crate::runtime::{Isa, RunOptions, Runtime};
use crate::units::{Elements, MultAdds, Params};

/// A column with what one or more processes measured of it, by [`measure_in_turns`](super::measure_in_turns).
#[derive(Clone, Debug)]
pub struct MeasuredColumn {
    /// The column.
    pub column: Column,
    /// The samples: the rows, and the twin of the first behind them.
    pub processes: Vec<Interleaved>,
    /// The stored noise floor of this way of running, where one is known.
    pub stored_floor: Option<NoiseFloor>,
}

impl MeasuredColumn {
    /// A column of which nothing is measured yet: only what the paper prints of it.
    #[must_use]
    pub const fn not_yet(column: Column) -> Self {
        Self { column, processes: Vec::new(), stored_floor: None }
    }
}

/// What an experiment shows on a device. Its JSON form is a contract: unknown is `null`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExperimentResult {
    /// Which experiment.
    pub experiment: Experiment,
    /// The statement put to the test.
    pub title: String,
    /// Where the paper prints it.
    pub source: String,
    /// What is measured.
    pub set_up: String,
    /// What the paper leaves open and how it is settled: ours, not the paper's.
    pub choices: Vec<String>,
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
    /// How it was measured.
    pub method: InterleaveRules,
    /// Every row of every column measured.
    pub cells: Vec<Cell>,
    /// Each column's verdict.
    pub columns: Vec<ColumnResult>,
    /// What all columns say.
    pub verdict: Verdict,
    /// How verdicts are reached.
    pub rule: String,
}

/// A column's verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnResult {
    /// The column's name: `g1-gpu-x1`.
    pub key: String,
    /// Its heading.
    pub heading: String,
    /// What its rows say.
    pub verdict: Verdict,
    /// How different the first row looked from its twin, over all sittings; `None` before the second complete round.
    pub noise_floor: Option<NoiseFloor>,
    /// What intervals have to clear to be faster or slower: 0.01 is 1 %.
    pub margin: f64,
    /// Complete rounds, in all sittings.
    pub rounds: usize,
    /// The largest difference of the rows' mult-adds from the first row's: 0.05 is 5 %.
    pub mult_adds_differ: f64,
}

/// One row of one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Whose channel numbers.
    pub widths: Widths,
    /// The channels' scale.
    pub scale: Scale,
    /// The input.
    pub input: InputSize,
    /// The row's name as printed.
    pub label: String,
    /// The channels that ran.
    pub channels: String,
    /// Multiply-accumulates of one run.
    pub mult_adds: MultAdds,
    /// Learned parameters.
    pub params: Params,
    /// Elements read and written, by the paper's count.
    pub memory_access: Elements,
    /// What was measured here; `None` before the first complete round.
    pub ours: Option<RateInterval>,
    /// Our rate relative to the first row's; `None` in the first row.
    pub ours_ratio: Option<RatioInterval>,
    /// The same per mult-add, by which the row is judged.
    pub ours_ratio_per_mult_add: Option<RatioInterval>,
    /// What the row says about the claim; `None` in the first row.
    pub evidence: Option<Evidence>,
    /// What the paper measured on its GPU, with the GPU's channels.
    pub paper_gpu: PaperFigure,
    /// What the paper measured on its ARM processor, with that processor's channels.
    pub paper_arm: PaperFigure,
}

/// Runs per second with their interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateInterval {
    /// From the median time.
    pub batches_per_second: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The times of a run, one per round.
    pub latency: Spread,
}

/// A published rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaperFigure {
    /// As printed: batches per second (GPU) or images per second (ARM).
    pub rate: f64,
    /// Relative to the first row's.
    pub ratio: f64,
    /// The channels it was measured with.
    pub channels: String,
}

impl ExperimentResult {
    /// Every column with its cells.
    pub fn by_column(&self) -> impl Iterator<Item = (&ColumnResult, &[Cell])> {
        let in_one_column = |a: &Cell, b: &Cell| (a.widths, a.scale, a.input) == (b.widths, b.scale, b.input);
        self.columns.iter().zip(self.cells.chunk_by(in_one_column))
    }

    /// The table as printed, with nothing measured beside it yet.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn published(
        experiment: Experiment,
        scale: Scale,
        options: &RunOptions,
        method: &InterleaveRules,
    ) -> Result<Self, LowerError> {
        let printed: Vec<MeasuredColumn> =
            columns(experiment, scale).into_iter().map(MeasuredColumn::not_yet).collect();
        Self::new(experiment, options, method, &printed)
    }

    /// Summarises the columns measured so far. Pure: the same samples give an equal result.
    ///
    /// # Errors
    /// Where a network does not fit together; with this crate's tables this cannot happen.
    pub fn new(
        experiment: Experiment,
        options: &RunOptions,
        method: &InterleaveRules,
        measured: &[MeasuredColumn],
    ) -> Result<Self, LowerError> {
        let (mut cells, mut columns) = (Vec::new(), Vec::new());
        for measured in measured {
            let (of_column, result) = summarise(measured, Batch(options.batch))?;
            cells.extend(of_column);
            columns.push(result);
        }
        let mut ran = measured.iter().flat_map(|measured| &measured.processes).flat_map(|process| &process.rows);
        let first = ran.next();
        let verdicts: Vec<Verdict> = columns.iter().map(|column| column.verdict).collect();
        Ok(Self {
            experiment,
            title: experiment.title().into(),
            source: experiment.source().into(),
            set_up: experiment.set_up().into(),
            choices: experiment.choices().iter().map(|&choice| choice.into()).collect(),
            device: options.device,
            runtime: options.runtime,
            precision: options.precision,
            threads: first.map_or(options.threads, |row| row.threads),
            instruction_set: first.map_or(options.instruction_set, |row| row.instruction_set),
            batch: options.batch,
            method: method.on(options.device),
            cells,
            columns,
            verdict: Verdict::of_columns(&verdicts),
            rule: Verdict::rule(experiment.claim()).into(),
        })
    }
}

fn summarise(measured: &MeasuredColumn, batch: Batch) -> Result<(Vec<Cell>, ColumnResult), LowerError> {
    let MeasuredColumn { column, processes, stored_floor } = measured;
    let networks = column.rows.len();
    let twin = twin_floor(processes, networks);
    let floor = [twin, *stored_floor].into_iter().flatten().reduce(NoiseFloor::max);

    let mut cells: Vec<Cell> = Vec::with_capacity(column.rows.len());
    for (index, row) in column.rows.iter().enumerate() {
        let cost = total_cost(&column.graph(row, batch)?);
        let pairs = (index > 0).then(|| against_first(processes, networks, index));
        let comparison = pairs.and_then(|pairs| compare(&pairs, floor).ok());
        let ratio = comparison.map(|comparison| comparison.ratio.inverse());
        let first_mult_adds = cells.first().map_or(cost.mult_adds, |first| first.mult_adds);
        let per_mult_add = ratio.map(|ratio| ratio.scaled(cost.mult_adds.share_of(first_mult_adds)));
        let judged: Option<(Comparison, RatioInterval)> = comparison.zip(per_mult_add);
        cells.push(Cell {
            widths: column.widths,
            scale: column.scale,
            input: InputSize::square(column.side),
            label: row.label.clone(),
            channels: row.stack.channels_text(),
            mult_adds: cost.mult_adds,
            params: cost.params,
            memory_access: cost.memory_access,
            ours: Interleaved::spread(processes, index).ok().map(RateInterval::of),
            ours_ratio: ratio,
            ours_ratio_per_mult_add: per_mult_add,
            evidence: judged.map(|(comparison, ratio)| Evidence::of(column.experiment.claim(), &comparison, &ratio)),
            paper_gpu: figure(column, row, |row| &row.paper_gpu),
            paper_arm: figure(column, row, |row| &row.paper_arm),
        });
    }

    let evidence: Vec<Evidence> = cells.iter().skip(1).map(|cell| cell.evidence.unwrap_or(Evidence::Open)).collect();
    let first = cells.first().map_or(MultAdds::ZERO, |first| first.mult_adds);
    let differs = |cell: &Cell| (cell.mult_adds.share_of(first) - 1.0).abs();
    let result = ColumnResult {
        key: column.key(),
        heading: column.heading(),
        verdict: Verdict::of_rows(&evidence),
        noise_floor: twin,
        margin: floor.map_or(crate::measure::LEAST_MARGIN, |floor| floor.share.max(crate::measure::LEAST_MARGIN)),
        rounds: processes.iter().map(|process| process.rounds.len()).sum(),
        mult_adds_differ: cells.iter().map(differs).fold(0.0, f64::max),
    };
    Ok((cells, result))
}

fn figure(column: &Column, row: &Row, of: fn(&Row) -> &super::PaperRate) -> PaperFigure {
    let (paper, first) = (of(row), column.rows.first().map_or(of(row), of));
    PaperFigure { rate: paper.rate, ratio: paper.rate / first.rate, channels: paper.channels.clone() }
}

impl RateInterval {
    fn of(latency: Spread) -> Self {
        let rate = |time: crate::units::Nanos| 1.0 / time.as_secs_f64().max(1e-9);
        Self { batches_per_second: rate(latency.median), low: rate(latency.high), high: rate(latency.low), latency }
    }
}
