//! Rigorous mode compares like with like: only what ran at the processor's usual clock counts.
//!
//! The speed of a core wanders by several percent, over seconds and minutes, with its neighbours' load. The canary beside
//! a block of samples tells it, whatever the samples were; those beside a canary that is off its usual time are set aside
//! with that cause.

use super::Discard;
use super::samples::ProcessSamples;
use super::statistics::median;
use crate::units::Nanos;

/// How far a reading may be off the usual one.
const BAND: f64 = 0.02;

/// Samples at the usual clock without which a process does not count.
const SAMPLES: usize = 5;

/// The processes with what did not run at the usual clock set aside; those with too few other samples have none left.
/// `usual` is what the canary takes on this machine as earlier runs have shown; without that, this run's own median.
///
/// # Errors
/// What the canary took here relative to `usual`, where fewer than `processes` have enough samples.
pub(super) fn at_usual_clock(
    all: &[ProcessSamples],
    usual: Option<Nanos>,
    processes: usize,
) -> Result<Vec<ProcessSamples>, f64> {
    let readings: Vec<Nanos> = all.iter().flat_map(|process| process.canary.iter().copied()).collect();
    let own = median(&readings).unwrap_or_default();
    let usual = usual.unwrap_or(own);
    let kept: Vec<ProcessSamples> = all.iter().map(|process| without_other_clocks(process, usual)).collect();
    let enough = kept.iter().filter(|process| !process.whole.is_empty()).count() >= processes.max(1);
    if enough { Ok(kept) } else { Err(own.as_f64() / usual.as_f64().max(1.0)) }
}

/// The process with every block set aside that a reading off the usual one stands at either end of, and all of them where
/// too little is left.
fn without_other_clocks(process: &ProcessSamples, usual: Nanos) -> ProcessSamples {
    let is_usual = |reading: &Nanos| (reading.as_f64() / usual.as_f64().max(1.0) - 1.0).abs() <= BAND;
    let mut kept = process.clone();
    // From the last block to the first, so that what is set aside moves nothing that is still to be looked at.
    for (readings, at) in process.canary.windows(2).zip(process.samples_before_canary.windows(2)).rev() {
        if let ([from, to], false) = (at, readings.iter().all(is_usual)) {
            kept.set_aside_block(*from, *to, Discard::ClockOff);
        }
    }
    if kept.whole.len() < SAMPLES {
        kept.set_aside_block(0, kept.whole.len(), Discard::ClockOff);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TimerQuality;
    use crate::measure::WarmUp;

    /// Blocks of five samples, each between two of the readings; a sample's time says which block it is of.
    fn process(canary: &[u64]) -> ProcessSamples {
        let warm_up = WarmUp { first_run: Nanos(1), runs: 1, time: Nanos(1), settled: true };
        let timer = TimerQuality { precision: Nanos(1), read_cost: Nanos(0) };
        let mut samples = ProcessSamples::new(warm_up, timer, 1, 1);
        samples.canary = canary.iter().copied().map(Nanos).collect();
        samples.samples_before_canary = (0..canary.len()).map(|block| 5 * block).collect();
        samples.whole = (0..5 * (canary.len() as u64 - 1)).map(|sample| Nanos(sample / 5)).collect();
        samples.enqueue = samples.whole.clone();
        samples
    }

    fn blocks(process: &ProcessSamples) -> Vec<u64> {
        let mut blocks: Vec<u64> = process.whole.iter().map(|sample| sample.0).collect();
        blocks.dedup();
        blocks
    }

    #[test]
    fn only_blocks_between_two_usual_readings_count_and_the_others_keep_their_cause() {
        let all = [process(&[1_000, 1_015, 1_040, 1_010, 990, 960])];
        let kept = at_usual_clock(&all, Some(Nanos(1_000)), 1).unwrap();
        assert_eq!(blocks(&kept[0]), [0, 3]);
        assert_eq!((kept[0].set_aside.len(), kept[0].discarded.get(&Discard::ClockOff)), (15, Some(&15)));
        assert_eq!(kept[0].counts(), all[0].counts(), "nothing is lost");
    }

    #[test]
    fn without_earlier_runs_the_usual_clock_is_that_of_most_readings() {
        let all = [process(&[1_000; 4]), process(&[1_000; 3]), process(&[1_100; 3])];
        let kept = at_usual_clock(&all, None, 1).unwrap();
        let left: Vec<usize> = kept.iter().map(|process| process.whole.len()).collect();
        assert_eq!(left, [15, 10, 0], "the third process ran at another clock");
        let mut preempted = all[2].clone();
        preempted.set_aside(Discard::Preempted, Nanos(9), Nanos(9));
        let kept = at_usual_clock(&[all[0].clone(), all[1].clone(), preempted], None, 1).unwrap();
        assert_eq!(kept[2].headline().as_ref(), [], "and is of no use, however little there is");
    }

    #[test]
    fn too_few_processes_at_the_usual_clock_are_an_error_with_how_far_it_was() {
        let all = [process(&[1_000; 4]), process(&[1_100; 4])];
        assert!(at_usual_clock(&all, Some(Nanos(1_000)), 1).is_ok());
        assert_eq!(at_usual_clock(&all, Some(Nanos(1_000)), 2), Err(1.05));
        assert_eq!(at_usual_clock(&all, Some(Nanos(2_000)), 1), Err(0.525));
        assert!(at_usual_clock(&[], None, 1).is_err());
    }
}
