//! How long to wait before trying again.

use std::time::Duration;

/// Waits that double from a quarter of a second to five seconds, until something works again.
#[derive(Debug)]
pub(super) struct BackOff {
    next: Duration,
}

impl BackOff {
    const FIRST: Duration = Duration::from_millis(250);
    const LONGEST: Duration = Duration::from_secs(5);

    pub(super) const fn new() -> Self {
        Self { next: Self::FIRST }
    }

    /// The wait before the next try.
    pub(super) fn delay(&mut self) -> Duration {
        let delay = self.next;
        self.next = (delay * 2).min(Self::LONGEST);
        delay
    }

    /// It worked: the next failure waits briefly again.
    pub(super) fn reset(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_five_seconds_and_start_over_after_success() {
        let mut back_off = BackOff::new();
        let waits: Vec<u128> = (0..7).map(|_| back_off.delay().as_millis()).collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 5000, 5000]);
        back_off.reset();
        assert_eq!(back_off.delay(), BackOff::FIRST);
    }
}
