//! Which layers run in one launch on a GPU.

use crate::runtime::plan::KernelSpec;
use crate::units::Nanos;

/// How much is fused of what can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::runtime) enum Chains {
    /// Nothing: every step its own launch.
    Never,
    /// Whatever one launch computes that begins with a depthwise convolution. A depthwise convolution fuses with what is
    /// before it as well as with what is behind it; one at a time, every chain is met.
    FromDepthwise,
    /// Whatever else one launch computes.
    FromOthers,
    /// What was measured to be faster in one launch; a guess where nothing was measured.
    WherePaid,
}

/// What a backend computes in one launch, and what is known of it.
pub(in crate::runtime) trait Launchable {
    /// Whether one launch computes it.
    fn is_possible(&self, kernel: &KernelSpec) -> bool;

    /// How long the fastest form of it takes, where that was measured.
    fn time(&self, kernel: &KernelSpec) -> Option<Nanos>;

    /// Whether a chain that is possible is likely to be faster in one launch.
    fn guess(&self, kernel: &KernelSpec) -> bool;

    /// As [`Fuses::takes`](crate::runtime::plan::Fuses::takes).
    fn takes_in(&self, chains: Chains, kernel: &KernelSpec) -> bool {
        self.is_possible(kernel)
            && (kernel.steps.len() < 2
                || match chains {
                    Chains::Never => false,
                    Chains::FromDepthwise => is_depthwise(kernel, 0),
                    Chains::FromOthers => !is_depthwise(kernel, 0),
                    Chains::WherePaid => self.guess(kernel),
                })
    }

    /// As [`Fuses::first_launch`](crate::runtime::plan::Fuses::first_launch).
    fn first_launch_in(&self, chains: Chains, chain: &KernelSpec) -> usize {
        let prefixes = || (2..=chain.steps.len()).rev().map(|count| chain.part(0..count));
        let measured = match chains {
            Chains::WherePaid => prefixes().find_map(|prefix| self.fastest(&prefix)),
            Chains::Never | Chains::FromDepthwise | Chains::FromOthers => None,
        };
        let guessed = || prefixes().find(|prefix| self.takes_in(chains, prefix)).map_or(1, |prefix| prefix.steps.len());
        measured.unwrap_or_else(guessed)
    }

    /// How many steps run first where `chain` is cut into launches that take the least time together; `None` where the
    /// time of one that there could be is not known.
    fn fastest(&self, chain: &KernelSpec) -> Option<usize> {
        let count = chain.steps.len();
        // The time of the steps from each one on, and how many of them run first.
        let mut fastest = vec![(Nanos::ZERO, 0); count + 1];
        for from in (0..count).rev() {
            let mut best: Option<(Nanos, usize)> = None;
            for (to, &(behind, _)) in fastest.iter().enumerate().skip(from + 1) {
                let launch = chain.part(from..to);
                if launch.steps.len() > 1 && !self.is_possible(&launch) {
                    continue;
                }
                let time = Nanos(self.time(&launch)?.0.saturating_add(behind.0));
                if best.is_none_or(|best| time < best.0) {
                    best = Some((time, to - from));
                }
            }
            fastest[from] = best?;
        }
        Some(fastest[0].1)
    }
}

/// Whether a step is a depthwise convolution.
pub(in crate::runtime) fn is_depthwise(kernel: &KernelSpec, index: usize) -> bool {
    let step = kernel.steps.get(index);
    step.is_some_and(|step| step.work.is_depthwise(kernel.input_of(index), step.output))
}
