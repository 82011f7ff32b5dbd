//! Times and counts as people write them: `2ms`, `140M`.

use shufflescope_engine::units::Nanos;

/// Nanoseconds of each unit, the longer names first.
const UNITS: [(&str, f64); 5] = [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9)];

const PREFIXES: [(char, f64); 3] = [('k', 1e3), ('M', 1e6), ('G', 1e9)];

/// `2ms`, `1.5 ms`, `800us` or `0.1s`, from 1 µs to 1000 s.
pub(super) fn time(text: &str) -> Result<Nanos, String> {
    let wrong = || format!("`{text}` is no time: write a number with its unit, such as 2ms, 800us or 0.1s");
    let (number, unit) =
        UNITS.into_iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit))).ok_or_else(wrong)?;
    let nanos = number.trim().parse::<f64>().map_err(|_| wrong())? * unit;
    if !(1e3..=1e12).contains(&nanos) {
        return Err("must be from 1us to 1000s".into());
    }
    Ok(Nanos(nanos.round() as u64))
}

/// `140M`, `2.5M`, `900k` or `1400000`.
pub(super) fn count(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no count: write a number such as 140M, 2.5M or 900k");
    let prefixed = PREFIXES.into_iter().find_map(|(name, prefix)| {
        let either = [name.to_ascii_lowercase(), name.to_ascii_uppercase()];
        Some((text.strip_suffix(either)?, prefix))
    });
    let (number, prefix) = prefixed.unwrap_or((text, 1.0));
    let count = number.trim().parse::<f64>().map_err(|_| wrong())? * prefix;
    if !(1.0..=1e15).contains(&count) {
        return Err("must be from 1 to 1000000G".into());
    }
    Ok(count.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_its_unit_and_a_count_may_have_a_prefix() {
        for (text, nanos) in [("2ms", 2_000_000), ("1.5 ms", 1_500_000), ("800us", 800_000), ("0.1s", 100_000_000)] {
            assert_eq!(time(text), Ok(Nanos(nanos)), "{text}");
        }
        for wrong in ["2", "ms", "-2ms", "0ms", "nanms", "infs", "2 minutes", "1ns", "5000s"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
        for (text, number) in [("140M", 140_000_000), ("2.5M", 2_500_000), ("900k", 900_000), ("1g", 1_000_000_000)] {
            assert_eq!(count(text), Ok(number), "{text}");
        }
        assert_eq!(count("1400000"), Ok(1_400_000));
        for wrong in ["", "M", "-3M", "0", "nan", "3 millions"] {
            assert!(count(wrong).is_err(), "{wrong}");
        }
    }
}
