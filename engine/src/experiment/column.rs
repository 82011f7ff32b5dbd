//! A column of one of the paper's tables: the networks that are compared with one another.

use super::paper::{Line, PaperRate};
use super::stack::Stack;
use super::{Experiment, Scale, Widths, g1, g2, g3, g4, units};
use crate::design::Batch;
use crate::graph::{Graph, GraphBuilder, LowerError, NodeId, Op, Shape, UnitId};

/// Blocks stacked in every network of every experiment (paper, section 2 and appendix).
const BLOCKS: usize = 10;

/// Networks of about equal mult-adds that are measured in turns.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Whose column it is.
    pub experiment: Experiment,
    /// Whose channel numbers.
    pub widths: Widths,
    /// The channels' scale.
    pub scale: Scale,
    /// Side of the square input in pixels.
    pub side: u32,
    /// The table's rows; the first one is what the others are compared with.
    pub rows: Vec<Row>,
}

/// One network of a column, and what the paper measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The row's name as printed: `1:2`, `4-fragment-series`.
    pub label: String,
    /// What is stacked.
    pub stack: Stack,
    /// The paper's rate on its GPU at this scale, with the GPU's channels.
    pub paper_gpu: PaperRate,
    /// The paper's rate on its ARM processor at this scale, with that processor's channels.
    pub paper_arm: PaperRate,
}

/// The columns of an experiment at one scale.
#[must_use]
pub fn columns(experiment: Experiment, scale: Scale) -> Vec<Column> {
    let column = |widths, side, rows| Column { experiment, widths, scale, side, rows };
    let both = [Widths::Gpu, Widths::Arm];
    match experiment {
        Experiment::G1 => {
            both.map(|widths| column(widths, 56, stacked(g1::lines(widths, scale), Stack::ChannelRatio))).into()
        }
        Experiment::G2 => {
            both.map(|widths| column(widths, 56, stacked(g2::lines(widths, scale), Stack::Grouped))).into()
        }
        Experiment::G3 => {
            both.map(|widths| column(widths, 56, stacked(g3::lines(widths, scale), Stack::Fragments))).into()
        }
        Experiment::G4 => vec![column(Widths::Both, 56, stacked(g4::lines(scale), Stack::Bottleneck))],
        Experiment::Units => {
            units::SIDES.map(|side| column(Widths::Both, side, stacked(units::lines(side, scale), Stack::Unit))).into()
        }
    }
}

fn stacked<Block>(lines: Vec<Line<Block>>, stack: fn(Block) -> Stack) -> Vec<Row> {
    let row = |line: Line<Block>| {
        let Line { label, block, paper_gpu, paper_arm } = line;
        Row { label, stack: stack(block), paper_gpu, paper_arm }
    };
    lines.into_iter().map(row).collect()
}

impl Column {
    /// The column's name in keys and file names: `g1-gpu-x1`, `units-56-x2`.
    #[must_use]
    pub fn key(&self) -> String {
        let Self { experiment, widths, scale, side, .. } = self;
        match (experiment, widths) {
            (Experiment::Units, _) => format!("{experiment}-{side}-{scale}"),
            (_, Widths::Both) => format!("{experiment}-{scale}"),
            (_, widths) => format!("{experiment}-{}-{scale}", widths.name()),
        }
    }

    /// The column's heading: `GPU widths, x1, 56x56`.
    #[must_use]
    pub fn heading(&self) -> String {
        let widths = match self.widths {
            Widths::Gpu => "the paper's GPU widths, ",
            Widths::Arm => "the paper's ARM widths, ",
            Widths::Both => "",
        };
        format!("{widths}{}, {side}x{side}", self.scale, side = self.side)
    }

    /// The network of one row.
    ///
    /// # Errors
    /// Where a layer does not fit; with this crate's tables this cannot happen.
    pub fn graph(&self, row: &Row, batch: Batch) -> Result<Graph, LowerError> {
        let (mut builder, value) = self.stacked(row, batch)?;
        builder.push("readout", Op::Slice { start: 0, channels: 1 }, &[value])?;
        Ok(builder.finish())
    }

    /// The blocks of one row, and their result.
    pub(super) fn stacked(&self, row: &Row, batch: Batch) -> Result<(GraphBuilder, NodeId), LowerError> {
        let side = self.side as usize;
        let input = Shape::new(batch.0 as usize, row.stack.channels(), side, side);
        let mut builder = GraphBuilder::new(format!("{} {}", self.key(), row.label), input);
        let mut value = builder.input();
        for repeat in 0..BLOCKS {
            builder.set_unit(Some(UnitId { stage: 0, repeat }));
            value = row.stack.block(&mut builder, &format!("block{repeat}"), value)?;
        }
        builder.set_unit(None);
        Ok((builder, value))
    }

    /// The networks of all rows, in the table's order.
    ///
    /// # Errors
    /// As [`graph`](Self::graph).
    pub fn graphs(&self, batch: Batch) -> Result<Vec<Graph>, LowerError> {
        self.rows.iter().map(|row| self.graph(row, batch)).collect()
    }
}
