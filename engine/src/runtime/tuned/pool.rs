//! The threads of one executable: made once, meeting at barriers, spinning briefly before they sleep.
//!
//! A run is a few dozen phases of a few microseconds each, so threads meet by spinning on a counter. Between runs they
//! spin a little longer (the next run usually follows at once) and then park. Nothing is allocated in a run.

use std::hint;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

/// Spins before a thread that waits at a barrier lets others have its core: about 50 us.
const BARRIER_SPINS: u32 = 1_500;
/// Spins before a thread that waits for the next run parks: about 200 us.
const RUN_SPINS: u32 = 6_000;

/// A thread of the pool panicked; the pool is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

/// What every thread does in a run.
pub trait Job: Send + Sync + 'static {
    /// One thread's part, with its own `local` state.
    ///
    /// # Errors
    /// What [`Member::meet`] returned.
    fn work(&self, member: &mut Member<'_>) -> Result<(), Panicked>;
}

/// A thread in a run.
#[derive(Debug)]
pub struct Member<'a> {
    /// From 0, the thread that called [`Pool::run`].
    pub index: usize,
    shared: &'a Shared,
    /// Arrivals at which the barrier that comes next opens.
    opens_at: &'a mut usize,
}

impl Member<'_> {
    /// Waits until all threads are here.
    ///
    /// # Errors
    /// Where another thread has panicked and will not come.
    pub fn meet(&mut self) -> Result<(), Panicked> {
        let shared = self.shared;
        *self.opens_at = self.opens_at.wrapping_add(shared.threads);
        shared.arrived.fetch_add(1, Ordering::AcqRel);
        let mut spins = 0;
        // The difference stays small, so wrapping around is harmless.
        while (shared.arrived.load(Ordering::Acquire).wrapping_sub(*self.opens_at) as isize) < 0 {
            if shared.panicked.load(Ordering::Relaxed) {
                return Err(Panicked);
            }
            spins += 1;
            if spins < BARRIER_SPINS { hint::spin_loop() } else { thread::yield_now() }
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Shared {
    threads: usize,
    /// Runs started; odd jobs such as stopping count as one.
    runs: AtomicUsize,
    arrived: AtomicUsize,
    panicked: AtomicBool,
    stop: AtomicBool,
}

/// Threads that do one job, again and again.
pub struct Pool<J: Job> {
    job: Arc<J>,
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    opens_at: usize,
}

impl<J: Job> Pool<J> {
    /// Starts `threads - 1` threads beside the caller's.
    ///
    /// # Errors
    /// Where the system has no more threads.
    pub fn new(threads: usize, job: J) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            threads: threads.max(1),
            runs: AtomicUsize::new(0),
            arrived: AtomicUsize::new(0),
            panicked: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        });
        let mut pool = Self { job: Arc::new(job), shared, workers: Vec::new(), opens_at: 0 };
        for index in 1..threads {
            let (job, shared) = (Arc::clone(&pool.job), Arc::clone(&pool.shared));
            let name = format!("tuned-{index}");
            pool.workers.push(thread::Builder::new().name(name).spawn(move || worker(index, &*job, &shared))?);
        }
        Ok(pool)
    }

    /// Threads, the caller's included.
    pub fn threads(&self) -> usize {
        self.shared.threads
    }

    /// What the threads do. Between runs nobody but the caller touches it.
    pub fn job(&self) -> &J {
        &self.job
    }

    /// Does the job once on all threads. `lead` is the caller's part in place of [`Job::work`].
    ///
    /// # Errors
    /// Where a thread panics, now or in an earlier run.
    pub fn run_led(&mut self, lead: impl FnOnce(&J, &mut Member<'_>) -> Result<(), Panicked>) -> Result<(), Panicked> {
        if self.shared.panicked.load(Ordering::Acquire) {
            return Err(Panicked);
        }
        self.start();
        let mut member = Member { index: 0, shared: &self.shared, opens_at: &mut self.opens_at };
        let job = &*self.job;
        let outcome = catch_unwind(AssertUnwindSafe(|| lead(job, &mut member).and_then(|()| member.meet())));
        match outcome {
            Ok(outcome) => outcome,
            Err(_) => {
                self.shared.panicked.store(true, Ordering::Release);
                Err(Panicked)
            }
        }
    }

    /// Does the job once on all threads.
    ///
    /// # Errors
    /// As [`run_led`](Self::run_led).
    pub fn run(&mut self) -> Result<(), Panicked> {
        self.run_led(|job, member| job.work(member))
    }

    fn start(&self) {
        self.shared.runs.fetch_add(1, Ordering::Release);
        for worker in &self.workers {
            // Costs a system call only where the worker is parked.
            worker.thread().unpark();
        }
    }
}

impl<J: Job> Drop for Pool<J> {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.start();
        for worker in self.workers.drain(..) {
            // A worker's panic was caught and reported by the run it happened in.
            let _ = worker.join();
        }
    }
}

impl<J: Job> std::fmt::Debug for Pool<J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("threads", &self.shared.threads).finish_non_exhaustive()
    }
}

fn worker(index: usize, job: &impl Job, shared: &Shared) {
    let (mut seen, mut opens_at) = (0, 0);
    loop {
        let mut spins = 0;
        while shared.runs.load(Ordering::Acquire) == seen {
            spins += 1;
            if spins < RUN_SPINS { hint::spin_loop() } else { thread::park() }
        }
        seen = seen.wrapping_add(1);
        if shared.stop.load(Ordering::Acquire) || shared.panicked.load(Ordering::Acquire) {
            return;
        }
        let mut member = Member { index, shared, opens_at: &mut opens_at };
        let outcome = catch_unwind(AssertUnwindSafe(|| job.work(&mut member).and_then(|()| member.meet())));
        if !matches!(outcome, Ok(Ok(()))) {
            shared.panicked.store(true, Ordering::Release);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Count {
        hits: [AtomicUsize; 3],
        panics_in: Option<usize>,
    }

    impl Job for Count {
        fn work(&self, member: &mut Member<'_>) -> Result<(), Panicked> {
            for _ in 0..10 {
                self.hits[member.index].fetch_add(1, Ordering::Relaxed);
                member.meet()?;
                assert!(self.panics_in != Some(member.index), "as asked");
                let hits: Vec<_> = self.hits.iter().map(|hits| hits.load(Ordering::Relaxed)).collect();
                assert!(hits.iter().all(|&h| h == hits[0]), "{hits:?}");
                member.meet()?;
            }
            Ok(())
        }
    }

    fn count(panics_in: Option<usize>) -> Pool<Count> {
        Pool::new(3, Count { hits: Default::default(), panics_in }).unwrap()
    }

    #[test]
    fn all_threads_do_every_run_and_meet_at_every_barrier() {
        let mut pool = count(None);
        for _ in 0..50 {
            pool.run().unwrap();
        }
        thread::sleep(std::time::Duration::from_millis(20)); // the workers park
        pool.run().unwrap();
        assert!(pool.job().hits.iter().all(|hits| hits.load(Ordering::Relaxed) == 510));
    }

    #[test]
    fn a_panic_in_any_thread_is_an_error_and_not_a_hang() {
        for thread in 0..3 {
            let mut pool = count(Some(thread));
            assert_eq!(pool.run(), Err(Panicked));
            assert_eq!(pool.run(), Err(Panicked));
        }
    }

    #[test]
    fn one_thread_needs_no_others() {
        struct Alone;
        impl Job for Alone {
            fn work(&self, member: &mut Member<'_>) -> Result<(), Panicked> {
                member.meet()
            }
        }
        let mut pool = Pool::new(1, Alone).unwrap();
        pool.run().unwrap();
        assert_eq!(pool.threads(), 1);
    }
}
