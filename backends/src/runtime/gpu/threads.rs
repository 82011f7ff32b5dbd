//! Compiling on several threads.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does `work` for every item, on as many threads as there are cores, but at most `most`. Where one thread is all there
/// would be it does nothing: what is needed is made when it is asked for.
pub(in crate::runtime) fn on_threads<T: Sync>(items: &[T], most: usize, work: impl Fn(&T) + Sync) {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(most).min(items.len());
    if threads < 2 {
        return;
    }
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(item);
                }
            });
        }
    });
}
