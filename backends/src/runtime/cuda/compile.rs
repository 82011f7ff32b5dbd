//! From a graph and its weights to launches: kernels are planned, planes get places in banks, forms of kernels are chosen,
//! weights are folded and packed. Nothing here touches a card but through [`Machine`].

use super::fusing::CudaFuses;
use super::kernels::{GpuKernel, Parameters as Step, Source, Variant};
use super::machine::{Machine, Untaken};
use crate::graph::{Graph, NodeId};
use crate::runtime::gpu::check_maps;
use crate::runtime::gpu::fusing::Chains;
use crate::runtime::gpu::launches::{Operands, step_parameters};
use crate::runtime::parameters::Parameters;
use crate::runtime::plan::{Banks, Operand, Planned, partition};
use crate::runtime::{Fusing, KernelPlan, Precision, PrepareError};
use crate::weights::Weights;

/// Multiples at which each kernel's weights and list of offsets begin, in bytes.
const WEIGHTS_ALIGNMENT: usize = 512;
const TABLE_ALIGNMENT: usize = 256;

/// A network as a card is given it.
#[derive(Debug)]
pub(super) struct Network {
    pub plan: KernelPlan,
    pub launches: Vec<Launch>,
    /// Weights of all kernels.
    pub weights: Vec<u8>,
    /// Lists of offsets of all kernels.
    pub tables: Vec<u8>,
    /// Bytes of each bank of feature maps.
    pub banks: Vec<usize>,
    pub input: Operand,
    pub output: Operand,
}

/// One kernel.
#[derive(Debug)]
pub(super) struct Launch {
    pub source: Source,
    /// Where its weights and its list of offsets begin, in bytes.
    pub weights_at: usize,
    pub table_at: usize,
    /// Banks of input, output and second operand; the input's where there is no second one.
    pub banks: [usize; 3],
    /// The layer that it is there for.
    pub layer: NodeId,
}

/// The graph's kernels in launch order.
pub(super) fn plan(
    machine: &dyn Machine,
    graph: &Graph,
    (fusing, precision): (Fusing, Precision),
    chains: Chains,
) -> Vec<Planned> {
    partition(graph, fusing, precision, &CudaFuses { chains, machine })
}

/// Compiles `graph` for `machine`, which has the precision.
///
/// # Errors
/// Where weights do not fit, something is larger than the card allows, or a kernel cannot be had.
pub(super) fn compile(
    machine: &dyn Machine,
    graph: &Graph,
    weights: &Weights,
    how: (Fusing, Precision),
) -> Result<Network, PrepareError> {
    let parameters = Parameters::new(graph, weights)?;
    let planned = plan(machine, graph, how, Chains::WherePaid);
    let builder = Builder { machine, graph, parameters, precision: how.1 };
    check_maps(graph, &planned, builder.precision, ("bytes for one feature map", machine.memory()))?;
    let banks = Banks::place(graph, &planned).map_err(|values| {
        builder.limit(graph.output(), "values of feature maps", values as u64, u64::from(u32::MAX))
    })?;
    let drafts: Vec<Draft<'_>> =
        planned.iter().map(|kernel| builder.draft(kernel, &banks)).collect::<Result<_, _>>()?;
    let first: Vec<Source> = drafts.iter().filter_map(Draft::first_source).collect();
    machine.compile_all(&first.iter().collect::<Vec<_>>());
    let mut network = Network {
        plan: KernelPlan::of(graph, &planned, |_| None),
        launches: Vec::with_capacity(drafts.len()),
        weights: Vec::new(),
        tables: Vec::new(),
        banks: banks.sizes.iter().map(|&values| values * builder.precision.bytes() as usize).collect(),
        input: banks.operand(NodeId(0)),
        output: banks.operand(graph.output()),
    };
    for draft in drafts {
        builder.add(&mut network, &draft)?;
    }
    Ok(network)
}

/// A kernel whose form is not chosen yet.
struct Draft<'a> {
    planned: &'a Planned,
    layer: NodeId,
    kernel: GpuKernel,
    operands: Operands,
    /// Forms to try, the best first.
    variants: Vec<Variant>,
}

impl Draft<'_> {
    fn first_source(&self) -> Option<Source> {
        self.kernel.source(*self.variants.first()?).ok()
    }
}

struct Builder<'a> {
    machine: &'a dyn Machine,
    graph: &'a Graph,
    parameters: Parameters<'a>,
    precision: Precision,
}

impl Builder<'_> {
    fn limit(&self, layer: NodeId, what: &'static str, needed: u64, limit: u64) -> PrepareError {
        PrepareError::Limit { layer: self.graph.node(layer).path.clone(), what, needed, limit }
    }

    fn refuse(&self, layer: NodeId, message: impl Into<String>) -> PrepareError {
        PrepareError::NoKernel { layer: self.graph.node(layer).path.clone(), message: message.into() }
    }

    fn draft<'a>(&self, planned: &'a Planned, banks: &Banks) -> Result<Draft<'a>, PrepareError> {
        let layer = planned.parts.first().map_or(planned.value, |part| part.node);
        let operands = Operands::of(self.graph, planned, banks).map_err(|message| self.refuse(layer, message))?;
        let kernel = GpuKernel::of(&planned.spec, &operands.strides)
            .map_err(|refusal| self.refuse(layer, refusal.to_string()))?;
        let mut variants = self.machine.variants(&kernel);
        let known = self.machine.choice(&planned.spec, operands.strides).map(|choice| choice.variant);
        if let Some(at) = variants.iter().position(|variant| known == Some(*variant)) {
            variants[..=at].rotate_right(1);
        }
        Ok(Draft { planned, layer, kernel, operands, variants })
    }

    /// Chooses the first form that the card takes, and packs weights and lists for it.
    fn add(&self, network: &mut Network, draft: &Draft<'_>) -> Result<(), PrepareError> {
        let Draft { planned, layer, kernel, operands, .. } = draft;
        let layer = *layer;
        let (variant, source) = self.choose(draft)?;
        let steps = step_parameters(&self.parameters, planned);
        let steps: Vec<Step<'_>> = steps.iter().map(|(filters, bias)| Step { filters, bias }).collect();
        let refuse = |refusal: super::kernels::Refusal| self.refuse(layer, refusal.to_string());
        let weights = kernel.pack(variant, &steps).map_err(refuse)?;
        let Operands { input, output, second, .. } = operands;
        let offsets = second.as_ref().filter(|_| kernel.reads_second()).map(|second| second.offsets.as_slice());
        let table = kernel.table(&input.offsets, &output.offsets, offsets).map_err(refuse)?;
        let (weights_at, table_at) = (network.weights.len(), network.tables.len());
        network.weights.extend(weights);
        network.weights.resize(network.weights.len().next_multiple_of(WEIGHTS_ALIGNMENT), 0);
        network.tables.extend(table.iter().flat_map(|offset| offset.to_le_bytes()));
        network.tables.resize(network.tables.len().next_multiple_of(TABLE_ALIGNMENT), 0);
        let banks = [input.bank, output.bank, second.as_ref().map_or(input.bank, |second| second.bank)];
        network.launches.push(Launch { source, weights_at, table_at, banks, layer });
        Ok(())
    }

    fn choose(&self, draft: &Draft<'_>) -> Result<(Variant, Source), PrepareError> {
        let mut reason = None;
        for &variant in &draft.variants {
            let source = draft.kernel.source(variant);
            let source = source.map_err(|refusal| self.refuse(draft.layer, refusal.to_string()))?;
            match self.machine.takes(&source) {
                Ok(()) => return Ok((variant, source)),
                Err(Untaken::Fault(fault)) => return Err(fault.into()),
                // The best form's reason is told.
                Err(Untaken::Text(message)) => reason = reason.or(Some(message)),
            }
        }
        let none = || format!("none for {} was made beforehand or fits into its blocks", draft.planned.spec);
        Err(self.refuse(draft.layer, reason.unwrap_or_else(none)))
    }
}
