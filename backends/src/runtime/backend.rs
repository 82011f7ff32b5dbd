//! What an implementation of the operations has to say and do.

use super::{Executable, Fusing, KernelPlan, Precision, PrepareError, RunOptions, Runtime};
use crate::device::{Device, DeviceId};
use crate::graph::Graph;
use crate::units::Bytes;
use crate::weights::Weights;

/// One implementation of the operations on some devices.
pub trait Backend: Sync {
    /// The runtime that this is, on its devices.
    fn runtime(&self) -> Runtime;

    /// Whether it runs on a device, if that is there.
    fn runs_on(&self, device: DeviceId) -> bool;

    /// What it can store values in; a device may still lack one of them.
    fn precisions(&self) -> &'static [Precision];

    /// What preparing and running takes of the machine's memory besides the weights as they were read: never less than it
    /// will be. Figures above `most` are lower bounds.
    fn needed_memory(&self, graph: &Graph, how: (&RunOptions, Fusing), most: Bytes) -> Bytes;

    /// The kernels that a graph is cut into, in launch order; needs neither weights nor the device. Where a device decides
    /// by what it has measured what it fuses, this is what it does before it has.
    fn plan(&self, graph: &Graph, how: (&RunOptions, Fusing)) -> KernelPlan;

    /// Makes a graph ready to run: planned, compiled, its weights on the device.
    ///
    /// # Errors
    /// Where weights do not fit, the device fails or lacks something, or memory does not suffice.
    fn compile(
        &self,
        graph: &Graph,
        weights: &Weights,
        device: &Device,
        how: (&RunOptions, Fusing),
    ) -> Result<Box<dyn Executable + Send>, PrepareError>;
}
