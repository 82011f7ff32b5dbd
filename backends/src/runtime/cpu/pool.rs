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
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

/// Looks at what others have done before it is seen whether they need help: a fraction of a microsecond, since looking at
/// what they have taken slows them down.
const PATIENCE: u32 = 8;
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

/// The items of work of one phase. Each thread starts with a share of its own, the same in every run, and helps the others with
/// theirs where they keep it waiting: mostly no thread touches what another writes. What is done each thread counts for
/// itself, so that nobody waits for a line that others write.
///
/// Counters hold the number of the run that they belong to in their upper half; a counter of an earlier run counts as
/// zero, so nobody needs to reset them.
#[derive(Debug)]
pub struct Items {
    count: usize,
    /// For each thread, how many items of its share are taken.
    taken: Vec<Lone>,
    /// For each thread, how many items it has done, whosever share they are of.
    done: Vec<Lone>,
}

impl Items {
    /// `count` items for `threads` threads; `None` where there are more than can be counted.
    pub fn new(count: usize, threads: usize) -> Option<Self> {
        let threads = threads.max(1);
        // Counters have 32 bits, and shares are cut by products of both.
        if u32::try_from(count).is_err() || count.checked_mul(threads).is_none() {
            return None;
        }
        let counters = || std::iter::repeat_with(Lone::default).take(threads).collect();
        Some(Self { count, taken: counters(), done: counters() })
    }

    /// How many are done in `run`, at least; nothing where a later one has begun with them.
    fn done(&self, run: u32) -> Option<u64> {
        self.done.iter().map(|done| count_in(done.0.load(Ordering::Acquire), run)).sum()
    }
}

/// The items that thread `index` of so many starts with.
pub fn share_of(count: usize, index: usize, threads: usize) -> Range<usize> {
    count * index / threads..count * (index + 1) / threads
}

/// What `counter` says in `run`; nothing where it is already used by a later one.
fn count_in(counter: u64, run: u32) -> Option<u64> {
    match ((counter >> 32) as u32).wrapping_sub(run) as i32 {
        0 => Some(counter & u64::from(u32::MAX)),
        1.. => None,
        _ => Some(0),
    }
}

/// Adds one to `counter` in `run` if it is less than `limit` there, and returns what it was before.
fn take_in(counter: &AtomicU64, run: u32, limit: u64) -> Option<u64> {
    let mut now = counter.load(Ordering::Relaxed);
    loop {
        let count = count_in(now, run).filter(|&count| count < limit)?;
        match counter.compare_exchange_weak(now, of_run(run, count + 1), Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => return Some(count),
            Err(changed) => now = changed,
        }
    }
}

/// A counter that says `count` in `run`.
fn of_run(run: u32, count: u64) -> u64 {
    u64::from(run) << 32 | count
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
    /// Does the items of this thread's share, of which others may have taken some.
    pub fn share(&self, items: &Items, item: impl FnMut(usize)) {
        self.take(items, self.index, item);
    }

    /// Does what is left of a thread's share.
    fn take(&self, items: &Items, share: usize, mut item: impl FnMut(usize)) {
        let threads = items.taken.len();
        let own = share_of(items.count, share, threads);
        let mut done = 0;
        while let Some(taken) = take_in(&items.taken[share].0, self.run, own.len() as u64) {
            item(own.start + taken as usize);
            done += 1;
        }
        if done > 0 {
            // Nobody else writes to this counter, and while an item of this run was not done no later run began.
            let counter = &items.done[self.index].0;
            let before = count_in(counter.load(Ordering::Relaxed), self.run).unwrap_or(0);
            counter.store(of_run(self.run, before + done), Ordering::Release);
        }
    }

    /// Waits until all items of this run are done, and does what others have not begun if that takes long.
    ///
    /// # Errors
    /// Where it will not happen.
    pub fn wait(&self, items: &Items, mut item: impl FnMut(usize)) -> Result<(), Stop> {
        let threads = items.taken.len();
        let mut spins = 0;
        loop {
            match items.done(self.run) {
                Some(done) if done >= items.count as u64 => return Ok(()),
                Some(_) => {}
                None => return Err(Stop::Over),
            }
            if self.shared.panicked.load(Ordering::Relaxed) {
                return Err(Stop::Panicked);
            }
            spins += 1;
            if spins == PATIENCE {
                for share in (self.index + 1..threads).chain(0..self.index) {
                    self.take(items, share, &mut item);
                }
            }
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
