//! What a device's raw timestamps say, or that they say nothing.

use crate::units::Nanos;

/// The time from the first kernel's begin to the last one's end, and into `kernels` each kernel's own.
///
/// `stamps` has a begin and an end for every kernel, in launch order, in ticks of `period` nanoseconds. `None`, which is
/// "unknown", where a stamp is missing, zero or runs backwards (a kernel that ends before it begins, or begins before
/// the one before it), or all stand at the same tick: drivers do all of these. `kernels` is empty then. A single kernel
/// may be too short for a tick.
#[must_use]
pub fn device_times(stamps: &[u64], period: f64, kernels: &mut Vec<Nanos>) -> Option<Nanos> {
    kernels.clear();
    let (pairs, rest) = stamps.as_chunks::<2>();
    let is_usable = rest.is_empty()
        && period > 0.0
        && !stamps.contains(&0)
        && pairs.iter().all(|[begin, end]| begin <= end)
        && pairs.windows(2).all(|pair| matches!(pair, [[before, _], [after, _]] if before <= after));
    let ([begin, _], [_, end]) = pairs.first().zip(pairs.last()).filter(|_| is_usable)?;
    let nanos = |ticks: u64| Nanos((ticks as f64 * period).round() as u64);
    let whole = nanos(end.checked_sub(*begin)?);
    if whole == Nanos::ZERO {
        return None;
    }
    kernels.extend(pairs.iter().map(|[begin, end]| nanos(end - begin)));
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(stamps: &[u64]) -> (Option<u64>, Vec<u64>) {
        let mut kernels = vec![Nanos(7)];
        let whole = device_times(stamps, 2.5, &mut kernels);
        (whole.map(|whole| whole.0), kernels.iter().map(|kernel| kernel.0).collect())
    }

    #[test]
    fn ticks_become_nanoseconds_from_the_first_begin_to_the_last_end() {
        assert_eq!(times(&[100, 140, 150, 250]), (Some(375), vec![100, 250]));
        assert_eq!(times(&[100, 140, 130, 250, 250, 250]), (Some(375), vec![100, 300, 0]), "kernels may overlap");
    }

    #[test]
    fn what_a_driver_does_not_really_give_is_unknown_and_never_zero() {
        let unknown = (None, vec![]);
        assert_eq!(times(&[]), unknown, "missing");
        assert_eq!(times(&[100, 140, 150]), unknown, "one is missing");
        assert_eq!(times(&[0, 0, 0, 0]), unknown, "never written");
        assert_eq!(times(&[100, 140, 0, 250]), unknown, "one is not written");
        assert_eq!(times(&[140, 100]), unknown, "it ends before it begins");
        assert_eq!(times(&[100, 140, 90, 250]), unknown, "it begins before the one before it");
        assert_eq!(times(&[100, 140, 150, 160, 160, 150]), unknown);
        assert_eq!(times(&[100, 100, 100, 100]), unknown, "the clock stands still");
        let mut kernels = vec![];
        assert_eq!(device_times(&[1, 2], 0.0, &mut kernels), None, "no period");
        assert_eq!(device_times(&[1, 2], f64::NAN, &mut kernels), None);
    }
}
