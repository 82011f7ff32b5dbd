//! Points in time, to the second.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

const DAY: u64 = 86_400;

/// The last second of the year 9999: beyond it the clock is wrong anyhow.
const LAST: u64 = 253_402_300_799;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Seconds since 1970, UTC. Shown as `23 November 2026, 04:20 UTC`: the zone is said, for the system's own is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The system's clock; 1970 where that is set to before.
    #[must_use]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self(since.as_secs())
    }

    /// This many days earlier.
    #[must_use]
    pub const fn days_before(self, days: u64) -> Self {
        Self(self.0.saturating_sub(days.saturating_mul(DAY)))
    }

    /// `2026-11-23`
    #[must_use]
    pub fn date(self) -> String {
        let (year, month, day) = self.civil();
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// `2026-11-23 04:20`
    #[must_use]
    pub fn minute(self) -> String {
        let (hours, minutes, _) = self.time();
        format!("{} {hours:02}:{minutes:02}", self.date())
    }

    /// `2026-11-23T04:20:00Z`
    #[must_use]
    pub fn rfc3339(self) -> String {
        let (hours, minutes, seconds) = self.time();
        format!("{}T{hours:02}:{minutes:02}:{seconds:02}Z", self.date())
    }

    fn time(self) -> (u64, u64, u64) {
        let seconds = self.0.min(LAST) % DAY;
        (seconds / 3_600, seconds / 60 % 60, seconds % 60)
    }

    /// Year, month from 1, day from 1. Days are counted in eras of 400 years that begin on 1 March, so that the leap day
    /// is the last one of a year (Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`).
    fn civil(self) -> (u64, u64, u64) {
        let days = self.0.min(LAST) / DAY + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let months_since_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
        let month = if months_since_march < 10 { months_since_march + 3 } else { months_since_march - 9 };
        (year_of_era + era * 400 + u64::from(month <= 2), month, day)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((year, month, day), (hours, minutes, _)) = (self.civil(), self.time());
        let month = MONTHS.iter().zip(1..).find(|(_, number)| *number == month).map_or("", |(name, _)| name);
        f.pad(&format!("{day} {month} {year}, {hours:02}:{minutes:02} UTC"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_dates_over_leap_years() {
        let shown = |seconds| Timestamp(seconds).to_string();
        assert_eq!(shown(0), "1 January 1970, 00:00 UTC");
        assert_eq!(shown(951_782_400), "29 February 2000, 00:00 UTC");
        assert_eq!(shown(1_795_407_600), "23 November 2026, 04:20 UTC");
        assert!(shown(u64::MAX).contains("31 December 9999, 23:59"));
    }

    #[test]
    fn dates_for_programs_sort_as_text() {
        assert_eq!(Timestamp(1_795_407_605).rfc3339(), "2026-11-23T04:20:05Z");
        assert_eq!(Timestamp(1_795_407_605).minute(), "2026-11-23 04:20");
        assert_eq!(Timestamp(1_709_164_800).date(), "2024-02-29");
        assert_eq!(Timestamp(1_709_251_200).date(), "2024-03-01");
        assert_eq!(Timestamp(5 * DAY).days_before(2), Timestamp(3 * DAY));
        assert_eq!(Timestamp(DAY).days_before(2), Timestamp(0));
    }
}
