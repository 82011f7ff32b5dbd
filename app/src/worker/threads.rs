//! The thread pool of a worker.

use rayon::ThreadPoolBuilder;

/// What Candle reads to cut its work in as many pieces as the pool has threads.
const VARIABLE: &str = "RAYON_NUM_THREADS";

/// Gives this process so many threads for everything that runs on the process's pool.
///
/// To be called before the process starts its first thread, and once.
pub(super) fn use_threads(threads: usize) {
    // SAFETY: no other thread reads the environment, for there is none yet: a worker asks for its threads in its first line.
    unsafe { std::env::set_var(VARIABLE, threads.to_string()) };
    // Where there is a pool already, or no thread can be had, the answer to the greeting says with how many it goes on.
    let _ = ThreadPoolBuilder::new().num_threads(threads).build_global();
}
