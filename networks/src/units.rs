//! Units as types: every number that crosses a module boundary says what it counts.
//!
//! Each unit has one `Display`, with three significant digits and an SI (or binary, for bytes) prefix, and serialises as
//! the plain number so that exported files stay easy to read from any language.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! count {
    ($(#[$doc:meta])* $name:ident, $suffix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// Zero of this unit.
            pub const ZERO: Self = Self(0);

            /// The number as `f64`, for ratios.
            #[must_use]
            pub fn as_f64(self) -> f64 {
                self.0 as f64
            }

            /// `self / whole`, or 0 where the whole is zero.
            #[must_use]
            pub fn share_of(self, whole: Self) -> f64 {
                if whole.0 == 0 { 0.0 } else { self.0 as f64 / whole.0 as f64 }
            }
        }

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }

        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
                counts.fold(Self::ZERO, Add::add)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&format!("{}{}", si(self.0 as f64), $suffix))
            }
        }
    };
}

count!(
    /// Multiply-accumulates of convolutions and linear layers: the paper's "FLOPs". One mult-add is two FLOP.
    MultAdds, ""
);
count!(
    /// Learned parameters, without running statistics.
    Params, ""
);
count!(
    /// Tensor elements, the unit of the paper's memory access cost.
    Elements, ""
);

impl Elements {
    /// The size of these elements stored as 32-bit floats.
    #[must_use]
    pub fn bytes_f32(self) -> Bytes {
        Bytes(self.0.saturating_mul(4))
    }
}

/// Bytes; displayed with binary prefixes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut value, mut prefix) = (self.0 as f64, "B");
        for next in ["KiB", "MiB", "GiB", "TiB"] {
            if value < 1024.0 {
                break;
            }
            (value, prefix) = (value / 1024.0, next);
        }
        f.pad(&if prefix == "B" { format!("{value:.0} B") } else { format!("{} {prefix}", three_digits(value)) })
    }
}

/// A duration in whole nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Nanos(pub u64);

impl Nanos {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// Whole milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000_000)
    }

    /// Whole seconds.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs * 1_000_000_000)
    }

    /// The duration in seconds, for rates.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Nanoseconds as `f64`, for ratios.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.0 as f64
    }

    /// `self / whole`, or 0 where the whole is zero.
    #[must_use]
    pub fn share_of(self, whole: Self) -> f64 {
        if whole.0 == 0 { 0.0 } else { self.0 as f64 / whole.0 as f64 }
    }

    /// Time from `earlier` to `self`; zero where the clock went backwards.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

impl Add for Nanos {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Nanos {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Nanos {
    fn sum<I: Iterator<Item = Self>>(times: I) -> Self {
        times.fold(Self::ZERO, Add::add)
    }
}

impl From<std::time::Duration> for Nanos {
    fn from(duration: std::time::Duration) -> Self {
        Self(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl From<Nanos> for std::time::Duration {
    fn from(nanos: Nanos) -> Self {
        Self::from_nanos(nanos.0)
    }
}

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&time(self.0 as f64))
    }
}

/// A signed difference of two durations, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct NanosDelta(pub i64);

impl NanosDelta {
    /// `whole - part`.
    #[must_use]
    pub fn between(whole: Nanos, part: Nanos) -> Self {
        let difference = i128::from(whole.0) - i128::from(part.0);
        Self(difference.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }
}

impl fmt::Display for NanosDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        f.pad(&format!("{sign}{}", time(self.0.unsigned_abs() as f64)))
    }
}

/// Arithmetic speed in GFLOP/s, which is FLOP per nanosecond; a mult-add is two FLOP.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FlopRate(pub f64);

impl FlopRate {
    /// So many mult-adds in this time; `None` where either is zero.
    #[must_use]
    pub fn of(mult_adds: MultAdds, time: Nanos) -> Option<Self> {
        (mult_adds.0 > 0 && time.0 > 0).then(|| Self(2.0 * mult_adds.as_f64() / time.as_f64()))
    }
}

impl fmt::Display for FlopRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} GFLOP/s", three_digits(self.0)))
    }
}

/// Speed of moving data in GB/s, which is bytes per nanosecond; bytes read and bytes written both count.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bandwidth(pub f64);

impl Bandwidth {
    /// So many bytes in this time; `None` where either is zero.
    #[must_use]
    pub fn of(bytes: Bytes, time: Nanos) -> Option<Self> {
        (bytes.0 > 0 && time.0 > 0).then(|| Self(bytes.0 as f64 / time.as_f64()))
    }
}

impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} GB/s", three_digits(self.0)))
    }
}

/// A number of elements, operations or parameters with three significant digits and an SI prefix: `145 M`, `2.28 M`.
fn si(value: f64) -> String {
    let (mut value, mut prefix) = (value, "");
    for next in [" k", " M", " G", " T", " P", " E"] {
        if value < 999.5 {
            break;
        }
        (value, prefix) = (value / 1e3, next);
    }
    if prefix.is_empty() { format!("{value:.0}") } else { format!("{}{prefix}", three_digits(value)) }
}

fn time(nanos: f64) -> String {
    let (value, unit) = match nanos {
        n if n < 999.5 => return format!("{n:.0} ns"),
        n if n < 999.5e3 => (n / 1e3, "µs"),
        n if n < 999.5e6 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    format!("{} {unit}", three_digits(value))
}

/// Three significant digits for values from 1 to 999; more digits before the point where the value is larger.
fn three_digits(value: f64) -> String {
    match value {
        v if v < 9.995 => format!("{v:.2}"),
        v if v < 99.95 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_show_three_significant_digits() {
        let shown: Vec<_> =
            [0, 7, 999, 1_000, 144_907_712, 2_278_604, 999_600, 12_604_300_000].map(|n| MultAdds(n).to_string()).into();
        assert_eq!(shown, ["0", "7", "999", "1.00 k", "145 M", "2.28 M", "1.00 M", "12.6 G"]);
    }

    #[test]
    fn times_and_bytes_choose_a_readable_unit() {
        assert_eq!(Nanos(999).to_string(), "999 ns");
        assert_eq!(Nanos(4_820_000).to_string(), "4.82 ms");
        assert_eq!(Nanos(12_345_678_901).to_string(), "12.3 s");
        assert_eq!(NanosDelta::between(Nanos(5_000), Nanos(7_500)).to_string(), "-2.50 µs");
        assert_eq!(Bytes(512).to_string(), "512 B");
        assert_eq!(Bytes(3 * 1024 * 1024 + 100 * 1024).to_string(), "3.10 MiB");
    }

    #[test]
    fn rates_are_per_nanosecond_and_unknown_without_work_or_time() {
        assert_eq!(FlopRate::of(MultAdds(500), Nanos(10)).map(|rate| rate.to_string()), Some("100 GFLOP/s".into()));
        assert_eq!(Bandwidth::of(Bytes(25), Nanos(10)).map(|rate| rate.to_string()), Some("2.50 GB/s".into()));
        assert_eq!(FlopRate::of(MultAdds(0), Nanos(10)), None);
        assert_eq!(Bandwidth::of(Bytes(1), Nanos(0)), None);
    }

    #[test]
    fn units_serialise_as_plain_numbers() {
        assert_eq!(serde_json::to_string(&MultAdds(5)).unwrap(), "5");
        assert_eq!(serde_json::to_string(&NanosDelta(-5)).unwrap(), "-5");
    }

    #[test]
    fn sums_saturate_instead_of_overflowing() {
        assert_eq!(MultAdds(u64::MAX) + MultAdds(1), MultAdds(u64::MAX));
    }
}
