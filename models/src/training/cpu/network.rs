//! A network with room for a batch: values, gradients and statistics.

use super::super::parameters::Layout;
use super::super::request::TrainError;
use super::norm::Statistics;
use super::plan::Plan;
use super::rows::Rows;
use super::table::Table;
use crate::device::available_memory;
use crate::graph::Graph;
use crate::runtime::Isa;
use crate::units::{Bytes, Elements};

/// See the module. Passes run on the rayon pool of the calling thread.
pub(in super::super) struct Network {
    pub(super) plan: Plan,
    pub(super) batch: usize,
    pub(super) table: &'static Table,
    pub(super) rows: Rows,
    pub(super) gradients: Rows,
    /// Of the last batch, for every normalised channel.
    pub(super) statistics: Vec<Statistics>,
}

impl Network {
    /// For batches of so many pictures.
    ///
    /// # Errors
    /// Where a layer is not known here or the memory does not suffice.
    pub fn new(graph: &Graph, layout: &Layout, batch: usize) -> Result<Self, TrainError> {
        let plan = Plan::new(graph, layout, batch)?;
        let floats = plan.rows.iter().chain(&plan.gradients).fold(0_u64, |sum, &row| sum.saturating_add(row as u64));
        // Gradients, the optimiser's state and copies of parameters beside them.
        let needed = Elements(floats.saturating_add(8 * layout.parameters() as u64)).bytes_f32();
        let available = available_memory().unwrap_or(Bytes(u64::MAX));
        if needed > available {
            return Err(TrainError::Memory { batch, needed, available });
        }
        Ok(Self {
            rows: Rows::new(&plan.rows),
            gradients: Rows::new(&plan.gradients),
            statistics: vec![Statistics::default(); layout.statistics()],
            table: Table::of(Isa::detect()),
            batch,
            plan,
        })
    }

    /// As [`new`](Self::new), with the kernels of one instruction set.
    #[cfg(test)]
    pub(super) fn on(mut self, isa: Isa) -> Self {
        self.table = Table::of(isa);
        self
    }

    /// Pictures of a batch.
    pub const fn batch(&self) -> usize {
        self.batch
    }

    /// Mean and variance of every normalised channel in the last batch.
    pub fn statistics(&self) -> &[Statistics] {
        &self.statistics
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network").field("batch", &self.batch).finish_non_exhaustive()
    }
}
