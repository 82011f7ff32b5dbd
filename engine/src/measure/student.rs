//! Student's t distribution: how far off a mean of a few numbers may be.

/// Degrees of freedom from which on more make no difference that is seen: the quantile is within 0.0001 of the normal's.
const MANY: f64 = 1e5;

/// The `t` with `P(|T| <= t) = coverage` for a T of Student's distribution: 4.303 at 0.95 and 2 degrees of freedom.
///
/// Fractions of a degree are allowed (Welch and Satterthwaite). Infinite where nothing can be said: no degrees of
/// freedom, or a coverage of one or more.
pub(super) fn student_quantile(coverage: f64, degrees_of_freedom: f64) -> f64 {
    if !(degrees_of_freedom > 0.0 && coverage < 1.0) {
        return f64::INFINITY;
    }
    let (degrees, outside) = (degrees_of_freedom.min(MANY), 1.0 - coverage.max(0.0));
    let (mut below, mut above) = (0.0, 1.0);
    while two_tails(above, degrees) > outside && above < f64::MAX / 4.0 {
        (below, above) = (above, 2.0 * above);
    }
    // Half of what is left 60 times is below what a double tells apart.
    for _ in 0..60 {
        let middle = f64::midpoint(below, above);
        if two_tails(middle, degrees) > outside { below = middle } else { above = middle }
    }
    f64::midpoint(below, above)
}

/// `P(|T| > t)`, which is the regularised incomplete beta function of `v / (v + t^2)` at `v / 2` and `1 / 2`.
fn two_tails(t: f64, degrees: f64) -> f64 {
    let squared = t * t;
    incomplete_beta(degrees / (degrees + squared), squared / (degrees + squared), degrees / 2.0, 0.5)
}

/// The regularised incomplete beta function `I_x(a, b)`, where `rest` is `1 - x`. The continued fraction converges
/// quickly on one side of the mean only; on the other the function's symmetry is used (Abramowitz and Stegun, 26.5).
fn incomplete_beta(x: f64, rest: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || rest <= 0.0 {
        return if rest <= 0.0 { 1.0 } else { 0.0 };
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * rest.ln()).exp();
    if x * (a + b + 2.0) < a + 1.0 {
        front * beta_fraction(x, a, b) / a
    } else {
        1.0 - front * beta_fraction(rest, b, a) / b
    }
}

/// The continued fraction of the incomplete beta function (Abramowitz and Stegun, 26.5.8), from its head by Lentz's
/// method.
fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    let not_zero = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let (mut numerator, mut denominator) = (1.0, 1.0 / not_zero(1.0 - (a + b) * x / (a + 1.0)));
    let mut value = denominator;
    // About the square root of the larger of `a` and `b` steps are needed.
    for step in 1..2_000 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            denominator = 1.0 / not_zero(1.0 + term * denominator);
            numerator = not_zero(1.0 + term / numerator);
            change = numerator * denominator;
            value *= change;
        }
        if (change - 1.0).abs() < 1e-14 {
            break;
        }
    }
    value
}

/// The logarithm of the gamma function: Stirling's series (Abramowitz and Stegun, 6.1.41) of an argument raised to
/// where five terms are exact to a double.
fn ln_gamma(of: f64) -> f64 {
    let (mut at, mut raised) = (of, 1.0);
    while at < 12.0 {
        raised *= at;
        at += 1.0;
    }
    let inverse = 1.0 / at;
    let square = inverse * inverse;
    let series = inverse
        * (1.0 / 12.0
            - square * (1.0 / 360.0 - square * (1.0 / 1_260.0 - square * (1.0 / 1_680.0 - square / 1_188.0))));
    (at - 0.5) * at.ln() - at + 0.5 * std::f64::consts::TAU.ln() + series - raised.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two-sided, as in every table of the distribution.
    #[test]
    fn quantiles_equal_the_published_tables() {
        for (coverage, degrees, quantile) in [
            (0.95, 1.0, 12.7062),
            (0.95, 2.0, 4.30265),
            (0.95, 3.0, 3.18245),
            (0.95, 4.0, 2.77645),
            (0.95, 10.0, 2.22814),
            (0.95, 30.0, 2.04227),
            (0.95, 120.0, 1.97993),
            (0.99, 1.0, 63.6567),
            (0.99, 5.0, 4.03214),
            (0.90, 2.0, 2.91999),
            (0.50, 1.0, 1.0),
            (0.95, 1e9, 1.95996),
        ] {
            let found = student_quantile(coverage, degrees);
            assert!((found - quantile).abs() < 1e-4, "{coverage} at {degrees}: {found} in place of {quantile}");
        }
    }

    /// With one and with two degrees of freedom the distribution has closed forms.
    #[test]
    fn tails_equal_the_closed_forms() {
        for t in [0.01, 0.3, 1.0, 2.5, 12.7, 400.0_f64] {
            let cauchy = 1.0 - 2.0 * t.atan() / std::f64::consts::PI;
            assert!((two_tails(t, 1.0) - cauchy).abs() < 1e-12, "{t}");
            assert!((two_tails(t, 2.0) - (1.0 - t / (2.0 + t * t).sqrt())).abs() < 1e-12, "{t}");
        }
    }

    #[test]
    fn fractions_of_a_degree_lie_between_their_neighbours() {
        for degrees in [1.0, 1.7, 2.4, 9.9, 55.5, 900.0] {
            let [more, at] = [degrees + 0.1, degrees].map(|degrees| student_quantile(0.95, degrees));
            assert!(more < at, "{degrees}");
            assert!((two_tails(at, degrees) - 0.05).abs() < 1e-9, "{degrees}");
        }
    }

    #[test]
    fn where_nothing_can_be_said_the_quantile_is_infinite() {
        for (coverage, degrees) in [(0.95, 0.0), (0.95, -1.0), (0.95, f64::NAN), (1.0, 5.0), (f64::NAN, 5.0)] {
            assert_eq!(student_quantile(coverage, degrees), f64::INFINITY, "{coverage} at {degrees}");
        }
        assert!(student_quantile(0.0, 3.0) < 1e-9);
    }
}
