//! The end of what a child process writes to its error output: what it said last, where it ends too early.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;

/// Bytes that are kept.
const MOST: usize = 4096;

/// What was said so far; clones are of the same process.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastWords(Arc<Heard>);

#[derive(Debug, Default)]
struct Heard {
    said: Mutex<Vec<u8>>,
    is_over: AtomicBool,
}

impl LastWords {
    /// Listens to the end, on a thread of this name.
    ///
    /// # Errors
    /// Where the system has no thread left.
    pub fn listen(&self, errors: impl Read + Send + 'static, thread: &str) -> io::Result<()> {
        let this = self.clone();
        Builder::new().name(thread.into()).spawn(move || this.keep(errors)).map(drop)
    }

    /// Whether nothing more will be said. A process may have ended before its last words were read; where it leaves a
    /// child behind, they may never be over.
    pub fn are_over(&self) -> bool {
        self.0.is_over.load(Ordering::Acquire)
    }

    /// How a process ended, with what it said last.
    pub fn behind(&self, ended: String) -> String {
        let said = String::from_utf8_lossy(&self.lock()).trim().to_owned();
        if said.is_empty() { ended } else { format!("{ended}: {said}") }
    }

    fn keep(&self, mut errors: impl Read) {
        let mut chunk = [0; 1024];
        while let Ok(read @ 1..) = errors.read(&mut chunk) {
            let mut said = self.lock();
            said.extend_from_slice(chunk.get(..read).unwrap_or_default());
            let excess = said.len().saturating_sub(MOST);
            said.drain(..excess);
        }
        self.0.is_over.store(true, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_kept_and_silence_adds_nothing() {
        let words = LastWords::default();
        assert_eq!(words.behind("signal: 6".into()), "signal: 6");
        assert!(!words.are_over());
        let said = [vec![b'x'; 10_000], b" the end\n".to_vec()].concat();
        words.keep(said.as_slice());
        assert!(words.are_over());
        let told = words.behind("signal: 6".into());
        assert!(told.starts_with("signal: 6: x") && told.ends_with("x the end"), "{told}");
        assert_eq!(told.len(), "signal: 6: ".len() + MOST - 1, "without the line's end");
    }
}
