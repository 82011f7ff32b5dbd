//! The threads of one executable: made once, sharing items of work, spinning briefly before they sleep.
//!
//! A run is a few dozen phases of a few microseconds each. A phase is over when its *items* are done, not when all
//! threads have come by: on a busy machine a thread that the system has put aside holds nobody up unless it has taken an
//! item. Such a thread may come back in a later phase or even a later run, so items are handed out by run number and a
//! late thread finds nothing left. Nothing is allocated in a run.

use std::hint;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

/// Spins before a thread that waits for others' items lets others have its core: about 50 us.
const ITEM_SPINS: u32 = 1_500;
/// Spins before a thread that waits for the next run parks: about 200 us.
const RUN_SPINS: u32 = 6_000;

/// Why a thread stops working in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Another thread panicked; the pool is of no more use.
    Panicked,
    /// The others finished the run without this thread.
    Over,
}

/// A thread of the pool panicked, in this run or an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

/// What the threads do.
pub trait Job: Send + Sync + 'static {
    /// One thread's part of a run: the same phases in the same order in every thread.
    ///
    /// # Errors
    /// What [`Member::wait`] returned.
    fn work(&self, member: &Member<'_>) -> Result<(), Stop>;
}

/// A cache line of its own (two, since they are fetched in pairs), so that threads do not take it from one another.
#[repr(align(128))]
#[derive(Debug, Default)]
struct Lone(AtomicU64);

/// The items of work of one phase. Each thread starts with a share of its own, the same in every run, and then helps the
/// others with theirs: mostly no thread touches what another writes.
///
/// Counters hold the number of the run that they belong to in their upper half; a counter of an earlier run counts as
/// zero, so nobody needs to reset them.
#[derive(Debug)]
pub struct Items {
    count: usize,
    /// For each thread, how many items of its share are taken.
    taken: Vec<Lone>,
    done: Lone,
}

impl Items {
    /// `count` items for `threads` threads.
    pub fn new(count: usize, threads: usize) -> Self {
        let taken = std::iter::repeat_with(Lone::default).take(threads.max(1)).collect();
        Self { count, taken, done: Lone::default() }
    }
}

/// What `counter` says in `run`; nothing where it is already used by a later one.
fn count_in(counter: u64, run: u32) -> Option<u64> {
    match ((counter >> 32) as u32).wrapping_sub(run) as i32 {
        0 => Some(counter & u64::from(u32::MAX)),
        1.. => None,
        _ => Some(0),
    }
}

/// Adds to `counter` in `run` if it is less than `limit` there, and returns what it was before.
fn add_in(counter: &AtomicU64, run: u32, amount: u64, limit: u64) -> Option<u64> {
    let mut now = counter.load(Ordering::Relaxed);
    loop {
        let count = count_in(now, run).filter(|&count| count < limit)?;
        let next = u64::from(run) << 32 | (count + amount);
        match counter.compare_exchange_weak(now, next, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => return Some(count),
            Err(changed) => now = changed,
        }
    }
}

/// A thread in a run.
#[derive(Debug)]
pub struct Member<'a> {
    /// From 0, the thread that called [`Pool::run`].
    pub index: usize,
    run: u32,
    shared: &'a Shared,
}

impl Member<'_> {
    /// Does items of this run until none are left.
    pub fn share(&self, items: &Items, mut item: impl FnMut(usize)) {
        let threads = items.taken.len();
        let mut done = 0;
        for share in (self.index..threads).chain(0..self.index) {
            let (first, end) = (items.count * share / threads, items.count * (share + 1) / threads);
            while let Some(taken) = add_in(&items.taken[share].0, self.run, 1, (end - first) as u64) {
                item(first + taken as usize);
                done += 1;
            }
        }
        if done > 0 {
            add_in(&items.done.0, self.run, done, u64::MAX);
        }
    }

    /// Waits until all items of this run are done, whoever does them.
    ///
    /// # Errors
    /// Where that will not happen.
    pub fn wait(&self, items: &Items) -> Result<(), Stop> {
        let mut spins = 0;
        loop {
            match count_in(items.done.0.load(Ordering::Acquire), self.run) {
                Some(done) if done as usize >= items.count => return Ok(()),
                Some(_) => {}
                None => return Err(Stop::Over),
            }
            if self.shared.panicked.load(Ordering::Relaxed) {
                return Err(Stop::Panicked);
            }
            spins += 1;
            if spins < ITEM_SPINS { hint::spin_loop() } else { thread::yield_now() }
        }
    }
}

#[derive(Debug)]
struct Shared {
    /// The number of the run.
    runs: AtomicU32,
    panicked: AtomicBool,
    stop: AtomicBool,
}

/// Threads that do one job, again and again.
pub struct Pool<J: Job> {
    job: Arc<J>,
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

impl<J: Job> Pool<J> {
    /// Starts `threads - 1` threads beside the caller's.
    ///
    /// # Errors
    /// Where the system has no more threads.
    pub fn new(threads: usize, job: J) -> std::io::Result<Self> {
        let shared = Shared { runs: AtomicU32::new(0), panicked: AtomicBool::new(false), stop: AtomicBool::new(false) };
        let mut pool = Self { job: Arc::new(job), shared: Arc::new(shared), workers: Vec::new() };
        for index in 1..threads {
            let (job, shared) = (Arc::clone(&pool.job), Arc::clone(&pool.shared));
            let name = format!("tuned-{index}");
            pool.workers.push(thread::Builder::new().name(name).spawn(move || worker(index, &*job, &shared))?);
        }
        Ok(pool)
    }

    /// Threads, the caller's included.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// What the threads do. Between runs none of them has an item.
    pub fn job(&self) -> &J {
        &self.job
    }

    /// Does the job once. `lead` is the caller's part in place of [`Job::work`]; when it returns, all must be done.
    ///
    /// # Errors
    /// Where a thread panics, now or in an earlier run.
    pub fn run_led(&mut self, lead: impl FnOnce(&J, &Member<'_>) -> Result<(), Stop>) -> Result<(), Panicked> {
        if self.shared.panicked.load(Ordering::Acquire) {
            return Err(Panicked);
        }
        let run = self.start();
        let member = Member { index: 0, run, shared: &self.shared };
        match catch_unwind(AssertUnwindSafe(|| lead(&self.job, &member))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => {
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

    /// Wakes the workers for the next run and returns its number.
    fn start(&self) -> u32 {
        let run = self.shared.runs.fetch_add(1, Ordering::Release).wrapping_add(1);
        for worker in &self.workers {
            // Costs a system call only where the worker is parked.
            worker.thread().unpark();
        }
        run
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
        f.debug_struct("Pool").field("threads", &self.threads()).finish_non_exhaustive()
    }
}

fn worker(index: usize, job: &impl Job, shared: &Shared) {
    let mut seen = 0;
    loop {
        let mut spins = 0;
        let run = loop {
            match shared.runs.load(Ordering::Acquire) {
                run if run != seen => break run,
                _ => spins += 1,
            }
            if spins < RUN_SPINS { hint::spin_loop() } else { thread::park() }
        };
        seen = run;
        if shared.stop.load(Ordering::Acquire) || shared.panicked.load(Ordering::Acquire) {
            return;
        }
        let member = Member { index, run, shared };
        match catch_unwind(AssertUnwindSafe(|| job.work(&member))) {
            Ok(Ok(()) | Err(Stop::Over)) => {}
            Ok(Err(Stop::Panicked)) | Err(_) => {
                shared.panicked.store(true, Ordering::Release);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

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
                member.share(items, |_| {
                    assert!(!(self.panics && phase == 3), "as asked");
                    let before = phase.checked_sub(1).map(|before| self.counts[before].load(Ordering::Relaxed));
                    assert!(before.is_none_or(|count| count.is_multiple_of(7)));
                    self.counts[phase].fetch_add(1, Ordering::Relaxed);
                });
                member.wait(items)?;
            }
            Ok(())
        }
    }

    fn count(threads: usize, panics: bool) -> Pool<Count> {
        let phases = (0..10).map(|_| Items::new(7, threads)).collect();
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
            thread::sleep(std::time::Duration::from_millis(20)); // the workers park
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
}
