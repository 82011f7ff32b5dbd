//! The values that an axis covers, where they stand on it, and its round numbers.

use crate::window::format;

/// The values an axis covers, in its own measure: logarithms where it is logarithmic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    low: f64,
    high: f64,
    is_log: bool,
}

impl Span {
    /// Covers the values with a little room at both ends.
    pub fn of(values: impl Iterator<Item = f64>, is_log: bool) -> Option<Self> {
        let measure = |value: f64| if is_log { value.log10() } else { value };
        let (low, high) = values.map(measure).fold(None, |span: Option<(f64, f64)>, value| {
            Some(span.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
        })?;
        let least = if is_log { 0.1 } else { low.abs().max(1e-9) * 0.05 };
        let room = ((high - low) * 0.06).max(least);
        Some(Self { low: low - room, high: high + room, is_log })
    }

    /// Where a value stands between the ends of the axis.
    pub fn place(&self, value: f64, from: f32, to: f32) -> f32 {
        let value = if self.is_log { value.log10() } else { value };
        let share = (value - self.low) / (self.high - self.low);
        from + (to - from) * share.clamp(0.0, 1.0) as f32
    }

    /// The value that stands at this place.
    pub fn value(&self, at: f32, from: f32, to: f32) -> f64 {
        let share = if from == to { 0.5 } else { f64::from((at - from) / (to - from)).clamp(0.0, 1.0) };
        let value = self.low + (self.high - self.low) * share;
        if self.is_log { 10f64.powf(value) } else { value }
    }

    /// Round values, at most about as many as there is room for.
    pub fn ticks(&self, room: f32) -> Vec<f64> {
        let most = f64::from(room.clamp(2.0, 20.0));
        let span = self.high - self.low;
        if self.is_log && span > 0.5 {
            let digits: &[f64] = if span * 3.0 <= most { &[1.0, 2.0, 5.0] } else { &[1.0] };
            let decades = self.low.floor() as i32..=self.high.ceil() as i32;
            let all = decades.flat_map(|decade| digits.iter().map(move |digit| digit * 10f64.powi(decade)));
            return all.filter(|value| (self.low..=self.high).contains(&value.log10())).collect();
        }
        let (low, high) =
            if self.is_log { (10f64.powf(self.low), 10f64.powf(self.high)) } else { (self.low, self.high) };
        let rough = (high - low) / most;
        let ten = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * ten).into_iter().find(|step| *step >= rough);
        let Some(step) = step.filter(|step| step.is_finite() && *step > 0.0) else { return Vec::new() };
        let first = (low / step).ceil();
        (0..40).map(|index| (first + f64::from(index)) * step).take_while(|value| *value <= high).collect()
    }
}

/// `1.5 G`, `300 M`, `20`, `0.5`.
pub(super) fn short(value: f64) -> String {
    let (value, unit) = match value.abs() {
        v if v >= 1e9 => (value / 1e9, " G"),
        v if v >= 1e6 => (value / 1e6, " M"),
        v if v >= 1e4 => (value / 1e3, " k"),
        _ => (value, ""),
    };
    let text = format::three_digits(value);
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within_the_axis() {
        let linear = Span { low: 3.0, high: 97.0, is_log: false };
        assert_eq!(linear.ticks(5.0), [20.0, 40.0, 60.0, 80.0]);
        let log = Span { low: 0.5, high: 2.5, is_log: true };
        assert_eq!(log.ticks(8.0), [5.0, 10.0, 20.0, 50.0, 100.0, 200.0]);
        assert_eq!(log.ticks(3.0), [10.0, 100.0]);
    }

    #[test]
    fn one_value_alone_has_an_axis_and_none_has_not() {
        for is_log in [false, true] {
            let span = Span::of([7.0].into_iter(), is_log).unwrap();
            assert!((span.place(7.0, 0.0, 10.0) - 5.0).abs() < 1e-3);
            assert!(Span::of(std::iter::empty(), is_log).is_none());
        }
    }

    #[test]
    fn a_place_leads_back_to_its_value_and_one_outside_to_the_end() {
        for is_log in [false, true] {
            let span = Span::of([2.0, 50.0].into_iter(), is_log).unwrap();
            let at = span.place(7.0, 100.0, 0.0);
            assert!((span.value(at, 100.0, 0.0) - 7.0).abs() < 1e-3, "{is_log}");
            assert_eq!(span.value(-30.0, 100.0, 0.0), span.value(0.0, 100.0, 0.0));
        }
    }

    #[test]
    fn numbers_on_axes_are_short() {
        assert_eq!([1.5e9, 3e8, 20_000.0, 20.0, 0.5].map(short), ["1.5 G", "300 M", "20 k", "20", "0.5"]);
    }
}
