use super::*;

fn sorted(times: impl IntoIterator<Item = u64>) -> Sorted {
    times.into_iter().map(Nanos).collect()
}

/// Right-skewed times, as latencies are: 1 ms plus an exponential tail. The true median is 1 ms + 100 µs * ln 2.
fn skewed(random: &mut SplitMix64) -> Nanos {
    let uniform = (random.next() >> 11) as f64 / (1u64 << 53) as f64;
    Nanos(1_000_000 + (-100_000.0 * (1.0 - uniform).ln()) as u64)
}

const SKEWED_MEDIAN: Nanos = Nanos(1_069_314);

#[test]
fn the_median_of_an_even_number_is_the_middle_twos_average_rounded_down() {
    assert_eq!(sorted([]).median(), None);
    assert_eq!(sorted([7]).median(), Some(Nanos(7)));
    assert_eq!(sorted([4, 1]).median(), Some(Nanos(2)));
    assert_eq!(sorted([9, 1, 5]).median(), Some(Nanos(5)));
    assert_eq!(sorted([u64::MAX, u64::MAX]).median(), Some(Nanos(u64::MAX)));
}

#[test]
fn the_linear_time_median_equals_the_sorted_one() {
    let mut random = SplitMix64(3);
    for length in 0..40 {
        let mut times: Vec<Nanos> = (0..length).map(|_| Nanos(random.next() % 1_000)).collect();
        assert_eq!(Sorted::new(&times).median(), unsorted_median(&mut times));
    }
}

#[test]
fn percentiles_are_told_only_from_64_and_662_samples_up() {
    assert_eq!(sorted(1..=63).p90(), None);
    assert_eq!(sorted(1..=64).p90(), Some(Nanos(58)));
    assert_eq!(sorted(1..=661).p99(), None);
    assert_eq!(sorted(1..=662).p99(), Some(Nanos(656)));
}

/// Ranks and coverages as in tables of the sign test's interval (Conover, Practical Nonparametric Statistics).
#[test]
fn interval_ranks_equal_the_published_tables() {
    for (n, rank, coverage) in
        [(6, 1, 0.96875), (8, 1, 0.992_187_5), (9, 2, 0.960_937_5), (10, 2, 0.978_515_625), (20, 6, 0.958_610_5)]
    {
        let (found, covered) = interval_rank(n);
        assert_eq!(found, rank, "n = {n}");
        assert!((covered - coverage).abs() < 1e-6, "n = {n}: {covered}");
    }
    let (rank, coverage) = interval_rank(100_000);
    assert!((49_680..=49_700).contains(&rank) && (0.95..0.953).contains(&coverage), "{rank} {coverage}");
}

#[test]
fn few_samples_give_the_whole_range_with_its_actual_coverage() {
    for (n, coverage) in [(1, 0.0), (2, 0.5), (3, 0.75), (5, 0.9375)] {
        let interval = sorted(1..=n).median_interval().unwrap();
        assert_eq!((interval.low, interval.high), (Nanos(1), Nanos(n)));
        assert!((interval.coverage - coverage).abs() < 1e-12, "n = {n}: {}", interval.coverage);
    }
    assert_eq!(sorted([]).median_interval(), None);
}

#[test]
fn the_95_percent_interval_contains_the_true_median_at_least_94_times_in_100() {
    for samples in [6, 17, 60, 133] {
        let contains = |seed: u64| {
            let mut random = SplitMix64(seed);
            let times: Sorted = (0..samples).map(|_| skewed(&mut random)).collect();
            let interval = times.median_interval().unwrap();
            interval.low <= SKEWED_MEDIAN && SKEWED_MEDIAN <= interval.high
        };
        let hits = (0..4_000).filter(|&seed| contains(seed * 7_919)).count();
        assert!(hits >= 3_760, "{hits} of 4000 with {samples} samples");
    }
}

#[test]
fn the_half_width_is_relative_to_the_median() {
    let interval = Interval { low: Nanos(95), high: Nanos(105), coverage: 0.95 };
    assert!((interval.half_width(Nanos(100)) - 0.05).abs() < 1e-12);
    assert_eq!(interval.half_width(Nanos::ZERO), 0.0);
}
