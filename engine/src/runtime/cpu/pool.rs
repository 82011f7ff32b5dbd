//! The threads of one executable: made once, sharing items of work, spinning briefly before they sleep.
//!
//! A run is a few dozen phases of a few microseconds each. A phase is over when its *items* are done, not when all
//! threads have come by: on a busy machine a thread that the system has put aside holds nobody up unless it has taken an
//! item. Such a thread may come back in a later phase or even a later run, so items are handed out by run number and a
//! late thread finds nothing left. Nothing is allocated in a run.
//!
//! Where a thread panics, the others epilogue the items that they have, find that the phase will never be complete and
//! leave. The caller hears of it only when all have left for good: nobody writes any more, whatever it then reads or
//! frees. A pool that this happened to runs nothing again.

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
    /// `count` items for `threads` threads; `None` where there are more than can be counted.
    pub fn new(count: usize, threads: usize) -> Option<Self> {
        let threads = threads.max(1);
        // Counters have 32 bits, and shares are cut by products of both.
        if u32::try_from(count).is_err() || count.checked_mul(threads).is_none() {
            return None;
        }
        let taken = std::iter::repeat_with(Lone::default).take(threads).collect();
        Some(Self { count, taken, done: Lone::default() })
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
    threads: usize,
    /// None are left after a panic.
    workers: Vec<JoinHandle<()>>,
}

impl<J: Job> Pool<J> {
    /// Starts `threads - 1` threads beside the caller's.
    ///
    /// # Errors
    /// Where the system has no more threads.
    pub fn new(threads: usize, job: J) -> std::io::Result<Self> {
        let shared = Shared { runs: AtomicU32::new(0), panicked: AtomicBool::new(false), stop: AtomicBool::new(false) };
        let threads = threads.max(1);
        let mut pool = Self { job: Arc::new(job), shared: Arc::new(shared), threads, workers: Vec::new() };
        for index in 1..threads {
            let (job, shared) = (Arc::clone(&pool.job), Arc::clone(&pool.shared));
            let name = format!("tuned-{index}");
            pool.workers.push(thread::Builder::new().name(name).spawn(move || worker(index, &*job, &shared))?);
        }
        Ok(pool)
    }

    /// Threads, the caller's included.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// What the threads do. Between runs none of them has an item, also after one that failed.
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
        match caught(|| lead(&self.job, &member)) {
            Ok(()) => Ok(()),
            Err(_) => {
                self.shared.panicked.store(true, Ordering::Release);
                self.join();
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

    /// Waits until every worker has left for good; those that sleep are woken for it.
    fn join(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.start();
        for worker in self.workers.drain(..) {
            // A worker's panic was caught and reported by the run it happened in.
            let _ = worker.join();
        }
    }
}

impl<J: Job> Drop for Pool<J> {
    fn drop(&mut self) {
        self.join();
    }
}

impl<J: Job> std::fmt::Debug for Pool<J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("threads", &self.threads()).finish_non_exhaustive()
    }
}

/// What `work` returns, or that it panicked.
fn caught(work: impl FnOnce() -> Result<(), Stop>) -> Result<(), Stop> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        // The panic hook has told it. A message is dropped; to drop anything else could panic again, past everything that
        // waits for this thread.
        if !payload.is::<&str>() && !payload.is::<String>() {
            std::mem::forget(payload);
        }
        Err(Stop::Panicked)
    })
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
        match caught(|| job.work(&member)) {
            Ok(()) | Err(Stop::Over) => {}
            Err(Stop::Panicked) => {
                shared.panicked.store(true, Ordering::Release);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
