//! Waiting for something that is told.

use std::time::{Duration, Instant};

/// Polls until `wanted` picks something out of what came, or a panic when `patience` is over.
pub fn wait_for<E, T>(
    patience: Duration,
    mut poll: impl FnMut() -> Vec<E>,
    mut wanted: impl FnMut(E) -> Option<T>,
) -> T {
    let start = Instant::now();
    while start.elapsed() < patience {
        if let Some(found) = poll().into_iter().find_map(&mut wanted) {
            return found;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("nothing came within {patience:?}");
}
