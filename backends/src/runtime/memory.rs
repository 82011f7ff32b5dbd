//! Refuses networks that the machine has no memory for, before anything is allocated.

use super::{Fusing, PrepareError, RunOptions, backend};
use crate::device::available_memory;
use crate::graph::Graph;
use crate::units::Bytes;
use crate::weights::expected_elements;

/// Whether weights, activations and working space of `graph` fit into the memory that is free. Whoever makes up or loads
/// weights should ask before that; [`prepare`](super::prepare) asks again, without the weights that are there by then.
///
/// # Errors
/// [`PrepareError::TooLarge`] with both figures.
pub fn check_memory(graph: &Graph, options: &RunOptions) -> Result<(), PrepareError> {
    check(graph, (options, Fusing::Full), expected_elements(graph).bytes_f32())
}

/// As [`check_memory`], for weights that are already in memory.
pub(super) fn check_prepared(graph: &Graph, options: &RunOptions, fusing: Fusing) -> Result<(), PrepareError> {
    check(graph, (options, fusing), Bytes(0))
}

fn check(graph: &Graph, (options, fusing): (&RunOptions, Fusing), weights: Bytes) -> Result<(), PrepareError> {
    let Some(available) = available_memory() else { return Ok(()) };
    let refusal = |needed| PrepareError::TooLarge {
        design: graph.name.clone(),
        batch: graph.input_shape().batch,
        needed,
        available,
    };
    if weights > available {
        return Err(refusal(weights));
    }
    let left = Bytes(available.0 - weights.0);
    let needed = needed_memory(graph, (options, fusing), left);
    if needed > left { Err(refusal(Bytes(weights.0.saturating_add(needed.0)))) } else { Ok(()) }
}

/// What preparing and running takes of the machine's memory besides the weights as they were read: never less than it will
/// be. Figures above `most` are lower bounds.
#[must_use]
pub fn needed_memory(graph: &Graph, (options, fusing): (&RunOptions, Fusing), most: Bytes) -> Bytes {
    backend(options.runtime, options.device)
        .map_or(Bytes(0), |backend| backend.needed_memory(graph, (options, fusing), most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::DeviceId;
    use crate::graph::{Conv2d, GraphBuilder, Op, Shape, Window};
    use crate::runtime::Runtime;

    /// A 3x3 convolution with bias from 3 to 6 channels of `side` x `side` pixels, beside itself.
    fn graph(batch: usize, side: usize) -> Graph {
        let mut builder = GraphBuilder::new("net", Shape::new(batch, 3, side, side));
        let window = Window::square(3, 1);
        let conv = Conv2d { in_channels: 3, out_channels: 6, window, groups: 1, bias: true };
        let value = builder.push("conv", Op::Conv2d(conv), &[builder.input()]).unwrap();
        builder.push("concat", Op::Concat, &[value, value]).unwrap();
        builder.finish()
    }

    fn options(runtime: Runtime, threads: usize) -> RunOptions {
        RunOptions { runtime, ..RunOptions::new(DeviceId::Cpu, threads, 1) }
    }

    #[test]
    fn a_network_larger_than_the_memory_is_refused_with_both_figures_before_it_is_planned() {
        for runtime in Runtime::ALL {
            let error = check_memory(&graph(1 << 44, 6), &options(runtime, 1)).unwrap_err();
            assert!(matches!(error, PrepareError::TooLarge { batch: 0x1000_0000_0000, .. }), "{error}");
            assert!(error.to_string().contains("are free: lower batch, input or width"), "{error}");
        }
    }

    #[test]
    fn a_figure_that_is_too_much_already_is_not_looked_at_further() {
        let how = options(Runtime::Tuned, 1);
        let needed = needed_memory(&graph(1 << 30, 64), (&how, Fusing::Full), Bytes(1 << 30));
        assert!(needed > Bytes(1 << 30));
    }
}
