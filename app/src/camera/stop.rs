//! Telling a thread to stop, and sleeping so that it hears it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Raised once, heard by every clone.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// Not raised yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells everybody to stop, and wakes those that sleep.
    pub fn raise(&self) {
        let (raised, heard) = &*self.0;
        *raised.lock().unwrap_or_else(PoisonError::into_inner) = true;
        heard.notify_all();
    }

    /// Whether it is time to stop.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps for `time`, or until it is raised; whether it is.
    #[must_use]
    pub fn sleep(&self, time: Duration) -> bool {
        let (raised, heard) = &*self.0;
        let raised = raised.lock().unwrap_or_else(PoisonError::into_inner);
        let (raised, _) =
            heard.wait_timeout_while(raised, time, |raised| !*raised).unwrap_or_else(PoisonError::into_inner);
        *raised
    }
}

/// Keeps a rate: one turn per interval, and no burst after a pause.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    due: Option<Instant>,
}

impl Pace {
    pub(crate) fn new(interval: impl Into<Duration>) -> Self {
        Self { interval: interval.into(), due: None }
    }

    /// Sleeps until the next turn; whether it is time to stop. The first turn is at once.
    pub(crate) fn wait(&mut self, stop: &Stop) -> bool {
        let now = Instant::now();
        let due = self.due.unwrap_or(now);
        let stopped = stop.sleep(due.saturating_duration_since(now));
        self.due = Some((due + self.interval).max(Instant::now()));
        stopped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raising_ends_every_sleep_at_once() {
        let stop = Stop::new();
        let sleeper = std::thread::spawn({
            let stop = stop.clone();
            move || stop.sleep(Duration::from_secs(3600))
        });
        assert!(!stop.is_raised());
        stop.raise();
        assert!(sleeper.join().unwrap());
        assert!(stop.is_raised() && stop.sleep(Duration::from_secs(3600)));
    }

    #[test]
    fn a_pace_hears_the_stop() {
        let (stop, mut pace) = (Stop::new(), Pace::new(Duration::from_secs(3600)));
        assert!(!pace.wait(&stop), "the first turn is at once");
        stop.raise();
        assert!(pace.wait(&stop));
    }
}
