//! Reads the values of one axis: lists, ranges, and lists of both.

use super::AxisError;

/// Most values on one axis.
const MOST: usize = 1_000;

/// Numbers: `1.0`, `0.5,1.0`, `0.5..2.0:0.25` (both ends included), or several of these separated by commas. Sorted,
/// each value once.
///
/// # Errors
/// The part that is no number or range, a range without end, or more than 1000 values.
pub fn parse_numbers(text: &str) -> Result<Vec<f64>, AxisError> {
    let mut values = Vec::new();
    for part in text.split(',') {
        let part = part.trim();
        let fail = |reason: &str| AxisError { text: part.to_owned(), reason: reason.to_owned() };
        let Some((from, rest)) = part.split_once("..") else {
            values.push(number(part)?);
            continue;
        };
        let (to, step) = rest.split_once(':').ok_or_else(|| fail("a range needs a step: FROM..TO:STEP"))?;
        let (from, to, step) = (number(from)?, number(to)?, number(step)?);
        if step <= 0.0 || to < from {
            return Err(fail("a range rises by a step above 0"));
        }
        // Counted, not summed up: 0.1 ten times is not 1. The last value may miss the end by rounding.
        let steps = ((to - from) / step + 1e-9).floor();
        if steps >= MOST as f64 {
            return Err(fail("gives more than 1000 values"));
        }
        values.extend((0..=steps as usize).map(|index| tidy(from + index as f64 * step)));
    }
    if values.len() > MOST {
        return Err(AxisError { text: text.trim().to_owned(), reason: "gives more than 1000 values".to_owned() });
    }
    values.sort_by(f64::total_cmp);
    values.dedup();
    Ok(values)
}

/// Counts: as [`parse_numbers`], whole and at least 1. The step of a range may be left out: `1..4`.
///
/// # Errors
/// As [`parse_numbers`], and values that are not whole or below 1.
pub fn parse_counts(text: &str) -> Result<Vec<u32>, AxisError> {
    let with_steps: Vec<String> = text
        .split(',')
        .map(|part| if part.contains("..") && !part.contains(':') { format!("{part}:1") } else { part.to_owned() })
        .collect();
    let count = |value: f64| {
        let is_count = value >= 1.0 && value <= f64::from(u32::MAX) && value.fract() == 0.0;
        let fail = || AxisError { text: value.to_string(), reason: "must be a whole number from 1 on".to_owned() };
        if is_count { Ok(value as u32) } else { Err(fail()) }
    };
    parse_numbers(&with_steps.join(","))?.into_iter().map(count).collect()
}

fn number(text: &str) -> Result<f64, AxisError> {
    let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| AxisError { text: text.trim().to_owned(), reason: "is not a number".to_owned() })
}

/// Six decimals: 0.5 + 3 x 0.1 is 0.8, and equal values are equal.
fn tidy(value: f64) -> f64 {
    let tidy = (value * 1e6).round() / 1e6;
    if tidy.is_finite() { tidy } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_include_both_ends_and_have_tidy_values() {
        assert_eq!(parse_numbers("0.5..2.0:0.25").unwrap(), [0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0]);
        assert_eq!(parse_numbers("0.5..0.9:0.1").unwrap(), [0.5, 0.6, 0.7, 0.8, 0.9]);
        assert_eq!(parse_numbers("1..2:0.6").unwrap(), [1.0, 1.6]);
        assert_eq!(parse_numbers("1..1:5").unwrap(), [1.0]);
    }

    #[test]
    fn lists_and_ranges_mix_and_every_value_comes_once() {
        assert_eq!(parse_numbers(" 2.0, 0.5..1.0:0.25 ,1.0").unwrap(), [0.5, 0.75, 1.0, 2.0]);
        assert_eq!(parse_counts("1,2,4").unwrap(), [1, 2, 4]);
        assert_eq!(parse_counts("8,1..4").unwrap(), [1, 2, 3, 4, 8]);
        assert_eq!(parse_counts("2..8:2").unwrap(), [2, 4, 6, 8]);
    }

    #[test]
    fn what_is_no_axis_is_refused_with_the_part_that_is_wrong() {
        let reason = |text: &str| parse_numbers(text).unwrap_err().to_string();
        assert!(reason("1,x").starts_with("`x`: is not a number"), "{}", reason("1,x"));
        assert!(reason("").contains("not a number"));
        assert!(reason("1..2").contains("needs a step"));
        assert!(reason("2..1:0.5").contains("rises"));
        assert!(reason("1..2:0").contains("rises"));
        assert!(reason("1..2:-1").contains("rises"));
        assert!(reason("0..1:1e-9").contains("more than 1000"));
        assert!(reason("nan..1:1").contains("not a number") && reason("inf").contains("not a number"));
        for text in ["0", "1.5", "-1", "1..3:0.5", "5000000000"] {
            assert!(parse_counts(text).unwrap_err().to_string().contains("whole number"), "{text}");
        }
    }
}
