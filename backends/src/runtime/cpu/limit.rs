//! The least time that a run can take on several threads, from what its kernels take on one: no thread does more of a phase
//! than its share, and each phase ends once for all.

use super::pool::share_of;
use crate::units::Nanos;

/// A kernel's part in a phase: how its work is handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dealt {
    /// Which kernel of the plan.
    pub kernel: usize,
    /// Items of work, of about equal size, of which each thread has a share.
    pub items: usize,
}

/// What a run of these phases takes at least on so many threads: of every phase the largest share of any thread, and
/// `barrier` for waiting for one another. `kernels` are the times on one thread, in the plan's order.
#[must_use]
pub fn least_time(phases: &[Vec<Dealt>], kernels: &[Nanos], threads: usize, barrier: Nanos) -> Nanos {
    let threads = threads.max(1);
    let of_thread = |phase: &[Dealt], thread| -> f64 {
        let part = |dealt: &Dealt| {
            let time = kernels.get(dealt.kernel).map_or(0.0, |time| time.as_f64());
            time * share_of(dealt.items, thread, threads).len() as f64 / dealt.items.max(1) as f64
        };
        phase.iter().map(part).sum()
    };
    let largest = |phase: &Vec<Dealt>| (0..threads).map(|thread| of_thread(phase, thread)).fold(0.0, f64::max);
    let work: f64 = phases.iter().map(largest).sum();
    let waiting = if threads == 1 { 0.0 } else { phases.len() as f64 * barrier.as_f64() };
    Nanos((work + waiting).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_takes_as_long_as_its_largest_share_and_a_barrier() {
        let dealt = |kernel, items| Dealt { kernel, items };
        let phases = [vec![dealt(0, 8)], vec![dealt(1, 3), dealt(2, 1)]];
        let kernels = [800, 300, 100].map(Nanos);
        let least = |threads| least_time(&phases, &kernels, threads, Nanos(10)).0;
        assert_eq!(least(1), 1_200, "one thread waits for nobody");
        // Of three items the second thread has two, and the only one of the third kernel.
        assert_eq!(least(2), 400 + 10 + 300 + 10);
        // Eight items on three threads: three of them are the most.
        assert_eq!(least(3), 300 + 10 + 200 + 10);
        assert_eq!(least(8), 100 + 10 + 200 + 10, "more threads than items");
        assert_eq!(least_time(&[], &[], 0, Nanos(10)), Nanos::ZERO);
    }
}
