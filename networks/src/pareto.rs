//! Which of several candidates nothing beats in both of two figures at once.

use serde::{Deserialize, Serialize};

/// Which direction of a figure is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// Such as accuracy or images per second.
    Higher,
    /// Such as error or latency.
    Lower,
}

/// The positions of the points on the Pareto front, from the best to the worst of the first figure: points for which
/// no other is at least as good in both figures and better in one. Equal points are all on it; a point with a figure
/// that is no number never is.
#[must_use]
pub fn pareto_front(points: &[(f64, f64)], [first, second]: [Better; 2]) -> Vec<usize> {
    // Turned so that higher is better in both.
    let turned = |value: f64, better| if better == Better::Higher { value } else { -value };
    let mut order: Vec<(usize, f64, f64)> = points
        .iter()
        .enumerate()
        .filter(|(_, (x, y))| !x.is_nan() && !y.is_nan())
        .map(|(index, &(x, y))| (index, turned(x, first), turned(y, second)))
        .collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.2.total_cmp(&a.2)).then(a.0.cmp(&b.0)));
    let mut front = Vec::new();
    let mut best: Option<(f64, f64)> = None;
    for (index, x, y) in order {
        if best.is_none_or(|best| y > best.1 || (x, y) == best) {
            best = Some((x, y));
            front.push(index);
        }
    }
    front
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_points_that_nothing_beats_are_on_the_front() {
        let points = [(1.0, 9.0), (2.0, 8.0), (2.0, 7.0), (3.0, 8.5), (5.0, 1.0), (4.0, 0.5)];
        assert_eq!(pareto_front(&points, [Better::Higher; 2]), [4, 3, 0]);
        assert_eq!(pareto_front(&points, [Better::Lower, Better::Higher]), [0]);
        assert_eq!(pareto_front(&points, [Better::Higher, Better::Lower]), [4, 5]);
    }

    #[test]
    fn equal_points_are_all_on_it_and_what_is_no_number_never() {
        let points = [(1.0, 1.0), (f64::NAN, 5.0), (1.0, 1.0), (0.5, 1.0)];
        assert_eq!(pareto_front(&points, [Better::Higher; 2]), [0, 2]);
        assert!(pareto_front(&[], [Better::Higher; 2]).is_empty());
    }

    /// Against the definition, point by point.
    #[test]
    fn the_front_agrees_with_its_definition() {
        let points: Vec<(f64, f64)> = (0..60_u32).map(|n| (f64::from(n * 37 % 23), f64::from(n * 53 % 19))).collect();
        let beats = |a: &(f64, f64), b: &(f64, f64)| a.0 >= b.0 && a.1 <= b.1 && a != b;
        let expected: Vec<usize> =
            (0..points.len()).filter(|&at| !points.iter().any(|other| beats(other, &points[at]))).collect();
        let mut front = pareto_front(&points, [Better::Higher, Better::Lower]);
        front.sort_unstable();
        assert_eq!(front, expected);
    }
}
