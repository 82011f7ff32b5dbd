//! What gets in the way of a run from outside, as others count it: never guessed from how long the run took.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::samples::Discard;

/// Counts what may disturb a run.
pub trait Watch {
    /// The counts up to now.
    fn read(&mut self) -> Counts;
}

/// What has happened up to some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How often the system took a core away from this process; `None` where it does not count that.
    pub preemptions: Option<u64>,
    /// Beginnings and ends of repaints of the window: an odd number while it paints.
    pub repaints: u64,
}

impl Counts {
    /// What got in the way of a run between these counts and `after`.
    #[must_use]
    pub fn cause_until(&self, after: &Self) -> Option<Discard> {
        if self.preemptions != after.preemptions {
            Some(Discard::Preempted)
        } else if self.repaints != after.repaints || !self.repaints.is_multiple_of(2) {
            Some(Discard::Repaint)
        } else {
            None
        }
    }
}

/// The operating system's own counters, and what the window tells of its repaints.
#[derive(Clone, Debug, Default)]
pub struct SystemWatch {
    repaints: Arc<AtomicU64>,
}

impl SystemWatch {
    /// Where the window's repaints are counted: one more at the beginning and at the end of each.
    #[must_use]
    pub fn repaints(&self) -> Arc<AtomicU64> {
        self.repaints.clone()
    }
}

impl Watch for SystemWatch {
    fn read(&mut self) -> Counts {
        Counts { preemptions: involuntary_switches(), repaints: self.repaints.load(Ordering::Acquire) }
    }
}

/// Involuntary context switches of all threads of this process.
#[cfg(unix)]
fn involuntary_switches() -> Option<u64> {
    use nix::sys::resource::{UsageWho, getrusage};
    u64::try_from(getrusage(UsageWho::RUSAGE_SELF).ok()?.involuntary_context_switches()).ok()
}

/// Windows counts them for threads only, in its performance counters.
#[cfg(not(unix))]
fn involuntary_switches() -> Option<u64> {
    None
}

/// Nothing ever gets in the way: for what is not measured to be shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Undisturbed;

impl Watch for Undisturbed {
    fn read(&mut self) -> Counts {
        Counts::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_disturbed_by_what_was_counted_meanwhile() {
        let counts = |preemptions, repaints| Counts { preemptions: Some(preemptions), repaints };
        assert_eq!(counts(5, 2).cause_until(&counts(5, 2)), None);
        assert_eq!(counts(5, 2).cause_until(&counts(6, 2)), Some(Discard::Preempted));
        assert_eq!(counts(5, 2).cause_until(&counts(5, 4)), Some(Discard::Repaint));
        assert_eq!(counts(5, 3).cause_until(&counts(5, 3)), Some(Discard::Repaint), "it paints all the time");
        assert_eq!(Counts::default().cause_until(&Counts::default()), None, "unknown is no cause");
    }

    #[cfg(unix)]
    #[test]
    fn the_system_counts_this_process_being_put_aside() {
        // More threads than cores that all compute: the system has to take cores away.
        let mut watch = SystemWatch::default();
        let before = watch.read().preemptions.unwrap();
        let threads = 2 * std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let start = std::time::Instant::now();
                    while start.elapsed().as_millis() < 200 {
                        std::hint::spin_loop();
                    }
                });
            }
        });
        assert!(watch.read().preemptions.unwrap() > before);
    }

    #[test]
    fn the_window_tells_of_its_repaints() {
        let mut watch = SystemWatch::default();
        watch.repaints().fetch_add(1, Ordering::AcqRel);
        assert_eq!(watch.clone().read().repaints, 1);
        assert_eq!(watch.read().cause_until(&watch.clone().read()), Some(Discard::Repaint));
    }
}
