//! How well a run's median is known, by its own samples.

use super::statistics::{CONFIDENCE, Interval, Sorted, logarithm, median, rounded};
use super::student::student_quantile;
use crate::units::Nanos;

/// Parts that a process's samples are cut into: few, for neighbouring runs are alike, and parts must be long to differ by
/// chance alone.
const PARTS: usize = 6;

/// Samples from which on the parts say more than the order of the samples does: two in each part.
const ENOUGH: usize = 2 * PARTS;

/// The interval of the median, from each process's samples in the order taken.
///
/// Samples that follow each other are not independent, so their number says too little: those of a process are cut into
/// six consecutive parts, and Student's t is applied to the logarithms of the parts' medians (batch means), with five
/// degrees of freedom for each process. Below twelve samples in a process it is the order-statistic interval of all samples
/// with its true coverage. What changes more slowly than a process lasts cannot be seen in it: that differs between runs,
/// and is part of the [`Repeatability`](super::Repeatability).
///
/// `None` where there are no samples.
pub(super) fn within_run(processes: &[&[Nanos]]) -> Option<Interval> {
    let sorted: Sorted = processes.iter().copied().flatten().copied().collect();
    let parts: Option<Vec<MeanError>> =
        processes.iter().map(|samples| MeanError::of(&part_medians(samples)?)).collect();
    let Some(parts) = parts.filter(|parts| !parts.is_empty()) else { return sorted.median_interval() };
    let count = parts.len() as f64;
    let mean = parts.iter().map(|part| part.mean).sum::<f64>() / count;
    let error = parts.iter().map(|part| part.error.powi(2)).sum::<f64>().sqrt() / count;
    let degrees_of_freedom = parts.iter().map(|part| part.degrees_of_freedom).sum();
    let reach = student_quantile(CONFIDENCE, degrees_of_freedom) * error;
    let (low, high, middle) = (rounded((mean - reach).exp()), rounded((mean + reach).exp()), sorted.median()?);
    Some(Interval { low: low.min(middle), high: high.max(middle), coverage: CONFIDENCE })
}

/// Logarithms of the medians of consecutive parts; `None` for too few samples, or a clock that shows zero.
fn part_medians(samples: &[Nanos]) -> Option<Vec<f64>> {
    if samples.len() < ENOUGH {
        return None;
    }
    let part = |index: usize| {
        let (from, to) = (index * samples.len() / PARTS, (index + 1) * samples.len() / PARTS);
        logarithm(median(samples.get(from..to)?)?)
    };
    (0..PARTS).map(part).collect()
}

/// A mean, its standard error and what that error rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct MeanError {
    pub mean: f64,
    pub error: f64,
    pub degrees_of_freedom: f64,
}

impl MeanError {
    /// Of independent values; `None` below two.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len() as f64;
        if values.len() < 2 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let degrees_of_freedom = count - 1.0;
        Some(Self { mean, error: (squares / degrees_of_freedom / count).sqrt(), degrees_of_freedom })
    }

    /// Of values that follow each other and may be alike: from twelve on, of six consecutive parts.
    pub fn of_series(values: &[f64]) -> Option<Self> {
        if values.len() < ENOUGH {
            return Self::of(values);
        }
        let part = |index: usize| {
            let (from, to) = (index * values.len() / PARTS, (index + 1) * values.len() / PARTS);
            let part = values.get(from..to).unwrap_or_default();
            part.iter().sum::<f64>() / part.len().max(1) as f64
        };
        Self::of(&(0..PARTS).map(part).collect::<Vec<f64>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::measure::fake::{FakeClock, Noise, NoisyMachine};

    /// Of 400 runs of a second, how many intervals hold the median that the machine has in the long run.
    fn covered(noise: Noise, run: f64) -> usize {
        (0..400)
            .filter(|&seed| {
                let clock = FakeClock::new();
                let mut machine = NoisyMachine::new(&clock, noise, seed);
                let mut samples = Vec::new();
                let start = clock.now();
                while clock.now().since(start) < Nanos::from_secs(1) {
                    let time = machine.run(run);
                    clock.advance(time);
                    samples.push(time);
                }
                let interval = within_run(&[&samples]).unwrap();
                // Spikes move the median by a ninetieth of the jitter.
                let truth = Nanos((run * 1.000_5) as u64);
                interval.low <= truth && truth <= interval.high
            })
            .count()
    }

    #[test]
    fn the_interval_holds_93_to_97_times_in_100_for_runs_that_are_independent_or_alike() {
        let alike = Noise { memory: Nanos::from_millis(10), ..Noise::AUTOCORRELATED };
        for noise in [Noise::INDEPENDENT, alike] {
            for run in [0.4e6, 2.2e6, 8e6, 20e6] {
                let hits = covered(noise, run);
                assert!((368..=392).contains(&hits), "{hits} of 400 at {run} ns with {noise:?}");
            }
        }
    }

    #[test]
    fn several_processes_are_known_better_than_one_of_them() {
        let noise =
            |seed: u64| (0..40).map(|at| Nanos(1_000_000 + (at * 7_919 + seed * 104_729) % 50_000)).collect::<Vec<_>>();
        let processes: Vec<Vec<Nanos>> = (0..9).map(noise).collect();
        let width = |of: &[Vec<Nanos>]| {
            let interval = within_run(&of.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
            interval.high.since(interval.low).as_f64()
        };
        assert!(width(&processes) < 0.6 * width(&processes[..1]), "{} {}", width(&processes), width(&processes[..1]));
    }

    #[test]
    fn few_samples_give_their_range_with_its_true_coverage() {
        let interval = within_run(&[&[5, 3, 4].map(Nanos)]).unwrap();
        assert_eq!((interval.low, interval.high, interval.coverage), (Nanos(3), Nanos(5), 0.75));
        assert_eq!(within_run(&[]), None);
    }

    #[test]
    fn equal_samples_are_known_exactly_and_a_clock_that_shows_zero_does_no_harm() {
        let equal = within_run(&[&[Nanos(5_000); 12]]).unwrap();
        assert_eq!((equal.low, equal.high, equal.coverage), (Nanos(5_000), Nanos(5_000), 0.95));
        let zero = within_run(&[&[Nanos::ZERO; 12]]).unwrap();
        assert_eq!((zero.low, zero.high), (Nanos::ZERO, Nanos::ZERO));
    }

    #[test]
    fn a_long_series_is_judged_by_its_parts() {
        let drifting: Vec<f64> = (0..18).map(f64::from).collect();
        let series = MeanError::of_series(&drifting).unwrap();
        assert_eq!((series.mean, series.degrees_of_freedom), (8.5, 5.0));
        assert!(series.error > 1.5 * MeanError::of(&drifting).unwrap().error);
        assert_eq!(MeanError::of_series(&drifting[..11]), MeanError::of(&drifting[..11]), "too few for parts");
        assert_eq!(
            MeanError::of_series(&[1.0, 3.0]),
            Some(MeanError { mean: 2.0, error: 1.0, degrees_of_freedom: 1.0 })
        );
        assert_eq!(MeanError::of_series(&[1.0]), None);
    }
}
