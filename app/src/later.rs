//! A computation on a thread of its own, for an owner who must not wait: it looks for the result when it is woken.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::Builder;

use crate::panic_text;

type Work<T> = Box<dyn FnOnce() -> T + Send>;

/// At most one computation at work and one that waits. The newest wins: it takes the place of the one that waits, and its
/// result that of an older one which nobody has taken. Dropping this drops what waits and what will come of the one at
/// work, without waiting for it.
pub(crate) struct Later<T> {
    desk: Arc<Mutex<Desk<T>>>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

struct Desk<T> {
    is_working: bool,
    waiting: Option<Work<T>>,
    result: Option<Result<T, String>>,
}

impl<T: Send + 'static> Later<T> {
    /// Nothing to do yet; `wake` is called from another thread whenever a result is there.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        let desk = Desk { is_working: false, waiting: None, result: None };
        Self { desk: Arc::new(Mutex::new(desk)), wake: Arc::new(wake) }
    }

    /// Computes this next.
    pub fn start(&self, work: impl FnOnce() -> T + Send + 'static) {
        let mut desk = lock(&self.desk);
        if desk.is_working {
            desk.waiting = Some(Box::new(work));
            return;
        }
        let (back, wake) = (Arc::downgrade(&self.desk), self.wake.clone());
        match Builder::new().name("later".into()).spawn(move || run(Box::new(work), &back, &*wake)) {
            Ok(_) => desk.is_working = true,
            Err(error) => {
                desk.result = Some(Err(format!("no thread can be started to compute it: {error}")));
                drop(desk);
                (self.wake)();
            }
        }
    }

    /// The newest result that is there, once. Where the computation panicked, what it said.
    pub fn take(&self) -> Option<Result<T, String>> {
        lock(&self.desk).result.take()
    }

    /// Whether a result is on its way, or there and not taken.
    pub fn is_pending(&self) -> bool {
        let desk = lock(&self.desk);
        desk.is_working || desk.result.is_some()
    }
}

impl<T> std::fmt::Debug for Later<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Later").finish_non_exhaustive()
    }
}

/// Computes until nothing waits, or nobody wants it any more.
fn run<T>(mut work: Work<T>, desk: &Weak<Mutex<Desk<T>>>, wake: &(dyn Fn() + Send + Sync)) {
    loop {
        let result = catch_unwind(AssertUnwindSafe(work));
        let Some(desk) = desk.upgrade() else { return };
        let next = lock(&desk).finish(result.map_err(|panic| format!("it panicked: {}", panic_text(&*panic))));
        wake();
        match next {
            Some(next) => work = next,
            None => return,
        }
    }
}

impl<T> Desk<T> {
    /// Takes a result and gives out what waits.
    fn finish(&mut self, result: Result<T, String>) -> Option<Work<T>> {
        self.result = Some(result);
        let next = self.waiting.take();
        self.is_working = next.is_some();
        next
    }
}

fn lock<T>(desk: &Mutex<Desk<T>>) -> MutexGuard<'_, Desk<T>> {
    // Nothing panics while it is held.
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    use super::*;

    /// Generous: only a hang fails it.
    const PATIENCE: Duration = Duration::from_secs(60);

    /// One that is woken, and how it is told.
    fn later<T: Send + 'static>() -> (Later<T>, Receiver<()>) {
        let (woken, wakes) = channel();
        (Later::new(move || woken.send(()).unwrap_or_default()), wakes)
    }

    /// A computation that says when it begins, and ends with `result` when it is told to.
    fn held(result: u32) -> (impl FnOnce() -> u32 + Send, Receiver<()>, Sender<()>) {
        let ((begun, begins), (go_on, going_on)) = (channel(), channel());
        let work = move || {
            let _ = begun.send(());
            let _ = going_on.recv_timeout(PATIENCE);
            result
        };
        (work, begins, go_on)
    }

    #[test]
    fn it_is_computed_elsewhere_and_taken_once_when_its_owner_is_woken() {
        let (later, wakes) = later();
        later.start(|| std::thread::current().id());
        assert!(later.is_pending());
        wakes.recv_timeout(PATIENCE).unwrap();
        assert!(later.is_pending(), "nobody has taken it");
        assert_ne!(later.take().unwrap().unwrap(), std::thread::current().id());
        assert!(later.take().is_none() && !later.is_pending());
    }

    #[test]
    fn a_panic_is_an_error_with_what_it_said_and_the_next_one_is_computed() {
        let (later, wakes) = later();
        later.start(|| panic!("no rounds of {}", "row 3"));
        wakes.recv_timeout(PATIENCE).unwrap();
        assert_eq!(later.take(), Some(Err("it panicked: no rounds of row 3".into())));
        later.start(|| 7);
        wakes.recv_timeout(PATIENCE).unwrap();
        assert_eq!(later.take(), Some(Ok(7)));
    }

    #[test]
    fn of_those_that_wait_only_the_newest_is_computed() {
        let (later, wakes) = later();
        let (work, begins, go_on) = held(1);
        later.start(work);
        begins.recv_timeout(PATIENCE).unwrap();
        later.start(|| panic!("a newer one has replaced it"));
        later.start(|| 3);
        go_on.send(()).unwrap();
        (0..2).for_each(|_| wakes.recv_timeout(PATIENCE).unwrap());
        assert_eq!(later.take(), Some(Ok(3)), "nobody took the first");
        assert!(!later.is_pending() && wakes.try_recv().is_err());
    }

    #[test]
    fn dropping_it_waits_for_nothing_and_drops_what_waits_and_what_comes() {
        struct Told(Sender<&'static str>, &'static str);
        impl Drop for Told {
            fn drop(&mut self) {
                let _ = self.0.send(self.1);
            }
        }
        let (dropped, drops) = channel();
        let (later, wakes) = later();
        let (work, begins, go_on) = held(1);
        let of_work = dropped.clone();
        later.start(move || {
            work();
            Told(of_work, "the result")
        });
        begins.recv_timeout(PATIENCE).unwrap();
        let waiting = Told(dropped, "what waited");
        later.start(move || waiting);
        drop(later);
        assert_eq!(drops.recv_timeout(PATIENCE), Ok("what waited"));
        go_on.send(()).unwrap();
        assert_eq!(drops.recv_timeout(PATIENCE), Ok("the result"));
        assert!(wakes.recv_timeout(PATIENCE).is_err(), "nobody is woken: the thread has let go");
    }
}
