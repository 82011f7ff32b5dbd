use std::sync::Barrier;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use super::*;

/// Phases whose items each count up, and check that the phase before is complete.
struct Count {
    phases: Vec<Items>,
    counts: Vec<AtomicUsize>,
    panics: bool,
}

impl Job for Count {
    fn work(&self, member: &Member<'_>) -> Result<(), Stop> {
        for (phase, items) in self.phases.iter().enumerate() {
            let item = |_| {
                assert!(!(self.panics && phase == 3), "as asked");
                let before = phase.checked_sub(1).map(|before| self.counts[before].load(Ordering::Relaxed));
                assert!(before.is_none_or(|count| count.is_multiple_of(7)));
                self.counts[phase].fetch_add(1, Ordering::Relaxed);
            };
            member.share(items, item);
            member.wait(items, item)?;
        }
        Ok(())
    }
}

fn count(threads: usize, panics: bool) -> Pool<Count> {
    let phases = (0..10).map(|_| Items::new(7, threads).unwrap()).collect();
    let counts = (0..10).map(|_| AtomicUsize::new(0)).collect();
    Pool::new(threads, Count { phases, counts, panics }).unwrap()
}

#[test]
fn every_item_of_every_phase_is_done_once_a_run_and_phases_keep_their_order() {
    for threads in [1, 2, 5] {
        let mut pool = count(threads, false);
        for _ in 0..2000 {
            pool.run().unwrap();
        }
        thread::sleep(Duration::from_millis(20)); // the workers park
        pool.run().unwrap();
        assert!(pool.job().counts.iter().all(|count| count.load(Ordering::Relaxed) == 7 * 2001));
        assert_eq!(pool.threads(), threads);
    }
}

#[test]
fn a_panic_in_any_thread_is_an_error_and_not_a_hang() {
    let mut pool = count(3, true);
    assert_eq!(pool.run(), Err(Panicked));
    assert_eq!(pool.run(), Err(Panicked));
}

#[test]
fn more_items_than_can_be_counted_are_refused() {
    assert!(Items::new(usize::MAX, 1).is_none());
    assert!(Items::new(u32::MAX as usize, usize::MAX).is_none());
    assert!(Items::new(u32::MAX as usize, 1).is_some() && Items::new(0, 0).is_some());
}

/// What a panic carries that panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

/// Something in an item that, when it is unwound through, panics itself and catches that.
struct Nested;

impl Drop for Nested {
    fn drop(&mut self) {
        assert!(catch_unwind(|| panic!("while unwinding")).is_err());
    }
}

/// All threads hold an item of the second phase at once; the culprit panics while the others still write.
struct Fails {
    culprit: usize,
    payload: fn() -> !,
    all_inside: Barrier,
    phases: [Items; 3],
    inside: AtomicUsize,
    written: AtomicUsize,
}

impl Job for Fails {
    fn work(&self, member: &Member<'_>) -> Result<(), Stop> {
        for (phase, items) in self.phases.iter().enumerate() {
            member.share(items, |_| {
                match phase {
                    0 => return,
                    1 => {}
                    // The phase before is never complete.
                    _ => _ = self.written.fetch_add(100, Ordering::SeqCst),
                }
                self.all_inside.wait();
                if member.index == self.culprit {
                    let _nested = Nested;
                    (self.payload)();
                }
                self.inside.fetch_add(1, Ordering::SeqCst);
                // The later threads write longer than the earlier ones wait.
                thread::sleep(Duration::from_millis(40 * (1 + member.index as u64)));
                self.written.fetch_add(1, Ordering::SeqCst);
                self.inside.fetch_sub(1, Ordering::SeqCst);
            });
            // Nobody is waited for before all have taken what is theirs but in the first phase, where nothing is done.
            member.wait(items, |_| {})?;
        }
        Ok(())
    }
}

#[test]
fn a_panic_reaches_the_caller_only_when_no_thread_writes_any_more() {
    const THREADS: usize = 4;
    let payloads: [fn() -> !; 2] = [|| panic!("as asked"), || std::panic::panic_any(Bomb)];
    for culprit in 0..THREADS {
        for payload in payloads {
            let phases = [0; 3].map(|_| Items::new(THREADS, THREADS).unwrap());
            let (inside, written) = Default::default();
            let job = Fails { culprit, payload, all_inside: Barrier::new(THREADS), phases, inside, written };
            let mut pool = Pool::new(THREADS, job).unwrap();
            assert_eq!(pool.run(), Err(Panicked));
            let job = pool.job();
            let now = [&job.inside, &job.written].map(|count| count.load(Ordering::SeqCst));
            assert_eq!(now, [0, THREADS - 1], "thread {culprit} panicked");
            assert_eq!(Arc::strong_count(&pool.job), 1, "every other thread is gone");
            assert_eq!((pool.run(), pool.threads()), (Err(Panicked), THREADS));
        }
    }
}

/// Workers that have nothing to do, and a caller that panics when they sleep.
struct Sleepers;

impl Job for Sleepers {
    fn work(&self, _: &Member<'_>) -> Result<(), Stop> {
        Ok(())
    }
}

#[test]
fn sleeping_threads_are_woken_to_leave_after_a_panic_of_the_caller() {
    let mut pool = Pool::new(3, Sleepers).unwrap();
    pool.run().unwrap();
    let failed = pool.run_led(|_, _| {
        thread::sleep(Duration::from_millis(50)); // the workers park
        panic!("as asked");
    });
    assert_eq!(failed, Err(Panicked));
    assert_eq!(Arc::strong_count(&pool.job), 1);
}

#[test]
fn a_pool_that_fails_while_its_caller_unwinds_already_joins_its_threads_too() {
    struct RunsAtTheEnd(Pool<Count>);
    impl Drop for RunsAtTheEnd {
        fn drop(&mut self) {
            assert!(thread::panicking());
            assert_eq!(self.0.run(), Err(Panicked));
            assert_eq!(Arc::strong_count(&self.0.job), 1);
        }
    }
    let unwound = catch_unwind(|| {
        let _last = RunsAtTheEnd(count(3, true));
        panic!("as asked");
    });
    let payload = unwound.unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"as asked"));
}
