//! One slot between two threads: the newest wins.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Holds at most one thing; putting another in drops and counts the one that nobody took.
#[derive(Debug)]
pub struct Mailbox<T> {
    slot: Mutex<Slot<T>>,
    arrived: Condvar,
}

#[derive(Debug)]
struct Slot<T> {
    newest: Option<T>,
    replaced: u64,
    closed: bool,
}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        Self { slot: Mutex::new(Slot { newest: None, replaced: 0, closed: false }), arrived: Condvar::new() }
    }
}

impl<T> Mailbox<T> {
    /// Puts in the newest; what was there and nobody took is dropped and counted.
    pub fn put(&self, item: T) {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        // The old one is freed after the lock is.
        let old = slot.newest.replace(item);
        slot.replaced += u64::from(old.is_some());
        drop(slot);
        self.arrived.notify_one();
    }

    /// Takes the newest, waiting for it up to `patience`; `None` where nothing came or the box was closed.
    #[must_use]
    pub fn take(&self, patience: Duration) -> Option<T> {
        let slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = |slot: &mut Slot<T>| slot.newest.is_none() && !slot.closed;
        let (mut slot, _) =
            self.arrived.wait_timeout_while(slot, patience, empty).unwrap_or_else(PoisonError::into_inner);
        slot.newest.take()
    }

    /// Whether something lies in it.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner).newest.is_some()
    }

    /// How many were dropped because a newer one came before anybody took them.
    #[must_use]
    pub fn replaced(&self) -> u64 {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner).replaced
    }

    /// Whether nothing more will come.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner).closed
    }

    /// Nothing more will come: wakes whoever waits.
    pub fn close(&self) {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.arrived.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_wins_and_the_others_are_counted() {
        let mailbox = Mailbox::default();
        (1..=5).for_each(|item| mailbox.put(item));
        assert_eq!((mailbox.take(Duration::ZERO), mailbox.replaced()), (Some(5), 4));
        assert_eq!(mailbox.take(Duration::ZERO), None);
        mailbox.put(6);
        assert_eq!((mailbox.take(Duration::ZERO), mailbox.replaced()), (Some(6), 4), "taken is not dropped");
    }

    #[test]
    fn a_taker_wakes_when_something_comes_and_when_nothing_will() {
        let mailbox = std::sync::Arc::new(Mailbox::default());
        let taker = std::thread::spawn({
            let mailbox = mailbox.clone();
            move || [(); 2].map(|()| mailbox.take(Duration::from_secs(3600)))
        });
        mailbox.put("frame");
        while std::sync::Arc::strong_count(&mailbox) > 1 {
            mailbox.close();
            std::thread::yield_now();
        }
        let taken = taker.join().unwrap();
        assert!(taken[0] == Some("frame") && taken[1].is_none(), "{taken:?}");
    }
}
