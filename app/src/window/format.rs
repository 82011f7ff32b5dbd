//! How ratios are written.

/// `-12 %`, `+3.4 %`, `±0 %`: a signed change.
#[must_use]
pub fn change(ratio: f64) -> String {
    let percent = ratio * 100.0;
    match percent.abs() {
        p if !p.is_finite() => "unknown".into(),
        p if p < 0.05 => "±0 %".into(),
        p if p < 9.95 => format!("{percent:+.1} %"),
        p if p < 999.5 => format!("{percent:+.0} %"),
        _ => format!("{:.1}x", ratio + 1.0),
    }
}

/// `-12 % (-14 % to -10 %)`: a ratio as a change, with its interval where that can be seen.
#[must_use]
pub fn ratio(ratio: f64, low: f64, high: f64) -> String {
    let [ratio, low, high] = [ratio, low, high].map(|ratio| change(ratio - 1.0));
    if ratio == low && ratio == high { ratio } else { format!("{ratio} ({low} to {high})") }
}

/// `4.3 %`, `41 %`: a share.
#[must_use]
pub fn share(ratio: f64) -> String {
    let percent = ratio * 100.0;
    if percent < 9.95 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

/// `207`, `20.7`, `2.07`: three significant digits.
#[must_use]
pub fn three_digits(value: f64) -> String {
    match value.abs() {
        v if v < 9.995 => format!("{value:.2}"),
        v if v < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_carry_their_sign_and_no_needless_digits() {
        let shown = [-0.124, 0.034, 0.0, -0.000_01, 1.5, 20.0].map(change);
        assert_eq!(shown, ["-12 %", "+3.4 %", "±0 %", "±0 %", "+150 %", "21.0x"]);
        assert_eq!(ratio(1.004, 0.994, 1.015), "+0.4 % (-0.6 % to +1.5 %)");
        assert_eq!(ratio(1.0, 1.0, 1.000_1), "±0 %");
    }
}
